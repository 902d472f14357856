//! Verifier keys of C2SP notes: `NAME+ID+BASE64`, of which the id is a hash of the rest.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    digest::{Digest, unhex},
    trust::{
        key::KeyError,
        known::{Known, damaged},
        label::KeyLabel,
    },
};

const FORM: &str = "note key";

/// The signature type of Ed25519 over the text itself.
const ED25519: u8 = 1;

/// Three parts, the second of which is eight hexadecimal digits; or what Go's `note` writes for a secret key.
pub(super) fn begins(file: &[u8]) -> bool {
    let file = file.trim_ascii();
    file.starts_with(b"PRIVATE+KEY+") || parts(file).is_some()
}

pub(super) fn read(file: &[u8]) -> Result<Known, KeyError> {
    let Some((name, id, key)) = parts(file.trim_ascii()) else { return Err(KeyError::PrivateKey) };
    let key = STANDARD.decode(key).map_err(|error| damaged(FORM, error))?;
    let Some((&ED25519, bytes)) = key.split_first() else {
        let found = key.first().map_or("no signature type".to_owned(), |kind| format!("signature type {kind}"));
        return Err(KeyError::Algorithm(format!("{found} in a {FORM}")));
    };
    let made = Digest::of(&[name.as_bytes(), b"\n", &key].concat());
    if made.as_bytes()[..4] != id {
        return Err(damaged(FORM, "its id is not that of its name and key"));
    }
    Ok(Known::ed25519(bytes, FORM)?.with_label(KeyLabel::Note { name: name.into(), id }))
}

/// Name, id, and the key in base64, in which there may be a plus too.
fn parts(file: &[u8]) -> Option<(&str, [u8; 4], &str)> {
    let mut parts = std::str::from_utf8(file).ok()?.splitn(3, '+');
    let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
    let id = unhex(id.as_bytes())?.try_into().ok()?;
    (!name.is_empty() && !name.contains(char::is_whitespace) && !key.contains([' ', '\n'])).then_some((name, id, key))
}
