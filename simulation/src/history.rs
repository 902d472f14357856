//! One history: what the world does, step by step, and how it ends.

mod shards;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use sigcache_core::{
    Error, Name, OnExpiry, Policy, Report, Resource, Rules, RunId,
    audit::{Auditor, Repairs},
    conformance::Signer,
    pipeline::Asking,
    read::{self, ReadError},
    run::{Runner, Selection},
    store::{Bucket, Catalog, Keep, Publish, Store as _, Sweep},
    trust::Trust,
    verify::{Claims, Detached, Pointer, Verifier},
};

use crate::{
    disk::Disk,
    invariants::{Begun, Ledger, Violation, at_once},
    keyed::Keyed,
    origin::{Mood, NAMES, Origin, Route, Signing, key_of},
    scheduler::{ActorId, HOUR, MINUTE, Millis, Process, Scheduler, at},
    wire::{Weather, Wire},
};

/// How many of the last events are told of a history that failed.
const TOLD: usize = 40;

/// No clock is off by more, but in histories in which clocks jump.
const CLOCKS: Millis = 4 * MINUTE;
/// How far clocks are off in those.
const JUMPS: Millis = 3 * HOUR;

/// What may be a set: `d` leaves the configuration now and then.
const SETS: [[&str; 2]; 3] = [["a", "b"], ["a", "c"], ["b", "c"]];

/// More events than this between two moments mean that something goes in circles.
const MOST_EVENTS: u32 = 50_000;

/// Whether events are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    /// None is.
    None,
    /// All are.
    All,
}

/// What a history that held went through.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Things that happened: tasks that went on, requests that arrived, answers.
    pub events: u64,
    /// Snapshots that were committed.
    pub snapshots: u64,
    /// Runs that began.
    pub runs: u64,
    /// Processes that were killed.
    pub killed: u64,
    /// Everything that was logged.
    pub log: Vec<String>,
}

/// A history in which an invariant was broken.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Its seed.
    pub seed: u64,
    /// How many steps it was to have.
    pub steps: u32,
    /// The step in which it happened.
    pub step: u32,
    /// What was broken.
    pub violation: Violation,
    /// The last events before.
    pub events: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.events {
            writeln!(f, "  {event}")?;
        }
        let Violation { invariant, found } = &self.violation;
        writeln!(f, "seed {}, step {} of {}: broken is \"{invariant}\": {found}", self.seed, self.step, self.steps)?;
        write!(f, "replay it: cargo xtask simulate --seed {} --steps {}", self.seed, self.steps)
    }
}

/// Runs the history of `seed`. One that fails is run once more to tell its events.
pub fn run(seed: u64, steps: u32) -> Result<Summary, Box<Broken>> {
    replay(seed, steps, Logs::None).or_else(|_| replay(seed, steps, Logs::All))
}

/// Runs the history of `seed` once.
pub fn replay(seed: u64, steps: u32, logs: Logs) -> Result<Summary, Box<Broken>> {
    let mut history = History::new(seed, logs);
    let mut step = 0;
    let whole = AssertUnwindSafe(|| {
        for number in 1..=steps {
            step = number;
            history.step()?;
        }
        history.end()
    });
    let verdict = panic::catch_unwind(whole).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Violation { invariant: "nothing panics", found: said.unwrap_or_default() })
    });
    let mut log = history.scheduler.events();
    match verdict {
        Ok(()) => Ok(Summary { log, snapshots: history.ledger.snapshots.len() as u64, ..history.summary }),
        Err(violation) => {
            let events = log.split_off(log.len().saturating_sub(TOLD));
            Err(Box::new(Broken { seed, steps, step, violation, events }))
        }
    }
}

/// How a process came to its end.
enum Ended {
    Sync { run: RunId, result: Result<Report, Error> },
    Reader { least: u64, catalog: Catalog, read: Vec<(Name, Result<Bytes, ReadError>)>, strict: bool },
    Other,
}

