//! Servers that speak as the clouds do, for the tests of stores: moto (S3) from PyPI, Azurite (Azure) from npm. And from there
//! too what drives a browser and what looks for barriers in a page, for the test of the pages.
//!
//! They go into the target folder, where `cargo clean` takes them away, and are installed once for each version.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    command::{cargo, find, program, root, run},
    install::{Missing, apt},
};

const AZURITE: &str = "azurite@3.35.0";

/// What drives the browser, and what knows the barriers. Of the former the last line that runs on the node of Debian.
const BROWSER: &str = "puppeteer-core@24.43.1 axe-core@4.14.1";

/// Every package of moto's with its version, as `pip freeze` lists them.
const MOTO: &str = "xtask/servers/moto.txt";

/// Where the programs lie, for the path of those who start them.
pub(crate) fn folder() -> PathBuf {
    tools().join("bin")
}

/// The search path with that folder in front.
pub(crate) fn path() -> Result<OsString> {
    let others = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths([folder()].into_iter().chain(env::split_paths(&others)))?)
}

pub(crate) fn tools() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into())).join("tools")
}

/// Installs them for whoever runs a single test: with this folder on the path, none is skipped.
pub(crate) fn task() -> Result<()> {
    let missing: Vec<&str> = install()?.iter().map(|missing| missing.program).collect();
    if !missing.is_empty() {
        bail!("not installed: {}", missing.join(", "));
    }
    println!("{}", folder().display());
    Ok(())
}

/// The tests of stores against servers that each needs a while to install or to start, one after the other. All are
/// tried, whichever of them fails.
pub(crate) fn longer() -> Result<()> {
    if find("ceph-mon").is_none() || find("radosgw").is_none() {
        apt(&["ceph-mon", "ceph-osd", "radosgw"]).context("Ceph, from Debian's packages")?;
    }
    let test = ["test", "--package", "sigcache-core", "--all-features", "--test", "stores"];
    // The network in which LocalStack runs has no registry.
    run(cargo().args(test).arg("--no-run"))?;
    let mut failed = Vec::new();
    for server in ["ceph", "localstack", "hostile"] {
        let mut command = program(root().join("xtask/servers").join(server).with_extension("sh"));
        command.arg(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).args(test).args([
            "another",
            "--",
            "--nocapture",
        ]);
        if let Err(error) = run(&mut command) {
            println!("FAILED: {server}: {error:#}");
            failed.push(server);
        }
    }
    if !failed.is_empty() {
        bail!("failed on {}", failed.join(", "));
    }
    Ok(())
}

/// Installs what is missing. Returns what is still missing.
pub(crate) fn install() -> Result<Vec<Missing>> {
    let moto = fs::read_to_string(root().join(MOTO)).context("the list of moto's packages")?;
    let ends = [
        ("moto_server", "the tests of stores on S3", once("moto_server", &moto, install_moto)),
        ("azurite-blob", "the tests of stores on Azure", once("azurite-blob", AZURITE, install_azurite)),
        ("puppeteer", "the test of the pages in a real browser", once("puppeteer", BROWSER, install_browser)),
    ];
    let mut missing = Vec::new();
    for (program, what, end) in ends {
        if let Err(error) = end {
            println!("NOT INSTALLED: {program}: {error:#}");
            missing.push(Missing { program, what });
        }
    }
    Ok(missing)
}

/// Installs a program unless this very version of it is there.
fn once(name: &str, version: &str, install: fn(&Path) -> Result<PathBuf>) -> Result<()> {
    let (link, stamp) = (folder().join(name), tools().join(name).with_extension("version"));
    if link.exists() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == version) {
        return Ok(());
    }
    let place = tools().join(name);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    fs::create_dir_all(folder())?;
    let program = install(&place)?;
    if !program.exists() {
        bail!("there is no {} after its installation", program.display());
    }
    if link.is_symlink() {
        fs::remove_file(&link)?;
    }
    symlink(&program, &link)?;
    Ok(fs::write(&stamp, version)?)
}

fn install_moto(place: &Path) -> Result<PathBuf> {
    let venv = || run(program("python3").args(["-m", "venv"]).arg(place));
    // Debian's python3 comes without it.
    venv().or_else(|_| apt(&["python3-venv"]).and_then(|()| venv()))?;
    let pip = place.join("bin/python");
    run(program(pip).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "-r",
        MOTO,
    ]))?;
    Ok(place.join("bin/moto_server"))
}

fn install_azurite(place: &Path) -> Result<PathBuf> {
    npm(place, AZURITE)?;
    Ok(place.join("node_modules/.bin/azurite-blob"))
}

/// The test finds them below the target folder by itself.
fn install_browser(place: &Path) -> Result<PathBuf> {
    npm(place, BROWSER)?;
    Ok(place.join("node_modules/puppeteer-core/package.json"))
}

fn npm(place: &Path, packages: &str) -> Result<()> {
    if find("npm").is_none() {
        bail!("there is no npm");
    }
    let mut install = program("npm");
    install.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(place);
    run(install.args(packages.split(' ')))
}
