//! ECDSA on P-256, over a digest that was computed as the bytes passed.
//!
//! Signatures are parsed in one place, strictly, into the fixed form; the two backends only do the arithmetic. So they
//! cannot differ in what they take for a signature.

use ::p256::{PublicKey, ecdsa::Signature as Parsed, elliptic_curve::sec1::ToSec1Point as _};

use super::ecdsa::{Backend, number};

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

    /// The fixed form.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

/// The portable backend, in Rust.
pub mod portable {
    use ::p256::ecdsa::VerifyingKey;
    use signature::hazmat::PrehashVerifier as _;

    use super::{Backend, Parsed, Signature, number};

    /// A key of the portable backend.
    pub struct Key(VerifyingKey);

    impl Backend for Key {
        type Signature = Signature;

        fn new(sec1: &[u8]) -> Option<Self> {
            VerifyingKey::from_sec1_bytes(sec1).ok().map(Self)
        }

        fn verify(&self, digest: &[u8], signature: &Signature) -> bool {
            let Ok(parsed) = Parsed::from_slice(&signature.0) else { return false };
            self.0.verify_prehash(&number::<32>(digest), &parsed).is_ok()
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

    use super::{Backend, Signature, number};

    /// A key of the fast backend.
    pub struct Key(ParsedPublicKey);

    impl Backend for Key {
        type Signature = Signature;

        fn new(sec1: &[u8]) -> Option<Self> {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, sec1).ok().map(Self)
        }

        fn verify(&self, digest: &[u8], signature: &Signature) -> bool {
            // "Less safe" because the function cannot know what made the digest. To the arithmetic it is a number of
            // this width, whichever hash it came from.
            let Ok(digest) = digest::Digest::import_less_safe(&number::<32>(digest), &digest::SHA256) else {
                return false;
            };
            self.0.verify_digest_sig(&digest, &signature.0).is_ok()
        }
    }
}

/// The key type in use: the fast backend where it is compiled in.
#[cfg(feature = "aws-lc")]
pub use fast::Key;
#[cfg(not(feature = "aws-lc"))]
pub use portable::Key;

/// The uncompressed form of a SEC 1 point, compressed or not; `None` if it is not on the curve or is no key.
pub(super) fn uncompressed(sec1: &[u8]) -> Option<Vec<u8>> {
    Some(PublicKey::from_sec1_bytes(sec1).ok()?.to_sec1_point(false).as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use ::p256::ecdsa::{SigningKey, signature::hazmat::PrehashSigner as _};
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Digest;

    /// The group's order (FIPS 186-5; SEC 2, section 2.4.2).
    const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

    fn order() -> [u8; 32] {
        crate::digest::unhex(ORDER.as_bytes()).unwrap().try_into().unwrap()
    }

    fn fixed(r: &[u8; 32], s: &[u8; 32]) -> Option<Signature> {
        Signature::from_fixed(&[&r[..], &s[..]].concat())
    }

    #[test]
    fn r_and_s_lie_between_zero_and_the_order() {
        let (zero, mut one, order) = ([0; 32], [0; 32], order());
        one[31] = 1;
        let mut last = order;
        last[31] -= 1;
        for good in [one, last] {
            assert!(fixed(&good, &good).is_some());
        }
        // CVE-2022-21449: zeros verified under any key.
        for bad in [zero, order, [0xff; 32]] {
            assert_eq!(fixed(&bad, &one), None);
            assert_eq!(fixed(&one, &bad), None);
            assert_eq!(fixed(&bad, &bad), None);
        }
        for length in (0..=130).filter(|length| *length != 64) {
            assert_eq!(Signature::from_fixed(&vec![1; length]), None, "{length} bytes");
        }
    }

    #[test]
    fn only_points_on_the_curve_are_keys() {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let point = key.verifying_key().to_sec1_point(false);
        let good = point.as_bytes();
        assert!(portable::Key::new(good).is_some());
        let mut off = good.to_vec();
        off[64] ^= 1;
        let mut far = good.to_vec();
        far[1..33].fill(0xff);
        for bad in [&off[..], &far, &good[..64], &[good, &[0]].concat(), &[0], &[4], &[], &[0; 65]] {
            assert!(portable::Key::new(bad).is_none(), "{bad:02x?}");
            #[cfg(feature = "aws-lc")]
            assert!(fast::Key::new(bad).is_none(), "{bad:02x?}");
        }
    }

    proptest! {
        /// Both backends say the same of whatever passes our parser: a true signature, one with a bit flipped, over
        /// this digest or another, by this key or another.
        #[test]
        fn the_backends_agree(secret in 1_u8..200, content: [u8; 4], flip in proptest::option::of(0_usize..512), other: bool) {
            let signer = SigningKey::from_slice(&[secret; 32]).unwrap();
            let digest = Digest::of(&content);
            let signature: Parsed = signer.sign_prehash(digest.as_bytes()).unwrap();
            let mut bytes: [u8; 64] = signature.to_bytes().into();
            if let Some(bit) = flip {
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            let holder = if other { SigningKey::from_slice(&[secret + 1; 32]).unwrap() } else { signer };
            let point = holder.verifying_key().to_sec1_point(false);
            if let Some(parsed) = Signature::from_fixed(&bytes) {
                let expected = flip.is_none() && !other;
                let der = Parsed::from_slice(&bytes).unwrap().to_der();
                prop_assert_eq!(Signature::from_der(der.as_bytes()), Some(parsed));
                prop_assert_eq!(portable::Key::new(point.as_bytes()).unwrap().verify(digest.as_bytes(), &parsed), expected);
                #[cfg(feature = "aws-lc")]
                prop_assert_eq!(fast::Key::new(point.as_bytes()).unwrap().verify(digest.as_bytes(), &parsed), expected);
            }
        }
    }
}