/// What an audit said, once it has ended.
type Audited = Arc<Mutex<Option<Result<Report, Error>>>>;

type Endings = Arc<Mutex<Vec<(ActorId, Ended)>>>;

/// One thing that the world does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Sync,
    Read,
    Collect,
    Audit,
    AllowRollback,
    Publish,
    Mood,
    Weather,
    Kill,
    Pause,
    Clock,
    Configure,
    Settle,
    Wait(Millis),
}

const DEEDS: &[(u64, Deed)] = &[
    (34, Deed::Sync),
    (8, Deed::Read),
    (7, Deed::Collect),
    (2, Deed::Audit),
    (1, Deed::AllowRollback),
    (14, Deed::Publish),
    (10, Deed::Mood),
    (6, Deed::Weather),
    (7, Deed::Kill),
    (7, Deed::Pause),
    (3, Deed::Clock),
    (2, Deed::Configure),
    (3, Deed::Settle),
    (8, Deed::Wait(10 * MINUTE)),
    (10, Deed::Wait(4 * HOUR)),
    (3, Deed::Wait(30 * HOUR)),
];

/// What happens in histories in which runs meet each other all the time.
const BUSY: &[(u64, Deed)] = &[
    (40, Deed::Sync),
    (2, Deed::Read),
    (30, Deed::Publish),
    (10, Deed::Kill),
    (8, Deed::Pause),
    (4, Deed::Weather),
    (2, Deed::Mood),
    (6, Deed::Settle),
    (2, Deed::Wait(4 * HOUR)),
];

struct History {
    deeds: &'static [(u64, Deed)],
    scheduler: Scheduler,
    disk: Disk,
    origin: Origin,
    ledger: Ledger,
    weather: Weather,
    /// How far the clock of each machine is off, in milliseconds.
    machines: [i64; 3],
    clocks: Millis,
    /// Whether `d` is in the configuration.
    with_d: bool,
    processes: BTreeMap<ActorId, &'static str>,
    endings: Endings,
    window: Bucket,
    summary: Summary,
    /// The snapshot that a reader found last.
    seen: Catalog,
    /// When readers looked last, and whether versions changed since.
    looked: Millis,
    changed: bool,
}

static KEYS: LazyLock<BTreeMap<&'static str, Trust>> =
    LazyLock::new(|| ["release", "release-c"].map(|id| (id, Signer::new(id).trust())).into());

fn claims(name: &str) -> Claims {
    let pointer = |text: &str| Some(Pointer::new(text).expect("a pointer"));
    let mut claims = Claims::default();
    if name != "c" {
        claims.identity = pointer("/name");
    }
    match name {
        "a" => claims.version = pointer("/version"),
        "b" => (claims.version, claims.expires) = (pointer("/version"), pointer("/expires")),
        "d" => claims.issued = pointer("/issued"),
        _ => {}
    }
    // What `d` says of itself is its time of issue; that it is `d` as well.
    claims
}

fn resource(name: &str, signing: Signing, clocks: Millis, set: Option<[&str; 2]>) -> Resource {
    let claims = claims(name);
    let verifier: Arc<dyn Verifier> = match signing {
        Signing::Keyed => Arc::new(Keyed { claims }),
        Signing::Real => Arc::new(Detached::new(".sig").with_claims(claims)),
    };
    let mut policy = Policy::default();
    policy.on_expiry = OnExpiry::Withhold;
    policy.set = set.filter(|set| set.contains(&name)).map(|_| "together".into());
    if name != "c" {
        policy.identity = Some(name.into());
    } else if clocks == CLOCKS {
        policy.max_stale = Some(Duration::from_secs(9 * 3600));
    }
    let rules = Rules::new(verifier, KEYS[key_of(name)].clone()).with_policy(policy);
    let urls = ["one", "two"].map(|host| format!("https://{host}.example/{name}").parse().expect("a URL"));
    Resource::new(Name::new(name).expect("a name"), urls, Arc::new(rules))
}

