//! What must hold after every step, one function each.
//!
//! The ledger knows what happened from outside: what was signed, which runs there were, and every snapshot in the
//! order in which they came to be. It believes nothing that the core says of itself.

mod divided;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use sigcache_core::{
    Digest, Entry, Name, Outcome, Reason, Report, Resource, RunId, Standing,
    judge::{self, State},
    read::{self, ReadError},
    store::{Bucket, Catalog, Publish, SnapshotKey, StoreError},
};

use self::divided::Phase;
pub(crate) use self::divided::known;
use crate::{
    disk::{Change, Content},
    origin::Origin,
    scheduler::{ActorId, HOUR, MINUTE, Millis, at},
};

/// A sentence that says which invariant is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The name of the invariant.
    pub invariant: &'static str,
    /// What was found.
    pub found: String,
}

type Verdict = Result<(), Violation>;

fn violated(invariant: &'static str, found: impl Into<String>) -> Verdict {
    Err(Violation { invariant, found: found.into() })
}

/// How long a snapshot that was replaced must still be readable in full, and how long a run may be under way.
const GRACE: Millis = 12 * HOUR;

/// What happened so far.
pub struct Ledger {
    /// What the origin signed, by name, and the signatures.
    pub signed: BTreeSet<(String, Digest)>,
    /// Each run.
    pub runs: BTreeMap<RunId, Begun>,
    /// Every snapshot that ever stood.
    pub snapshots: BTreeMap<u64, Known>,
    /// Every pair of plain copy and content that some snapshot named.
    named: BTreeSet<(String, Digest)>,
    /// Resources as they are configured, `d` included.
    pub resources: Vec<Resource>,
    /// How far a clock may be off, at most.
    pub clocks: Millis,
    /// Two resources of one set, where there is one.
    pub set: Option<[&'static str; 2]>,
    /// Whether plain copies are kept.
    pub publish: Publish,
    /// Once names are divided among shards: what is known of each, and what may become of it.
    divided: Option<(BTreeMap<Name, Entry>, Phase)>,
}

/// A run that began.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    /// Its process.
    pub actor: ActorId,
    /// Whether `d` was in its configuration.
    pub with_d: bool,
}

/// A snapshot that stood.
pub struct Known {
    /// It.
    pub catalog: Catalog,
    /// When the next one came.
    pub replaced: Option<Millis>,
}

impl Ledger {
    /// Nothing has happened so far. No clock is off by more than `clocks`.
    pub fn new(resources: Vec<Resource>, clocks: Millis) -> Self {
        Self {
            signed: BTreeSet::new(),
            runs: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            named: BTreeSet::new(),
            resources,
            clocks,
            set: None,
            publish: Publish::Copies,
            divided: None,
        }
    }

    /// Declares a document and its signature as properly signed for `name`.
    pub fn sign(&mut self, name: &str, document: &[u8], signature: &[u8]) {
        self.signed.insert((name.to_owned(), Digest::of(document)));
        self.signed.insert((format!("{name}.sig"), Digest::of(signature)));
    }

    /// The snapshot that stands.
    pub fn newest(&self) -> Option<&Catalog> {
        self.snapshots.last_key_value().map(|(_, known)| &known.catalog)
    }

    /// Holds one change of the store against everything that must hold.
    pub fn check_change(&mut self, change: &Change, content: &Content, origin: &Origin, now: Millis) -> Verdict {
        self.only_signed_bytes_are_visible(change)?;
        versions_never_change(change)?;
        self.plain_copies_follow_the_catalog(change)?;
        if self.divided.is_some() {
            return self.nothing_is_forgotten(change, content);
        }
        if let Some(number) = snapshot_number(&change.key) {
            self.snapshots_are_created_once(change, number)?;
            if let Some(bytes) = &change.after {
                let next = self.snapshots_are_whole(number, bytes)?;
                self.numbers_only_rise(number)?;
                if let Some(before) = self.newest() {
                    for (name, old) in before.entries() {
                        let new = next.get(name);
                        marks_only_rise(number, name, old, new)?;
                        versions_only_rise(number, name, old, new)?;
                        self.good_copies_are_not_lost(number, name, old, new, &next)?;
                        self.confirmations_are_not_forgotten(&next, name, old, new, content)?;
                    }
                }
                self.sets_are_of_one_run(number, &next, origin)?;
                self.enter(number, next, now);
            }
        }
        if change.key.starts_with("versions/") && change.after.is_none() || snapshot_number(&change.key).is_some() {
            self.what_is_named_is_there(content, now)?;
        }
        Ok(())
    }

