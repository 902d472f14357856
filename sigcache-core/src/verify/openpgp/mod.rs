//! OpenPGP signatures (RFC 9580): in files beside the document, or around a clear-signed text.
//!
//! The packets, the arithmetic and what a certificate allows are Sequoia's, under its standard policy; what may stand
//! around them is read here, strictly. What is new here must be signed by a key that its certificate allows to sign both
//! at the time that the signature states and now: whoever stole an expired or retired key can state any time. What is
//! stored already stands until its own end, unless the key is revoked for good.

mod armor;
mod clear;
mod release;
mod signatures;

use bytes::Bytes;

use super::{
    Companion, Context, Finding, Verification, Verifier, VerifyError, Whole,
    beside::{Beside, finding},
};
use crate::{digest::Digest, evidence::Evidence, time::Timestamp, trust::Trust};
use signatures::{Checks, Kind, parse};

const FORMAT: &str = "openpgp";

/// Room for a dozen signatures by long keys.
const MAX_SIGNATURE_FILE: usize = 64 * 1024;

/// A clear-signed document is held in memory.
const MAX_CLEAR_SIGNED: usize = 16 * 1024 * 1024;

/// The `openpgp` format.
#[derive(Debug, Clone)]
pub struct OpenPgp(Place);

#[derive(Debug, Clone)]
enum Place {
    Beside(Beside),
    Inline { deb_release: bool },
}

impl OpenPgp {
    /// The signatures lie beside the document, armored or not, under its name with `suffix` appended; `gpg` writes
    /// `.asc` or `.sig`.
    pub fn new(suffix: &str) -> Self {
        Self(Place::Beside(Beside::new(suffix)))
    }

    /// The document is one clear-signed text and nothing else.
    pub fn inline() -> Self {
        Self(Place::Inline { deb_release: false })
    }

    /// The document is the clear-signed Release file of a Debian archive: its `Codename` is its identity, its `Date` is
    /// when it was issued, and `Valid-Until`, where there is one, ends its validity.
    pub fn deb_release() -> Self {
        Self(Place::Inline { deb_release: true })
    }

    /// Another signature file; a clear-signed document has none.
    pub fn with_suffix(self, suffix: &str) -> Self {
        match self.0 {
            Place::Beside(files) => Self(Place::Beside(files.and(suffix))),
            place @ Place::Inline { .. } => Self(place),
        }
    }
}

impl Verifier for OpenPgp {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        Digest::of(format!("{self:?}").as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        match &self.0 {
            Place::Beside(files) => files.companions(),
            Place::Inline { .. } => Vec::new(),
        }
    }

    fn in_words(&self, evidence: &Evidence) -> Option<String> {
        let made = evidence.valid_from?;
        let when = match evidence.signers.len() {
            1 => format!("By its own word the signature was made at {made}; the certificate let its key sign"),
            _ => format!(
                "By their own word the latest of the signatures was made at {made}; the certificates let their keys sign"
            ),
        };
        let what = match self.0 {
            Place::Beside(_) => "",
            Place::Inline { deb_release: false } => "The document is a clear-signed text with nothing around it. ",
            // Without the codename: that it is compared with anything, the configuration must ask for.
            Place::Inline { deb_release: true } => {
                "The document is the clear-signed Release file of a Debian archive, with nothing around it. "
            }
        };
        Some(format!("{what}{when} both then and when the copy was verified."))
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let (trust, now) = (context.trust.clone(), context.now);
        match &self.0 {
            Place::Beside(files) => {
                let files = files.read(context, |file| {
                    if file.len() > MAX_SIGNATURE_FILE {
                        return Err(armor::malformed(format!("a larger file ({} bytes)", file.len())));
                    }
                    parse(&armor::signature_file(file)?, Kind::Document)
                })?;
                let checks = Checks::begin(files.iter(), &trust, now)?;
                Ok(Box::new(Detached { files: files.numbers(), checks, trust }))
            }
            Place::Inline { deb_release } => {
                Ok(Box::new(Inline { document: Vec::new(), trust, now, deb_release: *deb_release }))
            }
        }
    }

    fn content(&self, document: Bytes) -> Result<Bytes, VerifyError> {
        match &self.0 {
            Place::Beside(_) => Ok(document),
            Place::Inline { .. } => Ok(clear::read(&document)?.text.into()),
        }
    }
}

struct Detached {
    files: Vec<usize>,
    checks: Checks,
    trust: Trust,
}

impl Verification for Detached {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.checks.update(chunk);
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let proven = self.checks.finish()?;
        let evidence = proven.evidence(FORMAT, whole, &self.trust)?;
        Ok(finding(evidence, &self.files, &proven.pairs))
    }
}

struct Inline {
    document: Vec<u8>,
    trust: Trust,
    now: Timestamp,
    deb_release: bool,
}

impl Verification for Inline {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        if self.document.len() + chunk.len() > MAX_CLEAR_SIGNED {
            return Err(clear::malformed(&format!("one of more than {MAX_CLEAR_SIGNED} bytes")));
        }
        self.document.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let clear = clear::read(&self.document)?;
        let found = parse(&clear.signature, Kind::Text)?;
        let mut checks = Checks::begin([(0, &found)].into_iter(), &self.trust, self.now)?;
        let mut lines = clear.text.split(|byte| *byte == b'\n');
        if let Some(first) = lines.next() {
            checks.update(first);
        }
        for line in lines {
            checks.update(b"\r\n");
            checks.update(line);
        }
        let proven = checks.finish()?;
        let mut evidence = proven.evidence(FORMAT, whole, &self.trust)?;
        if self.deb_release {
            release::tell(&clear.text, &mut evidence)?;
        }
        Ok(Finding::new(evidence))
    }
}
