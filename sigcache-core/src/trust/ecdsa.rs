//! What ECDSA is on every curve (FIPS 186-5, section 6).

/// The one thing that a backend does.
pub trait Backend: Sized {
    /// A signature of the curve, parsed.
    type Signature;

    /// A key from its uncompressed SEC 1 point; `None` if that is not a point on the curve.
    fn new(sec1: &[u8]) -> Option<Self>;

    /// Whether `signature` is this key's over `digest`, whichever hash made it.
    fn verify(&self, digest: &[u8], signature: &Self::Signature) -> bool;
}

/// The number that is signed, as wide as the curve: the leftmost bits of a longer digest, and a shorter one with zeros
/// before it (SEC 1, section 4.1.4, step 3). Made in one place, so that the backends cannot differ in it.
pub(super) fn number<const WIDTH: usize>(digest: &[u8]) -> [u8; WIDTH] {
    let mut number = [0; WIDTH];
    let taken = &digest[..digest.len().min(WIDTH)];
    number[WIDTH - taken.len()..].copy_from_slice(taken);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_digest_is_cut_on_the_right_and_a_shorter_one_filled_on_the_left() {
        assert_eq!(number::<2>(&[1, 2, 3]), [1, 2]);
        assert_eq!(number::<2>(&[1, 2]), [1, 2]);
        assert_eq!(number::<4>(&[1, 2]), [0, 0, 1, 2]);
    }
}
