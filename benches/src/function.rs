//! The endpoint function of AWS Lambda: its size, how long it takes to its first answer, and the memory of a run.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{
    cases::Bench,
    measure::median,
    moto::{CREDENTIALS, Moto},
    table::Table,
};

/// How many resources a run has whose memory is looked at.
const RESOURCES: usize = 10;

/// How often each program is started in a round: one start says little.
const STARTS: usize = 15;

impl Bench {
    /// The size of what is deployed; start to first answer beside the least function of the same runtime; peak memory.
    pub(crate) fn function(&mut self, table: &mut Table) -> Result<()> {
        let Some(program) = Moto::find(&self.work) else {
            println!("SKIPPED: there is no moto_server; `cargo xtask servers` installs it");
            return Ok(());
        };
        let target = self.work.parent().context("not in a target folder")?.to_owned();
        let built = [
            "build",
            "--profile",
            "function",
            "--locked",
            "--package",
            "sigcache-lambda",
            "--bins",
            "--example",
            "hello",
        ];
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(built).arg("--target-dir").arg(&target).current_dir(env!("CARGO_MANIFEST_DIR"));
        ensure!(build.status()?.success(), "the functions cannot be built");
        let (endpoint, hello) = (target.join("function/sigcache-endpoint"), target.join("function/examples/hello"));
        for (name, binary) in [("endpoint", &endpoint), ("update", &target.join("function/sigcache-update"))] {
            let bytes = zipped(&self.work, binary)?;
            let shown = format!("{:.2} MB", bytes / 1e6);
            table.row("15", &format!("the {name} function, zipped"), "x86_64; at most 5 MB are wanted", shown, bytes);
        }
        let names = self.small_files()?[..RESOURCES].to_vec();
        let moto = Moto::start(&program, &self.work)?;
        let configuration = self.configuration(&names)?;
        let environment: Vec<(String, String)> = CREDENTIALS
            .into_iter()
            .chain([("AWS_ENDPOINT_URL", moto.endpoint().as_str()), ("AWS_ALLOW_HTTP", "true")])
            .chain([("SIGCACHE_CONFIG_TEXT", configuration.as_str())])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (mut ours, mut least, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
        for round in 1..=self.rounds {
            println!("  round {round} of {}", self.rounds);
            for _ in 0..STARTS {
                least.push(Function::start(&hello, &environment)?.answer(&json!({}))?.1);
                // What asks neither store nor source: it is the start that is measured.
                let (answer, seconds) = Function::start(&endpoint, &environment)?.answer(&request("/style.css"))?;
                ensure!(answer["statusCode"] == 200, "it answered {answer}");
                ours.push(seconds);
            }
            let mut function = Function::start(&endpoint, &environment)?;
            let (report, _) = function.answer(&json!({"sigcache": "sync"}))?;
            let good =
                report["totals"]["stored"].as_u64().unwrap_or(0) + report["totals"]["unchanged"].as_u64().unwrap_or(0);
            ensure!(good == RESOURCES as u64, "the run ended with {report}");
            peaks.push(function.peak()?);
        }
        let (ours, least, peak) = (median(&ours), median(&least), median(&peaks));
        let note = format!("{:.2} of a hello-world", ours / least);
        table.row("15", "from start to the first answer", &note, format!("{:.1} ms", ours * 1e3), ours);
        table.row("15", "a hello-world of the same runtime", "", format!("{:.1} ms", least * 1e3), least);
        let what = format!("peak memory of a run of {RESOURCES} resources");
        table.row("15", &what, "into S3 (moto)", format!("{:.1} MiB", peak / f64::from(1 << 20)), peak);
        Ok(())
    }

    fn configuration(&self, names: &[String]) -> Result<String> {
        let key = self.signer.public_pem()?;
        let base = self.nginx.base();
        let mut text = format!(
            "[store]\nurl = \"s3://bucket/function\"\n[defaults]\nallow_private = true\n[keys.k]\npem = \"\"\"\n{key}\"\"\"\n"
        );
        for name in names {
            text += &format!(
                "[[resource]]\nname = \"{name}\"\nurls = [\"{base}/{name}\"]\n\
                 verify = {{ format = \"detached\", suffix = \".sig\", keys = [\"k\"] }}\n"
            );
        }
        Ok(text)
    }
}

/// A request of a function URL.
fn request(path: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {},
        "requestContext": {
            "accountId": "a", "apiId": "x", "domainName": "x", "requestId": "r", "routeKey": "$default",
            "stage": "$default", "timeEpoch": 1,
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
        },
        "isBase64Encoded": false,
    })
}

