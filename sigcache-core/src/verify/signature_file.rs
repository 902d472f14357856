//! A file that holds one signature and nothing else.
//!
//! What the trusted keys can have made decides what a file is tried as. ECDSA signatures are in DER (what
//! `openssl dgst -sign` writes) or in the fixed form, all others have one form; raw, in base64 or in hexadecimal. The
//! content says which: a file of printable characters alone is text, hexadecimal if it can be, and any other is raw. A
//! signature that is raw and happens to look like text will never be seen.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::VerifyError;
use crate::{
    digest,
    trust::{Algorithm, p256, p384},
};

/// More than any form of a signature needs, white space included: 8192 bits of RSA are 2048 hexadecimal digits.
pub(super) const MAX_SIGNATURE_FILE: usize = 4096;

/// The one signature in a signature file, if a key of this algorithm can have made it; of ECDSA always in the
/// [fixed](crate::trust::Encoding::Fixed) form.
pub fn parse_signature(file: &[u8], algorithm: Algorithm) -> Option<Vec<u8>> {
    if file.len() > MAX_SIGNATURE_FILE {
        return None;
    }
    if !file.iter().all(|c| c.is_ascii_graphic() || c.is_ascii_whitespace()) {
        return decoded(file, algorithm);
    }
    let text: Vec<u8> = file.iter().copied().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = digest::unhex(&text).or_else(|| STANDARD.decode(&text).ok())?;
    decoded(&bytes, algorithm)
}

fn decoded(bytes: &[u8], algorithm: Algorithm) -> Option<Vec<u8>> {
    let of_size = |size: usize| (bytes.len() == size).then(|| bytes.to_vec());
    match algorithm {
        Algorithm::EcdsaP256 => {
            let parsed = p256::Signature::from_der(bytes).or_else(|| p256::Signature::from_fixed(bytes))?;
            Some(parsed.as_bytes().to_vec())
        }
        Algorithm::EcdsaP384 => {
            let parsed = p384::Signature::from_der(bytes).or_else(|| p384::Signature::from_fixed(bytes))?;
            Some(parsed.as_bytes().to_vec())
        }
        Algorithm::Ed25519 => of_size(64),
        Algorithm::Rsa { bits } => of_size(bits.div_ceil(8)),
    }
}

/// A file in which no key of these algorithms can have put a signature.
pub(super) fn malformed(file: &[u8], algorithms: &[Algorithm]) -> VerifyError {
    let mut forms: Vec<String> = Vec::new();
    for algorithm in algorithms {
        let form = match algorithm {
            Algorithm::EcdsaP256 => format!("{algorithm} (DER or 64 bytes)"),
            Algorithm::EcdsaP384 => format!("{algorithm} (DER or 96 bytes)"),
            Algorithm::Ed25519 => format!("{algorithm} (64 bytes)"),
            Algorithm::Rsa { bits } => format!("{algorithm} ({} bytes)", bits.div_ceil(8)),
        };
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    let expected = format!("one signature: {}; raw, base64 or hexadecimal", forms.join(" or "));
    let size = file.len();
    let found = match file.iter().find(|c| !c.is_ascii_whitespace()) {
        _ if size > MAX_SIGNATURE_FILE => format!("{size} bytes"),
        None => format!("an empty file ({size} bytes)"),
        Some(b'<') => format!("a text that begins with <, perhaps an HTML page ({size} bytes)"),
        Some(_) => format!("something else ({size} bytes)"),
    };
    VerifyError::malformed_signature(&expected, found)
}
