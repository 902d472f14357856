//! Signatures of minisign, in files beside the document.
//!
//! A file has four lines: a comment that nobody signed; the signature, which is over BLAKE2b-512 of the document, or in
//! older files over the document itself; a comment that was signed; and the signature over the first one and that
//! comment. Both signatures must match. The signed comment is evidence, and where the configuration says so it must name
//! the document or tell when it was signed.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use blake2::{Blake2b512, Digest as _};

use super::{
    Companion, Context, Finding, Verification, Verifier, VerifyError, Whole,
    beside::{Beside, Found, Pair, finding, signers},
};
use crate::{
    digest::Digest,
    evidence::{Evidence, Mark},
    time::Timestamp,
    trust::{Ed25519Stream, Encoding, KeyLabel, PublicKey, Scheme, Trust},
};

const FORMAT: &str = "minisign";

/// Both comments may have 8 KiB in minisign.
const MAX_SIGNATURE_FILE: usize = 20 * 1024;

/// As long as a hash is.
const HASH_BYTES: u64 = 64;

const FORM: &str = "a minisign signature: two comments and two lines of base64, by turns";

/// The `minisign` format.
#[derive(Debug, Clone)]
pub struct Minisign {
    files: Beside,
    legacy: bool,
    named: bool,
    timed: bool,
}

impl Minisign {
    /// The signature lies beside the document, under its name with `suffix` appended; minisign writes `.minisig`.
    pub fn new(suffix: &str) -> Self {
        Self { files: Beside::new(suffix), legacy: false, named: false, timed: false }
    }

    /// Another signature file, for thresholds above one.
    pub fn with_suffix(self, suffix: &str) -> Self {
        Self { files: self.files.and(suffix), ..self }
    }

    /// Takes signatures over the document itself as well, which minisign made before version 0.10 and makes with `-l`.
    /// They are not weaker, but where nobody makes them any more nobody needs to take them.
    pub fn with_legacy(self) -> Self {
        Self { legacy: true, ..self }
    }

    /// The signed comment must say `file:NAME`, and the name must be the document's
    /// ([`Context::file_name`](super::Context::file_name)). minisign writes it unless it is told otherwise.
    pub fn with_file_in_comment(self) -> Self {
        Self { named: true, ..self }
    }

    /// The signed comment must say `timestamp:SECONDS`, and a version that was signed earlier than one that was accepted
    /// is refused. minisign writes it unless it is told otherwise.
    pub fn with_timestamp_in_comment(self) -> Self {
        Self { timed: true, ..self }
    }
}

impl Verifier for Minisign {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        Digest::of(format!("{self:?}").as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        self.files.companions()
    }

    fn in_words(&self, evidence: &Evidence) -> Option<String> {
        let name = evidence.identity.as_ref().filter(|_| self.named)?;
        Some(format!("The trusted comment is signed with it and names the file {name}, under which it is fetched."))
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let files = self.files.read(context, |file| {
            let signature = Signature::parse(file)?;
            match signature.over {
                Over::Document if !self.legacy => {
                    let expected = "a signature over a hash of the document (minisign -H)";
                    let found = "one over the document itself, which the configuration does not allow";
                    Err(VerifyError::malformed_signature(expected, found))
                }
                Over::Hash | Over::Document => Ok(signature),
            }
        })?;
        let mut meant = Vec::new();
        for (file, signature) in files.iter() {
            let label = KeyLabel::Number(signature.number);
            let keys = context.trust.keys().iter().enumerate().filter(|(_, trusted)| trusted.key.may_be(&label));
            meant.extend(keys.map(|(key, trusted)| (Pair { file, key }, signature, &trusted.key)));
        }
        if meant.is_empty() {
            let numbers: Vec<String> =
                files.iter().map(|(_, signature)| KeyLabel::Number(signature.number).to_string()).collect();
            return Err(VerifyError::unknown_key(context.trust, format!("the key {}", numbers.join(", "))));
        }
        // What can be said without the document is said before any of it is read.
        let checks: Vec<(Pair, Check)> = meant
            .into_iter()
            .filter(|(_, signature, key)| signature.comment_matches(key))
            .filter_map(|(pair, signature, key)| Some((pair, signature.check(key)?)))
            .collect();
        if checks.is_empty() {
            return Err(VerifyError::mismatch(context.trust));
        }
        let hash = files.iter().any(|(_, signature)| signature.over == Over::Hash).then(Blake2b512::new);
        let name = self.named.then(|| context.file_name().to_owned());
        Ok(Box::new(Running { files, checks, hash, trust: context.trust.clone(), name, timed: self.timed }))
    }
}

struct Running {
    files: Found<Signature>,
    checks: Vec<(Pair, Check)>,
    hash: Option<Blake2b512>,
    trust: Trust,
    name: Option<String>,
    timed: bool,
}

