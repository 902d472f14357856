//! Parts of a document, as `get --range` names them.

/// A part of a document, as HTTP counts it (RFC 9110, section 14.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteRange {
    FromTo(u64, u64),
    From(u64),
    Last(u64),
}

impl ByteRange {
    /// Reads FIRST-LAST, FIRST- or -COUNT.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parse = || {
            let (first, last) = text.split_once('-')?;
            let number = |digits: &str| digits.bytes().all(|c| c.is_ascii_digit()).then(|| digits.parse().ok())?;
            Some(match (first.is_empty(), last.is_empty()) {
                (false, false) => Self::FromTo(number(first)?, number(last)?),
                (false, true) => Self::From(number(first)?),
                (true, false) => Self::Last(number(last)?),
                (true, true) => return None,
            })
        };
        let range = parse().filter(|range| !matches!(range, Self::FromTo(first, last) if last < first));
        range.ok_or_else(|| "expected FIRST-LAST, FIRST- or -COUNT, such as 0-1023".to_owned())
    }

    /// The bytes that it means in a document of `size`; the end is no part of them.
    pub(crate) fn of(self, size: u64) -> std::ops::Range<u64> {
        match self {
            Self::FromTo(first, last) => first.min(size)..last.saturating_add(1).min(size),
            Self::From(first) => first.min(size)..size,
            Self::Last(count) => size.saturating_sub(count)..size,
        }
    }
}
