//! An nginx of our own on a free loopback port, stopped when it is dropped.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Nginx {
    child: Child,
    /// Configuration, log and temporary files.
    folder: TempDir,
    scheme: &'static str,
    port: u16,
    /// Another port, always plain, that only marks places in the log.
    marker: u16,
    marks: usize,
}

/// Where Debian and others put it; `/usr/sbin` is not in everybody's path.
pub(super) fn program() -> Option<PathBuf> {
    let places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
    places.into_iter().map(PathBuf::from).find(|path| path.is_file())
}

impl Nginx {
    /// Serves the folder `www` of `site`.
    pub(super) fn start(site: &Path, scheme: &'static str, directives: &str) -> Self {
        for _ in 0..20 {
            if let Some(server) = Self::try_start(site, scheme, directives) {
                return server;
            }
        }
        panic!("nginx found no free port in 20 tries");
    }

    /// None if somebody else took one of the ports in between.
    fn try_start(site: &Path, scheme: &'static str, directives: &str) -> Option<Self> {
        let folder = tempfile::tempdir_in(site).unwrap();
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, marker] = free.each_ref().map(|listener| listener.local_addr().unwrap().port());
        drop(free);
        let (scheme, ssl) = match scheme {
            "h2" => ("https", " ssl http2"),
            "https" => ("https", " ssl"),
            _ => ("http", ""),
        };
        let listen = format!("listen 127.0.0.1:{port}{ssl};\n{directives}");
        fs::write(folder.path().join("nginx.conf"), conf(folder.path(), site, &listen, marker)).unwrap();
        let mut command = Command::new(program().unwrap());
        command.arg("-e").arg(folder.path().join("error.log")).arg("-p").arg(folder.path());
        command.arg("-c").arg(folder.path().join("nginx.conf"));
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { child, folder, scheme, port, marker, marks: 0 };
        let began = Instant::now();
        // It writes its pid once all its ports are its own; until then somebody else might answer there.
        let pid = server.folder.path().join("nginx.pid");
        while !fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')) {
            let log = || fs::read_to_string(server.folder.path().join("error.log")).unwrap_or_default();
            if log().contains("Address already in use") {
                return None;
            }
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("nginx ended with {status}: {}", log());
            }
            assert!(began.elapsed() < PATIENCE, "nginx does not start: {}", log());
            thread::sleep(Duration::from_millis(2));
        }
        drop(TcpStream::connect(("127.0.0.1", server.port)).unwrap());
        Some(server)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}://127.0.0.1:{}/{name}", self.scheme, self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The requests since the last call, each as `<status> <path>`, sorted.
    ///
    /// One process does one thing after the other, so what came before a marker is in the log before it.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        let mut mark = TcpStream::connect(("127.0.0.1", self.marker)).unwrap();
        mark.write_all(b"GET /mark HTTP/1.0\r\n\r\n").unwrap();
        mark.read_to_end(&mut Vec::new()).unwrap();
        self.marks += 1;
        let began = Instant::now();
        loop {
            let log = fs::read_to_string(self.folder.path().join("access.log")).unwrap();
            let parts: Vec<&str> = log.split("204 /mark\n").collect();
            if parts.len() > self.marks {
                let mut lines: Vec<String> = parts[self.marks - 1].lines().map(str::to_owned).collect();
                lines.sort();
                return lines;
            }
            assert!(began.elapsed() < PATIENCE, "the marker does not come: {log}");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // One process without workers: nothing is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn conf(folder: &Path, site: &Path, server: &str, marker: u16) -> String {
    let (folder, site) = (folder.display(), site.display());
    let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temp: String = temp.iter().map(|kind| format!("  {kind}_temp_path {folder}/temp-{kind};\n")).collect();
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{ worker_connections 512; }}
http {{
{temp}  log_format plain '$status $request_uri';
  access_log {folder}/access.log plain;
  server {{
    listen 127.0.0.1:{marker};
    return 204;
  }}
  server {{
    root {site}/www;
    {server}
  }}
}}
"
    )
}
