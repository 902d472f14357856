//! Public keys of minisign and of signify, which have one form: a comment, and Ed25519 with a number in one line of
//! base64. The line alone will do: it is what minisign takes on its command line.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::trust::{
    key::KeyError,
    known::{Known, damaged},
    label::KeyLabel,
};

const FORM: &str = "minisign or signify key";

const COMMENT: &str = "untrusted comment:";

/// `Ed`, the number, the key.
const PUBLIC: usize = 2 + 8 + 32;
/// What the two programs write for a secret key.
const SECRET: [usize; 2] = [158, 104];

/// The comment, or what the letters `Ed` are in base64 at the beginning of a line of the right length.
pub(super) fn begins(file: &[u8]) -> bool {
    let file = file.trim_ascii();
    file.starts_with(COMMENT.as_bytes()) || (file.starts_with(b"RW") && file.len() == PUBLIC / 3 * 4)
}

pub(super) fn read(file: &[u8]) -> Result<Known, KeyError> {
    let text = std::str::from_utf8(file.trim_ascii()).map_err(|_| damaged(FORM, "not UTF-8"))?;
    let line = match text.lines().collect::<Vec<_>>().as_slice() {
        [comment, line] if comment.starts_with(COMMENT) => *line,
        [line] if !line.starts_with(COMMENT) => *line,
        _ => return Err(damaged(FORM, "not a comment and a line of base64")),
    };
    let bytes = STANDARD.decode(line).map_err(|error| damaged(FORM, error))?;
    if bytes.starts_with(b"Ed") && SECRET.contains(&bytes.len()) {
        return Err(KeyError::PrivateKey);
    }
    if bytes.len() != PUBLIC {
        return Err(damaged(FORM, format!("{} bytes, not {PUBLIC}", bytes.len())));
    }
    let (algorithm, rest) = bytes.split_at(2);
    if algorithm != b"Ed" {
        return Err(KeyError::Algorithm(format!("{:?} in a {FORM}", String::from_utf8_lossy(algorithm))));
    }
    let (number, key) = rest.split_at(8);
    let number = number.try_into().map_err(|_| damaged(FORM, "no number"))?;
    Ok(Known::ed25519(key, FORM)?.with_label(KeyLabel::Number(number)))
}
