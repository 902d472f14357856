//! Checks that other people's tools make.

use std::{collections::BTreeMap, thread};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{MetadataCommand, camino::Utf8Path};

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
/// A check of one crate keeps one processor busy, so two go side by side, each in a folder of its own: in one the sets that
/// bring the network's dependencies, in the other those that do not, so that hardly any is checked twice.
pub(crate) fn powerset() -> Result<()> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let core = metadata.packages.iter().find(|package| package.name.as_str() == "sigcache-core");
    let features = &core.context("there is no sigcache-core")?.features;
    let reaches = |set: &str| set.split(',').any(|one| NETWORK.iter().any(|other| is_under(features, one, other)));
    let (with, without): (Vec<String>, Vec<String>) = sets(features).into_iter().partition(|set| reaches(set));
    let target = metadata.target_directory.join("powerset");
    let all = |folder: &str, sets: &[String]| sets.iter().try_for_each(|set| check(set, &target.join(folder)));
    thread::scope(|scope| {
        let other = scope.spawn(|| all("network", &with));
        let ours = all("plain", &without);
        ours.and(other.join().unwrap_or_else(|_| bail!("it panicked")))
    })
}

/// What brings the dependencies that take long.
const NETWORK: [&str; 2] = ["tokio", "aws-lc"];

/// The sets of features to check, each as cargo takes it.
fn sets(features: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let alone = features.keys().filter(|name| *name != "default").cloned();
    let all = alone.clone().collect::<Vec<_>>().join(",");
    let meeting = MEETING.iter().map(|set| (*set).to_owned());
    let mut sets: Vec<String> = std::iter::once(String::new()).chain(alone).chain(meeting).collect();
    sets.push(all);
    sets
}

/// Whether feature `one` is `other`, or switches it on.
fn is_under(features: &BTreeMap<String, Vec<String>>, one: &str, other: &str) -> bool {
    one == other || features.get(one).is_some_and(|under| under.iter().any(|next| is_under(features, next, other)))
}

fn check(set: &str, target: &Utf8Path) -> Result<()> {
    let mut check = cargo();
    check.args(["check", "--quiet", "--locked", "--package", "sigcache-core", "--lib", "--no-default-features"]);
    check.args(["--features", set]).env("CARGO_TARGET_DIR", target).env("RUSTFLAGS", "-D warnings");
    run(&mut check)
}

/// Licences, bans and sources by deny.toml.
pub(crate) fn deny() -> Result<()> {
    install::cargo_tool("cargo-deny")?;
    println!("SKIPPED: security advisories; their database is a git repository that not every machine reaches");
    println!("         where it can be reached: cargo deny check advisories");
    run(cargo().args(["deny", "--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))
}
