//! The names of a store are divided among another number of shards, by a command that is killed and repeated and whose
//! requests fail; then each shard has its runs.
//!
//! It comes behind the end of a history, when nothing else is under way: so says the contract of `reshard`.

use std::sync::{Arc, Mutex, PoisonError, atomic::Ordering};

use futures_util::FutureExt as _;
use sigcache_core::{
    RunId, Timestamp,
    audit::Auditor,
    run::{Runner, Selection},
    store::{Bucket, Keep, Resharded, Shard, Store as _, StoreError, Sweep},
};

use super::{Audited, Ended, History, Millis, NAMES, Violation, has_passed};
use crate::{
    invariants::{self, at_once},
    origin::{Mood, Route},
    scheduler::{HOUR, Process, at},
    wire::Wire,
};

/// What became of a command, once it has ended.
type Answer = Arc<Mutex<Option<Result<Resharded, StoreError>>>>;

fn broken(invariant: &'static str, found: impl Into<String>) -> Violation {
    Violation { invariant, found: found.into() }
}

impl History {
    /// Two divisions, and runs after each.
    pub(super) fn divide(&mut self) -> Result<(), Violation> {
        self.ledger.begin_to_divide(&self.disk.content())?;
        for _ in 0..2 {
            let count = self.scheduler.roll(|dice| *dice.pick(&[1, 2, 3, 5]));
            self.divide_among(count)?;
            self.shards_read(count)?;
            self.run_shards(count)?;
            self.shards_read(count)?;
        }
        Ok(())
    }

