//! Base64url without padding (RFC 7515, section 2), in pieces. Strict: one text for each sequence of bytes, or a signed
//! document could be changed without its signature noticing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// So much is decoded or encoded at once; whole groups of either side.
const PIECE: usize = 3 * 4 * 1024;

/// The bytes of a whole text.
pub(super) fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Whether this byte may stand in such a text.
pub(super) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Decodes a text that arrives in pieces.
#[derive(Default)]
pub(super) struct Decoder {
    /// The beginning of a group of four letters.
    held: Vec<u8>,
    out: Vec<u8>,
}

impl Decoder {
    /// Takes the next letters and gives the bytes that are complete; `None` if they are no such text.
    pub(super) fn push<E>(
        &mut self,
        mut text: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Option<()>, E> {
        if !self.held.is_empty() {
            let (first, rest) = text.split_at(text.len().min(4 - self.held.len()));
            self.held.extend_from_slice(first);
            text = rest;
            if self.held.len() < 4 {
                return Ok(Some(()));
            }
            let group = std::mem::take(&mut self.held);
            if self.decode(&group).is_none() {
                return Ok(None);
            }
            take(&self.out)?;
        }
        let (whole, rest) = text.split_at(text.len() / 4 * 4);
        for piece in whole.chunks(PIECE) {
            if self.decode(piece).is_none() {
                return Ok(None);
            }
            take(&self.out)?;
        }
        self.held.extend_from_slice(rest);
        Ok(Some(()))
    }

    /// Gives what the last letters stand for; `None` if they are too few or have bits too many.
    pub(super) fn finish<E>(mut self, take: impl FnOnce(&[u8]) -> Result<(), E>) -> Result<Option<()>, E> {
        let group = std::mem::take(&mut self.held);
        if self.decode(&group).is_none() {
            return Ok(None);
        }
        take(&self.out).map(Some)
    }

    fn decode(&mut self, text: &[u8]) -> Option<()> {
        self.out.clear();
        URL_SAFE_NO_PAD.decode_vec(text, &mut self.out).ok()
    }
}

/// Encodes bytes that arrive in pieces.
#[derive(Default)]
pub(super) struct Encoder {
    /// The beginning of a group of three bytes.
    held: Vec<u8>,
    out: String,
}

impl Encoder {
    /// Takes the next bytes and gives the letters that are complete.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[u8])) {
        if !self.held.is_empty() {
            let (first, rest) = bytes.split_at(bytes.len().min(3 - self.held.len()));
            self.held.extend_from_slice(first);
            bytes = rest;
            if self.held.len() < 3 {
                return;
            }
            let group = std::mem::take(&mut self.held);
            take(self.encode(&group));
        }
        let (whole, rest) = bytes.split_at(bytes.len() / 3 * 3);
        for piece in whole.chunks(PIECE) {
            take(self.encode(piece));
        }
        self.held.extend_from_slice(rest);
    }

    /// Gives the letters of the last bytes.
    pub(super) fn finish(mut self, take: impl FnOnce(&[u8])) {
        let group = std::mem::take(&mut self.held);
        take(self.encode(&group));
    }

    fn encode(&mut self, bytes: &[u8]) -> &[u8] {
        self.out.clear();
        URL_SAFE_NO_PAD.encode_string(bytes, &mut self.out);
        self.out.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn in_pieces(text: &[u8], size: usize) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        let mut decoder = Decoder::default();
        let mut take = |bytes: &[u8]| {
            all.extend_from_slice(bytes);
            Ok::<_, Infallible>(())
        };
        for piece in text.chunks(size) {
            decoder.push(piece, &mut take).unwrap()?;
        }
        decoder.finish(&mut take).unwrap()?;
        Some(all)
    }

    #[test]
    fn only_one_text_stands_for_some_bytes() {
        for text in ["A", "AB", "AAB", "AA=", "AA==", "AA\n", " AA", "A+", "A/", "AAAAA", "AA.A", "é"] {
            assert_eq!((decode(text), in_pieces(text.as_bytes(), 3)), (None, None), "{text}");
        }
        for (text, bytes) in [("", &b""[..]), ("AA", b"\0"), ("AAA", b"\0\0"), ("_-8", b"\xff\xef"), ("Zm9v", b"foo")] {
            assert_eq!(decode(text).as_deref(), Some(bytes), "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(bytes: Vec<u8>, size in 1_usize..20) {
            let text = URL_SAFE_NO_PAD.encode(&bytes);
            prop_assert_eq!(in_pieces(text.as_bytes(), size), Some(bytes.clone()));
            let mut letters = Vec::new();
            let mut encoder = Encoder::default();
            for piece in bytes.chunks(size) {
                encoder.push(piece, |text| letters.extend_from_slice(text));
            }
            encoder.finish(|text| letters.extend_from_slice(text));
            prop_assert_eq!(letters, text.into_bytes());
        }

        #[test]
        fn any_text_is_decoded_alike(text in "[A-Za-z0-9_=+-]{0,12}", size in 1_usize..5) {
            prop_assert_eq!(in_pieces(text.as_bytes(), size), decode(&text));
        }
    }
}
