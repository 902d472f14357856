//! Rules for signature formats.
//!
//! A verifier is pure: bytes, companions, keys and the time go in, evidence or a refusal comes out. It does no I/O and
//! reads no clock. The trusted key decides the algorithm, never the signature. There is no verifier that accepts
//! everything, and no switch that turns one off.
//!
//! A new format is one file here and one line in the configuration's table of formats.

#[cfg(any(feature = "minisign", feature = "openpgp", feature = "signify", feature = "ssh"))]
mod beside;
#[cfg(feature = "checksums")]
pub(crate) mod checksum_list;
#[cfg(feature = "checksums")]
mod checksums;
mod claims;
#[cfg(feature = "detached")]
mod detached;
#[cfg(feature = "checksums")]
mod digests;
#[cfg(feature = "jws")]
mod jws;
#[cfg(feature = "minisign")]
mod minisign;
#[cfg(feature = "narinfo")]
mod narinfo;
#[cfg(feature = "note")]
mod note;
#[cfg(feature = "openpgp")]
mod openpgp;
#[cfg(feature = "xml")]
mod saml_metadata;
#[cfg(feature = "detached")]
mod signature_file;
#[cfg(feature = "signify")]
mod signify;
#[cfg(feature = "ssh")]
mod ssh;
#[cfg(feature = "xml")]
mod xml;
#[cfg(feature = "xml")]
mod xmldsig;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use url::Url;

use crate::{
    decision::Failure,
    digest::{Digest, Hasher},
    evidence::Evidence,
    name::Name,
    reason::Reason,
    time::Timestamp,
    trust::Trust,
};

#[cfg(feature = "checksums")]
pub use checksums::Checksums;
pub use claims::{Claims, MAX_CLAIMS_BYTES, Pointer, PointerError};
#[cfg(feature = "detached")]
pub use detached::Detached;
#[cfg(feature = "checksums")]
pub use digests::Digests;
#[cfg(feature = "jws")]
pub use jws::{Jws, MAX_JWS_JSON_BYTES, MAX_JWS_SIGNATURES};
#[cfg(feature = "minisign")]
pub use minisign::Minisign;
#[cfg(feature = "narinfo")]
pub use narinfo::Narinfo;
#[cfg(feature = "note")]
pub use note::Note;
#[cfg(feature = "openpgp")]
pub use openpgp::OpenPgp;
#[cfg(feature = "xml")]
pub use saml_metadata::SamlMetadata;
#[cfg(feature = "detached")]
pub use signature_file::parse_signature;
#[cfg(feature = "signify")]
pub use signify::Signify;
#[cfg(feature = "ssh")]
pub use ssh::Ssh;
#[cfg(feature = "xml")]
pub use xmldsig::XmlDsig;

/// The format whose evidence is no signature, but a digest that an [anchor](crate::anchor) has for the document.
pub(crate) const DIGESTS: &str = "digests";

/// A rule for one signature format, set up for one kind of document. Shared between threads and runs.
pub trait Verifier: Send + Sync + fmt::Debug {
    /// The name of the format, as in the configuration and in [`Evidence::format`].
    fn format(&self) -> &'static str;

    /// Differs whenever this verifier would establish something else from the same bytes, because it is set up
    /// otherwise. What was verified under other settings is fetched and verified anew.
    fn settings(&self) -> Digest;

    /// The small extra inputs that the format needs, such as a detached signature. They are fetched, bounded, before
    /// [`begin`](Verifier::begin) is called.
    fn companions(&self) -> Vec<Companion>;

    /// Starts a check of one document. Refuses companions that cannot belong to any valid document.
    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError>;

    /// What is signed in `document`, for formats that wrap it or begin with the signature: the payload of a JWS. Elsewhere
    /// it is the document.
    ///
    /// It checks no signature: ask it only of a document that was verified, such as one that [`crate::read`] gave.
    fn content(&self, document: Bytes) -> Result<Bytes, VerifyError> {
        Ok(document)
    }

    /// What its evidence means, in the words of those who use the format: one or more sentences for
    /// [`explain`](crate::explain::explain). `None` where there is nothing that is not true of every format.
    fn in_words(&self, evidence: &Evidence) -> Option<String> {
        let _ = evidence;
        None
    }
}

/// One running check that the bytes of a document are streamed through.
///
/// Everything it sees is hostile until [`finish`](Verification::finish) says otherwise. Its memory does not grow with
/// the document, or only to a documented bound.
pub trait Verification: Send {
    /// Takes the next bytes. An error ends the check: the document is refused without reading on.
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError>;

    /// Says what was established. `whole` is the digest and size of all the bytes that went through
    /// [`update`](Verification::update); the pipeline computes it once for the verifier and the store alike.
    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError>;
}

/// What a verification established, and on what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was established.
    pub evidence: Evidence,
    unused: Vec<usize>,
}