/// A signature and a key that may have made it.
enum Check {
    Hash { key: PublicKey, signature: [u8; 64] },
    Document(Box<Ed25519Stream>),
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        if let Some(hash) = &mut self.hash {
            hash.update(chunk);
        }
        for (_, check) in &mut self.checks {
            if let Check::Document(stream) = check {
                stream.update(chunk);
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let streams = self.checks.iter().any(|(_, check)| matches!(check, Check::Document(_)));
        let hash = self.hash.map(Blake2b512::finalize);
        let matches = |check| match check {
            Check::Hash { key, signature } => {
                hash.is_some_and(|hash| key.verify_message(Scheme::Ed25519, Encoding::Fixed, &hash, &signature))
            }
            Check::Document(stream) => stream.finish(),
        };
        let proven: Vec<Pair> =
            self.checks.into_iter().filter_map(|(pair, check)| matches(check).then_some(pair)).collect();
        let mut evidence = Evidence::new(FORMAT, whole.digest, whole.size, signers(&self.trust, &proven)?);
        // Which of the two was signed is not signed itself: such a document may be the hash of the one that was.
        if streams && whole.size == HASH_BYTES {
            let expected = "a document that is not as long as a hash, where its signature is not over a hash";
            return Err(VerifyError::malformed_document(expected, format!("{HASH_BYTES} bytes")));
        }
        for (file, signature) in self.files.iter() {
            if proven.iter().any(|pair| pair.file == file) {
                let name = self.name.as_deref();
                signature.tell(name, self.timed, &mut evidence)?;
            }
        }
        Ok(finding(evidence, &self.files.numbers(), &proven))
    }
}

/// What a signature is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Hash,
    Document,
}

/// A signature file.
struct Signature {
    over: Over,
    number: [u8; 8],
    signature: [u8; 64],
    comment: Arc<str>,
    /// Over the signature and the comment.
    both: [u8; 64],
}

impl Signature {
    fn parse(file: &[u8]) -> Result<Self, VerifyError> {
        let malformed = |found: &str| VerifyError::malformed_signature(FORM, format!("{found} ({} bytes)", file.len()));
        if file.len() > MAX_SIGNATURE_FILE {
            return Err(malformed("a larger file"));
        }
        let text = std::str::from_utf8(file).map_err(|_| malformed("something that is not UTF-8"))?;
        let lines: Vec<&str> = text.lines().collect();
        let [untrusted, first, trusted, second] = lines.as_slice() else {
            return Err(malformed(&format!("{} lines", lines.len())));
        };
        if !untrusted.starts_with("untrusted comment: ") {
            return Err(malformed("no untrusted comment in the first line"));
        }
        let comment = trusted.strip_prefix("trusted comment: ");
        let comment = comment.ok_or_else(|| malformed("no trusted comment in the third line"))?;
        if comment.contains(|c: char| c.is_control() && c != '\t') {
            return Err(malformed("a control character in the trusted comment"));
        }
        let first: [u8; 74] = decode(first).ok_or_else(|| malformed("no signature in the second line"))?;
        let both = decode(second).ok_or_else(|| malformed("no signature in the fourth line"))?;
        let (algorithm, rest) = first.split_at(2);
        let over = match algorithm {
            b"ED" => Over::Hash,
            b"Ed" => Over::Document,
            _ => return Err(malformed("an unknown algorithm")),
        };
        let (mut number, mut signature) = ([0; 8], [0; 64]);
        number.copy_from_slice(&rest[..8]);
        signature.copy_from_slice(&rest[8..]);
        Ok(Self { over, number, signature, comment: comment.into(), both })
    }

    fn comment_matches(&self, key: &PublicKey) -> bool {
        let message = [&self.signature, self.comment.as_bytes()].concat();
        key.verify_message(Scheme::Ed25519, Encoding::Fixed, &message, &self.both)
    }

    /// A check with this key; `None` if no document can match.
    fn check(&self, key: &PublicKey) -> Option<Check> {
        match self.over {
            Over::Hash => Some(Check::Hash { key: key.clone(), signature: self.signature }),
            Over::Document => key.ed25519_stream(&self.signature).map(Box::new).map(Check::Document),
        }
    }

    /// Puts into the evidence what the comment says, which by now is known to be signed. Of several signers the one who
    /// signed first says how old the document is.
    fn tell(&self, name: Option<&str>, timed: bool, evidence: &mut Evidence) -> Result<(), VerifyError> {
        if let Some(name) = name {
            match self.item("file:")? {
                Some(found) if found == name => evidence.identity = Some(name.into()),
                Some(found) => return Err(VerifyError::other_document(name, format!("a signature of {found}"))),
                None => {
                    let found = "a trusted comment that names no file";
                    return Err(VerifyError::unnamed_document(&format!("a signature of {name}"), found));
                }
            }
        }
        if timed {
            let expected = "a trusted comment that says when it was signed";
            let missing = || VerifyError::malformed_signature(expected, "one without `timestamp:` and seconds");
            let seconds = self.item("timestamp:")?.filter(|text| text.bytes().all(|c| c.is_ascii_digit()));
            let seconds: i64 = seconds.and_then(|text| text.parse().ok()).ok_or_else(missing)?;
            let signed = Timestamp::from_millis(seconds.checked_mul(1000).ok_or_else(missing)?);
            let earliest = match evidence.mark {
                Some(Mark::Issued(other)) => other.min(signed),
                _ => signed,
            };
            evidence.mark = Some(Mark::Issued(earliest));
        }
        if evidence.comment.is_none() && !self.comment.is_empty() {
            evidence.comment = Some(self.comment.clone());
        }
        Ok(())
    }

    /// What stands behind `word` in the comment, whose parts are divided by tabs.
    fn item(&self, word: &str) -> Result<Option<&str>, VerifyError> {
        let mut items = self.comment.split('\t').filter_map(|item| item.strip_prefix(word));
        let item = items.next();
        match items.next() {
            None => Ok(item),
            Some(_) => {
                let found = format!("`{word}` twice");
                Err(VerifyError::malformed_signature("each part of the trusted comment once", found))
            }
        }
    }
}

/// As many bytes as are expected from a line of base64.
fn decode<const N: usize>(line: &str) -> Option<[u8; N]> {
    STANDARD.decode(line).ok()?.try_into().ok()
}
