//! The rules of the layout that the referee holds every request against. Each answers with the sentence that says
//! which rule is broken.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::{
    digest::Digest,
    entry::{Entry, Standing},
    name::Name,
    store::{Catalog, SnapshotKey},
};

/// What the referee has seen so far.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Everything that is in the store.
    pub(super) objects: BTreeMap<String, Bytes>,
    /// What the test declared as properly signed, and the signatures themselves.
    pub(super) allowed: BTreeSet<Digest>,
    /// The newest snapshot of each shard.
    pub(super) newest: BTreeMap<String, Catalog>,
    /// Every pair of plain copy and content that some snapshot named.
    named: BTreeSet<(String, Digest)>,
    pub(super) requests: BTreeMap<&'static str, u64>,
    pub(super) violations: Vec<String>,
}

/// What a key is.
enum Place<'a> {
    Version,
    Latest,
    Snapshot { shard: &'a str, number: u64 },
    Published { shard: &'a str, number: u64 },
    Publishing,
    Alerts,
    AlertsSettled,
    Report,
    Probe,
}

fn place(key: &str) -> Option<Place<'_>> {
    let (folder, rest) = key.split_once('/')?;
    match folder {
        "versions" => Some(Place::Version),
        "latest" => Some(Place::Latest),
        "runs" => Some(Place::Report),
        "probe" => Some(Place::Probe),
        "catalog" => {
            let (shard, file) = rest.split_once('/')?;
            Some(match SnapshotKey::parse(file)? {
                SnapshotKey::Snapshot(number) => Place::Snapshot { shard, number },
                SnapshotKey::Published(number) => Place::Published { shard, number },
                SnapshotKey::Publishing(..) => Place::Publishing,
                SnapshotKey::Alerts(_) => Place::Alerts,
                SnapshotKey::AlertsSettled(..) => Place::AlertsSettled,
            })
        }
        _ => None,
    }
}

/// Whether a write replaces what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Overwrite,
    Create,
}

impl Book {
    /// Holds a complete object against the rules before it becomes visible.
    pub(super) fn before_write(&self, key: &str, bytes: &Bytes, mode: Mode) -> Result<(), String> {
        let before = self.objects.get(key);
        if mode == Mode::Create && before.is_some() {
            return Ok(()); // the store itself refuses it
        }
        match place(key).ok_or_else(|| format!("{key} is not a key of the layout"))? {
            Place::Version => {
                if before.is_some_and(|before| before != bytes) {
                    return Err(format!("{key} is immutable and was overwritten with other bytes"));
                }
                self.must_be_signed(key, bytes)
            }
            Place::Latest => {
                self.must_be_signed(key, bytes)?;
                if self.named.contains(&(key.to_owned(), Digest::of(bytes))) {
                    return Ok(());
                }
                Err(format!("{key} got bytes that no committed snapshot names for it"))
            }
            Place::Snapshot { shard, number } => {
                if mode != Mode::Create {
                    return Err(format!("{key} was not written with a conditional create"));
                }
                self.snapshot(key, shard, number, bytes)
            }
            Place::Published { shard, number } => {
                let newest = self.newest.get(shard).map_or(0, Catalog::sequence);
                if number == 0 || number > newest {
                    return Err(format!("{key} says that snapshot {number} was published, but the newest is {newest}"));
                }
                Ok(())
            }
            Place::Alerts if mode != Mode::Create => Err(format!("{key} was not written with a conditional create")),
            Place::Alerts | Place::AlertsSettled | Place::Publishing | Place::Report | Place::Probe => Ok(()),
        }
    }

    /// Takes a write that happened into the book.
    pub(super) fn after_write(&mut self, key: &str, bytes: Bytes) {
        if let Some(Place::Snapshot { shard, number }) = place(key) {
            let catalog = Catalog::decode(&bytes, shard, number).expect("the rules decoded it before");
            for (name, entry) in catalog.entries() {
                let Some(receipt) = entry.live() else { continue };
                self.named.insert((format!("latest/{name}"), receipt.evidence.digest));
                for kept in &receipt.companions {
                    self.named.insert((format!("latest/{name}{}", kept.suffix), Digest::of(&kept.bytes)));
                }
            }
            self.newest.insert(shard.to_owned(), catalog);
        }
        self.objects.insert(key.to_owned(), bytes);
    }

