//! What every store must do, driven through the real pipeline: nothing else can make the proof that seals.

use std::{sync::Arc, thread};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{Origin, Signer, TestRuntime, at, block_on, expect};
use crate::{
    decision::{Failure, Report, RunId},
    digest::Digest,
    evidence::Evidence,
    fetch::Limits,
    name::Name,
    read::{self, ReadError},
    reason::{Outcome, Reason},
    receipt::{Receipt, Validators},
    resource::{Resource, Rules},
    run::{Runner, Selection},
    store::{Catalog, Change, Committed, Download, Staging, Store, StoreError},
    time::Timestamp,
    verify::Detached,
};

/// Runs every contract below, each on a new store from `make`.
///
/// Every store that `make` gives must be empty, and must take an object larger than `part_size` in parts.
pub fn store_contract<S: Store + 'static>(part_size: usize, make: impl Fn() -> Arc<S>) {
    let bench = || Bench::new(make());
    the_same_bytes_again(&bench());
    new_bytes(&bench());
    odd_names(&bench());
    sizes_around_a_part(&bench(), part_size);
    what_was_refused_is_nowhere(&bench(), part_size);
    two_writers_of_different_resources(&bench());
    two_writers_of_the_same_resource(&bench());
    two_writers_on_the_same_base(&bench());
    tampered_objects_are_not_read(&bench());
    unsealed_uploads_are_invisible(&bench(), part_size);
    reports_are_taken(&bench());
}

/// A source, a signer, and runs over the store under test.
struct Bench {
    origin: Arc<Origin>,
    signer: Signer,
    store: Arc<dyn Store>,
}

impl Bench {
    fn new(store: Arc<dyn Store>) -> Self {
        Self { origin: Arc::default(), signer: Signer::new("release"), store }
    }

    fn publish(&self, name: &str, document: impl Into<Bytes>) {
        let document = document.into();
        let url = format!("https://a.example/{name}");
        self.origin.serve(&(url.clone() + ".sig"), self.signer.sign(&document));
        self.origin.serve(&url, document);
    }

    fn resource(&self, name: &str) -> Resource {
        // Some parts are larger than what a document may have by default.
        let limits = Limits { max_size: u64::MAX, ..Limits::default() };
        let rules = Rules::new(Arc::new(Detached::new(".sig")), self.signer.trust()).with_limits(limits);
        let url = format!("https://a.example/{name}").parse().expect("a URL");
        Resource::new(Name::new(name).expect("a name"), [url], Arc::new(rules))
    }

    fn sync(&self, name: &str, hours: i64, nonce: u64) -> Report {
        let runner = Runner::new(self.origin.clone(), self.store.clone(), Arc::new(TestRuntime::default()));
        let resource = self.resource(name);
        let only = Selection::Only([resource.name.clone()].into());
        block_on(runner.sync(&[resource], &only, at(hours), nonce)).expect("the run begins")
    }

    fn read_from(&self, store: &dyn Store, name: &str, hours: i64) -> Result<Bytes, ReadError> {
        let resource = self.resource(name);
        block_on(async {
            let catalog = store.catalog().await.map_err(ReadError::Store)?;
            let entry = catalog.get(&resource.name).expect("the catalog knows it");
            read::read(store, &resource, entry, at(hours)).await?.bytes().await
        })
    }

    fn read(&self, name: &str, hours: i64) -> Bytes {
        self.read_from(&*self.store, name, hours).expect("it can be read back")
    }

    /// What a thread is to do, in the caller's runtime if there is one: some stores cannot be asked without.
    fn beside(&self, work: impl FnOnce() + Send) -> impl FnOnce() + Send {
        #[cfg(feature = "tokio")]
        let runtime = tokio::runtime::Handle::try_current().ok();
        move || {
            #[cfg(feature = "tokio")]
            let _entered = runtime.as_ref().map(|runtime| runtime.enter());
            work();
        }
    }

    fn catalog(&self) -> Catalog {
        block_on(self.store.catalog()).expect("the catalog can be loaded")
    }
}

