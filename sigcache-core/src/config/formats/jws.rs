//! The words of the `jws` format.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity, claims, ending_fault};
use crate::{
    config::{
        build::Build,
        problem::Problems,
        table::{Table, quote, tick},
    },
    trust::{
        Trust,
        x509::{MAX_CRL_BYTES, PathRules},
    },
    verify::{Jws, MAX_JWS_SIGNATURES, Verifier as _},
};

/// The words of this format.
pub(super) const WORDS: &[&str] = &["suffix", "claims", "typ", "chain", "crl", "extended_key_usage"];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let mut verifier = match table.has("suffix") {
        true => Jws::detached(suffix(table, &mut build.problems)?),
        false => Jws::new(),
    };
    if table.has("typ") {
        verifier = verifier.with_type(table.text("typ", &mut build.problems)?.0);
    }
    let mut tells_identity = TellsIdentity::Perhaps;
    if let Some(value) = table.get("claims") {
        let claims = claims(value, build)?;
        tells_identity = TellsIdentity::by(&claims);
        verifier = verifier.with_claims(claims);
    }
    let chain = if table.has("chain") { table.flag("chain", &mut build.problems)? } else { false };
    match chain {
        true => verifier = verifier.with_certificate_paths(paths(table, build)?),
        false => {
            for word in ["crl", "extended_key_usage"] {
                if let Some(value) = table.get(word) {
                    let message = format!("`{word}` concerns certificate paths, and none are asked for");
                    build.problems.at(value.span(), message).expected("`chain = true` beside it");
                }
            }
        }
    }
    Some(Format {
        alike: format!("jws {}", verifier.settings()),
        verifier: Arc::new(verifier),
        files: MAX_JWS_SIGNATURES,
        tells_identity,
        certificates: if chain { Certificates::BoundKeys } else { Certificates::AreKeys },
        from_anchor: FromAnchor::Keys,
        fit: Box::new(move |table, trust, problems| !chain || are_certificates(table, trust, problems)),
    })
}

fn suffix<'t>(table: &Table<'t>, problems: &mut Problems) -> Option<&'t str> {
    let (text, place) = table.text("suffix", problems)?;
    let Some(fault) = ending_fault(text) else { return Some(text) };
    let message = format!("{} cannot be a `suffix`: {fault}", quote(text));
    problems.at_place(place, message).expected("an ending such as \".jws\"");
    None
}

fn paths(table: &Table<'_>, build: &mut Build<'_>) -> Option<PathRules> {
    let mut rules = PathRules::new();
    if table.has("crl") {
        for (name, place) in table.list("crl", &mut build.problems)? {
            let file = build.read_file(name, &place, MAX_CRL_BYTES)?;
            match rules.clone().with_crl(&file) {
                Ok(more) => rules = more,
                Err(error) => {
                    let message = format!("this file cannot be used: {error}");
                    build.problems.at_place(place, message).expected("a certificate revocation list, PEM or DER");
                    return None;
                }
            }
        }
    }
    if table.has("extended_key_usage") {
        for (oid, place) in table.list("extended_key_usage", &mut build.problems)? {
            match rules.clone().with_extended_key_usage(oid) {
                Ok(more) => rules = more,
                Err(error) => {
                    build.problems.at_place(place, error.to_string());
                    return None;
                }
            }
        }
    }
    Some(rules)
}

/// The keys can be roots.
fn are_certificates(table: &Table<'_>, trust: &Trust, problems: &mut Problems) -> bool {
    let bare = trust.keys().iter().find(|trusted| trusted.key.certificate().is_none());
    if let (Some(trusted), Some(keys)) = (bare, table.get("keys")) {
        let message = format!("no certificate path can lead to {}: it is a bare key", tick(trusted.id.as_str()));
        problems
            .at(keys.span(), message)
            .expected("keys that are given as certificates, as `chain = true` asks for them");
    }
    bare.is_none()
}
