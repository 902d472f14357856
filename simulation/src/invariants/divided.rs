//! What must hold while the names are divided among shards: of the catalogs together, whichever there are.

use std::collections::BTreeMap;

use bytes::Bytes;
use sigcache_core::{Entry, Name, store::SnapshotKey};

use super::{Ledger, Verdict, Violation, copies_of, decoded, marks_only_rise, violated};
use crate::disk::{Change, Content};

/// What may become of entries while there are several shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// They move, and stay what they are.
    Moves,
    /// Runs change them.
    Runs,
}

impl Ledger {
    /// The names are about to be divided among shards: from now on it is all of these together that counts.
    pub fn begin_to_divide(&mut self, content: &Content) -> Verdict {
        self.divided = Some((newest_of_all(content)?, Phase::Moves));
        Ok(())
    }

    /// Whether they are.
    pub fn is_divided(&self) -> bool {
        self.divided.is_some()
    }

    /// Entries move.
    pub fn nothing_may_change(&mut self) {
        self.divided.iter_mut().for_each(|divided| divided.1 = Phase::Moves);
    }

    /// Runs follow.
    pub fn marks_may_rise(&mut self) {
        self.divided.iter_mut().for_each(|divided| divided.1 = Phase::Runs);
    }

    /// Whatever moves and whatever fails: all shards together know of each name what was known before, or what a run has
    /// made of it; a mark never falls, and no snapshot is written over.
    pub(super) fn nothing_is_forgotten(&mut self, change: &Change, content: &Content) -> Verdict {
        const NAME: &str = "nothing is forgotten by reshard";
        let Some((known, phase)) = &mut self.divided else { return Ok(()) };
        let Some((folder, number)) = any_snapshot(&change.key) else { return Ok(()) };
        if let Some(bytes) = &change.after {
            if change.before.is_some() || !change.conditional {
                return violated("snapshots are created once", format!("{} was written over", change.key));
            }
            let next = decoded(bytes, folder, number)?;
            self.named.extend(next.entries().flat_map(|(name, entry)| copies_of(name, entry)));
        }
        let now = self::known(content)?;
        for (name, before) in known.iter_mut() {
            let keeps = |after: &&Entry| match phase {
                Phase::Moves => {
                    let told = |entry: &Entry| {
                        let Entry { receipt, standing, mark, checked_at, replaced, permit, .. } = entry.clone();
                        (receipt, standing, mark, checked_at, replaced, permit)
                    };
                    told(before) == told(after)
                }
                Phase::Runs => marks_only_rise(0, name, before, Some(*after)).is_ok(),
            };
            let Some(after) = now.get(name).and_then(|entries| entries.iter().find(keeps)) else {
                let found =
                    format!("{name} was {before:?} and is {:?} after a change of {}", now.get(name), change.key);
                return violated(NAME, found);
            };
            *before = after.clone();
        }
        Ok(())
    }
}

/// The folder and the number of the snapshot that lies under `key`, of whichever shard.
fn any_snapshot(key: &str) -> Option<(&str, u64)> {
    let (folder, file) = key.strip_prefix("catalog/")?.split_once('/')?;
    Some((folder, SnapshotKey::parse(file)?.snapshot()?))
}

/// What the newest snapshots of all shards that are there know, however they divide the names.
pub(crate) fn known(content: &Content) -> Result<BTreeMap<Name, Vec<Entry>>, Violation> {
    let mut newest: BTreeMap<&str, (u64, &Bytes)> = BTreeMap::new();
    let catalogs = content.objects.range("catalog/".to_owned()..).take_while(|(key, _)| key.starts_with("catalog/"));
    for (key, object) in catalogs {
        if let Some((folder, number)) = any_snapshot(key)
            && newest.get(folder).is_none_or(|(other, _)| *other < number)
        {
            newest.insert(folder, (number, &object.bytes));
        }
    }
    let mut known: BTreeMap<Name, Vec<Entry>> = BTreeMap::new();
    for (folder, (number, bytes)) in newest {
        for (name, entry) in decoded(bytes, folder, number)?.entries() {
            known.entry(name.clone()).or_default().push(entry.clone());
        }
    }
    Ok(known)
}

/// The same, where each name is known once.
fn newest_of_all(content: &Content) -> Result<BTreeMap<Name, Entry>, Violation> {
    Ok(known(content)?.into_iter().filter_map(|(name, entries)| Some((name, entries.into_iter().next()?))).collect())
}
