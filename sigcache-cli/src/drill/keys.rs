//! Public keys that nobody has the private part of: for twins whose signature is by the wrong key.

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sigcache_core::trust::{Algorithm, PublicKey, Trust, TrustedKey};

/// What stands before the x coordinate of a compressed point in a SubjectPublicKeyInfo (RFC 5480).
const P256: &[u8] = &[
    0x30, 0x39, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x22, 0x00, 0x02,
];
const P384: &[u8] = &[
    0x30, 0x46, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
    0x22, 0x03, 0x32, 0x00, 0x02,
];

/// Every second number is a point of the curve, so this many in a row that are none mean something else.
const TRIES: usize = 200;

/// The same ids and limits with another key under each.
pub(crate) fn all_replaced(trust: &Trust) -> Result<Trust> {
    let keys = trust.keys().iter().map(|trusted| Ok(with_key(trusted, fresh(&trusted.key)?)));
    Ok(Trust::new(keys.collect::<Result<_>>()?, trust.threshold())?)
}

/// The same key limits under another key.
fn with_key(trusted: &TrustedKey, key: PublicKey) -> TrustedKey {
    let mut other = TrustedKey::new(trusted.id.clone(), key);
    other.origin = trusted.origin.clone();
    other
}

/// A key of the same kind: a random point of its curve, or a random modulus.
pub(crate) fn fresh(like: &PublicKey) -> Result<PublicKey> {
    if let Some(hash) = like.as_digest() {
        return Ok(PublicKey::of_digest(hash.kind().of(&random(32)?)));
    }
    match like.algorithm() {
        Some(Algorithm::EcdsaP256) => tried(|| Ok([P256, &random(32)?].concat())),
        Some(Algorithm::EcdsaP384) => tried(|| Ok([P384, &random(48)?].concat())),
        Some(Algorithm::Rsa { bits }) => tried(|| Ok(jwk("RSA", "", "n", &modulus(bits)?, r#","e":"AQAB""#))),
        // An OpenPGP certificate that nobody signed is none; any key that is not in it does.
        _ => tried(|| Ok(jwk("OKP", r#""crv":"Ed25519","#, "x", &random(32)?, ""))),
    }
}

fn tried(make: impl Fn() -> Result<Vec<u8>>) -> Result<PublicKey> {
    for _ in 0..TRIES {
        if let Ok(key) = PublicKey::parse(&make()?) {
            return Ok(key);
        }
    }
    anyhow::bail!("no random number made a key")
}

fn jwk(kty: &str, before: &str, name: &str, number: &[u8], after: &str) -> Vec<u8> {
    let number = URL_SAFE_NO_PAD.encode(number);
    format!(r#"{{"kty":"{kty}",{before}"{name}":"{number}"{after}}}"#).into_bytes()
}

/// An odd number of so many bits.
fn modulus(bits: usize) -> Result<Vec<u8>> {
    let mut number = random(bits.div_ceil(8))?;
    let top = (bits + 7) % 8;
    if let Some(first) = number.first_mut() {
        *first = (*first & (0xff >> (7 - top))) | 1 << top;
    }
    if let Some(last) = number.last_mut() {
        *last |= 1;
    }
    Ok(number)
}

fn random(length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).context("the system gave no random numbers")?;
    Ok(bytes)
}