    /// Attempts that are cut off, some of them for another number, and one that is not.
    fn divide_among(&mut self, count: u32) -> Result<(), Violation> {
        self.ledger.nothing_may_change();
        for _ in 0..self.scheduler.roll(|dice| dice.below(3)) {
            let (weather, other, events) =
                self.scheduler.roll(|dice| (*dice.pick(&[0, 30, 200]), *dice.pick(&[count, count, 4]), dice.below(60)));
            self.weather.store(weather, Ordering::Relaxed);
            let (process, _) = self.reshard(other);
            for _ in 0..events {
                self.advance(Millis::MAX / 2)?;
            }
            self.scheduler.log(|| format!("{} is killed", self.scheduler.name(process.actor)));
            self.processes.remove(&process.actor);
            self.scheduler.kill(process.actor);
            // What it had sent arrives.
            self.wait(HOUR)?;
        }
        self.weather.store(0, Ordering::Relaxed);
        let (_, answer) = self.reshard(count);
        self.wait(HOUR)?;
        match answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Ok(_)) => {}
            other => return Err(broken("a sound reshard ends well", format!("{other:?}"))),
        }
        let there = at_once(self.bucket_of(Shard::WHOLE).shards()).unwrap_or_default();
        let expected: Vec<Shard> = Shard::all(count).into_iter().flatten().collect();
        if there != expected {
            return Err(broken("a store has one number of shards", format!("{there:?} and not {count}")));
        }
        Ok(())
    }

    fn reshard(&mut self, count: u32) -> (Process, Answer) {
        let (process, bucket, now) = self.process("reshard");
        let nonce = self.scheduler.roll(|dice| dice.any());
        let answer = Answer::default();
        let told = answer.clone();
        self.scheduler.log(|| format!("{} divides among {count}", self.scheduler.name(process.actor)));
        self.begin(&process, async move {
            let result = bucket.reshard(count, RunId::new(now, nonce), now).await;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            Ended::Other
        });
        (process, answer)
    }

    /// A view of one shard as it is now.
    fn bucket_of(&self, shard: Shard) -> Bucket {
        Bucket::new(Arc::new(Wire::window(&self.scheduler, &self.disk)))
            .with_shard(shard)
            .with_publish(self.ledger.publish)
    }

    /// A run of each shard while the mirrors serve old versions and requests fail, `gc`, and a sound run; then all is as it
    /// is at the source, and an audit passes.
    fn run_shards(&mut self, count: u32) -> Result<(), Violation> {
        self.ledger.marks_may_rise();
        for name in NAMES {
            if self.scheduler.roll(|dice| dice.chance(500)) {
                self.publish(name, 20 * HOUR);
            }
            for mirror in 0..2 {
                let mood = if self.scheduler.roll(|dice| dice.chance(600)) { Mood::Frozen } else { Mood::Good };
                self.origin.set_mood(name, mirror, mood);
                self.origin.catch_up(name, mirror);
            }
        }
        let weather = self.scheduler.roll(|dice| *dice.pick(&[0, 30, 200]));
        self.weather.store(weather, Ordering::Relaxed);
        self.sync_shards(count)?;
        self.weather.store(0, Ordering::Relaxed);
        for shard in Shard::all(count).into_iter().flatten() {
            let (process, bucket, now) = self.process_of("gc", shard);
            let mut keep = Keep::default();
            keep.snapshots = 1;
            self.begin(&process, async move {
                drop(bucket.gc(&keep, now, Sweep::Delete).await);
                Ended::Other
            });
        }
        self.wait(HOUR)?;
        for name in NAMES {
            // Both say how long they may be served, or were confirmed too long ago.
            if name == "b" || name == "c" {
                self.publish(name, 20 * HOUR);
            }
            for mirror in 0..2 {
                self.origin.set_mood(name, mirror, Mood::Good);
                self.origin.catch_up(name, mirror);
            }
        }
        self.sync_shards(count)?;
        let truth = NAMES.map(|name| (name, self.origin.newest(name).expect("each was published").bytes));
        let known = invariants::known(&self.disk.content())?;
        let entries = || known.iter().flat_map(|(name, known)| known.iter().map(move |entry| (name, entry)));
        self.ledger.is_as_at_the_source(entries(), &truth)?;
        self.ledger.copies_are_of(entries(), &self.disk.content())?;
        self.audit_shards(count)
    }

    fn sync_shards(&mut self, count: u32) -> Result<(), Violation> {
        for shard in Shard::all(count).into_iter().flatten() {
            let (process, bucket, _) = self.process_of("sync", shard);
            let (now, nonce) = (at(self.scheduler.now()), self.scheduler.roll(|dice| dice.any()));
            let route = Route {
                actor: process.actor,
                scheduler: self.scheduler.clone(),
                origin: self.origin.clone(),
                weather: self.weather.clone(),
            };
            let runner = Runner::new(Arc::new(route), bucket, Arc::new(process.clone()));
            let runner = runner.with_removal_limit(1.0).with_shard(shard);
            let resources = self.ledger.resources.clone();
            let run = RunId::new(now, nonce);
            self.ledger.runs.insert(run, invariants::Begun { actor: process.actor, with_d: true });
            self.begin(&process, async move {
                drop(runner.sync(&resources, &Selection::All, now, nonce).await);
                Ended::Other
            });
        }
        self.wait(HOUR)
    }

    fn process_of(&mut self, kind: &'static str, shard: Shard) -> (Process, Arc<Bucket>, Timestamp) {
        let (process, _, now) = self.process(kind);
        let wire = Wire::new(&self.scheduler, &self.disk, process.actor, &self.weather);
        let bucket = Bucket::new(Arc::new(wire)).with_part_size(1024).with_publish(self.ledger.publish);
        (process, Arc::new(bucket.with_shard(shard)), now)
    }

    fn audit_shards(&mut self, count: u32) -> Result<(), Violation> {
        for shard in Shard::all(count).into_iter().flatten() {
            let (process, bucket, _) = self.process_of("audit", shard);
            let (now, nonce) = (at(self.scheduler.now()), self.scheduler.roll(|dice| dice.any()));
            let resources = self.ledger.resources.clone();
            let answer = Audited::default();
            let told = answer.clone();
            let auditor = Auditor::new(bucket, Arc::new(process.clone()));
            let work = async move {
                let result = auditor.audit(&resources, now, nonce).await;
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                Ended::Other
            };
            self.begin(&process, work.boxed());
            self.wait(HOUR)?;
            has_passed(answer.lock().unwrap_or_else(PoisonError::into_inner).take())?;
        }
        Ok(())
    }

    /// Each name is in its own shard, and its last good copy is readable there.
    fn shards_read(&self, count: u32) -> Result<(), Violation> {
        let now = self.scheduler.now();
        for shard in Shard::all(count).into_iter().flatten() {
            let bucket = self.bucket_of(shard);
            let catalog =
                at_once(bucket.catalog()).map_err(|error| broken("readers find the newest", error.chain()))?;
            if let Some((name, _)) = catalog.entries().find(|(name, _)| !shard.holds(name)) {
                return Err(broken("each name is in its shard", format!("{name} is in {shard}")));
            }
            for (name, entry) in catalog.entries() {
                self.ledger.good_copy_is_readable(&bucket, name, entry, now)?;
            }
        }
        Ok(())
    }
}
