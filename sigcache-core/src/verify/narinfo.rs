//! What a Nix binary cache says of a store path: its `.narinfo`, and the archive (NAR) that it vouches for.
//!
//! Signed are the store path, hash and size of the archive without compression, and the store paths that it refers to.
//! Nothing else in the file is: not where the archive is, nor how it is compressed, nor the hash of what is compressed. So
//! an archive can be held against the signature only as it is without compression.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Companion, Context, Finding, Need, Verification, Verifier, VerifyError, Whole};
use crate::{
    digest::Digest,
    evidence::{Evidence, KeyId},
    trust::{Encoding, KeyLabel, Scheme, Trust},
};

const FORMAT: &str = "narinfo";

/// A path may refer to thousands of others.
const MAX_NARINFO: usize = 1024 * 1024;

/// Each costs as many verifications as there are keys.
const MAX_SIGNATURES: usize = 100;

/// Without `e`, `o`, `u` and `t`.
const ALPHABET: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// The fields that a file may have, once each but for `Sig`.
const FIELDS: &[&str] = &[
    "StorePath",
    "URL",
    "Compression",
    "FileHash",
    "FileSize",
    "NarHash",
    "NarSize",
    "References",
    "Deriver",
    "System",
    "CA",
    "Sig",
];

/// The `narinfo` format.
#[derive(Debug, Clone)]
pub struct Narinfo {
    /// Where the file lies from the folder of the archive; `None` where it is the document itself.
    beside: Option<Arc<str>>,
}

impl Narinfo {
    /// The document is a `.narinfo`.
    pub fn new() -> Self {
        Self { beside: None }
    }

    /// The document is an archive without compression, and the `.narinfo` that vouches for it lies at `path` from its
    /// folder, such as `../HASH.narinfo`.
    pub fn of_archive(path: &str) -> Self {
        Self { beside: Some(path.into()) }
    }
}

impl Default for Narinfo {
    fn default() -> Self {
        Self::new()
    }
}

impl Verifier for Narinfo {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        Digest::of(format!("{self:?}").as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        self.beside.iter().map(|path| Companion::shared(path, Need::Required)).collect()
    }

    fn in_words(&self, evidence: &Evidence) -> Option<String> {
        let name = evidence.identity.as_ref()?;
        Some(match self.beside {
            // Without the name: nothing compared that of an archive with anything, and explain says so.
            Some(_) => "What the cache signed is its .narinfo, which names this archive by hash and size.".to_owned(),
            None => {
                format!("The cache signed the store path {name}, the hash and size of its archive and its references.")
            }
        })
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        // The name by which the cache was asked for it. An identity in the configuration is compared by the judge.
        let asked = self.beside.as_deref().unwrap_or(context.name.as_str());
        let asked = asked.rsplit('/').next().filter(|_| context.identity.is_none()).map(str::to_owned);
        let trust = context.trust.clone();
        let Some(path) = &self.beside else {
            return Ok(Box::new(Itself { file: Vec::new(), trust, asked }));
        };
        let file = context.companions.first().and_then(Option::as_ref);
        let file = file.ok_or_else(|| VerifyError::no_companion(path))?;
        let (info, signers) = verified(file, &trust)?;
        info.is_the_one(asked.as_deref())?;
        if info.compression != "none" {
            let expected = "an archive without compression: the signature does not cover a compressed one";
            return Err(VerifyError::malformed_document(expected, format!("one with {}", info.compression)));
        }
        let (hash, size, identity) = (info.nar_hash.to_owned(), info.nar_size, info.name().into());
        Ok(Box::new(Archive { hash, size, identity, signers, seen: 0 }))
    }
}

/// A check of a `.narinfo`, kept whole until its end.
struct Itself {
    file: Vec<u8>,
    trust: Trust,
    asked: Option<String>,
}

