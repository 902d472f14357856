//! The program that is measured: its configuration, its runs, and what their reports say.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::measure::{self, Usage};

/// The release build of `sigcache`: what the environment names, or built from this tree (no work if it is up to date).
pub(crate) fn program(target: &Path) -> Result<PathBuf> {
    if let Some(path) = env::var_os("SIGCACHE") {
        return Ok(PathBuf::from(path).canonicalize()?);
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "-p", "sigcache-cli", "--target-dir"]).arg(target);
    let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().context("cannot start cargo")?;
    ensure!(status.success(), "sigcache does not build");
    Ok(target.join("release/sigcache"))
}

/// A folder with a configuration and the store that it names.
pub(crate) struct Setup {
    program: PathBuf,
    folder: PathBuf,
}

/// What one run took and what its report says.
pub(crate) struct Run {
    pub(crate) usage: Usage,
    pub(crate) store_requests: u64,
    pub(crate) totals: Value,
}

impl Setup {
    /// `names` below `base`, into a store in an empty folder.
    pub(crate) fn new(program: &Path, folder: &Path, base: &str, key: &str, names: &[String]) -> Result<Self> {
        fs::write(folder.join("key.pem"), key)?;
        fs::write(folder.join("names.txt"), names.join("\n") + "\n")?;
        let config = format!(
            r#"[store]
url = "file:store"

[run]
concurrency = 64
per_host = 64

[defaults]
allow_private = true
max_size = "4GiB"
timeout = "10m"

[keys.bench]
file = "key.pem"

[[collection]]
list = "names.txt"
urls = ["{base}/{{name}}"]
verify = {{ format = "detached", suffix = ".sig", keys = ["bench"] }}
"#
        );
        fs::write(folder.join("sigcache.toml"), config)?;
        Ok(Self { program: program.to_owned(), folder: folder.to_owned() })
    }

    /// Where all of it lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One run; every resource must end in `outcome`.
    pub(crate) fn sync(&self, outcome: &str, count: usize) -> Result<Run> {
        let mut command = Command::new(&self.program);
        command.args(["sync", "--config", "sigcache.toml", "--quiet"]).current_dir(&self.folder).stdout(Stdio::null());
        let usage = measure::run(&mut command)?;
        let mut reports = Vec::new();
        list(&self.folder.join("store/runs"), &mut reports)?;
        // Names of reports begin with their time.
        reports.sort();
        let report = fs::read(reports.last().context("the run left no report")?)?;
        let report: Value = serde_json::from_slice(&report).context("the report is not JSON")?;
        let done = report["totals"][outcome].as_u64();
        ensure!(done == Some(count as u64), "not all of {count} are {outcome}: {}", report["totals"]);
        let store_requests = report["store_requests"].as_u64().context("the report names no store_requests")?;
        Ok(Run { usage, store_requests, totals: report["totals"].clone() })
    }
}

fn list(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}
