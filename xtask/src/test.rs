//! Everything that a change must pass, one step after the other, and what came of each.

use std::{
    env, iter, thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{
    command::{cargo, run},
    fuzz, graph,
    install::{self, Missing},
    mutants, quickstart, reasons, servers, structure, terraform, tools,
};

/// How much of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All.
    Whole,
    /// Without what takes long.
    Fast,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Passed,
    /// Passed without the tests that need what is not installed.
    Partly(String),
    Failed(String),
    Skipped(String),
}

struct Step {
    name: &'static str,
    extent: Extent,
    /// The programs without which it cannot run at all.
    needs: &'static [&'static str],
    /// The programs without which some of its tests say that they are skipped.
    uses: &'static [&'static str],
    run: fn() -> Result<()>,
    /// Whether it runs beside the step before it, after others that do: neither needs the whole machine, and nothing there is
    /// measured by time.
    beside: bool,
}

impl Step {
    const fn new(name: &'static str, extent: Extent, run: fn() -> Result<()>) -> Self {
        Self { name, extent, needs: &[], uses: &[], run, beside: false }
    }
}

/// Where the step runs: on a machine that has what it has, or on one whose word is taken for the whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Machine {
    Anyone,
    /// What is missing is a failure, or a check could vanish without anybody seeing it.
    Ci,
}

const STEPS: &[Step] = &[
    Step::new("fmt", Extent::Fast, fmt),
    Step::new("structure", Extent::Fast, structure::check),
    Step::new("deps", Extent::Fast, graph::deps),
    Step::new("msrv", Extent::Fast, graph::msrv),
    Step::new("clippy", Extent::Fast, clippy),
    Step {
        uses: &[
            "nginx",
            "openssl",
            "minisign",
            "signify-openbsd",
            "ssh-keygen",
            "gpg",
            "nix",
            "moto_server",
            "azurite-blob",
            "chromium",
            "node",
            "puppeteer",
        ],
        ..Step::new("test", Extent::Fast, suite)
    },
    Step::new("quickstart", Extent::Fast, quickstart::check),
    Step::new("reasons", Extent::Fast, reasons::check),
    // Within a thousand histories, as the suite has them; the slowest to be caught takes three hundred.
    Step::new("mutants", Extent::Whole, || mutants::check(1000)),
    Step::new("doc", Extent::Fast, doc),
    Step::new("deny", Extent::Whole, tools::deny),
    // One crate checked over and over keeps one processor busy, and the others have folders of their own.
    Step::new("powerset", Extent::Whole, tools::powerset),
    Step { beside: true, ..Step::new("terraform", Extent::Whole, terraform::check) },
    Step { beside: true, needs: &["g++"], ..Step::new("fuzz", Extent::Whole, || fuzz::run_all(5)) },
];

/// Runs every step even when one fails, prints what came of each, and fails if any did.
pub(crate) fn all(extent: Extent) -> Result<()> {
    let mut ends: Vec<(&str, End, Duration)> = Vec::new();
    let mut missing = install::programs()?;
    missing.extend(servers::install()?);
    let machine = if env::var_os("CI").is_some() { Machine::Ci } else { Machine::Anyone };
    let timed = |step: &Step| {
        println!("\n=== {} ===", step.name);
        let start = Instant::now();
        let end = end(step, extent, &missing, machine);
        match &end {
            End::Passed => {}
            End::Partly(why) => println!("SKIPPED in part: {why}"),
            End::Failed(why) => println!("FAILED: {}: {why}", step.name),
            End::Skipped(why) => println!("SKIPPED: {why}"),
        }
        (end, start.elapsed())
    };
    let mut steps = STEPS.iter().peekable();
    while let Some(step) = steps.next() {
        let beside: Vec<&Step> = iter::from_fn(|| steps.next_if(|next| next.beside)).collect();
        thread::scope(|scope| {
            let others = scope.spawn(|| beside.iter().map(|step| timed(step)).collect::<Vec<_>>());
            let (end, time) = timed(step);
            ends.push((step.name, end, time));
            let panicked =
                || vec![(End::Failed("it, or one before it, panicked".to_owned()), Duration::ZERO); beside.len()];
            let others = others.join().unwrap_or_else(|_| panicked());
            ends.extend(beside.iter().zip(others).map(|(step, (end, time))| (step.name, end, time)));
        });
    }
    summary(&ends, &missing)
}

