//! The audit, and what the store does behind our back: each difference is named.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not see as such

use std::sync::Arc;

use object_store::{ObjectStoreExt as _, memory::InMemory, path::Path};
use sigcache_core::{
    Outcome, Reason, Report, Resource,
    audit::Repairs,
    conformance::{Faulty, How, Lab, at, block_on, expect, hours},
    fetch::{Access, FetchRequest, Fetcher as _, Limits, ObjectFetcher},
};

fn audited(lab: &Lab, resources: &[Resource]) -> Report {
    lab.audit(resources, 1)
}

fn stored() -> (Lab, Vec<Resource>) {
    let lab = Lab::default();
    lab.publish("a", "one");
    let resources = vec![lab.resource("a")];
    expect(&lab.sync(&resources, 0), "a", Outcome::Stored, Reason::FirstVersion);
    (lab, resources)
}

#[test]
fn a_store_in_order_passes() {
    let (lab, resources) = stored();
    let report = audited(&lab, &resources);
    expect(&report, "a", Outcome::Unchanged, Reason::AuditPassed);
    assert!(report.is_good());
}

#[test]
fn a_changed_a_missing_and_a_foreign_plain_copy_are_named() {
    let (lab, resources) = stored();
    lab.referee.tamper("latest/a", "other");
    expect(&audited(&lab, &resources), "a", Outcome::Kept, Reason::PublishedChanged);
    lab.referee.tamper_delete("latest/a");
    expect(&audited(&lab, &resources), "a", Outcome::Kept, Reason::PublishedMissing);

    let (lab, resources) = stored();
    lab.referee.tamper("latest/stranger", "planted");
    expect(&audited(&lab, &resources), "stranger", Outcome::Refused, Reason::PublishedChanged);
}

#[test]
fn a_changed_and_a_missing_version_are_named() {
    let (lab, resources) = stored();
    let key = lab.referee.objects("versions/").keys().next().unwrap().clone();
    lab.referee.tamper(&key, "two");
    expect(&audited(&lab, &resources), "a", Outcome::Refused, Reason::ObjectChanged);
    lab.referee.tamper_delete(&key);
    expect(&audited(&lab, &resources), "a", Outcome::Refused, Reason::ObjectMissing);
}

/// The number of the first request that begins with `kind` when one resource is updated.
fn request_of_an_update(kind: &str) -> usize {
    let (lab, resources) = stored();
    lab.publish("a", "two");
    lab.faulty.rearm();
    lab.sync(&resources, 1);
    lab.faulty.seen().iter().position(|request| request.starts_with(kind)).unwrap()
}

#[test]
fn a_store_that_goes_away_at_the_commit_changes_nothing_and_is_told_as_such() {
    let number = request_of_an_update("create catalog/");
    let (lab, resources) = stored();
    lab.publish("a", "two");
    lab.faulty.fail(number, How::CrashBefore);
    let report = lab.sync(&resources, 1);
    expect(&report, "a", Outcome::Kept, Reason::CommitFailed);
    assert!(report.store_failure.is_some());
    lab.faulty.rearm();
    assert_eq!(lab.read(&resources[0], 1).unwrap(), "one");
    expect(&lab.sync(&resources, 2), "a", Outcome::Stored, Reason::NewVersion);
}

#[test]
fn a_plain_copy_that_fails_is_made_by_the_next_run() {
    let number = request_of_an_update("copy");
    let (lab, resources) = stored();
    lab.publish("a", "two");
    lab.faulty.fail(number, How::NotWritten);
    expect(&lab.sync(&resources, 1), "a", Outcome::Stored, Reason::PublishFailed);
    lab.faulty.rearm();
    expect(&lab.sync(&resources, 2), "a", Outcome::Unchanged, Reason::NotModified);
    lab.assert_published();
}

fn repaired(lab: &Lab, resources: &[Resource], hours: i64) -> Report {
    let auditor = lab.auditor_on(lab.bucket()).with_repairs(Repairs::Copies);
    block_on(auditor.audit(resources, at(hours), lab.nonce())).unwrap()
}

#[test]
fn a_repair_makes_plain_copies_anew_and_says_so() {
    let (lab, resources) = stored();
    for damage in [
        &|lab: &Lab| lab.referee.tamper("latest/a", "other") as (),
        &|lab: &Lab| lab.referee.tamper_delete("latest/a"),
        &|lab: &Lab| lab.referee.tamper("latest/a.sig", "other"),
        &|lab: &Lab| lab.referee.tamper_delete("latest/a.sig"),
    ] as [&dyn Fn(&Lab); 4]
    {
        damage(&lab);
        let report = repaired(&lab, &resources, 1);
        let decision = expect(&report, "a", Outcome::Unchanged, Reason::CopyRestored);
        assert!(decision.digest.is_some() && report.is_good(), "{report:?}");
        lab.assert_published();
        let stored = block_on(lab.sound_bucket().report(report.run)).unwrap();
        assert_eq!((stored.decisions, stored.store_requests), (report.decisions, report.store_requests));
        expect(&audited(&lab, &resources), "a", Outcome::Unchanged, Reason::AuditPassed);
    }
    // Where there is nothing to mend it writes nothing.
    let before = lab.referee.objects("");
    expect(&repaired(&lab, &resources, 2), "a", Outcome::Unchanged, Reason::AuditPassed);
    assert_eq!(lab.referee.objects(""), before);
}

