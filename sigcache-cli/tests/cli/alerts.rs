//! Who is told at the end of a sync: the real binary, a real server on loopback, a real program.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
        mpsc,
    },
};

use serde_json::{Value, json};

use crate::{
    schema,
    support::{Lab, NOON},
};

/// Stands in the path and in the query of the webhook, in a header, and in an argument of the command.
const TOKEN: &str = "T0KEN-hunter2";

/// Takes messages and answers all of them alike. A status of 0 is no answer: it says that it was asked, and holds on.
struct Receiver {
    address: SocketAddr,
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<Value>>>,
    asked: mpsc::Receiver<()>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (status, got) = (Arc::new(AtomicU16::new(200)), Arc::<Mutex<Vec<Value>>>::default());
        let (said, kept) = (status.clone(), got.clone());
        let (send, asked) = mpsc::channel();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
                let body = loop {
                    let count = stream.read(&mut buffer).unwrap_or(0);
                    request.extend_from_slice(&buffer[..count]);
                    let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
                    let Some(end) = text.find("\r\n\r\n") else { continue };
                    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                    let body = &request[end + 4..];
                    if count == 0 || Some(body.len()) == length {
                        break body.to_vec();
                    }
                };
                let status = said.load(Ordering::SeqCst);
                let _ = send.send(());
                if status == 0 {
                    held.push(stream);
                    continue;
                }
                if status == 200 {
                    kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                }
                let answer = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { address, status, got, asked }
    }

    /// What came since the last time.
    fn empty(&self) -> Vec<Value> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }

    /// The same, each thing as `event name`.
    #[track_caller]
    fn told(&self) -> Vec<String> {
        let all = self.empty().into_iter().inspect(|notice| schema::check("notice", notice));
        let items = all.flat_map(|notice| notice["items"].as_array().unwrap().clone());
        items.map(|item| format!("{} {}", item["event"].as_str().unwrap(), item["name"].as_str().unwrap())).collect()
    }
}

/// A cache of `a`, synced once at noon, with these alerts.
fn with_alerts(tables: &str) -> Lab {
    let lab = Lab::with(&["a"]);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text + tables);
    lab
}

fn with_webhook(receiver: &Receiver, more: &str) -> Lab {
    let table = format!(
        "\n[[alert]]\nname = \"operations\"\nwebhook = \"env:WEBHOOK\"\nallow_private = true\n\
         headers = {{ Authorization = \"env:TOKEN\" }}\n{more}\n"
    );
    let lab = with_alerts(&table);
    let url = format!("http://{}/services/{TOKEN}?key={TOKEN}", receiver.address);
    lab.set_environment(&[("WEBHOOK".to_owned(), url), ("TOKEN".to_owned(), format!("Bearer {TOKEN}"))]);
    lab.run_at(NOON, &["sync"]).ends(0);
    assert!(receiver.empty().is_empty());
    lab
}

fn breaks(lab: &Lab) {
    lab.replace("origin/a", "something else\n");
}

fn mends(lab: &Lab) {
    lab.replace("origin/a", "a 1\n");
}

