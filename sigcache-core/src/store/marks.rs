//! What the marks beside the snapshots say of the plain copies.

use super::{SnapshotKey, publish::LONGEST_PUBLICATION};
use crate::time::Timestamp;

/// Something in the folder of snapshots, and when the store says that it was written.
pub(super) type Listed = (SnapshotKey, Timestamp);

/// Whether a plain copy is up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Copied {
    /// It is.
    Yes,
    /// It was not, and a run has been at it since then.
    UnderWay(Timestamp),
    /// It is not.
    Behind,
}

/// The marks of publication beside a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CopyMarks {
    /// Up to which snapshot the copies are right, whatever runs that were cut off may still do.
    published: u64,
    /// Up to which snapshot they were made last, and when that was done.
    made: Option<(u64, Timestamp)>,
    /// Of runs that have not come to their end, so far.
    unfinished: Vec<SnapshotKey>,
    /// When the snapshot itself was written, by the store's clock.
    written: Option<Timestamp>,
}

impl CopyMarks {
    /// Those of the snapshot `sequence`.
    pub(super) fn read(listed: &[Listed], sequence: u64) -> Self {
        // A mark above this snapshot is of a catalog that was set back since.
        let whole = listed.iter().filter_map(|(key, at)| Some((key.published()?, *at)));
        let made = whole.filter(|(number, _)| *number <= sequence).max();
        let unfinished = listed.iter().map(|(key, _)| *key).filter(|key| matches!(key, SnapshotKey::Publishing(..)));
        let unfinished: Vec<SnapshotKey> = unfinished.collect();
        let begun = unfinished.iter().filter_map(|key| match key {
            SnapshotKey::Publishing(number, _) => Some(*number),
            _ => None,
        });
        let published = made.and_then(|(number, _)| begun.chain([number]).min()).unwrap_or(0);
        let snapshot = listed.iter().find(|(key, _)| *key == SnapshotKey::Snapshot(sequence));
        Self { published, made, unfinished, written: snapshot.map(|(_, at)| *at) }
    }

    /// Those that a publication of the snapshot `sequence` leaves.
    pub(super) fn whole(&mut self, sequence: u64) {
        self.published = sequence;
    }

    /// Whether `other` says the same, of the very same snapshot: who wrote over it afterwards changed what nobody may change.
    /// When the copies were made is of no account unless a run may have been cut off.
    pub(super) fn agree(&self, other: &Self) -> bool {
        let marks = |marks: &Self| (marks.published, marks.unfinished.clone(), marks.written);
        marks(self) == marks(other) && (self.unfinished.is_empty() || self.made == other.made)
    }

    pub(super) fn published(&self) -> u64 {
        self.published
    }

    pub(super) fn unfinished(&self) -> &[SnapshotKey] {
        &self.unfinished
    }

    /// When the publications began that have not come to their end.
    fn begun(&self) -> impl Iterator<Item = Timestamp> {
        self.unfinished.iter().filter_map(|key| match key {
            SnapshotKey::Publishing(_, run) => Some(run.time()),
            _ => None,
        })
    }

    /// When the oldest publication began that was cut off and that nobody has mended yet.
    pub(super) fn cut_off(&self, now: Timestamp) -> Option<Timestamp> {
        let mended = |began: &Timestamp| self.made.is_some_and(|(_, at)| at >= began.plus(LONGEST_PUBLICATION));
        self.begun().filter(|began| now.since(*began) > LONGEST_PUBLICATION && !mended(began)).min()
    }

    /// Whether the copy of what changed in the snapshot `changed_in` is up to date.
    ///
    /// What a run that was cut off may have left is copied again for hours, in case that one of its requests is still on its
    /// way. For who looks at it the copy is right once it was made after all that such a run may do.
    pub(super) fn copied(&self, changed_in: u64, now: Timestamp) -> Copied {
        if changed_in <= self.published {
            return Copied::Yes;
        }
        let under_way = self.begun().filter(|began| now.since(*began) <= LONGEST_PUBLICATION).max();
        match under_way {
            Some(began) => Copied::UnderWay(began),
            None if self.cut_off(now).is_none() && self.made.is_some_and(|(number, _)| changed_in <= number) => {
                Copied::Yes
            }
            None => Copied::Behind,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{SnapshotKey::*, *};
    use crate::decision::RunId;

    #[test]
    fn a_publication_that_was_cut_off_is_told_until_a_later_one_has_made_its_copies_anew() {
        let at = |minutes: u64| Timestamp::from_millis(1_790_000_000_000).plus(Duration::from_secs(60 * minutes));
        let marks = |listed: &[Listed]| CopyMarks::read(listed, 9);
        let cut = Publishing(4, RunId::new(at(0), 1));

        // While it may be at it, that is said, and after that it is behind.
        let before = marks(&[(Published(4), at(0)), (cut, at(0))]);
        assert_eq!(before.copied(4, at(1)), Copied::Yes);
        assert_eq!(before.copied(5, at(60)), Copied::UnderWay(at(0)));
        assert_eq!(before.copied(5, at(61)), Copied::Behind);
        assert_eq!((before.cut_off(at(60)), before.cut_off(at(61))), (None, Some(at(0))));

        // What was made while it may have been at it may have been overwritten.
        let early = marks(&[(Published(5), at(59)), (cut, at(0))]);
        assert_eq!(early.copied(5, at(61)), Copied::Behind);
        let after = marks(&[(Published(5), at(60)), (cut, at(0))]);
        assert_eq!((after.copied(5, at(61)), after.copied(6, at(61))), (Copied::Yes, Copied::Behind));
        assert_eq!((after.cut_off(at(61)), after.published()), (None, 4), "it is copied again all the same");

        // Another one that is at it now says nothing of what was made before it.
        let again = marks(&[(Published(5), at(60)), (cut, at(0)), (Publishing(4, RunId::new(at(120), 2)), at(120))]);
        assert_eq!(again.copied(5, at(121)), Copied::UnderWay(at(120)));
        assert_eq!(again.copied(5, at(181)), Copied::Behind);
        // A mark above the snapshot is of another catalog.
        assert_eq!(marks(&[(Published(12), at(60))]).copied(1, at(61)), Copied::Behind);
    }
}
