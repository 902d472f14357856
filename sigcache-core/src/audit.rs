//! The audit: everything in the store verified again, from what is stored alone.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt as _, stream::FuturesUnordered};

use crate::{
    anchor::{self, Anchored, Known, belongs_to},
    decision::{Decision, Failure, Observer, Report, RunId},
    digest::Hasher,
    entry::{Entry, Standing},
    error::Error,
    name::Name,
    read::{ReadError, verify_stored},
    reason::{Outcome, Reason},
    receipt::Receipt,
    resource::Resource,
    runtime::{self, Runtime},
    store::{Bucket, Catalog, LONGEST_PUBLICATION, Publish, Shard, Store as _, StoreError},
    time::Timestamp,
};

/// How many objects are checked at once.
const AT_ONCE: usize = 16;

/// Verifies what a store holds. Set up once, like a [`Runner`](crate::run::Runner).
#[derive(Clone)]
pub struct Auditor {
    bucket: Arc<Bucket>,
    runtime: Arc<dyn Runtime>,
    observer: Option<Arc<dyn Observer>>,
    anchored: Arc<[Anchored]>,
    repairs: Repairs,
}

/// Whether an audit may change the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repairs {
    /// It only reads.
    None,
    /// Plain copies that are missing or wrong are made anew from the verified versions. What lies below `latest/` without
    /// being in the catalog is told and left: it may be somebody's. So is a version that is damaged, which only the
    /// source can mend.
    Copies,
}

impl Auditor {
    /// An auditor that only reads.
    pub fn new(bucket: Arc<Bucket>, runtime: Arc<dyn Runtime>) -> Self {
        Self { bucket, runtime, observer: None, anchored: Arc::default(), repairs: Repairs::None }
    }

    /// Looks at what anchors vouch for, too.
    pub fn with_anchored(mut self, anchored: impl IntoIterator<Item = Anchored>) -> Self {
        self.anchored = anchored.into_iter().collect();
        self
    }

    /// Is told of each decision.
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Whether it mends what can be mended from the store alone.
    pub fn with_repairs(mut self, repairs: Repairs) -> Self {
        self.repairs = repairs;
        self
    }

    /// Verifies every stored document of `resources`, and of what anchors vouch for, again, its signature included, and
    /// holds the plain copies against them. Asks no source. Each difference is a decision at step `read-back`; what was
    /// mended is one of `copy-restored`, and then the report is stored as that of a run is. May be repeated.
    ///
    /// `now` is the time of the audit, `nonce` is random. An error means that nothing was looked at.
    pub async fn audit(&self, resources: &[Resource], now: Timestamp, nonce: u64) -> Result<Report, Error> {
        let start = self.runtime.elapsed();
        let store_failed = |doing| move |source| Error::Store { doing, source };
        let catalog = Arc::new(self.bucket.catalog().await.map_err(store_failed("load the catalog"))?);
        let shard = self.bucket.layout().shard();
        let Known { resources, broken, .. } = anchor::all(resources, &self.anchored, &catalog, now);
        let configured: BTreeMap<&Name, &Resource> =
            resources.iter().filter(|r| belongs_to(r, shard)).map(|r| (&r.name, r)).collect();
        let mut decisions = self.check_all(&configured, &catalog, now).await?;
        let (run, elapsed) = (RunId::new(now, nonce), || self.runtime.elapsed().saturating_sub(start));
        let mended = match self.repairs {
            Repairs::None => false,
            Repairs::Copies => self.mend(&mut decisions, run.begun_at(now.plus(elapsed()))).await,
        };
        decisions.extend(not_configured(&catalog, &configured, &broken));
        let mut unlisted = None;
        if self.bucket.publishes() == Publish::Copies {
            match foreign_copies(&self.bucket, &catalog, now).await {
                Ok(foreign) => decisions.extend(foreign),
                // What was found so far is worth telling.
                Err(error) => unlisted = Some(error.chain()),
            }
        }
        let mut report = Report::new("audit", run, now, &shard.to_string(), decisions);
        report.sequence = Some(catalog.sequence());
        let unreadable = report.decisions.iter().find(|decision| decision.reason == Reason::ObjectUnreadable);
        report.store_failure = unreadable.and_then(|decision| decision.found.clone()).or(unlisted.map(Into::into));
        report.store_requests = self.bucket.requests();
        report.duration_ms = u64::try_from(elapsed().as_millis()).unwrap_or(u64::MAX);
        if mended && let Err(error) = self.bucket.record(&mut report).await {
            report.store_failure.get_or_insert_with(|| error.chain().into());
        }
        Ok(report)
    }

