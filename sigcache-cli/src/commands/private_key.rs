//! Private keys, for `keygen` and `sign` alone: ECDSA on P-256 and Ed25519, in the forms that openssl reads and writes.

use std::{fs::File, io::Read as _, path::Path};

use anyhow::{Context as _, Result, anyhow, bail};
use ed25519_dalek::{Signer as _, SigningKey as Ed25519Key, pkcs8::KeypairBytes};
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner as _},
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding},
};
use sigcache_core::{Digest, Hasher};

use super::verify::read_small;
use crate::{args::KeyAlgorithm, fault::Fault};

pub(super) enum PrivateKey {
    P256(SecretKey),
    Ed25519(Ed25519Key),
}

impl PrivateKey {
    /// A new key.
    pub(super) fn generate(algorithm: KeyAlgorithm) -> Result<Self, Fault> {
        loop {
            let mut bytes = [0; 32];
            let filled = getrandom::fill(&mut bytes).map_err(anyhow::Error::from);
            filled.context("the system gave no random numbers").map_err(|error| Fault { code: 1, error })?;
            match algorithm {
                KeyAlgorithm::Ed25519 => return Ok(Self::Ed25519(Ed25519Key::from_bytes(&bytes))),
                // Out of range about once in four thousand million times.
                KeyAlgorithm::P256 => {
                    if let Ok(key) = SecretKey::from_slice(&bytes) {
                        return Ok(Self::P256(key));
                    }
                }
            }
        }
    }

    /// The key in a file, to sign with.
    pub(super) fn read(path: &Path) -> Result<Self, Fault> {
        let pem = read_small(path, sigcache_core::trust::MAX_KEY_BYTES as u64)?;
        let pem = String::from_utf8(pem).map_err(|_| Fault::usage(anyhow!("{} is not a PEM file", path.display())))?;
        let key = Self::from_pem(&pem).with_context(|| format!("cannot use {} to sign", path.display()));
        key.map_err(Fault::usage)
    }

    /// PKCS#8, or SEC 1 for P-256, the forms that openssl writes; its `ecparam` puts the curve's name in front.
    fn from_pem(pem: &str) -> Result<Self> {
        const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----";
        if pem.starts_with("untrusted comment:") {
            bail!(
                "it is a key file of minisign; what signs here is a private key in PEM, which `sigcache keygen NAME --algorithm \
                 ed25519 --minisign` writes as NAME.key.pem"
            );
        }
        if pem.contains("PUBLIC KEY-----") {
            bail!("it is a public key, and what signs is the private one");
        }
        if let Some(at) = pem.find(SEC1) {
            return SecretKey::from_sec1_pem(&pem[at..]).map(Self::P256).map_err(|error| anyhow!("{error}"));
        }
        if let Ok(key) = Ed25519Key::from_pkcs8_pem(pem) {
            return Ok(Self::Ed25519(key));
        }
        let key = SecretKey::from_pkcs8_pem(pem).map(Self::P256);
        key.map_err(|error| anyhow!("not a P-256 or Ed25519 private key (PEM): {error}"))
    }

    /// PKCS#8.
    pub(super) fn to_pem(&self) -> Result<impl AsRef<str> + use<>> {
        match self {
            Self::P256(key) => key.to_pkcs8_pem(LineEnding::LF),
            // Without the public key, which openssl takes for an error.
            Self::Ed25519(key) => {
                KeypairBytes { secret_key: key.to_bytes(), public_key: None }.to_pkcs8_pem(LineEnding::LF)
            }
        }
        .map_err(|error| anyhow!("{error}"))
    }

    /// SubjectPublicKeyInfo.
    pub(super) fn public_pem(&self) -> Result<String> {
        match self {
            Self::P256(key) => key.public_key().to_public_key_pem(LineEnding::LF),
            Self::Ed25519(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
        }
        .map_err(|error| anyhow!("{error}"))
    }

    /// A detached signature: ECDSA in DER, Ed25519 in its 64 bytes.
    pub(super) fn sign_file(&self, mut document: File) -> Result<Vec<u8>> {
        match self {
            Self::P256(key) => {
                let (mut hasher, mut buffer) = (Hasher::default(), vec![0; 256 * 1024]);
                loop {
                    match document.read(&mut buffer)? {
                        0 => break,
                        length => hasher.update(&buffer[..length]),
                    }
                }
                Ok(ecdsa(key, hasher.finish())?.to_der().as_bytes().to_vec())
            }
            // The document passes twice, so it is in memory: one that changed between would give the key away.
            Self::Ed25519(key) => {
                let mut bytes = Vec::new();
                document.read_to_end(&mut bytes)?;
                Ok(key.sign(&bytes).to_bytes().to_vec())
            }
        }
    }

    /// What JWS calls the algorithm.
    pub(super) fn jose_algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// A signature of the `jose_algorithm` over what is in memory, in 64 bytes (RFC 7518, section 3.4; RFC 8037).
    pub(super) fn sign_jose(&self, signed: &[u8]) -> Result<[u8; 64]> {
        match self {
            Self::P256(key) => Ok(ecdsa(key, Digest::of(signed))?.to_bytes().into()),
            Self::Ed25519(key) => Ok(key.sign(signed).to_bytes()),
        }
    }

    /// The key, where it is one of Ed25519.
    pub(super) fn ed25519(&self) -> Option<&Ed25519Key> {
        match self {
            Self::P256(_) => None,
            Self::Ed25519(key) => Some(key),
        }
    }
}

fn ecdsa(key: &SecretKey, digest: Digest) -> Result<Signature> {
    SigningKey::from(key).sign_prehash(digest.as_bytes()).map_err(|error| anyhow!("{error}"))
}
