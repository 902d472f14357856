//! Runs as many histories as wanted: `sigcache-simulation [--histories N] [--seed S] [--steps K]`.

use std::{collections::BTreeMap, process::ExitCode, time::Instant};

use sigcache_simulation::{Logs, Summary, replay, run};

fn main() -> ExitCode {
    let (mut histories, mut seed, mut steps) = (None, None, 200_u32);
    let mut tally: Option<BTreeMap<String, Vec<u64>>> = None;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--survey" {
            tally = Some(BTreeMap::new());
            continue;
        }
        let number = words.next().and_then(|text| text.parse::<u64>().ok());
        match (word.as_str(), number) {
            ("--histories", Some(number)) => histories = Some(number),
            ("--seed", Some(number)) => seed = Some(number),
            ("--steps", Some(number)) => steps = u32::try_from(number).unwrap_or(u32::MAX),
            _ => {
                eprintln!("usage: sigcache-simulation [--histories N] [--seed S] [--steps K]");
                return ExitCode::from(2);
            }
        }
    }
    // One seed alone is a replay; otherwise it is where to begin.
    let first = seed.unwrap_or(0);
    let histories = histories.unwrap_or(if seed.is_some() { 1 } else { 1000 });
    let start = Instant::now();
    let mut total = Summary::default();
    for seed in first..first.saturating_add(histories) {
        if let Some(tally) = &mut tally {
            if let Err(broken) = replay(seed, steps, Logs::None) {
                tally.entry(broken.violation.invariant.to_owned()).or_default().push(seed);
            }
            continue;
        }
        match run(seed, steps) {
            Ok(summary) => {
                total.events += summary.events;
                total.snapshots += summary.snapshots;
                total.runs += summary.runs;
                total.killed += summary.killed;
            }
            Err(broken) => {
                eprintln!("{broken}");
                eprintln!("after {} histories", seed - first + 1);
                return ExitCode::FAILURE;
            }
        }
    }
    for (invariant, seeds) in tally.iter().flatten() {
        println!("{:>6}  {invariant}, first by {:?}", seeds.len(), &seeds[..seeds.len().min(5)]);
    }
    let Summary { events, snapshots, runs, killed, .. } = total;
    println!(
        "{histories} histories of {steps} steps held: {runs} runs, {snapshots} snapshots, {killed} killed processes, {events} events in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
