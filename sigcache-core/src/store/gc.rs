//! Taking away what nobody can need any more: old snapshots, versions that no kept snapshot names, old reports, and the
//! remainders of uploads that were cut off.

use std::{collections::HashSet, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{Error as ObjectError, path::Path};

use super::{Bucket, LONGEST_PUBLICATION, Shard, SnapshotKey, StoreError, alerts::AlertMarks, bucket::failed};
use crate::{decision::RunId, entry::Standing, name::Name, time::Timestamp};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// So long after its beginning a run commits nothing more. Together with the time for which snapshots and versions are
/// kept at least, it is why no snapshot ever names a version that was swept: a third of that time, since the last
/// request may be long on its way, clocks differ, and a snapshot counts as old from the beginning of the run that
/// replaced it.
pub const LONGEST_RUN: Duration = Duration::from_secs(8 * 3600);

/// So many states of alerting are kept. Only the newest counts; but a number must not become free again while a slow
/// process may still create it.
const ALERTS_KEPT: u64 = 64;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keep {
    /// At least this many snapshots, and what they name.
    pub snapshots: usize,
    /// All snapshots that were replaced within this time, with what they name, and all versions and remainders younger
    /// than this; never less than a day, since a run that is under way has versions that no snapshot names yet, and
    /// readers may still be at a snapshot that was replaced.
    pub span: Duration,
    /// All reports younger than this.
    pub reports: Duration,
}

impl Default for Keep {
    fn default() -> Self {
        Self { snapshots: 48, span: DAY, reports: Duration::from_secs(90 * 24 * 3600) }
    }
}

/// What was taken away, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Collected {
    /// Snapshots, marks of publication, and old states of alerting.
    pub snapshots: Vec<String>,
    /// Versions that no kept snapshot names.
    pub versions: Vec<String>,
    /// Reports.
    pub reports: Vec<String>,
    /// Remainders of cut-off uploads that the disk keeps beside the objects.
    pub remainders: Vec<String>,
    /// How many versions stay.
    pub versions_kept: u64,
}

/// Whether to take away or only to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Take away.
    Delete,
    /// Only list.
    List,
}

