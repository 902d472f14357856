//! Each request to the store fails once, in every way, in several scenarios; and a sound run follows.
//!
//! Whatever failed: no rule of the layout is broken, the last good copies can be read, the report does not claim what
//! is not so, and after the sound run everything is as if nothing had failed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{collections::BTreeSet, sync::Arc};

use sigcache_core::{
    Name, OnExpiry, Outcome, Policy, Reason, Resource, Standing,
    conformance::{How, Lab, State, at, expect, hours},
    verify::{Claims, Detached, Pointer},
};

/// A cache before the run whose requests are to fail, and that run.
struct Scenario {
    /// Brings the lab to where the run begins.
    prepare: fn(&Lab),
    /// The resources of the run.
    resources: fn(&Lab) -> Vec<Resource>,
    /// When the run is, in hours after the beginning.
    hours: i64,
    /// Served before, and to be served whatever fails.
    survivors: &'static [&'static str],
}

fn set_of(lab: &Lab, names: &[&str]) -> Vec<Resource> {
    names.iter().map(|name| lab.resource(name)).collect()
}

fn three(lab: &Lab) -> Vec<Resource> {
    set_of(lab, &["a", "b/large", "c"])
}

fn publish_three(lab: &Lab) {
    lab.publish("a", "the first document");
    lab.publish("b/large", vec![b'x'; 10_000]); // two whole parts and a rest
    lab.publish("c", "");
}

fn after_three(lab: &Lab) {
    publish_three(lab);
    lab.sync(&three(lab), 0);
}

fn after_update_of_one(lab: &Lab) {
    after_three(lab);
    lab.publish("b/large", vec![b'y'; 9_000]);
}

fn in_one_set(lab: &Lab) -> Vec<Resource> {
    let mut policy = Policy::default();
    policy.set = Some("pair".into());
    ["a", "c"].iter().map(|name| lab.resource_with(name, lab.rules().with_policy(policy.clone()))).collect()
}

fn after_update_of_set(lab: &Lab) {
    publish_three(lab);
    lab.sync(&in_one_set(lab), 0);
    lab.publish("a", "second a");
    lab.publish("c", "second c");
}

fn expiring(lab: &Lab) -> Vec<Resource> {
    let mut claims = Claims::default();
    claims.expires = Some(Pointer::new("/expires").unwrap());
    let mut rules = lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_claims(claims));
    let mut policy = Policy::default();
    policy.on_expiry = OnExpiry::Withhold;
    policy.max_stale = Some(hours(1000));
    vec![lab.resource_with("a", rules.with_policy(policy)), lab.resource("c")]
}

