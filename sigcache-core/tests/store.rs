//! The contract suites on our own implementations, and how many requests a run makes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, memory::InMemory, path::Path};
use sigcache_core::{
    Error, Name, Outcome, Reason, Report, Resource,
    conformance::{
        How, Lab, Origin, Referee, Signer, at, block_on, expect,
        fetcher::{Places, fetcher_contract},
        store::store_contract,
        verifier::{Strict, Vector, verifier_contract},
    },
    fetch::Access,
    run::Selection,
    store::{Bucket, Collected, Keep, Publish, Shard, StoreError, Sweep, open_disk},
    verify::Detached,
};

const PART: usize = 1024;

#[test]
fn the_contract_in_memory() {
    store_contract(PART, || Arc::new(Bucket::new(Arc::new(InMemory::new())).with_part_size(PART)));
}

#[test]
fn the_contract_below_a_root() {
    let make = || Bucket::new(Arc::new(InMemory::new())).with_root(Path::from("some/where")).with_part_size(PART);
    store_contract(PART, || Arc::new(make()));
}

#[test]
fn the_contract_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    store_contract(PART, || {
        count.set(count.get() + 1);
        let path = folder.path().join(count.get().to_string());
        Arc::new(open_disk(path).unwrap().with_part_size(PART))
    });
}

#[test]
fn the_verifier_contract_of_detached_signatures() {
    let signer = Signer::new("release");
    let document = Bytes::from_static(b"a document, short enough to flip each of its bits");
    let der = signer.sign(&document);
    let hexadecimal = Bytes::from(sigcache_core::hex(&der));
    for (file, strict) in [(der, Strict::EveryBit), (hexadecimal, Strict::Document)] {
        let vector = Vector {
            name: Name::new("a").unwrap(),
            document: document.clone(),
            companions: vec![Some(file)],
            trust: signer.trust(),
            foreign: Signer::new("stranger").trust(),
            now: at(0),
        };
        verifier_contract(&Detached::new(".sig"), &vector, strict);
    }
}

#[test]
fn the_fetcher_contract_of_the_scripted_source() {
    let origin = Origin::default();
    origin.serve("https://a.example/a", "some bytes");
    let places = Places {
        document: "https://a.example/a".parse().unwrap(),
        bytes: Bytes::from_static(b"some bytes"),
        missing: "https://a.example/b".parse().unwrap(),
    };
    block_on(fetcher_contract(&origin, &places, Access::default(), at(0)));
}

/// The requests of a run in which nothing changed, by kind.
fn unchanged_run(count: usize) -> Vec<(&'static str, u64)> {
    let lab = Lab::default();
    let names: Vec<String> = (0..count).map(|number| format!("resource-{number}")).collect();
    for name in &names {
        lab.publish(name, name.clone());
    }
    let resources: Vec<Resource> = names.iter().map(|name| lab.resource(name)).collect();
    let report = lab.sync(&resources, 0);
    assert_eq!(report.totals.stored, count as u64);
    let before = lab.referee.requests_by_kind();
    let report = lab.sync(&resources, 1);
    assert_eq!(report.totals.unchanged, count as u64);
    let after = lab.referee.requests_by_kind();
    let made: Vec<_> = after
        .iter()
        .map(|(kind, made)| (*kind, made - before.get(kind).unwrap_or(&0)))
        .filter(|(_, n)| *n > 0)
        .collect();
    // What the report says is what the store saw.
    assert_eq!(report.store_requests, made.iter().map(|(_, made)| made).sum::<u64>());
    lab.assert_published();
    made
}

#[test]
fn a_run_in_which_nothing_changed_makes_four_requests() {
    let expected = vec![("get", 1), ("list", 1), ("put", 2)];
    assert_eq!(unchanged_run(1), expected);
    assert_eq!(unchanged_run(500), expected);
}

#[test]
fn the_store_is_not_asked_for_what_is_refused() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.origin.serve(&Lab::url("a"), "evil");
    expect(&lab.sync(&[lab.resource("a")], 0), "a", Outcome::Refused, Reason::SignatureMismatch);
    assert!(lab.referee.objects("versions/").is_empty());
    assert!(lab.referee.objects("latest/").is_empty());
}

