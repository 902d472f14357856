//! Detached signatures: one or more small files beside the document, each with one signature and nothing else.
//!
//! The trusted keys decide what is tried. A key signs in one way: ECDSA on P-256 and RSA over SHA-256, ECDSA on P-384
//! over SHA-384, RSA with the padding of PKCS#1 v1.5, unless the verifier is set up otherwise or the key itself says
//! so; Ed25519 signs the document itself.
//!
//! The document is streamed through each hash that is needed, once, and through one check for each Ed25519 key and
//! file that may go together.

use std::sync::Arc;

use super::{
    Claims, Companion, Context, Finding, MAX_CLAIMS_BYTES, Need, Verification, Verifier, VerifyError, Whole,
    signature_file::{malformed, parse_signature},
};
use crate::{
    digest::Digest,
    evidence::Evidence,
    trust::{Algorithm, Ed25519Stream, Encoding, Hash, HashKind, PublicKey, RunningHash, Scheme, Trust, rsa::Padding},
};

const FORMAT: &str = "detached";

/// The `detached` format.
#[derive(Debug, Clone)]
pub struct Detached {
    suffixes: Vec<Arc<str>>,
    claims: Claims,
    hash: Option<HashKind>,
    padding: Option<Padding>,
    settings: Digest,
}

impl Detached {
    /// Signatures lie beside the document, under its name with `suffix` appended.
    pub fn new(suffix: &str) -> Self {
        let suffixes = vec![suffix.into()];
        Self { suffixes, claims: Claims::default(), hash: None, padding: None, settings: Digest::of(b"") }.set_up()
    }

    fn set_up(mut self) -> Self {
        let mut settings = format!("{:?} {:?}", self.suffixes, self.claims);
        // What is the custom anyway is not in it: setting nothing means the same as before there was anything to set.
        if self.hash.is_some() || self.padding.is_some() {
            settings.push_str(&format!(" {:?} {:?}", self.hash, self.padding));
        }
        self.settings = Digest::of(settings.as_bytes());
        self
    }

    /// Another signature file, for thresholds above one. With more than one file each of them may be missing, as long
    /// as enough different keys signed.
    pub fn with_suffix(mut self, suffix: &str) -> Self {
        self.suffixes.push(suffix.into());
        self.set_up()
    }

    /// The document is JSON and says these things of itself.
    pub fn with_claims(self, claims: Claims) -> Self {
        Self { claims, ..self }.set_up()
    }

    /// ECDSA and RSA keys sign this hash, whatever their custom.
    pub fn with_hash(self, hash: HashKind) -> Self {
        Self { hash: Some(hash), ..self }.set_up()
    }

    /// RSA keys sign with this padding.
    pub fn with_padding(self, padding: Padding) -> Self {
        Self { padding: Some(padding), ..self }.set_up()
    }

    /// The one way in which this key is expected to sign; `None` for a key that cannot sign here, because only a
    /// verifier from outside understands it, or because it says that it signs in another way than is set up.
    pub fn scheme(&self, key: &PublicKey) -> Option<Scheme> {
        let algorithm = key.algorithm()?;
        let custom = match algorithm {
            Algorithm::EcdsaP384 => HashKind::Sha384,
            _ => HashKind::Sha256,
        };
        let scheme = match key.only() {
            Some(only) => only,
            None => {
                let padding = key.padding().or(self.padding).unwrap_or(Padding::Pkcs1);
                Scheme::of(algorithm, self.hash.unwrap_or(custom), padding)
            }
        };
        let as_set_up = self.hash.is_none_or(|hash| scheme.hash().is_none_or(|other| other == hash))
            && self.padding.is_none_or(|padding| scheme.padding().is_none_or(|other| other == padding));
        as_set_up.then_some(scheme)
    }
}

