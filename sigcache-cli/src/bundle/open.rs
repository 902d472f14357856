//! Verifying a bundle from elsewhere. Nothing in it is believed because it stands there.

use std::{
    fs::File,
    io::Read as _,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use sigcache_core::{
    Decision, Digest, Evidence, Failure, Name, Outcome, Receipt, Report, Resource, RunId, Timestamp, judge,
    read::{ReadError, verify_stored},
    store::{Catalog, Change, Committed, Download, Staging, Store, StoreError},
    trust::{PublicKey, Trust},
};

use super::{
    DECISION, DOCUMENT, LARGEST_MEMBER, POLICY, README, RECEIPT, SUMS,
    archive::Archive,
    pack::sums,
    policy::{self, Members, Policy},
    readme, time_of,
};

/// A bundle that holds in every part.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) resource: Resource,
    pub(crate) receipt: Receipt,
    /// The keys that signed, by the ids that the bundle has for them, with their fingerprints.
    pub(crate) keys: Vec<(String, Digest)>,
}

/// A bundle that does not.
#[derive(Debug)]
pub(crate) enum Refused {
    /// What it holds does not verify.
    Verification(Failure),
    /// It is not as a bundle is, or its members contradict each other.
    Bundle(anyhow::Error),
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        Self::Bundle(error)
    }
}

/// Verifies the bundle in `file`. Where there are `pins`, only these keys count, whatever keys are in it.
pub(crate) async fn open(file: File, pins: &[PublicKey], now: Timestamp) -> Result<Opened, Refused> {
    let mut archive = Archive::read(file).context("this is no bundle of sigcache")?;
    let members = small(&mut archive)?;
    let member = |name: &str| members.get(name).with_context(|| format!("it has no {name}"));
    let receipt: Receipt = serde_json::from_slice(member(RECEIPT)?).context("receipt.json cannot be read")?;
    let policy: Policy = serde_json::from_slice(member(POLICY)?).context("policy.json cannot be read")?;
    let resource = policy.resource(&members)?;
    consistent(&archive, &members, &receipt, &policy, &resource)?;
    let resource = pinned(resource, pins)?;
    let (rules, evidence) = (&resource.rules, &receipt.evidence);
    ensure_alike(
        receipt.settings == rules.verifier.settings(),
        "receipt.json and policy.json are of different settings",
    )?;
    let store: Arc<dyn Store> = Arc::new(Inside(Mutex::new(archive.reader(DOCUMENT)?)));
    let read = match verify_stored(&*store, &resource, &receipt, now).await {
        Ok(read) => read.check().await,
        Err(error) => Err(error),
    };
    read.map_err(|error| match error {
        ReadError::Refused(failure) => Refused::Verification(failure),
        error => Refused::Bundle(anyhow::Error::new(error)),
    })?;
    // The rules as they were applied: what ended since has ended for the copy, and not for what was signed then.
    judge::judge(evidence, &rules.trust, &rules.policy, None, receipt.verified_at).map_err(Refused::Verification)?;
    let keys = receipt.signers().filter_map(|(id, key)| Some((id.as_str().to_owned(), key?))).collect();
    Ok(Opened { resource, receipt, keys })
}

/// All members but the document.
fn small(archive: &mut Archive) -> Result<Members> {
    let names: Vec<String> = archive.members.iter().map(|member| member.name.clone()).collect();
    let mut left = LARGEST_MEMBER;
    let mut members = Members::new();
    for name in names.into_iter().filter(|name| name != DOCUMENT) {
        let bytes = archive.bytes(&name, left)?;
        left -= bytes.len() as u64;
        members.insert(name, bytes);
    }
    Ok(members)
}

fn ensure_alike(alike: bool, what: &'static str) -> Result<()> {
    ensure!(alike, "its members contradict each other: {what}");
    Ok(())
}

/// Every member must be there for a reason, and say what the others say.
fn consistent(
    archive: &Archive,
    members: &Members,
    receipt: &Receipt,
    policy: &Policy,
    resource: &Resource,
) -> Result<()> {
    let document = archive.member(DOCUMENT).context("it has no document")?;
    let (again, mut expected) = policy::of(resource)?;
    ensure_alike(again.keys == policy.keys, "policy.json and the keys")?;
    expected.retain(|name, _| name.starts_with("keys/"));
    // The revocation lists, of which the names are the bundle's own.
    let listed = policy.verify.get("crl").and_then(|crl| crl.as_array()).into_iter().flatten();
    for name in listed.filter_map(|name| name.as_str()) {
        let bytes = members.get(name).filter(|_| name.starts_with("files/"));
        expected.insert(name.to_owned(), bytes.with_context(|| format!("it has no {name:?}"))?.clone());
    }
    let wanted = resource.rules.verifier.companions();
    for companion in &receipt.companions {
        let known = wanted.iter().any(|wanted| wanted.suffix == companion.suffix);
        ensure_alike(known, "receipt.json has a companion that the format of policy.json knows nothing of")?;
        let first = expected.insert(format!("{DOCUMENT}{}", companion.suffix), companion.bytes.to_vec()).is_none();
        ensure_alike(first, "receipt.json has one companion twice")?;
    }
    let decision = members.get(DECISION);
    let text = readme::text(policy, receipt, decision.is_some());
    expected.insert(README.to_owned(), text.into_bytes());
    for (name, bytes) in [RECEIPT, POLICY, DECISION].into_iter().filter_map(|name| members.get_key_value(name)) {
        expected.insert(name.clone(), bytes.clone());
    }
    expected.insert(SUMS.to_owned(), sums(&expected, receipt.evidence.digest));
    for name in members.keys() {
        ensure!(expected.contains_key(name), "it has {name}, which no bundle of this document has");
    }
    for (name, bytes) in &expected {
        let found = members.get(name).with_context(|| format!("it has no {name}"))?;
        ensure!(found == bytes, "its members contradict each other: {name} is not what the others say it is");
    }
    ensure_alike(document.size == receipt.evidence.size, "the size of the document and receipt.json")?;
    ensure_alike(archive.time == Some(time_of(receipt)), "the time of the members and receipt.json")?;
    decision.map_or(Ok(()), |bytes| decided(bytes, receipt, &policy.resource))
}

