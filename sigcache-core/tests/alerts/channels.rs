//! Real programs and a real server on loopback.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;
use sigcache_core::{
    alert::{Alerts, Channel, Command, Form, Looked, Route, Rules, Webhook},
    conformance::at,
    fetch::{Access, Addresses, Secret},
    runtime::Tokio,
};

use crate::support::World;

/// The token in the path and in the query of each webhook.
const TOKEN: &str = "hunter2hunter2";

/// Answers one connection after the other with `answers`, and ends. Gives back what was asked.
fn server(answers: Vec<String>) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = std::thread::spawn(move || {
        let answer = |answer: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            loop {
                let count = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if count == 0 || length.is_none_or(|length: usize| body.len() >= length) {
                    stream
                        .write_all(
                            format!("HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").as_bytes(),
                        )
                        .unwrap();
                    return text;
                }
            }
        };
        answers.into_iter().map(answer).collect()
    });
    (address, asked)
}

fn url(address: SocketAddr) -> url::Url {
    format!("http://{address}/services/{TOKEN}?key={TOKEN}").parse().unwrap()
}

fn private() -> Access {
    let mut access = Access::default();
    access.addresses = Addresses::Any;
    access
}

/// Something to tell, told on `channel` by the real clock.
fn tell(channel: impl Channel + 'static) -> Looked {
    let world = World::new();
    world.breaks();
    let holdings = world.holdings(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let route = Route::new("it", Arc::new(channel), Rules::default());
        let alerts = Alerts::new("memory:", vec![route], Arc::new(Tokio::current()));
        let looked = alerts.look(&world.lab.sound_bucket(), &holdings, at(5), 1).await;
        assert!(!format!("{looked:?} {alerts:?}").contains(TOKEN));
        looked
    })
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_webhook_gets_the_message_as_json() {
    let (address, asked) = server(vec!["204 No Content".to_owned()]);
    let mut access = private();
    access.headers.push(("Authorization".to_owned(), Secret::new(format!("Bearer {TOKEN}"))));
    let looked = tell(Webhook::new(url(address), Form::Json, access));
    assert_eq!((looked.sent.len(), looked.complaint()), (1, None));
    let [request] = asked.join().unwrap().try_into().unwrap();
    assert!(request.starts_with(&format!("POST /services/{TOKEN}?key={TOKEN} HTTP/1.1\r\n")), "{request}");
    let head = request.to_ascii_lowercase();
    assert!(
        head.contains("content-type: application/json\r\n") && head.contains("authorization: bearer hunter2"),
        "{head}"
    );
    let body = body(&request);
    assert_eq!((&body["format"], &body["kind"]), (&1.into(), &"alert".into()));
    assert!(!body.to_string().contains(TOKEN));
}

#[test]
fn a_chat_gets_a_text() {
    let (address, asked) = server(vec!["200 OK".to_owned()]);
    assert_eq!(tell(Webhook::new(url(address), Form::Slack, private())).complaint(), None);
    let body = body(&asked.join().unwrap()[0]);
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["text"]);
    let lines: Vec<&str> = body["text"].as_str().unwrap().lines().collect();
    assert_eq!(lines[0], "sigcache alert for memory:: 1 new; 1 open");
    let told = "new: a broke at step connect (connection-refused) in the last run; the last good copy is stale";
    assert_eq!(lines[1], told);
}

#[test]
fn a_busy_webhook_is_asked_again_when_it_says_so() {
    let busy = "503 Service Unavailable\r\nRetry-After: 1".to_owned();
    let (address, asked) = server(vec![busy, "200 OK".to_owned()]);
    assert_eq!(tell(Webhook::new(url(address), Form::Json, private())).complaint(), None);
    let asked = asked.join().unwrap();
    // The same message, as its id shows.
    assert_eq!(body(&asked[0]), body(&asked[1]));
    // One that wants to be left alone for an hour is.
    let (address, asked) = server(vec!["429 Too Many Requests\r\nRetry-After: 3600".to_owned()]);
    let complaint = tell(Webhook::new(url(address), Form::Json, private())).complaint().unwrap();
    assert!(
        complaint.contains("http (http-status): expected an answer 2xx, found 429 Too Many Requests"),
        "{complaint}"
    );
    assert_eq!(asked.join().unwrap().len(), 1);
}

#[test]
fn a_webhook_is_not_followed_elsewhere_and_not_into_the_own_network() {
    let elsewhere = format!("307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/{TOKEN}");
    let (address, asked) = server(vec![elsewhere]);
    let complaint = tell(Webhook::new(url(address), Form::Json, private())).complaint().unwrap();
    assert!(complaint.contains("found 307"), "{complaint}");
    assert_eq!(asked.join().unwrap().len(), 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let webhook = Webhook::new(url(listener.local_addr().unwrap()), Form::Json, Access::default());
    let complaint = tell(webhook).complaint().unwrap();
    assert!(complaint.contains("private-address") && !complaint.contains("127.0.0.1"), "{complaint}");
    assert!(listener.accept().is_err());
}

#[test]
fn what_is_said_of_a_dead_webhook_has_no_secret() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let complaint = tell(Webhook::new(url(address), Form::Json, private())).complaint().unwrap();
    assert!(complaint.contains("connection-refused"), "{complaint}");
    assert!(!complaint.contains("127.0.0.1") && !complaint.contains("services"), "{complaint}");
}

fn script(folder: &tempfile::TempDir, text: &str) -> String {
    let path = folder.path().join("told");
    // Renamed into its place: who writes a file cannot start it, and another test may be starting something just now.
    fs::write(path.with_extension("new"), format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path.with_extension("new"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(path.with_extension("new"), &path).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_command_gets_the_message_on_its_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("got").to_str().unwrap().to_owned();
    let program = script(&folder, r#"cat > "$1"; echo "$2" >> "$1""#);
    assert_eq!(tell(Command::new(&program, [told.clone(), "$(id) *".to_owned()])).complaint(), None);
    let got = fs::read_to_string(told).unwrap();
    let (json, argument) = got.rsplit_once('}').unwrap();
    // No shell has looked at the argument.
    assert_eq!(argument, "$(id) *\n");
    assert_eq!(serde_json::from_str::<Value>(&format!("{json}}}")).unwrap()["kind"], "alert");
}

#[test]
fn a_command_that_fails_or_does_not_end_has_told_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(&folder, &format!("echo {TOKEN} >&2; exit 3"));
    let complaint = tell(Command::new(&program, [])).complaint().unwrap();
    assert!(complaint.ends_with("the command ended with exit status: 3"), "{complaint}");
    // One that reads nothing, and never ends.
    let program = script(&folder, "exec sleep 600");
    let complaint = tell(Command::new(&program, []).with_limit(Duration::from_millis(200))).complaint().unwrap();
    assert!(complaint.ends_with("the command did not end within 200ms"), "{complaint}");
    let complaint = tell(Command::new("/nowhere/page", [])).complaint().unwrap();
    assert!(complaint.contains("the command cannot be started: No such file"), "{complaint}");
}
