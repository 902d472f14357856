//! What `explain` says in the cases in which it would be easy to say something that is not so.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not see as such

use sigcache_core::{
    Outcome, Reason, Report, Resource,
    conformance::{How, Lab, at, block_on, expect, hours},
    explain::explain,
    trust::Trust,
};

/// A lab that has stored `a`, and then has another document of it to offer.
fn updated() -> (Lab, [Resource; 1]) {
    let lab = Lab::default();
    let resources = [lab.resource("a")];
    lab.publish("a", "one");
    lab.sync(&resources, 0);
    lab.publish("a", "two");
    (lab, resources)
}

fn text(lab: &Lab, resource: &Resource, report: &Report, hour: i64) -> String {
    let catalog = lab.catalog();
    let decision = report.decisions.iter().find(|decision| decision.resource == resource.name);
    explain(resource, catalog.get(&resource.name), decision, at(hour)).join("\n")
}

/// The first request of an update that begins with `what`.
fn request(what: &str) -> usize {
    let (lab, resources) = updated();
    lab.faulty.rearm();
    lab.sync(&resources, 1);
    lab.faulty.seen().iter().position(|request| request.starts_with(what)).unwrap()
}

#[test]
fn our_own_store_is_not_blamed_on_the_source() {
    for (what, reason) in [("put versions/", Reason::StageFailed), ("create catalog/", Reason::CommitFailed)] {
        let number = request(what);
        let (lab, resources) = updated();
        lab.faulty.fail(number, How::CrashBefore);
        let report = lab.sync(&resources, 1);
        expect(&report, "a", Outcome::Kept, reason);
        let text = text(&lab, &resources[0], &report, 1);
        assert!(!text.contains("From https://"), "{text}");
        assert!(text.contains("It expected the store to take"), "{text}");
        assert!(text.contains("the last good copy stands as it was"), "{text}");
    }
}

#[test]
fn a_plain_copy_that_is_behind_is_not_a_copy_that_was_not_touched() {
    let number = request("copy ");
    let (lab, resources) = updated();
    lab.faulty.fail(number, How::NotWritten);
    let report = lab.sync(&resources, 1);
    expect(&report, "a", Outcome::Stored, Reason::PublishFailed);
    let text = text(&lab, &resources[0], &report, 1);
    assert!(text.contains("The new version is verified and stored; only its plain copy below latest/"), "{text}");
}

#[test]
fn what_a_revoked_key_signed_was_accepted_and_is_not_trusted() {
    let (lab, resources) = updated();
    let mut revoked = lab.signer.trusted();
    revoked.revoked = true;
    let mut rules = lab.rules();
    rules.trust = Trust::new(vec![revoked], 1).unwrap();
    let now = lab.resource_with("a", rules);
    let report = lab.sync(std::slice::from_ref(&now), 1);
    expect(&report, "a", Outcome::Withheld, Reason::KeyRevoked);
    let revoked = text(&lab, &now, &report, 1);
    assert!(revoked.contains("It was accepted because its detached signature"), "{revoked}");
    assert!(!revoked.contains("It is trusted"), "{revoked}");
    // Taken back, the copy stays withheld until a run has looked.
    let text = text(&lab, &resources[0], &report, 2);
    assert!(text.starts_with("a is withheld: a run found"), "{text}");
    assert!(text.contains("the next sync brings it back"), "{text}");
}

#[test]
fn a_permit_is_told_as_the_word_of_a_person() {
    let (lab, resources) = updated();
    let name = &resources[0].name;
    let report = block_on(lab.runner().allow_rollback(name, "they restored a backup", at(1), 9)).unwrap().unwrap();
    let text = text(&lab, &resources[0], &report, 1);
    assert!(text.contains("a person's permit: they restored a backup"), "{text}");
    assert!(!text.contains("broke at step"), "{text}");
}

#[test]
fn advice_names_the_resource_and_versions_are_counted_as_people_count() {
    let (lab, resources) = updated();
    let report = lab.sync(&resources, 1);
    assert!(text(&lab, &resources[0], &report, 1).contains("the one that it replaced is refused if it comes back"));
    lab.publish("a", "one");
    let report = lab.sync(&resources, 2);
    expect(&report, "a", Outcome::Kept, Reason::ReplayedVersion);
    assert!(text(&lab, &resources[0], &report, 2).contains("run `sigcache allow-rollback a --reason …`"));
}

#[test]
fn an_expired_copy_is_told_by_its_own_expiry() {
    let (lab, _) = updated();
    let mut rules = lab.rules();
    rules.policy.max_stale = Some(hours(2));
    let resource = lab.resource_with("a", rules);
    lab.origin.down(&Lab::url("a"));
    let report = lab.sync(std::slice::from_ref(&resource), 5);
    expect(&report, "a", Outcome::Withheld, Reason::ConnectionRefused);
    let text = text(&lab, &resource, &report, 5);
    assert!(text.starts_with("a is withheld: there is a copy, but it may not be served any more"), "{text}");
    assert!(text.contains("because it had to be confirmed within 2 hours and was confirmed 5 hours ago."), "{text}");
    assert!(!text.contains("Unless it is confirmed"), "{text}");
    assert!(text.contains("it comes back with the next version that passes"), "{text}");
}