fn has_passed(audited: Option<Result<Report, Error>>) -> Result<(), Violation> {
    const NAME: &str = "an audit passes at the end";
    match audited {
        Some(Ok(report)) if report.is_good() => Ok(()),
        Some(Ok(report)) => {
            let bad = report.decisions.iter().find(|decision| !decision.is_good());
            Err(Violation { invariant: NAME, found: bad.map_or_else(String::new, ToString::to_string) })
        }
        other => Err(Violation { invariant: NAME, found: format!("{other:?}") }),
    }
}

fn bucket(wire: Wire, publish: Publish) -> Arc<Bucket> {
    Arc::new(Bucket::new(Arc::new(wire)).with_part_size(1024).with_publish(publish))
}

impl History {
    fn new(seed: u64, logs: Logs) -> Self {
        let scheduler = Scheduler::new(seed, logs == Logs::All);
        let disk = Disk::default();
        let (real, jumpy, busy) = scheduler.roll(|dice| (dice.chance(20), dice.chance(150), dice.chance(400)));
        let signing = if real { Signing::Real } else { Signing::Keyed };
        let clocks = if jumpy { JUMPS } else { CLOCKS };
        // Where runs meet each other, sets are torn.
        let sets = if busy { 800 } else { 300 };
        let set = scheduler.roll(|dice| dice.chance(sets).then(|| *dice.pick(&SETS)));
        let publish = if scheduler.roll(|dice| dice.chance(100)) { Publish::Nothing } else { Publish::Copies };
        let resources = NAMES.iter().map(|name| resource(name, signing, clocks, set)).collect();
        let window = Bucket::new(Arc::new(Wire::window(&scheduler, &disk)));
        let mut ledger = Ledger::new(resources, clocks);
        (ledger.set, ledger.publish) = (set, publish);
        let mut history = Self {
            deeds: if busy { BUSY } else { DEEDS },
            disk,
            origin: Origin::new(signing),
            ledger,
            weather: Arc::new(AtomicU64::new(0)),
            machines: [0; 3],
            clocks,
            with_d: true,
            processes: BTreeMap::new(),
            endings: Arc::default(),
            window,
            summary: Summary::default(),
            seen: Catalog::empty("0001-of-0001"),
            looked: 0,
            changed: false,
            scheduler,
        };
        for name in NAMES {
            history.publish(name, HOUR);
            (0..2).for_each(|mirror| history.origin.catch_up(name, mirror));
        }
        history
    }

    /// One deed of the world, and then some time in which it has its consequences.
    fn step(&mut self) -> Result<(), Violation> {
        let deed = self.scheduler.roll(|dice| dice.weighted(self.deeds));
        self.act(deed)?;
        let events = self.scheduler.roll(|dice| dice.between(0, 40));
        for _ in 0..events {
            if !self.advance(Millis::MAX / 2)? {
                break;
            }
        }
        self.look()
    }

    /// Lets one thing happen and holds everything against the invariants.
    fn advance(&mut self, end: Millis) -> Result<bool, Violation> {
        if self.scheduler.is_idle() && end == Millis::MAX / 2 {
            return Ok(false);
        }
        let more = self.scheduler.advance(end);
        self.summary.events += u64::from(more);
        self.check()?;
        Ok(more)
    }

    fn check(&mut self) -> Result<(), Violation> {
        let changes = std::mem::take(&mut self.disk.content().changes);
        let now = self.scheduler.now();
        for change in &changes {
            self.changed |= change.key.starts_with("versions/");
            self.ledger.check_change(change, &self.disk.content(), &self.origin, now)?;
        }
        let endings = std::mem::take(&mut *self.endings.lock().unwrap_or_else(PoisonError::into_inner));
        for (actor, ended) in endings {
            self.ended(actor, ended)?;
        }
        Ok(())
    }