/// Reads, under `shard`, what `gc` would take away ten days later.
fn swept(lab: &Lab, shard: &str) -> Result<Collected, StoreError> {
    let bucket = Bucket::new(lab.referee.clone()).with_shard(shard.parse().unwrap());
    block_on(bucket.gc(&Keep::default(), at(240), Sweep::Delete))
}

#[test]
fn another_number_of_shards_opens_nothing_and_sweeps_nothing() {
    let lab = Lab::default();
    lab.publish("a", "good");
    let resources = [lab.resource("a")];
    let in_shards = |shard: &str| {
        let shard: Shard = shard.parse().unwrap();
        let bucket = Arc::new(Bucket::new(lab.referee.clone()).with_shard(shard));
        block_on(lab.runner_on(bucket).with_shard(shard).sync(&resources, &Selection::All, at(0), lab.nonce()))
    };
    for shard in ["1/2", "2/2"] {
        in_shards(shard).unwrap();
    }
    let before = lab.referee.objects("");
    for shard in ["1/1", "1/3"] {
        assert!(matches!(in_shards(shard).unwrap_err(), Error::Store { source: StoreError::OtherShards { .. }, .. }));
        let error = swept(&lab, shard).unwrap_err();
        assert!(error.to_string().starts_with("this store is kept in 2 shards"), "{error}");
    }
    assert_eq!(lab.referee.objects(""), before);
    for shard in ["1/2", "2/2"] {
        assert!(swept(&lab, shard).unwrap().versions.is_empty());
    }
}

#[test]
fn a_lost_catalog_does_not_make_versions_rubbish() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.sync(&[lab.resource("a")], 0);
    for key in lab.referee.objects("catalog/").into_keys() {
        lab.referee.tamper_delete(&key);
    }
    let swept = swept(&lab, "1/1").unwrap();
    assert_eq!((swept.versions.len(), swept.versions_kept), (0, 1));
}

#[test]
fn a_sweep_leaves_what_a_run_of_today_may_have_staged() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.sync(&[lab.resource("a")], 0);
    lab.referee.tamper(&format!("versions/b/{}-0123456789abcdef", at(0).compact()), "good");
    let mut keep = Keep::default();
    (keep.snapshots, keep.span) = (0, std::time::Duration::ZERO);
    let sweep = |hours| block_on(lab.sound_bucket().gc(&keep, at(hours), Sweep::Delete)).unwrap();
    assert!(sweep(23).versions.is_empty());
    assert_eq!(sweep(25).versions.len(), 1);
    assert_eq!(lab.read(&lab.resource("a"), 25).unwrap(), "good");
}

#[test]
fn a_sweep_leaves_what_was_replaced_a_moment_ago() {
    // Found by the simulation: with a run a day, the version before was swept while readers were at its snapshot.
    let lab = Lab::default();
    let resources = [lab.resource("a")];
    for (hours, document) in [(0, "first"), (30, "second")] {
        lab.publish("a", document);
        lab.sync(&resources, hours);
    }
    let mut keep = Keep::default();
    (keep.snapshots, keep.span) = (1, std::time::Duration::ZERO);
    let sweep = |hours| block_on(lab.sound_bucket().gc(&keep, at(hours), Sweep::Delete)).unwrap();
    let collected = sweep(31);
    assert_eq!((collected.snapshots.len(), collected.versions.len()), (0, 0), "{collected:?}");
    assert_eq!(sweep(55).versions.len(), 1);
}

#[test]
fn a_sweep_leaves_the_mark_of_a_publication_that_nobody_has_mended() {
    let lab = Lab::default();
    let resources = [lab.resource("a")];
    for (hours, document) in [(0, "first"), (1, "second")] {
        lab.publish("a", document);
        lab.sync(&resources, hours);
    }
    // A slow run put its older copy over the newer one, and was cut off.
    lab.referee.tamper("latest/a", "first");
    let mark = format!("catalog/0001-of-0001/000000000001.publishing-{}-0123456789abcdef", at(0).compact());
    lab.referee.tamper(&mark, "");
    assert!(swept(&lab, "1/1").unwrap().snapshots.is_empty());
    lab.sync(&resources, 241);
    lab.assert_published();
    assert!(!lab.referee.objects("catalog/").contains_key(&mark), "it is mended now");
}

