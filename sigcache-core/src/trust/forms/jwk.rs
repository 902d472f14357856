//! A JSON Web Key (RFC 7517; RFC 7518, section 6; RFC 8037).

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::trust::{
    key::KeyError,
    known::{Known, damaged},
    scheme::Scheme,
};

const FORM: &str = "JWK";

/// What only a private or secret key has (RFC 7518, sections 6.2.2, 6.3.2 and 6.4).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A JSON object.
pub(super) fn begins(file: &[u8]) -> bool {
    file.trim_ascii_start().starts_with(b"{")
}

pub(super) fn read(file: &[u8]) -> Result<Known, KeyError> {
    let Members(members) = serde_json::from_slice(file).map_err(|error| damaged(FORM, error))?;
    if PRIVATE.iter().any(|name| members.contains_key(*name)) {
        return Err(KeyError::PrivateKey);
    }
    let jwk = Jwk(members);
    let kty = jwk.text("kty")?.ok_or_else(|| damaged(FORM, "no kty"))?;
    let (crv, alg) = (jwk.text("crv")?, jwk.text("alg")?);
    jwk.is_for_signatures()?;
    let other = || {
        let parts = [("kty", Some(kty)), ("crv", crv), ("alg", alg)];
        let named = parts.iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        // Only as much as any known word has: a file may hold anything.
        let told = named.map(|(name, text)| format!("{name} {:?}", text.chars().take(40).collect::<String>()));
        KeyError::Algorithm(told.collect::<Vec<_>>().join(", "))
    };
    // `alg` says that the key is for this one way to sign and no other.
    let only = |schemes: &[(&str, Scheme)]| match alg {
        None => Ok(None),
        Some(alg) => schemes.iter().find(|(name, _)| *name == alg).map(|found| Some(found.1)).ok_or_else(other),
    };
    match (kty, crv) {
        ("EC", Some("P-256")) => {
            let only = only(&[("ES256", Scheme::EcdsaSha256)])?;
            Ok(Known::p256(&jwk.point(32)?, FORM)?.with_only(only))
        }
        ("EC", Some("P-384")) => {
            let only = only(&[("ES384", Scheme::EcdsaSha384)])?;
            Ok(Known::p384(&jwk.point(48)?, FORM)?.with_only(only))
        }
        ("OKP", Some("Ed25519")) => {
            let only = only(&[("EdDSA", Scheme::Ed25519), ("Ed25519", Scheme::Ed25519)])?;
            Ok(Known::ed25519(&jwk.bytes("x")?, FORM)?.with_only(only))
        }
        ("RSA", None) => {
            let only = only(&[
                ("RS256", Scheme::RsaPkcs1Sha256),
                ("RS384", Scheme::RsaPkcs1Sha384),
                ("RS512", Scheme::RsaPkcs1Sha512),
                ("PS256", Scheme::RsaPssSha256),
                ("PS384", Scheme::RsaPssSha384),
                ("PS512", Scheme::RsaPssSha512),
            ])?;
            Ok(Known::rsa(&jwk.bytes("n")?, &jwk.bytes("e")?)?.with_only(only))
        }
        _ => Err(other()),
    }
}

struct Jwk(BTreeMap<String, Value>);

impl Jwk {
    fn text(&self, name: &str) -> Result<Option<&str>, KeyError> {
        let text = |value: &'_ Value| value.as_str().is_some();
        match self.0.get(name) {
            Some(value) if !text(value) => Err(damaged(FORM, format!("{name} is not a text"))),
            value => Ok(value.and_then(Value::as_str)),
        }
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, KeyError> {
        let text = self.text(name)?.ok_or_else(|| damaged(FORM, format!("no {name}")))?;
        URL_SAFE_NO_PAD.decode(text).map_err(|error| damaged(FORM, format!("{name}: {error}")))
    }

    /// The uncompressed SEC 1 point of the two coordinates.
    fn point(&self, width: usize) -> Result<Vec<u8>, KeyError> {
        let mut sec1 = vec![4];
        for name in ["x", "y"] {
            let bytes = self.bytes(name)?;
            if bytes.len() != width {
                return Err(damaged(FORM, format!("{name} has {} bytes, not {width}", bytes.len())));
            }
            sec1.extend(bytes);
        }
        Ok(sec1)
    }

    /// Neither `use` nor `key_ops` says that it is for something else (RFC 7517, sections 4.2 and 4.3).
    fn is_for_signatures(&self) -> Result<(), KeyError> {
        if self.text("use")?.is_some_and(|usage| usage != "sig") {
            return Err(damaged(FORM, "its use is not sig"));
        }
        let Some(operations) = self.0.get("key_ops") else { return Ok(()) };
        let operations = operations.as_array().ok_or_else(|| damaged(FORM, "key_ops is not a list"))?;
        match operations.as_slice() {
            [Value::String(one)] if one == "verify" => Ok(()),
            _ => Err(damaged(FORM, "its key_ops are not verify alone")),
        }
    }
}

/// The members of an object, each name once: which of two values counted would depend on the reader.
struct Members(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.contains_key(&name) {
                        return Err(A::Error::custom(format!("{name:?} twice")));
                    }
                    members.insert(name, value);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Once)
    }
}
