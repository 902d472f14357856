//! The protected header of one signature (RFC 7515, section 4). Everything in it is hostile until the signature matched;
//! only `alg`, `crit`, `b64`, `kid` and, where configured, `x5c` are looked at before.

use serde_json::{Map, Value};

use super::base64url;
use crate::{json, verify::VerifyError};

/// The longest protected header, encoded: room for a chain of five certificates with RSA keys of 4096 bits.
pub(super) const MAX_HEADER: usize = 32 * 1024;

/// Header parameters that may not stand in `crit`, since every reader must know them (RFC 7515, section 4.1.11).
const REGISTERED: &[&str] = &["alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit"];

/// What a header says, as far as it matters here.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) encoding: Encoding,
    /// An extension that a reader must understand, and this one does not.
    pub(super) critical: Option<String>,
    /// Not looked at any further unless certificate paths are configured.
    pub(super) x5c: Option<Value>,
}

/// How the payload goes into what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// In base64url.
    Base64url,
    /// As it is (RFC 7797).
    Plain,
}

impl Header {
    /// Reads a protected header.
    pub(super) fn parse(encoded: &[u8]) -> Result<Self, VerifyError> {
        let expected = "a protected header of a JWS: a JSON object in base64url";
        if encoded.len() > MAX_HEADER {
            let found = format!("one of more than {MAX_HEADER} letters");
            return Err(VerifyError::malformed_signature(expected, found));
        }
        let text = base64url::decode(encoded);
        let text = text.ok_or_else(|| VerifyError::malformed_signature(expected, "something else"))?;
        let members = json::object(&text).map_err(|found| VerifyError::malformed_signature(expected, found))?;
        let wrong = |name: &str, expected: &str| {
            let expected = format!("{expected} as {name} in the protected header");
            let found = if members.contains_key(name) { "something else" } else { "none" };
            VerifyError::malformed_signature(&expected, found)
        };
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(name, "a text")),
        };
        let encoding = match members.get("b64") {
            None | Some(Value::Bool(true)) => Encoding::Base64url,
            Some(Value::Bool(false)) => Encoding::Plain,
            Some(_) => return Err(wrong("b64", "true or false")),
        };
        Ok(Self {
            alg: text("alg")?.ok_or_else(|| wrong("alg", "a text"))?,
            kid: text("kid")?,
            typ: text("typ")?,
            encoding,
            critical: critical(&members)?,
            x5c: members.get("x5c").cloned(),
        })
    }
}

/// What `crit` names that is not understood here. That it names only what is there, and never what everybody must know
/// anyway, is the rule of RFC 7515; that `b64` stands in it, of RFC 7797.
fn critical(members: &Map<String, Value>) -> Result<Option<String>, VerifyError> {
    let expected = "a list of extensions that stand in the protected header as crit, each once";
    let wrong = |found: &str| VerifyError::malformed_signature(expected, found);
    let mut names: Vec<&str> = Vec::new();
    if let Some(value) = members.get("crit") {
        let list = value.as_array().filter(|list| !list.is_empty());
        for name in list.ok_or_else(|| wrong("something else"))? {
            let name = name.as_str().ok_or_else(|| wrong("something else"))?;
            if !members.contains_key(name) || REGISTERED.contains(&name) || names.contains(&name) || names.len() > 16 {
                return Err(wrong(&format!("{name:?} in it")));
            }
            names.push(name);
        }
    }
    if members.contains_key("b64") && !names.contains(&"b64") {
        return Err(VerifyError::malformed_signature("b64 in crit, as it stands in the header", "b64 alone"));
    }
    Ok(names.into_iter().find(|name| *name != "b64").map(str::to_owned))
}
