//! ECDSA on P-256 with SHA-256 (FIPS 186-5, section 6), over a digest that was computed as the bytes passed.
//!
//! Signatures are parsed in one place, strictly, into the fixed form; the two backends only do the arithmetic. So they
//! cannot differ in what they take for a signature.

use ::p256::ecdsa::Signature as Parsed;

use crate::digest::Digest;

/// A parsed signature: r and s within the group's order and not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// An ASN.1 DER `SEQUENCE { r, s }` (RFC 3279, section 2.2.3), strictly DER and nothing after it.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        Parsed::from_der(der).ok().map(|parsed| Self(parsed.to_bytes().into()))
    }

    /// r and s as 32 bytes each, one after the other (IEEE P1363; RFC 7518, section 3.4).
    pub fn from_fixed(bytes: &[u8]) -> Option<Self> {
        Parsed::from_slice(bytes).ok().map(|parsed| Self(parsed.to_bytes().into()))
    }
}

/// The one thing that a backend does.
pub trait Backend: Sized {
    /// A key from its uncompressed SEC 1 point (65 bytes); `None` if that is not a point on the curve.
    fn new(sec1: &[u8]) -> Option<Self>;

    /// Whether `signature` is this key's over `digest`.
    fn verify(&self, digest: &Digest, signature: &Signature) -> bool;
}

/// The portable backend, in Rust.
pub mod portable {
    use ::p256::ecdsa::VerifyingKey;
    use signature::hazmat::PrehashVerifier as _;

    use super::{Backend, Digest, Parsed, Signature};

    /// A key of the portable backend.
    pub struct Key(VerifyingKey);

    impl Backend for Key {
        fn new(sec1: &[u8]) -> Option<Self> {
            VerifyingKey::from_sec1_bytes(sec1).ok().map(Self)
        }

        fn verify(&self, digest: &Digest, signature: &Signature) -> bool {
            let Ok(parsed) = Parsed::from_slice(&signature.0) else { return false };
            self.0.verify_prehash(digest.as_bytes(), &parsed).is_ok()
        }
    }
}

/// The fast backend, in C and assembly.
#[cfg(feature = "aws-lc")]
pub mod fast {
    use aws_lc_rs::{
        digest,
        signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey},
    };

    use super::{Backend, Digest, Signature};

    /// A key of the fast backend.
    pub struct Key(ParsedPublicKey);

    impl Backend for Key {
        fn new(sec1: &[u8]) -> Option<Self> {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, sec1).ok().map(Self)
        }

        fn verify(&self, digest: &Digest, signature: &Signature) -> bool {
            // "Less safe" because the function cannot know that it was a SHA-256 that made the digest; we do.
            let Ok(digest) = digest::Digest::import_less_safe(digest.as_bytes(), &digest::SHA256) else { return false };
            self.0.verify_digest_sig(&digest, &signature.0).is_ok()
        }
    }
}

/// The key type in use: the fast backend where it is compiled in.
#[cfg(feature = "aws-lc")]
pub use fast::Key;
#[cfg(not(feature = "aws-lc"))]
pub use portable::Key;

impl Key {
    /// A key from its uncompressed SEC 1 point.
    pub fn new(sec1: &[u8]) -> Option<Self> {
        <Self as Backend>::new(sec1)
    }

    /// Whether `signature` is this key's over `digest`.
    pub fn verify(&self, digest: &Digest, signature: &Signature) -> bool {
        <Self as Backend>::verify(self, digest, signature)
    }
}
