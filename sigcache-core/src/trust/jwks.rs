//! JWK sets (RFC 7517, section 5): the keys that a verified document vouches for.
//!
//! A set that could be read in two ways is refused as a whole. A key in it that cannot be used is an error of that entry
//! alone: one damaged key must not take the others with it.

use std::sync::Arc;

use serde_json::Value;

use super::{
    forms::jwk,
    key::{KeyError, MAX_KEY_BYTES, PublicKey},
};
use crate::{json, time::Timestamp};

/// The largest JWK set.
pub const MAX_JWKS_BYTES: usize = 16 * 1024 * 1024;

/// More keys than this are refused.
pub const MAX_JWKS_KEYS: usize = 10_000;

/// The longest `kid`; it may be a URL.
const MAX_KID_BYTES: usize = 2048;

/// One key of a set.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JwksEntry {
    /// What the publisher calls it (`kid`). Several entries may have the same, as while a key is replaced by another.
    pub kid: Option<Arc<str>>,
    /// The key, or why it cannot be used. Where the JWK has certificates (`x5c`), the key in the first is this one, and
    /// [`PublicKey::certificate`] gives it.
    pub key: Result<PublicKey, KeyError>,
    /// The certificates in the JWK (`x5c`) in DER, the key's own first. No path was checked: they are what the publisher
    /// of the set says they are.
    pub certificates: Vec<Arc<[u8]>>,
}

impl JwksEntry {
    /// When the key's certificate says that it is valid.
    pub fn validity(&self) -> Option<(Timestamp, Timestamp)> {
        self.key.as_ref().ok()?.certificate_validity()
    }
}

/// Why a file is not a usable JWK set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// Larger than [`MAX_JWKS_BYTES`].
    #[error("a JWK set has at most {MAX_JWKS_BYTES} bytes")]
    TooLarge,
    /// No JSON object in which each member stands once.
    #[error("the JWK set is damaged: {0}")]
    Damaged(String),
    /// No list `keys`.
    #[error("a JWK set has a list `keys`")]
    NoKeys,
    /// More than [`MAX_JWKS_KEYS`].
    #[error("a JWK set has at most {MAX_JWKS_KEYS} keys, not {0}")]
    TooMany(usize),
    /// An entry that is no JWK at all, counted from 1.
    #[error("key {number} of the set {fault}")]
    Entry {
        /// Which entry.
        number: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
}

/// Reads a JWK set: its entries in their order.
pub fn parse_jwks(set: &[u8]) -> Result<Vec<JwksEntry>, JwksError> {
    if set.len() > MAX_JWKS_BYTES {
        return Err(JwksError::TooLarge);
    }
    let members = json::object(set).map_err(JwksError::Damaged)?;
    let keys = members.get("keys").and_then(Value::as_array).ok_or(JwksError::NoKeys)?;
    if keys.len() > MAX_JWKS_KEYS {
        return Err(JwksError::TooMany(keys.len()));
    }
    keys.iter().enumerate().map(|(index, value)| entry(index + 1, value)).collect()
}