    fn ended(&mut self, actor: ActorId, ended: Ended) -> Result<(), Violation> {
        let name = self.scheduler.name(actor);
        self.processes.remove(&actor);
        self.scheduler.kill(actor);
        match ended {
            Ended::Sync { run, result } => {
                self.scheduler.log(|| match &result {
                    Ok(report) => {
                        let said: Vec<String> = report
                            .decisions
                            .iter()
                            .map(|d| format!("{} {} {}", d.resource, d.outcome, d.reason))
                            .collect();
                        let (said, number) = (said.join(", "), report.sequence.unwrap_or(0));
                        format!("{name}: ends at snapshot {number}: {said}")
                    }
                    Err(error) => format!("{name}: run {run} could not begin: {error}"),
                });
                result.map_or(Ok(()), |report| self.ledger.reports_are_true(&report))
            }
            Ended::Reader { least, catalog, read, strict } => {
                self.scheduler.log(|| format!("{name}: read {} at snapshot {}", read.len(), catalog.sequence()));
                self.ledger.readers_see_whole_snapshots(&catalog, least)?;
                for (name, read) in read {
                    let resource = self.ledger.resources.iter().find(|resource| resource.name == name);
                    let resource = resource.expect("only what is configured is read");
                    match read {
                        Ok(bytes) => self.ledger.what_is_read_is_signed(resource, &bytes)?,
                        Err(error) if strict => self.ledger.readers_are_refused_only_what_expired(resource, &error)?,
                        Err(_) => {}
                    }
                }
                Ok(())
            }
            Ended::Other => {
                self.scheduler.log(|| format!("{name}: ends"));
                Ok(())
            }
        }
    }

    /// What a reader would find now; as before, where nothing changed since a moment ago.
    fn look(&mut self) -> Result<(), Violation> {
        self.check()?;
        if self.ledger.is_divided() {
            return Ok(());
        }
        let now = self.scheduler.now();
        let newest = self.ledger.newest().map_or(0, Catalog::sequence);
        if self.seen.sequence() != newest {
            self.seen = self.ledger.readers_find_the_newest(at_once(self.window.catalog()))?;
            self.changed = true;
        }
        if self.changed || now >= self.looked + 20 * MINUTE {
            (self.changed, self.looked) = (false, now);
            self.ledger.good_copies_are_readable(&self.window, &self.seen, now)?;
        }
        Ok(())
    }

