//! `ds:KeyInfo`: never trusted, only looked at to say more about a signature that no trusted key made.
//!
//! No signature covers it. So it holds only what XML Signature itself puts there; a document could hide in it otherwise,
//! for a reader who searches by names.

use super::{
    reference::base64,
    signature::DS,
    tree::{Element, malformed},
};
use crate::verify::VerifyError;

const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";

/// The elements that may stand in it. Not `RetrievalMethod` and `KeyInfoReference`, which point elsewhere, nor
/// `MgmtData`, `PGPData` and `SPKIData`.
const KNOWN: &[(&str, &str)] = &[
    (DS, "KeyInfo"),
    (DS, "KeyName"),
    (DS, "KeyValue"),
    (DS, "RSAKeyValue"),
    (DS, "Modulus"),
    (DS, "Exponent"),
    (DSIG11, "ECKeyValue"),
    (DSIG11, "NamedCurve"),
    (DSIG11, "PublicKey"),
    (DSIG11, "DEREncodedKeyValue"),
    (DS, "X509Data"),
    (DS, "X509Certificate"),
    (DS, "X509IssuerSerial"),
    (DS, "X509IssuerName"),
    (DS, "X509SerialNumber"),
    (DS, "X509SubjectName"),
    (DS, "X509SKI"),
    (DS, "X509CRL"),
    (DSIG11, "X509Digest"),
];

/// Checks a `KeyInfo` and returns the certificates in it, in DER.
pub(super) fn read(element: &Element) -> Result<Vec<Vec<u8>>, VerifyError> {
    let mut fault = None;
    let mut certificates = Vec::new();
    element.walk(&mut |element| {
        let checked = check(element).and_then(|()| match element.is(DS, "X509Certificate") {
            true => base64(element).map(|der| certificates.push(der)),
            false => Ok(()),
        });
        fault = fault.take().or(checked.err());
    });
    fault.map_or(Ok(certificates), Err)
}

fn check(element: &Element) -> Result<(), VerifyError> {
    if !KNOWN.iter().any(|(uri, local)| element.is(uri, local)) {
        return Err(malformed("keys and certificates in KeyInfo", element.name()));
    }
    element.only_attributes(&["Id", "URI", "Algorithm"])?;
    // Either text or elements, so that nothing is said in between.
    element.text().map(drop).or_else(|_| element.elements().map(drop))
}