impl Finding {
    /// Established with the help of every companion.
    pub fn new(evidence: Evidence) -> Self {
        Self { evidence, unused: Vec::new() }
    }

    /// The companion of this number, counted as in [`Verifier::companions`], proves nothing: it is not kept, since
    /// nothing that was not verified may be.
    pub fn without_companion(mut self, number: usize) -> Self {
        self.unused.push(number);
        self
    }

    /// Whether the evidence rests on this companion too.
    pub fn rests_on(&self, number: usize) -> bool {
        !self.unused.contains(&number)
    }
}

/// SHA-256 and size of a whole document, as the pipeline computed them from the bytes that it stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Whole {
    /// SHA-256 of all bytes.
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
}

impl Whole {
    /// A document with this digest and size.
    pub fn new(digest: Digest, size: u64) -> Self {
        Self { digest, size }
    }
}

/// A verification together with the digest and size that it must be told: how every caller runs one.
pub struct Check {
    verification: Box<dyn Verification>,
    hasher: Hasher,
    size: u64,
}

impl Check {
    /// Starts a check of one document.
    pub fn begin(verifier: &dyn Verifier, context: Context<'_>) -> Result<Self, VerifyError> {
        Ok(Self { verification: verifier.begin(context)?, hasher: Hasher::default(), size: 0 })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.hasher.update(chunk);
        self.size += chunk.len() as u64;
        self.verification.update(chunk)
    }

    /// Digest and size of the bytes so far.
    pub fn whole(&self) -> Whole {
        Whole::new(self.hasher.clone().finish(), self.size)
    }

    /// What was established. Digest and size are those of the bytes that went through here, whatever a verifier from
    /// outside says.
    pub fn finish(self) -> Result<Finding, VerifyError> {
        let whole = self.whole();
        let mut finding = self.verification.finish(whole)?;
        finding.evidence.digest = whole.digest;
        finding.evidence.size = whole.size;
        Ok(finding)
    }
}

/// What a check begins with.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The resource that the document is for.
    pub name: &'a Name,
    /// The one time of this run.
    pub now: Timestamp,
    /// The keys that may sign. Evidence names every key that did; which of them may and whether they are enough is
    /// judged later, by [`Trust::judge`].
    pub trust: &'a Trust,
    /// The companions, in the order of [`Verifier::companions`]; `None` where an optional one is missing.
    pub companions: &'a [Option<Bytes>],
    /// What the configuration says that the document must be, where it says so. That is judged later; a format that
    /// vouches for many documents at once needs it to know which of them this one is to be.
    pub identity: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// A context for one document.
    pub fn new(name: &'a Name, now: Timestamp, trust: &'a Trust, companions: &'a [Option<Bytes>]) -> Self {
        Self { name, now, trust, companions, identity: None }
    }

    /// A context for the document that is to be this one.
    pub fn with_identity(self, identity: Option<&'a str>) -> Self {
        Self { identity, ..self }
    }

    /// The name that the signer knows the document's file by: the identity, or else the last part of the resource's
    /// name.
    pub fn file_name(&self) -> &'a str {
        file_name(self.name, self.identity)
    }
}

/// The name that a signer knows the file of a resource by, which has this name and is to be this document.
pub(crate) fn file_name<'a>(name: &'a Name, identity: Option<&'a str>) -> &'a str {
    let name = name.as_str();
    identity.unwrap_or_else(|| name.rsplit('/').next().unwrap_or(name))
}

/// A small extra input that verification needs, found beside the document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Companion {
    /// What is appended to the document's name and, unless it is shared, to the path of its URL.
    pub suffix: Arc<str>,
    /// Whether a document without it is refused at once.
    pub need: Need,
    /// Where it lies from the document's folder, if many documents share it. In the store each has a copy of its own:
    /// the one that vouches for it, and not a later one that may vouch for others only.
    pub shared: Option<Arc<str>>,
}

/// Whether verification can go on without a companion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Without it the document is refused.
    Required,
    /// It may be missing: another one may do.
    Optional,
}

impl Companion {
    /// The companion whose name is the document's with `suffix` at the end.
    pub fn new(suffix: &str, need: Need) -> Self {
        Self { suffix: suffix.into(), need, shared: None }
    }

    /// The companion at `path` from the document's folder: the name of a file, with `../` before it for each folder that
    /// it lies higher. In the store it lies under the document's name, a dot, and its own name.
    pub fn shared(path: &str, need: Need) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        Self { suffix: format!(".{name}").into(), need, shared: Some(path.into()) }
    }

    /// Where it lies beside a document at `source`. Whatever the query, it goes along.
    pub fn beside(&self, source: &Url) -> Url {
        let mut url = source.clone();
        let path = match &self.shared {
            None => format!("{}{}", url.path(), self.suffix),
            Some(shared) => {
                let up = |path: &str| path.rfind('/').map_or(0, |slash| slash);
                let (mut folder, mut name) = (&url.path()[..up(url.path())], &**shared);
                while let Some(rest) = name.strip_prefix("../") {
                    (folder, name) = (&folder[..up(folder)], rest);
                }
                format!("{folder}/{name}")
            }
        };
        url.set_path(&path);
        url
    }
}