    /// Every resource, several at once, in tasks of their own.
    async fn check_all(
        &self,
        configured: &BTreeMap<&Name, &Resource>,
        catalog: &Arc<Catalog>,
        now: Timestamp,
    ) -> Result<Vec<Decision>, Error> {
        let mut waiting = configured.values();
        let mut running = FuturesUnordered::new();
        let mut decisions = Vec::with_capacity(configured.len());
        loop {
            while running.len() < AT_ONCE
                && let Some(resource) = waiting.next()
            {
                let (bucket, catalog) = (self.bucket.clone(), catalog.clone());
                let (name, resource) = (resource.name.clone(), (*resource).clone());
                let check = async move { check(&bucket, &resource, catalog.get(&resource.name), now).await };
                let answer = runtime::spawned(&*self.runtime, check);
                running.push(async move { (name, answer.await) });
            }
            let Some((name, answer)) = running.next().await else { return Ok(decisions) };
            let decision = answer.ok_or(Error::TaskLost(name))?;
            if let Some(observer) = &self.observer {
                observer.decided(&decision);
            }
            decisions.push(decision);
        }
    }

    /// Makes anew the plain copies that `decisions` find fault with, looks at them again, and says there what came of it.
    /// Whether there were any.
    async fn mend(&self, decisions: &mut [Decision], run: RunId) -> bool {
        let faulty: Vec<&mut Decision> = decisions
            .iter_mut()
            .filter(|decision| matches!(decision.reason, Reason::PublishedMissing | Reason::PublishedChanged))
            .collect();
        if faulty.is_empty() {
            return false;
        }
        let names = faulty.iter().map(|decision| decision.resource.clone()).collect();
        let end = self.runtime.elapsed() + LONGEST_PUBLICATION;
        let restored = runtime::until(&*self.runtime, end, self.bucket.restore_copies(names, run)).await;
        let restored = restored.unwrap_or(Err(StoreError::Overdue));
        for decision in faulty {
            let looked = match &restored {
                Ok((failures, _)) if let Some(failure) = failures.get(&decision.resource) => Err(failure.clone()),
                Ok((_, catalog)) => copy_now(&self.bucket, catalog, &decision.resource).await,
                Err(error) => Err(Failure::new(Reason::PublishFailed, "a plain copy made anew", error.chain())),
            };
            match looked {
                Ok(mended) => *decision = mended,
                Err(failure) => decision.overrule(decision.outcome, failure),
            }
        }
        true
    }
}

/// The decision about a plain copy that was made anew, if it is right now.
async fn copy_now(bucket: &Bucket, catalog: &Catalog, name: &Name) -> Result<Decision, Failure> {
    let entry = catalog.get(name);
    let Some((entry, receipt)) = entry.and_then(|entry| Some((entry, entry.receipt.as_ref()?))) else {
        return Err(Failure::new(Reason::ObjectMissing, "a stored copy", "none, another run took it away"));
    };
    match check_copy(bucket, name, entry, receipt).await {
        Ok(None) => {
            let outcome = if entry.standing == Standing::Live { Outcome::Unchanged } else { Outcome::Withheld };
            Ok(Decision::passed(name.clone(), outcome, Reason::CopyRestored).about(receipt))
        }
        Ok(Some(failure)) => Err(failure),
        Err(error) => Err(Failure::new(Reason::ObjectUnreadable, "the plain copy", error.chain())),
    }
}

/// What the catalog has and the configuration has not.
fn not_configured(catalog: &Catalog, configured: &BTreeMap<&Name, &Resource>, broken: &[Failure]) -> Vec<Decision> {
    let present = |entry: &Entry| matches!(entry.standing, Standing::Live | Standing::Withheld);
    let left = catalog.entries().filter(|(name, entry)| present(entry) && !configured.contains_key(name));
    let decide = |(name, entry): (&Name, &Entry)| {
        let of_broken = entry.receipt.as_ref().is_some_and(|receipt| receipt.anchor.is_some());
        let failure = broken.first().filter(|_| of_broken).cloned().unwrap_or_else(|| {
            let found = "none; a sync takes it away, unless too much would go at once";
            Failure::new(Reason::ReceiptRefused, "a resource of this name in the configuration", found)
        });
        Decision::failed(name.clone(), Outcome::Kept, failure)
    };
    left.map(decide).collect()
}

/// One resource; what cannot be read does not keep the others from being checked.
async fn check(bucket: &Bucket, resource: &Resource, entry: Option<&Entry>, now: Timestamp) -> Decision {
    check_or_fail(bucket, resource, entry, now).await.unwrap_or_else(|error| {
        let failure = Failure::new(Reason::ObjectUnreadable, "the stored object", error.chain());
        Decision::failed(resource.name.clone(), Outcome::Refused, failure)
    })
}

