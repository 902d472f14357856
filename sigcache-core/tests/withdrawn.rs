//! Copies that were verified under other settings, and do not verify under those of today.

#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use sigcache_core::{
    Outcome, Reason, Resource, Standing,
    conformance::{How, Lab, at, block_on, expect},
    read::read,
    store::Store as _,
    verify::{Claims, Detached, Pointer},
};

/// A lab with a stored document that calls itself `b`, and a resource that now asks for `a`.
fn tightened() -> (Lab, [Resource; 1]) {
    let lab = Lab::default();
    lab.publish("a", r#"{"name":"b"}"#);
    let before = [lab.resource("a")];
    assert!(lab.sync(&before, 0).is_good());
    let mut claims = Claims::default();
    claims.identity = Some(Pointer::new("/name").unwrap());
    let mut rules = lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_claims(claims));
    rules.policy.identity = Some("a".into());
    let resources = [lab.resource_with("a", rules)];
    (lab, resources)
}

fn standing(lab: &Lab) -> Standing {
    lab.catalog().entries().next().unwrap().1.standing
}

#[test]
fn a_copy_that_does_not_verify_any_more_is_withheld_and_not_kept() {
    let (lab, resources) = tightened();
    // The source still sends it.
    expect(&lab.sync(&resources, 1), "a", Outcome::Withheld, Reason::IdentityMismatch);
    assert_eq!(standing(&lab), Standing::Withheld);
    lab.assert_published();
    // It stays so, whatever the source does, until something verifies.
    lab.origin.down(&Lab::url("a"));
    expect(&lab.sync(&resources, 2), "a", Outcome::Withheld, Reason::ConnectionRefused);
    assert_eq!(standing(&lab), Standing::Withheld);
    lab.publish("a", r#"{"name":"a"}"#);
    expect(&lab.sync(&resources, 3), "a", Outcome::Stored, Reason::NewVersion);
    lab.assert_published();
}

/// A lab with a stored document that says when it ends, and a resource that now asks for that.
fn asked_for_its_end() -> (Lab, [Resource; 1]) {
    let lab = Lab::default();
    lab.publish("a", format!(r#"{{"end":"{}"}}"#, at(9)));
    assert!(lab.sync(&[lab.resource("a")], 0).is_good());
    let mut claims = Claims::default();
    claims.expires = Some(Pointer::new("/end").unwrap());
    let mut rules = lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_claims(claims));
    let resources = [lab.resource_with("a", rules)];
    lab.origin.down(&Lab::url("a"));
    (lab, resources)
}

#[test]
fn a_copy_that_verifies_under_the_new_settings_too_is_kept() {
    let (lab, resources) = asked_for_its_end();
    expect(&lab.sync(&resources, 2), "a", Outcome::Kept, Reason::ConnectionRefused);
    assert!(lab.read(&resources[0], 2).is_ok());
}

#[test]
fn what_the_store_does_not_give_is_not_withdrawn() {
    let (lab, resources) = asked_for_its_end();
    lab.faulty.rearm();
    // The catalog's listing and the snapshot are the first two requests.
    lab.faulty.fail(2, How::NotWritten);
    expect(&lab.sync(&resources, 1), "a", Outcome::Kept, Reason::ConnectionRefused);
    assert!(lab.faulty.seen()[2].starts_with("get versions/"), "{:?}", lab.faulty.seen());
    assert_eq!(standing(&lab), Standing::Live);
}

#[test]
fn a_reader_is_told_why_a_copy_is_withheld() {
    let lab = Lab::default();
    lab.publish("a", "one");
    let mut resources = [lab.resource("a")];
    lab.sync(&resources, 0);
    let mut key = lab.signer.trusted();
    key.revoked = true;
    let trust = sigcache_core::trust::Trust::new(vec![key], 1).unwrap();
    resources[0].rules = Arc::new((*resources[0].rules).clone().with_trust(trust));
    expect(&lab.sync(&resources, 1), "a", Outcome::Withheld, Reason::KeyRevoked);
    let refused = block_on(async {
        let bucket = lab.sound_bucket();
        let entry = bucket.catalog().await.unwrap().get(&resources[0].name).unwrap().clone();
        read(&*bucket, &resources[0], &entry, at(1)).await.err().unwrap()
    });
    assert_eq!(refused.failure().unwrap().reason, Reason::KeyRevoked);
}
