//! Signed lists of checksums: one list beside many files, such as `SHA256SUMS`, vouches for each by digest and name.
//!
//! The list is a companion of every file in it, and its signature, in any other format, is one too. First the signature
//! of the list is verified, whole; only then is the list read, and the file is held against the line with its name.
//! A line that is not understood refuses the list: what it says might be about this very file.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Check, Companion, Context, Finding, Need, Verification, Verifier, VerifyError, Whole,
    checksum_list::{self, Line},
};
use crate::{
    digest::Digest,
    evidence::Evidence,
    trust::{HashKind, RunningHash},
};

const FORMAT: &str = "checksums";

/// The `checksums` format.
#[derive(Debug, Clone)]
pub struct Checksums {
    list: Arc<str>,
    signature: Arc<dyn Verifier>,
}

impl Checksums {
    /// The list lies at `list` from the folder of each document, such as `SHA256SUMS` or `../SHA256SUMS`, and is signed
    /// as `signature` verifies it.
    pub fn new(list: &str, signature: Arc<dyn Verifier>) -> Self {
        Self { list: list.into(), signature }
    }

    fn list_name(&self) -> &str {
        self.list.rsplit('/').next().unwrap_or(&self.list)
    }
}

impl Verifier for Checksums {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        let Self { list, signature } = self;
        Digest::of(format!("{list:?} {} {}", signature.format(), signature.settings()).as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        let signatures = self.signature.companions().into_iter();
        let signatures = signatures.map(|file| Companion::shared(&format!("{}{}", self.list, file.suffix), file.need));
        [Companion::shared(&self.list, Need::Required)].into_iter().chain(signatures).collect()
    }

    fn in_words(&self, evidence: &Evidence) -> Option<String> {
        let (name, list, format) = (evidence.identity.as_ref()?, self.list_name(), self.signature.format());
        Some(format!("What is signed is the list {list} ({format}): it has a line for {name} with this digest."))
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let Some((Some(list), signatures)) = context.companions.split_first() else {
            return Err(VerifyError::no_companion(&format!("the list {}", self.list)));
        };
        let about_list = Context { companions: signatures, identity: Some(self.list_name()), ..context };
        let mut check = Check::begin(&self.signature, about_list)?;
        check.update(list)?;
        let signed = check.finish()?;
        // Around the lines there may be what was not signed: signatures, and what makes a text clear-signed.
        let lines = checksum_list::parse(&self.signature.content(list.clone())?)?;
        let name = context.file_name();
        let expected: Vec<Line> = lines.iter().filter(|line| line.name == name).cloned().collect();
        if expected.is_empty() {
            let wanted = format!("a line for {name} in the signed list");
            return Err(VerifyError::unnamed_document(&wanted, format!("none among {} lines", lines.len())));
        }
        let hashes: BTreeMap<HashKind, RunningHash> =
            expected.iter().map(|line| line.hash.kind()).map(|kind| (kind, kind.start())).collect();
        if hashes.len() < expected.len() {
            let wanted = format!("one line for {name} in the signed list");
            return Err(VerifyError::malformed_signature(&wanted, format!("{}", expected.len())));
        }
        Ok(Box::new(Running { signed, signatures: signatures.len(), lines, name: name.to_owned(), hashes }))
    }
}

struct Running {
    /// What is known of the list.
    signed: Finding,
    signatures: usize,
    lines: Vec<Line>,
    name: String,
    /// Each kind of digest that the list has of the document.
    hashes: BTreeMap<HashKind, RunningHash>,
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.hashes.values_mut().for_each(|hash| hash.update(chunk));
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let name = &self.name;
        for (kind, hash) in self.hashes {
            let hash = hash.finish();
            let mut same = self.lines.iter().filter(|line| line.hash == hash);
            if same.clone().any(|line| line.name == *name) {
                continue;
            }
            return Err(match same.next() {
                Some(other) => VerifyError::other_document(name, format!("what the list calls {}", other.name)),
                None => {
                    let expected = format!("a document with the {kind} that the signed list has for {name}");
                    VerifyError::other_content(&expected, "a document with another")
                }
            });
        }
        let evidence = Evidence {
            format: FORMAT.into(),
            digest: whole.digest,
            size: whole.size,
            identity: Some(self.name.as_str().into()),
            entries: None,
            ..self.signed.evidence.clone()
        };
        let strangers = (0..self.signatures).filter(|number| !self.signed.rests_on(*number));
        Ok(strangers.fold(Finding::new(evidence), |finding, number| finding.without_companion(number + 1)))
    }
}
