//! Checks that other people's tools make.

use anyhow::Result;

use crate::{
    command::{cargo, run},
    install,
};

/// The signature formats, which know nothing of one another: in pairs with the rest they count as one feature.
const FORMATS: &str = "checksums,detached,jws,minisign,narinfo,note,openpgp,signify,ssh,xml";

/// The clouds, which do not either.
const CLOUDS: &str = "azure,gcs,s3";

/// What no pair can break that each alone does not: what other features stand on, so that pairs with those have it in
/// them; a backend that none of them sees; no feature at all; and what only tests use, which have all of them on.
const NO_PAIRS: &str = "aws-lc,keys,tokio,x509,default,conformance";

/// The core compiles with none of its features, with each alone, and with each pair.
pub(crate) fn powerset() -> Result<()> {
    install::cargo_tool("cargo-hack")?;
    // Dev-dependencies would switch features on that a user's build does not have.
    let check = ["hack", "check", "-p", "sigcache-core", "--no-dev-deps"];
    run(cargo().args(check).arg("--each-feature"))?;
    let groups = ["--group-features", FORMATS, "--group-features", CLOUDS, "--exclude-features", NO_PAIRS];
    run(cargo().args(check).args(["--feature-powerset", "--depth", "2"]).args(groups))
}

/// Licences, bans and sources by deny.toml.
pub(crate) fn deny() -> Result<()> {
    install::cargo_tool("cargo-deny")?;
    println!("SKIPPED: security advisories; their database is a git repository that not every machine reaches");
    println!("         where it can be reached: cargo deny check advisories");
    run(cargo().args(["deny", "--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))
}
