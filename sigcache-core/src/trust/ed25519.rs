//! Ed25519 (RFC 8032), over a message that passes in pieces.
//!
//! Verification is as strict as `verify_strict` of the crate underneath: s below the group's order, R in its one
//! canonical form, neither R nor the key of small order, and the equation without the cofactor, so that every verifier
//! that is strict agrees. Beyond that a key must be written canonically. What is left: a key with a part of small
//! order beside its large one, which only its holder can make, is taken, as everywhere; such a holder can make
//! signatures that verifiers with the cofactor take and this one does not.

use ed25519_dalek::{Signature, StreamVerifier, VerifyingKey};

/// A key: a point that is not of small order, in its canonical form.
#[derive(Debug)]
pub struct Key(VerifyingKey);

/// A running check of one signature.
pub struct Stream(StreamVerifier);

impl Key {
    /// A key from its 32 bytes; `None` if they are no point, not the canonical form of one, or of small order, which
    /// nearly any signature would match.
    pub fn new(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        (is_canonical(bytes) && !key.is_weak()).then_some(Self(key))
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// A check of `signature`; `None` if no message can match it.
    pub fn stream(&self, signature: &[u8; 64]) -> Option<Stream> {
        let signature = Signature::from_bytes(signature);
        // The stream compares R byte for byte with what it computes, which is canonical; that leaves the small orders.
        let r = VerifyingKey::from_bytes(signature.r_bytes()).ok()?;
        if r.is_weak() {
            return None;
        }
        self.0.verify_stream(&signature).ok().map(Stream)
    }
}

impl Stream {
    /// Takes the next bytes of the message in.
    pub fn update(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    /// Whether the signature is the key's over all bytes taken in.
    pub fn finish(self) -> bool {
        self.0.finalize_and_verify().is_ok()
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ed25519::Stream")
    }
}

/// Whether y is below the field's prime, 2^255 - 19. The other form that is not canonical, the sign of an x that is
/// zero, belongs to points of small order alone.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let above = bytes[0] >= 0xed && bytes[1..31].iter().all(|byte| *byte == 0xff) && bytes[31] & 0x7f == 0x7f;
    !above
}
