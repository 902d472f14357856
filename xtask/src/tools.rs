//! Checks that other people's tools make.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::MetadataCommand;

use crate::{
    command::{cargo, root, run},
    install,
};

/// What can meet in a build and stand in each other's way. The signature formats know nothing of one another, and the
/// clouds do not either, so each of the two counts as one. Not here is what no pair can break that each alone does not:
/// what others stand on (`http`, under `alerts`), so that pairs with those have it in them, and what none of them sees.
const PAIRED: [&str; 5] = [
    "config",
    "disk",
    "alerts",
    "azure,gcs,s3",
    "checksums,detached,jws,minisign,narinfo,note,openpgp,signify,ssh,xml",
];

/// Further sets of which code stands in one place.
const MEETING: [&str; 2] = ["config,openpgp", "alerts,aws"];

/// The core compiles with none of its features, with each alone, with all, and with each pair; without a warning.
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
    let mut sets: Vec<String> = std::iter::once(String::new()).chain(alone).collect();
    for (index, one) in PAIRED.iter().enumerate() {
        sets.extend(PAIRED[..index].iter().map(|other| format!("{one},{other}")));
    }
    sets.extend(MEETING.map(str::to_owned));
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