async fn check_or_fail(
    bucket: &Bucket,
    resource: &Resource,
    entry: Option<&Entry>,
    now: Timestamp,
) -> Result<Decision, StoreError> {
    let name = &resource.name;
    let known = entry.filter(|entry| matches!(entry.standing, Standing::Live | Standing::Withheld));
    let Some((entry, receipt)) = known.and_then(|entry| Some((entry, entry.receipt.as_ref()?))) else {
        let failure = Failure::new(Reason::ObjectMissing, "a stored copy", "none, no version passed so far");
        return Ok(Decision::failed(name.clone(), Outcome::Refused, failure));
    };
    let verified = match verify_stored(bucket, resource, receipt, now).await {
        Ok(read) => read.check().await,
        Err(error) => Err(error),
    };
    let outcome = if entry.standing == Standing::Live { Outcome::Unchanged } else { Outcome::Withheld };
    let decision = match verified {
        Ok(()) => match check_copy(bucket, name, entry, receipt).await? {
            None => Decision::passed(name.clone(), outcome, Reason::AuditPassed),
            Some(failure) => Decision::failed(name.clone(), Outcome::Kept, failure),
        },
        Err(ReadError::Refused(failure)) => Decision::failed(name.clone(), Outcome::Refused, failure),
        Err(ReadError::Store(error)) => return Err(error),
    };
    Ok(decision.about(receipt))
}

/// Holds the plain copy and its companions against the receipt.
async fn check_copy(
    bucket: &Bucket,
    name: &Name,
    entry: &Entry,
    receipt: &Receipt,
) -> Result<Option<Failure>, StoreError> {
    if bucket.publishes() == Publish::Nothing {
        return Ok(None);
    }
    let mut expected: Vec<(&str, String)> = vec![("", receipt.evidence.digest.to_string())];
    for companion in &receipt.companions {
        expected.push((&companion.suffix, crate::digest::Digest::of(&companion.bytes).to_string()));
    }
    for (suffix, digest) in expected {
        let key = bucket.layout().latest(name, suffix);
        let found = match bucket.open(&key).await {
            Ok(download) => Some(download),
            Err(error) if error.is_absence() => None,
            Err(error) => return Err(error),
        };
        match (entry.standing, found) {
            (Standing::Live, None) => {
                return Ok(Some(Failure::new(Reason::PublishedMissing, key.to_string(), "no such object")));
            }
            (Standing::Live, Some(mut download)) => {
                let mut hasher = Hasher::default();
                while let Some(chunk) = download.chunks.next().await {
                    hasher.update(&chunk?);
                }
                let copy = hasher.finish().to_string();
                if copy != digest {
                    return Ok(Some(Failure::new(Reason::PublishedChanged, format!("{key} with {digest}"), copy)));
                }
            }
            (_, Some(_)) => {
                let found = format!("{key}, although the resource is withheld");
                return Ok(Some(Failure::new(Reason::PublishedChanged, "no plain copy", found)));
            }
            (_, None) => {}
        }
    }
    Ok(None)
}

/// Objects below `latest/` that the catalog knows nothing of.
async fn foreign_copies(bucket: &Bucket, catalog: &Catalog, now: Timestamp) -> Result<Vec<Decision>, StoreError> {
    let mut known: Vec<String> = Vec::new();
    for (name, entry) in catalog.entries() {
        if let (Standing::Live | Standing::Withheld, Some(receipt)) = (entry.standing, &entry.receipt) {
            let suffixes = receipt.companions.iter().map(|companion| Arc::clone(&companion.suffix));
            known.push(name.to_string());
            known.extend(suffixes.map(|suffix| format!("{name}{suffix}")));
        }
    }
    known.sort_unstable();
    // Of several shards each can speak only for its own names; a companion's key is not one of them.
    if bucket.layout().shard() != Shard::WHOLE {
        return Ok(Vec::new());
    }
    let mut decisions = Vec::new();
    let found = "an object that the catalog knows nothing of";
    let mut nameless = bucket.remainders_beside_copies(now).await?;
    for copy in bucket.copies().await? {
        if known.binary_search(&copy).is_ok() {
            continue;
        }
        match Name::new(&copy) {
            Ok(name) => {
                let failure = Failure::new(Reason::PublishedChanged, format!("nothing at latest/{copy}"), found);
                decisions.push(Decision::failed(name, Outcome::Refused, failure));
            }
            Err(_) => nameless.push(copy),
        }
    }
    // What cannot be the name of a resource is told together, under the name of the folder.
    if let (Some(first), Ok(folder)) = (nameless.first(), Name::new("latest")) {
        let found = format!("{} objects that sigcache did not put there, such as {first}", nameless.len());
        let failure = Failure::new(Reason::PublishedChanged, "only plain copies and their companions", found);
        decisions.push(Decision::failed(folder, Outcome::Refused, failure));
    }
    Ok(decisions)
}
