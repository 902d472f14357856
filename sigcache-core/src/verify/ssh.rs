//! Signatures of OpenSSH (`ssh-keygen -Y sign`, PROTOCOL.sshsig), in files beside the document.
//!
//! What is signed is a hash of the document together with a namespace, which says what the signature is for: one that was
//! made to log in or for mail proves nothing about a file. The signature names its hash and its key; only SHA-256 and
//! SHA-512, and only keys that are configured, are looked at.

use std::{collections::BTreeMap, sync::Arc};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use super::{
    Companion, Context, Finding, Verification, Verifier, VerifyError, Whole,
    beside::{Beside, Found, Pair, finding, signers},
};
use crate::{
    digest::Digest,
    evidence::Evidence,
    trust::{Encoding, HashKind, KeyError, KeyLabel, PublicKey, RunningHash, Scheme, Trust, TrustedKey, wire::Wire},
};

const FORMAT: &str = "ssh";

/// The largest RSA key and its signature have half of that.
const MAX_SIGNATURE_FILE: usize = 8 * 1024;

const MAGIC: &[u8] = b"SSHSIG";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// The `ssh` format.
#[derive(Debug, Clone)]
pub struct Ssh {
    files: Beside,
    namespace: Arc<str>,
    principal: Option<Arc<str>>,
}

impl Ssh {
    /// The signature lies beside the document, under its name with `suffix` appended (ssh-keygen writes `.sig`), and was
    /// made for `namespace` (which is `file` for files, by custom).
    pub fn new(suffix: &str, namespace: &str) -> Self {
        Self { files: Beside::new(suffix), namespace: namespace.into(), principal: None }
    }

    /// Another signature file, for thresholds above one.
    pub fn with_suffix(self, suffix: &str) -> Self {
        Self { files: self.files.and(suffix), ..self }
    }

    /// Of keys that came from an allowed-signers file only those of this principal may sign; no others may at all.
    pub fn with_principal(self, principal: &str) -> Self {
        Self { principal: Some(principal.into()), ..self }
    }

    /// Why this key may not sign here; an allowed-signers file can say so.
    pub fn objection(&self, key: &PublicKey) -> Option<String> {
        let allowed = match key.label() {
            Some(KeyLabel::Ssh(allowed)) => Some(allowed),
            _ => None,
        };
        if allowed.is_some_and(|allowed| !allowed.may_sign_in(&self.namespace)) {
            return Some(format!("may not sign in the namespace {}", self.namespace));
        }
        let principal = self.principal.as_ref()?;
        let other = !allowed.is_some_and(|allowed| allowed.is(principal));
        other.then(|| format!("is not the key of {principal}"))
    }

    /// The trusted key that made the signature by its own words, if it may sign here.
    fn signer(&self, signature: &Signature, trust: &Trust) -> Result<usize, VerifyError> {
        let found = |trusted: &TrustedKey| trusted.key.fingerprint() == signature.key.fingerprint();
        let Some(number) = trust.keys().iter().position(found) else {
            return Err(VerifyError::unknown_key(trust, format!("the key {}", signature.shown_key)));
        };
        let TrustedKey { id, key, .. } = &trust.keys()[number];
        match self.objection(key) {
            Some(objection) => Err(VerifyError::unknown_key(trust, format!("{id}, which {objection}"))),
            None => Ok(number),
        }
    }
}

impl Verifier for Ssh {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        Digest::of(format!("{self:?}").as_bytes())
    }

    fn companions(&self) -> Vec<Companion> {
        self.files.companions()
    }

    fn in_words(&self, _: &Evidence) -> Option<String> {
        Some(format!("The signature was made for the namespace {}.", self.namespace))
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let trust = context.trust.clone();
        let files = self.files.read(context, |file| {
            let signature = Signature::parse(file, &trust)?;
            if signature.namespace != self.namespace.as_bytes() {
                let expected = format!("a signature for the namespace {}", self.namespace);
                let found = format!("one for {}", String::from_utf8_lossy(&signature.namespace));
                return Err(VerifyError::malformed_signature(&expected, found));
            }
            Ok(signature)
        })?;
        let (mut pairs, mut refusal) = (Vec::new(), None);
        for (file, signature) in files.iter() {
            match self.signer(signature, &trust) {
                Ok(key) => pairs.push(Pair { file, key }),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        if let (Some(refusal), true) = (refusal, pairs.is_empty()) {
            return Err(refusal);
        }
        let hashes = files.iter().map(|(_, signature)| (signature.hash, signature.hash.start())).collect();
        Ok(Box::new(Running { files, pairs, hashes, trust }))
    }
}

struct Running {
    files: Found<Signature>,
    pairs: Vec<Pair>,
    hashes: BTreeMap<HashKind, RunningHash>,
    trust: Trust,
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.hashes.values_mut().for_each(|hash| hash.update(chunk));
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let matches = |pair: &&Pair| {
            let signature = self.files.iter().find(|(file, _)| *file == pair.file).map(|(_, signature)| signature);
            signature.is_some_and(|signature| {
                let hash = self.hashes.get(&signature.hash).map(|hash| hash.clone().finish());
                hash.is_some_and(|hash| signature.matches(&self.trust.keys()[pair.key].key, hash.as_bytes()))
            })
        };
        let proven: Vec<Pair> = self.pairs.iter().filter(matches).copied().collect();
        let evidence = Evidence::new(FORMAT, whole.digest, whole.size, signers(&self.trust, &proven)?);
        Ok(finding(evidence, &self.files.numbers(), &proven))
    }
}

