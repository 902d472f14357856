//! Verifying a bundle from elsewhere. Nothing in it is believed because it stands there.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read as _, Take},
    sync::Arc,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use bytes::Bytes;
use serde::Deserialize;
use sigcache_core::{
    Decision, Digest, Evidence, Failure, KeyId, Name, Outcome, Receipt, Resource, RunId,
    pipeline::{ExamineError, examine},
    trust::{PublicKey, Trust},
};

use super::{
    DECISION, DOCUMENT, LARGEST_MEMBER, POLICY, README, RECEIPT, SUMS,
    archive::Archive,
    pack::sums,
    policy::{self, Members, Policy},
    readme, time_of,
};

/// Keys by the ids that a bundle has for them, with the fingerprints of what signed.
type Signers = BTreeSet<(KeyId, Digest)>;

/// A bundle that holds in every part.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) resource: Resource,
    pub(crate) receipt: Receipt,
    /// The keys that signed, of those that count.
    pub(crate) signers: Signers,
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
pub(crate) fn open(file: File, pins: &[PublicKey]) -> Result<Opened, Refused> {
    let mut archive = Archive::read(file).context("this is no bundle of sigcache")?;
    let members = small(&mut archive)?;
    let member = |name: &str| members.get(name).with_context(|| format!("it has no {name}"));
    let receipt: Receipt = serde_json::from_slice(member(RECEIPT)?).context("receipt.json cannot be read")?;
    let policy: Policy = serde_json::from_slice(member(POLICY)?).context("policy.json cannot be read")?;
    let resource = policy.resource(&members)?;
    consistent(&archive, &members, &receipt, &policy, &resource)?;
    let resource = pinned(resource, pins)?;
    let rules = &resource.rules;
    ensure_alike(
        receipt.settings == rules.verifier.settings(),
        "receipt.json and policy.json are of different settings",
    )?;
    let kept = |suffix: &str| receipt.companions.iter().find(|kept| *kept.suffix == *suffix);
    let companions = rules.verifier.companions();
    let companions: Vec<Option<Bytes>> =
        companions.iter().map(|companion| Some(kept(&companion.suffix)?.bytes.clone())).collect();
    // By the rules as they were applied: what ended since has ended for the copy, and not for what was signed then.
    let chunks = Chunks(archive.reader(DOCUMENT)?);
    let found = examine(&resource, &companions, chunks, receipt.verified_at).map_err(|error| match error {
        ExamineError::Refused(failure) => Refused::Verification(failure),
        error => Refused::Bundle(error.into()),
    })?;
    let signers = signed_as_told(&receipt, found, &rules.trust, !pins.is_empty())?;
    Ok(Opened { resource, receipt, signers })
}

/// What the verification found must be what the receipt says; of other keys than the trusted ones nothing was found.
/// Returns the keys that signed.
fn signed_as_told(receipt: &Receipt, mut found: Evidence, trust: &Trust, pinned: bool) -> Result<Signers> {
    let pair = |(id, key): (&KeyId, Option<Digest>)| Some((id.clone(), key?));
    let signers: Signers = trust.signers(&found).filter_map(pair).collect();
    let is_trusted = |id: &KeyId| trust.keys().iter().any(|key| key.id == *id);
    let told: Signers = receipt.signers().filter_map(pair).filter(|(id, _)| is_trusted(id)).collect();
    let told_all = receipt.signers().count() == receipt.keys.len();
    ensure_alike(told_all && signers == told, "receipt.json names other keys than those that signed")?;
    let expected = &receipt.evidence;
    // The order of the keys may have been another one then; who they are was compared.
    (found.signers, found.signing_keys) = (expected.signers.clone(), expected.signing_keys.clone());
    if pinned && found.certificates.iter().all(|one| expected.certificates.contains(one)) {
        found.certificates = expected.certificates.clone();
    }
    ensure_alike(found == *expected, "receipt.json and what the document says of itself")?;
    Ok(signers)
}

/// A file in pieces, so that its size does not matter.
struct Chunks(Take<File>);

impl Iterator for Chunks {
    type Item = std::io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut buffer = vec![0; 256 * 1024];
        match self.0.read(&mut buffer) {
            Ok(0) => None,
            Ok(length) => {
                buffer.truncate(length);
                Some(Ok(buffer.into()))
            }
            Err(error) => Some(Err(error)),
        }
    }
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

impl Opened {
    pub(crate) fn evidence(&self) -> &Evidence {
        &self.receipt.evidence
    }
}
