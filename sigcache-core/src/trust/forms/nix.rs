//! Public keys of Nix caches: `NAME:BASE64`, as `nix key convert-secret-to-public` writes them.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::trust::{
    key::KeyError,
    known::{Known, damaged},
    label::KeyLabel,
};

const FORM: &str = "Nix key";

/// A name, a colon, and as much base64 as a public key or a secret one needs.
pub(super) fn begins(file: &[u8]) -> bool {
    let base64 = |c: &u8| c.is_ascii_alphanumeric() || b"+/=".contains(c);
    parts(file).is_some_and(|(name, key)| {
        !name.is_empty()
            && !name.contains(char::is_whitespace)
            && [44, 88].contains(&key.len())
            && key.bytes().all(|c| base64(&c))
    })
}

pub(super) fn read(file: &[u8]) -> Result<Known, KeyError> {
    let (name, key) = parts(file).ok_or_else(|| damaged(FORM, "not NAME:BASE64"))?;
    let key = STANDARD.decode(key).map_err(|error| damaged(FORM, error))?;
    if key.len() == 64 {
        return Err(KeyError::PrivateKey);
    }
    Ok(Known::ed25519(&key, FORM)?.with_label(KeyLabel::Nix(name.into())))
}

fn parts(file: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(file.trim_ascii()).ok()?.split_once(':')
}
