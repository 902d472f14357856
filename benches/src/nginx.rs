//! An nginx of our own on a loopback port, stopped when it is dropped.

use std::{
    collections::BTreeMap,
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// A running server.
pub(crate) struct Nginx {
    child: Child,
    folder: PathBuf,
    program: PathBuf,
    port: u16,
    /// How many lines of the log were counted before.
    counted: usize,
}

/// Whether each request is written down.
#[derive(Clone, Copy)]
pub(crate) enum Log {
    Status,
    Off,
}

impl Nginx {
    /// Serves `site`, with a log in which requests can be counted; what the server needs for itself goes to `folder`.
    ///
    /// Below `/same/` every name is the file `same`, and every signature is `same.sig`.
    pub(crate) fn start(folder: &Path, site: &Path) -> Result<Self> {
        Self::start_with(folder, site, Log::Status)
    }

    /// The same, with a log or without.
    pub(crate) fn start_with(folder: &Path, site: &Path, log: Log) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"].map(PathBuf::from);
        let program = program.into_iter().find(|path| path.is_file()).context("nginx is not installed")?;
        let root = fs::read_to_string("/proc/self/status")?.contains("\nUid:\t0\t");
        let conf = conf(port, site, folder, if root { "user root;" } else { "" }, log);
        fs::write(folder.join("nginx.conf"), conf)?;
        let child = command(&program, folder).stdin(Stdio::null()).spawn().context("cannot start nginx")?;
        let server = Self { child, folder: folder.to_owned(), program, port, counted: 0 };
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline {
                bail!("nginx does not answer; see {}", folder.join("error.log").display());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// What its URLs begin with.
    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests there were since the last call, by status.
    pub(crate) fn requests(&mut self) -> Result<BTreeMap<String, usize>> {
        let log = fs::read_to_string(self.folder.join("access.log"))?;
        let mut counts = BTreeMap::new();
        for status in log.lines().skip(self.counted) {
            *counts.entry(status.to_owned()).or_insert(0) += 1;
        }
        self.counted = log.lines().count();
        Ok(counts)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Through nginx itself: killing the master would leave its workers behind.
        let _ = command(&self.program, &self.folder).args(["-s", "quit"]).status();
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = command(&self.program, &self.folder).args(["-s", "stop"]).status();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    // The prefix is where it looks before it has read its configuration.
    command.arg("-e").arg(folder.join("error.log")).arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
    command
}

fn conf(port: u16, site: &Path, folder: &Path, user: &str, log: Log) -> String {
    let (site, folder) = (site.display(), folder.display());
    let log = match log {
        Log::Status => format!("{folder}/access.log status"),
        Log::Off => "off".to_owned(),
    };
    let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temp: String = temp.iter().map(|kind| format!("  {kind}_temp_path {folder}/temp-{kind};\n")).collect();
    format!(
        "daemon off;
{user}
worker_processes 2;
# For the cache of open files below, where the system lets it.
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
{temp}  log_format status '$status';
  access_log {log};
  keepalive_requests 1000000;
  keepalive_timeout 75s;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=15000;
  # Every run must ask; a client that thinks it knows the answer would make the second one look too good.
  add_header Cache-Control no-cache;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    root {site};
    location /same/ {{
      rewrite \\.sig$ /same.sig break;
      rewrite ^ /same break;
    }}
  }}
}}
"
    )
}