#[test]
fn a_repair_takes_away_the_copy_of_what_is_withheld() {
    let (lab, mut resources) = stored();
    let mut rules = (*resources[0].rules).clone();
    rules.policy.max_stale = Some(hours(2));
    resources[0].rules = Arc::new(rules);
    lab.origin.down(&Lab::url("a"));
    expect(&lab.sync(&resources, 5), "a", Outcome::Withheld, Reason::ConnectionRefused);
    lab.referee.tamper("latest/a", "one");
    expect(&lab.audit(&resources, 5), "a", Outcome::Kept, Reason::PublishedChanged);
    expect(&repaired(&lab, &resources, 5), "a", Outcome::Withheld, Reason::CopyRestored);
    lab.assert_published();
}

#[test]
fn a_repair_leaves_what_it_cannot_vouch_for() {
    let (lab, resources) = stored();
    lab.referee.tamper("latest/stranger", "planted");
    let report = repaired(&lab, &resources, 1);
    expect(&report, "stranger", Outcome::Refused, Reason::PublishedChanged);
    assert_eq!(lab.referee.objects("latest/stranger").len(), 1, "it may be somebody's");

    // Both are damaged: the version is no word about what belongs below latest/.
    let key = lab.referee.objects("versions/").keys().next().unwrap().clone();
    lab.referee.tamper(&key, "two");
    lab.referee.tamper("latest/a", "three");
    let before = lab.referee.objects("latest/");
    expect(&repaired(&lab, &resources, 2), "a", Outcome::Refused, Reason::ObjectChanged);
    assert_eq!(lab.referee.objects("latest/"), before);
}

#[test]
fn each_request_of_a_repair_fails_once_and_the_next_one_mends() {
    for how in How::ALL {
        for number in 0.. {
            let (lab, resources) = stored();
            lab.referee.tamper("latest/a", "other");
            lab.referee.tamper_delete("latest/a.sig");
            lab.faulty.rearm();
            lab.faulty.fail(number, how);
            let auditor = lab.auditor_on(lab.bucket()).with_repairs(Repairs::Copies);
            let disturbed = block_on(auditor.audit(&resources, at(1), 9));
            let over = lab.faulty.seen().len() <= number;
            if let Ok(report) = &disturbed
                && report.decisions[0].reason == Reason::CopyRestored
            {
                lab.assert_published();
            }
            lab.faulty.rearm();
            // Perhaps all of it was done but the last word.
            let report = repaired(&lab, &resources, 2);
            let reason = report.decisions[0].reason;
            assert!(matches!(reason, Reason::CopyRestored | Reason::AuditPassed), "{how:?} at {number}: {report:?}");
            lab.assert_published();
            if over {
                assert!(number > 5, "{number} requests");
                break;
            }
        }
    }
}

#[test]
fn an_object_that_cannot_be_read_does_not_hide_the_others() {
    let lab = Lab::default();
    for name in ["a", "b"] {
        lab.publish(name, name);
    }
    let resources = [lab.resource("a"), lab.resource("b")];
    lab.sync(&resources, 0);
    lab.faulty.rearm();
    let audit = || block_on(lab.auditor_on(lab.bucket()).audit(&resources, at(1), 1)).unwrap();
    audit();
    let read = lab.faulty.seen().iter().position(|request| request.starts_with("get versions/a/")).unwrap();
    lab.faulty.fail(read, How::NotWritten);
    let report = audit();
    expect(&report, "a", Outcome::Refused, Reason::ObjectUnreadable);
    expect(&report, "b", Outcome::Unchanged, Reason::AuditPassed);
    assert!(report.store_failure.is_some());
}

#[test]
fn planted_files_that_no_resource_can_have_are_named_too() {
    let (lab, resources) = stored();
    lab.referee.tamper("latest/.index.html", "evil");
    lab.referee.tamper("latest/a b", "evil");
    let report = audited(&lab, &resources);
    let decision = expect(&report, "latest", Outcome::Refused, Reason::PublishedChanged);
    assert!(decision.found.as_deref().is_some_and(|found| found.starts_with("2 objects")), "{decision}");
}

#[test]
fn the_same_bytes_from_another_place_are_not_stored_again() {
    let (lab, resources) = stored();
    let elsewhere = "https://b.example/a";
    lab.origin.serve(elsewhere, "one");
    lab.origin.serve(&format!("{elsewhere}.sig"), lab.sign(b"one"));
    let moved = Resource::new(resources[0].name.clone(), [elsewhere.parse().unwrap()], resources[0].rules.clone());
    expect(&lab.sync(&[moved], 1), "a", Outcome::Unchanged, Reason::SameBytes);
    assert_eq!(lab.referee.objects("versions/").len(), 1);
}

#[test]
fn a_store_as_source_tells_absence_from_failure() {
    let inner = Arc::new(InMemory::new());
    block_on(inner.put(&Path::from("a"), "one".into())).unwrap();
    let faulty = Arc::new(Faulty::new(inner));
    let fetcher = ObjectFetcher::new(faulty.clone(), "memory:///".parse().unwrap());
    let (limits, access) = (Limits::default(), Arc::new(Access::default()));
    let fetch = |url: &str| {
        let url = url.parse().unwrap();
        block_on(fetcher.fetch(FetchRequest::new(&url, &limits, &access, at(0)))).map(|_| ())
    };
    assert!(fetch("memory:///a").is_ok());
    let missing = fetch("memory:///b").unwrap_err();
    assert_eq!((missing.failure().reason, missing.is_absence()), (Reason::SourceMissing, true));
    faulty.fail(0, How::NotWritten);
    let failed = fetch("memory:///a").unwrap_err();
    assert_eq!((failed.failure().reason, failed.is_absence()), (Reason::SourceFailed, false));
}
