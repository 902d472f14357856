//! As many histories of the simulation as wanted.

use anyhow::Result;

use crate::command::{cargo, run};

/// Runs them in a build that is made for many of them.
pub(crate) fn histories(histories: Option<u64>, seed: Option<u64>, steps: u32) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--release", "--package", "sigcache-simulation", "--", "--steps", &steps.to_string()]);
    if let Some(histories) = histories {
        command.args(["--histories", &histories.to_string()]);
    }
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    run(&mut command)
}
