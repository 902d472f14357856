//! Another number of shards: nothing that was known is lost, whatever fails.

#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{collections::BTreeMap, sync::Arc};

use sigcache_core::{
    Digest, Mark, Name, Reason, Report, Resource, Rules, RunId,
    audit::Auditor,
    conformance::{How, Lab, TestRuntime, at, block_on},
    run::{Runner, Selection},
    store::{Bucket, Keep, Resharded, Shard, Store as _, StoreError, Sweep},
    verify::{Claims, Detached, Pointer},
};

const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h/i", "h/j"];

struct World {
    lab: Lab,
    resources: Vec<Resource>,
}

impl World {
    /// A store in so many shards, with nine documents that say their version.
    fn new(shards: u32) -> Self {
        let lab = Lab::default();
        let mut claims = Claims::default();
        claims.version = Some(Pointer::new("/version").unwrap());
        let rules = || Rules::new(Arc::new(Detached::new(".sig").with_claims(claims.clone())), lab.signer.trust());
        let resources = NAMES.map(|name| lab.resource_with(name, rules())).to_vec();
        let world = Self { lab, resources };
        NAMES.iter().for_each(|name| world.publish(name, 5));
        world.sync(shards, 0);
        world
    }

    fn publish(&self, name: &str, version: u64) {
        self.lab.publish(name, format!("{{\"name\":\"{name}\",\"version\":{version}}}"));
    }

    fn bucket(&self, shard: Shard) -> Bucket {
        Bucket::new(self.lab.faulty.clone()).with_shard(shard)
    }

    fn runner(&self, shard: Shard) -> Runner {
        self.lab.runner_on(Arc::new(self.bucket(shard))).with_shard(shard)
    }

    /// A run of every shard.
    fn sync(&self, shards: u32, hours: i64) -> Vec<Report> {
        let run = |shard| {
            let nonce = self.lab.nonce();
            block_on(self.runner(shard).sync(&self.resources, &Selection::All, at(hours), nonce)).unwrap()
        };
        let reports: Vec<Report> = Shard::all(shards).unwrap().map(run).collect();
        assert!(reports.iter().all(Report::is_good), "{reports:?}");
        reports
    }

    fn try_reshard(&self, to: u32, hours: i64) -> Result<Resharded, StoreError> {
        let run = RunId::new(at(hours), self.lab.nonce());
        block_on(self.bucket(Shard::WHOLE).reshard(to, run, at(hours)))
    }

    fn reshard(&self, to: u32, hours: i64) -> Resharded {
        self.try_reshard(to, hours).unwrap()
    }

    /// What all catalogs together know: where each copy lies, and its mark.
    fn known(&self) -> BTreeMap<Name, (String, Option<Mark>, Option<Digest>)> {
        let mut known = BTreeMap::new();
        for shard in block_on(self.bucket(Shard::WHOLE).shards()).unwrap() {
            let catalog = block_on(self.bucket(shard).catalog()).unwrap();
            for (name, entry) in catalog.entries() {
                assert!(shard.holds(name), "{name} in {shard}");
                let receipt = entry.receipt.as_ref().unwrap();
                let version = receipt.version.to_string();
                known.insert(name.clone(), (version, entry.mark, Some(receipt.evidence.digest)));
            }
        }
        known
    }

    fn shards(&self) -> Vec<u32> {
        let mut counts: Vec<u32> =
            block_on(self.bucket(Shard::WHOLE).shards()).unwrap().iter().map(|shard| shard.count()).collect();
        counts.dedup();
        counts
    }

    fn assert_in_order(&self, shards: u32, hours: i64) {
        for shard in Shard::all(shards).unwrap() {
            let auditor = Auditor::new(Arc::new(self.bucket(shard)), Arc::new(TestRuntime::default()));
            let report = block_on(auditor.audit(&self.resources, at(hours), 7)).unwrap();
            assert!(report.is_good(), "{report:?}");
        }
    }
}

#[test]
fn every_number_of_shards_knows_the_same() {
    let world = World::new(1);
    let known = world.known();
    assert_eq!(known.len(), NAMES.len());
    let mut from = 1;
    for (round, to) in [3, 2, 7, 1, 4].into_iter().enumerate() {
        let hours = round as i64 + 1;
        let resharded = world.reshard(to, hours);
        assert_eq!((resharded.from, resharded.to, resharded.resources), (vec![from], to, NAMES.len()));
        assert_eq!(world.shards(), [to]);
        assert_eq!(world.known(), known);
        world.assert_in_order(to, hours);
        // Nothing is fetched again, and nothing is copied again.
        world.lab.faulty.rearm();
        for report in world.sync(to, hours) {
            assert_eq!(report.totals.unchanged as usize, report.decisions.len(), "{report:?}");
        }
        let seen = world.lab.faulty.seen();
        assert!(!seen.iter().any(|request| request.contains("latest/")), "{seen:?}");
        // The same again does nothing.
        let again = world.reshard(to, hours);
        assert_eq!((again.from, again.resources), (vec![to], NAMES.len()));
        assert_eq!(world.known(), known);
        from = to;
    }
}

