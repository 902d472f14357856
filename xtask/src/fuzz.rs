//! The fuzz targets: every parser of foreign bytes, built and run for a while from the seeds.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::{
    command::{cargo, output, root, run},
    install,
};

/// Longer inputs than a parser's own limit teach nothing new.
const LONGEST: &[(&str, u32)] = &[
    ("signature", 4200),
    ("key", 4096),
    ("lines", 4096),
    ("claims", 4096),
    ("jws", 4096),
    ("jwks", 8192),
    ("catalog", 16_384),
    ("name", 900),
    ("config", 8192),
    ("headers", 4096),
    ("report", 8192),
    ("layout", 1200),
    ("xml", 8192),
    ("openpgp", 4096),
];

/// Builds every target and runs each for `seconds`.
pub(crate) fn run_all(seconds: u32) -> Result<()> {
    install::cargo_tool("cargo-fuzz")?;
    let list = output(cargo().args(["fuzz", "list"]))?;
    let targets: Vec<&str> = list.lines().collect();
    ensure!(!targets.is_empty(), "no fuzz targets");
    // No sanitizer: those need a nightly compiler, and there is no unsafe code here for them to find fault with.
    // Coverage guides the search all the same.
    run(fuzz("build", seconds).args(["--sanitizer", "none"]))?;
    for target in targets {
        one(target, seconds).with_context(|| format!("fuzz target {target}"))?;
    }
    Ok(())
}

/// A subcommand of `cargo fuzz`. Where the targets run for seconds only, their build is what takes the time: it is made
/// quick, not fast.
fn fuzz(subcommand: &str, seconds: u32) -> Command {
    let mut command = cargo();
    command.args(["fuzz", subcommand]);
    if seconds < 60 {
        command.envs([("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"), ("CARGO_PROFILE_RELEASE_DEBUG", "0")]);
        command.args(["--codegen-units", "16"]);
    }
    command
}

fn one(target: &str, seconds: u32) -> Result<()> {
    // What is found goes to the first folder, which is not committed; the seeds are only read.
    let corpus = root().join("fuzz/corpus").join(target);
    let seeds = root().join("fuzz/seeds").join(target);
    fs::create_dir_all(&corpus)?;
    ensure!(seeds.is_dir(), "no seeds in fuzz/seeds/{target}");
    let longest = LONGEST.iter().find(|(name, _)| *name == target).context("name its longest input in xtask")?.1;
    run(fuzz("run", seconds)
        .args(["--sanitizer", "none", target])
        .args([corpus, seeds])
        .args(["--", "-verbosity=0", "-print_final_stats=1", "-timeout=10", "-rss_limit_mb=1024"])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={longest}")))
}