    /// What is served of a set was found by one run at once: no reader gets versions that do not belong together.
    fn sets_are_of_one_run(&self, number: u64, next: &Catalog, origin: &Origin) -> Verdict {
        let served = |name: &str| {
            let entry = next.entries().find(|(known, _)| known.as_str() == name)?.1;
            Some(entry.live()?.evidence.digest)
        };
        let Some([one, other]) = self.set else { return Ok(()) };
        let (Some(first), Some(second)) = (served(one), served(other)) else { return Ok(()) };
        if origin.served_together((one, first), (other, second)) {
            return Ok(());
        }
        let found = format!("snapshot {number} serves versions of {one} and {other} that no run has found together");
        violated("sets are of one run", found)
    }

    fn enter(&mut self, number: u64, next: Catalog, now: Millis) {
        self.named.extend(next.entries().flat_map(|(name, entry)| copies_of(name, entry)));
        if let Some(mut before) = self.snapshots.last_entry() {
            before.get_mut().replaced = Some(now);
        }
        self.snapshots.insert(number, Known { catalog: next, replaced: None });
    }

    /// Nothing unverified is readable: below `versions/` and `latest/` lie only bytes that the origin signed, under the
    /// name for which it signed them.
    fn only_signed_bytes_are_visible(&self, change: &Change) -> Verdict {
        let Some(bytes) = &change.after else { return Ok(()) };
        let name = match change.key.split_once('/') {
            Some(("latest", name)) => name,
            Some(("versions", rest)) => rest.rsplit_once('/').map_or(rest, |(name, _)| name),
            _ => return Ok(()),
        };
        if self.signed.contains(&(name.to_owned(), Digest::of(bytes))) {
            return Ok(());
        }
        violated(
            "only signed bytes are visible",
            format!("{} holds {} bytes that nobody signed", change.key, bytes.len()),
        )
    }

    /// A plain copy only ever holds what a committed snapshot names for it.
    fn plain_copies_follow_the_catalog(&self, change: &Change) -> Verdict {
        let (Some(name), Some(bytes)) = (change.key.strip_prefix("latest/"), &change.after) else { return Ok(()) };
        if self.publish == Publish::Nothing {
            return violated("plain copies are kept only where they are wanted", format!("{} came to be", change.key));
        }
        if self.named.contains(&(name.to_owned(), Digest::of(bytes))) {
            return Ok(());
        }
        violated("plain copies follow the catalog", format!("{} holds what no snapshot names for it", change.key))
    }

    /// A snapshot is never written over, never edited, and the newest one never goes.
    fn snapshots_are_created_once(&self, change: &Change, number: u64) -> Verdict {
        const NAME: &str = "snapshots are created once";
        let newest = self.newest().map(Catalog::sequence);
        match (&change.before, &change.after) {
            (Some(_), Some(_)) => violated(NAME, format!("{} was written over", change.key)),
            (_, None) if newest == Some(number) => violated(NAME, format!("{} is the newest and went", change.key)),
            (None, Some(_)) if !change.conditional => violated(NAME, format!("{} came unconditionally", change.key)),
            _ => Ok(()),
        }
    }

    /// Every reader sees a whole snapshot: what lies under a snapshot's key decodes as the snapshot of that number.
    fn snapshots_are_whole(&self, number: u64, bytes: &Bytes) -> Result<Catalog, Violation> {
        decoded(bytes, "0001-of-0001", number)
    }

    /// Catalog numbers only rise, one by one, and never come back.
    fn numbers_only_rise(&self, number: u64) -> Verdict {
        let next = self.newest().map_or(0, Catalog::sequence) + 1;
        if number == next {
            return Ok(());
        }
        violated("numbers only rise", format!("snapshot {number} came to be, but the next one is {next}"))
    }