    /// Holds a deletion against the rules.
    pub(super) fn before_delete(&self, key: &str) -> Result<(), String> {
        let live = || self.newest.values().flat_map(Catalog::entries).filter_map(|(name, e)| Some((name, e.live()?)));
        match place(key).ok_or_else(|| format!("{key} is not a key of the layout"))? {
            Place::Version => match live().find(|(name, r)| format!("versions/{name}/{}", r.version) == key) {
                Some((name, _)) => Err(format!("{key} was deleted while the newest snapshot serves it as {name}")),
                None => Ok(()),
            },
            Place::Latest => match live().find(|(name, _)| format!("latest/{name}") == key) {
                Some((name, _)) => Err(format!("{key} was deleted while the newest snapshot serves {name}")),
                None => Ok(()),
            },
            Place::Snapshot { shard, number } if self.newest.get(shard).is_some_and(|c| c.sequence() == number) => self
                .known_elsewhere(shard)
                .map_err(|what| format!("{key} is the newest snapshot, {what}, and was deleted")),
            Place::Snapshot { .. } | Place::Published { .. } | Place::Publishing => Ok(()),
            Place::Alerts | Place::AlertsSettled | Place::Report | Place::Probe => Ok(()),
        }
    }

    /// Takes a deletion that happened into the book.
    pub(super) fn after_delete(&mut self, key: &str) {
        if let Some(Place::Snapshot { shard, number }) = place(key)
            && self.newest.get(shard).is_some_and(|catalog| catalog.sequence() == number)
        {
            self.newest.remove(shard);
        }
        self.objects.remove(key);
    }

    /// Whether all that the newest snapshot of a shard knows is known in others of another division, with marks no lower.
    fn known_elsewhere(&self, shard: &str) -> Result<(), String> {
        let count = |shard: &str| shard.split("-of-").nth(1).map(str::to_owned);
        let others =
            || self.newest.iter().filter(|(other, _)| count(other) != count(shard)).map(|(_, catalog)| catalog);
        for (name, entry) in self.newest.get(shard).into_iter().flat_map(Catalog::entries) {
            let same = |other: &Entry| {
                mark_holds("", name, entry, Some(other)).is_ok() && entry.receipt.is_some() <= other.receipt.is_some()
            };
            if !others().filter_map(|catalog| catalog.get(name)).any(same) {
                return Err(format!("the only one that knows {name}"));
            }
        }
        Ok(())
    }

    fn must_be_signed(&self, key: &str, bytes: &[u8]) -> Result<(), String> {
        if self.allowed.contains(&Digest::of(bytes)) {
            return Ok(());
        }
        Err(format!("{key} holds {} bytes that nobody signed", bytes.len()))
    }

    fn snapshot(&self, key: &str, shard: &str, number: u64, bytes: &Bytes) -> Result<(), String> {
        let before = self.newest.get(shard);
        let next = before.map_or(0, Catalog::sequence) + 1;
        if number != next {
            return Err(format!("{key} was created, but the next snapshot is number {next}"));
        }
        let catalog = Catalog::decode(bytes, shard, number).map_err(|error| format!("{key} is unreadable: {error}"))?;
        for (name, entry) in catalog.entries() {
            self.named_version(key, name, entry)?;
        }
        for (name, old) in before.into_iter().flat_map(Catalog::entries) {
            mark_holds(key, name, old, catalog.get(name))?;
        }
        Ok(())
    }

    /// What a snapshot names is there, exactly.
    fn named_version(&self, key: &str, name: &Name, entry: &Entry) -> Result<(), String> {
        let Some(receipt) = entry.receipt.as_ref().filter(|_| entry.standing != Standing::Removed) else {
            return Ok(());
        };
        let version = format!("versions/{name}/{}", receipt.version);
        let bytes = self.objects.get(&version).ok_or_else(|| format!("{key} names {version}, which is not there"))?;
        let evidence = &receipt.evidence;
        if evidence.size != bytes.len() as u64 || evidence.digest != Digest::of(bytes) {
            return Err(format!("{key} names {version} with another digest or size than it has"));
        }
        for kept in &receipt.companions {
            self.must_be_signed(&format!("{key}, in the receipt of {name}{},", kept.suffix), &kept.bytes)?;
        }
        Ok(())
    }
}

/// Marks never fall but by a person's permit.
fn mark_holds(key: &str, name: &Name, old: &Entry, new: Option<&Entry>) -> Result<(), String> {
    let Some(high) = old.mark.filter(|_| old.permit.is_none()) else { return Ok(()) };
    let Some(mark) = new.and_then(|entry| entry.mark) else {
        return Err(format!("{key} forgot the mark of {name} ({high})"));
    };
    match mark.is_older_than(high) {
        Some(false) => Ok(()),
        _ => Err(format!("{key} lowered the mark of {name} from {high} to {mark} without a permit")),
    }
}
