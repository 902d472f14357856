//! Public keys of OpenSSH: `TYPE BASE64 COMMENT` in one line (`sshd(8)`, "AUTHORIZED_KEYS"; RFC 4253, section 6.6).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use crate::{
    digest::Digest,
    trust::{
        key::{KeyError, PublicKey},
        known::{Known, damaged},
        wire::Wire,
    },
};

const FORM: &str = "SSH key";

/// A line that begins with a type of key, known here or not.
pub(super) fn begins(file: &[u8]) -> bool {
    std::str::from_utf8(file.trim_ascii()).is_ok_and(|text| text.split([' ', '\t']).next().is_some_and(is_type))
}

pub(super) fn read(file: &[u8]) -> Result<Known, KeyError> {
    let text = std::str::from_utf8(file.trim_ascii()).map_err(|_| damaged(FORM, "not UTF-8"))?;
    match text.lines().count() {
        1 => line(text),
        count => Err(damaged(FORM, format!("{count} lines, not one"))),
    }
}

/// Whether a word is a type of key. Certificates and keys that live in hardware have one too.
pub(super) fn is_type(word: &str) -> bool {
    ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|beginning| word.starts_with(beginning))
}

/// The key in a line, of which a comment may be the rest.
pub(super) fn line(line: &str) -> Result<Known, KeyError> {
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let (kind, key) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let blob = STANDARD.decode(key).map_err(|error| damaged(FORM, error))?;
    if Wire::new(&blob).string() != Some(kind.as_bytes()) {
        return Err(damaged(FORM, "another type in the line than in its base64"));
    }
    let shown = format!("SHA256:{}", STANDARD_NO_PAD.encode(Digest::of(&blob).as_bytes()));
    Ok(from_blob(&blob)?.with_shown("ssh", shown))
}

impl PublicKey {
    /// A key from its encoding in SSH's own protocol, which an SSH signature has too.
    pub fn from_ssh(blob: &[u8]) -> Result<Self, KeyError> {
        from_blob(blob).map(Self::from)
    }
}

fn from_blob(blob: &[u8]) -> Result<Known, KeyError> {
    let short = || damaged(FORM, "it ends too early, has something behind its end, or a number not in its one form");
    let mut wire = Wire::new(blob);
    let kind = wire.string().ok_or_else(short)?;
    match kind {
        b"ssh-ed25519" => {
            let key = wire.string().ok_or_else(short)?;
            wire.end().ok_or_else(short)?;
            Known::ed25519(key, FORM)
        }
        b"ecdsa-sha2-nistp256" | b"ecdsa-sha2-nistp384" => {
            let (curve, point) = (wire.string().ok_or_else(short)?, wire.string().ok_or_else(short)?);
            wire.end().ok_or_else(short)?;
            if !kind.ends_with(curve) || curve.len() != b"nistp256".len() {
                return Err(damaged(FORM, "another curve than its type says"));
            }
            if curve == b"nistp256" { Known::p256(point, FORM) } else { Known::p384(point, FORM) }
        }
        b"ssh-rsa" => {
            let (exponent, modulus) = (wire.mpint().ok_or_else(short)?, wire.mpint().ok_or_else(short)?);
            wire.end().ok_or_else(short)?;
            Known::rsa(modulus, exponent)
        }
        other => {
            let other = String::from_utf8_lossy(other);
            let why = match &*other {
                other if other.starts_with("sk-") => ", which needs a touch of hardware",
                other if other.contains("-cert-v0") => ", a certificate",
                _ => "",
            };
            Err(KeyError::Algorithm(format!("{}{why}", other.escape_debug())))
        }
    }
}
