//! The first use of this cache: a signed trust anchor, whose signer's certificate must lead to a configured root, vouches
//! with a JWK set for documents elsewhere.
//!
//! The vectors lie in `tests/vectors/trust-anchor`.

#![cfg(all(feature = "conformance", feature = "jws"))]
#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not see as such

use std::sync::Arc;

use sigcache_core::{
    KeyId, Outcome, Policy, Reason, Resource, Rules,
    conformance::{Lab, at, expect},
    explain::explain,
    read::ReadError,
    trust::{PublicKey, Trust, TrustedKey, parse_jwks, x509::PathRules},
    verify::Jws,
};

const ROOT: &[u8] = include_bytes!("vectors/trust-anchor/root.pem");
const ANCHOR: &[u8] = include_bytes!("vectors/trust-anchor/anchor.jwt");
const NEWER: &[u8] = include_bytes!("vectors/trust-anchor/newer.jwt");
const STRANGER: &[u8] = include_bytes!("vectors/trust-anchor/stranger.jwt");

/// Hours from the beginning of tests until after the signer's certificate has expired.
const LATER: i64 = 24 * 200;

fn resource(lab: &Lab) -> Resource {
    let root = TrustedKey::new(KeyId::new("hub-root"), PublicKey::parse(ROOT).unwrap());
    let verifier = Jws::new().with_type("trust-anchor+jwt").with_certificate_paths(PathRules::new());
    let mut policy = Policy::default();
    policy.identity = Some("https://hub.example".into());
    let rules = Rules::new(Arc::new(verifier), Trust::new(vec![root], 1).unwrap()).with_policy(policy);
    lab.resource_with("anchor.jwt", rules)
}

/// A lab whose source serves `document`; of all that it may serve, only these may be in the store.
fn serving(document: &'static [u8]) -> (Lab, [Resource; 1]) {
    let lab = Lab::default();
    lab.origin.serve(&Lab::url("anchor.jwt"), document);
    lab.referee.allow(ANCHOR);
    lab.referee.allow(NEWER);
    let resources = [resource(&lab)];
    (lab, resources)
}

#[test]
fn a_stored_anchor_gives_the_keys_that_it_vouches_for() {
    let (lab, resources) = serving(ANCHOR);
    let report = lab.sync(&resources, 0);
    expect(&report, "anchor.jwt", Outcome::Stored, Reason::FirstVersion);
    let stored = lab.read(&resources[0], 1).unwrap();
    assert_eq!(stored, ANCHOR, "the bytes themselves");

    let keys = parse_jwks(&resources[0].rules.verifier.content(stored).unwrap()).unwrap();
    let kids: Vec<&str> = keys.iter().map(|entry| entry.kid.as_deref().unwrap()).collect();
    assert_eq!(kids, ["https://aa.example/metadata", "https://bb.example/metadata"]);
    for entry in &keys {
        assert_eq!(entry.key.as_ref().unwrap().certificate(), Some(&*entry.certificates[0]));
    }

    let catalog = lab.catalog();
    let evidence = &catalog.get(&resources[0].name).unwrap().receipt.as_ref().unwrap().evidence;
    assert_eq!((evidence.entries, &*evidence.certificates[0].subject), (Some(2), "CN=Anchor signing,C=XX"));
    assert_eq!(evidence.valid_until, Some("2027-06-01T00:00:00Z".parse().unwrap()));
    let text = explain(&resources[0], catalog.get(&resources[0].name), None, at(1)).join("\n");
    assert!(text.contains("the certificate of CN=Anchor signing,C=XX"), "{text}");
    assert!(text.contains("from which a path leads to hub-root"), "{text}");
}

#[test]
fn a_newer_anchor_replaces_it_and_an_older_one_does_not_come_back() {
    let (lab, resources) = serving(NEWER);
    lab.sync(&resources, 0);
    lab.origin.serve(&Lab::url("anchor.jwt"), ANCHOR);
    expect(&lab.sync(&resources, 4), "anchor.jwt", Outcome::Kept, Reason::OlderVersion);
    assert_eq!(lab.read(&resources[0], 5).unwrap(), NEWER);
}

#[test]
fn an_anchor_by_another_root_or_with_another_word_in_it_is_refused() {
    let (lab, resources) = serving(STRANGER);
    expect(&lab.sync(&resources, 0), "anchor.jwt", Outcome::Refused, Reason::CertificateUntrusted);
    let mut changed = ANCHOR.to_vec();
    let at = changed.iter().position(|byte| *byte == b'.').unwrap() + 20;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    lab.origin.serve(&Lab::url("anchor.jwt"), changed);
    expect(&lab.sync(&resources, 4), "anchor.jwt", Outcome::Refused, Reason::SignatureMismatch);
}

#[test]
fn when_the_certificate_has_expired_nothing_new_is_taken_and_what_is_stored_can_still_be_audited() {
    let (lab, resources) = serving(ANCHOR);
    lab.sync(&resources, 0);
    lab.origin.serve(&Lab::url("anchor.jwt"), NEWER);
    let report = lab.sync(&resources, LATER);
    expect(&report, "anchor.jwt", Outcome::Withheld, Reason::CertificateExpired);
    let refused = lab.read(&resources[0], LATER).unwrap_err();
    assert_eq!(refused.failure().map(|failure| failure.reason), Some(Reason::CopyExpired));
    assert!(matches!(refused, ReadError::Refused(_)));
    let report = lab.audit(&resources, LATER);
    expect(&report, "anchor.jwt", Outcome::Withheld, Reason::AuditPassed);
}
