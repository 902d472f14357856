//! The catalog: what the cache holds, as numbered, immutable snapshots; and how changes are merged into one.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    sync::Arc,
};

use bytes::Bytes;
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};

use crate::{
    decision::RunId,
    digest::Digest,
    entry::{Entry, Last, Permit, REMEMBERED_VERSIONS, Standing},
    evidence::Mark,
    name::Name,
    receipt::Receipt,
    time::Timestamp,
};

/// The most bytes of a snapshot, unpacked. About 1,500,000 resources; use shards long before.
pub const MAX_SNAPSHOT_BYTES: u64 = 1 << 30;

/// The version of the snapshot format that this library writes and reads.
const FORMAT: u32 = 1;

/// One snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    format: u32,
    shard: Arc<str>,
    sequence: u64,
    /// The run that wrote it; absent only in the empty catalog of a new store.
    run: Option<RunId>,
    at: Timestamp,
    /// When this store last showed that of two creates of one key the second fails.
    conditional_create: Option<Timestamp>,
    entries: BTreeMap<Name, Entry>,
    /// Up to which snapshot the plain copies were brought, as far as the listing showed. Not part of the snapshot.
    #[serde(skip)]
    published: u64,
}

/// What a run wants to change about one resource.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Change {
    /// The resource.
    pub name: Name,
    /// The digest of the copy that the change was decided on; `None` where there was none.
    pub base: Option<Digest>,
    /// What to change.
    pub kind: ChangeKind,
    /// How the run ended for it.
    pub last: Last,
}

impl Change {
    /// A change to `name` that was decided while the catalog knew `entry` of it.
    pub fn new(name: Name, entry: Option<&Entry>, kind: ChangeKind, last: Last) -> Self {
        let base = entry.and_then(|entry| entry.receipt.as_ref()).map(|receipt| receipt.evidence.digest);
        Self { name, base, kind, last }
    }
}

/// What to change about a resource.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ChangeKind {
    /// A new version was verified and sealed.
    Store {
        /// Why it is trusted, and where it lies.
        receipt: Arc<Receipt>,
        /// Until then the source need not be asked again.
        fresh_until: Option<Timestamp>,
    },
    /// A source confirmed the stored version as the current one, at the time of the run.
    Confirm {
        /// Until then the source need not be asked again.
        fresh_until: Option<Timestamp>,
        /// The receipt with what the source newly said of it (validators); the version stays.
        receipt: Option<Arc<Receipt>>,
    },
    /// Nothing but how the run ended.
    Note,
    /// The copy may no longer be served.
    Withhold,
    /// The copy may be served again.
    Restore,
    /// The resource left the configuration.
    Remove,
    /// A person allowed the next version to be older.
    Permit(Permit),
}

impl Catalog {
    /// The catalog of a store that has none yet.
    pub fn empty(shard: &str) -> Self {
        Self {
            format: FORMAT,
            shard: shard.into(),
            sequence: 0,
            run: None,
            at: Timestamp::from_millis(0),
            conditional_create: None,
            entries: BTreeMap::new(),
            published: 0,
        }
    }

    /// Its number; 0 for the empty one of a new store.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The run that wrote it.
    pub fn run(&self) -> Option<RunId> {
        self.run
    }

    /// The time of that run.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// What is known of a resource.
    pub fn get(&self, name: &Name) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Everything that is known, by name.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&Name, &Entry)> {
        self.entries.iter()
    }

    pub(super) fn published(&self) -> u64 {
        self.published
    }

    pub(super) fn set_published(&mut self, sequence: u64) {
        self.published = sequence;
    }

    pub(super) fn conditional_create(&self) -> Option<Timestamp> {
        self.conditional_create
    }

    pub(super) fn set_conditional_create(&mut self, at: Timestamp) {
        self.conditional_create = Some(at);
    }

    /// The next snapshot: `changes` made to this one. Returns the resources whose change was left out because another
    /// run had committed something newer since it was decided.
    pub fn apply(&mut self, changes: &[Change], run: RunId, at: Timestamp) -> Vec<Name> {
        self.sequence += 1;
        self.run = Some(run);
        self.at = self.at.max(at);
        let sequence = self.sequence;
        let mut overtaken = Vec::new();
        for change in changes {
            let entry = self.entries.entry(change.name.clone()).or_insert_with(|| Entry::new(change.last));
            if !entry.take(change, sequence, at) {
                overtaken.push(change.name.clone());
            }
        }
        overtaken
    }

    /// The snapshot as it is stored: JSON, packed with gzip.
    pub fn encode(&self) -> Bytes {
        // Writing to memory and serialising these types cannot fail; if it did, an empty snapshot is refused by every
        // reader, so nothing would be believed that is not so.
        let pack = || -> std::io::Result<Vec<u8>> {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            serde_json::to_writer(std::io::BufWriter::with_capacity(32 * 1024, &mut packer), self)?;
            packer.write_all(b"\n")?;
            packer.finish()
        };
        pack().unwrap_or_default().into()
    }

    /// Reads a stored snapshot. It is as untrusted as anything in the store: what it says is believed only as far as
    /// the signatures in it hold.
    pub fn decode(bytes: &[u8], shard: &str, sequence: u64) -> Result<Self, String> {
        let mut unpacked = GzDecoder::new(bytes).take(MAX_SNAPSHOT_BYTES);
        let reader = std::io::BufReader::with_capacity(32 * 1024, &mut unpacked);
        let catalog: Self = serde_json::from_reader(reader).map_err(|error| error.to_string())?;
        if !unpacked.into_inner().into_inner().is_empty() {
            return Err("something stands behind the snapshot".to_owned());
        }
        if catalog.format != FORMAT {
            return Err(format!("format {}, but this program knows only {FORMAT}", catalog.format));
        }
        if catalog.sequence != sequence || *catalog.shard != *shard {
            let (found, number) = (&catalog.shard, catalog.sequence);
            return Err(format!("it says it is snapshot {number} of {found}, not {sequence} of {shard}"));
        }
        Ok(catalog)
    }
}