#[test]
fn a_change_a_reminder_and_the_recovery_are_told() {
    let receiver = Receiver::start();
    let lab = with_webhook(&receiver, "");
    breaks(&lab);
    lab.run_at("2026-11-24T13:00:00Z", &["sync", "--dry-run"]).ends(1);
    assert_eq!(receiver.told(), [""; 0]);
    let text = lab.run_at("2026-11-24T13:00:00Z", &["sync"]).ends(1);
    assert!(text.ends_with("told operations: 1 new (1 open)\n"), "{text}");
    let [notice] = receiver.empty().try_into().unwrap();
    schema::check("notice", &notice);
    assert_eq!((&notice["kind"], &notice["items"][0]["reason"]), (&json!("alert"), &json!("signature-mismatch")));
    assert_eq!(notice["store"], format!("file://{}", lab.path("cache").display()));
    let text = lab.run_at("2026-11-24T13:30:00Z", &["sync"]).ends(1);
    assert!(!text.contains("told") && receiver.empty().is_empty(), "{text}");
    let report = lab.json("report", 1, &["--at", "2026-11-25T14:00:00Z", "sync"]);
    assert_eq!((&report["alerts"]["sent"][0]["kind"], &report["alerts"]["open"]), (&json!("alert"), &json!(1)));
    // Meanwhile it is stale, which is told instead of the reminder.
    assert_eq!(receiver.told(), ["changed a"]);
    let report = lab.json("report", 1, &["--at", "2026-11-26T15:00:00Z", "sync"]);
    assert_eq!(
        (&report["alerts"]["sent"][0]["kind"], &report["alerts"]["sent"][0]["reminder"]),
        (&json!("reminder"), &json!(1))
    );
    assert_eq!(receiver.told(), ["reminder a"]);
    mends(&lab);
    let text = lab.run_at("2026-11-26T16:00:00Z", &["sync"]).ends(0);
    assert!(text.ends_with("told operations: 1 good again (0 open)\n"), "{text}");
    let [notice] = receiver.empty().try_into().unwrap();
    schema::check("notice", &notice);
    let lasted = notice["items"][0]["lasted_seconds"].as_u64().unwrap();
    // The time that the runs themselves took is in it.
    assert!(lasted.abs_diff(51 * 3600) < 600, "{lasted}");
    assert_eq!(notice["kind"], "recovery");
    lab.json("report", 0, &["--at", "2026-11-26T17:00:00Z", "sync"]);
    // Readers and the audit see nothing of it.
    for command in ["audit", "status", "gc"] {
        lab.run_at("2026-11-26T17:00:00Z", &[command]).ends(0);
    }
    assert_eq!(receiver.told(), [""; 0]);
}

#[test]
fn an_alert_that_cannot_be_delivered_shows_and_is_delivered_later() {
    let receiver = Receiver::start();
    let lab = with_webhook(&receiver, "");
    breaks(&lab);
    lab.run_at("2026-11-24T13:00:00Z", &["sync"]).ends(1);
    assert_eq!(receiver.told(), ["new a"]);
    mends(&lab);
    receiver.status.store(500, Ordering::SeqCst);
    // Everything is as it should be but the alerts.
    let ran = lab.run_at("2026-11-24T14:00:00Z", &["--quiet", "sync"]);
    assert_eq!((ran.code, ran.text().as_str()), (1, ""));
    let said = "the alert operations cannot be delivered since 2026-11-24T14:00:00";
    assert!(ran.err.starts_with(&format!("sigcache: {said}")) && ran.err.contains("found 500"), "{}", ran.err);
    assert_eq!(receiver.asked.try_iter().count(), 1 + 3, "it is tried three times");
    let report = lab.json("report", 1, &["--at", "2026-11-24T15:00:00Z", "sync"]);
    let unsent = &report["alerts"]["unsent"][0];
    assert!(unsent["since"].as_str().unwrap().starts_with("2026-11-24T14:00:00"), "{unsent}");
    receiver.status.store(200, Ordering::SeqCst);
    lab.run_at("2026-11-24T16:00:00Z", &["sync"]).ends(0);
    assert_eq!(receiver.told(), ["recovered a"]);
}