    fn act(&mut self, deed: Deed) -> Result<(), Violation> {
        match deed {
            Deed::Sync if self.running("sync") < 3 => drop(self.sync(None)),
            Deed::Read => self.read(),
            Deed::Collect if self.running("gc") < 2 => self.collect(),
            Deed::Audit if self.running("audit") < 1 => {
                let repairs =
                    if self.scheduler.roll(|dice| dice.chance(500)) { Repairs::Copies } else { Repairs::None };
                drop(self.audit(repairs));
            }
            Deed::AllowRollback => self.allow_rollback(),
            Deed::Sync | Deed::Collect | Deed::Audit => {}
            Deed::Publish => {
                let name = self.scheduler.roll(|dice| *dice.pick(&NAMES));
                self.publish(name, HOUR);
            }
            Deed::Mood => {
                let (name, mirror, mood) = self.scheduler.roll(|dice| {
                    let good = dice.chance(400);
                    let mood = if good { Mood::Good } else { *dice.pick(&Mood::ALL) };
                    (*dice.pick(&NAMES), dice.below(2) as usize, mood)
                });
                self.scheduler.log(|| format!("mirror {} of {name} is {mood:?}", mirror + 1));
                self.origin.set_mood(name, mirror, mood);
            }
            Deed::Weather => {
                let weather = self.scheduler.roll(|dice| *dice.pick(&[0, 0, 10, 30, 100, 300, 700]));
                self.scheduler.log(|| format!("{weather} of 1000 requests fail"));
                self.weather.store(weather, Ordering::Relaxed);
            }
            Deed::Kill => {
                if let Some(actor) = self.any_process() {
                    self.scheduler.log(|| format!("{} is killed", self.scheduler.name(actor)));
                    self.processes.remove(&actor);
                    self.scheduler.kill(actor);
                    self.summary.killed += 1;
                }
            }
            Deed::Pause => {
                if let Some(actor) = self.any_process() {
                    let reader = self.processes.get(&actor) == Some(&"reader");
                    let span = self.scheduler.roll(|dice| {
                        let longest = *dice.pick(&[5 * MINUTE, 2 * HOUR, 12 * HOUR, 40 * HOUR]);
                        dice.between(1, if reader { longest.min(2 * HOUR) } else { longest })
                    });
                    let name = self.scheduler.name(actor);
                    self.scheduler.log(|| format!("{name} is stopped for {} minutes", span / MINUTE));
                    self.scheduler.pause(actor, span);
                }
            }
            Deed::Clock => {
                let (machine, off) = self.scheduler.roll(|dice| {
                    (dice.below(3) as usize, dice.between(0, 2 * self.clocks) as i64 - self.clocks as i64)
                });
                self.scheduler.log(|| format!("the clock of machine {machine} is off by {} seconds", off / 1000));
                self.machines[machine] = off;
            }
            Deed::Configure => {
                self.with_d = !self.with_d;
                self.scheduler.log(|| format!("d is configured: {}", self.with_d));
            }
            Deed::Settle => self.settle()?,
            Deed::Wait(longest) => {
                let span = self.scheduler.roll(|dice| dice.between(1, longest));
                self.scheduler.log(|| format!("{} minutes pass", span / MINUTE));
                self.wait(span)?;
            }
        }
        Ok(())
    }

    /// Lets time pass, with everything that happens meanwhile.
    fn wait(&mut self, span: Millis) -> Result<(), Violation> {
        let end = self.scheduler.now() + span;
        for _ in 0..MOST_EVENTS {
            if !self.advance(end)? {
                return self.look();
            }
        }
        Err(Violation { invariant: "everything ends", found: "something goes in circles".to_owned() })
    }

    fn running(&self, kind: &str) -> usize {
        self.processes.values().filter(|running| **running == kind).count()
    }

    fn any_process(&self) -> Option<ActorId> {
        let all: Vec<ActorId> = self.processes.keys().copied().collect();
        (!all.is_empty()).then(|| self.scheduler.roll(|dice| *dice.pick(&all)))
    }

    /// A new version, valid for `least` at least where it says so.
    fn publish(&mut self, name: &'static str, least: Millis) {
        let (valid, filler, lags) = self.scheduler.roll(|dice| {
            let mut lag = || if dice.chance(700) { 0 } else { dice.between(1, 3 * HOUR) };
            let lags = [lag(), lag()];
            (dice.between(least, 60 * HOUR), dice.any(), lags)
        });
        let now = self.scheduler.now();
        let version = self.origin.publish(name, now, valid, filler);
        self.ledger.sign(name, &version.bytes, &version.signature);
        self.scheduler.log(|| format!("a new version of {name} is published"));
        for (mirror, lag) in lags.into_iter().enumerate() {
            let origin = self.origin.clone();
            self.scheduler.after(lag, move || origin.catch_up(name, mirror));
        }
    }

    /// A new process of some machine, its store, and its time.
    fn process(&mut self, kind: &'static str) -> (Process, Arc<Bucket>, sigcache_core::Timestamp) {
        let actor = self.scheduler.actor(kind);
        self.processes.insert(actor, kind);
        let machine = self.scheduler.roll(|dice| dice.below(3)) as usize;
        let off = self.machines[machine];
        let now = at(self.scheduler.now().saturating_add_signed(off));
        let wire = Wire::new(&self.scheduler, &self.disk, actor, &self.weather);
        (Process { scheduler: self.scheduler.clone(), actor }, bucket(wire, self.ledger.publish), now)
    }

