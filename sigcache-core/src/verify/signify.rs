//! Signatures of OpenBSD's signify, in files beside the document or at its head.
//!
//! A signature is two lines: a comment that nobody signed, and Ed25519 over the document itself, with the number of the
//! key. `signify -S -e` puts the two lines and the document into one file; the comment is then the one part of what is
//! stored that was not signed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::{
    Companion, Context, Finding, Verification, Verifier, VerifyError, Whole,
    beside::{Beside, Pair, finding, signers},
};
use crate::{
    digest::Digest,
    evidence::Evidence,
    trust::{Ed25519Stream, KeyLabel, Trust},
};

const FORMAT: &str = "signify";

/// The comment may have 1,024 bytes in signify.
const MAX_SIGNATURE: usize = 1200;

const FORM: &str = "a signify signature: a comment and a line of base64";

/// The `signify` format.
#[derive(Debug, Clone)]
pub struct Signify(Place);

#[derive(Debug, Clone)]
enum Place {
    Beside(Beside),
    Embedded,
}

impl Signify {
    /// The signature lies beside the document, under its name with `suffix` appended; signify writes `.sig`.
    pub fn new(suffix: &str) -> Self {
        Self(Place::Beside(Beside::new(suffix)))
    }

    /// The signature is the first two lines of the document.
    pub fn embedded() -> Self {
        Self(Place::Embedded)
    }

    /// Another signature file, for thresholds above one; an embedded signature is always the only one.
    pub fn with_suffix(self, suffix: &str) -> Self {
        match self.0 {
            Place::Beside(files) => Self(Place::Beside(files.and(suffix))),
            Place::Embedded => self,
        }
    }
}

impl Verifier for Signify {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        Digest::of(format!("{self:?}").as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        match &self.0 {
            Place::Beside(files) => files.companions(),
            Place::Embedded => Vec::new(),
        }
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let trust = context.trust.clone();
        match &self.0 {
            Place::Beside(files) => {
                let signatures = files.read(context, Signature::parse)?;
                let streams = streams(signatures.iter(), &trust)?;
                Ok(Box::new(Running { files: signatures.numbers(), streams, trust }))
            }
            Place::Embedded => Ok(Box::new(Embedded { trust, head: Vec::new(), running: None })),
        }
    }

    fn content(&self, document: Bytes) -> Result<Bytes, VerifyError> {
        match &self.0 {
            Place::Beside(_) => Ok(document),
            Place::Embedded => {
                let head = end_of_second_line(&document).ok_or_else(|| malformed("a document that ends before it"))?;
                Ok(document.slice(head..))
            }
        }
    }
}

struct Running {
    files: Vec<usize>,
    streams: Vec<(Pair, Ed25519Stream)>,
    trust: Trust,
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.streams.iter_mut().for_each(|(_, stream)| stream.update(chunk));
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let proven: Vec<Pair> =
            self.streams.into_iter().filter_map(|(pair, stream)| stream.finish().then_some(pair)).collect();
        let evidence = Evidence::new(FORMAT, whole.digest, whole.size, signers(&self.trust, &proven)?);
        Ok(finding(evidence, &self.files, &proven))
    }
}

struct Embedded {
    trust: Trust,
    /// Kept until its two lines are whole; not longer than they may be.
    head: Vec<u8>,
    running: Option<Running>,
}

impl Verification for Embedded {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        if let Some(running) = &mut self.running {
            return running.update(chunk);
        }
        let before = self.head.len();
        self.head.extend(chunk.iter().take(MAX_SIGNATURE - before));
        let Some(end) = end_of_second_line(&self.head) else {
            return if self.head.len() < MAX_SIGNATURE { Ok(()) } else { Err(malformed("a longer one")) };
        };
        let signature = Signature::parse(&self.head[..end])?;
        let streams = streams([(0, &signature)].into_iter(), &self.trust)?;
        let mut running = Running { files: Vec::new(), streams, trust: self.trust.clone() };
        running.update(&chunk[end - before..])?;
        self.running = Some(running);
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let running = self.running.ok_or_else(|| malformed("a document that ends before it"))?;
        Box::new(running).finish(whole)
    }
}

fn end_of_second_line(head: &[u8]) -> Option<usize> {
    let mut ends = head.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    ends.nth(1).map(|(at, _)| at + 1)
}

/// A check for each signature and each key that may have made it.
fn streams<'s>(
    signatures: impl Iterator<Item = (usize, &'s Signature)>,
    trust: &Trust,
) -> Result<Vec<(Pair, Ed25519Stream)>, VerifyError> {
    let (mut streams, mut numbers, mut meant) = (Vec::new(), Vec::new(), false);
    for (file, signature) in signatures {
        let label = KeyLabel::Number(signature.number);
        for (key, trusted) in trust.keys().iter().enumerate().filter(|(_, trusted)| trusted.key.may_be(&label)) {
            meant = true;
            streams.extend(trusted.key.ed25519_stream(&signature.bytes).map(|stream| (Pair { file, key }, stream)));
        }
        numbers.push(label.to_string());
    }
    match (meant, streams.is_empty()) {
        (false, _) => Err(VerifyError::unknown_key(trust, format!("the key {}", numbers.join(", ")))),
        (true, true) => Err(VerifyError::mismatch(trust)),
        (true, false) => Ok(streams),
    }
}

struct Signature {
    number: [u8; 8],
    bytes: [u8; 64],
}

impl Signature {
    fn parse(file: &[u8]) -> Result<Self, VerifyError> {
        if file.len() > MAX_SIGNATURE {
            return Err(malformed("a longer one"));
        }
        let text = std::str::from_utf8(file).map_err(|_| malformed("something that is not UTF-8"))?;
        let lines: Vec<&str> = text.lines().collect();
        let [comment, line] = lines.as_slice() else {
            return Err(malformed(&format!("{} lines", lines.len())));
        };
        if !comment.starts_with("untrusted comment: ") || comment.contains(char::is_control) {
            return Err(malformed("no untrusted comment in the first line, or a control character in it"));
        }
        let decoded: Option<[u8; 74]> = STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
        let decoded = decoded.ok_or_else(|| malformed("no signature in the second line"))?;
        if !decoded.starts_with(b"Ed") {
            return Err(malformed("an unknown algorithm"));
        }
        let (mut number, mut bytes) = ([0; 8], [0; 64]);
        number.copy_from_slice(&decoded[2..10]);
        bytes.copy_from_slice(&decoded[10..]);
        Ok(Self { number, bytes })
    }
}

fn malformed(found: &str) -> VerifyError {
    VerifyError::malformed_signature(FORM, found)
}
