//! One strict, streaming profile of XML signatures (XML-Signature Syntax and Processing 1.1): the signature is a child
//! of the document element and covers the whole document.
//!
//! The bytes are parsed once. From the same events the canonical form is hashed, the signature is read, and what the
//! document says of itself is taken; so nothing is believed that was not digested. The form of the signature decides
//! nothing: a document passes only if the digest of all of it, the signature element left out, is the one that a
//! trusted key signed.
//!
//! What is stored are the bytes as they came. What no signature covers is therefore refused: comments, processing
//! instructions, a document type declaration, and in the signature element everything that does not belong there.

mod algorithm;
mod c14n;
mod document;
mod key_info;
mod profile;
mod prolog;
mod reader;
mod reference;
mod scope;
mod signature;
#[cfg(test)]
pub(in crate::verify) mod signing;
mod tag;
mod tree;
mod trusted_list;
mod xades;

pub(super) use document::Running;
pub(super) use profile::{Content, Ids, KeyAlg, Name, Place, Profile};
pub(super) use tag::Tag;
pub(super) use trusted_list::TrustedList;

use super::VerifyError;
use crate::time::Timestamp;

/// Deeper documents are refused.
const MAX_DEPTH: usize = 200;

/// The document is not one that this profile takes.
fn invalid(found: impl Into<Box<str>>) -> VerifyError {
    let expected = "a sound XML document in UTF-8, without DTD, comments and processing instructions";
    VerifyError::malformed_document(expected, found)
}

/// White space as XML has it.
fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|c| matches!(c, b' ' | b'\t' | b'\n' | b'\r'))
}

/// The point in time that `what` says: an `xs:dateTime` with its offset, since one without says no moment.
pub(super) fn moment(what: &str, text: &str) -> Result<Timestamp, VerifyError> {
    let parsed = text.trim().parse();
    parsed.map_err(|_| VerifyError::malformed_document(&format!("a date and time with offset as {what}"), text))
}
