//! PEM (RFC 7468): text around the DER of a public key, an RSA public key or a certificate.

use der::{Decode as _, pem};
use x509_cert::Certificate;

use super::der::from_certificate;
use crate::trust::{
    key::KeyError,
    known::{Known, damaged},
};

/// White space may stand before it; text for people may not.
pub(super) fn begins(file: &[u8]) -> bool {
    file.trim_ascii_start().starts_with(b"-----BEGIN")
}

pub(super) fn read(file: &[u8]) -> Result<Known, KeyError> {
    let text = std::str::from_utf8(file.trim_ascii_start()).map_err(|_| damaged("PEM file", "not UTF-8"))?;
    // Wherever in the file it stands: behind a certificate, or behind the parameters that `openssl ecparam` writes.
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyError::PrivateKey);
    }
    let label = text.trim_start_matches('-').strip_prefix("BEGIN ").and_then(|rest| rest.split("-----").next());
    match label {
        Some("PUBLIC KEY") => Known::spki_der(&decode(text, "public key")?, "public key"),
        Some("RSA PUBLIC KEY") => Known::rsa_der(&decode(text, "RSA public key")?, "RSA public key"),
        Some("CERTIFICATE") => {
            // A chain may follow; the first certificate is the signer's own.
            const END: &str = "-----END CERTIFICATE-----";
            let first = text.find(END).map_or(text, |at| &text[..at + END.len()]);
            let der = decode(first, "certificate")?;
            let certificate = Certificate::from_der(&der).map_err(|error| damaged("certificate", error))?;
            from_certificate(&certificate, der)
        }
        _ => Err(KeyError::UnknownForm),
    }
}

fn decode(text: &str, form: &'static str) -> Result<Vec<u8>, KeyError> {
    let (_, der) = pem::decode_vec(text.trim_end().as_bytes()).map_err(|error| damaged(form, error))?;
    Ok(der)
}