    /// What is served stays served, until another version takes its place, or it expired by the clock of the run that
    /// withheld it, or left the configuration of the run that removed it.
    fn good_copies_are_not_lost(
        &self,
        number: u64,
        name: &Name,
        old: &Entry,
        new: Option<&Entry>,
        next: &Catalog,
    ) -> Verdict {
        let Some(receipt) = old.live() else { return Ok(()) };
        let standing = new.map_or(Standing::Absent, |entry| entry.standing);
        let run = next.run();
        let resource = self.resources.iter().find(|resource| resource.name == *name);
        let allowed = match (standing, resource, run) {
            (Standing::Live, ..) => true,
            (Standing::Withheld, Some(resource), Some(run)) => {
                let rules = &resource.rules;
                let state = judge::state(receipt, old.checked_at, &rules.trust, &rules.policy, run.time());
                matches!(state, State::Expired(_))
            }
            (Standing::Removed, _, Some(run)) => {
                self.runs.get(&run).is_some_and(|run| !run.with_d) && name.as_str() == "d"
            }
            _ => false,
        };
        if allowed {
            return Ok(());
        }
        let found = format!("snapshot {number} made {name} {standing:?}, which had not expired");
        violated("good copies are not lost", found)
    }

    /// That a copy was confirmed is not forgotten by a run that did not know of it, or the copy would expire before its
    /// time. One that knew may set the time back: a clock may have been ahead. And by as much as clocks differ it may
    /// always fall.
    fn confirmations_are_not_forgotten(
        &self,
        next: &Catalog,
        name: &Name,
        old: &Entry,
        new: Option<&Entry>,
        content: &Content,
    ) -> Verdict {
        let (Some(before), Some(after)) = (old.live(), new.and_then(Entry::live)) else { return Ok(()) };
        let skew = Duration::from_millis(2 * self.clocks);
        let confirmed = new.and_then(|entry| entry.checked_at).map(|time| time.plus(skew));
        if before.evidence.digest != after.evidence.digest || confirmed >= old.checked_at {
            return Ok(());
        }
        let run = next.run().and_then(|run| self.runs.get(&run));
        let base = run.and_then(|run| content.loaded.get(&run.actor)).copied().unwrap_or(0);
        let then = self.snapshots.get(&base).and_then(|known| known.catalog.get(name));
        if then.is_some_and(|entry| entry.checked_at == old.checked_at) {
            return Ok(());
        }
        let found = format!("snapshot {} forgot when {name} was confirmed", next.sequence());
        violated("confirmations are not forgotten", found)
    }

    /// What a snapshot names is there, as long as the snapshot is; and so is what one named that was replaced a short
    /// while ago, since a reader may be at it.
    fn what_is_named_is_there(&self, content: &Content, now: Millis) -> Verdict {
        let mut seen = BTreeSet::new();
        for (number, known) in self.snapshots.iter().rev() {
            let recent = known.replaced.is_none_or(|replaced| now < replaced + GRACE);
            if !recent && !content.objects.contains_key(&snapshot_key(*number)) {
                continue;
            }
            for (name, entry) in known.catalog.entries() {
                let Some(receipt) = entry.copy() else { continue };
                let key = format!("versions/{name}/{}", receipt.version);
                if !seen.insert(key.clone()) {
                    continue;
                }
                let object = content.objects.get(&key);
                if object.is_none_or(|object| Digest::of(&object.bytes) != receipt.evidence.digest) {
                    let found = format!("snapshot {number} names {key}, which is not there");
                    return violated("what is named is there", found);
                }
            }
        }
        Ok(())
    }

    /// A reader that comes now is at the newest snapshot.
    pub fn readers_find_the_newest(&self, found: Result<Catalog, StoreError>) -> Result<Catalog, Violation> {
        let newest = self.newest().map_or(0, Catalog::sequence);
        let found = match found {
            Ok(catalog) if catalog.sequence() == newest => return Ok(catalog),
            Ok(catalog) => format!("it is at snapshot {} and not at {newest}", catalog.sequence()),
            Err(error) => error.chain(),
        };
        Err(Violation { invariant: "readers find the newest", found })
    }

    /// The last good copy of every resource is readable, through the library, until its expiry.
    pub fn good_copies_are_readable(&self, bucket: &Bucket, catalog: &Catalog, now: Millis) -> Verdict {
        let Some(newest) = self.newest() else { return Ok(()) };
        for resource in &self.resources {
            if newest.get(&resource.name).is_some_and(|entry| entry.live().is_some())
                && let Some(entry) = catalog.get(&resource.name)
            {
                self.good_copy_is_readable(bucket, &resource.name, entry, now)?;
            }
        }
        Ok(())
    }