/// The same bytes again change nothing but the number of the snapshot.
fn the_same_bytes_again(bench: &Bench) {
    assert_eq!(bench.catalog().sequence(), 0, "the store was not empty");
    bench.publish("a", "first");
    expect(&bench.sync("a", 0, 1), "a", Outcome::Stored, Reason::FirstVersion);
    let before = bench.catalog();
    let report = bench.sync("a", 1, 2);
    expect(&report, "a", Outcome::Unchanged, Reason::NotModified);
    let (after, name) = (bench.catalog(), Name::new("a").expect("a name"));
    assert_eq!(after.sequence(), before.sequence() + 1);
    assert_eq!(report.sequence, Some(after.sequence()));
    assert_eq!(after.get(&name).expect("known").receipt, before.get(&name).expect("known").receipt);
    assert_eq!(bench.read("a", 1), "first");
}

/// New bytes replace old ones.
fn new_bytes(bench: &Bench) {
    for (hour, document) in [(0, "first"), (1, "second")] {
        bench.publish("a", document);
        let report = bench.sync("a", hour, 1);
        expect(&report, "a", Outcome::Stored, [Reason::FirstVersion, Reason::NewVersion][hour as usize]);
        assert_eq!(bench.read("a", hour), document);
    }
}

/// Every name that [`Name`] takes is a place of its own.
fn odd_names(bench: &Bench) {
    let long = ["n".repeat(200), "m".repeat(200), "o".repeat(200)].join("/");
    let names = ["a-b_c+e=f@g", "deep/er/and/deeper.json", "UPPER", "upper", "1", "a.sig.old", &long];
    for name in names {
        bench.publish(name, format!("the document {name}"));
        expect(&bench.sync(name, 0, 1), name, Outcome::Stored, Reason::FirstVersion);
    }
    for name in names {
        assert_eq!(bench.read(name, 0), format!("the document {name}"));
    }
}

/// Nothing, one byte, and around the size of a part.
fn sizes_around_a_part(bench: &Bench, part_size: usize) {
    for size in [0, 1, part_size - 1, part_size, part_size + 1, 2 * part_size, 3 * part_size + 7] {
        let name = format!("of-{size}");
        let document: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        bench.publish(&name, document.clone());
        expect(&bench.sync(&name, 0, 1), &name, Outcome::Stored, Reason::FirstVersion);
        assert_eq!(bench.read(&name, 0), document, "{size} bytes");
    }
}

/// A refused document is not in the catalog, whatever its size.
fn what_was_refused_is_nowhere(bench: &Bench, part_size: usize) {
    for size in [10, 3 * part_size] {
        bench.publish("a", vec![b'x'; size]);
        bench.origin.serve("https://a.example/a", vec![b'y'; size]);
        expect(&bench.sync("a", 0, size as u64), "a", Outcome::Refused, Reason::SignatureMismatch);
        let catalog = bench.catalog();
        let entry = catalog.get(&Name::new("a").expect("a name")).expect("its last outcome is known");
        assert_eq!(entry.receipt, None);
    }
}

/// Writers at the same time, on threads of their own, lose nothing of each other.
fn two_writers_of_different_resources(bench: &Bench) {
    let names = ["a", "b", "c", "d"];
    for name in names {
        bench.publish(name, name);
    }
    thread::scope(|scope| {
        for (nonce, name) in names.iter().enumerate() {
            scope.spawn(bench.beside(move || {
                let report = bench.sync(name, 0, nonce as u64);
                expect(&report, name, Outcome::Stored, Reason::FirstVersion);
            }));
        }
    });
    assert_eq!(bench.catalog().sequence(), names.len() as u64);
    for name in names {
        assert_eq!(bench.read(name, 0), name);
    }
}

/// Writers of the same bytes at the same time: one version stands, and it can be read.
fn two_writers_of_the_same_resource(bench: &Bench) {
    bench.publish("a", "first");
    thread::scope(|scope| {
        for nonce in 0..4 {
            scope.spawn(bench.beside(move || assert!(bench.sync("a", 0, nonce).store_failure.is_none())));
        }
    });
    assert_eq!(bench.catalog().sequence(), 4);
    assert_eq!(bench.read("a", 0), "first");
}

/// A commit on a base that is no longer the newest is merged, not lost and not refused.
fn two_writers_on_the_same_base(bench: &Bench) {
    bench.publish("a", "first");
    bench.sync("a", 0, 1);
    let base = bench.catalog();
    bench.publish("b", "other");
    bench.sync("b", 1, 2);
    let run = RunId::new(at(2), 3);
    let committed = block_on(bench.store.commit(base, &[], run, at(2))).expect("it is merged");
    assert_eq!(committed.catalog.run(), Some(run));
    assert_eq!(committed.catalog.sequence(), 3);
    assert_eq!(bench.catalog().entries().len(), 2);
    assert_eq!(bench.read("b", 2), "other");
}

