//! A second run happens whole in the middle of the first, before each of its requests to the store in turn.
//!
//! Whatever the moment: no rule of the layout is broken, nothing of either run is lost, and the plain copies end as the
//! catalog says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use sigcache_core::{
    Name, Outcome, Reason, Report, Resource, Standing,
    conformance::{How, Lab, TestRuntime, at, block_on, expect},
    run::{Runner, Selection},
    runtime::Runtime,
    store::{Bucket, Catalog},
    verify::{Claims, Detached, Pointer},
};

/// A lab with the versions of `published` already stored, for documents that carry their version.
fn lab_with(published: &[(&str, u64)]) -> Lab {
    let lab = Lab::default();
    for (name, version) in published {
        publish(&lab, name, *version);
    }
    let resources: Vec<Resource> = published.iter().map(|(name, _)| versioned(&lab, name)).collect();
    if !resources.is_empty() {
        lab.sync(&resources, 0);
    }
    lab
}

fn publish(lab: &Lab, name: &str, version: u64) {
    lab.publish(name, format!(r#"{{"name":"{name}","version":{version}}}"#));
}

fn versioned(lab: &Lab, name: &str) -> Resource {
    versioned_in(lab, name, None)
}

fn versioned_in(lab: &Lab, name: &str, set: Option<&str>) -> Resource {
    let mut claims = Claims::default();
    claims.version = Some(Pointer::new("/version").unwrap());
    let mut rules = lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_claims(claims));
    rules.policy.set = set.map(Into::into);
    lab.resource_with(name, rules)
}

/// A run that does not wait for anything outside, over the way to the store that cannot fail.
async fn second_run(runner: Runner, resources: Vec<Resource>, selection: Selection, nonce: u64) {
    runner.sync(&resources, &selection, at(1), nonce).await.unwrap();
}

fn only(names: &[&str]) -> Selection {
    Selection::Only(names.iter().map(|name| Name::new(name).unwrap()).collect())
}

fn version_of(catalog: &Catalog, name: &str) -> Option<String> {
    let entry = catalog.get(&Name::new(name).unwrap())?;
    entry.live()?.evidence.mark.map(|mark| mark.to_string())
}

/// Calls `round` with 0, 1, 2 … until it says that the first run made fewer requests than that.
fn at_every_request(mut round: impl FnMut(usize) -> bool) {
    let requests = (0..).find(|number| !round(*number)).unwrap();
    assert!(requests >= 4, "only {requests} requests");
}

/// Whether the first run made a request of this number, so that the second came before it.
fn reached(lab: &Lab, number: usize) -> bool {
    lab.referee.assert_clean();
    lab.faulty.seen().len() > number
}

#[test]
fn two_first_runs_over_different_resources() {
    at_every_request(|number| {
        let lab = lab_with(&[]);
        publish(&lab, "a", 1);
        publish(&lab, "b", 1);
        let both = vec![versioned(&lab, "a"), versioned(&lab, "b")];
        let other = second_run(lab.runner_on(lab.sound_bucket()), both.clone(), only(&["b"]), lab.nonce());
        lab.faulty.meanwhile(number, other);
        let report = block_on(lab.runner().sync(&both, &only(&["a"]), at(1), lab.nonce())).unwrap();
        expect(&report, "a", Outcome::Stored, Reason::FirstVersion);
        if reached(&lab, number) {
            assert_eq!(lab.catalog().entries().filter(|(_, entry)| entry.live().is_some()).count(), 2);
            assert_eq!(lab.catalog().sequence(), 2);
        }
        lab.assert_published();
        lab.assert_readable(&both, 1);
        reached(&lab, number)
    });
}

#[test]
fn two_runs_over_the_same_resource_find_the_same() {
    at_every_request(|number| {
        let lab = lab_with(&[("a", 1)]);
        publish(&lab, "a", 2);
        let resources = vec![versioned(&lab, "a")];
        let other = second_run(lab.runner_on(lab.sound_bucket()), resources.clone(), Selection::All, lab.nonce());
        lab.faulty.meanwhile(number, other);
        let report = lab.sync(&resources, 1);
        assert!(report.is_good(), "{number}: {}", report.decisions[0]);
        assert_eq!(version_of(&lab.catalog(), "a").as_deref(), Some("version 2"));
        lab.assert_published();
        lab.assert_readable(&resources, 1);
        reached(&lab, number)
    });
}

/// The first run has fetched version 2; version 3 appears, and the second run stores it.
fn newer_version_overtakes(number: usize) -> (Lab, Report) {
    let lab = lab_with(&[("a", 1)]);
    publish(&lab, "a", 2);
    let resources = vec![versioned(&lab, "a")];
    let document = r#"{"name":"a","version":3}"#;
    let (origin, signature) = (lab.origin.clone(), lab.sign(document.as_bytes()));
    let other = second_run(lab.runner_on(lab.sound_bucket()), resources.clone(), Selection::All, lab.nonce());
    lab.faulty.meanwhile(number, async move {
        origin.serve(&Lab::url("a"), document);
        origin.serve(&(Lab::url("a") + ".sig"), signature);
        other.await;
    });
    let report = lab.sync(&resources, 1);
    (lab, report)
}

#[test]
fn the_newer_version_wins_whoever_commits_first() {
    let mut overtaken = 0;
    at_every_request(|number| {
        let (lab, report) = newer_version_overtakes(number);
        let expected = if reached(&lab, number) { "version 3" } else { "version 2" };
        assert_eq!(version_of(&lab.catalog(), "a").as_deref(), Some(expected), "{number}");
        if report.decisions[0].reason == Reason::OvertakenByOtherRun {
            expect(&report, "a", Outcome::Kept, Reason::OvertakenByOtherRun);
            overtaken += 1;
        }
        lab.assert_published();
        reached(&lab, number)
    });
    assert!(overtaken > 0, "the second run never came between");
}

/// The first run finds the second version of `a` beside the first of `b`, and the second run the other way round. Taken one
/// by one, the newer of each would be a pair that nobody has seen.
#[test]
fn attack_mix_and_match_by_two_runs_at_once() {
    let mut overtaken = 0;
    at_every_request(|number| {
        let lab = lab_with(&[("a", 1), ("b", 1)]);
        publish(&lab, "a", 2);
        let resources = ["a", "b"].map(|name| versioned_in(&lab, name, Some("pair"))).to_vec();
        let other = second_run(lab.runner_on(lab.sound_bucket()), resources.clone(), Selection::All, lab.nonce());
        let origin = lab.origin.clone();
        let signed = |(name, version): (&'static str, u64)| {
            let document = format!(r#"{{"name":"{name}","version":{version}}}"#);
            (name, lab.sign(document.as_bytes()), document)
        };
        let [turned, back] = [[("a", 1), ("b", 2)], [("a", 2), ("b", 1)]].map(|pair| pair.map(signed));
        let serve = move |pair: [(&str, Bytes, String); 2]| {
            for (name, signature, document) in pair {
                origin.serve(&Lab::url(name), document);
                origin.serve(&(Lab::url(name) + ".sig"), signature);
            }
        };
        lab.faulty.meanwhile(number, async move {
            serve(turned);
            other.await;
            serve(back);
        });
        let report = lab.sync(&resources, 1);
        let pair = ["a", "b"].map(|name| version_of(&lab.catalog(), name).unwrap());
        let found = [["version 2", "version 1"], ["version 1", "version 2"]];
        assert!(found.iter().any(|found| pair == *found), "{number}: {pair:?}");
        if report.decisions[0].reason == Reason::OvertakenByOtherRun {
            expect(&report, "a", Outcome::Kept, Reason::OvertakenByOtherRun);
            overtaken += 1;
        }
        let came = reached(&lab, number);
        if came {
            // The next run takes what is there then.
            publish(&lab, "a", 3);
            publish(&lab, "b", 3);
            assert!(lab.sync(&resources, 2).is_good());
            assert_eq!(["a", "b"].map(|name| version_of(&lab.catalog(), name).unwrap()), ["version 3", "version 3"]);
            lab.assert_published();
        }
        came
    });
    assert!(overtaken > 0, "the second run never came between");
}

#[test]
fn a_slow_run_that_breaks_off_while_it_publishes() {
    // The slow run has committed version 2; the fast one commits and publishes version 3; the slow one puts version 2
    // over it and ends there, before it could look what is newest. The next run must mend the plain copy.
    let mut mended = 0;
    at_every_request(|number| {
        for how in [How::CrashBefore, How::CrashAfter] {
            for steps in 0..6 {
                let lab = lab_with(&[("a", 1)]);
                publish(&lab, "a", 2);
                let resources = vec![versioned(&lab, "a")];
                let document = r#"{"name":"a","version":3}"#;
                let (origin, signature) = (lab.origin.clone(), lab.sign(document.as_bytes()));
                let other =
                    second_run(lab.runner_on(lab.sound_bucket()), resources.clone(), Selection::All, lab.nonce());
                let outer = Arc::new(sigcache_core::conformance::Faulty::new(lab.faulty.clone()));
                outer.meanwhile(number, async move {
                    origin.serve(&Lab::url("a"), document);
                    origin.serve(&(Lab::url("a") + ".sig"), signature);
                    other.await;
                });
                lab.faulty.fail(number + steps, how);
                let runner = lab.runner_on(Arc::new(Bucket::new(outer.clone())));
                // Whatever becomes of it.
                let _ = block_on(runner.sync(&resources, &Selection::All, at(1), lab.nonce()));
                lab.faulty.rearm();
                if outer.seen().len() <= number {
                    return false;
                }
                let latest = lab.referee.objects("latest/a").remove("latest/a");
                let behind = latest.as_deref() != Some(document.as_bytes());
                // So late that the mark of the slow run goes with it.
                lab.sync(&resources, 10);
                assert_eq!(version_of(&lab.catalog(), "a").as_deref(), Some("version 3"), "{number} {how:?} {steps}");
                lab.assert_published();
                mended += u32::from(behind);
                // Nothing is left that would make later runs do it again.
                let requests = lab.faulty.seen().len();
                lab.faulty.rearm();
                lab.sync(&resources, 11);
                assert_eq!(lab.faulty.seen().len(), 4, "{number} {how:?} {steps}, after {requests}");
            }
        }
        true
    });
    assert!(mended > 0, "no plain copy was ever behind");
}

#[test]
fn an_update_and_a_removal() {
    at_every_request(|number| {
        let lab = lab_with(&[("a", 1), ("b", 1), ("c", 1)]);
        publish(&lab, "a", 2);
        let all: Vec<Resource> = ["a", "b", "c"].iter().map(|name| versioned(&lab, name)).collect();
        let other = second_run(lab.runner_on(lab.sound_bucket()), all[..2].to_vec(), Selection::All, lab.nonce());
        lab.faulty.meanwhile(number, other);
        lab.sync(&all[..2], 1);
        let catalog = lab.catalog();
        assert_eq!(version_of(&catalog, "a").as_deref(), Some("version 2"));
        assert_eq!(version_of(&catalog, "b").as_deref(), Some("version 1"));
        assert_eq!(catalog.get(&Name::new("c").unwrap()).map(|entry| entry.standing), Some(Standing::Removed));
        lab.assert_published();
        reached(&lab, number)
    });
}

#[test]
fn a_permit_in_the_middle_of_a_run() {
    at_every_request(|number| {
        let lab = lab_with(&[("a", 5)]);
        publish(&lab, "a", 4);
        let resources = vec![versioned(&lab, "a")];
        let (runner, nonce, name) = (lab.runner_on(lab.sound_bucket()), lab.nonce(), Name::new("a").unwrap());
        lab.faulty.meanwhile(number, async move {
            runner.allow_rollback(&name, "they went back", at(1), nonce).await.unwrap();
        });
        lab.sync(&resources, 1);
        let reached = reached(&lab, number);
        // Otherwise the permit would come in the middle of the next run.
        lab.faulty.rearm();
        lab.sync(&resources, 2);
        let expected = if reached { "version 4" } else { "version 5" };
        assert_eq!(version_of(&lab.catalog(), "a").as_deref(), Some(expected), "{number}");
        lab.assert_published();
        if reached {
            // The permit served once: from here on version 4 guards.
            publish(&lab, "a", 3);
            expect(&lab.sync(&resources, 3), "a", Outcome::Kept, Reason::OlderVersion);
        }
        reached
    });
}

#[test]
fn the_create_of_a_snapshot_fails_while_another_run_commits() {
    // Both at once: the second run commits before our create, and our create's answer is lost in every way.
    for how in How::ALL {
        let lab = lab_with(&[("a", 1)]);
        publish(&lab, "a", 2);
        publish(&lab, "b", 1);
        let both = vec![versioned(&lab, "a"), versioned(&lab, "b")];
        lab.faulty.rearm();
        let probe = lab_with(&[("a", 1)]);
        publish(&probe, "a", 2);
        probe.faulty.rearm();
        probe.sync(&both[..1], 1);
        let create = probe.faulty.seen().iter().position(|request| request.starts_with("create catalog/")).unwrap();
        let other = second_run(lab.runner_on(lab.sound_bucket()), both.clone(), only(&["b"]), lab.nonce());
        let outer = Arc::new(sigcache_core::conformance::Faulty::new(lab.faulty.clone()));
        outer.meanwhile(create, other);
        lab.faulty.fail(create, how);
        let runner = lab.runner_on(Arc::new(Bucket::new(outer)));
        let report = block_on(runner.sync(&both, &only(&["a"]), at(1), lab.nonce())).unwrap();
        lab.faulty.rearm();
        assert_eq!(version_of(&lab.catalog(), "b").as_deref(), Some("version 1"), "{how:?}");
        if report.is_good() {
            assert_eq!(version_of(&lab.catalog(), "a").as_deref(), Some("version 2"), "{how:?}");
        }
        lab.sync(&both, 2);
        assert_eq!(version_of(&lab.catalog(), "a").as_deref(), Some("version 2"), "{how:?}");
        lab.assert_published();
    }
}

/// A process whose clock shows what the test sets.
#[derive(Debug, Default)]
struct Stopped {
    inner: TestRuntime,
    hours: AtomicU64,
}

impl Runtime for Stopped {
    fn elapsed(&self) -> Duration {
        Duration::from_secs(3600 * self.hours.load(Ordering::SeqCst))
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(span)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.inner.spawn(task);
    }
}

#[test]
fn a_run_that_was_stopped_for_hours_commits_nothing_more() {
    // Found by the simulation: what it had staged was swept meanwhile, and its snapshot named it all the same.
    at_every_request(|number| {
        for (hours, stored) in [(7, true), (9, false)] {
            let lab = lab_with(&[("a", 1)]);
            publish(&lab, "a", 2);
            let process = Arc::new(Stopped::default());
            let clock = process.clone();
            lab.faulty.rearm();
            lab.faulty.meanwhile(number, async move { clock.hours.store(hours, Ordering::SeqCst) });
            let runner = Runner::new(lab.origin.clone(), lab.bucket(), process);
            let report = block_on(runner.sync(&[versioned(&lab, "a")], &Selection::All, at(1), lab.nonce())).unwrap();
            let create = lab.faulty.seen().iter().position(|request| request.starts_with("create catalog/"));
            if create.is_none_or(|create| number < create) && lab.faulty.seen().len() > number && !stored {
                assert_eq!(create, None, "stopped before request {number}");
                expect(&report, "a", Outcome::Kept, Reason::CommitFailed);
                assert!(report.store_failure.as_ref().unwrap().contains("longer than 8 hours"), "{report:?}");
                assert_eq!(version_of(&lab.catalog(), "a").as_deref(), Some("version 1"));
            } else {
                assert_eq!(version_of(&lab.catalog(), "a").as_deref(), Some("version 2"));
            }
            if !reached(&lab, number) {
                return false;
            }
        }
        true
    });
}
