//! Any XML document with an enveloped signature (XML-Signature Syntax and Processing 1.1) that covers all of it, and the
//! EU trusted lists (ETSI TS 119 612), which are signed that way.

use super::{
    Companion, Context, Verification, Verifier, VerifyError,
    xml::{Content, Ids, KeyAlg, Name, Place, Profile, Running, Tag, TrustedList},
};
use crate::{digest::Digest, evidence::Evidence};

const FORMAT: &str = "xmldsig";

/// The `xmldsig` format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct XmlDsig {
    vocabulary: Vocabulary,
}

/// What the document is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Vocabulary {
    #[default]
    Any,
    TrustedList,
}

impl XmlDsig {
    /// A document of any kind; the evidence says who signed it, and nothing of its content.
    pub fn new() -> Self {
        Self::default()
    }

    /// A trusted list: the evidence has `SchemeTerritory/TSLType` as identity, `NextUpdate` as the end of validity,
    /// `TSLSequenceNumber` as the mark, and the number of service providers and pointers to other lists.
    pub fn trusted_list() -> Self {
        Self { vocabulary: Vocabulary::TrustedList }
    }
}

impl Verifier for XmlDsig {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        Digest::of(format!("{:?}", self.vocabulary).as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        Vec::new()
    }

    fn in_words(&self, _: &Evidence) -> Option<String> {
        let what = if self.vocabulary == Vocabulary::TrustedList { "trusted list" } else { "document" };
        Some(format!("The enveloped signature covers the whole {what}, and nothing of its KeyInfo was believed."))
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let profile = Profile { format: FORMAT, place: Place::Any, ids: Ids::Any, alg: KeyAlg::Holds };
        let content: Box<dyn Content> = match self.vocabulary {
            Vocabulary::Any => Box::new(Anything),
            Vocabulary::TrustedList => Box::new(TrustedList::default()),
        };
        Ok(Box::new(Running::new(profile, context.trust, content)))
    }
}

/// A document that says nothing of itself that is understood here.
struct Anything;

impl Content for Anything {
    fn start(&mut self, _: Name<'_>, _: &Tag, _: usize) -> Result<(), VerifyError> {
        Ok(())
    }
    fn text(&mut self, _: &str, _: usize) {}
    fn end(&mut self, _: usize) {}
    fn finish(&mut self, _: &mut Evidence) -> Result<(), VerifyError> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "xmldsig_tests.rs"]
mod tests;