impl Entry {
    /// Makes one change. False if another run committed something newer since the change was decided.
    fn take(&mut self, change: &Change, sequence: u64, at: Timestamp) -> bool {
        let current = self.receipt.as_ref().map(|receipt| receipt.evidence.digest);
        let taken = match &change.kind {
            ChangeKind::Store { receipt, fresh_until } => {
                let same = current == Some(receipt.evidence.digest);
                // The judgement may have rested on a permit that another run has used up since.
                let fallen = self.permit.is_none() && self.outranks(receipt.evidence.mark);
                if !same && (fallen || current != change.base && self.is_newer_than(receipt)) {
                    false
                } else {
                    self.store(receipt.clone(), sequence);
                    self.confirm(at, *fresh_until);
                    true
                }
            }
            // What a source said about a version that is no longer the current one says nothing about this one, and
            // where there is no version nothing can be served.
            ChangeKind::Confirm { .. } | ChangeKind::Withhold | ChangeKind::Restore
                if current != change.base || current.is_none() =>
            {
                false
            }
            ChangeKind::Confirm { fresh_until, receipt } => {
                if let Some(receipt) = receipt {
                    self.receipt = Some(receipt.clone());
                }
                self.confirm(at, *fresh_until);
                self.stand(Standing::Live, sequence);
                true
            }
            ChangeKind::Restore => {
                self.stand(Standing::Live, sequence);
                true
            }
            ChangeKind::Withhold => {
                self.stand(Standing::Withheld, sequence);
                true
            }
            ChangeKind::Remove => {
                self.stand(Standing::Removed, sequence);
                true
            }
            ChangeKind::Permit(permit) => {
                self.permit = Some(permit.clone());
                // Otherwise the source might answer "not modified" and the older version never be looked at.
                self.fresh_until = None;
                true
            }
            ChangeKind::Note => true,
        };
        if taken {
            // The order of the commits decides, not that of the runs' times: clocks are set back, and two runs can
            // begin in the same instant.
            self.last = change.last;
        }
        taken
    }

    /// Whether storing a version with `mark` would be a step back, or one that cannot be told from it.
    fn outranks(&self, mark: Option<Mark>) -> bool {
        self.mark.is_some_and(|high| mark.is_none_or(|mark| mark.is_older_than(high) != Some(false)))
    }

    /// Whether the stored version must stand against `other`, which was decided on an older snapshot: the higher mark
    /// wins, and without marks the later verification.
    fn is_newer_than(&self, other: &Receipt) -> bool {
        let Some(receipt) = &self.receipt else { return false };
        match (self.mark, other.evidence.mark) {
            (Some(mine), Some(theirs)) if mine != theirs => theirs.is_older_than(mine).unwrap_or(true),
            (Some(_), None) => true,
            _ => receipt.verified_at >= other.verified_at,
        }
    }

    fn store(&mut self, receipt: Arc<Receipt>, sequence: u64) {
        let permitted = self.permit.take().is_some();
        if permitted {
            self.replaced.clear();
        }
        if let Some(before) = self.receipt.take()
            && before.evidence.digest != receipt.evidence.digest
            && !permitted
        {
            self.replaced.push(before.evidence.digest);
        }
        self.replaced.retain(|digest| *digest != receipt.evidence.digest);
        let surplus = self.replaced.len().saturating_sub(REMEMBERED_VERSIONS);
        self.replaced.drain(..surplus);
        self.mark = match (self.mark, receipt.evidence.mark) {
            (Some(high), Some(mark)) if !permitted && mark.is_older_than(high) == Some(true) => Some(high),
            (Some(high), None) if !permitted => Some(high),
            (_, mark) => mark,
        };
        self.receipt = Some(receipt);
        self.standing = Standing::Live;
        self.changed_in = sequence;
    }

    fn confirm(&mut self, at: Timestamp, fresh_until: Option<Timestamp>) {
        self.checked_at = self.checked_at.max(Some(at));
        self.fresh_until = fresh_until;
    }

    fn stand(&mut self, standing: Standing, sequence: u64) {
        if self.standing != standing {
            self.standing = standing;
            self.changed_in = sequence;
        }
    }
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
