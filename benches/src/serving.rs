//! Serving out of memory beside nginx that serves the same files from the disk, both asked by wrk.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    cases::Bench,
    measure::median,
    nginx::{Log, Nginx},
    sigcache::Setup,
    table::Table,
};

/// As the issue of the endpoint has it: so many connections, of two threads that ask.
const CONNECTIONS: &str = "64";

/// So many documents of one MiB: together they fit into the memory that `serve` is given here.
const LARGE: usize = 64;

impl Bench {
    /// Documents of 4 KiB and of 1 MiB, and the slowest of a hundred requests while a sync of 10,000 runs.
    pub(crate) fn serving(&mut self, table: &mut Table) -> Result<()> {
        let small = self.small_files()?;
        let count = small.len();
        let large: Vec<String> = (0..LARGE).map(|number| format!("mebibyte-{number:02}.bin")).collect();
        for name in &large {
            self.signer.large(&self.site.join(name), 1)?;
        }
        let names: Vec<String> = small.iter().chain(&large).cloned().collect();
        // Beside the one with a log, in which requests are counted: a log is work that nothing here compares.
        let quiet = Nginx::start_with(&self.work.join("nginx-quiet"), &self.site, Log::Off)?;
        let base = self.nginx.base();
        let setup = self.setup("serving", &base, &names)?;
        setup.sync("stored", names.len())?;
        let service = Service::start(&self.program, &setup)?;
        let scripts = [("4 KiB", &small), ("1 MiB", &large)].map(|(size, names)| (size, self.script(size, names)));
        // What is compared is what is in memory, here and in the kernel's cache of nginx's files.
        for (_, script) in &scripts {
            let script = script.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            wrk(&format!("{}/resources/", service.base), script, 5)?;
            wrk(&format!("{}/", quiet.base()), script, 2)?;
        }
        let mut rates: [[Vec<f64>; 2]; 2] = Default::default();
        let mut slowest: [Vec<f64>; 2] = Default::default();
        let (mut first_page, mut page) = (Vec::new(), Vec::new());
        for round in 1..=self.rounds {
            println!("  round {round} of {}", self.rounds);
            for (rates, (_, script)) in rates.iter_mut().zip(&scripts) {
                let script = script.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
                rates[0].push(wrk(&format!("{}/resources/", service.base), script, 5)?.rate);
                rates[1].push(wrk(&format!("{}/", quiet.base()), script, 5)?.rate);
            }
            let script = scripts[0].1.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            slowest[0].push(wrk(&format!("{}/resources/", service.base), script, 5)?.p99_ms);
            // Everything anew while it serves; it takes about as long.
            let mut sync = setup.command("sync").args(["--quiet", "--refetch"]).stdout(Stdio::null()).spawn()?;
            slowest[1].push(wrk(&format!("{}/resources/", service.base), script, 5)?.p99_ms);
            ensure!(sync.wait()?.success(), "the sync beside it failed");
            // First with the catalog and the report of the run to be read, then without.
            first_page.push(service.page()?);
            page.push(service.page()?);
        }
        let rates = rates.map(|both| both.map(|values| median(&values)));
        for ((size, _), [ours, theirs]) in scripts.iter().zip(rates) {
            let per_second = |rate: f64| match *size {
                "1 MiB" => format!("{rate:.0} MiB/s"),
                _ => format!("{rate:.0} requests/s"),
            };
            let note = format!("{:.2} of nginx", ours / theirs);
            table.row("14", &format!("verified documents of {size}, from memory"), &note, per_second(ours), ours);
            table.row("14", &format!("nginx, the same files of {size}"), "nothing checked", per_second(theirs), theirs);
        }
        for (name, values) in ["alone", "while 10,000 resources are synced"].iter().zip(&slowest) {
            let value = median(values);
            table.row("14", "99 of 100 requests for 4 KiB within", name, format!("{value:.1} ms"), value);
        }
        for (when, values) in [("after a run, which is read for it", &first_page), ("looked at again", &page)] {
            let value = median(values);
            let what = format!("the status page, {when}");
            let note = format!("{count} resources, 100 of them shown");
            table.row("14", &what, &note, format!("{:.0} ms", value * 1000.0), value);
        }
        Ok(())
    }

    /// A script for wrk that asks for one name after the other.
    fn script(&self, size: &str, names: &[String]) -> Result<PathBuf> {
        let path = self.work.join(format!("{}.lua", size.replace(' ', "-")));
        let list: String = names.iter().map(|name| format!("\"{name}\",")).collect();
        let script = format!(
            "local names = {{{list}}}\nlocal at = 0\nlocal base = \"\"\n\
             function init(args) base = wrk.path end\n\
             function request()\n  at = at % #names + 1\n  return wrk.format(nil, base .. names[at])\nend\n"
        );
        fs::write(&path, script)?;
        Ok(path)
    }
}

/// `sigcache serve` that only serves.
struct Service {
    child: Child,
    base: String,
}

impl Service {
    fn start(program: &Path, setup: &Setup) -> Result<Self> {
        let mut text = fs::read_to_string(setup.folder().join("sigcache.toml"))?;
        text += "\n[serve]\nhot = \"1GiB\"\n";
        fs::write(setup.folder().join("serve.toml"), text)?;
        let mut command = Command::new(program);
        command.current_dir(setup.folder()).args([
            "--config",
            "serve.toml",
            "serve",
            "--no-sync",
            "--listen",
            "127.0.0.1:0",
        ]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let base = line.trim().strip_prefix("listening on ").context("it does not listen")?;
        Ok(Self { child, base: base.trim_end_matches('/').to_owned() })
    }

    /// How long the status page takes, in seconds.
    fn page(&self) -> Result<f64> {
        let client = reqwest::Client::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let start = Instant::now();
            let answer = client.get(format!("{}/", self.base)).header("accept", "text/html").send().await?;
            ensure!(answer.status() == 200, "the page answers {}", answer.status());
            let length = answer.bytes().await?.len();
            ensure!(length > 10_000, "that is no page of 100 rows");
            Ok(start.elapsed().as_secs_f64())
        })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has nothing to finish.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What wrk measured.
struct Measured {
    /// Requests a second.
    rate: f64,
    /// Of a hundred requests 99 took no longer, in milliseconds.
    p99_ms: f64,
}

fn wrk(base: &str, script: &Path, seconds: u64) -> Result<Measured> {
    let duration = format!("{seconds}s");
    let mut command = Command::new("wrk");
    command.args(["--threads", "2", "--connections", CONNECTIONS, "--duration", &duration, "--latency", "--script"]);
    let output = command.arg(script).arg(base).output().context("wrk is not installed")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success() && !text.contains("Non-2xx"), "wrk: {text}");
    let value = |what: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(what)).map(str::trim);
        line.with_context(|| format!("wrk says nothing of {what}: {text}"))
    };
    let p99 = value("99%")?;
    Ok(Measured { rate: value("Requests/sec:")?.parse()?, p99_ms: millis(p99).with_context(|| p99.to_owned())? })
}

/// `950.00us`, `1.20ms`, `2.00s`.
fn millis(text: &str) -> Option<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", Duration::from_secs(1).as_millis() as f64), ("m", 60_000.0)];
    units.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}
