//! The histories that every change must pass; `cargo xtask simulate` runs as many more as wanted.

use std::sync::atomic::{AtomicU64, Ordering};

use sigcache_simulation::{Broken, Logs, invariants::Violation, replay, run};

const HISTORIES: u64 = 1000;
const STEPS: u32 = 200;

#[test]
fn a_thousand_histories_hold() {
    // Each is on one thread alone; only which of them takes which seed is left to the machine.
    let (next, commits) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= HISTORIES {
                        return;
                    }
                    match run(seed, STEPS) {
                        Ok(summary) => drop(commits.fetch_add(summary.snapshots, Ordering::Relaxed)),
                        Err(broken) => panic!("\n{broken}"),
                    }
                }
            });
        }
    });
    // That histories in which nothing happens hold is no proof of anything.
    let commits = commits.into_inner();
    assert!(commits > 10 * HISTORIES, "only {commits} snapshots in {HISTORIES} histories");
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..5 {
        let first = replay(seed, STEPS, Logs::All).unwrap();
        assert!(first.log.len() > 500, "{} events", first.log.len());
        assert_eq!(first.log, replay(seed, STEPS, Logs::All).unwrap().log);
        // Writing events down changes nothing.
        let silent = replay(seed, STEPS, Logs::None).unwrap();
        assert_eq!((silent.events, silent.snapshots), (first.events, first.snapshots));
    }
    assert_ne!(replay(0, STEPS, Logs::All).unwrap().log, replay(1, STEPS, Logs::All).unwrap().log);
}

#[test]
fn a_broken_history_says_how_to_see_it_again() {
    let violation = Violation { invariant: "marks only rise", found: "snapshot 7 lowered that of a".to_owned() };
    let broken = Broken { seed: 12, steps: 200, step: 34, violation, events: vec!["one".to_owned(), "two".to_owned()] };
    let expected = "  one\n  two\nseed 12, step 34 of 200: broken is \"marks only rise\": snapshot 7 lowered that of a\n\
                    replay it: cargo xtask simulate --seed 12 --steps 200";
    assert_eq!(broken.to_string(), expected);
}