/// The decision must be about this version.
fn decided(bytes: &[u8], receipt: &Receipt, name: &Name) -> Result<()> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Made {
        run: RunId,
        #[allow(dead_code, reason = "it must be there, and may be anything")]
        command: String,
        decision: Decision,
    }
    let made: Made = serde_json::from_slice(bytes).context("decision.json cannot be read")?;
    let (decision, evidence) = (&made.decision, &receipt.evidence);
    let alike = made.run.time() == receipt.verified_at
        && decision.resource == *name
        && decision.outcome == Outcome::Stored
        && decision.is_good()
        && decision.reason.step() == decision.step
        && decision.digest == Some(evidence.digest)
        && decision.bytes == Some(evidence.size)
        && decision.keys.as_ref() == Some(&evidence.signers);
    ensure_alike(alike, "decision.json and receipt.json")
}

/// The resource, trusting only those of its keys that are pinned.
fn pinned(mut resource: Resource, pins: &[PublicKey]) -> Result<Resource> {
    if pins.is_empty() {
        return Ok(resource);
    }
    let trust = &resource.rules.trust;
    let is_pinned = |key: &PublicKey| pins.iter().any(|pin| pin.fingerprint() == key.fingerprint());
    let keys: Vec<_> = trust.keys().iter().filter(|key| is_pinned(&key.key)).cloned().collect();
    ensure!(!keys.is_empty(), "none of its keys is one that --key names: it was signed by others");
    let (pinned, threshold) = (keys.len(), trust.threshold());
    let trust = Trust::new(keys, threshold)
        .map_err(|_| anyhow!("its policy asks for {threshold} different keys, and --key names {pinned} of them"))?;
    resource.rules = Arc::new((*resource.rules).clone().with_trust(trust));
    Ok(resource)
}

/// The document in a bundle, as a store that has nothing else.
#[derive(Debug)]
struct Inside(Mutex<std::io::Take<File>>);

impl Inside {
    fn nothing(doing: &'static str) -> StoreError {
        StoreError::Unavailable { doing, key: DOCUMENT.to_owned(), source: "a bundle is only read".into() }
    }
}

#[async_trait]
impl Store for Inside {
    async fn catalog(&self) -> Result<Catalog, StoreError> {
        Err(Self::nothing("list"))
    }

    async fn stage(&self, _: &Name, _: &str, _: Option<&str>) -> Result<Box<dyn Staging>, StoreError> {
        Err(Self::nothing("write"))
    }

    async fn commit(&self, _: Catalog, _: Vec<Change>, _: RunId, _: Timestamp) -> Result<Committed, StoreError> {
        Err(Self::nothing("write"))
    }

    async fn publish(&self, _: &Catalog, _: Timestamp) -> Result<Vec<(Name, Failure)>, StoreError> {
        Err(Self::nothing("write"))
    }

    async fn read(&self, _: &Name, receipt: &Receipt) -> Result<Download, StoreError> {
        let file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (limit, file) = (file.limit(), file.get_ref().try_clone());
        let unreadable =
            |error| StoreError::Unavailable { doing: "read", key: DOCUMENT.to_owned(), source: Box::new(error) };
        let file = file.map_err(unreadable)?.take(limit);
        debug_assert_eq!(limit, receipt.evidence.size, "it was compared before");
        let chunks = stream::unfold(Some(file), move |file| async move {
            let mut file = file?;
            let mut buffer = vec![0; 256 * 1024];
            match file.read(&mut buffer) {
                Ok(0) => None,
                Ok(length) => {
                    buffer.truncate(length);
                    Some((Ok(Bytes::from(buffer)), Some(file)))
                }
                Err(error) => Some((Err(unreadable(error)), None)),
            }
        });
        Ok(Download { size: limit, chunks: chunks.boxed() })
    }

    async fn record(&self, _: &mut Report) -> Result<(), StoreError> {
        Err(Self::nothing("write"))
    }
}

impl Opened {
    pub(crate) fn evidence(&self) -> &Evidence {
        &self.receipt.evidence
    }
}
