//! What stands before the document element: a byte order mark, the XML declaration, white space.

use super::{invalid, is_blank};
use crate::verify::VerifyError;

/// A longer XML declaration is refused.
const MAX_DECLARATION_BYTES: usize = 256;

/// The one of UTF-8. That of another encoding is no `<`, and refused as that.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Skips what stands before the document element.
#[derive(Default)]
pub(super) struct Prolog {
    held: Vec<u8>,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum State {
    /// Nothing was seen yet but perhaps a byte order mark.
    #[default]
    Start,
    /// Only white space may come before the document element.
    Blank,
    /// The document element has begun.
    Done,
}

impl Prolog {
    /// The first bytes of the document element if it begins here, and the rest of the chunk.
    pub(super) fn skip<'a>(&mut self, chunk: &'a [u8]) -> Result<(Vec<u8>, &'a [u8]), VerifyError> {
        if self.state == State::Done {
            return Ok((Vec::new(), chunk));
        }
        for (index, byte) in chunk.iter().enumerate() {
            self.held.push(*byte);
            self.look()?;
            if self.state == State::Done {
                return Ok((std::mem::take(&mut self.held), &chunk[index + 1..]));
            }
        }
        Ok((Vec::new(), &[]))
    }

    fn look(&mut self) -> Result<(), VerifyError> {
        if self.state == State::Start && BYTE_ORDER_MARK.starts_with(&self.held) {
            return Ok(());
        }
        let text = self.held.strip_prefix(BYTE_ORDER_MARK).filter(|_| self.state == State::Start).unwrap_or(&self.held);
        match text {
            [] => {}
            [b'<'] => {}
            [b'<', b'?', ..] if self.state == State::Start => {
                if text.len() > MAX_DECLARATION_BYTES {
                    return Err(invalid("an XML declaration without end"));
                }
                if text.ends_with(b"?>") {
                    check(text)?;
                    self.held.clear();
                    self.state = State::Blank;
                }
            }
            [b'<', b'?', ..] => return Err(invalid("a processing instruction")),
            // Said here, since an empty CDATA section would leave no trace.
            [b'<', b'!'] => {}
            [b'<', b'!', b'-', ..] => return Err(invalid("a comment")),
            [b'<', b'!', b'[', ..] => return Err(invalid("a CDATA section before the document element")),
            [b'<', b'!', ..] => return Err(invalid("a document type declaration")),
            [b'<', ..] => {
                self.held = text.to_vec();
                self.state = State::Done;
            }
            blank if is_blank(blank) => {
                self.held.clear();
                self.state = State::Blank;
            }
            _ => return Err(invalid("a text that does not begin with <")),
        }
        Ok(())
    }
}

