//! What lists of checksums say, as `sha256sum` and BSD's `sha256` write them.

use super::VerifyError;
use crate::{
    digest::unhex,
    trust::{Hash, HashKind},
};

/// What a list says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) hash: Hash,
    pub(crate) name: String,
}

/// The lines of a list. Empty ones, and those that begin with `#`, say nothing.
pub(crate) fn parse(list: &[u8]) -> Result<Vec<Line>, VerifyError> {
    let expected = "a list of SHA-256, SHA-384 or SHA-512 checksums: `HEX  NAME`, `HEX *NAME` or `SHA256 (NAME) = HEX`";
    let text = std::str::from_utf8(list);
    let text = text.map_err(|_| VerifyError::malformed_signature(expected, "a list that is not UTF-8"))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read = |(index, line)| {
        let malformed = |fault| VerifyError::malformed_signature(expected, format!("line {}: {fault}", index + 1));
        read_line(line).map_err(malformed)
    };
    lines.map(read).collect()
}

fn read_line(line: &str) -> Result<Line, &'static str> {
    // A backslash before the line says that there are some in the name (coreutils, `md5sum` invocation).
    let (escaped, line) = match line.strip_prefix('\\') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (digits, name, label) = match bsd(line) {
        Some((label, name, digits)) => (digits, name, Some(label)),
        None => {
            let (digits, name) = line.split_once(' ').ok_or("neither of the forms")?;
            let name = name.strip_prefix([' ', '*']).ok_or("neither two spaces nor a space and a star")?;
            (digits, name, None)
        }
    };
    let digest = unhex(digits.as_bytes()).ok_or("no hexadecimal digits")?;
    let kind = match (digest.len(), label) {
        (32, None | Some("SHA256")) => HashKind::Sha256,
        (48, None | Some("SHA384")) => HashKind::Sha384,
        (64, None | Some("SHA512")) => HashKind::Sha512,
        (16, None) | (_, Some("MD5")) => return Err("MD5, which proves nothing any more"),
        (20, None) | (_, Some("SHA1")) => return Err("SHA-1, which proves nothing any more"),
        (_, Some("SHA256" | "SHA384" | "SHA512") | None) => return Err("another number of digits"),
        (_, Some(_)) => return Err("a digest of another kind"),
    };
    let name = if escaped { unescape(name).ok_or("an unknown escape in the name")? } else { name.to_owned() };
    // `find . -type f` and such write it before every name.
    let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
    let hash = Hash::stated(kind, &digest).ok_or("another number of digits")?;
    if name.is_empty() { Err("no name") } else { Ok(Line { hash, name }) }
}

/// Label, name and digits of `LABEL (NAME) = HEX`.
fn bsd(line: &str) -> Option<(&str, &str, &str)> {
    let (label, rest) = line.split_once(" (")?;
    let (name, digits) = rest.rsplit_once(") = ")?;
    label.bytes().all(|c| c.is_ascii_alphanumeric() || b"-/".contains(&c)).then_some((label, name, digits))
}

fn unescape(name: &str) -> Option<String> {
    let mut plain = String::new();
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}