impl Verification for Itself {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        if self.file.len() + chunk.len() > MAX_NARINFO {
            return Err(malformed(&format!("one of more than {MAX_NARINFO} bytes")));
        }
        self.file.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let (info, signers) = verified(&self.file, &self.trust)?;
        info.is_the_one(self.asked.as_deref())?;
        let mut evidence = Evidence::new(FORMAT, whole.digest, whole.size, signers);
        evidence.identity = Some(info.name().into());
        Ok(Finding::new(evidence))
    }
}

/// A check of an archive. Its hash is the digest that everything here is known by.
struct Archive {
    hash: String,
    size: u64,
    identity: Arc<str>,
    signers: Vec<KeyId>,
    seen: u64,
}

impl Archive {
    fn other(&self, found: &str) -> VerifyError {
        VerifyError::other_content(&format!("the archive that is signed for {}", self.identity), found)
    }
}

impl Verification for Archive {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.seen += chunk.len() as u64;
        if self.seen > self.size { Err(self.other("one of another size")) } else { Ok(()) }
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        if whole.size != self.size {
            return Err(self.other("one of another size"));
        }
        if base32(whole.digest.as_bytes()) != self.hash {
            return Err(self.other("one with another hash"));
        }
        let mut evidence = Evidence::new(FORMAT, whole.digest, whole.size, self.signers);
        evidence.identity = Some(self.identity);
        Ok(Finding::new(evidence))
    }
}

/// What a file says.
struct Info<'a> {
    store_path: &'a str,
    compression: &'a str,
    /// Without `sha256:`.
    nar_hash: &'a str,
    nar_size: u64,
    references: Vec<&'a str>,
    signatures: Vec<(&'a str, [u8; 64])>,
}

/// What a file says, and who signed it.
fn verified<'a>(file: &'a [u8], trust: &Trust) -> Result<(Info<'a>, Vec<KeyId>), VerifyError> {
    let info = Info::parse(file).map_err(malformed)?;
    let message = info.fingerprint();
    let (mut known, mut signers) = (false, Vec::new());
    for trusted in trust.keys() {
        let may_be = |(name, _): &&(&str, [u8; 64])| trusted.key.may_be(&KeyLabel::Nix((*name).into()));
        let mut own = info.signatures.iter().filter(may_be).peekable();
        known |= own.peek().is_some();
        let matches = |signature: &[u8; 64]| {
            trusted.key.verify_message(Scheme::Ed25519, Encoding::Fixed, message.as_bytes(), signature)
        };
        if own.any(|(_, signature)| matches(signature)) {
            signers.push(trusted.id.clone());
        }
    }
    match (known, signers.is_empty()) {
        (_, false) => Ok((info, signers)),
        (true, true) => Err(VerifyError::mismatch(trust)),
        (false, true) => {
            let names: Vec<&str> = info.signatures.iter().map(|(name, _)| *name).collect();
            let found =
                if names.is_empty() { "no signature".to_owned() } else { format!("the keys {}", names.join(", ")) };
            Err(VerifyError::unknown_key(trust, found))
        }
    }
}

