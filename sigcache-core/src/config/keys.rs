//! The keys, each with the time in which it may sign.

use std::{borrow::Cow, collections::HashMap, ops::Range, sync::Arc};

use super::{
    build::Build,
    problem::Place,
    table::{Table, conceal, kind, place, tick, wrong},
};
use crate::{
    digest::Digest,
    time::Timestamp,
    trust::{KeyError, KeyFile, MAX_KEY_BYTES, TrustedKey},
};

/// Every word that may stand in a `[keys.ID]`.
pub(super) const KEY: &[&str] = &["file", "pem", "jwk", "line", "not_before", "not_after", "revoked"];

/// What a key may be.
#[cfg(not(feature = "openpgp"))]
const EXPECTED: &str = "a public key: ECDSA on P-256 or P-384, Ed25519 or RSA, as PEM, DER or JWK, or as minisign, signify, \
                        OpenSSH, C2SP notes or Nix write it";
#[cfg(feature = "openpgp")]
const EXPECTED: &str = "a public key: ECDSA on P-256 or P-384, Ed25519 or RSA, as PEM, DER or JWK, or as minisign, signify, \
                        OpenSSH, C2SP notes or Nix write it; or an OpenPGP certificate";

/// The ways to give a key.
const WAYS: &[&str] = &["file", "pem", "jwk", "line"];

impl Build<'_> {
    /// Reads `[keys]`. A key that cannot be used is reported once, here, and not wherever it is named.
    pub(super) fn read_keys(&mut self, keys: &Table<'_>) {
        let mut seen: HashMap<Digest, (String, Place)> = HashMap::new();
        for (id, at, value) in keys.entries() {
            self.key_index.insert(id.to_owned(), None);
            let what = format!("[keys.{}]", id.escape_debug());
            if !matches!(value.get_ref(), toml::de::DeValue::Table(_)) {
                // Perhaps the key itself.
                conceal(value, &mut self.problems);
                let message = format!("{} cannot be {}", tick(id), kind(value.get_ref()));
                self.problems.at(at, message).expected(format!("a table {what} with `file`, `pem`, `jwk` or `line`"));
                continue;
            }
            let Some(table) = Table::open(value, &what, &[KEY], &mut self.problems) else { continue };
            let Some(keys) = self.read_key(id, &at, &table) else { continue };
            let place = Place { source: 0, span: at };
            let before = self.keys.len();
            let mut once = true;
            for key in keys {
                if let Some((other, first)) = seen.get(&key.key.fingerprint()) {
                    let (other, first) = (tick(other), self.problems.describe(first));
                    let message = format!("{} is the same key as {other} at {first}", tick(key.id.as_str()));
                    let expected = "one id for each key: it would count twice";
                    self.problems.at_place(place.clone(), message).expected(expected);
                    once = false;
                    continue;
                }
                seen.insert(key.key.fingerprint(), (key.id.as_str().to_owned(), place.clone()));
                self.keys.push(key);
            }
            if once {
                self.key_index.insert(id.to_owned(), Some(before..self.keys.len()));
            }
        }
    }

    /// The keys under an id: one, or those of an allowed-signers file.
    fn read_key(&mut self, id: &str, at: &Range<usize>, table: &Table<'_>) -> Option<Vec<TrustedKey>> {
        let ways: Vec<&str> = WAYS.iter().copied().filter(|way| table.has(way)).collect();
        let [way] = ways.as_slice() else {
            if ways.is_empty() {
                table.lacks(WAYS, at.clone(), "exactly one of them", &mut self.problems);
            } else {
                let message = format!("{} has more than one of `file`, `pem`, `jwk` and `line`", table.what());
                self.problems.at(at.clone(), message).expected("exactly one of them");
            }
            return None;
        };
        let (given, given_at) = match (*way, table.get(way)) {
            ("file", _) => table.text(way, &mut self.problems).map(|(text, at)| (Cow::Borrowed(text), at))?,
            (_, Some(value)) => match value.get_ref().as_str() {
                Some(text) => match text.strip_prefix("env:") {
                    Some(name) => (Cow::Owned(self.variable(name, &place(value))?), place(value)),
                    None => (Cow::Borrowed(text), place(value)),
                },
                None => {
                    let message = format!("`{way}` cannot be {}", kind(value.get_ref()));
                    self.problems.at(value.span(), message).expected("a text");
                    return None;
                }
            },
            (_, None) => return None,
        };
        let bytes = match *way {
            "file" => {
                let before = self.problems.len();
                let Some(bytes) = self.read_file(&given, &given_at, MAX_KEY_BYTES) else {
                    self.problems.are_about_keys(before);
                    return None;
                };
                bytes.to_vec()
            }
            _ => given.as_bytes().to_vec(),
        };
        let starts_with = |beginning: &[u8]| bytes.trim_ascii_start().starts_with(beginning);
        let (is_json, is_pem) = (starts_with(b"{"), starts_with(b"-----BEGIN"));
        let parsed = match *way {
            "jwk" if !is_json => Err(KeyError::UnknownForm),
            "pem" if !is_pem => Err(KeyError::UnknownForm),
            "line" if is_json || is_pem => Err(KeyError::UnknownForm),
            _ => TrustedKey::read(id, &bytes),
        };
        let keys = parsed.map_err(|error| {
            let message = format!("the key of {} cannot be used: {}", table.what(), explain(&error));
            self.problems.at(given_at.span, message).expected(EXPECTED).about_key();
        });
        let mut keys = keys.ok()?;
        let (not_before, not_after) = (self.moment(table, "not_before"), self.moment(table, "not_after"));
        let revoked = table.flag("revoked", &mut self.problems).unwrap_or(false);
        if let (Some(start), Some(end), Some(value)) = (not_before, not_after, table.get("not_after"))
            && end < start
        {
            let message = format!("`not_after` ({end}) lies before `not_before` ({start})");
            self.problems.at(value.span(), message).expected("a later time");
        }
        let mut file = KeyFile::new(id, bytes.into());
        (file.not_before, file.not_after, file.revoked) = (not_before, not_after, revoked);
        let file = Arc::new(file);
        for key in &mut keys {
            key.file = Some(file.clone());
            // Both hold: the limits here, and those that the file itself may set.
            key.not_before = key.not_before.max(not_before);
            key.not_after = [key.not_after, not_after].into_iter().flatten().min();
            key.revoked |= revoked;
            key.origin = Some(match *way {
                "file" => given.as_ref().into(),
                _ => "the configuration".into(),
            });
        }
        Some(keys)
    }

    fn moment(&mut self, table: &Table<'_>, word: &str) -> Option<Timestamp> {
        let value = table.get(word)?;
        let text = match value.get_ref() {
            toml::de::DeValue::Datetime(time) => Some(time.to_string()),
            other => other.as_str().map(str::to_owned),
        };
        let moment = text.and_then(|text| text.parse().ok());
        if moment.is_none() {
            let expected = "a date and time with its offset, such as 2027-01-01T00:00:00Z";
            wrong(word, value, expected, &mut self.problems);
        }
        moment
    }
}

/// Why a key cannot be used, without anything from the file: it may be a private one.
fn explain(error: &KeyError) -> String {
    match error {
        KeyError::Damaged { form, .. } => format!("the {form} is damaged"),
        KeyError::PrivateKey => "this is a private key, keep it where only the signer can read it".to_owned(),
        KeyError::UnknownForm => "its content is in no known form".to_owned(),
        other => other.to_string(),
    }
}
