//! What the tests need beyond Rust, installed where that is possible, named loudly where it is not.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::command::{cargo, find, output, program, run};

/// A program, the Debian package that has it, and what cannot run without it.
const NEEDED: &[(&str, &str, &str)] = &[
    ("nginx", "nginx-light", "the tests against a real web server"),
    ("openssl", "openssl", "the tests against OpenSSL's keys and signatures"),
    ("xmlsec1", "xmlsec1", "the tests that hold signed XML against xmlsec1"),
    ("xmllint", "libxml2-utils", "the tests that hold canonical XML against libxml2"),
    ("minisign", "minisign", "the tests against minisign's own signatures"),
    ("signify-openbsd", "signify-openbsd", "the tests against signify's own signatures"),
    ("ssh-keygen", "openssh-client", "the tests against OpenSSH's own signatures"),
    ("gpg", "gpg", "the tests against GnuPG's own signatures"),
    ("gpgv", "gpgv", "the tests that hold OpenPGP signatures against gpgv"),
    ("sqv", "sqv", "the tests that hold OpenPGP signatures against Sequoia's verifier"),
    ("sq", "sq", "the tests of the commands that the documentation of OpenPGP names"),
    ("nix", "nix-bin", "the tests against Nix's own signatures"),
    ("python3", "python3", "moto, for the tests of stores on S3"),
    ("npm", "npm", "Azurite, for the tests of stores on Azure, and what drives a browser"),
    ("chromium", "chromium", "the test of the pages in a real browser"),
    ("node", "nodejs", "the test of the pages in a real browser"),
    ("curl", "curl", "the benchmarks beside curl"),
    ("g++", "g++", "the fuzz targets (libFuzzer is C++)"),
];

/// A program that is not there, and what cannot run without it.
pub(crate) struct Missing {
    pub(crate) program: &'static str,
    pub(crate) what: &'static str,
}

/// Installs what is missing with apt-get, if there is one and we are root. Returns what is still missing.
pub(crate) fn programs() -> Result<Vec<Missing>> {
    let missing = || NEEDED.iter().filter(|(name, ..)| find(name).is_none());
    let packages: Vec<&str> = missing().map(|(_, package, _)| *package).collect();
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let root = output(program("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || find("apt-get").is_none() {
        println!("NOT INSTALLED: {} (this needs root and apt-get)", packages.join(", "));
    } else if let Err(error) = apt(&packages) {
        println!("NOT INSTALLED: {}: {error:#}", packages.join(", "));
    }
    Ok(missing().map(|&(program, _, what)| Missing { program, what }).collect())
}

pub(crate) fn apt(packages: &[&str]) -> Result<()> {
    // Debian starts a server as soon as it is installed; the tests start their own, on their own ports.
    let _quiet = NoServices::new()?;
    run(program("apt-get").args(["update", "-q"]))?;
    run(program("apt-get").args(["install", "-y", "-q", "--no-install-recommends"]).args(packages))
}

/// While it lives, packages that are installed start no services.
struct NoServices(Option<PathBuf>);

impl NoServices {
    fn new() -> Result<Self> {
        let policy = Path::new("/usr/sbin/policy-rc.d");
        match fs::OpenOptions::new().write(true).create_new(true).open(policy) {
            Ok(_) => {}
            // Somebody's own policy: not ours to change, and not ours to remove.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Self(None)),
            Err(error) => return Err(error).context("cannot keep packages from starting services"),
        }
        let guard = Self(Some(policy.to_owned()));
        fs::write(policy, "#!/bin/sh\nexit 101\n")?;
        fs::set_permissions(policy, fs::Permissions::from_mode(0o755))?;
        Ok(guard)
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(policy) = self.0.take() {
            let _ = fs::remove_file(policy);
        }
    }
}

/// A subcommand of cargo, from the registry if it is not there.
pub(crate) fn cargo_tool(name: &str) -> Result<()> {
    if find(name).is_some() {
        return Ok(());
    }
    // Its own folder: CARGO_TARGET_DIR is shared with builds of the project, which would wait for this one.
    // To build it takes longer than whatever it does here, so it is built as quickly as it can be.
    let mut install = cargo();
    install.args(["install", "--locked", "--debug", name]).env_remove("CARGO_TARGET_DIR");
    run(install.env("CARGO_PROFILE_DEV_DEBUG", "0"))
}
