//! The functions as they are deployed: both built by cargo-lambda for both processors, held against the size that is promised,
//! and those for Arm run under qemu.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::MetadataCommand;

use crate::{
    command::{cargo, find, root, run},
    servers,
};

/// The most bytes of a zipped function.
const LARGEST: u64 = 5_000_000;

/// What runs programs for Arm here, and where their libraries lie (Debian's qemu-user-static and libc6-arm64-cross).
const QEMU: &str = "qemu-aarch64-static";
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// Builds and tests them. Arm comes last, as both are built into one folder.
pub(crate) fn check() -> Result<()> {
    ensure!(find("cargo-lambda").is_some(), "cargo-lambda is not installed: pip install cargo-lambda");
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let built = metadata.target_directory.join("lambda");
    for processor in ["x86-64", "arm64"] {
        let build = ["lambda", "build", "--profile", "function", "--output-format", "zip", "-p", "sigcache-lambda"];
        run(cargo().args(build).arg(format!("--{processor}")))?;
        for name in ["sigcache-endpoint", "sigcache-update"] {
            let zip = built.join(name).join("bootstrap.zip");
            let size = fs::metadata(&zip).with_context(|| format!("{zip} was not built"))?.len();
            println!("{processor:7} {name:18} {size:>9} bytes");
            ensure!(size <= LARGEST, "{zip} has {size} bytes, more than {LARGEST}");
        }
    }
    if find(QEMU).is_none() || fs::metadata(LIBRARIES).is_err() {
        println!(
            "SKIPPED: the functions for Arm were not run: apt-get install qemu-user-static libc6-arm64-cross libgcc-s1-arm64-cross"
        );
        return Ok(());
    }
    // Programs, and not zips of them.
    let build = ["lambda", "build", "--profile", "function", "--arm64", "-p", "sigcache-lambda"];
    run(cargo().args(build))?;
    let path = servers::path()?;
    // The whole chain, one test after the other: an emulated processor is slow, and each has a deadline.
    let test = ["test", "--workspace", "--all-features", "--locked", "--test", "aws", "--", "--test-threads", "1"];
    let runner = format!("{QEMU} -L {LIBRARIES}");
    run(cargo().args(test).env("PATH", path).env("SIGCACHE_FUNCTIONS", built).env("SIGCACHE_RUNNER", runner))
}
