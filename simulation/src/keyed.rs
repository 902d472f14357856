//! A signature that costs one hash, so that many histories can be run: the digest of a secret and the document.
//!
//! It has the form of a detached signature and the same claims. Some histories use the real one instead.

use bytes::Bytes;
use sigcache_core::{
    Digest, Evidence, Hasher, KeyId,
    verify::{Claims, Companion, Context, Finding, Need, Verification, Verifier, VerifyError, Whole},
};

/// The signature of `document` under `secret`.
pub fn sign(secret: &str, document: &[u8]) -> Bytes {
    let mut hasher = Hasher::default();
    hasher.update(secret.as_bytes());
    hasher.update(document);
    Bytes::from(hasher.finish().hex())
}

/// Checks such signatures. The secret is the id of the one trusted key.
#[derive(Debug)]
pub struct Keyed {
    /// What is read from a document.
    pub claims: Claims,
}

struct Running {
    claims: Claims,
    key: KeyId,
    error: VerifyError,
    signature: Bytes,
    hasher: Hasher,
    document: Vec<u8>,
}

impl Verifier for Keyed {
    fn format(&self) -> &'static str {
        "keyed"
    }

    fn settings(&self) -> Digest {
        Digest::of(format!("{:?}", self.claims).as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        vec![Companion::new(".sig", Need::Required)]
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let signature = context.companions.first().cloned().flatten();
        let signature = signature.ok_or_else(|| VerifyError::no_companion("a signature"))?;
        let key = KeyId::new(&context.trust.names());
        let mut hasher = Hasher::default();
        hasher.update(key.as_str().as_bytes());
        let error = VerifyError::mismatch(context.trust);
        Ok(Box::new(Running { claims: self.claims.clone(), key, error, signature, hasher, document: Vec::new() }))
    }
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.hasher.update(chunk);
        self.document.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        if self.hasher.finish().hex().as_bytes() != &self.signature[..] {
            return Err(self.error);
        }
        let mut evidence = Evidence::new("keyed", whole.digest, whole.size, [self.key]);
        if !self.claims.is_empty() {
            self.claims.read(&self.document, &mut evidence)?;
        }
        Ok(Finding::new(evidence))
    }
}
