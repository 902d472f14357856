//! Another number of shards.
//!
//! The catalogs of all shards that are there, however divided, are merged into those of the new number; only when each of
//! those stands, the others are taken away, the oldest snapshots first. So whatever fails in between, what is known is
//! still there, and the same command again finishes it. Versions and plain copies stay where they are. What was alerted
//! about is forgotten with the shard that knew it: what still is so is told once more.

use std::collections::BTreeMap;

use super::{Bucket, Catalog, Shard, SnapshotKey, StoreError};
use crate::{decision::RunId, entry::Entry, name::Name, time::Timestamp};

/// What became of a division into shards.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Resharded {
    /// Into how many shards the names were divided; more than one number where an earlier attempt was cut off.
    pub from: Vec<u32>,
    /// Into how many they are divided now.
    pub to: u32,
    /// How many resources the catalogs know.
    pub resources: usize,
}

impl Bucket {
    /// Divides the names of this store among `count` shards, whichever shard this bucket looks after.
    ///
    /// No run may be under way: one that commits to a shard that is being taken away brings that back, and from then on
    /// every command refuses the store, until this one is run again and takes what it committed over. May be repeated.
    /// Not atomic: readers find the store divided in two ways as long as it lasts, and refuse it.
    pub async fn reshard(&self, count: u32, run: RunId, at: Timestamp) -> Result<Resharded, StoreError> {
        let Some(shards) = Shard::all(count) else { return Err(StoreError::ShardCount { asked: count }) };
        let there = self.shards().await?;
        let old: Vec<Shard> = there.iter().copied().filter(|shard| shard.count() != count).collect();
        let mut from: Vec<u32> = there.iter().map(|shard| shard.count()).collect();
        from.dedup();
        let mut known: BTreeMap<Name, Entry> = BTreeMap::new();
        let mut read: Vec<(Bucket, u64)> = Vec::new();
        for shard in &old {
            let bucket = self.of_shard(*shard);
            // Without a snapshot, an earlier attempt had come as far as taking this one away.
            let catalog = bucket.newest().await?;
            read.push((bucket, catalog.as_ref().map_or(0, Catalog::sequence)));
            for (name, entry) in catalog.into_iter().flat_map(moved) {
                merge(&mut known, name, entry);
            }
        }
        let mut resources = known.len();
        for shard in shards {
            resources += self.of_shard(shard).take_over(&known, run, at).await?;
        }
        for (bucket, sequence) in read {
            bucket.take_away(sequence).await?;
        }
        Ok(Resharded { from, to: count, resources })
    }

    /// Merges what this shard holds of `known` into its catalog. Returns how many it had that are not in `known`.
    async fn take_over(&self, known: &BTreeMap<Name, Entry>, run: RunId, at: Timestamp) -> Result<usize, StoreError> {
        let shard = self.layout().shard();
        loop {
            let base = self.newest().await?.unwrap_or_else(|| Catalog::empty(&shard.folder()));
            // Of an anchor every shard has a copy, and it counts once.
            let own = |(name, _): &(&Name, &Entry)| shard.holds(name) && !known.contains_key(name);
            let own = base.entries().filter(own).count();
            let ours = known.iter().filter(|(name, entry)| shard.holds(name) || is_anchor(entry));
            let ours = ours.map(|(name, entry)| (name.clone(), entry.clone()));
            match base.with_moved(ours, run, at) {
                None => return Ok(own),
                Some(mut next) => {
                    if next.conditional_create().is_none() {
                        self.probe(run).await?;
                        next.set_conditional_create(at);
                    }
                    if self.create_snapshot(&next, run).await?.is_none() {
                        return Ok(own);
                    }
                }
            }
        }
    }

    /// Takes this shard's catalog away, unless it has a newer snapshot than that by now.
    async fn take_away(&self, sequence: u64) -> Result<(), StoreError> {
        let mut keys = self.snapshots().await?;
        if keys.iter().filter_map(SnapshotKey::snapshot).any(|number| number > sequence) {
            // Somebody is at work here; what he committed is found the next time.
            return Err(StoreError::Contended { tries: 1 });
        }
        // One after the other, the newest snapshot last: what is left when this is cut off is still the newest. Without
        // its marks it only says of more plain copies that they may be behind.
        keys.sort_by_key(|key| key.snapshot());
        for key in keys {
            self.remove(&self.layout().catalog(key)).await?;
        }
        Ok(())
    }
}

/// The entries of a catalog, for one with other numbers. What the plain copies are behind with is to be copied there.
fn moved(catalog: Catalog) -> impl Iterator<Item = (Name, Entry)> {
    let published = catalog.published();
    catalog.into_entries().map(move |(name, mut entry)| {
        entry.changed_in = u64::from(entry.changed_in > published);
        (name, entry)
    })
}

/// Several shards know one resource where it is an anchor, or where an earlier attempt was cut off.
fn merge(known: &mut BTreeMap<Name, Entry>, name: Name, entry: Entry) {
    match known.get_mut(&name) {
        Some(other) => other.outlast(entry),
        None => drop(known.insert(name, entry)),
    }
}

/// Every shard has its own copy of an anchor.
fn is_anchor(entry: &Entry) -> bool {
    entry.receipt.as_ref().is_some_and(|receipt| receipt.document.is_some())
}