fn entry(number: usize, value: &Value) -> Result<JwksEntry, JwksError> {
    let fault = |fault| JwksError::Entry { number, fault };
    let members = value.as_object().ok_or_else(|| fault("is no object"))?;
    let kid = match members.get("kid") {
        None => None,
        Some(Value::String(kid)) if kid.len() > MAX_KID_BYTES => return Err(fault("has a kid that is too long")),
        Some(Value::String(kid)) => Some(Arc::from(kid.as_str())),
        Some(_) => return Err(fault("has a kid that is no text")),
    };
    let (key, certificates) = match jwk::from_members(members) {
        // What no key file may be, no entry may be either.
        Ok((key, certificates)) if certificates.iter().map(Vec::len).sum::<usize>() <= MAX_KEY_BYTES => {
            (Ok(PublicKey::from(key)), certificates)
        }
        Ok(_) => (Err(KeyError::TooLarge), Vec::new()),
        Err(error) => (Err(error), Vec::new()),
    };
    Ok(JwksEntry { kid, key, certificates: certificates.into_iter().map(Arc::from).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#""kty":"EC","crv":"P-256","x":"M4U07A5BG4B_bv-OvcrH86pg1qQ_DhFiLoNSxS8CWGU","y":"YiBg70Fbx-R1_QhnqT6N4Us8O5CWFhelfSn6MvB6sew""#;

    fn set(entries: &[String]) -> Vec<u8> {
        format!(r#"{{"keys":[{}]}}"#, entries.join(",")).into_bytes()
    }

    fn ec(more: &str) -> String {
        format!("{{{EC}{more}}}")
    }

    #[test]
    fn entries_come_in_their_order_and_one_that_is_bad_spoils_no_other() {
        let entries = [
            ec(r#","kid":"https://a.example/metadata""#),
            r#"{"kty":"oct","kid":"secret","k":"AAAA"}"#.to_owned(),
            r#"{"kty":"AKP","kid":"later"}"#.to_owned(),
            ec(r#","use":"enc""#),
            ec(""),
        ];
        let read = parse_jwks(&set(&entries)).unwrap();
        let kids: Vec<_> = read.iter().map(|entry| entry.kid.as_deref()).collect();
        assert_eq!(kids, [Some("https://a.example/metadata"), Some("secret"), Some("later"), None, None]);
        let key = read[0].key.as_ref().unwrap();
        assert_eq!((key.kid(), read[0].validity()), (Some("https://a.example/metadata"), None));
        assert_eq!(read[1].key.as_ref().unwrap_err(), &KeyError::PrivateKey);
        assert_eq!(read[2].key.as_ref().unwrap_err(), &KeyError::Algorithm("kty \"AKP\"".into()));
        assert!(matches!(read[3].key, Err(KeyError::Damaged { .. })));
        assert!(read[4].key.is_ok());
    }

    #[test]
    fn a_set_that_could_be_read_in_two_ways_is_refused() {
        let refusal = |text: &[u8]| parse_jwks(text).unwrap_err();
        assert!(matches!(refusal(br#"{"keys":[],"keys":[]}"#), JwksError::Damaged(_)));
        assert!(matches!(refusal(&set(&[ec(r#","kty":"EC""#)])), JwksError::Damaged(_)));
        assert!(matches!(refusal(b"[]"), JwksError::Damaged(_)));
        assert_eq!(refusal(b"{}"), JwksError::NoKeys);
        assert_eq!(refusal(br#"{"keys":{}}"#), JwksError::NoKeys);
        assert_eq!(refusal(&set(&["1".into()])), JwksError::Entry { number: 1, fault: "is no object" });
        let number = [ec(""), ec(r#","kid":7"#)];
        assert_eq!(refusal(&set(&number)), JwksError::Entry { number: 2, fault: "has a kid that is no text" });
        let long = format!(r#","kid":"{}""#, "x".repeat(MAX_KID_BYTES + 1));
        assert_eq!(refusal(&set(&[ec(&long)])), JwksError::Entry { number: 1, fault: "has a kid that is too long" });
        assert_eq!(refusal(&vec![b' '; MAX_JWKS_BYTES + 1]), JwksError::TooLarge);
        let many = vec!["{}".to_owned(); MAX_JWKS_KEYS + 1];
        assert_eq!(refusal(&set(&many)), JwksError::TooMany(MAX_JWKS_KEYS + 1));
        assert_eq!(parse_jwks(&set(&many[1..])).unwrap().len(), MAX_JWKS_KEYS);
        assert!(parse_jwks(br#"{"keys":[],"more":1}"#).unwrap().is_empty());
    }

    #[test]
    fn the_certificate_in_an_entry_is_that_of_its_key() {
        let jwk = include_str!("../../tests/data/keys/public.jwk").trim().trim_end_matches('}').to_owned();
        let pem = include_str!("../../tests/data/keys/certificate.pem");
        let x5c: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let read = |entry: String| parse_jwks(&set(&[entry])).unwrap().remove(0);
        let good = read(format!(r#"{jwk},"x5c":["{x5c}"]}}"#));
        let key = good.key.as_ref().unwrap();
        assert_eq!(key.certificate(), Some(&*good.certificates[0]));
        assert_eq!(good.validity(), PublicKey::parse(pem.as_bytes()).unwrap().certificate_validity());
        assert!(good.validity().is_some());

        let detail = |entry| match read(entry).key {
            Err(KeyError::Damaged { detail, .. }) => detail,
            other => panic!("{other:?}"),
        };
        let other = ec(&format!(r#","x5c":["{x5c}"]"#));
        assert_eq!(detail(other), "the certificate in its x5c is that of another key");
        for x5c in ["[]", "\"AA\"", "[1]", "[\"A\"]", "[\"AA-_\"]", "{}", "null"] {
            assert!(detail(ec(&format!(r#","x5c":{x5c}"#))).starts_with("x5c is not a list"), "{x5c}");
        }
        assert!(detail(ec(r#","x5c":["AAAA"]"#)).starts_with("x5c: "));
    }
}
