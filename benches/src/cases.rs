//! The measurements of whole runs; those of single documents are in `documents.rs`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    measure::{self, in_mebibytes, median},
    nginx::Nginx,
    rivals::{Job, Rivals},
    sigcache::Setup,
    site::{self, Signer},
    table::Table,
};

/// What all of them need.
pub(crate) struct Bench {
    pub(crate) program: PathBuf,
    /// The same with OpenPGP, which is off by default; built only where a case needs it.
    pub(crate) with_openpgp: Option<PathBuf>,
    pub(crate) work: PathBuf,
    /// Where everything goes that is made while it is measured.
    pub(crate) out: PathBuf,
    pub(crate) site: PathBuf,
    pub(crate) nginx: Nginx,
    pub(crate) signer: Signer,
    /// How many folders were handed out.
    pub(crate) made: usize,
    /// 1 is what the documentation quotes; less is for a quick look.
    pub(crate) scale: f64,
    pub(crate) rounds: usize,
}

impl Bench {
    pub(crate) fn scaled(&self, count: usize) -> usize {
        ((count as f64 * self.scale) as usize).max(10)
    }

    /// A folder that was not there before. Nothing is deleted before the end: a file system that has just freed many
    /// inodes (ext4 for one) searches long for one that it may use again, and that would be measured.
    pub(crate) fn folder(&mut self, what: &str) -> Result<PathBuf> {
        self.made += 1;
        let folder = self.out.join(format!("{:03}-{what}", self.made));
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    pub(crate) fn setup(&mut self, what: &str, base: &str, names: &[String]) -> Result<Setup> {
        let folder = self.folder(what)?;
        Setup::new(&self.program, &folder, base, &self.signer.public_pem()?, names)
    }

    pub(crate) fn names(&self, file: &str, names: &[String]) -> Result<PathBuf> {
        let path = self.work.join(file);
        fs::write(&path, names.join("\n") + "\n")?;
        Ok(path)
    }

    pub(crate) fn small_files(&self) -> Result<Vec<String>> {
        let names: Vec<String> = (0..self.scaled(10_000)).map(site::name).collect();
        for (number, name) in names.iter().enumerate() {
            self.signer.small(&self.site.join(name), number as u64)?;
        }
        Ok(names)
    }

    /// 10,000 resources for the first time, beside scripts and floors. In turns, so that what else the machine does
    /// falls on all of them alike.
    pub(crate) fn first(&mut self, table: &mut Table) -> Result<()> {
        let names = self.small_files()?;
        let count = names.len();
        let rivals = Rivals::new(&self.work.join("rivals"))?.with_python();
        let (by_shell, by_python) = (count.min(500), count.min(2000));
        let all = self.names("all.txt", &names)?;
        let (shell_names, python_names) =
            (self.names("shell.txt", &names[..by_shell])?, self.names("python.txt", &names[..by_python])?);
        let (base, key) = (self.nginx.base(), self.site.join("key.pem"));

        let mut rates: [Vec<f64>; 6] = Default::default();
        let mut add = |row: usize, count: usize, seconds: f64| rates[row].push(count as f64 / seconds);
        for round in 1..=self.rounds {
            println!("  round {round} of {}", self.rounds);
            let run = self.setup("first", &base, &names)?.sync("stored", count)?;
            add(0, count, run.usage.seconds);
            let folder = self.folder("shell")?;
            add(1, by_shell, rivals.shell(&Job { base: &base, key: &key, folder: &folder }, &shell_names)?);
            let folder = self.folder("asyncio")?;
            let job = Job { base: &base, key: &key, folder: &folder };
            if let Some(seconds) = rivals.asyncio(&job, &python_names)? {
                add(2, by_python, seconds);
            }
            add(3, count, measure::run(itself("floor-requests")?.arg(&base).arg(&all))?.seconds);
            add(4, count, seconds(itself("floor-verification")?.arg(&key).arg(&self.site).arg(&all))?);
            let folder = self.folder("files")?;
            add(5, count, seconds(itself("floor-files")?.arg(&folder).arg(&all))?);
        }
        let rate = rates.map(|values| median(&values));
        let what = format!("{count} resources of 4 KiB, first sync");
        table.row("1", &what, "sigcache", format!("{:.0} resources/s", rate[0]), rate[0]);
        for (row, name, note) in [
            (
                1,
                "curl + openssl, xargs -P4",
                format!("from {by_shell}; sigcache is {:.1} times as fast", rate[0] / rate[1]),
            ),
            (
                2,
                "asyncio, httpx, cryptography",
                format!("from {by_python}; sigcache is {:.1} times as fast", rate[0] / rate[2]),
            ),
            (3, "floor: the same requests only", String::new()),
            (4, "floor: verification only, 2 threads", String::new()),
            (5, "floor: the same files only, 1 thread", String::new()),
        ] {
            let value = if rate[row].is_nan() { "skipped".into() } else { format!("{:.0} resources/s", rate[row]) };
            table.row("1", name, &note, value, rate[row]);
        }
        // Client, server and verification share the same cores, so the times of the floors add up; the files are
        // written on one thread, so on two cores they take at least half of their time.
        let floors = 1.0 / rate[3] + 1.0 / rate[4];
        for (what, floors) in [
            ("of what requests and verification allow", floors),
            ("of what they and the files allow", floors + 0.5 / rate[5]),
        ] {
            let part = rate[0] * floors;
            table.row("1", what, "", format!("{:.0} %", part * 100.0), part);
        }
        Ok(())
    }

    /// The same 10,000 again: nothing changed.
    pub(crate) fn unchanged(&mut self, table: &mut Table) -> Result<()> {
        let names = self.small_files()?;
        let setup = self.setup("unchanged", &self.nginx.base(), &names)?;
        setup.sync("stored", names.len())?;
        self.nginx.requests()?;
        let mut seconds = Vec::new();
        let mut store_requests = 0;
        for _ in 0..self.rounds {
            let run = setup.sync("unchanged", names.len())?;
            seconds.push(run.usage.seconds);
            store_requests = store_requests.max(run.store_requests);
        }
        let requests = self.nginx.requests()?;
        let each: usize = requests.values().sum::<usize>() / self.rounds;
        let what = format!("{} resources, unchanged", names.len());
        table.row("2", &what, "", format!("{:.2} s", median(&seconds)), median(&seconds));
        table.row("2", "HTTP requests in a run", &format!("by status {requests:?}"), each.to_string(), each as f64);
        table.row("2", "store requests in a run", "at most 4", store_requests.to_string(), store_requests as f64);
        Ok(())
    }

    /// One large object beside a pipe of curl, tee and openssl.
    pub(crate) fn large(&mut self, table: &mut Table) -> Result<()> {
        let mebibytes = self.scaled(2048) as u64;
        let name = "large.bin".to_owned();
        self.signer.large(&self.site.join(&name), mebibytes)?;
        let rivals = Rivals::new(&self.work.join("rivals"))?;
        let (base, key) = (self.nginx.base(), self.site.join("key.pem"));
        let (mut ours, mut pipe, mut peak) = (Vec::new(), Vec::new(), 0);
        for round in 1..=self.rounds {
            println!("  round {round} of {}", self.rounds);
            let setup = self.setup("large", &base, std::slice::from_ref(&name))?;
            let run = setup.sync("stored", 1)?;
            ours.push(run.usage.seconds);
            peak = run.usage.peak.max(peak);
            let folder = self.folder("pipe")?;
            pipe.push(rivals.pipe(&Job { base: &base, key: &key, folder: &folder }, &name)?.seconds);
            // So large that they must go; and they are only a few inodes.
            remove(setup.folder())?;
            remove(&folder)?;
        }
        remove(&self.site.join(&name))?;
        let (ours, pipe) = (median(&ours), median(&pipe));
        let what = format!("one object of {mebibytes} MiB");
        table.row("3", &what, "sigcache", format!("{ours:.2} s"), ours);
        let note = format!("sigcache takes {:.2} of this time", ours / pipe);
        table.row("3", "curl | tee file | openssl dgst, sync", &note, format!("{pipe:.2} s"), pipe);
        let mib = in_mebibytes(peak);
        table.row("3", "peak memory of sigcache", "under 64 MiB", format!("{mib:.1} MiB"), mib);
        Ok(())
    }

    /// 100,000 resources that did not change, and what each costs in memory beyond a run over ten.
    pub(crate) fn many(&mut self, table: &mut Table) -> Result<()> {
        self.signer.small(&self.site.join("same"), 1)?;
        let base = format!("{}/same", self.nginx.base());
        let count = self.scaled(100_000);
        let mut results = Vec::new();
        for (folder, count) in [("ten", 10), ("many", count)] {
            let names: Vec<String> = (0..count).map(site::name).collect();
            let setup = self.setup(folder, &base, &names)?;
            let first = setup.sync("stored", count)?;
            println!("  {count} stored in {:.1} s, {}", first.usage.seconds, first.totals);
            results.push(setup.sync("unchanged", count)?);
        }
        let [ten, many] = results.as_slice() else { return Ok(()) };
        let what = format!("{count} resources, unchanged");
        table.row("4", &what, "", format!("{:.2} s", many.usage.seconds), many.usage.seconds);
        table.row(
            "4",
            "store requests in a run",
            "at most 4",
            many.store_requests.to_string(),
            many.store_requests as f64,
        );
        let note = format!("{:.1} MiB with ten resources", in_mebibytes(ten.usage.peak));
        table.row(
            "4",
            "peak memory",
            &note,
            format!("{:.1} MiB", in_mebibytes(many.usage.peak)),
            in_mebibytes(many.usage.peak),
        );
        let each = many.usage.peak.saturating_sub(ten.usage.peak) as f64 / count as f64;
        table.row("4", "memory for each resource", "under 1024 bytes", format!("{each:.0} bytes"), each);
        Ok(())
    }
}

/// This program again, as one of the floors.
pub(crate) fn itself(task: &str) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(task);
    Ok(command)
}

/// What a floor prints that measures itself.
pub(crate) fn seconds(floor: &mut Command) -> Result<f64> {
    let output = floor.output().context("cannot start a floor")?;
    ensure!(output.status.success(), "{floor:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)?.trim().parse().with_context(|| format!("{floor:?} printed no seconds"))
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}
