//! RSA signatures (RFC 8017, section 8) over a digest that was computed as the bytes passed: PKCS#1 v1.5 and PSS.
//!
//! PSS is taken with the parameters that signers in the field use: MGF1 with the hash of the document, and a salt as
//! long as that hash (RFC 7518, section 3.5; RFC 9231, section 2.3.9 and 2.3.10 by their defaults). Neither is read
//! from anywhere.

use super::hash::HashKind;

/// The smallest modulus: 2048 bits, for nothing below it is trusted any more (NIST SP 800-131A).
pub const MIN_BITS: usize = 2048;

/// The largest modulus: work grows with the square of it, and no signer in the field uses more.
pub const MAX_BITS: usize = 8192;

/// The largest public exponent has 33 bits; work grows with its length. Nearly all keys have 65537.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// How the digest is put into the number that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1,
    /// RSASSA-PSS.
    Pss,
}

/// The one thing that a backend does.
pub trait Backend: Sized {
    /// A key from its two numbers, without leading zeros; `None` if they make none.
    fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self>;

    /// Whether `signature` is this key's over `digest`, which `hash` made.
    fn verify(&self, padding: Padding, hash: HashKind, digest: &[u8], signature: &[u8]) -> bool;
}

/// The portable backend, in Rust.
pub mod portable {
    use ::rsa::{BoxedUint, PublicKey};
    use sha2::{Sha256, Sha384, Sha512};

    use super::{Backend, HashKind, MAX_BITS, MIN_BITS, Padding};

    /// A key of the portable backend.
    pub struct Key(PublicKey);

    impl Backend for Key {
        fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
            let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, u32::try_from(bytes.len()).ok()? * 8).ok();
            let (modulus, exponent) = (number(modulus)?, number(exponent)?);
            PublicKey::new_with_size_limits(modulus, exponent, MIN_BITS..=MAX_BITS).ok().map(Self)
        }

        fn verify(&self, padding: Padding, hash: HashKind, digest: &[u8], signature: &[u8]) -> bool {
            let key = &self.0;
            let verdict = match (padding, hash) {
                (Padding::Pkcs1, HashKind::Sha256) => key.pkcs1v15_verify_prehash::<Sha256>(digest, signature),
                (Padding::Pkcs1, HashKind::Sha384) => key.pkcs1v15_verify_prehash::<Sha384>(digest, signature),
                (Padding::Pkcs1, HashKind::Sha512) => key.pkcs1v15_verify_prehash::<Sha512>(digest, signature),
                (Padding::Pss, HashKind::Sha256) => key.pss_verify_prehash::<Sha256>(digest, signature),
                (Padding::Pss, HashKind::Sha384) => key.pss_verify_prehash::<Sha384>(digest, signature),
                (Padding::Pss, HashKind::Sha512) => key.pss_verify_prehash::<Sha512>(digest, signature),
            };
            verdict.is_ok()
        }
    }
}

/// The fast backend, in C and assembly.
#[cfg(feature = "aws-lc")]
pub mod fast {
    use aws_lc_rs::{
        digest,
        signature::{
            ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
            RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
            RsaPublicKeyComponents,
        },
    };

    use super::{Backend, HashKind, Padding};

    /// A key of the fast backend. It is bound to one padding and hash there, so it is kept once for each.
    pub struct Key([ParsedPublicKey; 6]);

    /// In the order in which [`Key`] keeps them.
    const ALGORITHMS: [&RsaParameters; 6] = [
        &RSA_PKCS1_2048_8192_SHA256,
        &RSA_PKCS1_2048_8192_SHA384,
        &RSA_PKCS1_2048_8192_SHA512,
        &RSA_PSS_2048_8192_SHA256,
        &RSA_PSS_2048_8192_SHA384,
        &RSA_PSS_2048_8192_SHA512,
    ];

    impl Backend for Key {
        fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
            let numbers = RsaPublicKeyComponents { n: modulus, e: exponent };
            let keys: Option<Vec<_>> =
                ALGORITHMS.iter().map(|algorithm| numbers.to_parsed_public_key(algorithm).ok()).collect();
            keys?.try_into().ok().map(Self)
        }

        fn verify(&self, padding: Padding, hash: HashKind, digest: &[u8], signature: &[u8]) -> bool {
            let (algorithm, at) = match hash {
                HashKind::Sha256 => (&digest::SHA256, 0),
                HashKind::Sha384 => (&digest::SHA384, 1),
                HashKind::Sha512 => (&digest::SHA512, 2),
            };
            let key = &self.0[at + if padding == Padding::Pss { 3 } else { 0 }];
            // "Less safe" because the function cannot know what made the digest; the caller does.
            digest::Digest::import_less_safe(digest, algorithm)
                .is_ok_and(|digest| key.verify_digest_sig(&digest, signature).is_ok())
        }
    }
}

#[cfg(feature = "aws-lc")]
use fast::Key as InUse;
#[cfg(not(feature = "aws-lc"))]
use portable::Key as InUse;

/// A key of the backend in use: the fast one where it is compiled in.
pub struct Key {
    backend: InUse,
    bits: usize,
}

impl Key {
    /// A key from its two numbers, big-endian and without leading zeros, or what is wrong with them.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, &'static str> {
        let bits = check(modulus, exponent)?;
        let backend = InUse::new(modulus, exponent).ok_or("its numbers make no key")?;
        Ok(Self { backend, bits })
    }

    /// The length of its modulus.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// How many bytes each of its signatures has.
    pub fn signature_size(&self) -> usize {
        self.bits.div_ceil(8)
    }

    /// Whether `signature` is this key's over `digest`, which `hash` made.
    pub fn verify(&self, padding: Padding, hash: HashKind, digest: &[u8], signature: &[u8]) -> bool {
        signature.len() == self.signature_size() && self.backend.verify(padding, hash, digest, signature)
    }
}

