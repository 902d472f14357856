//! The contract suites on our own implementations, and how many requests a run makes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use bytes::Bytes;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutMode, memory::InMemory, path::Path};
use sigcache_core::{
    Name, Outcome, Reason, Resource,
    conformance::{
        Lab, Origin, Referee, Signer, at, block_on, expect,
        fetcher::{Places, fetcher_contract},
        store::store_contract,
        verifier::{Strict, Vector, verifier_contract},
    },
    fetch::Access,
    store::{Bucket, open_disk},
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
