//! XAdES (ETSI EN 319 132-1): the one thing that may be signed beside the document, as EU trusted lists do.
//!
//! `ds:Object` holds `QualifyingProperties` and nothing else. Its signed properties are digested and compared. What is
//! not signed in it, such as time stamps, may be there but has no meaning here, and no other vocabulary in it.

use super::{
    signature::DS,
    tree::{Element, malformed},
};
use crate::verify::VerifyError;

const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
const XADES141: &str = "http://uri.etsi.org/01903/v1.4.1#";

/// The way from `ds:Object` to the signed properties, and their Id.
pub(super) struct SignedProperties<'a> {
    pub(super) path: [&'a Element; 3],
    pub(super) id: &'a str,
}

/// Checks a `ds:Object` of the signature with this Id.
pub(super) fn read<'a>(object: &'a Element, signature: Option<&str>) -> Result<SignedProperties<'a>, VerifyError> {
    const EXPECTED: &str = "XAdES QualifyingProperties of this signature in Object";
    object.only_attributes(&["Id", "MimeType", "Encoding"])?;
    let elements = object.elements()?;
    let [qualifying] = elements.as_slice() else { return Err(malformed(EXPECTED, "something else")) };
    if !qualifying.is(XADES, "QualifyingProperties") {
        return Err(malformed(EXPECTED, qualifying.name()));
    }
    qualifying.only_attributes(&["Id", "Target"])?;
    let target = qualifying.tag.attribute("Target").and_then(|target| target.strip_prefix('#'));
    if target.is_none() || target != signature {
        return Err(malformed(EXPECTED, "those of another"));
    }
    let elements = qualifying.elements()?;
    let (signed, unsigned) = match elements.as_slice() {
        [signed] => (*signed, None),
        [signed, unsigned] if unsigned.is(XADES, "UnsignedProperties") => (*signed, Some(*unsigned)),
        _ => return Err(malformed(EXPECTED, "something else in them")),
    };
    let id = match signed.tag.attribute("Id") {
        Some(id) if signed.is(XADES, "SignedProperties") => id,
        _ => return Err(malformed("SignedProperties with an Id", signed.name())),
    };
    if let Some(unsigned) = unsigned {
        let mut stranger = None;
        unsigned.walk(&mut |element| {
            if ![DS, XADES, XADES141].contains(&&*element.uri) {
                stranger = stranger.or(Some(element.name()));
            }
        });
        if let Some(name) = stranger {
            return Err(malformed("only XAdES in UnsignedProperties", name));
        }
    }
    Ok(SignedProperties { path: [object, qualifying, signed], id })
}