    fn begin(&self, process: &Process, work: impl Future<Output = Ended> + Send + 'static) {
        let (endings, actor) = (self.endings.clone(), process.actor);
        let ended = work.map(move |ended| {
            endings.lock().unwrap_or_else(PoisonError::into_inner).push((actor, ended));
        });
        self.scheduler.log(|| format!("{} begins", self.scheduler.name(actor)));
        self.scheduler.begin(actor, ended.boxed());
    }

    /// A run begins, with the configuration of this moment and whims of its own; a sound one without whims, and with `d`
    /// or without.
    fn sync(&mut self, sound: Option<bool>) -> (ActorId, RunId) {
        let (process, bucket, mut now) = self.process("sync");
        let whims = self.scheduler.roll(|dice| (dice.chance(100), dice.chance(150), dice.any(), *dice.pick(&NAMES)));
        let (refetch, one, nonce, name) = whims;
        let with_d = sound.unwrap_or(self.with_d);
        let sound = sound.is_some();
        if sound {
            now = at(self.scheduler.now());
        }
        let resources = self.ledger.resources.iter().filter(|resource| with_d || resource.name.as_str() != "d");
        let resources: Vec<Resource> = resources.cloned().collect();
        let selection = if one && !sound {
            Selection::Only(BTreeSet::from([Name::new(name).expect("a name")]))
        } else {
            Selection::All
        };
        let route = Route {
            actor: process.actor,
            scheduler: self.scheduler.clone(),
            origin: self.origin.clone(),
            weather: self.weather.clone(),
        };
        let asking = if refetch && !sound { Asking::Everything } else { Asking::WhatChanged };
        let runner = Runner::new(Arc::new(route), bucket, Arc::new(process.clone()));
        let runner = runner.with_removal_limit(1.0).with_asking(asking);
        let run = RunId::new(now, nonce);
        self.ledger.runs.insert(run, Begun { actor: process.actor, with_d });
        self.summary.runs += 1;
        self.begin(&process, async move {
            let result = runner.sync(&resources, &selection, now, nonce).await;
            Ended::Sync { run, result }
        });
        (process.actor, run)
    }

    fn allow_rollback(&mut self) {
        let (process, bucket, now) = self.process("permit");
        let (nonce, name) = self.scheduler.roll(|dice| (dice.any(), *dice.pick(&NAMES)));
        let route = Route {
            actor: process.actor,
            scheduler: self.scheduler.clone(),
            origin: self.origin.clone(),
            weather: self.weather.clone(),
        };
        let runner = Runner::new(Arc::new(route), bucket, Arc::new(process.clone()));
        self.ledger.runs.insert(RunId::new(now, nonce), Begun { actor: process.actor, with_d: true });
        self.begin(&process, async move {
            let name = Name::new(name).expect("a name");
            // Whatever becomes of it.
            drop(runner.allow_rollback(&name, "they went back", now, nonce).await);
            Ended::Other
        });
    }

    fn read(&mut self) {
        let (process, mut store, _) = self.process("reader");
        let strict = self.scheduler.roll(|dice| dice.chance(700));
        if strict {
            let wire = Wire::new(&self.scheduler, &self.disk, process.actor, &Weather::default());
            store = bucket(wire, self.ledger.publish);
        }
        let least = self.ledger.newest().map_or(0, Catalog::sequence);
        let resources = self.ledger.resources.clone();
        let scheduler = self.scheduler.clone();
        self.begin(&process, async move {
            let Ok(catalog) = store.catalog().await else { return Ended::Other };
            let mut found = Vec::new();
            for resource in &resources {
                let Some(entry) = catalog.get(&resource.name).filter(|entry| entry.live().is_some()) else { continue };
                let now = at(scheduler.now());
                let read = async { read::read(&*store, resource, entry, now).await?.bytes().await };
                found.push((resource.name.clone(), read.await));
            }
            Ended::Reader { least, catalog, read: found, strict }
        });
    }