/// The size of `binary` as it is deployed, in bytes.
fn zipped(work: &Path, binary: &Path) -> Result<f64> {
    let (folder, archive) = (work.join("bundle"), work.join("bundle.zip"));
    fs::create_dir_all(&folder)?;
    fs::copy(binary, folder.join("bootstrap"))?;
    let pack = "import sys, zipfile\n\
                with zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as z:\n    \
                z.write(sys.argv[1], 'bootstrap')\n";
    let status = Command::new("python3").args(["-c", pack]).arg(folder.join("bootstrap")).arg(&archive).status()?;
    ensure!(status.success(), "the bundle cannot be packed");
    Ok(fs::metadata(&archive)?.len() as f64)
}

/// A program behind a Runtime API that knows one event after the other.
struct Function {
    child: Child,
    listener: TcpListener,
    started: Instant,
    /// On which it waits for its next event: without it, it ends.
    connection: Option<BufReader<TcpStream>>,
}

impl Function {
    fn start(binary: &PathBuf, environment: &[(String, String)]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut command = Command::new(binary);
        command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        command.env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string());
        for (name, value) in [
            ("FUNCTION_NAME", "f"),
            ("FUNCTION_VERSION", "1"),
            ("FUNCTION_MEMORY_SIZE", "256"),
            ("LOG_GROUP_NAME", "g"),
        ] {
            command.env(format!("AWS_LAMBDA_{name}"), value);
        }
        command.env("AWS_LAMBDA_LOG_STREAM_NAME", "s").stdin(Stdio::null()).stdout(Stdio::null());
        let started = Instant::now();
        Ok(Self { child: command.spawn()?, listener, started, connection: None })
    }

    /// What it answers to `event`, and how long after its start.
    fn answer(&mut self, event: &Value) -> Result<(Value, f64)> {
        let deadline = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)? + Duration::from_secs(60);
        let event = event.to_string();
        let mut given = false;
        loop {
            let (connection, _) = self.listener.accept()?;
            connection.set_nodelay(true)?;
            let mut connection = BufReader::new(connection);
            while let Some((line, body)) = read_request(&mut connection)? {
                if line.starts_with("GET ") {
                    ensure!(!given, "it asks for another event without an answer");
                    given = true;
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                         Lambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: {}\r\n\
                         Lambda-Runtime-Invoked-Function-Arn: arn\r\n\r\n",
                        event.len(),
                        deadline.as_millis()
                    );
                    connection.get_mut().write_all((head + &event).as_bytes())?;
                    continue;
                }
                let seconds = self.started.elapsed().as_secs_f64();
                connection.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")?;
                if !line.contains("/response") {
                    bail!("it failed: {}", String::from_utf8_lossy(&body));
                }
                self.connection = Some(connection);
                return Ok((serde_json::from_slice(&body)?, seconds));
            }
        }
    }

    /// The peak of its memory, in bytes.
    fn peak(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no peak")?;
        let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
        Ok(kib * 1024.0)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request with its body; nothing where the connection has ended.
fn read_request(connection: &mut BufReader<TcpStream>) -> Result<Option<(String, Vec<u8>)>> {
    let (mut first, mut length, mut chunked) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if first.is_empty() {
            line.clone_into(&mut first);
            continue;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    while chunked {
        let mut size = String::new();
        connection.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16)?;
        let mut chunk = vec![0; size + 2];
        connection.read_exact(&mut chunk)?;
        body.extend_from_slice(&chunk[..size]);
        chunked = size > 0;
    }
    Ok(Some((first, body)))
}
