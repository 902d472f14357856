//! C2SP signed notes (c2sp.org/signed-note), such as the checkpoints of transparency logs: text, a blank line, and a line
//! for each signature.
//!
//! Lines by keys that are not configured are ignored, as the specification demands: that is how logs are cosigned and keys
//! rotated. A line by a configured key that does not match refuses the note.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Companion, Context, Finding, Verification, Verifier, VerifyError, Whole};
use crate::{
    digest::Digest,
    evidence::{Evidence, KeyId, Mark},
    trust::{Encoding, KeyLabel, Scheme, Trust},
};

const FORMAT: &str = "note";

/// A note is kept whole until it is verified: what was signed is known at its end.
const MAX_NOTE: usize = 1024 * 1024;

/// The specification demands that 16 are taken.
const MAX_SIGNATURES: usize = 100;

/// The `note` format.
#[derive(Debug, Clone, Default)]
pub struct Note {
    checkpoint: bool,
}

impl Note {
    /// Any text.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text is a checkpoint of a transparency log (c2sp.org/tlog-checkpoint): its origin is its identity, and its
    /// size never falls.
    pub fn checkpoint() -> Self {
        Self { checkpoint: true }
    }
}

impl Verifier for Note {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        Digest::of(format!("{self:?}").as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        Vec::new()
    }

    fn in_words(&self, evidence: &Evidence) -> Option<String> {
        let origin = evidence.identity.as_ref().filter(|_| self.checkpoint)?;
        Some(format!("The text is a checkpoint of the transparency log {origin}; its size never falls."))
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        Ok(Box::new(Running { note: Vec::new(), trust: context.trust.clone(), checkpoint: self.checkpoint }))
    }
}

struct Running {
    note: Vec<u8>,
    trust: Trust,
    checkpoint: bool,
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        if self.note.len() + chunk.len() > MAX_NOTE {
            return Err(malformed(&format!("one of more than {MAX_NOTE} bytes")));
        }
        self.note.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let note = std::str::from_utf8(&self.note).map_err(|_| malformed("something that is not UTF-8"))?;
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err(malformed("a control character"));
        }
        // There may be more blank lines in the text.
        let (text, signatures) = note.rsplit_once("\n\n").ok_or_else(|| malformed("no blank line"))?;
        let text = note.get(..text.len() + 1).unwrap_or_default();
        let signers = signers(text, signatures, &self.trust)?;
        let mut evidence = Evidence::new(FORMAT, whole.digest, whole.size, signers);
        if self.checkpoint {
            let (origin, size) = checkpoint(text)?;
            evidence.identity = Some(origin.into());
            evidence.mark = Some(Mark::Sequence(size));
        }
        Ok(Finding::new(evidence))
    }
}

/// Those of the trusted keys that signed the text.
fn signers(text: &str, signatures: &str, trust: &Trust) -> Result<Vec<KeyId>, VerifyError> {
    let lines: Vec<&str> = signatures.split_terminator('\n').collect();
    if !signatures.ends_with('\n') || lines.len() > MAX_SIGNATURES {
        return Err(malformed(&format!("{} lines of signatures, or one without its end", lines.len())));
    }
    let (mut signed, mut strangers) = (vec![false; trust.keys().len()], Vec::new());
    for line in lines {
        let (label, signature) = read_line(line).ok_or_else(|| malformed("a line of a signature that is none"))?;
        // Its name is a part of what the key is: one that came without it cannot be meant.
        let Some(number) = trust.keys().iter().position(|trusted| trusted.key.label() == Some(&label)) else {
            strangers.push(label.to_string());
            continue;
        };
        let key = &trust.keys()[number].key;
        if !key.verify_message(Scheme::Ed25519, Encoding::Fixed, text.as_bytes(), &signature) {
            return Err(VerifyError::mismatch(trust));
        }
        signed[number] = true;
    }
    let signed = trust.keys().iter().zip(signed).filter(|(_, signed)| *signed);
    let signers: Vec<KeyId> = signed.map(|(trusted, _)| trusted.id.clone()).collect();
    if signers.is_empty() {
        return Err(VerifyError::unknown_key(trust, format!("the keys {}", strangers.join(", "))));
    }
    Ok(signers)
}

/// The key that a line names, and the signature. `— NAME BASE64`
fn read_line(line: &str) -> Option<(KeyLabel, Vec<u8>)> {
    let (name, base64) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
        return None;
    }
    let bytes = STANDARD.decode(base64).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>().filter(|(_, signature)| !signature.is_empty())?;
    Some((KeyLabel::Note { name: name.into(), id: *id }, signature.to_vec()))
}

/// Origin and size of a checkpoint.
fn checkpoint(text: &str) -> Result<(&str, u64), VerifyError> {
    let malformed = |found: &str| {
        VerifyError::malformed_document("a checkpoint: origin, size, root hash, and perhaps extensions", found)
    };
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    let [origin, size, root, ..] = lines.as_slice() else {
        return Err(malformed(&format!("{} lines", lines.len())));
    };
    if lines.iter().any(|line| line.is_empty()) {
        return Err(malformed("an empty line"));
    }
    let number: Option<u64> = size.parse().ok();
    let number = number.filter(|number| number.to_string() == *size); // one number has one form
    let size = number.ok_or_else(|| malformed("a size that is no number"))?;
    if STANDARD.decode(root).map_or(true, |root| root.len() != 32) {
        return Err(malformed("a root hash that is none"));
    }
    Ok((origin, size))
}

fn malformed(found: &str) -> VerifyError {
    VerifyError::malformed_document("a signed note: text, a blank line, and lines of signatures", found)
}