/// The document is refused. Final: the same bytes will be refused again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VerifyError(Failure);

impl VerifyError {
    /// A signature file that cannot be one.
    pub fn malformed_signature(expected: &str, found: impl Into<Box<str>>) -> Self {
        Self(Failure::new(Reason::MalformedSignature, expected, found))
    }

    /// A document that is not what its format or its claims need.
    pub fn malformed_document(expected: &str, found: impl Into<Box<str>>) -> Self {
        Self(Failure::new(Reason::MalformedDocument, expected, found))
    }

    /// No key's signature matches. Deliberately says no more.
    pub fn mismatch(trust: &Trust) -> Self {
        let expected = format!("a signature by {}", trust.names());
        Self(Failure::new(Reason::SignatureMismatch, expected, "a signature that does not match"))
    }

    /// The signature names a key that is not among the trusted ones.
    pub fn unknown_key(trust: &Trust, found: impl Into<Box<str>>) -> Self {
        Self(Failure::new(Reason::KeyUnknown, trust.names(), found))
    }

    /// Validly signed is other content than this document's.
    pub fn other_content(expected: &str, found: impl Into<Box<str>>) -> Self {
        Self(Failure::new(Reason::SignatureMismatch, expected, found))
    }

    /// Validly signed, but as another document.
    pub fn other_document(expected: &str, found: impl Into<Box<str>>) -> Self {
        Self(Failure::new(Reason::IdentityMismatch, expected, found))
    }

    /// Validly signed, but nothing that was signed says which document it is.
    pub fn unnamed_document(expected: &str, found: impl Into<Box<str>>) -> Self {
        Self(Failure::new(Reason::IdentityMissing, expected, found))
    }

    /// No signature file was there at all.
    pub fn no_companion(expected: &str) -> Self {
        Self(Failure::new(Reason::CompanionMissing, expected, "none of them"))
    }

    /// What was expected and what was found.
    pub fn failure(&self) -> &Failure {
        &self.0
    }

    /// The failure itself.
    pub fn into_failure(self) -> Failure {
        self.0
    }
}

impl From<Failure> for VerifyError {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl<T: Verifier + ?Sized> Verifier for Arc<T> {
    fn format(&self) -> &'static str {
        (**self).format()
    }
    fn settings(&self) -> Digest {
        (**self).settings()
    }
    fn companions(&self) -> Vec<Companion> {
        (**self).companions()
    }
    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        (**self).begin(context)
    }
    fn content(&self, document: Bytes) -> Result<Bytes, VerifyError> {
        (**self).content(document)
    }
    fn in_words(&self, evidence: &Evidence) -> Option<String> {
        (**self).in_words(evidence)
    }
}

impl<T: Verifier + ?Sized> Verifier for Box<T> {
    fn format(&self) -> &'static str {
        (**self).format()
    }
    fn settings(&self) -> Digest {
        (**self).settings()
    }
    fn companions(&self) -> Vec<Companion> {
        (**self).companions()
    }
    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        (**self).begin(context)
    }
    fn content(&self, document: Bytes) -> Result<Bytes, VerifyError> {
        (**self).content(document)
    }
    fn in_words(&self, evidence: &Evidence) -> Option<String> {
        (**self).in_words(evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_lie_beside_the_path_not_behind_the_query() {
        let sig = Companion::new(".sig", Need::Required);
        let table = [
            ("https://a.example/f.json", "https://a.example/f.json.sig"),
            ("https://a.example/f.json?v=1", "https://a.example/f.json.sig?v=1"),
            ("file:///srv/a%20b", "file:///srv/a%20b.sig"),
        ];
        for (source, beside) in table {
            assert_eq!(sig.beside(&source.parse().unwrap()).as_str(), beside);
        }
    }

    #[test]
    fn a_shared_companion_lies_in_the_folder_or_above_it() {
        let table = [
            ("https://a.example/d/e/f.json", "SUMS", "https://a.example/d/e/SUMS"),
            ("https://a.example/d/e/f.json?v=1", "SUMS", "https://a.example/d/e/SUMS?v=1"),
            ("https://a.example/d/e/f.json", "../SUMS", "https://a.example/d/SUMS"),
            ("https://a.example/d/e/f.json", "../../../../SUMS", "https://a.example/SUMS"),
            ("https://a.example/", "SUMS", "https://a.example/SUMS"),
            ("file:///srv/a%20b/c", "SUMS.sig", "file:///srv/a%20b/SUMS.sig"),
        ];
        for (source, path, beside) in table {
            let list = Companion::shared(path, Need::Required);
            assert_eq!(list.beside(&source.parse().unwrap()).as_str(), beside);
            assert!([".SUMS", ".SUMS.sig"].contains(&&*list.suffix));
        }
    }
}
