//! Many runs that begin at one moment: each of them commits, and what each asks of the store hardly grows with their
//! number.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::{Arc, Mutex, atomic::AtomicU64};

use futures_util::FutureExt as _;
use sigcache_core::{
    Name, Report, Resource, Rules,
    conformance::Signer,
    run::{Runner, Selection},
    store::Bucket,
    verify::Claims,
};
use sigcache_simulation::{
    disk::Disk,
    keyed::Keyed,
    origin::{Origin, Route, Signing, key_of},
    scheduler::{HOUR, MINUTE, Process, Scheduler, at},
    wire::{Weather, Wire},
};

struct Herd {
    scheduler: Scheduler,
    disk: Disk,
    origin: Origin,
    weather: Weather,
    nonces: u64,
}

impl Herd {
    fn new(seed: u64) -> Self {
        let origin = Origin::new(Signing::Keyed);
        let (scheduler, disk) = (Scheduler::new(seed, false), Disk::default());
        let mut herd = Self { scheduler, disk, origin, weather: Arc::new(AtomicU64::new(0)), nonces: 0 };
        herd.publish();
        let [(report, _)] = herd.run(1).try_into().unwrap();
        assert_eq!(report.sequence, Some(1));
        herd
    }

    fn publish(&self) {
        self.origin.publish("c", self.scheduler.now(), 0, self.scheduler.now());
        (0..2).for_each(|mirror| self.origin.catch_up("c", mirror));
    }

    /// So many runs that begin now: what each reports, and how many requests it made.
    fn run(&mut self, count: usize) -> Vec<(Report, u64)> {
        let ended: Arc<Mutex<Vec<(Report, u64)>>> = Arc::default();
        for _ in 0..count {
            self.nonces += 1;
            let (nonce, now) = (self.nonces, at(self.scheduler.now()));
            let actor = self.scheduler.actor("sync");
            let process = Process { scheduler: self.scheduler.clone(), actor };
            let wire = Wire::new(&self.scheduler, &self.disk, actor, &self.weather);
            let bucket = Arc::new(Bucket::new(Arc::new(wire)));
            let (scheduler, origin, weather) = (self.scheduler.clone(), self.origin.clone(), self.weather.clone());
            let route = Route { actor, scheduler, origin, weather };
            let runner = Runner::new(Arc::new(route), bucket.clone(), Arc::new(process));
            let ended = ended.clone();
            let work = async move {
                let report = runner.sync(&[resource()], &Selection::All, now, nonce).await.unwrap();
                ended.lock().unwrap().push((report, bucket.requests()));
            };
            self.scheduler.begin(actor, work.boxed());
        }
        let end = self.scheduler.now() + HOUR;
        while self.scheduler.advance(end) {}
        let ended = std::mem::take(&mut *ended.lock().unwrap());
        assert_eq!(ended.len(), count, "within an hour all have ended");
        ended
    }
}

fn resource() -> Resource {
    let trust = Signer::new(key_of("c")).trust();
    let rules = Rules::new(Arc::new(Keyed { claims: Claims::default() }), trust);
    Resource::new(Name::new("c").unwrap(), ["https://one.example/c".parse().unwrap()], Arc::new(rules))
}

/// How many requests each run makes on average, and how long the last one takes, in milliseconds.
fn cost(count: usize, publish: bool) -> (f64, u64) {
    let (mut requests, mut slowest) = (0, 0);
    let seeds = 2;
    for seed in 0..seeds {
        let mut herd = Herd::new(seed);
        if publish {
            herd.publish();
        }
        let ended = herd.run(count);
        assert!(ended.iter().all(|(report, _)| report.is_good() && report.store_failure.is_none()));
        // Every one of them stands.
        let newest = ended.iter().filter_map(|(report, _)| report.sequence).max();
        assert_eq!(newest, Some(count as u64 + 1));
        requests += ended.iter().map(|(_, requests)| requests).sum::<u64>();
        slowest = slowest.max(ended.iter().map(|(report, _)| report.duration_ms).max().unwrap());
    }
    (requests as f64 / (seeds * count as u64) as f64, slowest)
}

#[test]
fn a_hundred_runs_at_once_are_patient() {
    let (alone, _) = cost(1, false);
    assert!(alone <= 4.0, "{alone}");
    for (publish, most) in [(false, 45.0), (true, 100.0)] {
        for count in [2, 10, 50, 100] {
            let (requests, slowest) = cost(count, publish);
            println!("{count} runs, something new: {publish}: {requests:.1} requests each, {slowest} ms the slowest");
            assert!(requests < most, "{requests} requests for each of {count} runs");
            assert!(slowest < 15 * MINUTE, "{slowest} ms");
        }
    }
}
