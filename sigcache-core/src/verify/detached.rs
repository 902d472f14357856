//! Detached ECDSA P-256 signatures over SHA-256: one or more small files beside the document.
//!
//! A signature file holds one signature, in DER (what `openssl dgst -sign` writes) or in the fixed 64-byte form, raw, in
//! base64 or in hexadecimal. Its content says which; no two of these forms can be taken for one another.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Claims, Companion, Context, Finding, MAX_CLAIMS_BYTES, Need, Verification, Verifier, VerifyError, Whole};
use crate::{
    digest::{self, Digest},
    evidence::Evidence,
    trust::{Encoding, Scheme, Trust, p256::Signature},
};

const FORMAT: &str = "detached";

/// More than any form of a P-256 signature needs, white space included.
const MAX_SIGNATURE_FILE: usize = 1024;

/// The `detached` format.
#[derive(Debug, Clone)]
pub struct Detached {
    suffixes: Vec<Arc<str>>,
    claims: Claims,
    settings: Digest,
}

impl Detached {
    /// Signatures lie beside the document, under its name with `suffix` appended.
    pub fn new(suffix: &str) -> Self {
        Self::set_up(vec![suffix.into()], Claims::default())
    }

    fn set_up(suffixes: Vec<Arc<str>>, claims: Claims) -> Self {
        let settings = Digest::of(format!("{suffixes:?} {claims:?}").as_bytes());
        Self { suffixes, claims, settings }
    }

    /// Another signature file, for thresholds above one. With more than one file each of them may be missing, as long
    /// as enough different keys signed.
    pub fn with_suffix(mut self, suffix: &str) -> Self {
        self.suffixes.push(suffix.into());
        Self::set_up(self.suffixes, self.claims)
    }

    /// The document is JSON and says these things of itself.
    pub fn with_claims(self, claims: Claims) -> Self {
        Self::set_up(self.suffixes, claims)
    }
}

impl Verifier for Detached {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        self.settings
    }

    fn companions(&self) -> Vec<Companion> {
        let need = if self.suffixes.len() == 1 { Need::Required } else { Need::Optional };
        self.suffixes.iter().map(|suffix| Companion::new(suffix, need)).collect()
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let mut signatures = Vec::new();
        for (number, file) in context.companions.iter().enumerate() {
            if let Some(file) = file {
                signatures.push((number, parse_signature(file)?));
            }
        }
        if signatures.is_empty() {
            return Err(VerifyError::no_companion(&format!("one of {}", self.suffixes.join(", "))));
        }
        // The document is kept only where something must be read from it after its signature was checked.
        let kept = (!self.claims.is_empty()).then(Vec::new);
        Ok(Box::new(Running { signatures, trust: context.trust.clone(), claims: self.claims.clone(), kept }))
    }
}

struct Running {
    /// Each with the number of its companion.
    signatures: Vec<(usize, Signature)>,
    trust: Trust,
    claims: Claims,
    kept: Option<Vec<u8>>,
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        if let Some(kept) = &mut self.kept {
            if kept.len() + chunk.len() > MAX_CLAIMS_BYTES {
                let expected = format!("a JSON document with claims of at most {MAX_CLAIMS_BYTES} bytes");
                return Err(VerifyError::malformed_document(&expected, "a larger one"));
            }
            kept.extend_from_slice(chunk);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let mut signers = Vec::new();
        let mut proven = Vec::new();
        for trusted in self.trust.keys() {
            let before = proven.len();
            let digest = whole.digest.as_bytes();
            let matching = self.signatures.iter().filter(|(_, signature)| {
                trusted.key.verify_digest(Scheme::EcdsaSha256, Encoding::Fixed, digest, signature.as_bytes())
            });
            proven.extend(matching.map(|(number, _)| *number));
            if proven.len() > before {
                signers.push(trusted.id.clone());
            }
        }
        if signers.is_empty() {
            return Err(VerifyError::mismatch(&self.trust));
        }
        let mut evidence = Evidence::new(FORMAT, whole.digest, whole.size, signers);
        if let Some(document) = &self.kept {
            self.claims.read(document, &mut evidence)?;
        }
        let strangers = self.signatures.iter().map(|(number, _)| *number).filter(|number| !proven.contains(number));
        Ok(strangers.fold(Finding::new(evidence), Finding::without_companion))
    }
}

/// The one signature in a signature file.
pub fn parse_signature(file: &[u8]) -> Result<Signature, VerifyError> {
    let expected = "one ECDSA P-256 signature (DER or 64 bytes; raw, base64 or hexadecimal)";
    if file.len() > MAX_SIGNATURE_FILE {
        return Err(VerifyError::malformed_signature(expected, format!("{} bytes", file.len())));
    }
    let decoded = |bytes: &[u8]| Signature::from_der(bytes).or_else(|| Signature::from_fixed(bytes));
    let from_text = || {
        let text: Vec<u8> = file.iter().copied().filter(|c| !c.is_ascii_whitespace()).collect();
        let bytes = digest::unhex(&text).or_else(|| STANDARD.decode(&text).ok())?;
        decoded(&bytes)
    };
    decoded(file).or_else(from_text).ok_or_else(|| {
        let what = match file.iter().find(|c| !c.is_ascii_whitespace()) {
            None => "an empty file",
            Some(b'<') => "a text that begins with <, perhaps an HTML page",
            Some(_) => "something else",
        };
        VerifyError::malformed_signature(expected, format!("{what} ({} bytes)", file.len()))
    })
}

#[cfg(test)]
#[path = "detached_tests.rs"]
mod tests;
