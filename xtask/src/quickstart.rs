//! The first thing that a newcomer runs: the quickstart, and then the command on what it leaves behind.

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command},
};

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::MetadataCommand;

use crate::command::{cargo, root, run};

/// A command on the quickstart's configuration, the code it ends with, and words that it says.
const COMMANDS: &[(&str, i32, &[&str])] = &[
    ("status", 1, &["flags.json", "at step rollback (older-version)", "at step connect (connection-refused)"]),
    ("explain rates.csv", 1, &["broke at step signature (signature-mismatch)", "the last good copy stands"]),
    ("explain notice.txt", 0, &["notice.txt is fresh", "under the key publisher"]),
    ("history flags.json", 0, &["first-version", "not-modified", "older-version"]),
    ("get notice.txt", 0, &["Planned maintenance on Sunday."]),
    ("audit", 0, &["audit-passed", "4 unchanged"]),
];

/// What the example itself says.
const SHOWN: &[&str] = &[
    "stored    flags.json  first-version",
    "unchanged flags.json  not-modified",
    "kept      flags.json  rollback: older-version",
    "kept      rates.csv  signature: signature-mismatch",
    "kept      contacts.txt  connect: connection-refused",
    "stored    notice.txt  new-version",
    "cache/latest/rates.csv: USD,1.27",
];

/// Runs the example and the commands in a folder of their own.
pub(crate) fn check() -> Result<()> {
    // With the features that each has when a newcomer builds it alone it is checked only: what is run is what the suite has
    // built already.
    run(cargo().args(["check", "--locked", "-p", "sigcache-examples", "--examples"]))?;
    run(cargo().args(["check", "--locked", "-p", "sigcache-cli"]))?;
    let build = ["build", "--workspace", "--all-features", "--locked", "--example", "quickstart", "--bin", "sigcache"];
    run(cargo().args(build))?;
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let built = metadata.target_directory.join("debug");
    let folder = Folder::new()?;
    let in_folder = |program: &str| {
        let mut command = Command::new(built.join(program));
        command.current_dir(&folder.0);
        command
    };
    // Its origin is on loopback: a proxy, which many machines have, must not come between.
    let mut example = in_folder("examples/quickstart");
    for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        example.env(proxy, "http://127.0.0.1:9");
    }
    says(&mut example, 0, SHOWN)?;
    for (words, code, expected) in COMMANDS {
        let mut command = in_folder("sigcache");
        command.args(["--config", "sigcache-quickstart/sigcache.toml"]).args(words.split(' '));
        says(&mut command, *code, expected).with_context(|| format!("sigcache {words}"))?;
    }
    Ok(())
}

fn says(command: &mut Command, code: i32, expected: &[&str]) -> Result<()> {
    let output = command.output().context("cannot start it")?;
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{out}");
    ensure!(output.status.code() == Some(code), "it ended with {}, not {code}\n{errors}", output.status);
    // `explain` breaks its lines where they are full.
    let words = out.replace('\n', " ");
    for text in expected {
        ensure!(out.contains(text) || words.contains(text), "it does not say {text:?}\n{errors}");
    }
    Ok(())
}

/// A new folder below the system's own for such things, gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = env::temp_dir().join(format!("sigcache-xtask-{}", process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