    fn collect(&mut self) {
        let (process, bucket, now) = self.process("gc");
        let mut keep = Keep::default();
        keep.snapshots = self.scheduler.roll(|dice| dice.between(1, 6)) as usize;
        keep.span = Duration::ZERO;
        keep.reports = Duration::from_secs(48 * 3600);
        self.begin(&process, async move {
            drop(bucket.gc(&keep, now, Sweep::Delete).await);
            Ended::Other
        });
    }

    fn audit(&mut self, repairs: Repairs) -> Audited {
        let (process, bucket, theirs) = self.process("audit");
        let nonce = self.scheduler.roll(|dice| dice.any());
        // What it writes bears the time of its machine; what it finds is held against the true one.
        let now = if repairs == Repairs::Copies { theirs } else { at(self.scheduler.now()) };
        let resources = self.ledger.resources.clone();
        let answer = Arc::new(Mutex::new(None));
        let told = answer.clone();
        let auditor = Auditor::new(bucket, Arc::new(process.clone())).with_repairs(repairs);
        self.begin(&process, async move {
            let result = auditor.audit(&resources, now, nonce).await;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            Ended::Other
        });
        answer
    }

    /// Everybody is killed, faults stop for a while, and one run puts the plain copies right, whatever the origin does.
    fn settle(&mut self) -> Result<(), Violation> {
        self.scheduler.log(|| "all processes are killed, and faults stop for a while".to_owned());
        let weather = self.weather.swap(0, Ordering::Relaxed);
        for actor in std::mem::take(&mut self.processes).into_keys() {
            self.scheduler.kill(actor);
        }
        self.wait(30 * MINUTE)?;
        self.sound_run(self.with_d)?;
        self.ledger.plain_copies_are_up_to_date(&self.disk.content())?;
        self.weather.store(weather, Ordering::Relaxed);
        Ok(())
    }

    /// Faults stop. What is under way ends, or is killed; then one sound run puts everything right.
    fn end(&mut self) -> Result<(), Violation> {
        self.weather.store(0, Ordering::Relaxed);
        self.scheduler.log(|| "faults stop".to_owned());
        let killed = self.scheduler.roll(|dice| dice.chance(500));
        for actor in std::mem::take(&mut self.processes).into_keys() {
            self.scheduler.resume(actor);
            if killed {
                self.scheduler.kill(actor);
            }
        }
        self.wait(45 * HOUR)?;
        for name in NAMES {
            let again = name == "b" || name == "c" || self.scheduler.roll(|dice| dice.chance(300));
            if again {
                self.publish(name, 20 * HOUR);
            }
            for mirror in 0..2 {
                self.origin.set_mood(name, mirror, Mood::Good);
                self.origin.catch_up(name, mirror);
            }
        }
        self.sound_run(true)?;
        let truth = NAMES.map(|name| (name, self.origin.newest(name).expect("each was published").bytes));
        self.ledger.one_run_converges(&truth)?;
        self.ledger.plain_copies_are_up_to_date(&self.disk.content())?;
        let answer = self.audit(Repairs::None);
        self.wait(HOUR)?;
        has_passed(answer.lock().unwrap_or_else(PoisonError::into_inner).take())?;
        // A set whose resources are in several shards is in no run as a whole.
        if self.ledger.set.is_none() && self.scheduler.roll(|dice| dice.chance(250)) {
            return self.divide();
        }
        Ok(())
    }

    /// A run of everything, with the right time.
    fn sound_run(&mut self, with_d: bool) -> Result<(), Violation> {
        let (actor, run) = self.sync(Some(with_d));
        self.wait(HOUR)?;
        if self.scheduler.is_alive(actor) {
            return Err(Violation { invariant: "one run converges", found: "it did not end".to_owned() });
        }
        let committed = self.ledger.newest().and_then(Catalog::run);
        if committed == Some(run) {
            return Ok(());
        }
        Err(Violation { invariant: "one run converges", found: "a sound run did not commit".to_owned() })
    }
}
