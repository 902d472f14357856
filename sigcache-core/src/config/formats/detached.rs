//! The words of the `detached` format.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity, claims, keys_span, suffix};
use crate::{
    config::{
        build::Build,
        problem::Problems,
        table::{Table, tick},
    },
    trust::{HashKind, Scheme, Trust, rsa::Padding},
    verify::{Claims, Detached},
};

/// The words of this format.
pub(super) const WORDS: &[&str] = &["suffix", "claims", "hash", "scheme"];

/// What an ECDSA or RSA key signs.
const HASHES: &[(&str, HashKind)] =
    &[("sha-256", HashKind::Sha256), ("sha-384", HashKind::Sha384), ("sha-512", HashKind::Sha512)];

/// How an RSA key signs it.
const SCHEMES: &[(&str, Padding)] = &[("rsa-pkcs1", Padding::Pkcs1), ("rsa-pss", Padding::Pss)];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let hash = table.word("hash", HASHES, &mut build.problems);
    let padding = table.word("scheme", SCHEMES, &mut build.problems);
    let suffixes = suffix::read(table, None, &mut build.problems);
    let claims = match table.get("claims") {
        Some(value) => claims(value, build)?,
        None => Claims::default(),
    };
    let (first, more) = suffixes?;
    let verifier = Detached::new(&first).with_claims(claims.clone());
    let mut verifier = more.iter().fold(verifier, |verifier, suffix| verifier.with_suffix(suffix));
    if table.has("hash") {
        verifier = verifier.with_hash(hash?);
    }
    if table.has("scheme") {
        verifier = verifier.with_padding(padding?);
    }
    let fit = verifier.clone();
    Some(Format {
        verifier: Arc::new(verifier),
        alike: format!("detached {first:?} {more:?} {claims:?} {hash:?} {padding:?}"),
        files: 1 + more.len(),
        tells_identity: TellsIdentity::by(&claims),
        certificates: Certificates::AreKeys,
        from_anchor: FromAnchor::Keys,
        fit: Box::new(move |table, trust, problems| fits(&fit, table, trust, problems)),
    })
}

/// Every key can sign in the way that is set up, and every choice is one that some key has.
fn fits(verifier: &Detached, table: &Table<'_>, trust: &Trust, problems: &mut Problems) -> bool {
    let mut fits = true;
    for trusted in trust.keys() {
        let says = match (trusted.key.padding(), trusted.key.only()) {
            (Some(_), None) => Some("it is for RSA-PSS".to_owned()),
            (Some(_), Some(only)) => Some(format!("it is for {only}")),
            (None, only) => only.map(|only| format!("its `alg` says {only}")),
        };
        if let (None, Some(says)) = (verifier.scheme(&trusted.key), says) {
            let message = format!("{} cannot sign so: {says} and nothing else", tick(trusted.id.as_str()));
            problems.at(keys_span(table), message).expected("`hash` and `scheme` as the key says, or neither of them");
            fits = false;
        }
    }
    let schemes: Vec<Scheme> = trust.keys().iter().filter_map(|trusted| verifier.scheme(&trusted.key)).collect();
    let choices = [
        (
            "hash",
            schemes.iter().any(|scheme| scheme.hash().is_some()),
            "an ECDSA or RSA key; Ed25519 has no such choice",
        ),
        ("scheme", schemes.iter().any(|scheme| scheme.padding().is_some()), "an RSA key; no other has such a choice"),
    ];
    for (word, is_used, expected) in choices {
        if let (Some(value), false, true) = (table.get(word), is_used, fits) {
            problems.at(value.span(), format!("`{word}` concerns none of the keys")).expected(expected);
            fits = false;
        }
    }
    fits
}
