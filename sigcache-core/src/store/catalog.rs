//! The catalog: what the cache holds, as numbered, immutable snapshots; and how changes are merged into one.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    sync::Arc,
};

use bytes::Bytes;
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};

use super::{
    Copied, SnapshotKey,
    alerts::AlertMarks,
    marks::{CopyMarks, Listed},
};
use crate::{
    decision::RunId,
    digest::Digest,
    entry::{Entry, Last, Permit, REMEMBERED_VERSIONS, Standing},
    evidence::Mark,
    name::Name,
    receipt::{Receipt, Validators},
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
    #[serde(deserialize_with = "super::shared::entries")]
    entries: BTreeMap<Name, Entry>,
    /// What the listing showed of the plain copies. Not part of the snapshot.
    #[serde(skip)]
    copies: CopyMarks,
    /// What the listing showed of the state of alerting. Not part of the snapshot.
    #[serde(skip)]
    alerts: AlertMarks,
}

/// What a run wants to change about one resource.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Change {
    /// The resource.
    pub name: Name,
    /// The digest of the copy that the change was decided on; `None` where there was none.
    pub base: Option<Digest>,
    /// When that copy had been confirmed last. Another time in the catalog means that another run has confirmed it since.
    pub confirmed: Option<Timestamp>,
    /// What to change.
    pub kind: ChangeKind,
    /// How the run ended for it.
    pub last: Last,
    /// The set that was found together, this being a part of it: new versions of it are taken all, or none of them.
    pub set: Option<Arc<str>>,
}

impl Change {
    /// A change to `name` that was decided while the catalog knew `entry` of it.
    pub fn new(name: Name, entry: Option<&Entry>, kind: ChangeKind, last: Last) -> Self {
        let base = entry.and_then(|entry| entry.receipt.as_ref()).map(|receipt| receipt.evidence.digest);
        Self { name, base, confirmed: entry.and_then(|entry| entry.checked_at), kind, last, set: None }
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
        /// What else the source said.
        heard: Heard,
    },
    /// A source confirmed the stored version as the current one, at the time of the run.
    Confirm {
        /// What else the source said.
        heard: Heard,
        /// Which source it was and what it said, where that is not what the receipt says; the version stays.
        said: Option<Box<Said>>,
    },
    /// Nothing but how the run ended.
    Note,
    /// The copy may no longer be served.
    Withhold,
    /// The copy may no longer be served, as no source has confirmed it for too long; unless another run has by now.
    Lapse,
    /// The copy may be served again.
    Restore,
    /// The resource left the configuration.
    Remove,
    /// A person allowed the next version to be older.
    Permit(Permit),
}

/// What a source said beside the document, at the time of the run. None of it is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// Until then the source need not be asked again.
    pub fresh_until: Option<Timestamp>,
    /// When the certificate ends that its server showed.
    pub tls_until: Option<Timestamp>,
}

impl Heard {
    /// The source need not be asked again before `until`.
    pub fn fresh_until(until: Timestamp) -> Self {
        Self { fresh_until: Some(until), tls_until: None }
    }
}

/// What a source said when it confirmed a version, to be sent back to it and to no other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Said {
    /// The source.
    pub source: Arc<str>,
    /// What to send with the next request to it.
    pub validators: Validators,
}

impl Said {
    /// `source` said this.
    pub fn new(source: Arc<str>, validators: Validators) -> Self {
        Self { source, validators }
    }
}

impl Change {
    fn is_new_version(&self) -> bool {
        matches!(self.kind, ChangeKind::Store { .. })
    }
}

impl ChangeKind {
    /// Whether it changes what is served, or what may come next, and not only how fresh it is.
    pub(crate) fn is_decisive(&self) -> bool {
        !matches!(self, Self::Confirm { .. } | Self::Note)
    }
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
            copies: CopyMarks::default(),
            alerts: AlertMarks::default(),
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

    /// Up to which snapshot the plain copies are right, whatever runs that were cut off may still do.
    pub(super) fn published(&self) -> u64 {
        self.copies.published()
    }

    /// Whether the plain copy of `name` is up to date, where plain copies are kept.
    pub fn copied(&self, name: &Name, now: Timestamp) -> Copied {
        self.get(name).map_or(Copied::Yes, |entry| self.copies.copied(entry.changed_in, now))
    }

    /// When a publication began that was cut off, and that no later one has mended yet.
    pub fn publication_cut_off(&self, now: Timestamp) -> Option<Timestamp> {
        self.copies.cut_off(now)
    }

    /// Marks that runs left which have not come to their end, so far.
    pub(super) fn unfinished(&self) -> &[SnapshotKey] {
        self.copies.unfinished()
    }