/// The length of the modulus, if a backend may see these numbers.
fn check(modulus: &[u8], exponent: &[u8]) -> Result<usize, &'static str> {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else { return Err("it has no modulus") };
    if *first == 0 {
        return Err("its modulus has leading zeros");
    }
    let bits = modulus.len().saturating_mul(8) - first.leading_zeros() as usize;
    if bits < MIN_BITS {
        return Err("its modulus has less than 2048 bits");
    }
    if bits > MAX_BITS {
        return Err("its modulus has more than 8192 bits");
    }
    if last & 1 == 0 {
        return Err("its modulus is even");
    }
    if exponent.first() == Some(&0) {
        return Err("its exponent has leading zeros");
    }
    let value = exponent.iter().take(9).fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
    if value < 3 || value & 1 == 0 {
        return Err("its exponent is not an odd number from 3 on");
    }
    if value > u128::from(MAX_EXPONENT) {
        return Err("its exponent has more than 33 bits");
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RSAPublicKey: a `SEQUENCE` of a number of 257 bytes, the first of them zero, and one of 3 bytes.
    const KEY: &[u8] = include_bytes!("../../tests/data/algorithms/rsa.pkcs1.der");

    const DOCUMENT: &[u8] = b"signed by every algorithm\n";

    macro_rules! made {
        ($name:literal) => {
            include_bytes!(concat!("../../tests/data/algorithms/rsa.", $name, ".sig"))
        };
    }

    const SIGNATURES: [(Padding, HashKind, &[u8; 256]); 6] = [
        (Padding::Pkcs1, HashKind::Sha256, made!("sha256")),
        (Padding::Pkcs1, HashKind::Sha384, made!("sha384")),
        (Padding::Pkcs1, HashKind::Sha512, made!("sha512")),
        (Padding::Pss, HashKind::Sha256, made!("pss.sha256")),
        (Padding::Pss, HashKind::Sha384, made!("pss.sha384")),
        (Padding::Pss, HashKind::Sha512, made!("pss.sha512")),
    ];

    fn numbers() -> (&'static [u8], &'static [u8]) {
        (&KEY[9..265], &KEY[267..])
    }

    /// What each backend says.
    fn verdicts(padding: Padding, hash: HashKind, digest: &[u8], signature: &[u8]) -> Vec<bool> {
        let (modulus, exponent) = numbers();
        vec![
            portable::Key::new(modulus, exponent).unwrap().verify(padding, hash, digest, signature),
            Key::new(modulus, exponent).unwrap().verify(padding, hash, digest, signature),
            #[cfg(feature = "aws-lc")]
            fast::Key::new(modulus, exponent).unwrap().verify(padding, hash, digest, signature),
        ]
    }

    #[test]
    fn a_signature_is_as_long_as_the_modulus_and_less_than_it() {
        let (modulus, _) = numbers();
        let mut fitted = 0;
        for (padding, hash, signature) in SIGNATURES {
            let digest = hash.of(DOCUMENT);
            assert!(verdicts(padding, hash, digest.as_bytes(), signature).iter().all(|good| *good));
            let shorter = &signature[1..];
            for other in
                [shorter, &signature[..255], &[&[0], &signature[..]].concat(), &[&signature[..], &[0]].concat(), &[]]
            {
                assert!(verdicts(padding, hash, digest.as_bytes(), other).iter().all(|good| !good));
            }
            // The same to the arithmetic, where it fits into as many bytes.
            let mut carry = 0;
            let mut more = signature.to_vec();
            for (byte, add) in more.iter_mut().zip(modulus).rev() {
                let sum = u16::from(*byte) + u16::from(*add) + carry;
                *byte = sum as u8;
                carry = sum >> 8;
            }
            if carry == 0 {
                fitted += 1;
                assert!(verdicts(padding, hash, digest.as_bytes(), &more).iter().all(|good| !good));
            }
        }
        assert!(fitted > 0, "none of the signatures can be made longer by the modulus");
    }

    #[test]
    fn a_digest_of_another_length_is_none_of_this_hash() {
        for (padding, hash, signature) in SIGNATURES {
            let digest = hash.of(DOCUMENT);
            let digest = digest.as_bytes();
            for other in [&digest[1..], &digest[..digest.len() - 1], &[digest, &[0]].concat(), &[]] {
                assert!(verdicts(padding, hash, other, signature).iter().all(|good| !good), "{padding:?} {hash}");
            }
        }
    }

    proptest! {
        /// All backends say the same: only what was signed, as it was signed, verifies.
        #[test]
        fn the_backends_agree(
            made in 0_usize..6,
            asked in 0_usize..6,
            same in any::<bool>(),
            flip in proptest::option::of(0_usize..2048),
        ) {
            let (signature, (padding, hash, _)) = (SIGNATURES[made].2, SIGNATURES[if same { made } else { asked }]);
            let mut signature = signature.to_vec();
            if let Some(bit) = flip {
                signature[bit / 8] ^= 1 << (bit % 8);
            }
            let expected = flip.is_none() && (same || made == asked);
            let digest = hash.of(DOCUMENT);
            for verdict in verdicts(padding, hash, digest.as_bytes(), &signature) {
                prop_assert_eq!(verdict, expected);
            }
        }
    }
}
