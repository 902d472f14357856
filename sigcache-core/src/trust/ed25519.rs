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

#[cfg(test)]
mod tests {
    use curve25519_dalek::{
        Scalar,
        constants::{ED25519_BASEPOINT_POINT as BASE, EIGHT_TORSION},
        edwards::EdwardsPoint,
    };
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha512};

    use super::*;

    /// The number that R, the key and the message make (RFC 8032, section 5.1.7, step 2).
    fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
        let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
        Scalar::from_bytes_mod_order_wide(&hash.into())
    }

    /// A signature by secret numbers, with anything added to the points that a signer makes.
    fn sign(secret: Scalar, nonce: Scalar, key: EdwardsPoint, r: EdwardsPoint, message: &[u8]) -> [u8; 64] {
        let (r, key) = (r.compress().0, key.compress().0);
        let s = nonce + challenge(&r, &key, message) * secret;
        [r, s.to_bytes()].concat().try_into().unwrap()
    }

    /// What we say, streamed in pieces, and what the crate says, as written and strictly.
    fn verdicts(key: EdwardsPoint, message: &[u8], signature: &[u8; 64]) -> (bool, bool, bool) {
        let bytes = key.compress().0;
        let ours = Key::new(&bytes).and_then(|key| key.stream(signature)).is_some_and(|mut stream| {
            message.chunks(3).for_each(|piece| stream.update(piece));
            stream.finish()
        });
        let theirs = VerifyingKey::from_bytes(&bytes).unwrap();
        let signature = Signature::from_bytes(signature);
        let plain = ed25519_dalek::Verifier::verify(&theirs, message, &signature).is_ok();
        (ours, plain, theirs.verify_strict(message, &signature).is_ok())
    }

    fn numbers() -> (Scalar, Scalar) {
        (Scalar::from(0x1234_5678_9abc_u64), Scalar::from(0xfedc_ba98_7654_u64))
    }

    #[test]
    fn attack_small_order_r_is_refused_though_the_equation_holds() {
        let (secret, _) = numbers();
        let mut held = 0;
        for key_torsion in EIGHT_TORSION {
            let key = BASE * secret + key_torsion;
            for r in EIGHT_TORSION {
                for number in 0..32_u8 {
                    let signature = sign(secret, Scalar::ZERO, key, r, &[number]);
                    let (ours, plain, strict) = verdicts(key, &[number], &signature);
                    assert!(!ours && !strict);
                    held += u32::from(plain);
                }
            }
        }
        assert!(held > 100, "only {held} of these signatures were a trap");
    }

    #[test]
    fn attack_a_signature_that_holds_only_with_the_cofactor_is_refused() {
        let (secret, nonce) = numbers();
        let key = BASE * secret;
        for (number, torsion) in EIGHT_TORSION.into_iter().enumerate() {
            let signature = sign(secret, nonce, key, BASE * nonce + torsion, b"message");
            let good = number == 0; // the neutral element
            assert_eq!(verdicts(key, b"message", &signature), (good, good, good), "{number}");
        }
    }

    #[test]
    fn a_key_with_a_small_part_is_taken_where_the_equation_holds() {
        let (secret, nonce) = numbers();
        let mut good = 0;
        for torsion in &EIGHT_TORSION[1..] {
            let key = BASE * secret + torsion;
            for number in 0..32_u8 {
                let signature = sign(secret, nonce, key, BASE * nonce, &[number]);
                let (ours, plain, strict) = verdicts(key, &[number], &signature);
                assert_eq!((ours, ours), (plain, strict));
                good += u32::from(ours);
            }
        }
        assert!((1..7 * 32).contains(&good), "{good}");
    }

    #[test]
    fn small_keys_are_none_and_neither_is_another_form_of_a_point() {
        for torsion in EIGHT_TORSION {
            assert!(Key::new(&torsion.compress().0).is_none());
        }
        // Every y from the prime on that 255 bits can hold, with either sign: 2^255 - 19 + 0..=18.
        for above in 0xed..=0xff_u8 {
            for last in [0x7f, 0xff] {
                let mut bytes = [0xff; 32];
                (bytes[0], bytes[31]) = (above, last);
                assert!(!is_canonical(&bytes) && Key::new(&bytes).is_none(), "{above:02x} {last:02x}");
            }
        }
        let mut greatest = [0xff; 32];
        (greatest[0], greatest[31]) = (0xec, 0x7f);
        assert!(is_canonical(&greatest));
    }

    proptest! {
        /// In pieces we say what the crate says strictly of the whole, whatever is flipped.
        #[test]
        fn streamed_is_as_strict_as_whole(
            secret in 1_u64..,
            nonce in 1_u64..,
            message in proptest::collection::vec(any::<u8>(), 0..20),
            flip in proptest::option::of(0_usize..512),
            torsion in (0_usize..8, 0_usize..8),
        ) {
            let (secret, nonce) = (Scalar::from(secret), Scalar::from(nonce));
            let key = BASE * secret + EIGHT_TORSION[torsion.0];
            let mut signature = sign(secret, nonce, key, BASE * nonce + EIGHT_TORSION[torsion.1], &message);
            if let Some(bit) = flip {
                signature[bit / 8] ^= 1 << (bit % 8);
            }
            let (ours, _, strict) = verdicts(key, &message, &signature);
            prop_assert_eq!(ours, strict);
            prop_assert!(!ours || flip.is_none());
            prop_assert!(ours || flip.is_some() || torsion != (0, 0));
        }
    }
}
