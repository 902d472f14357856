//! A run that has only so much time.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{sync::Arc, time::Duration};

use sigcache_core::{
    Outcome, Reason, Report, Resource,
    conformance::{Lab, TestRuntime, at, block_on, expect},
    run::{Runner, Selection},
    runtime::Runtime as _,
};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn sync(lab: &Lab, resources: &[Resource], hours: i64) -> Report {
    let runtime = Arc::new(TestRuntime::default());
    let runner = Runner::new(lab.origin.clone(), lab.bucket(), runtime.clone())
        .with_concurrency(1, 1)
        .with_time_limit(Duration::from_secs(20));
    let report = block_on(runner.sync(resources, &Selection::All, at(hours), lab.nonce())).unwrap();
    assert!(runtime.elapsed() <= Duration::from_secs(20), "{:?}", runtime.elapsed());
    report
}

fn published() -> (Lab, Vec<Resource>) {
    let lab = Lab::default();
    for name in NAMES {
        lab.publish(name, format!("document {name}"));
    }
    let resources = NAMES.map(|name| lab.resource(name)).to_vec();
    (lab, resources)
}

#[test]
fn what_is_through_is_committed_and_the_rest_is_told() {
    let (lab, resources) = published();
    lab.origin.stall(&Lab::url("b"), "half a document");

    let report = sync(&lab, &resources, 0);

    expect(&report, "a", Outcome::Stored, Reason::FirstVersion);
    let decision = expect(&report, "b", Outcome::Refused, Reason::NotReached);
    assert_eq!(decision.expected.as_deref(), Some("to be through within the 20 seconds of this run"));
    expect(&report, "c", Outcome::Refused, Reason::NotReached);
    expect(&report, "d", Outcome::Refused, Reason::NotReached);
    assert_eq!(report.sequence, Some(1));
    lab.assert_readable(&resources[..1], 0);
    // Half a document is nowhere, and of the others nothing was asked.
    let state = lab.state();
    assert_eq!(state.latest.keys().collect::<Vec<_>>(), ["latest/a", "latest/a.sig"]);
    assert!(!lab.origin.log().iter().any(|url| url.starts_with(&Lab::url("c")) || url.starts_with(&Lab::url("d"))));
}

#[test]
fn the_next_run_begins_with_what_was_left_out() {
    let (lab, resources) = published();
    lab.origin.stall(&Lab::url("a"), "half a document");
    let report = sync(&lab, &resources, 0);
    assert!(report.decisions.iter().all(|decision| decision.reason == Reason::NotReached), "{report:?}");

    lab.publish("a", "document a");
    lab.origin.stall(&Lab::url("c"), "half a document");
    let report = sync(&lab, &resources, 1);
    expect(&report, "a", Outcome::Stored, Reason::FirstVersion);
    expect(&report, "b", Outcome::Stored, Reason::FirstVersion);
    expect(&report, "c", Outcome::Refused, Reason::NotReached);

    lab.publish("c", "document c");
    let before = lab.origin.requests();
    let report = sync(&lab, &resources, 2);
    expect(&report, "c", Outcome::Stored, Reason::FirstVersion);
    expect(&report, "d", Outcome::Stored, Reason::FirstVersion);
    let asked: Vec<String> = lab.origin.log()[before..].to_vec();
    let first = |name: &str| asked.iter().position(|url| url.starts_with(&Lab::url(name))).unwrap();
    assert!(first("c") < first("d") && first("d") < first("a") && first("a") < first("b"), "{asked:?}");
}

#[test]
fn a_copy_that_was_not_reached_stays() {
    let (lab, resources) = published();
    sync(&lab, &resources, 0);
    lab.origin.stall(&Lab::url("a"), "half a document");

    let report = sync(&lab, &resources, 1);

    for name in NAMES {
        let decision = expect(&report, name, Outcome::Kept, Reason::NotReached);
        assert!(decision.digest.is_some(), "{decision}");
    }
    lab.assert_readable(&resources, 1);
    lab.assert_published();
}