impl<'a> Info<'a> {
    fn parse(file: &'a [u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(file).map_err(|_| "something that is not UTF-8")?;
        if file.len() > MAX_NARINFO || text.contains(|c: char| c.is_control() && c != '\n') {
            return Err("a larger file, or a control character");
        }
        let mut values: Vec<Option<&str>> = vec![None; FIELDS.len()];
        let mut signatures = Vec::new();
        for line in text.split_terminator('\n') {
            let (name, value) = line.split_once(": ").ok_or("a line without a field")?;
            let field = FIELDS.iter().position(|field| *field == name).ok_or("an unknown field")?;
            if name == "Sig" {
                let (key, base64) = value.split_once(':').ok_or("a signature without the name of its key")?;
                let bytes = STANDARD.decode(base64).ok().and_then(|bytes| bytes.try_into().ok());
                signatures.push((key, bytes.ok_or("a signature that is none")?));
            } else if values[field].replace(value).is_some() {
                return Err("a field that stands twice");
            }
        }
        if signatures.len() > MAX_SIGNATURES {
            return Err("more signatures than anybody makes");
        }
        let value = |name: &str| FIELDS.iter().position(|field| *field == name).and_then(|field| values[field]);
        let store_path = value("StorePath").filter(|path| is_path(path)).ok_or("no sound StorePath")?;
        let nar_hash = value("NarHash").and_then(|hash| hash.strip_prefix("sha256:"));
        let nar_hash = nar_hash.filter(|hash| hash.len() == 52 && is_base32(hash)).ok_or("no NarHash with SHA-256")?;
        let size = value("NarSize").ok_or("no NarSize")?;
        let number = size.parse().ok().filter(|number: &u64| *number > 0 && number.to_string() == size);
        let nar_size = number.ok_or("a NarSize that is no number")?;
        let references = value("References").filter(|references| !references.is_empty());
        let references: Vec<&str> = references.map(|names| names.split(' ').collect()).unwrap_or_default();
        if !references.is_sorted_by(|a, b| a < b) || !references.iter().all(|name| is_name(name)) {
            return Err("References that are not in order, or are none");
        }
        // Nix takes bzip2 where nothing is said.
        let compression = value("Compression").unwrap_or("bzip2");
        Ok(Self { store_path, compression, nar_hash, nar_size, references, signatures })
    }

    /// What is signed.
    fn fingerprint(&self) -> String {
        let folder = &self.store_path[..self.store_path.len() - self.name().len()];
        let references: Vec<String> = self.references.iter().map(|name| format!("{folder}{name}")).collect();
        let Self { store_path, nar_hash, nar_size, .. } = self;
        format!("1;{store_path};sha256:{nar_hash};{nar_size};{}", references.join(","))
    }

    /// The store path without its folder.
    fn name(&self) -> &'a str {
        self.store_path.rsplit('/').next().unwrap_or(self.store_path)
    }

    /// Whether it is what the cache was `asked` for: the hash of the store path, and `.narinfo`.
    fn is_the_one(&self, asked: Option<&str>) -> Result<(), VerifyError> {
        let Some(asked) = asked else { return Ok(()) };
        let hash = self.name().split('-').next().unwrap_or_default();
        if asked.strip_suffix(".narinfo") == Some(hash) {
            return Ok(());
        }
        Err(VerifyError::other_document(asked, format!("{hash}.narinfo, for {}", self.name())))
    }
}

/// An absolute path to what has the name of something in a store. Nothing in it can be taken for what divides the parts
/// of the text that is signed.
fn is_path(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    folder.starts_with('/') && folder.bytes().all(|c| c == b'/' || is_letter(c)) && is_name(name)
}

/// `HASH-NAME`
fn is_name(name: &str) -> bool {
    let (hash, rest) = name.split_once('-').unwrap_or_default();
    hash.len() == 32 && is_base32(hash) && !rest.is_empty() && rest.bytes().all(is_letter)
}

fn is_letter(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"+-._?=".contains(&c)
}

fn is_base32(text: &str) -> bool {
    text.bytes().all(|c| ALPHABET.contains(&c))
}

/// Nix's own base 32: five bits at a time, from the end.
fn base32(bytes: &[u8; 32]) -> String {
    let letter = |number: usize| {
        let (byte, bit) = (number * 5 / 8, number * 5 % 8);
        let pair = u16::from(bytes[byte]) | u16::from(*bytes.get(byte + 1).unwrap_or(&0)) << 8;
        char::from(ALPHABET[usize::from(pair >> bit & 31)])
    };
    (0..52).rev().map(letter).collect()
}

fn malformed(found: &str) -> VerifyError {
    VerifyError::malformed_document("a .narinfo: a field and its value on each line", found)
}