#[test]
fn a_store_out_of_order_is_not_taken_for_one_that_honours_conditions() {
    // The second create of the probe fails for a reason of its own: that proves nothing.
    let lab_at_first = || {
        let lab = Lab::default();
        lab.publish("a", "good");
        lab
    };
    let probes = |lab: &Lab| {
        let seen = lab.faulty.seen();
        let probes = seen.iter().enumerate().filter(|(_, request)| request.starts_with("create probe/"));
        probes.map(|(number, _)| number).collect::<Vec<_>>()
    };
    let undisturbed = lab_at_first();
    undisturbed.sync(&[undisturbed.resource("a")], 0);
    let lab = lab_at_first();
    let resources = [lab.resource("a")];
    lab.faulty.fail(probes(&undisturbed)[1], How::NotWritten);
    expect(&lab.sync(&resources, 0), "a", Outcome::Refused, Reason::CommitFailed);
    lab.faulty.rearm();
    expect(&lab.sync(&resources, 1), "a", Outcome::Stored, Reason::FirstVersion);
    assert_eq!(probes(&lab).len(), 2, "it is tried again");
}

#[test]
fn a_name_may_become_a_folder_and_a_folder_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::default();
    for name in ["docs", "docs/a"] {
        lab.publish(name, name.to_owned());
    }
    for (hours, name) in ["docs/a", "docs", "docs/a"].into_iter().enumerate() {
        let bucket = Arc::new(open_disk(folder.path()).unwrap());
        let run = lab.runner_on(bucket).with_removal_limit(1.0);
        let report = block_on(run.sync(&[lab.resource(name)], &Selection::All, at(hours as i64), lab.nonce())).unwrap();
        assert!(report.is_good(), "{:?}", report.decisions);
        assert_eq!(std::fs::read_to_string(folder.path().join("latest").join(name)).unwrap(), name);
    }
}

/// A run over a bucket whose store copies no more than 100 bytes by itself.
fn sync_carrying(lab: &Lab, objects: Arc<dyn ObjectStore>, publish: Publish, hours: i64) -> Report {
    let resources = [lab.resource("large"), lab.resource("small")];
    let bucket = Bucket::new(objects).with_part_size(4096).with_largest_copy(100).with_publish(publish);
    block_on(lab.runner_on(Arc::new(bucket)).sync(&resources, &Selection::All, at(hours), lab.nonce())).unwrap()
}

#[test]
fn what_a_store_does_not_copy_by_itself_passes_through() {
    let lab = Lab::default();
    lab.publish("large", vec![b'x'; 10_000]);
    lab.publish("small", "small");
    assert!(sync_carrying(&lab, lab.referee.clone(), Publish::Copies, 0).is_good());
    lab.assert_published();
    assert_eq!(lab.referee.requests_by_kind().get("copy"), Some(&1), "only the small one");
}

#[test]
fn attack_malicious_bucket_what_passes_through_is_compared() {
    let (lab, memory) = (Lab::default(), Arc::new(InMemory::new()));
    lab.publish("large", vec![b'x'; 10_000]);
    lab.publish("small", "small");
    assert!(sync_carrying(&lab, memory.clone(), Publish::Copies, 0).is_good());
    lab.publish("large", vec![b'y'; 10_000]);
    assert!(sync_carrying(&lab, memory.clone(), Publish::Nothing, 1).is_good());
    // The new version is changed before its plain copy is made.
    let versions = block_on(memory.list(Some(&Path::from("versions/large"))).try_collect::<Vec<_>>()).unwrap();
    let newest = versions.iter().map(|meta| &meta.location).max().unwrap();
    block_on(memory.put(newest, vec![b'z'; 10_000].into())).unwrap();
    let report = sync_carrying(&lab, memory.clone(), Publish::Copies, 2);
    let decision = expect(&report, "large", Outcome::Unchanged, Reason::PublishFailed);
    assert!(decision.found.as_ref().unwrap().contains("not the bytes that were verified"), "{decision}");
    let copy = block_on(async { memory.get(&Path::from("latest/large")).await.unwrap().bytes().await.unwrap() });
    assert_eq!(copy, vec![b'x'; 10_000]);
}

