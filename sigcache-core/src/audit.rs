//! The audit: everything in the store verified again, from what is stored alone.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{FutureExt as _, StreamExt as _, stream};

use crate::{
    anchor::{self, Anchored, belongs_to},
    decision::{Decision, Failure, Report, RunId},
    digest::Hasher,
    entry::{Entry, Standing},
    error::Error,
    name::Name,
    read::{ReadError, verify_stored},
    reason::{Outcome, Reason},
    receipt::Receipt,
    resource::Resource,
    store::{Bucket, Catalog, Publish, Shard, Store as _, StoreError},
    time::Timestamp,
};

/// How many objects are checked at once.
const AT_ONCE: usize = 16;

/// Verifies every stored document of `resources`, and of what anchors vouch for, again, its signature included, and holds the plain copies against
/// them. Reads only; asks no source. Each difference is a decision at step `read-back`.
pub async fn audit(
    bucket: &Bucket,
    resources: &[Resource],
    anchored: &[Anchored],
    now: Timestamp,
    nonce: u64,
) -> Result<Report, Error> {
    let store_failed = |doing| move |source| Error::Store { doing, source };
    let catalog = bucket.catalog().await.map_err(store_failed("load the catalog"))?;
    let shard = bucket.layout().shard();
    let (resources, broken) = anchor::all(resources, anchored, &catalog, now);
    let configured: BTreeMap<&Name, &Resource> =
        resources.iter().filter(|r| belongs_to(r, shard)).map(|r| (&r.name, r)).collect();
    let mut checks = Vec::new();
    for resource in configured.values() {
        checks.push(check(bucket, resource, catalog.get(&resource.name), now).boxed());
    }
    let mut decisions: Vec<Decision> = Vec::new();
    let mut results = stream::iter(checks).buffer_unordered(AT_ONCE);
    while let Some(result) = results.next().await {
        decisions.push(result);
    }
    for (name, entry) in catalog.entries() {
        let present = matches!(entry.standing, Standing::Live | Standing::Withheld);
        if present && !configured.contains_key(name) {
            let of_broken = entry.receipt.as_ref().is_some_and(|r| r.anchor.is_some());
            let failure = broken.first().filter(|_| of_broken).cloned().unwrap_or_else(|| {
                let found = "none; a sync takes it away, unless too much would go at once";
                Failure::new(Reason::ReceiptRefused, "a resource of this name in the configuration", found)
            });
            decisions.push(Decision::failed(name.clone(), Outcome::Kept, failure));
        }
    }
    if bucket.publishes() == Publish::Copies {
        let foreign = foreign_copies(bucket, &catalog).await.map_err(store_failed("list the plain copies"))?;
        decisions.extend(foreign);
    }
    let mut report = Report::new("audit", RunId::new(now, nonce), now, &shard.to_string(), decisions);
    report.sequence = Some(catalog.sequence());
    let unreadable = report.decisions.iter().find(|decision| decision.reason == Reason::ObjectUnreadable);
    report.store_failure = unreadable.and_then(|decision| decision.found.clone());
    report.store_requests = bucket.requests();
    Ok(report)
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
async fn foreign_copies(bucket: &Bucket, catalog: &Catalog) -> Result<Vec<Decision>, StoreError> {
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
    let mut nameless: Vec<String> = Vec::new();
    let found = "an object that the catalog knows nothing of";
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