fn after_expiry(lab: &Lab) {
    lab.publish("a", format!(r#"{{"expires":"{}"}}"#, at(5)));
    lab.publish("c", "stays");
    lab.sync(&expiring(lab), 0);
    lab.origin.down(&Lab::url("a"));
}

fn after_restoring_update(lab: &Lab) {
    after_expiry(lab);
    lab.sync(&expiring(lab), 6);
    lab.publish("a", format!(r#"{{"expires":"{}"}}"#, at(5000)));
}

/// Everything that a scenario comes to when nothing fails.
fn undisturbed(scenario: &Scenario) -> (State, Vec<String>) {
    let lab = Lab::default();
    (scenario.prepare)(&lab);
    let resources = (scenario.resources)(&lab);
    lab.faulty.rearm();
    lab.sync(&resources, scenario.hours);
    let requests = lab.faulty.seen();
    lab.assert_published();
    lab.sync(&resources, scenario.hours + 1);
    (lab.state(), requests)
}

fn fails_once_everywhere(scenario: Scenario) {
    let (expected, requests) = undisturbed(&scenario);
    assert!(requests.len() >= 4, "{requests:?}");
    // A fault makes further requests (a read-back, an abort): go on until nothing is left to fail.
    for how in How::ALL {
        for number in 0.. {
            if !fails_once(&scenario, number, how, &expected) {
                assert!(number >= requests.len(), "{how:?} did not reach all of {requests:?}");
                break;
            }
        }
    }
}

/// False if there is no request of this number.
fn fails_once(scenario: &Scenario, number: usize, how: How, expected: &State) -> bool {
    let lab = Lab::default();
    (scenario.prepare)(&lab);
    let resources = (scenario.resources)(&lab);
    let before = lab.state();
    lab.faulty.fail(number, how);
    let report = lab.try_sync(&resources, scenario.hours);
    let seen = lab.faulty.seen();
    if seen.len() <= number {
        return false;
    }
    let place = format!("{how:?} at {} of {seen:#?}", seen[number]);
    lab.faulty.rearm();
    lab.referee.assert_clean();
    lab.assert_readable(&resources, scenario.hours);
    for name in scenario.survivors {
        let name = Name::new(name).unwrap();
        let standing = lab.catalog().get(&name).map(|entry| entry.standing);
        assert_eq!(standing, Some(Standing::Live), "{name}: {place}");
        let latest = format!("latest/{name}");
        assert!(lab.referee.objects(&latest).contains_key(&latest), "{name} lost its plain copy: {place}");
    }
    match &report {
        Err(_) => assert_eq!(lab.state(), before, "a run that did not begin changed something: {place}"),
        Ok(report) => {
            for decision in report.decisions.iter().filter(|d| d.is_good() && d.outcome == Outcome::Stored) {
                let entry = lab.catalog().get(&decision.resource).cloned().unwrap();
                let stored = entry.live().map(|receipt| receipt.evidence.digest);
                assert_eq!(stored, decision.digest, "claimed to be stored: {decision}: {place}");
                let key = format!("latest/{}", decision.resource);
                let latest = lab.referee.objects(&key).get(&key).map(|bytes| sigcache_core::Digest::of(bytes));
                assert_eq!(latest, decision.digest, "claimed to be published: {decision}: {place}");
            }
            for decision in &report.decisions {
                let copy = lab.catalog().get(&decision.resource).and_then(|entry| Some(entry.copy()?.evidence.digest));
                // After a failed commit nobody knows; the decision then says what stood before.
                let known = decision.reason != Reason::CommitFailed && decision.outcome != Outcome::Removed;
                assert!(!known || decision.digest == copy, "{decision} is about {copy:?}: {place}");
            }
            if report.is_good() && report.store_failure.is_none() {
                assert_eq!(lab.state(), *expected, "a good report, but: {place}");
            }
        }
    }
    let report = lab.sync(&resources, scenario.hours + 1);
    assert_eq!(report.store_failure, None, "{place}");
    lab.referee.assert_clean();
    lab.assert_readable(&resources, scenario.hours + 1);
    lab.assert_published();
    assert_eq!(lab.state(), *expected, "after the sound run: {place}");
    versions_are_kept(&lab, &before, &place);
    true
}

/// No good version is lost: whatever was served before lies in the store still.
fn versions_are_kept(lab: &Lab, before: &State, place: &str) {
    let versions: BTreeSet<_> =
        lab.referee.objects("versions/").values().map(|bytes| sigcache_core::Digest::of(bytes)).collect();
    for (name, (_, digest, ..)) in &before.entries {
        assert!(digest.is_none_or(|digest| versions.contains(&digest)), "{name} lost a version: {place}");
    }
}

#[test]
fn the_first_sync_of_three() {
    fails_once_everywhere(Scenario { prepare: publish_three, resources: three, hours: 1, survivors: &[] });
}

#[test]
fn an_unchanged_run() {
    let survivors = &["a", "b/large", "c"];
    fails_once_everywhere(Scenario { prepare: after_three, resources: three, hours: 1, survivors });
}

#[test]
fn the_update_of_one() {
    let survivors = &["a", "b/large", "c"];
    fails_once_everywhere(Scenario { prepare: after_update_of_one, resources: three, hours: 1, survivors });
}

#[test]
fn the_removal_of_one() {
    let resources = |lab: &Lab| set_of(lab, &["a", "b/large"]);
    fails_once_everywhere(Scenario { prepare: after_three, resources, hours: 1, survivors: &["a", "b/large"] });
}

#[test]
fn the_withholding_of_an_expired_copy() {
    fails_once_everywhere(Scenario { prepare: after_expiry, resources: expiring, hours: 6, survivors: &["c"] });
}

#[test]
fn the_return_of_an_expired_resource() {
    fails_once_everywhere(Scenario {
        prepare: after_restoring_update,
        resources: expiring,
        hours: 7,
        survivors: &["c"],
    });
}

#[test]
fn the_update_of_a_set() {
    let survivors = &["a", "c"];
    fails_once_everywhere(Scenario { prepare: after_update_of_set, resources: in_one_set, hours: 1, survivors });
}

#[test]
fn a_set_is_never_mixed_whatever_fails() {
    for how in How::ALL {
        for number in 0.. {
            let lab = Lab::default();
            after_update_of_set(&lab);
            let resources = in_one_set(&lab);
            lab.faulty.fail(number, how);
            let _ = lab.try_sync(&resources, 1);
            if lab.faulty.seen().len() <= number {
                break;
            }
            let versions: BTreeSet<bool> =
                lab.catalog().entries().map(|(_, entry)| entry.replaced.is_empty()).collect();
            assert_eq!(versions.len(), 1, "one is new and the other old: {how:?} at {number}");
        }
    }
}

#[test]
fn a_failed_stage_is_told_as_such() {
    let lab = Lab::default();
    after_update_of_one(&lab);
    let (_, requests) =
        undisturbed(&Scenario { prepare: after_update_of_one, resources: three, hours: 1, survivors: &[] });
    let part = requests.iter().position(|request| request.starts_with("part ")).unwrap();
    lab.faulty.fail(part, How::NotWritten);
    let report = lab.sync(&three(&lab), 1);
    expect(&report, "b/large", Outcome::Kept, sigcache_core::Reason::StageFailed);
    expect(&report, "a", Outcome::Unchanged, sigcache_core::Reason::NotModified);
}
