//! DER: SubjectPublicKeyInfo (RFC 5280, section 4.1), an X.509 certificate, or an RSA key as PKCS#1 writes it.

use der::{AnyRef, Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _};
use x509_cert::{Certificate, time::Time};

use crate::{
    time::Timestamp,
    trust::{
        key::KeyError,
        known::{Known, damaged},
    },
};

/// All of them are an ASN.1 `SEQUENCE`.
pub(super) fn begins(file: &[u8]) -> bool {
    file.first() == Some(&0x30)
}

pub(super) fn read(file: &[u8]) -> Result<Known, KeyError> {
    let elements = elements(file).ok_or(KeyError::UnknownForm)?;
    match elements.as_slice() {
        [Tag::Sequence, Tag::BitString] => Known::spki_der(file, "public key"),
        [Tag::Integer, Tag::Integer] => Known::rsa_der(file, "RSA public key"),
        [Tag::Sequence, Tag::Sequence, Tag::BitString] => {
            let certificate = Certificate::from_der(file).map_err(|error| damaged("certificate", error))?;
            from_certificate(&certificate, file.to_vec())
        }
        // PKCS#8 and SEC 1; PKCS#8 with a password; PKCS#1, which has nine numbers.
        [Tag::Integer, Tag::Sequence | Tag::OctetString, ..]
        | [Tag::Sequence, Tag::OctetString]
        | [Tag::Integer, Tag::Integer, Tag::Integer, Tag::Integer, Tag::Integer, Tag::Integer, ..] => {
            Err(KeyError::PrivateKey)
        }
        _ => Err(KeyError::UnknownForm),
    }
}

/// The key in a certificate, which `der` is the whole of.
pub(super) fn from_certificate(certificate: &Certificate, der: Vec<u8>) -> Result<Known, KeyError> {
    let tbs = certificate.tbs_certificate();
    let spki = tbs.subject_public_key_info().to_der().map_err(|error| damaged("certificate", error))?;
    let moment = |time: &Time| {
        let millis = time.to_unix_duration().as_millis();
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    };
    let validity = (moment(&tbs.validity().not_before), moment(&tbs.validity().not_after));
    Ok(Known::spki_der(&spki, "certificate")?.with_certificate(der, validity))
}

/// What the elements of a `SEQUENCE` are, if it can be read to its end and nothing follows.
fn elements(der: &[u8]) -> Option<Vec<Tag>> {
    let mut outer = SliceReader::new(der).ok()?;
    let mut elements = Vec::new();
    let read = outer.sequence(|reader| {
        while !reader.is_finished() {
            elements.push(AnyRef::decode(reader)?.tag());
        }
        Ok::<_, der::Error>(())
    });
    (read.is_ok() && outer.is_finished()).then_some(elements)
}
