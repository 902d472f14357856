//! The program that is measured: its configuration, its runs, and what their reports say.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{
    measure::{self, Usage},
    moto::CREDENTIALS,
};

/// The release build of `sigcache`: what the environment names, or built from this tree (no work if it is up to date).
pub(crate) fn program(target: &Path) -> Result<PathBuf> {
    build(target, &[])
}

/// The same with OpenPGP, as a copy in `folder`: both builds have the same name in the target folder.
pub(crate) fn program_with_openpgp(target: &Path, folder: &Path) -> Result<PathBuf> {
    let (built, copy) = (build(target, &["--features", "openpgp"])?, folder.join("sigcache-openpgp"));
    fs::copy(&built, &copy).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(copy)
}

fn build(target: &Path, features: &[&str]) -> Result<PathBuf> {
    if let Some(path) = env::var_os("SIGCACHE") {
        return Ok(PathBuf::from(path).canonicalize()?);
    }
    let mut build = cargo(target);
    let status = build.args(["-p", "sigcache-cli"]).args(features).status().context("cannot start cargo")?;
    ensure!(status.success(), "sigcache does not build");
    Ok(target.join("release/sigcache"))
}

/// A release build of this tree; the package is still to be said.
pub(crate) fn cargo(target: &Path) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "--target-dir"]).arg(target);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    build
}

/// A store in the folder of the configuration.
pub(crate) const DISK: &str = "[store]\nurl = \"file:store\"\n";

/// What holds for all of the configurations.
const LIMITS: &str = r#"
[run]
concurrency = 64
per_host = 64

[defaults]
allow_private = true
max_size = "4GiB"
timeout = "10m"
"#;

/// `names` below `base` as resources with detached signatures beside them.
pub(crate) fn detached(folder: &Path, base: &str, key: &str, names: &[String]) -> Result<String> {
    fs::write(folder.join("key.pem"), key)?;
    fs::write(folder.join("names.txt"), names.join("\n") + "\n")?;
    Ok(format!(
        r#"
[keys.bench]
file = "key.pem"

[[collection]]
list = "names.txt"
urls = ["{base}/{{name}}"]
verify = {{ format = "detached", suffix = ".sig", keys = ["bench"] }}
"#
    ))
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
        Self::of(program, folder, DISK, &detached(folder, base, key, names)?)
    }

    /// A configuration of this store and these keys and resources, in an empty folder.
    pub(crate) fn of(program: &Path, folder: &Path, store: &str, resources: &str) -> Result<Self> {
        fs::write(folder.join("sigcache.toml"), format!("{store}{LIMITS}{resources}"))?;
        Ok(Self { program: program.to_owned(), folder: folder.to_owned() })
    }

    /// Where all of it lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One run; every resource must end in `outcome`.
    pub(crate) fn sync(&self, outcome: &str, count: usize) -> Result<Run> {
        self.sync_shard("1/1", outcome, count)
    }

    /// One run of one shard, such as `1/4`.
    pub(crate) fn sync_shard(&self, shard: &str, outcome: &str, count: usize) -> Result<Run> {
        let usage = measure::run(self.command("sync").args(["--quiet", "--shard", shard]).stdout(Stdio::null()))?;
        let report = reports(&self.folder.join("store"))?.pop().context("the run left no report")?;
        Run::new(usage, &report, outcome, count)
    }

    /// The same, with a store in moto. Its report is the one that the run prints.
    pub(crate) fn sync_printed(&self, outcome: &str, count: usize) -> Result<Run> {
        let printed = self.folder.join("report.json");
        let mut command = self.command("sync");
        let usage = measure::run(command.arg("--json").envs(CREDENTIALS).stdout(File::create(&printed)?))?;
        let report = serde_json::from_slice(&fs::read(&printed)?).context("the report is not JSON")?;
        Run::new(usage, &report, outcome, count)
    }

    /// Everything in the store verified again; it is an error if something is not as it should be.
    pub(crate) fn audit(&self) -> Result<Usage> {
        measure::run(self.command("audit").arg("--quiet").stdout(Stdio::null()))
    }

    pub(crate) fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args([what, "--config", "sigcache.toml"]).current_dir(&self.folder);
        command
    }
}

impl Run {
    fn new(usage: Usage, report: &Value, outcome: &str, count: usize) -> Result<Self> {
        let done = report["totals"][outcome].as_u64();
        ensure!(done == Some(count as u64), "not all of {count} are {outcome}: {}", report["totals"]);
        let store_requests = report["store_requests"].as_u64().context("the report names no store_requests")?;
        Ok(Self { usage, store_requests, totals: report["totals"].clone() })
    }
}

/// The reports in a store on disk, the oldest first.
pub(crate) fn reports(store: &Path) -> Result<Vec<Value>> {
    let mut files = Vec::new();
    list(&store.join("runs"), &mut files)?;
    // Their names begin with their time.
    files.sort();
    let read = |file: &PathBuf| serde_json::from_slice(&fs::read(file)?).context("a report is not JSON");
    files.iter().map(read).collect()
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