    /// Whether a copy may have expired by now, whichever clock is asked. A confirmation from the future counts for
    /// nothing until its time has come.
    fn is_expired(&self, resource: &Resource, entry: &Entry, now: Millis) -> bool {
        let Some(receipt) = entry.live() else { return true };
        let rules = &resource.rules;
        let state = |now| judge::state(receipt, entry.checked_at, &rules.trust, &rules.policy, at(now));
        let later = matches!(state(now + self.clocks + MINUTE), State::Expired(_));
        later || matches!(state(now), State::Expired(_)) && self.clocks > 5 * MINUTE
    }

    /// The last good copy of one resource is readable.
    pub fn good_copy_is_readable(&self, bucket: &Bucket, name: &Name, entry: &Entry, now: Millis) -> Verdict {
        let Some(resource) = self.resources.iter().find(|resource| resource.name == *name) else { return Ok(()) };
        if self.is_expired(resource, entry, now) {
            return Ok(());
        }
        let read = async { read::read(bucket, resource, entry, at(now)).await?.bytes().await };
        match at_once(read) {
            Ok(bytes) => self.what_is_read_is_signed(resource, &bytes),
            Err(error) => {
                let why = error.failure().map_or_else(|| format!("{error:?}"), ToString::to_string);
                violated("good copies are readable", format!("{name} at {}: {why}", at(now)))
            }
        }
    }

    /// A reader gets only bytes that the origin signed for that name.
    pub fn what_is_read_is_signed(&self, resource: &Resource, bytes: &[u8]) -> Verdict {
        if self.signed.contains(&(resource.name.to_string(), Digest::of(bytes))) {
            return Ok(());
        }
        violated("what is read is signed", format!("{} bytes as {}", bytes.len(), resource.name))
    }

    /// A reader that began when `least` was the newest snapshot is at that one or a later one, exactly as it was
    /// committed.
    pub fn readers_see_whole_snapshots(&self, catalog: &Catalog, least: u64) -> Verdict {
        const NAME: &str = "readers see whole snapshots";
        let number = catalog.sequence();
        if number < least {
            return violated(NAME, format!("snapshot {number}, although {least} stood when it began"));
        }
        let committed = self.snapshots.get(&number).map(|known| &known.catalog);
        if number == 0 || committed.is_some_and(|committed| committed.entries().eq(catalog.entries())) {
            return Ok(());
        }
        violated(NAME, format!("snapshot {number} as it was never committed"))
    }

    /// What a reader could not read had expired, where nothing else can have kept it from it.
    pub fn readers_are_refused_only_what_expired(&self, resource: &Resource, error: &ReadError) -> Verdict {
        match error.failure().map(|failure| failure.reason) {
            Some(Reason::CopyExpired) => Ok(()),
            _ => violated("readers are refused only what expired", format!("{}: {error:?}", resource.name)),
        }
    }

    /// A run that says that it stored a version has committed it.
    pub fn reports_are_true(&self, report: &Report) -> Verdict {
        const NAME: &str = "reports are true";
        for decision in report.decisions.iter().filter(|decision| decision.outcome == Outcome::Stored) {
            let number = report.sequence.unwrap_or(0);
            let known = self.snapshots.get(&number).filter(|known| known.catalog.run() == Some(report.run));
            let Some(known) = known else {
                return violated(NAME, format!("{} says that it committed snapshot {number}", report.run));
            };
            let entry = known.catalog.get(&decision.resource).and_then(Entry::live);
            if entry.map(|receipt| receipt.evidence.digest) != decision.digest {
                return violated(NAME, format!("{} says that it stored {}", report.run, decision.resource));
            }
        }
        Ok(())
    }

    /// Once faults have stopped, one run makes the catalog what the origin says.
    pub fn one_run_converges(&self, truth: &[(&str, Bytes)]) -> Verdict {
        const NAME: &str = "one run converges";
        let Some(newest) = self.newest() else { return violated(NAME, "there is no catalog") };
        self.is_as_at_the_source(newest.entries(), truth)
    }

