//! A whole cache for one test: a signer, a source, a store that is the referee and can be made to fail, and runs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use super::{Faulty, Origin, Referee, Signer, TestRuntime, block_on};
use crate::{
    audit::Auditor,
    decision::{Decision, Report},
    digest::Digest,
    entry::Standing,
    error::Error,
    evidence::Mark,
    name::Name,
    read::{self, ReadError},
    reason::{Outcome, Reason},
    resource::{Resource, Rules},
    run::{Runner, Selection},
    store::{Bucket, Catalog, Store},
    time::Timestamp,
    verify::Detached,
};

/// A source at `https://a.example/`, one signer, and a store under the eyes of the referee.
///
/// Whatever is published with [`publish`](Lab::publish) is properly signed; all else that gets into the store fails the
/// test.
pub struct Lab {
    /// The source.
    pub origin: Arc<Origin>,
    /// The store's judge.
    pub referee: Arc<Referee>,
    /// The way to the store, which can fail.
    pub faulty: Arc<Faulty>,
    /// Who signs.
    pub signer: Signer,
    part_size: usize,
    runs: AtomicU64,
}

/// How a resource stands, the digest of its copy, its mark, and the digests that it replaced.
pub type EntryPicture = (Standing, Option<Digest>, Option<Mark>, Vec<Digest>);

/// What a cache holds, without what differs from run to run: numbers, times, and version keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Each resource.
    pub entries: BTreeMap<Name, EntryPicture>,
    /// The plain copies.
    pub latest: BTreeMap<String, Bytes>,
}

/// `hours` after the moment at which tests begin.
pub fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(1_795_521_600_000 + hours * 3_600_000) // 2026-11-24T12:00:00Z
}

/// `hours` as a span of time.
pub fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// Holds the decision about `name` against exactly this outcome and reason, and gives it back.
#[track_caller]
pub fn expect<'a>(report: &'a Report, name: &str, outcome: Outcome, reason: Reason) -> &'a Decision {
    let decision = report.decisions.iter().find(|decision| decision.resource.as_str() == name);
    let decision = decision.unwrap_or_else(|| panic!("no decision about {name}"));
    let found = (decision.outcome, decision.step, decision.reason);
    assert_eq!(found, (outcome, reason.step(), reason), "{decision}");
    decision
}

impl Default for Lab {
    fn default() -> Self {
        let referee = Arc::new(Referee::default());
        let faulty = Arc::new(Faulty::new(referee.clone()));
        let signer = Signer::new("release");
        Self { origin: Arc::default(), referee, faulty, signer, part_size: 4096, runs: AtomicU64::new(1) }
    }
}

impl Lab {
    /// The URL of `name` at the source.
    pub fn url(name: &str) -> String {
        format!("https://a.example/{name}")
    }

    /// The source serves `document` as `name`, properly signed.
    pub fn publish(&self, name: &str, document: impl Into<Bytes>) {
        let document = document.into();
        let signature = self.sign(&document);
        self.origin.serve(&Self::url(name), document);
        self.origin.serve(&(Self::url(name) + ".sig"), signature);
    }

    /// A proper signature over `document`; from now on both may be in the store.
    pub fn sign(&self, document: &[u8]) -> Bytes {
        let signature = self.signer.sign(document);
        self.referee.allow(document);
        self.referee.allow(&signature);
        signature
    }

    /// Rules of the plainest kind: one detached signature by the one signer, and nothing read from the document.
    pub fn rules(&self) -> Rules {
        Rules::new(Arc::new(Detached::new(".sig")), self.signer.trust())
    }

    /// A resource at its URL of the source, with the plainest rules.
    pub fn resource(&self, name: &str) -> Resource {
        self.resource_with(name, self.rules())
    }

    /// A resource at its URL of the source.
    pub fn resource_with(&self, name: &str, rules: Rules) -> Resource {
        let url = Self::url(name).parse().expect("a URL");
        Resource::new(Name::new(name).expect("a name"), [url], Arc::new(rules))
    }

    /// The store, on the way that can fail.
    pub fn bucket(&self) -> Arc<Bucket> {
        Arc::new(Bucket::new(self.faulty.clone()).with_part_size(self.part_size))
    }