/// A signature file.
struct Signature {
    key: PublicKey,
    /// The key as ssh-keygen shows it.
    shown_key: String,
    namespace: Vec<u8>,
    hash: HashKind,
    hash_name: Vec<u8>,
    scheme: Scheme,
    /// Of ECDSA in the fixed form.
    signature: Vec<u8>,
}

impl Signature {
    fn parse(file: &[u8], trust: &Trust) -> Result<Self, VerifyError> {
        let malformed = |found: &str| {
            let expected = format!("an SSH signature: {BEGIN}, base64, {END}");
            VerifyError::malformed_signature(&expected, format!("{found} ({} bytes)", file.len()))
        };
        let blob = dearmor(file).ok_or_else(|| malformed("something else"))?;
        let fields = Fields::read(&blob).ok_or_else(|| malformed("other fields"))?;
        // Whoever comes to give it a meaning may change what the signature says.
        if !fields.reserved.is_empty() {
            return Err(malformed("something in the reserved field"));
        }
        let hash = match fields.hash {
            b"sha256" => HashKind::Sha256,
            b"sha512" => HashKind::Sha512,
            _ => return Err(malformed("another hash than sha256 and sha512")),
        };
        let shown_key = format!("SHA256:{}", STANDARD_NO_PAD.encode(Digest::of(fields.key).as_bytes()));
        let key = match PublicKey::from_ssh(fields.key) {
            Ok(key) => key,
            Err(error @ (KeyError::Algorithm(_) | KeyError::Unsafe { .. })) => {
                return Err(VerifyError::unknown_key(trust, format!("the key {shown_key}: {error}")));
            }
            Err(_) => return Err(malformed("a damaged key")),
        };
        let (scheme, signature) = fields.signature().ok_or_else(|| malformed("another kind of signature"))?;
        let (namespace, hash_name) = (fields.namespace.to_vec(), fields.hash.to_vec());
        Ok(Self { key, shown_key, namespace, hash, hash_name, scheme, signature })
    }

    /// Whether the signature is the key's over this hash of the document.
    fn matches(&self, key: &PublicKey, hash: &[u8]) -> bool {
        let mut message = MAGIC.to_vec();
        for field in [&self.namespace[..], b"", &self.hash_name, hash] {
            // None of them is longer than the file, but for the hash, which is shorter still.
            message.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            message.extend(field);
        }
        key.verify_message(self.scheme, Encoding::Fixed, &message, &self.signature)
    }
}

/// What is between the lines that say that it is a signature.
fn dearmor(file: &[u8]) -> Option<Vec<u8>> {
    if file.len() > MAX_SIGNATURE_FILE {
        return None;
    }
    let text = std::str::from_utf8(file).ok()?.trim_end();
    let body = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
    if !body.starts_with(['\n', '\r']) || !body.ends_with('\n') {
        return None;
    }
    STANDARD.decode(body.replace(['\n', '\r'], "")).ok()
}

struct Fields<'a> {
    key: &'a [u8],
    namespace: &'a [u8],
    reserved: &'a [u8],
    hash: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Fields<'a> {
    fn read(blob: &'a [u8]) -> Option<Self> {
        let mut wire = Wire::new(blob);
        let known = wire.bytes(MAGIC.len())? == MAGIC && wire.uint32()? == 1;
        let mut next = || wire.string();
        let (key, namespace, reserved) = (next()?, next()?, next()?);
        let fields = Self { key, namespace, reserved, hash: next()?, signature: next()? };
        wire.end()?;
        known.then_some(fields)
    }

    /// The signature itself and how it was made. RSA over SHA-1, which SSH calls `ssh-rsa`, is not among them, and
    /// neither are signatures by hardware, which are over other things as well.
    fn signature(&self) -> Option<(Scheme, Vec<u8>)> {
        let mut wire = Wire::new(self.signature);
        let (kind, bytes) = (wire.string()?, wire.string()?);
        wire.end()?;
        match kind {
            b"ssh-ed25519" => Some((Scheme::Ed25519, bytes.to_vec())),
            b"rsa-sha2-256" => Some((Scheme::RsaPkcs1Sha256, bytes.to_vec())),
            b"rsa-sha2-512" => Some((Scheme::RsaPkcs1Sha512, bytes.to_vec())),
            b"ecdsa-sha2-nistp256" => Some((Scheme::EcdsaSha256, fixed(bytes, 32)?)),
            b"ecdsa-sha2-nistp384" => Some((Scheme::EcdsaSha384, fixed(bytes, 48)?)),
            _ => None,
        }
    }
}

/// The two numbers of an ECDSA signature, each as wide as the curve.
fn fixed(bytes: &[u8], width: usize) -> Option<Vec<u8>> {
    let mut wire = Wire::new(bytes);
    let mut fixed = Vec::new();
    for _ in 0..2 {
        let number = wire.mpint()?;
        fixed.resize(fixed.len() + width.checked_sub(number.len())?, 0);
        fixed.extend(number);
    }
    wire.end().map(|()| fixed)
}
