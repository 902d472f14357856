//! A release key, and what it signs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use blake2::{Blake2b512, Digest as _};
use ed25519_dalek::{Signer as _, SigningKey};

pub(crate) struct Key(SigningKey);

const NUMBER: &[u8; 8] = b"released";

impl Key {
    pub(crate) fn new(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    /// The public key in one line, as minisign writes it.
    pub(crate) fn public(&self) -> String {
        STANDARD.encode([&b"Ed"[..], NUMBER, self.0.verifying_key().as_bytes()].concat())
    }

    /// What `minisign -S` writes, with this time in its trusted comment.
    pub(crate) fn minisign(&self, document: &[u8], time: u64) -> String {
        let signature = self.0.sign(&Blake2b512::digest(document)).to_bytes();
        let comment = format!("timestamp:{time}\tfile:x\thashed");
        let global = self.0.sign(&[&signature[..], comment.as_bytes()].concat()).to_bytes();
        let line = STANDARD.encode([&b"ED"[..], NUMBER, &signature].concat());
        format!("untrusted comment: x\n{line}\ntrusted comment: {comment}\n{}\n", STANDARD.encode(global))
    }
}
