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
