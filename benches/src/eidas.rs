//! The example `eidas-metadata` as a program: 28 countries behind a trust anchor, of which one is dead and one is slow.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    cases::Bench,
    measure::median,
    sigcache::{cargo, reports},
    table::Table,
};

impl Bench {
    /// How long the first sync of all countries takes, beside what the slowest of them may take.
    pub(crate) fn countries(&mut self, table: &mut Table) -> Result<()> {
        let example = self.example("eidas-metadata")?;
        let (mut seconds, mut first) = (Vec::new(), None);
        for _ in 0..self.rounds {
            let folder = self.folder("eidas")?;
            seconds.push(first_sync(&example, &folder)?);
            first = Some(First::read(&folder.join("sigcache-eidas"))?);
        }
        let (seconds, first) = (median(&seconds), first.context("there was no round")?);
        let First { sources, stored, timeout } = first;
        let what = format!("{} countries and their anchor, one dead, one slow: first sync", sources - 1);
        table.row("9", &what, &format!("{stored} stored"), format!("{seconds:.1} s"), seconds);
        let note = format!("for the slow one; sigcache takes {:.2} of this time", seconds / timeout);
        table.row("9", "the most time for one request, as configured", &note, format!("{timeout:.1} s"), timeout);
        // Not measured: it is what a job that asks one after another must allow.
        let sum = timeout * sources as f64;
        let note = format!("one after another may take this; sigcache takes {:.2} of it", seconds / sum);
        table.row("9", &format!("the same for all {sources} together"), &note, format!("{sum:.0} s"), sum);
        Ok(())
    }

    fn example(&self, name: &str) -> Result<PathBuf> {
        let target = self.work.parent().context("not in a target folder")?;
        let mut build = cargo(target);
        let status =
            build.args(["-p", "sigcache-examples", "--example", name]).status().context("cannot start cargo")?;
        ensure!(status.success(), "the example {name} does not build");
        Ok(target.join("release/examples").join(name))
    }
}

/// Runs the whole example in `folder`, and reads the time that it prints.
fn first_sync(example: &Path, folder: &Path) -> Result<f64> {
    let output = Command::new(example).current_dir(folder).stdin(Stdio::null()).output().context("cannot start it")?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "eidas-metadata ended with {}: {err}", output.status);
    let time = out.lines().find_map(|line| line.trim().strip_prefix("All of it took ")?.strip_suffix('.'));
    let time = time.with_context(|| format!("eidas-metadata does not say how long \"All of it took\":\n{out}"))?;
    // As Rust writes a duration. Milliseconds would mean that the slow country was not waited for.
    let seconds = time.strip_suffix('s').and_then(|number| number.parse().ok());
    seconds.with_context(|| format!("the first sync took {time:?}, which is no number of seconds"))
}

/// What is known of the first run beside its time.
struct First {
    /// The anchor and the countries.
    sources: usize,
    stored: u64,
    /// The most seconds for a request.
    timeout: f64,
}

impl First {
    fn read(folder: &Path) -> Result<Self> {
        let report = reports(&folder.join("cache"))?.into_iter().next().context("the example left no report")?;
        let sources = report["decisions"].as_array().map_or(0, Vec::len);
        let (stored, refused) = (report["totals"]["stored"].as_u64(), report["totals"]["refused"].as_u64());
        let stored = stored.filter(|stored| refused == Some(2) && stored + 2 == sources as u64);
        let stored = stored.with_context(|| format!("not all but two were stored: {}", report["totals"]))?;
        let config = folder.join("sigcache.toml");
        let text = fs::read_to_string(&config).with_context(|| format!("cannot read {}", config.display()))?;
        let timeout =
            text.lines().find_map(|line| line.strip_prefix("timeout = \"")?.strip_suffix("ms\"")?.parse().ok());
        let timeout: f64 = timeout.with_context(|| format!("no timeout in milliseconds in {}", config.display()))?;
        Ok(Self { sources, stored, timeout: timeout / 1000.0 })
    }
}
