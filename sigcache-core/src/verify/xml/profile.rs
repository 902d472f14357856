//! What a format makes of a signed document: where its signature stands, and what it says of itself.

use super::tag::Tag;
use crate::{evidence::Evidence, verify::VerifyError};

/// What a format makes of a signed document.
pub(in crate::verify) struct Profile {
    /// The name of the format.
    pub(in crate::verify) format: &'static str,
    /// Where the signature stands among the children of the root.
    pub(in crate::verify) place: Place,
    /// The attributes of the root that a reference may name it by.
    pub(in crate::verify) ids: Ids,
    /// Whether what a key says of its use holds here.
    pub(in crate::verify) alg: KeyAlg,
}

/// What becomes of the `alg` of a key that was read from a JWK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::verify) enum KeyAlg {
    /// The key signs so and in no other way.
    #[default]
    Holds,
    /// It speaks of JOSE, not of XML.
    Ignored,
}

/// Where the signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verify) enum Place {
    /// Before every other child, with nothing but white space before it.
    First,
    /// Anywhere among the children of the root.
    Any,
}

/// Which attributes are IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verify) enum Ids {
    /// `ID`.
    Upper,
    /// `ID`, `Id`, `id` or `xml:id`.
    Any,
}

/// The name of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verify) struct Name<'a> {
    pub(in crate::verify) uri: &'a str,
    pub(in crate::verify) local: &'a str,
}

/// What a document says of itself, taken from the events that are digested. It does not see the signature element.
pub(in crate::verify) trait Content: Send {
    /// A start tag. `depth` is 1 for the root. An error refuses the document at once.
    fn start(&mut self, name: Name<'_>, tag: &Tag, depth: usize) -> Result<(), VerifyError>;
    /// Text in the element of this depth; long text in pieces.
    fn text(&mut self, text: &str, depth: usize);
    /// The end of the element of this depth.
    fn end(&mut self, depth: usize);
    /// The signature matched: what was taken goes into the evidence.
    fn finish(&mut self, evidence: &mut Evidence) -> Result<(), VerifyError>;
}
