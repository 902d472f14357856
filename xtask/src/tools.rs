//! Checks that other people's tools make.

use anyhow::Result;

use crate::{
    command::{cargo, run},
    install,
};

/// The core compiles with each feature alone, each pair, and none.
pub(crate) fn powerset() -> Result<()> {
    install::cargo_tool("cargo-hack")?;
    // Dev-dependencies would switch features on that a user's build does not have.
    let arguments = ["hack", "check", "-p", "sigcache-core", "--feature-powerset", "--no-dev-deps", "--depth", "2"];
    run(cargo().args(arguments))
}

/// Licences, bans and sources by deny.toml.
pub(crate) fn deny() -> Result<()> {
    install::cargo_tool("cargo-deny")?;
    println!("SKIPPED: security advisories; their database is a git repository that not every machine reaches");
    println!("         where it can be reached: cargo deny check advisories");
    run(cargo().args(["deny", "--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))
}