impl Bucket {
    /// Takes away what is older than `keep` says and that nothing kept refers to. Of anchors in a store of several shards
    /// every version stays. Safe beside running syncs: what they
    /// have staged is younger than `keep.span`.
    pub async fn gc(&self, keep: &Keep, now: Timestamp, sweep: Sweep) -> Result<Collected, StoreError> {
        let mut collected = Collected::default();
        let border = now.minus(keep.span.max(DAY));
        let keys = self.snapshots().await?;
        let mut numbers: Vec<u64> = keys.iter().filter_map(SnapshotKey::snapshot).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        if numbers.is_empty() {
            self.refuse_other_shards().await?;
        }
        let mut named: HashSet<(Name, String)> = HashSet::new();
        let mut oldest_kept = u64::MAX;
        let mut replaced: Option<Timestamp> = None;
        // Every shard has a version of its own of an anchor, which the others know nothing of.
        let mut shared: HashSet<Name> = HashSet::new();
        for (index, number) in numbers.iter().enumerate() {
            // Not its own age counts: it may have been the newest one until a moment ago, and readers be at it.
            if index >= keep.snapshots.max(1) && replaced.is_some_and(|at| at < border) {
                break;
            }
            let snapshot = self.snapshot(*number).await?;
            oldest_kept = *number;
            replaced = Some(snapshot.at());
            for (name, entry) in snapshot.entries() {
                if let (Standing::Live | Standing::Withheld, Some(receipt)) = (entry.standing, &entry.receipt) {
                    named.insert((name.clone(), receipt.version.to_string()));
                    if receipt.document.is_some() && self.layout.shard() != Shard::WHOLE {
                        shared.insert(name.clone());
                    }
                }
            }
        }
        let published = keys.iter().filter_map(SnapshotKey::published).max();
        let alerts = AlertMarks::of(keys.iter()).newest;
        for key in &keys {
            let old = match key {
                SnapshotKey::Snapshot(number) => *number < oldest_kept,
                SnapshotKey::Published(number) => *number < oldest_kept && Some(*number) != published,
                // Only a run that has mended what such a mark stands for may take it away, and it does.
                SnapshotKey::Publishing(..) => false,
                SnapshotKey::Alerts(number) => number.saturating_add(ALERTS_KEPT) <= alerts,
                SnapshotKey::AlertsSettled(number, settled) => *number < alerts || settled.until < now,
            };
            if old {
                collected.snapshots.push(self.layout.catalog(*key).to_string());
            }
        }
        for key in self.list(&self.layout.versions_folder()).await? {
            match self.layout.parse_version(&key) {
                // Another shard speaks for its own names; what this program did not write is left alone.
                Some((name, _, _)) if !self.layout.shard().holds(&name) => {}
                Some((name, _, _)) if shared.contains(&name) => collected.versions_kept += 1,
                // Without a snapshot nothing says what is needed: the catalog was lost, not the documents.
                Some(_) if numbers.is_empty() => collected.versions_kept += 1,
                Some((name, version, at)) if at < border && !named.contains(&(name.clone(), version.clone())) => {
                    collected.versions.push(key.to_string());
                }
                Some(_) => collected.versions_kept += 1,
                None => {}
            }
        }
        for run in self.reports().await? {
            if run.time() < now.minus(keep.reports) {
                collected.reports.push(self.layout.report(run).to_string());
            }
        }
        if let Some(durability) = &self.durability {
            collected.remainders = durability.remainders(border, sweep).await?;
        }
        if sweep == Sweep::Delete {
            // Snapshots first: none may stay that names what is taken away next.
            for group in [&collected.snapshots, &collected.versions, &collected.reports] {
                self.delete_all(group).await?;
            }
        }
        Ok(collected)
    }

    async fn list(&self, folder: &Path) -> Result<Vec<Path>, StoreError> {
        let listing = self.objects.list(Some(folder)).map_ok(|meta| meta.location);
        let keys: Vec<Path> = listing.try_collect().await.map_err(|error| failed("list", folder, error))?;
        self.count((keys.len() as u64).div_ceil(1000).max(1));
        Ok(keys)
    }

    async fn delete_all(&self, keys: &[String]) -> Result<(), StoreError> {
        let paths: Vec<_> = keys.iter().map(|key| Ok(Path::from(key.as_str()))).collect();
        self.count((keys.len() as u64).div_ceil(1000));
        let mut deleted = self.objects.delete_stream(stream::iter(paths).boxed());
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(ObjectError::NotFound { .. }) => {}
                Err(error) => return Err(failed("delete", &self.layout.versions_folder(), error)),
            }
        }
        Ok(())
    }

    /// What a disk has beside the plain copies that it does not list (`NAME#0`), and that no run of the last hour can
    /// still be at.
    pub(crate) async fn remainders_beside_copies(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let Some(durability) = &self.durability else { return Ok(Vec::new()) };
        let found = durability.remainders(now.minus(LONGEST_PUBLICATION), Sweep::List).await?;
        let folder = format!("/{}/", self.layout.latest_folder());
        Ok(found.into_iter().filter_map(|path| path.split_once(&folder).map(|(_, rest)| rest.to_owned())).collect())
    }

    /// The plain copies that are there, by the part of their key after `latest/`.
    pub async fn copies(&self) -> Result<Vec<String>, StoreError> {
        let folder = self.layout.latest_folder();
        let prefix = format!("{folder}/");
        let keys = self.list(&folder).await?;
        Ok(keys.iter().filter_map(|key| key.as_ref().strip_prefix(&prefix).map(str::to_owned)).collect())
    }

    /// The report in which a run of the catalog ended, if it is still kept.
    pub async fn report_if_kept(&self, run: RunId) -> Result<Option<crate::decision::Report>, StoreError> {
        match self.report(run).await {
            Ok(report) => Ok(Some(report)),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