impl Verifier for Detached {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        self.settings
    }

    fn companions(&self) -> Vec<Companion> {
        let need = if self.suffixes.len() == 1 { Need::Required } else { Need::Optional };
        self.suffixes.iter().map(|suffix| Companion::new(suffix, need)).collect()
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let files = context.companions.iter().enumerate().filter_map(|(number, file)| Some((number, file.as_ref()?)));
        let files: Vec<_> = files.collect();
        if files.is_empty() {
            return Err(VerifyError::no_companion(&format!("one of {}", self.suffixes.join(", "))));
        }
        let signers: Vec<Signer> = context
            .trust
            .keys()
            .iter()
            .enumerate()
            .filter_map(|(key, trusted)| {
                let (algorithm, scheme) = (trusted.key.algorithm()?, self.scheme(&trusted.key)?);
                Some(Signer { key, algorithm, scheme })
            })
            .collect();
        if signers.is_empty() {
            return Err(VerifyError::mismatch(context.trust));
        }
        let mut candidates = Vec::new();
        for (companion, file) in files {
            let before = candidates.len();
            for signer in &signers {
                let Some(signature) = parse_signature(file, signer.algorithm) else { continue };
                let key = &context.trust.keys()[signer.key].key;
                candidates.push(Candidate::new(companion, signer, key, signature));
            }
            if candidates.len() == before {
                let algorithms: Vec<Algorithm> = signers.iter().map(|signer| signer.algorithm).collect();
                return Err(malformed(file, &algorithms));
            }
        }
        // SHA-256 is computed by the caller, who needs it for the store.
        let further = [HashKind::Sha384, HashKind::Sha512];
        let needed = |hash: &HashKind| candidates.iter().any(|candidate| candidate.scheme.hash() == Some(*hash));
        let hashes = further.into_iter().filter(needed).map(HashKind::start).collect();
        // The document is kept only where something must be read from it after its signature was checked.
        let kept = (!self.claims.is_empty()).then(Vec::new);
        Ok(Box::new(Running { candidates, hashes, trust: context.trust.clone(), claims: self.claims.clone(), kept }))
    }
}

/// A trusted key, by its number, and how it signs.
struct Signer {
    key: usize,
    algorithm: Algorithm,
    scheme: Scheme,
}

/// A signature file and a key that may have made it.
struct Candidate {
    companion: usize,
    key: usize,
    scheme: Scheme,
    proof: Proof,
}

enum Proof {
    /// A signature over a hash, which is checked when the hash is there.
    OverHash(Vec<u8>),
    /// A check that the document is streamed through; none if no document can match.
    Streamed(Option<Box<Ed25519Stream>>),
}

impl Candidate {
    fn new(companion: usize, signer: &Signer, key: &PublicKey, signature: Vec<u8>) -> Self {
        let proof = match signer.scheme {
            Scheme::Ed25519 => {
                let signature = signature.as_slice().try_into().ok();
                Proof::Streamed(signature.and_then(|signature| key.ed25519_stream(signature)).map(Box::new))
            }
            _ => Proof::OverHash(signature),
        };
        Self { companion, key: signer.key, scheme: signer.scheme, proof }
    }

    fn matches(self, key: &PublicKey, whole: Whole, hashes: &[Hash]) -> bool {
        match self.proof {
            Proof::Streamed(stream) => stream.is_some_and(|stream| stream.finish()),
            Proof::OverHash(signature) => {
                let other = hashes.iter().find(|hash| Some(hash.kind()) == self.scheme.hash());
                let digest = other.map_or(whole.digest.as_bytes().as_slice(), Hash::as_bytes);
                key.verify_digest(self.scheme, Encoding::Fixed, digest, &signature)
            }
        }
    }
}

struct Running {
    candidates: Vec<Candidate>,
    hashes: Vec<RunningHash>,
    trust: Trust,
    claims: Claims,
    kept: Option<Vec<u8>>,
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        if let Some(kept) = &mut self.kept {
            if kept.len() + chunk.len() > MAX_CLAIMS_BYTES {
                let expected = format!("a JSON document with claims of at most {MAX_CLAIMS_BYTES} bytes");
                return Err(VerifyError::malformed_document(&expected, "a larger one"));
            }
            kept.extend_from_slice(chunk);
        }
        self.hashes.iter_mut().for_each(|hash| hash.update(chunk));
        for candidate in &mut self.candidates {
            if let Proof::Streamed(Some(stream)) = &mut candidate.proof {
                stream.update(chunk);
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let hashes: Vec<Hash> = self.hashes.into_iter().map(RunningHash::finish).collect();
        let mut files: Vec<usize> = self.candidates.iter().map(|candidate| candidate.companion).collect();
        files.dedup();
        let mut proven = Vec::new();
        let mut signed = vec![false; self.trust.keys().len()];
        for candidate in self.candidates {
            let (companion, key) = (candidate.companion, candidate.key);
            if candidate.matches(&self.trust.keys()[key].key, whole, &hashes) {
                signed[key] = true;
                proven.push(companion);
            }
        }
        let keys = self.trust.keys().iter().zip(signed);
        let signers: Vec<_> = keys.filter(|(_, signed)| *signed).map(|(trusted, _)| trusted.id.clone()).collect();
        if signers.is_empty() {
            return Err(VerifyError::mismatch(&self.trust));
        }
        let mut evidence = Evidence::new(FORMAT, whole.digest, whole.size, signers);
        if let Some(document) = &self.kept {
            self.claims.read(document, &mut evidence)?;
        }
        let strangers = files.into_iter().filter(|number| !proven.contains(number));
        Ok(strangers.fold(Finding::new(evidence), Finding::without_companion))
    }
}

#[cfg(test)]
#[path = "detached_tests.rs"]
mod tests;
