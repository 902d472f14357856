//! Checks that other people's tools make.

use anyhow::Result;

use crate::{
    command::{cargo, run},
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

/// The core compiles with none of its features, with each alone, with all, and with each pair.
pub(crate) fn powerset() -> Result<()> {
    install::cargo_tool("cargo-hack")?;
    // Dev-dependencies would switch features on that a user's build does not have.
    let check = ["hack", "check", "-p", "sigcache-core", "--no-dev-deps"];
    run(cargo().args(check).arg("--each-feature"))?;
    for (index, one) in PAIRED.iter().enumerate() {
        for other in &PAIRED[..index] {
            run(cargo().args(check).args(["--no-default-features", "--features", &format!("{one},{other}")]))?;
        }
    }
    Ok(())
}

/// Licences, bans and sources by deny.toml.
pub(crate) fn deny() -> Result<()> {
    install::cargo_tool("cargo-deny")?;
    println!("SKIPPED: security advisories; their database is a git repository that not every machine reaches");
    println!("         where it can be reached: cargo deny check advisories");
    run(cargo().args(["deny", "--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))
}
