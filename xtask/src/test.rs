//! Everything that a change must pass, one step after the other, and what came of each.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{
    command::{cargo, run},
    fuzz, graph, install, reasons, structure, tools,
};

/// How much of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All.
    Whole,
    /// Without what takes long.
    Fast,
}

enum End {
    Passed,
    Failed(String),
    Skipped,
}

struct Step {
    name: &'static str,
    extent: Extent,
    run: fn() -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", extent: Extent::Fast, run: fmt },
    Step { name: "structure", extent: Extent::Fast, run: structure::check },
    Step { name: "deps", extent: Extent::Fast, run: graph::deps },
    Step { name: "msrv", extent: Extent::Fast, run: graph::msrv },
    Step { name: "clippy", extent: Extent::Fast, run: clippy },
    Step { name: "test", extent: Extent::Fast, run: tests },
    Step { name: "reasons", extent: Extent::Fast, run: reasons::check },
    Step { name: "doc", extent: Extent::Fast, run: doc },
    Step { name: "powerset", extent: Extent::Whole, run: tools::powerset },
    Step { name: "deny", extent: Extent::Whole, run: tools::deny },
    Step { name: "fuzz", extent: Extent::Whole, run: || fuzz::run_all(3) },
];

/// Runs every step even when one fails, prints what came of each, and fails if any did.
pub(crate) fn all(extent: Extent) -> Result<()> {
    let mut ends: Vec<(&str, End, Duration)> = Vec::new();
    let missing = install::programs()?;
    for step in STEPS {
        println!("\n=== {} ===", step.name);
        let start = Instant::now();
        let end = if extent == Extent::Fast && step.extent == Extent::Whole {
            println!("SKIPPED: --fast leaves it out");
            End::Skipped
        } else {
            match (step.run)() {
                Ok(()) => End::Passed,
                Err(error) => {
                    println!("FAILED: {error:#}");
                    End::Failed(format!("{error:#}"))
                }
            }
        };
        ends.push((step.name, end, start.elapsed()));
    }
    summary(&ends, &missing)
}

fn summary(ends: &[(&str, End, Duration)], missing: &[String]) -> Result<()> {
    println!("\n{:<10} {:<8} {:>8}", "step", "result", "seconds");
    let mut failed = Vec::new();
    let mut skipped = 0;
    for (name, end, time) in ends {
        let (result, why) = match end {
            End::Passed => ("ok", ""),
            End::Skipped => ("skipped", ""),
            End::Failed(why) => ("FAILED", why.lines().next().unwrap_or_default()),
        };
        println!("{name:<10} {result:<8} {:>8.1}  {why}", time.as_secs_f64());
        match end {
            End::Failed(_) => failed.push(*name),
            End::Skipped => skipped += 1,
            End::Passed => {}
        }
    }
    for what in missing {
        println!("MISSING   {what}");
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

fn tests() -> Result<()> {
    run(cargo().args(["test", "--workspace", "--all-features", "--locked", "--no-fail-fast"]))
}

fn doc() -> Result<()> {
    let mut command = cargo();
    command.args(["doc", "--workspace", "--all-features", "--no-deps", "--locked"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}