    /// The store, on a way of its own that does not fail.
    pub fn sound_bucket(&self) -> Arc<Bucket> {
        Arc::new(Bucket::new(self.referee.clone()).with_part_size(self.part_size))
    }

    /// A runner over the store on the way that can fail.
    pub fn runner(&self) -> Runner {
        self.runner_on(self.bucket())
    }

    /// A runner over any store.
    pub fn runner_on(&self, store: Arc<dyn Store>) -> Runner {
        Runner::new(self.origin.clone(), store, Arc::new(TestRuntime::default()))
    }

    /// A number that no other run of this lab has.
    pub fn nonce(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::SeqCst)
    }

    /// One run over `resources`, `hours` after the beginning.
    pub fn try_sync(&self, resources: &[Resource], hours: i64) -> Result<Report, Error> {
        block_on(self.runner().sync(resources, &Selection::All, at(hours), self.nonce()))
    }

    /// One run that must get as far as a report.
    #[track_caller]
    pub fn sync(&self, resources: &[Resource], hours: i64) -> Report {
        self.try_sync(resources, hours).expect("the run begins")
    }

    /// An auditor on a way to the store that does not fail.
    pub fn auditor(&self) -> Auditor {
        self.auditor_on(self.sound_bucket())
    }

    /// An auditor of any bucket.
    pub fn auditor_on(&self, bucket: Arc<Bucket>) -> Auditor {
        Auditor::new(bucket, Arc::new(TestRuntime::default()))
    }

    /// An audit that only reads.
    #[track_caller]
    pub fn audit(&self, resources: &[Resource], hours: i64) -> Report {
        block_on(self.auditor().audit(resources, at(hours), self.nonce())).expect("the audit begins")
    }

    /// The newest snapshot; an empty one where there is none.
    pub fn catalog(&self) -> Catalog {
        self.referee.newest().unwrap_or_else(|| Catalog::empty("0001-of-0001"))
    }

    /// Reads `resource` back, verified.
    pub fn read(&self, resource: &Resource, hours: i64) -> Result<Bytes, ReadError> {
        block_on(async {
            let bucket = self.sound_bucket();
            let catalog = bucket.catalog().await.map_err(ReadError::Store)?;
            let entry = catalog.get(&resource.name).expect("the catalog knows it");
            read::read(&*bucket, resource, entry, at(hours)).await?.bytes().await
        })
    }

    /// What the cache holds.
    pub fn state(&self) -> State {
        let catalog = self.catalog();
        let entries = catalog.entries().map(|(name, entry)| {
            let digest = entry.receipt.as_ref().map(|receipt| receipt.evidence.digest);
            (name.clone(), (entry.standing, digest, entry.mark, entry.replaced.clone()))
        });
        State { entries: entries.collect(), latest: self.referee.objects("latest/") }
    }

    /// Panics unless every resource that the catalog serves can be read back, verified, at `hours`; or is past its own
    /// expiry, which a reader sees before the next run does.
    #[track_caller]
    pub fn assert_readable(&self, resources: &[Resource], hours: i64) {
        for (name, entry) in self.catalog().entries() {
            let Some(resource) = resources.iter().find(|resource| resource.name == *name) else { continue };
            if entry.live().is_some() {
                let bytes = self.read(resource, hours);
                let expired = bytes.as_ref().err().and_then(ReadError::failure).map(|failure| failure.reason);
                let sound = bytes.is_ok() || expired == Some(Reason::CopyExpired);
                assert!(sound, "{name} is served but cannot be read: {bytes:?}");
            }
        }
    }

    /// Panics unless the plain copies are exactly what the newest snapshot serves.
    #[track_caller]
    pub fn assert_published(&self) {
        let mut expected = BTreeMap::new();
        for (name, entry) in self.catalog().entries() {
            let Some(receipt) = entry.live() else { continue };
            expected.insert(format!("latest/{name}"), receipt.evidence.digest);
            for kept in &receipt.companions {
                expected.insert(format!("latest/{name}{}", kept.suffix), Digest::of(&kept.bytes));
            }
        }
        let latest = self.referee.objects("latest/").into_iter();
        let found: BTreeMap<String, Digest> = latest.map(|(key, bytes)| (key, Digest::of(&bytes))).collect();
        assert_eq!(found, expected, "the plain copies are not what the catalog serves");
    }
}