#[test]
fn names_are_keys_as_they_are() {
    let lab = Lab::default();
    let name = "a-b_c+e=f@g.h/AZ09";
    lab.publish(name, "good");
    lab.sync(&[lab.resource(name)], 0);
    assert!(lab.referee.objects("latest/").contains_key(&format!("latest/{name}")));
    assert!(lab.referee.objects("versions/").into_keys().all(|key| key.starts_with(&format!("versions/{name}/"))));
    assert!(Name::new("a~b").is_err(), "stores write ~ as %7E");
}

#[test]
fn a_companion_that_a_new_version_has_not_goes() {
    let lab = Lab::default();
    let mut rules = lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_suffix(".sig2"));
    let resources = [lab.resource_with("a", rules)];
    lab.publish("a", "first");
    lab.origin.serve(&(Lab::url("a") + ".sig2"), lab.sign(b"first"));
    lab.sync(&resources, 0);
    assert_eq!(lab.referee.objects("latest/").len(), 3);
    lab.publish("a", "second");
    lab.origin.status(&(Lab::url("a") + ".sig2"), 404);
    lab.sync(&resources, 1);
    lab.assert_published();
    assert_eq!(lab.referee.objects("latest/").len(), 2);
}

#[test]
fn two_resources_in_one_place_are_refused_before_anything_is_done() {
    let lab = Lab::default();
    lab.publish("a", "good");
    let error = lab.try_sync(&[lab.resource("a"), lab.resource("a.sig")], 0).unwrap_err();
    assert!(matches!(error, Error::Names(_)), "{error}");
    assert_eq!(lab.origin.requests(), 0);
    assert!(lab.referee.objects("").is_empty());
}

fn put(referee: &Referee, key: &str, bytes: &'static [u8]) {
    block_on(referee.put(&Path::from(key), bytes.into())).unwrap();
}

#[test]
#[should_panic(expected = "holds 4 bytes that nobody signed")]
fn the_referee_sees_unsigned_bytes() {
    put(&Referee::default(), "versions/a/1", b"evil");
}

#[test]
#[should_panic(expected = "is immutable and was overwritten")]
fn the_referee_sees_an_overwritten_version() {
    let referee = Referee::default();
    referee.allow(b"one");
    referee.allow(b"two");
    put(&referee, "versions/a/1", b"one");
    put(&referee, "versions/a/1", b"two");
}

#[test]
#[should_panic(expected = "no committed snapshot names")]
fn the_referee_sees_a_plain_copy_ahead_of_the_catalog() {
    let referee = Referee::default();
    referee.allow(b"one");
    put(&referee, "latest/a", b"one");
}

#[test]
#[should_panic(expected = "was not written with a conditional create")]
fn the_referee_sees_an_unconditional_commit() {
    put(&Referee::default(), "catalog/0001-of-0001/000000000001.json.gz", b"");
}

#[test]
#[should_panic(expected = "the next snapshot is number 1")]
fn the_referee_sees_a_skipped_number() {
    let key = Path::from("catalog/0001-of-0001/000000000002.json.gz");
    let _ = block_on(Referee::default().put_opts(&key, "".into(), PutMode::Create.into()));
}

#[test]
#[should_panic(expected = "was deleted while the newest snapshot serves")]
fn the_referee_sees_a_deleted_version() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.sync(&[lab.resource("a")], 0);
    let version = lab.referee.objects("versions/").into_keys().next().unwrap();
    let _ = block_on(lab.referee.delete(&Path::from(version)));
}

#[test]
#[should_panic(expected = "the referee saw")]
fn the_referee_remembers_a_swallowed_panic() {
    let referee = Arc::new(Referee::default());
    let other = referee.clone();
    std::thread::spawn(move || put(&other, "versions/a/1", b"evil")).join().unwrap_err();
    drop(referee);
}
