//! moto, an S3 server in one Python process, on a loopback port, stopped when it is dropped.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::measure::quiet;

/// What it takes from everybody, and what `object_store` wants to be told.
pub(crate) const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")];

/// A server with one empty bucket, named `bucket`.
pub(crate) struct Moto {
    child: Child,
    log: PathBuf,
    /// Host and port.
    address: String,
    /// How many requests were counted before.
    counted: usize,
}

impl Moto {
    /// Where the program lies: on the path, or where `cargo xtask servers` puts it in the target folder, which has `work`.
    pub(crate) fn find(work: &Path) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let tools = work.with_file_name("tools").join("bin");
        env::split_paths(&path).chain([tools]).map(|folder| folder.join("moto_server")).find(|file| file.is_file())
    }

    /// Starts it; its log goes to `folder`.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self> {
        let log = folder.join("moto.log");
        let file = File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("PYTHONUNBUFFERED", "1").stdin(Stdio::null());
        let child = command.stdout(file.try_clone()?).stderr(file).spawn().context("cannot start moto_server")?;
        let mut server = Self { child, log, address: String::new(), counted: 0 };
        server.address = server.announced()?;
        quiet(Command::new("curl").args([
            "-fsS",
            "--noproxy",
            "*",
            "-X",
            "PUT",
            &format!("{}/bucket", server.endpoint()),
        ]))?;
        server.requests()?;
        Ok(server)
    }

    fn announced(&mut self) -> Result<String> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let log = fs::read_to_string(&self.log)?;
            let line = log.lines().find_map(|line| line.split_once("Running on http://"));
            if let Some((_, address)) = line {
                return Ok(address.trim().to_owned());
            }
            ensure!(self.child.try_wait()?.is_none(), "moto_server ended: {log}");
            ensure!(Instant::now() < deadline, "moto_server does not say where it listens: {log}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Its URL.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests there were since the last call, by its own log, which has a line before the answer goes out.
    pub(crate) fn requests(&mut self) -> Result<usize> {
        let log = fs::read(&self.log).with_context(|| format!("cannot read {}", self.log.display()))?;
        let all = String::from_utf8_lossy(&log).lines().filter(|line| line.contains(" HTTP/1.1\" ")).count();
        let new = all - self.counted;
        self.counted = all;
        Ok(new)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
