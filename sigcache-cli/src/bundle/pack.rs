//! Making a bundle, while the document is verified once more on its way out of the store.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::anyhow;
use bytes::Bytes;
use serde::Serialize;
use sigcache_core::{
    Decision, Digest, Entry, Outcome, Receipt, Resource, RunId, Timestamp, judge,
    read::{VerifiedRead, read},
    store::Bucket,
};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::{
    DECISION, DOCUMENT, POLICY, README, RECEIPT, SUMS,
    archive::{END, header, padding},
    policy::{self, Members},
    readme, time_of,
};
use crate::fault::Fault;

/// A decision, with the run that made it.
#[derive(Serialize)]
struct Made<'a> {
    run: RunId,
    command: &'a str,
    decision: &'a Decision,
}

/// A bundle that waits for its document.
pub(crate) struct Packed {
    members: Members,
    document: VerifiedRead,
    time: u64,
}

/// Gathers everything about the stored copy of `resource` that `entry` has.
pub(crate) async fn pack(
    bucket: &Arc<Bucket>,
    resource: &Resource,
    entry: &Entry,
    now: Timestamp,
) -> Result<Packed, Fault> {
    let document = read(&**bucket, resource, entry, now).await?;
    let receipt = document.receipt().clone();
    let refused =
        |error: anyhow::Error| Fault { code: 1, error: error.context(format!("{} cannot be exported", resource.name)) };
    let rules = &resource.rules;
    if receipt.settings != rules.verifier.settings() {
        let error = anyhow!(
            "it was verified under other settings of `verify`; `sigcache sync --refetch {}` verifies it anew",
            resource.name
        );
        return Err(refused(error));
    }
    let (policy, mut members) = policy::of(resource).map_err(|error| match &resource.anchor {
        Some(anchor) => refused(error.context(format!("what is signed is the anchor; export {anchor}"))),
        None => refused(error),
    })?;
    // By the rules of today, as it was judged then: whoever opens the bundle does the same.
    judge::judge(&receipt.evidence, &rules.trust, &rules.policy, None, receipt.verified_at)
        .map_err(|failure| refused(anyhow!("it would not be accepted by the configuration as it is now: {failure}")))?;
    for companion in &receipt.companions {
        members.insert(format!("{DOCUMENT}{}", companion.suffix), companion.bytes.to_vec());
    }
    members.insert(RECEIPT.to_owned(), json(&receipt)?);
    members.insert(POLICY.to_owned(), json(&policy)?);
    let decision = decision(bucket, resource, &receipt).await?;
    let has_decision = decision.is_some();
    if let Some(decision) = decision {
        members.insert(DECISION.to_owned(), decision);
    }
    members.insert(README.to_owned(), readme::text(&policy, &receipt, has_decision).into_bytes());
    members.insert(SUMS.to_owned(), sums(&members, receipt.evidence.digest));
    Ok(Packed { members, document, time: time_of(&receipt) })
}

/// What the run decided that stored this version, if its report is still kept.
async fn decision(bucket: &Bucket, resource: &Resource, receipt: &Receipt) -> Result<Option<Vec<u8>>, Fault> {
    let runs = bucket.reports().await?;
    for run in runs.into_iter().filter(|run| run.time() == receipt.verified_at) {
        // Who can write to the store can write a report too, or damage one; it shows nothing that the receipt does not.
        let Ok(Some(report)) = bucket.report_if_kept(run).await else { continue };
        let stored = |decision: &&Decision| {
            decision.resource == resource.name
                && decision.outcome == Outcome::Stored
                && decision.digest == Some(receipt.evidence.digest)
        };
        if let Some(decision) = report.decisions.iter().find(stored) {
            return json(&Made { run, command: &report.command, decision }).map(Some);
        }
    }
    Ok(None)
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    let mut text = serde_json::to_vec_pretty(value).map_err(Fault::usage)?;
    text.push(b'\n');
    Ok(text)
}

/// As `sha256sum` writes and checks it.
pub(super) fn sums(members: &Members, document: Digest) -> Vec<u8> {
    let members = members.iter().filter(|(name, _)| *name != SUMS);
    let mut all: BTreeMap<&str, Digest> = members.map(|(name, bytes)| (name.as_str(), Digest::of(bytes))).collect();
    all.insert(DOCUMENT, document);
    all.iter().map(|(name, digest)| format!("{}  {name}\n", digest.hex())).collect::<String>().into_bytes()
}

impl Packed {
    /// How many bytes the document has.
    pub(crate) fn receipt(&self) -> &Receipt {
        self.document.receipt()
    }

    /// How large the bundle is.
    pub(crate) fn size(&self) -> u64 {
        let sizes = self.members.values().map(|bytes| bytes.len() as u64).chain([self.document.size()]);
        sizes.map(|size| 512 + size + padding(size) as u64).sum::<u64>() + END.len() as u64
    }

    /// Writes all of it. What was written is good only if this ends without an error: the last bytes of the document come
    /// when all of it was verified.
    pub(crate) async fn write(
        mut self,
        out: &mut (impl AsyncWrite + Send + Unpin),
        unwritten: fn(std::io::Error) -> Fault,
    ) -> Result<(), Fault> {
        let mut names: Vec<String> = self.members.keys().cloned().collect();
        names.push(DOCUMENT.to_owned());
        names.sort();
        for name in names {
            let small = self.members.get(&name).cloned();
            let size = small.as_ref().map_or(self.document.size(), |bytes| bytes.len() as u64);
            let header = header(&name, size, self.time).map_err(|error| Fault { code: 1, error })?;
            out.write_all(&header).await.map_err(unwritten)?;
            match small {
                Some(bytes) => out.write_all(&bytes).await.map_err(unwritten)?,
                None => {
                    while let Some(chunk) = self.document.next().await {
                        let chunk: Bytes = chunk?;
                        out.write_all(&chunk).await.map_err(unwritten)?;
                    }
                }
            }
            out.write_all(&vec![0; padding(size)]).await.map_err(unwritten)?;
        }
        out.write_all(&END).await.map_err(unwritten)?;
        out.flush().await.map_err(unwritten)
    }
}
