//! What readers get: parts of documents, and documents out of memory.

#![cfg(all(feature = "conformance", feature = "hot"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::future::join_all;
use sigcache_core::{
    Entry, Outcome, Reason, Resource,
    conformance::{Lab, at, block_on, expect, hours},
    read::{Document, HotSet, ReadError, read},
    store::Store as _,
};

/// A lab with documents of these sizes, each under the name of its size.
fn lab_of(sizes: &[usize]) -> (Lab, Vec<Resource>) {
    let lab = Lab::default();
    for size in sizes {
        lab.publish(&size.to_string(), document(*size));
    }
    let resources: Vec<Resource> = sizes.iter().map(|size| lab.resource(&size.to_string())).collect();
    assert!(lab.sync(&resources, 0).is_good());
    (lab, resources)
}

fn document(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

fn entry(lab: &Lab, resource: &Resource) -> Entry {
    block_on(lab.sound_bucket().catalog()).unwrap().get(&resource.name).unwrap().clone()
}

/// What comes out, and how it ended.
fn part(lab: &Lab, resource: &Resource, range: Range<u64>) -> (Vec<u8>, Result<(), ReadError>) {
    block_on(async {
        let entry = entry(lab, resource);
        let mut reading = read(&*lab.sound_bucket(), resource, &entry, at(1)).await.unwrap().within(range);
        let mut all = Vec::new();
        while let Some(chunk) = reading.next().await {
            match chunk {
                Ok(chunk) => all.extend_from_slice(&chunk),
                Err(error) => return (all, Err(error)),
            }
        }
        (all, Ok(()))
    })
}

#[test]
fn a_part_is_what_stands_there() {
    let (lab, resources) = lab_of(&[10_000]);
    let whole = document(10_000);
    for range in [0..0, 0..1, 0..10_000, 9_999..10_000, 4_095..4_097, 1..9_999, 5_000..5_000] {
        let (found, ended) = part(&lab, &resources[0], range.clone());
        assert!(ended.is_ok());
        assert_eq!(found, whole[range.start as usize..range.end as usize], "{range:?}");
    }
    for (range, expected) in [(9_990..20_000, &whole[9_990..]), (20_000..u64::MAX, &[][..]), (0..u64::MAX, &whole[..])]
    {
        assert_eq!(part(&lab, &resources[0], range).0, expected);
    }
    #[allow(clippy::reversed_empty_ranges, reason = "a caller's mistake")]
    let backwards = 700..500;
    assert_eq!(part(&lab, &resources[0], backwards).0, b"");
}

#[test]
fn attack_malicious_bucket_no_part_of_a_changed_document_is_given_out_whole() {
    let (lab, resources) = lab_of(&[10_000]);
    let key = lab.referee.objects("versions/").keys().next().unwrap().clone();
    // The change is behind the part that is asked for.
    let mut changed = document(10_000);
    changed[9_999] ^= 1;
    lab.referee.tamper(&key, changed);
    for range in [0..10, 0..5_000, 4_000..9_000, 9_999..10_000] {
        let length = range.end - range.start;
        let (found, ended) = part(&lab, &resources[0], range.clone());
        let failure = ended.unwrap_err();
        assert_eq!(failure.failure().unwrap().reason, Reason::ObjectChanged, "{range:?}");
        assert!((found.len() as u64) < length, "{range:?}: all {length} bytes were given out");
    }
}

/// The whole of a document out of a hot set.
fn hot(set: &HotSet, lab: &Lab, resource: &Resource, hours: i64) -> Result<Bytes, ReadError> {
    block_on(async {
        let mut document = set.read(&*lab.bucket(), resource, &entry(lab, resource), at(hours)).await?;
        let mut all = Vec::new();
        while let Some(chunk) = document.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.into())
    })
}

/// How many versions were fetched from the store since the last call.
fn fetched(lab: &Lab) -> usize {
    let count = lab.faulty.seen().iter().filter(|request| request.starts_with("get versions/")).count();
    lab.faulty.rearm();
    count
}