#[test]
fn of_several_processes_one_tells_it() {
    let receiver = Receiver::start();
    let lab = with_webhook(&receiver, "");
    breaks(&lab);
    let args = ["--at", "2026-11-24T13:00:00Z", "sync"];
    let start = |_| lab.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let all: Vec<_> = (0..6).map(start).collect();
    for child in all {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(receiver.told(), ["new a"]);
}

#[test]
fn what_a_killed_process_did_not_tell_another_one_does() {
    let receiver = Receiver::start();
    let lab = with_webhook(&receiver, "");
    breaks(&lab);
    receiver.status.store(0, Ordering::SeqCst);
    let mut child = lab.command(&["--at", "2026-11-24T13:00:00Z", "sync"]).stdout(Stdio::null()).spawn().unwrap();
    // It has claimed the message, and waits for the answer.
    receiver.asked.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    receiver.status.store(200, Ordering::SeqCst);
    let text = lab.run_at("2026-11-24T13:05:00Z", &["sync"]).ends(1);
    assert!(text.contains("another process is telling operations something just now"), "{text}");
    assert_eq!(receiver.told(), [""; 0]);
    lab.run_at("2026-11-24T13:20:00Z", &["sync"]).ends(1);
    assert_eq!(receiver.told(), ["new a"]);
    lab.run_at("2026-11-24T13:40:00Z", &["sync"]).ends(1);
    assert_eq!(receiver.told(), [""; 0]);
}

#[test]
fn no_output_and_no_object_has_a_secret() {
    let receiver = Receiver::start();
    let lab = with_webhook(&receiver, "");
    let mut all = String::new();
    let mut run = |args: &[&str]| {
        let ran = lab.run(args);
        all += &(ran.text() + &ran.err);
    };
    breaks(&lab);
    for (hour, status) in [500, 307, 404, 200].into_iter().enumerate() {
        receiver.status.store(status, Ordering::SeqCst);
        let at = format!("2026-11-24T{}:00:00Z", 13 + hour);
        run(&["--at", &at, "--log", "json", "--json", "sync"]);
        run(&["--at", &at, "--log", "text", "sync"]);
    }
    assert!(receiver.empty().iter().all(|notice| !notice.to_string().contains(TOKEN)));
    for url in
        ["http://127.0.0.1:1/{}", "https://{}.invalid/{}", "{}", "ftp://a.example/{}", "https://user:{}@a.example/"]
    {
        let url = url.replace("{}", TOKEN);
        lab.set_environment(&[("WEBHOOK".to_owned(), url), ("TOKEN".to_owned(), TOKEN.to_owned())]);
        mends(&lab);
        run(&["--at", "2026-11-24T19:00:00Z", "--log", "text", "sync"]);
    }
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    for webhook in [
        format!("\"nonsense {TOKEN}\""),
        format!("[\"{TOKEN}\"]"),
        format!("\"https://[{TOKEN}\" # and"),
        format!("\"{TOKEN}"),
    ] {
        lab.replace("sigcache.toml", text.replace("\"env:WEBHOOK\"", &webhook));
        run(&["sync"]);
    }
    let command = format!("[[alert]]\ncommand = [\"page\", \"{TOKEN}\"]\n");
    lab.replace("sigcache.toml", text.replace("[[alert]]", &(command + "[[alert]]")));
    run(&["sync"]);
    assert!(all.contains("http-status") && all.contains("is not the path of a program"), "{all}");
    assert!(!all.to_ascii_lowercase().contains(&TOKEN.to_ascii_lowercase()), "{all}");
    for (key, bytes) in lab.store() {
        assert!(!String::from_utf8_lossy(&bytes).contains(TOKEN), "{key}");
    }
}

#[test]
fn a_command_is_told_too() {
    let lab = with_alerts("\n[[alert]]\ncommand = [\"./page\", \"$HOME\"]\n");
    let script = "#!/bin/sh\ncat > got.new && echo \"$1\" > argument && mv got.new got\n";
    lab.replace("page", script);
    fs::set_permissions(lab.path("page"), fs::Permissions::from_mode(0o755)).unwrap();
    lab.run_at(NOON, &["sync"]).ends(0);
    breaks(&lab);
    let text = lab.run_at("2026-11-24T13:00:00Z", &["sync"]).ends(1);
    assert!(text.ends_with("told command: 1 new (1 open)\n"), "{text}");
    let notice: Value = serde_json::from_slice(&lab.read("got")).unwrap();
    schema::check("notice", &notice);
    assert_eq!((&notice["channel"], lab.read("argument")), (&json!("command"), b"$HOME\n".to_vec()));
    lab.replace("page", "#!/bin/sh\nexit 7\n");
    fs::set_permissions(lab.path("page"), fs::Permissions::from_mode(0o755)).unwrap();
    mends(&lab);
    let ran = lab.run_at("2026-11-24T14:00:00Z", &["sync"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("the command ended with exit status: 7"), "{}", ran.err);
}

#[test]
fn the_page_lists_every_field_of_a_message() {
    let page = include_str!("../../../docs/alerts.md");
    let schema: Value = serde_json::from_str(include_str!("../../../docs/output.schema.json")).unwrap();
    let notice = &schema["$defs"]["notice"];
    for fields in [&notice["properties"], &notice["properties"]["items"]["items"]["properties"]] {
        for field in fields.as_object().unwrap().keys() {
            assert!(page.contains(&format!("| `{field}` |")), "{field}");
        }
    }
}
