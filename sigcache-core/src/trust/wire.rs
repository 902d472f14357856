//! The wire encoding of SSH (RFC 4251, section 5), read.

/// What is left of an encoded text. Every read says whether there was enough of it.
#[derive(Clone, Copy)]
pub(crate) struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A number.
    pub(crate) fn uint32(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// Bytes with their number before them.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.uint32()?).ok()?;
        self.bytes(count)
    }

    /// A positive number in as few bytes as it needs, here without the zero that keeps it from being negative.
    pub(crate) fn mpint(&mut self) -> Option<&'a [u8]> {
        match self.string()? {
            [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Some(rest),
            whole @ [0x01..=0x7f, ..] => Some(whole),
            // Zero, negative, or longer than needed.
            _ => None,
        }
    }

    /// `Some` if nothing is left.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_that_is_not_there() {
        let mut wire = Wire::new(&[0, 0, 0, 2, b'a', b'b', 0, 0, 0, 9, b'c']);
        assert_eq!(wire.string(), Some(&b"ab"[..]));
        assert!(wire.end().is_none());
        assert_eq!(wire.string(), None);
        assert_eq!(Wire::new(&[0xff; 4]).string(), None);
        assert_eq!(Wire::new(&[0, 0, 0]).uint32(), None);
        assert_eq!(Wire::new(&[]).end(), Some(()));
    }

    #[test]
    fn numbers_have_one_form() {
        let read = |bytes: &[u8]| {
            let framed = [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
            Wire::new(&framed).mpint().map(<[u8]>::to_vec)
        };
        assert_eq!(read(&[1]), Some(vec![1]));
        assert_eq!(read(&[0x7f, 0]), Some(vec![0x7f, 0]));
        assert_eq!(read(&[0, 0x80]), Some(vec![0x80]));
        for other in [&[][..], &[0], &[0, 1], &[0x80], &[0, 0, 0x80]] {
            assert_eq!(read(other), None, "{other:?}");
        }
    }
}
