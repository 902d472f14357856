//! Documents that an anchor knows by digest: what is signed is a list, and the document is held against its line.
//!
//! Beside [`Checksums`](super::Checksums), where every document has the list as its companion, this is for many files of
//! one list. The list is a resource of its own, fetched, verified and stored once; each file rests on what it says now.

use std::collections::BTreeMap;

use super::{Companion, Context, DIGESTS, Finding, Verification, Verifier, VerifyError, Whole};
use crate::{
    digest::Digest,
    evidence::Evidence,
    trust::{HashKind, RunningHash, Trust},
};

/// The `digests` format: a document must have every digest that is trusted, which are those that an
/// [anchor](crate::anchor) has for it.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Digests;

impl Verifier for Digests {
    fn format(&self) -> &'static str {
        DIGESTS
    }

    fn settings(&self) -> Digest {
        Digest::of(DIGESTS.as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        Vec::new()
    }

    fn in_words(&self, evidence: &Evidence) -> Option<String> {
        Some(format!(
            "What is signed is the list of the anchor: it has this digest for {}.",
            evidence.identity.as_ref()?
        ))
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let kinds = context.trust.keys().iter().filter_map(|trusted| trusted.key.as_digest());
        let hashes: BTreeMap<HashKind, RunningHash> =
            kinds.map(|expected| (expected.kind(), expected.kind().start())).collect();
        if hashes.is_empty() {
            return Err(VerifyError::other_content("a digest that an anchor has for the document", "none"));
        }
        Ok(Box::new(Running { trust: context.trust.clone(), hashes, name: context.file_name().to_owned() }))
    }
}

struct Running {
    trust: Trust,
    /// Each kind of digest that the anchor has of the document.
    hashes: BTreeMap<HashKind, RunningHash>,
    name: String,
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.hashes.values_mut().for_each(|hash| hash.update(chunk));
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let found: Vec<_> = self.hashes.into_values().map(RunningHash::finish).collect();
        let mut signers = Vec::new();
        for trusted in self.trust.keys() {
            let Some(expected) = trusted.key.as_digest() else { continue };
            if !found.contains(&expected) {
                let wanted = format!("a document with the {} that the anchor has for {}", expected.kind(), self.name);
                return Err(VerifyError::other_content(&wanted, "a document with another"));
            }
            signers.push(trusted.id.clone());
        }
        let mut evidence = Evidence::new(DIGESTS, whole.digest, whole.size, signers);
        evidence.identity = Some(self.name.into());
        Ok(Finding::new(evidence))
    }
}