    /// What was known of the state of alerting when this was loaded.
    #[cfg(feature = "alerts")]
    pub(crate) fn alerts(&self) -> &AlertMarks {
        &self.alerts
    }

    /// All plain copies are up to date with this snapshot.
    pub(crate) fn was_published(&mut self) {
        self.copies.whole(self.sequence);
    }

    /// Takes over what the marks beside this snapshot say.
    pub(super) fn read_marks(&mut self, listed: &[Listed]) {
        self.alerts = AlertMarks::of(listed.iter().map(|(key, _)| key));
        self.copies = CopyMarks::read(listed, self.sequence);
    }

    /// Whether the listing shows this very snapshot, and says of the plain copies what it said before.
    pub(super) fn stands_in(&self, listed: &[Listed]) -> bool {
        self.copies.agree(&CopyMarks::read(listed, self.sequence))
    }

    /// Takes over what the marks said when `before` was loaded: what they say now is as much, or more.
    pub(super) fn keep_marks(&mut self, before: Self) {
        self.copies = before.copies;
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
        self.at = at;
        let sequence = self.sequence;
        let mut overtaken = Vec::new();
        let torn = self.torn(changes);
        for change in changes {
            let entry = self.entries.entry(change.name.clone()).or_insert_with(|| Entry::new(change.last));
            let torn = change.is_new_version() && change.set.as_ref().is_some_and(|set| torn.contains(set));
            if torn || !entry.take(change, sequence, at) {
                overtaken.push(change.name.clone());
            }
        }
        overtaken
    }

    /// The sets that would be taken in part. Where another run has committed something newer of one resource, the new
    /// versions of the others were found beside one that is not served any more; the next run finds them beside the newer.
    fn torn(&self, changes: &[Change]) -> BTreeSet<Arc<str>> {
        let found = changes.iter().filter_map(|change| Some((change, change.set.as_ref()?)));
        let other = found.filter(|(change, _)| {
            let entry = self.entries.get(&change.name);
            match &change.kind {
                ChangeKind::Store { receipt, .. } => {
                    entry.is_some_and(|entry| entry.stands_against(receipt, change.base))
                }
                _ => entry.and_then(Entry::digest) != change.base,
            }
        });
        other.map(|(_, set)| set.clone()).collect()
    }

