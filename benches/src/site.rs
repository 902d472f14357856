//! The files that are served: made from a fixed seed, signed with a key that is good for nothing else.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use anyhow::{Context as _, Result};
use p256::{
    ecdsa::{DerSignature, SigningKey, signature::hazmat::PrehashSigner as _},
    pkcs8::{EncodePublicKey as _, LineEnding},
};
use sigcache_core::{Digest, Hasher};

/// How large each of the many files is.
pub(crate) const SMALL: usize = 4096;

/// Makes and signs files.
pub(crate) struct Signer(SigningKey);

impl Signer {
    /// The key is the same in every run.
    pub(crate) fn new() -> Result<Self> {
        let secret = Digest::of(b"sigcache benchmarks");
        Ok(Self(SigningKey::from_slice(secret.as_bytes()).context("the fixed key")?))
    }

    /// The public key, as it stands in the configuration.
    pub(crate) fn public_pem(&self) -> Result<String> {
        self.0.verifying_key().to_public_key_pem(LineEnding::LF).context("the public key as PEM")
    }

    /// One small file and its signature.
    pub(crate) fn small(&self, path: &Path, seed: u64) -> Result<()> {
        // What is there from before is the same: written anew it would have another time, and so another entity tag.
        let length = |path: &Path| fs::metadata(path).map(|file| file.len()).unwrap_or(0);
        if length(path) == SMALL as u64 && length(&path.with_extension("bin.sig")) > 0 {
            return Ok(());
        }
        let content = noise(seed, SMALL);
        fs::write(path, &content).with_context(|| format!("cannot write {}", path.display()))?;
        self.sign(path, &Digest::of(&content))
    }

    /// One file of `mebibytes` and its signature.
    pub(crate) fn large(&self, path: &Path, mebibytes: u64) -> Result<()> {
        let mut file = File::create(path)?;
        let mut hasher = Hasher::default();
        let mut block = noise(1, 1 << 20);
        for number in 0..mebibytes {
            block[..8].copy_from_slice(&number.to_le_bytes());
            hasher.update(&block);
            file.write_all(&block)?;
        }
        self.sign(path, &hasher.finish())
    }

    fn sign(&self, path: &Path, digest: &Digest) -> Result<()> {
        let signature: DerSignature = self.0.sign_prehash(digest.as_bytes()).context("signing")?;
        let mut name = path.as_os_str().to_owned();
        name.push(".sig");
        fs::write(&name, signature.as_bytes()).context("cannot write a signature")
    }
}

/// The name of the `number`th small file.
pub(crate) fn name(number: usize) -> String {
    format!("r{number:06}.bin")
}

/// Bytes that do not compress and are the same in every run (xorshift64).
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