/// Runs one step, unless it is left out.
fn end(step: &Step, extent: Extent, missing: &[Missing], machine: Machine) -> End {
    if extent == Extent::Fast && step.extent == Extent::Whole {
        return End::Skipped("--fast leaves it out".to_owned());
    }
    let lacking = |programs: &[&str]| {
        let without = missing.iter().filter(|missing| programs.contains(&missing.program));
        let without: Vec<String> =
            without.map(|missing| format!("no {} for {}", missing.program, missing.what)).collect();
        (!without.is_empty()).then(|| without.join(", "))
    };
    let (needed, used) = (lacking(step.needs), lacking(step.uses));
    match (machine, needed, used) {
        (Machine::Ci, Some(why), _) | (Machine::Ci, None, Some(why)) => {
            End::Failed(format!("{why}, and in CI nothing is skipped"))
        }
        (Machine::Anyone, Some(why), _) => End::Skipped(why),
        (_, None, used) => match ((step.run)(), used) {
            (Ok(()), None) => End::Passed,
            (Ok(()), Some(why)) => End::Partly(why),
            (Err(error), _) => End::Failed(format!("{error:#}")),
        },
    }
}

fn summary(ends: &[(&str, End, Duration)], missing: &[Missing]) -> Result<()> {
    println!("\n{:<10} {:<8} {:>8}", "step", "result", "seconds");
    let mut failed = Vec::new();
    let mut skipped = 0;
    for (name, end, time) in ends {
        let (result, why) = match end {
            End::Passed => ("ok", ""),
            End::Partly(why) => ("ok", why.as_str()),
            End::Skipped(why) => ("skipped", why.as_str()),
            End::Failed(why) => ("FAILED", why.lines().next().unwrap_or_default()),
        };
        println!("{name:<10} {result:<8} {:>8.1}  {why}", time.as_secs_f64());
        match end {
            End::Failed(_) => failed.push(*name),
            End::Skipped(_) => skipped += 1,
            End::Passed | End::Partly(_) => {}
        }
    }
    for Missing { program, what } in missing {
        println!("MISSING   {program}: without it there are not {what}");
    }
    println!("steps: {} passed, {} failed, {skipped} skipped", ends.len() - failed.len() - skipped, failed.len());
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn fmt() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

fn clippy() -> Result<()> {
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings"]))
}

fn suite() -> Result<()> {
    let path = servers::path()?;
    run(cargo().args(["test", "--workspace", "--all-features", "--locked", "--no-fail-fast"]).env("PATH", path))
}

fn doc() -> Result<()> {
    let mut command = cargo();
    command.args(["doc", "--workspace", "--all-features", "--no-deps", "--locked"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_skips_a_step_and_in_ci_fails_it() {
        const MUST_NOT_RUN: fn() -> Result<()> = || bail!("it ran");
        let step = Step { needs: &["g++"], uses: &["nginx"], ..Step::new("x", Extent::Whole, MUST_NOT_RUN) };
        let passes = Step { run: || Ok(()), ..step };
        let lacks = |program| [Missing { program, what: "tests" }];
        let run = |step: &Step, missing: &[Missing], machine| end(step, Extent::Whole, missing, machine);

        assert_eq!(run(&step, &lacks("g++"), Machine::Anyone), End::Skipped("no g++ for tests".to_owned()));
        assert_eq!(run(&passes, &lacks("nginx"), Machine::Anyone), End::Partly("no nginx for tests".to_owned()));
        assert_eq!(run(&passes, &lacks("curl"), Machine::Ci), End::Passed);
        for program in ["g++", "nginx"] {
            let failed = End::Failed(format!("no {program} for tests, and in CI nothing is skipped"));
            assert_eq!(run(&passes, &lacks(program), Machine::Ci), failed);
        }
        assert_eq!(run(&step, &[], Machine::Ci), End::Failed("it ran".to_owned()));
        assert!(matches!(end(&step, Extent::Fast, &[], Machine::Ci), End::Skipped(_)));
    }
}
