//! JSON Web Signatures (RFC 7515): the document is a JWS with its payload inside, or a JWS lies beside it and the
//! document is the payload (detached).
//!
//! The configured keys decide which algorithm may stand in a header, and nothing in a header brings a key: `jwk`, `jku`
//! and `x5u` are not looked at, and `x5c` only where certificate paths to configured roots are asked for. The protected
//! header is signed; outside it nothing may stand but a `kid`.
//!
//! A compact JWS is checked as it passes, in little memory. The JSON forms, and a compact JWS by an Ed25519 key, whose
//! signature must be known before the payload, are held in memory to a limit.

mod attempt;
mod base64url;
mod compact;
mod content;
mod detached;
mod header;
mod scan;
mod serialization;

use std::sync::Arc;

use bytes::Bytes;

use super::{Claims, Companion, Context, Finding, Need, Verification, Verifier, VerifyError, Whole};
use crate::{
    decision::Failure,
    digest::Digest,
    evidence::{Evidence, KeyId, SigningCertificate},
    reason::Reason,
    trust::{Trust, x509::PathRules},
};
use attempt::{Attempt, Made};
use content::Content;
pub use serialization::MAX_JWS_SIGNATURES;

const FORMAT: &str = "jws";

/// The largest JWS that is held in memory whole: one in a JSON form.
pub const MAX_JWS_JSON_BYTES: usize = 16 * 1024 * 1024;

/// The largest JWS beside a document.
const MAX_DETACHED: usize = 1024 * 1024;

/// The `jws` format.
#[derive(Debug, Clone)]
pub struct Jws {
    suffix: Option<Arc<str>>,
    typ: Option<Arc<str>>,
    reading: Reading,
    paths: Option<PathRules>,
    settings: Digest,
}

/// What is read from the payload once its signature matched.
#[derive(Debug, Clone)]
enum Reading {
    /// The registered claims, where the payload is a JSON object and has them.
    Registered,
    /// What is configured, which must be there.
    Claims(Box<Claims>),
}

impl Jws {
    /// The document is a JWS, compact or JSON, with its payload inside.
    ///
    /// Where the payload is a JSON object, its `iss` is the identity, `nbf` and `exp` the validity, and `iat` the time of
    /// issue, as far as they are there; of a JWK set the keys are counted.
    pub fn new() -> Self {
        Self { suffix: None, typ: None, reading: Reading::Registered, paths: None, settings: Digest::of(b"") }.set_up()
    }

    /// The document is the payload, and a JWS without payload lies beside it, under its name with `suffix` appended.
    pub fn detached(suffix: &str) -> Self {
        Self { suffix: Some(suffix.into()), ..Self::new() }.set_up()
    }

    /// The protected header must say that the content is of this type (`typ`). As RFC 7515 has it, case does not count
    /// and `application/` may be left out.
    pub fn with_type(self, typ: &str) -> Self {
        Self { typ: Some(typ.into()), ..self }.set_up()
    }

    /// The payload is JSON and says these things of itself, instead of those that are registered for a JWT. With no
    /// claims nothing is read from it, and it may be anything.
    pub fn with_claims(self, claims: Claims) -> Self {
        Self { reading: Reading::Claims(Box::new(claims)), ..self }.set_up()
    }

    /// The signer's certificate stands in the header (`x5c`), and a path must lead from it to a configured key that was
    /// read from a certificate. The configured keys sign nothing themselves then, unless they stand there.
    pub fn with_certificate_paths(self, rules: PathRules) -> Self {
        Self { paths: Some(rules), ..self }.set_up()
    }

    fn set_up(mut self) -> Self {
        let Self { suffix, typ, reading, paths, .. } = &self;
        self.settings = Digest::of(format!("jws {suffix:?} {typ:?} {reading:?} {paths:?}").as_bytes());
        self
    }

    /// What the signatures that match establish.
    fn conclude(
        &self,
        trust: &Trust,
        mut checks: Checks,
        content: Content,
        whole: Whole,
    ) -> Result<Finding, VerifyError> {
        checks.made.retain(|made| !made.by.is_empty());
        if checks.made.is_empty() {
            // A signature that could be checked and did not match says more than one that could not.
            return Err(checks.refusal.filter(|_| !checks.tried).unwrap_or_else(|| VerifyError::mismatch(trust)));
        }
        if let Some(expected) = &self.typ {
            let of_other_type = checks.made.first().and_then(|made| made.typ.clone());
            checks.made.retain(|made| made.typ.as_deref().is_some_and(|typ| same_type(typ, expected)));
            if checks.made.is_empty() {
                let (reason, found) = match of_other_type {
                    Some(typ) => (Reason::IdentityMismatch, format!("a signed document of type {typ}")),
                    None => (Reason::IdentityMissing, "a signed document that does not say its type".to_owned()),
                };
                return Err(Failure::new(reason, format!("typ {expected}"), found).into());
            }
        }
        let typ = checks.made.first().and_then(|made| made.typ.clone());
        let (mut signers, mut certificates): (Vec<KeyId>, Vec<SigningCertificate>) = (Vec::new(), Vec::new());
        for (id, certificate) in checks.made.into_iter().flat_map(|made| made.by) {
            if !signers.contains(&id) {
                signers.push(id);
            }
            certificates.extend(certificate.filter(|certificate| !certificates.contains(certificate)));
        }
        let mut evidence = Evidence::new(FORMAT, whole.digest, whole.size, signers);
        content.read(&mut evidence)?;
        evidence.media_type = typ.map(Into::into);
        // What rests on a certificate holds no longer than it.
        let ends = certificates.iter().map(|certificate| certificate.valid_until);
        evidence.valid_until = ends.chain(evidence.valid_until).min();
        evidence.certificates = certificates.into();
        Ok(Finding::new(evidence))
    }
}

impl Default for Jws {
    fn default() -> Self {
        Self::new()
    }
}

impl Verifier for Jws {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        self.settings
    }

    fn companions(&self) -> Vec<Companion> {
        self.suffix.iter().map(|suffix| Companion::new(suffix, Need::Required)).collect()
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let Some(suffix) = &self.suffix else {
            return Ok(Box::new(compact::Attached::new(self.clone(), context.trust.clone())));
        };
        let file = context.companions.first().and_then(Option::as_ref);
        let file = file.ok_or_else(|| VerifyError::no_companion(suffix))?;
        Ok(Box::new(detached::Detached::begin(self.clone(), context.trust.clone(), file)?))
    }

    fn content(&self, document: Bytes) -> Result<Bytes, VerifyError> {
        match &self.suffix {
            None => compact::payload(&document).map(Bytes::from),
            Some(_) => Ok(document),
        }
    }
}

/// What became of the signatures of a JWS.
#[derive(Default)]
struct Checks {
    made: Vec<Made>,
    /// Whether any could be checked.
    tried: bool,
    /// Why the first that could not be checked could not.
    refusal: Option<VerifyError>,
}

impl Checks {
    fn add(&mut self, attempt: Attempt, signature: &[u8]) {
        self.tried = true;
        self.made.push(attempt.finish(signature));
    }
}

/// Media types as RFC 7515 (section 4.1.9) compares them.
fn same_type(a: &str, b: &str) -> bool {
    let short = |text: &str| {
        let text = text.to_ascii_lowercase();
        match text.strip_prefix("application/") {
            Some(rest) if !rest.contains('/') => rest.to_owned(),
            _ => text,
        }
    };
    short(a) == short(b)
}

#[cfg(test)]
#[path = "jws_tests.rs"]
mod tests;