/// XML 1.0, productions 23 to 26, 32, 80 and 81; version 1.0 and UTF-8 only.
fn check(declaration: &[u8]) -> Result<(), VerifyError> {
    let malformed = || invalid("a malformed XML declaration, or a processing instruction");
    let text = std::str::from_utf8(declaration).map_err(|_| malformed())?;
    let mut rest = text.strip_prefix("<?xml").and_then(|text| text.strip_suffix("?>")).ok_or_else(malformed)?;
    let mut take = |name: &str| -> Result<Option<&str>, VerifyError> {
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let Some(after) = trimmed.strip_prefix(name).filter(|_| trimmed.len() < rest.len()) else { return Ok(None) };
        let after = after.trim_start_matches([' ', '\t', '\n', '\r']).strip_prefix('=').ok_or_else(malformed)?;
        let after = after.trim_start_matches([' ', '\t', '\n', '\r']);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(malformed)?;
        let (value, after) = after[1..].split_once(quote).ok_or_else(malformed)?;
        rest = after;
        Ok(Some(value))
    };
    match take("version")?.ok_or_else(malformed)? {
        "1.0" => {}
        other => return Err(invalid(format!("XML version {other:?}"))),
    }
    match take("encoding")? {
        Some(encoding) if !encoding.eq_ignore_ascii_case("utf-8") => {
            return Err(invalid(format!("the encoding {encoding:?}")));
        }
        _ => {}
    }
    if !matches!(take("standalone")?, None | Some("yes" | "no")) || !is_blank(rest.as_bytes()) {
        return Err(malformed());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(text: &[u8], chunk: usize) -> Result<Vec<u8>, Box<str>> {
        let mut prolog = Prolog::default();
        let mut document = Vec::new();
        for chunk in text.chunks(chunk) {
            let (begun, rest) = prolog.skip(chunk).map_err(|error| error.into_failure().found)?;
            document.extend([&begun, rest].concat());
        }
        Ok(document)
    }

    #[test]
    fn skips_what_may_stand_there() {
        for before in [
            "",
            "\u{feff}",
            " \n\t\r\n",
            "\u{feff}\n",
            "<?xml version=\"1.0\"?>",
            "\u{feff}<?xml version='1.0' encoding='utf-8'?>\r\n",
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n",
            "<?xml\n\tversion = '1.0'\r\nstandalone =\"yes\" ?>",
        ] {
            for chunk in [1, 2, 3, 1000] {
                let answer = skipped(format!("{before}<r><?a?></r>").as_bytes(), chunk);
                assert_eq!(answer.as_deref(), Ok(&b"<r><?a?></r>"[..]), "{before:?} in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn refuses_other_encodings_and_instructions() {
        let long = format!("<?xml version='1.0'{}?>", " ".repeat(300));
        for (text, found) in [
            ("<?xml version='1.0' encoding='ISO-8859-1'?><r/>", "the encoding \"ISO-8859-1\""),
            ("<?xml version='1.0' encoding='utf8'?><r/>", "the encoding"),
            ("<?xml version='1.0' encoding='UTF-16'?><r/>", "the encoding"),
            ("<?xml version='1.1'?><r/>", "XML version \"1.1\""),
            ("<?xml version='1.0' standalone='perhaps'?><r/>", "a malformed XML declaration"),
            ("<?xml version='1.0'encoding='UTF-8'?><r/>", "a malformed XML declaration"),
            ("<?xml encoding='UTF-8'?><r/>", "a malformed XML declaration"),
            ("<?xml encoding='UTF-8' version='1.0'?><r/>", "a malformed XML declaration"),
            ("<?xml version=1.0?><r/>", "a malformed XML declaration"),
            ("<?xml-stylesheet href='a'?><r/>", "a malformed XML declaration, or a processing instruction"),
            ("<?xml version='1.0'?><?a?><r/>", "a processing instruction"),
            ("\n<?xml version='1.0'?><r/>", "a processing instruction"),
            (&long, "an XML declaration without end"),
            ("<!-- a --><r/>", "a comment"),
            ("<![CDATA[]]><r/>", "a CDATA section before the document element"),
            ("<?xml version='1.0'?>\n<![CDATA[]]><r/>", "a CDATA section before the document element"),
            ("<!DOCTYPE r><r/>", "a document type declaration"),
            ("<!doctype r><r/>", "a document type declaration"),
            ("r", "a text that does not begin with <"),
            ("{}", "a text that does not begin with <"),
            ("\u{feff}\u{feff}<r/>", "a text that does not begin with <"),
            ("<?xml version='1.0'?>\u{feff}<r/>", "a text that does not begin with <"),
        ] {
            for chunk in [1, 1000] {
                let answer = skipped(text.as_bytes(), chunk).unwrap_err();
                assert!(answer.starts_with(found), "{text:?}: {answer}");
            }
        }
        for utf16 in [&b"\xff\xfe<\0r\0"[..], b"\xfe\xff\0<\0r", b"\0<\0r"] {
            assert_eq!(skipped(utf16, 1000).unwrap_err(), "a text that does not begin with <".into());
        }
    }
}
