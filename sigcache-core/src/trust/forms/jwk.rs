//! A JSON Web Key (RFC 7517; RFC 7518, section 6; RFC 8037).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use der::Decode as _;
use serde_json::{Map, Value};
use x509_cert::Certificate;

use super::der::from_certificate;
use crate::{
    digest::Digest,
    json,
    trust::{
        key::KeyError,
        known::{Known, damaged},
        scheme::Scheme,
    },
};

const FORM: &str = "JWK";

/// What only a private or secret key has (RFC 7518, sections 6.2.2, 6.3.2 and 6.4).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// More certificates than any path here may have.
const MAX_CERTIFICATES: usize = 10;

/// A JSON object.
pub(super) fn begins(file: &[u8]) -> bool {
    file.trim_ascii_start().starts_with(b"{")
}

pub(super) fn read(file: &[u8]) -> Result<Known, KeyError> {
    let members = json::object(file).map_err(|error| damaged(FORM, error))?;
    from_members(&members).map(|(key, _)| key)
}

/// The key that the members of a JWK describe, and the certificates in it (`x5c`) in DER, its own one first.
pub(in crate::trust) fn from_members(members: &Map<String, Value>) -> Result<(Known, Vec<Vec<u8>>), KeyError> {
    if PRIVATE.iter().any(|name| members.contains_key(*name)) {
        return Err(KeyError::PrivateKey);
    }
    let jwk = Jwk(members);
    let key = jwk.key()?.with_shown("jwk", jwk.thumbprint());
    let key = match jwk.text("kid")? {
        Some(kid) => key.with_kid(kid),
        None => key,
    };
    let certificates = jwk.certificates()?;
    let Some(own) = certificates.first() else { return Ok((key, certificates)) };
    let parsed = Certificate::from_der(own).map_err(|error| damaged(FORM, format!("x5c: {error}")))?;
    let certified = from_certificate(&parsed, own.clone())?;
    if certified.spki() != key.spki() {
        return Err(damaged(FORM, "the certificate in its x5c is that of another key"));
    }
    Ok((key.with_certificate_of(certified), certificates))
}

struct Jwk<'m>(&'m Map<String, Value>);

impl Jwk<'_> {
    fn key(&self) -> Result<Known, KeyError> {
        let jwk = self;
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

    /// RFC 7638 with SHA-256: of the members that make the key, in the order of their names.
    fn thumbprint(&self) -> String {
        let own = ["crv", "e", "kty", "n", "x", "y"].iter().filter_map(|name| self.0.get_key_value(*name));
        let own = own.filter(|(name, _)| !matches!((self.0["kty"].as_str(), name.as_str()), (Some("OKP"), "y")));
        let members: Vec<String> = own.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        URL_SAFE_NO_PAD.encode(Digest::of(format!("{{{}}}", members.join(",")).as_bytes()).as_bytes())
    }

    /// The certificates in `x5c` (RFC 7517, section 4.7): in base64, which is not base64url here, each with padding.
    fn certificates(&self) -> Result<Vec<Vec<u8>>, KeyError> {
        let Some(value) = self.0.get("x5c") else { return Ok(Vec::new()) };
        let certificate = |value: &Value| value.as_str().and_then(|text| STANDARD.decode(text).ok());
        let list = value.as_array().filter(|list| (1..=MAX_CERTIFICATES).contains(&list.len()));
        let decoded = list.and_then(|list| list.iter().map(certificate).collect());
        decoded.ok_or_else(|| damaged(FORM, format!("x5c is not a list of 1 to {MAX_CERTIFICATES} texts in base64")))
    }

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