#[test]
fn attack_rollback_marks_outlive_another_number_of_shards() {
    let world = World::new(2);
    world.reshard(3, 1);
    world.publish("a", 4);
    let reports = Shard::all(3).unwrap().map(|shard| {
        block_on(world.runner(shard).sync(&world.resources, &Selection::All, at(2), world.lab.nonce())).unwrap()
    });
    let decisions: Vec<_> = reports.flat_map(|report| report.decisions).collect();
    let refused = decisions.iter().find(|decision| decision.resource.as_str() == "a").unwrap();
    assert_eq!(refused.reason, Reason::OlderVersion);
}

#[test]
fn what_was_not_published_yet_is_published_by_the_next_run() {
    let world = World::new(2);
    NAMES.iter().for_each(|name| world.publish(name, 6));
    let shard: Shard = "1/2".parse().unwrap();
    // The run of this shard is cut off at its first plain copy.
    world.lab.faulty.rearm();
    let run = || block_on(world.runner(shard).sync(&world.resources, &Selection::All, at(1), 77));
    let copy = {
        let twin = World::new(2);
        NAMES.iter().for_each(|name| twin.publish(name, 6));
        twin.lab.faulty.rearm();
        block_on(twin.runner(shard).sync(&twin.resources, &Selection::All, at(1), 77)).unwrap();
        twin.lab.faulty.seen().iter().position(|request| request.starts_with("copy")).unwrap()
    };
    world.lab.faulty.fail(copy, How::CrashBefore);
    let _ = run();
    world.lab.faulty.rearm();
    world.reshard(3, 2);
    world.sync(3, 3);
    world.assert_in_order(3, 3);
}

#[test]
fn each_request_fails_once_and_the_same_command_again_finishes_it() {
    for how in How::ALL {
        for number in 0.. {
            let world = World::new(2);
            let known = world.known();
            world.lab.faulty.rearm();
            world.lab.faulty.fail(number, how);
            let disturbed = world.try_reshard(3, 1);
            let over = world.lab.faulty.seen().len() <= number;
            world.lab.faulty.rearm();
            if disturbed.is_ok() {
                assert_eq!(world.shards(), [3], "{how:?} at {number}");
            }
            // Or back, for who changed his mind.
            let to = if number % 3 == 2 { 2 } else { 3 };
            let done = world.reshard(to, 2);
            assert_eq!(done.resources, NAMES.len(), "{how:?} at {number}");
            assert_eq!((world.shards(), world.known()), (vec![to], known), "{how:?} at {number}");
            world.assert_in_order(to, 2);
            world.lab.referee.assert_clean();
            if over {
                break;
            }
        }
    }
}

#[test]
fn what_a_run_commits_that_was_not_stopped_is_taken_over_by_the_same_command() {
    let world = World::new(1);
    // A catalog of the old division that appears beside the new one, as such a run leaves it.
    world.publish("a", 6);
    let before = world.lab.referee.objects("catalog/");
    world.sync(1, 1);
    let after = world.lab.referee.objects("catalog/");
    world.reshard(3, 2);
    for (key, bytes) in after.iter().filter(|(key, bytes)| before.get(*key) != Some(bytes)) {
        world.lab.referee.tamper(key, bytes.clone());
    }
    assert_eq!(world.shards(), [1, 3]);
    let done = world.reshard(3, 3);
    assert_eq!((done.from, done.resources), (vec![1, 3], NAMES.len()));
    assert_eq!(world.shards(), [3]);
    assert_eq!(world.known()[&Name::new("a").unwrap()].1, Some(Mark::Sequence(6)));
    world.sync(3, 4);
    world.assert_in_order(3, 4);
}

#[test]
fn every_shard_gets_a_copy_of_an_anchor_and_gc_leaves_them() {
    let lab = Lab::default();
    let anchor = lab.resource_with("anchor", lab.rules().as_anchor());
    lab.publish("anchor", r#"{"keys":[]}"#);
    let world = World { lab, resources: vec![anchor] };
    world.sync(2, 0);
    world.reshard(3, 1);
    for shard in Shard::all(3).unwrap() {
        let catalog = block_on(world.bucket(shard).catalog()).unwrap();
        assert!(catalog.get(&world.resources[0].name).unwrap().live().is_some(), "{shard}");
    }
    world.lab.publish("anchor", r#"{"keys":[ ]}"#);
    world.sync(3, 2);
    let mut keep = Keep::default();
    keep.snapshots = 1;
    for shard in Shard::all(3).unwrap() {
        world.sync(3, 60);
        block_on(world.bucket(shard).gc(&keep, at(100), Sweep::Delete)).unwrap();
    }
    world.assert_in_order(3, 100);
}

#[test]
fn a_number_that_is_none_takes_nothing_away() {
    let world = World::new(2);
    let known = world.known();
    for to in [0, 10_000] {
        assert!(matches!(world.try_reshard(to, 1), Err(StoreError::ShardCount { .. })));
    }
    assert_eq!((world.known(), world.shards()), (known, vec![2]));
}
