//! DER: SubjectPublicKeyInfo (RFC 5280, section 4.1), an X.509 certificate, or an RSA key as PKCS#1 writes it.

use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag};
use x509_cert::{Certificate, spki::SubjectPublicKeyInfoRef, time::Time};

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
    if SubjectPublicKeyInfoRef::from_der(file).is_ok() {
        return Known::spki_der(file, "public key");
    }
    match numbers(file) {
        Some(2) => return Known::rsa_der(file, "RSA public key"),
        // Every private key begins with a version, and something that is no number or many numbers follow.
        Some(_) => return Err(KeyError::PrivateKey),
        None => {}
    }
    let certificate = Certificate::from_der(file).map_err(|_| KeyError::UnknownForm)?;
    from_certificate(&certificate, file.to_vec())
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

/// With how many whole numbers a `SEQUENCE` begins, if it does begin with one and can be read to its end.
fn numbers(der: &[u8]) -> Option<usize> {
    let mut outer = SliceReader::new(der).ok()?;
    let mut count = 0;
    let mut only_numbers = true;
    let read = outer.sequence(|reader| {
        while !reader.is_finished() {
            let element = der::AnyRef::decode(reader)?;
            if only_numbers && der::Tagged::tag(&element) == Tag::Integer {
                count += 1;
            } else {
                only_numbers = false;
            }
        }
        Ok::<_, der::Error>(())
    });
    (read.is_ok() && outer.is_finished() && count > 0).then_some(count)
}