    /// Its entries alone.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (Name, Entry)> {
        self.entries.into_iter()
    }

    /// The next snapshot: with entries of other catalogs, which say by `changed_in` above 0 that their plain copies are
    /// behind. `None` if there is nothing new in them, and this is not the empty catalog.
    pub(super) fn with_moved(
        mut self,
        moved: impl Iterator<Item = (Name, Entry)>,
        run: RunId,
        at: Timestamp,
    ) -> Option<Self> {
        self.sequence += 1;
        let mut changed = self.sequence == 1;
        for (name, mut entry) in moved {
            let behind = entry.changed_in > 0;
            entry.changed_in = if behind { self.sequence } else { 0 };
            match self.entries.get_mut(&name) {
                Some(known) => {
                    let before = known.clone();
                    known.outlast(entry);
                    if known.receipt != before.receipt {
                        known.changed_in = self.sequence;
                    }
                    changed |= *known != before;
                }
                None => {
                    self.entries.insert(name, entry);
                    changed = true;
                }
            }
        }
        (self.run, self.at) = (Some(run), at);
        changed.then_some(self)
    }

    /// The snapshot as it is stored: JSON, packed with gzip.
    ///
    /// Fails where it would be larger than any reader takes.
    pub fn encode(&self) -> std::io::Result<Bytes> {
        let mut packer = Bounded { inner: GzEncoder::new(Vec::new(), Compression::fast()), left: MAX_SNAPSHOT_BYTES };
        serde_json::to_writer(std::io::BufWriter::with_capacity(32 * 1024, &mut packer), self)?;
        packer.write_all(b"\n")?;
        Ok(packer.inner.finish()?.into())
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

/// Passes on so many bytes and no more.
struct Bounded<W> {
    inner: W,
    left: u64,
}

impl<W: std::io::Write> std::io::Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.left = self.left.checked_sub(written as u64).ok_or_else(|| {
            std::io::Error::other(format!("a snapshot of more than {MAX_SNAPSHOT_BYTES} bytes; use more shards"))
        })?;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl Entry {
    /// Makes one change. False if another run committed something newer since the change was decided.
    pub(crate) fn take(&mut self, change: &Change, sequence: u64, at: Timestamp) -> bool {
        let current = self.digest();
        let since = self.checked_at.filter(|_| self.checked_at != change.confirmed);
        let taken = match &change.kind {
            ChangeKind::Store { receipt, heard } => {
                if self.stands_against(receipt, change.base) {
                    false
                } else {
                    let same = current == Some(receipt.evidence.digest);
                    self.store(receipt.clone(), sequence);
                    self.confirm(at, *heard, since.filter(|_| same));
                    true
                }
            }
            // What a source said about a version that is no longer the current one says nothing about this one, and
            // where there is no version nothing can be served.
            ChangeKind::Confirm { .. } | ChangeKind::Withhold | ChangeKind::Lapse | ChangeKind::Restore
                if current != change.base || current.is_none() =>
            {
                false
            }
            ChangeKind::Confirm { heard, said } => {
                if let (Some(receipt), Some(said)) = (&mut self.receipt, said) {
                    let receipt = Arc::make_mut(receipt);
                    (receipt.source, receipt.validators) = (said.source.clone(), said.validators.clone());
                }
                self.confirm(at, *heard, since);
                self.stand(Standing::Live, sequence);
                true
            }
            ChangeKind::Restore => {
                self.stand(Standing::Live, sequence);
                true
            }
            ChangeKind::Lapse if since.is_some() => false,
            ChangeKind::Withhold | ChangeKind::Lapse => {
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

    fn digest(&self) -> Option<Digest> {
        self.receipt.as_ref().map(|receipt| receipt.evidence.digest)
    }

    /// Whether what is stored must stand against another version, which was decided on where `base` was the stored one.
    fn stands_against(&self, receipt: &Receipt, base: Option<Digest>) -> bool {
        let same = self.digest() == Some(receipt.evidence.digest);
        // The judgement may have rested on a permit that another run has used up since.
        let fallen = self.permit.is_none() && self.outranks(receipt.evidence.mark);
        !same && (fallen || self.digest() != base && self.is_newer_than(receipt))
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
        // The same bytes again are not the step back that a person allowed.
        let same = self.receipt.as_ref().is_some_and(|before| before.evidence.digest == receipt.evidence.digest);
        let permitted = !same && self.permit.take().is_some();
        // Gone back, the publisher may come to the versions in between once more. Something new is no such step.
        let went_back = permitted && self.replaced.contains(&receipt.evidence.digest);
        if went_back {
            self.replaced.clear();
        }
        if let Some(before) = self.receipt.take() {
            if !same && !went_back {
                self.replaced.push(before.evidence.digest);
            }
            self.leave_behind(&before, &receipt);
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

    /// Remembers where plain copies of companions lie that the new version does not have.
    fn leave_behind(&mut self, before: &Receipt, now: &Receipt) {
        let suffixes =
            |receipt: &Receipt| receipt.companions.iter().map(|kept| kept.suffix.clone()).collect::<Vec<_>>();
        let current = suffixes(now);
        self.former.extend(suffixes(before));
        self.former.sort_unstable();
        self.former.dedup();
        self.former.retain(|suffix| !current.contains(suffix));
    }

    /// A source confirmed the copy at `at`; another run had done so at `since`, after this change was decided.
    fn confirm(&mut self, at: Timestamp, heard: Heard, since: Option<Timestamp>) {
        // A slow run must not let the copy expire before its time.
        if since.is_some_and(|since| since > at) {
            return;
        }
        // Otherwise not the latest of all: a run whose clock was ahead would keep the copy fresh until then.
        self.checked_at = Some(at);
        (self.fresh_until, self.tls_until) = (heard.fresh_until, heard.tls_until);
    }

    /// Becomes the newer of two entries of one resource: by the mark, then by when the copy was verified, then by when it
    /// was confirmed. Of two that are alike it stays what it is.
    pub(super) fn outlast(&mut self, other: Self) {
        let mark = match (self.mark, other.mark) {
            (Some(mine), Some(theirs)) if mine.is_older_than(theirs) == Some(true) => Some(theirs),
            (mine, theirs) => mine.or(theirs),
        };
        let age = |entry: &Self| (entry.receipt.as_ref().map(|receipt| receipt.verified_at), entry.checked_at);
        let newer = match (self.mark, other.mark) {
            (Some(mine), Some(theirs)) if mine != theirs => mine.is_older_than(theirs) == Some(true),
            _ => age(&other) > age(self),
        };
        let (changed_in, mut former) = (self.changed_in.max(other.changed_in), self.former.clone());
        former.extend(other.former.iter().cloned());
        former.sort_unstable();
        former.dedup();
        if newer {
            *self = other;
            self.changed_in = changed_in;
        }
        (self.mark, self.former) = (mark, former);
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
