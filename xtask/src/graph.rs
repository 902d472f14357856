//! What the dependencies bring with them.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::{MetadataCommand, semver::Version};

use crate::command::{cargo, output, root};

/// No HTTP client, no TLS, no async runtime.
const NOT_IN_THE_CORE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "async-executor",
    "reqwest",
    "hyper",
    "h2",
    "rustls",
    "native-tls",
    "openssl",
    "aws-lc-rs",
    "ring",
    "curl",
];

/// Fails if the core without features needs any of [`NOT_IN_THE_CORE`].
pub(crate) fn deps() -> Result<()> {
    let all = tree(&["-p", "sigcache-core", "--no-default-features", "--edges", "normal"])?;
    ensure!(all.iter().any(|(name, _)| name == "object_store"), "cargo tree did not show the core's dependencies");
    let found: Vec<&str> = NOT_IN_THE_CORE.iter().copied().filter(|name| all.iter().any(|(n, _)| n == name)).collect();
    if !found.is_empty() {
        bail!(
            "the core without features depends on {}; see: cargo tree -p sigcache-core --edges normal -i NAME",
            found.join(", ")
        );
    }
    println!("the core without features: {} packages, none of {}", all.len(), NOT_IN_THE_CORE.join(", "));
    Ok(())
}

/// Fails if a dependency of the published crates declares a newer Rust than the workspace does.
pub(crate) fn msrv() -> Result<()> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).exec()?;
    let packages = ["-p", "sigcache-core", "-p", "sigcache-cli", "--all-features", "--edges", "normal,build"];
    let used = tree(&packages)?;
    let own = |name: &str| metadata.workspace_packages().iter().any(|package| package.name.as_str() == name);
    let declared = metadata.workspace_packages().iter().find_map(|package| package.rust_version.clone());
    let declared = declared.context("the workspace declares no rust-version")?;

    let mut needed: Option<(Version, Vec<String>)> = None;
    for package in &metadata.packages {
        let id = (package.name.to_string(), package.version.to_string());
        let Some(version) = package.rust_version.clone().filter(|_| used.contains(&id) && !own(&id.0)) else {
            continue;
        };
        let label = format!("{} {}", id.0, id.1);
        match &mut needed {
            Some((most, by)) if *most == version => by.push(label),
            Some((most, _)) if *most > version => {}
            _ => needed = Some((version, vec![label])),
        }
    }
    let (needed, by) = needed.context("no dependency declares a rust-version")?;
    println!("rust-version: {declared} declared, {needed} needed by {}", by.join(", "));
    ensure!(declared >= needed, "set rust-version to {}.{} in Cargo.toml", needed.major, needed.minor);
    Ok(())
}

/// Names and versions that `cargo tree` prints for these arguments: exactly what would be built, feature by feature.
fn tree(arguments: &[&str]) -> Result<BTreeSet<(String, String)>> {
    let mut command = cargo();
    command.args(["tree", "--locked", "--quiet", "--prefix", "none", "--format", "{p}"]).args(arguments);
    let mut all = BTreeSet::new();
    for line in output(&mut command)?.lines() {
        // "name v1.2.3", then perhaps "(proc-macro)", a path, or "(*)"
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            all.insert((name.to_owned(), version.trim_start_matches('v').to_owned()));
        }
    }
    Ok(all)
}