#[test]
fn what_is_hot_is_fetched_once_and_as_long_as_it_is_current() {
    let (lab, resources) = lab_of(&[1_000]);
    let (set, resource) = (HotSet::new(1 << 20), &resources[0]);
    fetched(&lab);
    for _ in 0..3 {
        assert_eq!(hot(&set, &lab, resource, 1).unwrap(), document(1_000));
    }
    assert_eq!(fetched(&lab), 1);
    assert!(set.bytes() >= 1_000);

    lab.publish("1000", "a new version");
    expect(&lab.sync(&resources, 2), "1000", Outcome::Stored, Reason::NewVersion);
    fetched(&lab);
    for _ in 0..2 {
        assert_eq!(hot(&set, &lab, resource, 2).unwrap(), "a new version");
    }
    assert_eq!(fetched(&lab), 1, "the old version makes room for the new one");

    // The store is gone.
    lab.referee.tamper_delete(&lab.referee.objects("versions/").keys().last().unwrap().clone());
    assert_eq!(hot(&set, &lab, resource, 2).unwrap(), "a new version");
    let (within, _) = block_on(async {
        let document = set.read(&*lab.bucket(), resource, &entry(&lab, resource), at(2)).await.unwrap();
        let size = document.receipt().evidence.size;
        (document.within(2..5).next().await.unwrap().unwrap(), size)
    });
    assert_eq!(within, "new");
}

#[test]
fn what_is_hot_is_refused_as_what_is_cold() {
    let (lab, resources) = lab_of(&[10]);
    let set = HotSet::new(1 << 20);
    hot(&set, &lab, &resources[0], 1).unwrap();
    // It expires.
    let mut short = resources[0].clone();
    let mut rules = (*short.rules).clone();
    rules.policy.max_stale = Some(hours(5));
    short.rules = Arc::new(rules);
    hot(&set, &lab, &short, 1).unwrap();
    let refused = hot(&set, &lab, &short, 6).unwrap_err();
    assert_eq!(refused.failure().unwrap().reason, Reason::CopyExpired);
    // Its key is revoked, its identity another, its keys are others.
    let mut revoked = lab.signer.trusted();
    revoked.revoked = true;
    let trust = sigcache_core::trust::Trust::new(vec![revoked], 1).unwrap();
    let mut withdrawn = resources[0].clone();
    withdrawn.rules = Arc::new((*withdrawn.rules).clone().with_trust(trust));
    assert!(hot(&set, &lab, &withdrawn, 1).is_err());
    // The catalog says otherwise of the same bytes: that is no longer what was verified.
    lab.referee.tamper_catalog(|catalog| {
        catalog["entries"]["10"]["receipt"]["evidence"]["identity"] = "another".into();
    });
    let refused = hot(&set, &lab, &resources[0], 1).unwrap_err();
    assert_eq!(refused.failure().unwrap().reason, Reason::ReceiptRefused);
}

#[test]
fn a_hot_set_stays_within_its_bytes() {
    let sizes: Vec<usize> = (0..200).map(|number| 3_000 + number).chain([100_000]).collect();
    let (lab, resources) = lab_of(&sizes);
    let set = HotSet::new(200_000);
    assert!(set.largest() < 100_000);
    for resource in resources.iter().chain(&resources) {
        let size: usize = resource.name.as_str().parse().unwrap();
        assert_eq!(hot(&set, &lab, resource, 1).unwrap(), document(size));
        assert!(set.bytes() <= 200_000, "{} bytes", set.bytes());
    }
    assert!(set.bytes() > 50_000, "it keeps what it can: {} bytes", set.bytes());
    let large = resources.last().unwrap();
    let document = block_on(async { set.read(&*lab.bucket(), large, &entry(&lab, large), at(1)).await.unwrap() });
    assert!(matches!(document, Document::Streamed(_)));
}

#[test]
fn of_many_readers_one_asks_the_store() {
    let (lab, resources) = lab_of(&[2_000]);
    let (set, entry, bucket) = (HotSet::new(1 << 20), entry(&lab, &resources[0]), lab.bucket());
    fetched(&lab);
    let reads = (0..20).map(|_| set.read(&*bucket, &resources[0], &entry, at(1)));
    assert!(block_on(join_all(reads)).into_iter().all(|read| read.is_ok()));
    assert_eq!(fetched(&lab), 1);
}

#[test]
fn a_read_that_fails_keeps_nothing() {
    let (lab, resources) = lab_of(&[2_000]);
    let set = HotSet::new(1 << 20);
    lab.faulty.rearm();
    hot(&HotSet::new(1 << 20), &lab, &resources[0], 1).unwrap();
    let number = lab.faulty.seen().iter().position(|request| request.starts_with("get versions/")).unwrap();
    lab.faulty.rearm();
    for how in [sigcache_core::conformance::How::NotWritten, sigcache_core::conformance::How::Short] {
        lab.faulty.fail(number, how);
        assert!(matches!(hot(&set, &lab, &resources[0], 1), Err(ReadError::Store(_))), "{how:?}");
        assert_eq!(set.bytes(), 0);
        lab.faulty.rearm();
    }
    assert_eq!(hot(&set, &lab, &resources[0], 1).unwrap(), document(2_000));
}
