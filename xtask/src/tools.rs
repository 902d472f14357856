//! Checks that other people's tools make.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::MetadataCommand;

use crate::{
    command::{cargo, root, run},
    install,
};

/// Where code of two features stands in one place, so that each alone says nothing of both. What one of the two switches on
/// is in it too.
const MEETING: [&str; 5] = ["config,disk", "config,alerts", "config,azure,gcs,s3", "config,openpgp", "alerts,aws"];

/// The core compiles with none of its features, with each alone, with all, and with those that meet; without a warning.
/// What a user builds has no dev-dependencies, and neither has the library alone: the resolver keeps their features out.
///
/// It needs no tool that rewrites the manifest, and shares its folder with the other checks, so that build scripts, macros
/// and most dependencies are there already.
pub(crate) fn powerset() -> Result<()> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let core = metadata.packages.iter().find(|package| package.name.as_str() == "sigcache-core");
    sets(&core.context("there is no sigcache-core")?.features).iter().try_for_each(|set| check(set))
}

/// The sets of features to check, each as cargo takes it.
fn sets(features: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let alone = features.keys().filter(|name| *name != "default").cloned();
    let all = alone.clone().collect::<Vec<_>>().join(",");
    let meeting = MEETING.iter().map(|set| (*set).to_owned());
    let mut sets: Vec<String> = std::iter::once(String::new()).chain(alone).chain(meeting).collect();
    sets.push(all);
    sets
}

fn check(set: &str) -> Result<()> {
    println!("{}", if set.is_empty() { "no feature" } else { set });
    let mut check = cargo();
    check.args(["check", "--quiet", "--locked", "--package", "sigcache-core", "--lib", "--no-default-features"]);
    let output = check.args(["--features", set]).output().context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&output.stderr);
    // As a flag of the compiler it would be one for every dependency, and have them built anew.
    ensure!(output.status.success() && !told.contains("warning:"), "with the features {set:?}:\n{told}");
    Ok(())
}

/// Licences, bans and sources by deny.toml.
pub(crate) fn deny() -> Result<()> {
    install::cargo_tool("cargo-deny")?;
    println!("SKIPPED: security advisories; their database is a git repository that not every machine reaches");
    println!("         where it can be reached: cargo deny check advisories");
    run(cargo().args(["deny", "--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))
}