    /// The same of whichever entries.
    pub fn is_as_at_the_source<'a>(
        &self,
        entries: impl Iterator<Item = (&'a Name, &'a Entry)>,
        truth: &[(&str, Bytes)],
    ) -> Verdict {
        const NAME: &str = "one run converges";
        let entries: BTreeMap<&str, &Entry> = entries.map(|(name, entry)| (name.as_str(), entry)).collect();
        for (name, document) in truth {
            let entry = entries.get(name);
            let live = entry.and_then(|entry| entry.live()).map(|receipt| receipt.evidence.digest);
            if live != Some(Digest::of(document)) {
                return violated(NAME, format!("{name} is not in the catalog as it is at its source: {entry:?}"));
            }
        }
        Ok(())
    }

    /// Once faults have stopped, one run makes the plain copies what the catalog serves: all of it, and nothing else.
    pub fn plain_copies_are_up_to_date(&self, content: &Content) -> Verdict {
        self.copies_are_of(self.newest().into_iter().flat_map(Catalog::entries), content)
    }

    /// The same of whichever entries.
    pub fn copies_are_of<'a>(
        &self,
        entries: impl Iterator<Item = (&'a Name, &'a Entry)>,
        content: &Content,
    ) -> Verdict {
        if self.publish == Publish::Nothing {
            return Ok(());
        }
        let expected = entries.flat_map(|(name, entry)| copies_of(name, entry));
        let expected: BTreeMap<String, Digest> =
            expected.map(|(name, digest)| (format!("latest/{name}"), digest)).collect();
        let plain = content.objects.range("latest/".to_owned()..).take_while(|(key, _)| key.starts_with("latest/"));
        let plain: BTreeMap<String, Digest> =
            plain.map(|(key, object)| (key.clone(), Digest::of(&object.bytes))).collect();
        for key in plain.keys().chain(expected.keys()) {
            if plain.get(key) != expected.get(key) {
                return violated("plain copies are up to date", format!("{key} is not what the catalog serves"));
            }
        }
        Ok(())
    }
}

/// The answer to a look at the store, which takes no time.
pub(crate) fn at_once<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("a window answers at once")
}

/// A version is immutable.
fn versions_never_change(change: &Change) -> Verdict {
    match (change.key.starts_with("versions/"), &change.before, &change.after) {
        (true, Some(_), Some(_)) => violated("versions never change", format!("{} was written over", change.key)),
        _ => Ok(()),
    }
}

/// Nobody is served an older version than before, but by a person's permit.
fn versions_only_rise(number: u64, name: &Name, old: &Entry, new: Option<&Entry>) -> Verdict {
    let mark = |entry: &Entry| entry.copy().and_then(|receipt| receipt.evidence.mark);
    let (Some(before), Some(after)) = (mark(old).filter(|_| old.permit.is_none()), new.and_then(mark)) else {
        return Ok(());
    };
    if after.is_older_than(before) == Some(false) {
        return Ok(());
    }
    violated("versions only rise", format!("snapshot {number} took {name} from {before} back to {after}"))
}

/// Marks only rise, but by a person's permit.
fn marks_only_rise(number: u64, name: &Name, old: &Entry, new: Option<&Entry>) -> Verdict {
    let Some(high) = old.mark.filter(|_| old.permit.is_none()) else { return Ok(()) };
    match new.and_then(|entry| entry.mark) {
        Some(mark) if mark.is_older_than(high) == Some(false) => Ok(()),
        mark => {
            violated("marks only rise", format!("snapshot {number} lowered that of {name} from {high} to {mark:?}"))
        }
    }
}

fn decoded(bytes: &Bytes, shard: &str, number: u64) -> Result<Catalog, Violation> {
    Catalog::decode(bytes, shard, number)
        .map_err(|error| Violation { invariant: "snapshots are whole", found: format!("{number}: {error}") })
}

/// What plain copies an entry has, without the folder.
fn copies_of(name: &Name, entry: &Entry) -> Vec<(String, Digest)> {
    let Some(receipt) = entry.live() else { return Vec::new() };
    let companions = receipt.companions.iter().map(|kept| (format!("{name}{}", kept.suffix), Digest::of(&kept.bytes)));
    [(name.to_string(), receipt.evidence.digest)].into_iter().chain(companions).collect()
}

fn snapshot_key(number: u64) -> String {
    format!("catalog/0001-of-0001/{number:012}.json.gz")
}

/// The number of the snapshot that lies under `key`, if one does.
pub(crate) fn snapshot_number(key: &str) -> Option<u64> {
    key.strip_prefix("catalog/0001-of-0001/").and_then(SnapshotKey::parse)?.snapshot()
}