/// The bytes that come back are checked by the reader, so a store that changes them is found out.
fn tampered_objects_are_not_read(bench: &Bench) {
    bench.publish("a", vec![b'x'; 5_000]);
    bench.sync("a", 0, 1);
    for change in [Damage::FlippedBit, Damage::Truncated, Damage::Extended] {
        let store = Damaged { inner: bench.store.clone(), damage: change };
        match bench.read_from(&store, "a", 0) {
            Err(ReadError::Refused(failure)) => assert_eq!(failure.reason, Reason::ObjectChanged, "{change:?}"),
            other => panic!("{change:?} was read as {other:?}"),
        }
    }
}

/// What is staged and not sealed cannot be read, neither while it is written nor after it was given up.
fn unsealed_uploads_are_invisible(bench: &Bench, part_size: usize) {
    let name = Name::new("a").expect("a name");
    let bytes = Bytes::from(vec![b'x'; 3 * part_size]);
    let receipt = Receipt {
        version: "20261124T120000.000Z-unsealed".into(),
        source: "https://a.example/a".into(),
        verified_at: at(0),
        evidence: Evidence::new("detached", Digest::of(&bytes), bytes.len() as u64, []),
        keys: [].into(),
        settings: Digest::of(b""),
        companions: Vec::new(),
        validators: Validators::default(),
        content_type: None,
        document: None,
        anchor: None,
    };
    block_on(async {
        let absent = async || matches!(bench.store.read(&name, &receipt).await, Err(error) if error.is_absence());
        let mut staging = bench.store.stage(&name, &receipt.version, None).await.expect("it is staged");
        staging.write(bytes.clone()).await.expect("it is written");
        assert!(absent().await, "what is not sealed can be read");
        staging.abort().await;
        assert!(absent().await, "what was given up can be read");
        let mut dropped = bench.store.stage(&name, &receipt.version, None).await.expect("it is staged");
        dropped.write(bytes.clone()).await.expect("it is written");
        drop(dropped);
        assert!(absent().await, "what was dropped can be read");
    });
    assert_eq!(bench.catalog().entries().len(), 0);
}

/// A report is taken, also twice.
fn reports_are_taken(bench: &Bench) {
    bench.publish("a", "first");
    let mut report = bench.sync("a", 0, 1);
    assert_eq!(report.store_failure, None);
    block_on(bench.store.record(&mut report)).expect("a report may be stored again");
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    FlippedBit,
    Truncated,
    Extended,
}

/// A store that gives other bytes back than it took.
#[derive(Debug)]
struct Damaged {
    inner: Arc<dyn Store>,
    damage: Damage,
}

#[async_trait]
impl Store for Damaged {
    async fn catalog(&self) -> Result<Catalog, StoreError> {
        self.inner.catalog().await
    }
    async fn stage(&self, name: &Name, id: &str, content_type: Option<&str>) -> Result<Box<dyn Staging>, StoreError> {
        self.inner.stage(name, id, content_type).await
    }
    async fn commit(
        &self,
        base: Catalog,
        changes: &[Change],
        run: RunId,
        at: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.inner.commit(base, changes, run, at).await
    }
    async fn publish(&self, catalog: &Catalog, at: Timestamp) -> Result<Vec<(Name, Failure)>, StoreError> {
        self.inner.publish(catalog, at).await
    }
    async fn read(&self, name: &Name, receipt: &Receipt) -> Result<Download, StoreError> {
        let mut download = self.inner.read(name, receipt).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = download.chunks.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        match self.damage {
            Damage::FlippedBit => bytes[0] ^= 1,
            Damage::Truncated => drop(bytes.pop()),
            Damage::Extended => bytes.push(b'x'),
        }
        // The announced size stays: a store that lies about that too is found out no later.
        let chunks = futures_util::stream::iter([Ok(Bytes::from(bytes))]).boxed();
        Ok(Download { size: download.size, chunks })
    }
    async fn record(&self, report: &mut Report) -> Result<(), StoreError> {
        self.inner.record(report).await
    }
}
