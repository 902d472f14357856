//! `sigcache serve`: the real binary, real sockets, real signals.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use serde_json::Value;

use crate::support::Lab;

const TOKEN: &str = "a-token-of-some-length-0123456789";

/// Nothing here takes so long; only a fault does.
const PATIENCE: Duration = Duration::from_secs(30);

/// The service, and what it prints.
struct Service {
    child: Child,
    address: SocketAddr,
    out: Receiver<String>,
    err: Receiver<String>,
    /// All of it so far.
    said: Vec<String>,
}

/// Lines as they come.
fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}

impl Service {
    fn start(lab: &Lab, args: &[&str]) -> Self {
        Self::start_with(lab, &[], args)
    }

    /// With these arguments before `serve`, and those behind it.
    fn start_with(lab: &Lab, common: &[&str], args: &[&str]) -> Self {
        let mut command = lab.command(&[common, &["serve", "--listen", "127.0.0.1:0"], args].concat());
        command.env("TEST_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (out, err) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        let first = out.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{:?}", err.iter().collect::<Vec<_>>()));
        let address = first.strip_prefix("listening on http://").unwrap().trim_end_matches('/').parse().unwrap();
        Self { child, address, out, err, said: vec![first] }
    }

    /// Waits for a line on standard output that has `text`.
    #[track_caller]
    fn prints(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.out.recv_timeout(PATIENCE) else { panic!("no {text:?} in {:?}", self.said) };
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits for a line on standard error that has `text`.
    #[track_caller]
    fn warns(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.err.recv_timeout(PATIENCE) else { panic!("no {text:?} in {:?}", self.said) };
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }

    fn sync(&self) -> Answer {
        self.ask(&format!(
            "POST /sync HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ))
    }

    fn ask(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(&mut stream)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Asks it to end, and gives everything that it printed.
    #[track_caller]
    fn stop(mut self) -> Vec<String> {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        let mut said = std::mem::take(&mut self.said);
        said.extend(self.out.iter());
        said.extend(self.err.iter());
        assert_eq!(status.code(), Some(0), "{said:#?}");
        assert!(said.iter().all(|line| !line.contains("panicked")), "{said:#?}");
        said
    }

    /// What it holds in memory, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A test that failed must not leave it behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn read(stream: &mut TcpStream) -> Self {
        let mut all = Vec::new();
        // A connection that is cut off ends the answer too.
        let _ = stream.read_to_end(&mut all);
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").map_or(all.len(), |at| at + 4);
        let head = String::from_utf8_lossy(&all[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Self { status, head, body: all[end..].to_vec() }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A lab whose configuration has a `[serve]` with the token.
fn lab(names: &[&str]) -> Lab {
    let lab = Lab::with(names);
    add_token(&lab);
    lab
}

fn add_token(lab: &Lab) {
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", format!("{text}\n[serve]\ntoken = \"env:TEST_TOKEN\"\n"));
}

#[test]
fn another_time_is_refused() {
    let lab = Lab::with(&["a"]);
    let told = lab.run(&["--at", "2028-01-01T00:00:00Z", "serve", "--no-sync", "--listen", "127.0.0.1:0"]);
    assert!(told.err.contains("a service goes by the clock"), "{told:?}");
    told.ends(2);
}

#[test]
fn it_syncs_at_once_and_serves_what_was_verified() {
    let lab = lab(&["a", "b"]);
    let mut service = Service::start(&lab, &[]);
    service.prints("2 stored");
    let answer = service.get("/resources/a");
    assert_eq!((answer.status, answer.text().as_str()), (200, "a 1\n"));
    assert_eq!(service.get("/health").status, 200);
    assert_eq!(service.get("/ready").status, 200);
    lab.offer("a", b"a 2\n");
    assert_eq!(service.sync().status, 200);
    assert_eq!(service.get("/resources/a").text(), "a 2\n");
    service.stop();
    // It left a store that the other commands understand.
    lab.set_environment(&[("TEST_TOKEN".into(), TOKEN.into())]);
    lab.run(&["audit"]).ends(0);
    // Started again within the hour, it does not sync again, and serves from the store.
    let service = Service::start(&lab, &[]);
    assert_eq!(service.get("/resources/a").text(), "a 2\n");
    let said = service.stop();
    assert!(!said.iter().any(|line| line.contains("unchanged")), "{said:?}");
}

#[test]
fn it_takes_over_another_configuration_without_a_restart_and_keeps_the_old_one_if_the_new_one_is_wrong() {
    let lab = lab(&["a"]);
    let mut service = Service::start(&lab, &[]);
    service.prints("1 stored");
    assert_eq!(service.get("/resources/b").status, 404);
    lab.offer("b", b"b 1\n");
    lab.configure(&["a", "b"], "");
    add_token(&lab);
    service.signal("HUP");
    service.warns("the configuration was read anew");
    assert_eq!(service.sync().status, 200);
    assert_eq!(service.get("/resources/b").text(), "b 1\n");

    // Without a signal: somebody mistyped a word.
    lab.configure(&["a", "b"], "max_agee = \"1h\"");
    let warning = service.warns("was not taken over");
    assert!(warning.contains("earlier one stays"), "{warning}");
    assert_eq!(service.get("/resources/b").text(), "b 1\n");
    let health = service.get("/health");
    assert_eq!(health.status, 503);
    let complaint = health.json()["complaints"]["configuration"].as_str().unwrap().to_owned();
    assert!(complaint.contains("did you mean `max_age`?") && !complaint.contains('\n'), "{complaint}");
    // A key that is replaced is noticed too, and the mistake is mended.
    lab.configure(&["a", "b"], "");
    add_token(&lab);
    service.warns("the configuration was read anew");
    assert_eq!(service.get("/health").status, 200);
    // Another store begins with nothing, which somebody should know.
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text.replace("file:cache", "file:elsewhere"));
    let warning = service.warns("the store is");
    assert!(warning.contains("/elsewhere now") && warning.contains("/cache stays there"), "{warning}");
    service.stop();
}

#[test]
fn a_snapshot_that_somebody_damages_is_told_although_its_number_stands() {
    let lab = lab(&["a"]);
    let mut service = Service::start(&lab, &[]);
    service.prints("1 stored");
    assert_eq!(service.get("/health").status, 200);
    let snapshot = lab.keys("catalog/").into_iter().filter(|key| key.ends_with(".json.gz")).max().unwrap();
    let path = lab.path(&format!("cache/{snapshot}"));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "garbage").unwrap();
    let health = service.get("/health");
    assert_eq!(health.status, 503);
    assert!(health.text().contains("is damaged"), "{}", health.text());
    // What is in memory is served on.
    assert_eq!(service.get("/resources/a").text(), "a 1\n");
    service.stop();
}

#[test]
fn a_reload_does_not_forget_what_was_read_of_the_store() {
    let lab = lab(&["a", "b"]);
    let mut service = Service::start(&lab, &[]);
    service.prints("2 stored");
    assert_eq!(service.get("/health").status, 200);
    // Somebody unmounts it: an empty folder is in its place.
    std::fs::rename(lab.path("cache"), lab.path("away")).unwrap();
    std::fs::create_dir(lab.path("cache")).unwrap();
    let told = |service: &Service| {
        let health = service.get("/health");
        assert_eq!(health.status, 503);
        let text = health.text();
        assert!(text.contains("it is not mounted, or was emptied or set back"), "{text}");
    };
    told(&service);
    // No document is damaged, and it is not said that one is.
    assert_eq!(service.get("/resources/b").status, 503);
    service.signal("HUP");
    service.warns("the configuration was read anew");
    told(&service);
    assert_eq!(service.sync().status, 503);
    assert_eq!(std::fs::read_dir(lab.path("cache")).unwrap().count(), 0, "nothing was begun in it");

    std::fs::remove_dir(lab.path("cache")).unwrap();
    std::fs::rename(lab.path("away"), lab.path("cache")).unwrap();
    assert_eq!(service.get("/health").status, 200);
    assert_eq!(service.get("/resources/b").text(), "b 1\n");
    service.stop();
}

#[test]
fn a_request_that_is_under_way_comes_to_its_end_when_the_service_stops() {
    let lab = lab(&[]);
    // More than the buffers of two sockets hold.
    let size = 64 << 20;
    lab.offer_zeros("large", size);
    lab.configure(&["large"], "max_size = \"100MiB\"");
    let mut service = Service::start(&lab, &[]);
    service.prints("1 stored");
    let mut stream = service.connect();
    stream.write_all(b"GET /resources/large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut first = [0; 1024];
    let begun = stream.read(&mut first).unwrap();
    service.signal("TERM");
    // Nobody new gets in.
    while TcpStream::connect(service.address).is_ok() {
        std::thread::yield_now();
    }
    let rest = Answer::read(&mut stream);
    let head = first[..begun].windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(begun - head + rest.head.len() + rest.body.len(), size);
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_serves_on_while_sources_and_store_are_gone_and_says_so() {
    let lab = lab(&["a"]);
    let mut service = Service::start(&lab, &[]);
    service.prints("1 stored");
    assert_eq!(service.get("/resources/a").status, 200);
    std::fs::rename(lab.path("origin"), lab.path("elsewhere")).unwrap();
    let report = service.sync();
    assert_eq!(report.status, 207);
    assert_eq!(report.json()["decisions"][0]["step"], "http");
    assert_eq!(service.get("/resources/a").text(), "a 1\n");
    assert_eq!(service.get("/health").status, 503);
    // A file in place of the folder: even root cannot list it.
    std::fs::rename(lab.path("cache"), lab.path("gone")).unwrap();
    std::fs::write(lab.path("cache"), "").unwrap();
    let health = service.get("/health");
    assert_eq!(health.status, 503);
    assert!(health.json()["complaints"]["store"].as_str().unwrap().contains("unreachable since"), "{health:?}");
    let served = service.get("/resources/a");
    assert_eq!((served.status, served.text().as_str()), (200, "a 1\n"));
    assert!(served.head.to_lowercase().contains("\r\nsigcache-store: unreachable since "), "{}", served.head);
    service.stop();
}

/// An operator with nothing but the first page names the broken link; what `doctor` says of the same is in `doctor.rs`.
#[test]
fn the_first_page_names_the_broken_link() {
    let lab = lab(&["a", "b"]);
    let service = Service::start(&lab, &["--no-sync"]);
    service.sync();
    let page = |service: &Service| {
        let html = "GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
        let text = service.ask(html).text();
        // As it is read: without the marks.
        let (mut plain, mut is_mark) = (String::new(), false);
        for c in text.chars() {
            match c {
                '<' => is_mark = true,
                '>' => is_mark = false,
                c if !is_mark => plain.push(c),
                _ => {}
            }
        }
        plain
    };
    assert!(page(&service).contains("Everything is as it should be"), "{}", page(&service));
    let signature = lab.path("origin/a.sig");
    // A new version each time, or the source would say that nothing changed.
    let anew = || lab.offer("a", b"a anew\n");
    let gone = || std::fs::remove_file(lab.path("origin/a")).unwrap();
    let unsigned = || lab.replace("origin/a", "a unsigned\n");
    let without_signature = || {
        anew();
        std::fs::remove_file(&signature).unwrap();
    };
    let page_for_signature = || {
        anew();
        lab.replace("origin/a.sig", "<html>");
    };
    let too_large = || lab.offer_zeros("a", 11 << 20);
    let older = || lab.offer("a", b"a 1\n");
    let set_ups: [(&str, &dyn Fn(), &str); 6] = [
        ("the document is gone", &gone, "http (source-missing) of a"),
        ("another document, without a new signature", &unsigned, "signature (signature-mismatch) of a"),
        ("no signature file", &without_signature, "http (companion-missing) of a"),
        ("something else in its place", &page_for_signature, "parse (malformed-signature) of a"),
        ("a document that is too large", &too_large, "size (too-large) of a"),
        ("an older version", &older, "rollback (replayed-version) of a"),
    ];
    for (number, (what, break_it, link)) in set_ups.iter().enumerate() {
        lab.offer("a", format!("a good {number}\n").as_bytes());
        assert_eq!(service.sync().status, 200, "{what}");
        break_it();
        assert_eq!(service.sync().status, 207, "{what}");
        let text = page(&service);
        assert!(text.contains("1 of 2 resources is not as it should be"), "{what}: {text}");
        assert!(text.contains(&format!("The first broken link is {link}")), "{what}: {text}");
    }
    lab.offer("a", b"a good again\n");
    service.sync();
    assert!(page(&service).contains("Everything is as it should be"));
    // Of the store.
    std::fs::rename(lab.path("cache"), lab.path("gone")).unwrap();
    std::fs::write(lab.path("cache"), "").unwrap();
    service.get("/health");
    let text = page(&service);
    assert!(text.contains("The first broken link is the store"), "{text}");
    service.stop();
}

#[test]
fn it_tells_somebody_after_a_run_and_shows_when_it_could_not() {
    let lab = lab(&["a"]);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    let alert = "\n[[alert]]\nname = \"pager\"\ncommand = [\"/bin/sh\", \"-c\", \"test ! -e deaf && cat >> told\"]\n";
    lab.replace("sigcache.toml", text + alert);
    let mut service = Service::start(&lab, &[]);
    service.prints("1 stored");
    std::fs::rename(lab.path("origin"), lab.path("elsewhere")).unwrap();
    assert_eq!(service.sync().status, 207);
    let told: Value = serde_json::from_slice(&lab.read("told")).unwrap();
    assert_eq!((told["kind"].as_str(), told["items"][0]["name"].as_str()), (Some("alert"), Some("a")), "{told:#}");
    assert_eq!(told["items"][0]["reason"], "source-missing");
    // The next change cannot be told, and that is not kept quiet.
    lab.replace("deaf", "");
    std::fs::remove_file(lab.path("told")).unwrap();
    std::fs::rename(lab.path("elsewhere"), lab.path("origin")).unwrap();
    assert_eq!(service.sync().status, 200);
    let health = service.get("/health");
    assert_eq!(health.status, 503);
    assert!(health.json()["complaints"]["alerts"].as_str().unwrap().contains("pager"), "{health:?}");
    std::fs::remove_file(lab.path("deaf")).unwrap();
    assert_eq!(service.sync().status, 200);
    assert_eq!(service.get("/health").status, 200);
    let told: Value = serde_json::from_slice(&lab.read("told")).unwrap();
    assert_eq!(told["kind"], "recovery");
    service.stop();
}

#[test]
fn what_cannot_work_is_told_before_it_listens() {
    let lab = lab(&["a"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    lab.set_environment(&[("TEST_TOKEN".into(), TOKEN.into())]);
    let error = lab.run(&["serve", "--listen", &address]).fails(2);
    assert!(error.contains(&format!("cannot listen at {address}")), "{error}");
    let error = lab.run(&["serve", "--listen", "127.0.0.1:0", "--cron", "61 * * * *"]).fails(2);
    assert!(error.contains("is not a line of cron"), "{error}");
    lab.run(&["serve", "--every", "0s"]).fails(2);
    lab.run(&["serve", "--every", "1h", "--cron", "0 * * * *"]).fails(2);
    lab.set_environment(&[("TEST_TOKEN".into(), "short".into())]);
    let error = lab.run(&["serve", "--listen", "127.0.0.1:0"]).fails(2);
    assert!(error.contains("16 to 1024") && !error.contains("short"), "{error}");
    lab.set_environment(&[]);
    assert!(lab.run(&["serve", "--listen", "127.0.0.1:0"]).fails(2).contains("TEST_TOKEN"));
}

#[test]
fn bad_requests_are_answered_and_take_no_memory() {
    let lab = lab(&["a"]);
    let mut service = Service::start(&lab, &[]);
    service.prints("1 stored");
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n");
    let giant = format!("X-Filler: {}\r\n", "x".repeat(20_000));
    let many: String = (0..200).map(|number| format!("X-{number}: y\r\n")).collect();
    let post = |body: &str| {
        let length = body.len();
        format!(
            "POST /sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let long = post(&"x".repeat(300_000));
    let table: &[(String, u16, &str)] = &[
        (get("/resources/%2e%2e%2f%2e%2e%2fetc%2fpasswd", ""), 400, "bad-name"),
        (get("/resources/..%5c..%5cwin.ini", ""), 400, "bad-name"),
        (get("/resources/%00", ""), 400, "bad-name"),
        (get("/resources/unknown", ""), 404, "unknown-resource"),
        (get("/latest/a", ""), 404, "unknown-path"),
        (get("/resources/a", "Range: bytes=99-\r\n"), 416, "no-such-bytes"),
        (get("/resources/a", "If-Match: \"0\"\r\n"), 412, "not-the-version"),
        (get("/resources/a", "").replace("GET", "DELETE"), 405, "wrong-method"),
        (get("/resources/a", "").replace("GET", "BREW"), 405, "wrong-method"),
        (post("{\"resources\":[\"../x\"]}"), 400, "bad-request"),
        (post("{").replace(TOKEN, "another-token-of-some-length"), 401, "wrong-token"),
        (long, 413, "body-too-large"),
        // What is not HTTP never reaches a handler; hyper answers it without a body.
        (get("/resources/a", &giant), 431, ""),
        (get("/resources/a", &many), 431, ""),
        ("nonsense\r\n\r\n".to_owned(), 400, ""),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400, ""),
    ];
    let check = |(request, status, code): &(String, u16, &str)| {
        let answer = service.ask(request);
        assert_eq!(answer.status, *status, "{}: {answer:?}", &request[..request.len().min(200)]);
        if !code.is_empty() {
            assert_eq!(answer.json()["type"], format!("urn:sigcache:problem:{code}"), "{answer:?}");
        }
    };
    // Once around, so that everything that is made once is there; then the rest of ten thousand.
    let rounds = std::env::var("SIGCACHE_BAD_REQUESTS").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000);
    for number in 0..rounds / 10 {
        check(&table[number % table.len()]);
    }
    let before = service.memory();
    for number in 0..rounds * 9 / 10 {
        check(&table[number % table.len()]);
    }
    let after = service.memory();
    assert!(after < before + 8 * 1024, "from {before} KiB to {after} KiB");
    assert_eq!(service.get("/resources/a").text(), "a 1\n");
    service.stop();
}

#[test]
fn no_secret_is_in_anything_that_it_says() {
    let lab = Lab::new();
    lab.offer("a", b"a 1\n");
    let secrets = ["SECRET-in-variable", "VALUE-of-header", "TOKEN-of-the-endpoint-0123456789"];
    let origin = lab.origin();
    lab.replace(
        "sigcache.toml",
        format!(
            "[store]\nurl = \"file:cache\"\n[defaults]\ntries = 1\nallow_private = true\n\
             headers = {{ Authorization = \"env:HEADER\", X-Api-Key = \"{}\" }}\n\
             [keys.publisher]\nfile = \"publisher.pub.pem\"\n[serve]\ntoken = \"env:TEST_TOKEN\"\n\
             [[resource]]\nname = \"a\"\nverify = {{ format = \"detached\", suffix = \".sig\", keys = [\"publisher\"] }}\n\
             urls = [\"http://127.0.0.1:9/a\", \"{origin}/a\"]\n",
            secrets[1],
        ),
    );
    lab.set_environment(&[
        ("HEADER".into(), format!("Bearer {}", secrets[0])),
        ("SIGCACHE_LOG".into(), "trace".into()),
    ]);
    let mut command = lab.command(&["--log", "json", "serve", "--listen", "127.0.0.1:0"]);
    command.env("TEST_TOKEN", secrets[2]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (out, err) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
    let first = out.recv_timeout(PATIENCE).unwrap();
    let address = first.strip_prefix("listening on http://").unwrap().trim_end_matches('/').parse().unwrap();
    let mut service = Service { child, address, out, err, said: vec![first] };
    let _ = service.prints("in ");
    let mut pages = String::new();
    for path in ["/", "/explain/a", "/health", "/metrics", "/resources/a/receipt", "/openapi.json"] {
        pages += &service.get(path).text();
    }
    let report = service.ask(&format!(
        "POST /sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        secrets[2]
    ));
    pages += &report.text();
    let said = service.stop().join("\n");
    assert!(said.contains("\"message\":\"request\""), "it did log: {said}");
    for secret in secrets {
        for (place, text) in [("its output", &said), ("its pages", &pages)] {
            assert!(!text.contains(secret), "{secret} is in {place}");
        }
    }
}
