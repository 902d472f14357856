//! Traces of the real binary, as a collector gets them.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    thread,
};

use serde_json::Value;

use crate::support::Lab;

/// Takes one request and gives its path and body.
fn collector() -> (String, thread::JoinHandle<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let taken = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap()];
        reader.read_exact(&mut body).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        reader.get_mut().write_all(answer).unwrap();
        (head[0].clone(), serde_json::from_slice(&body).unwrap())
    });
    (endpoint, taken)
}

fn attribute<'v>(span: &'v Value, key: &str) -> &'v str {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    found.and_then(|attribute| attribute["value"]["stringValue"].as_str()).unwrap_or_default()
}

#[test]
fn a_run_and_each_of_its_resources_is_a_span() {
    let lab = Lab::with(&["a", "b"]);
    lab.replace("origin/b.sig", "no signature");
    let (endpoint, taken) = collector();
    lab.set_environment(&[("OTEL_EXPORTER_OTLP_ENDPOINT".into(), endpoint)]);
    lab.run(&["sync"]).ends(1);
    let (request, body) = taken.join().unwrap();
    assert_eq!(request, "POST /v1/traces HTTP/1.1");
    let sent = &body["resourceSpans"][0];
    assert_eq!(attribute(&sent["resource"], "service.name"), "sigcache");
    let spans = sent["scopeSpans"][0]["spans"].as_array().unwrap();
    let named = |name: &str| spans.iter().filter(|span| span["name"] == name).collect::<Vec<_>>();
    let [run] = named("run")[..] else { panic!("{body:#}") };
    let resources = named("resource");
    assert_eq!(resources.len(), 2, "{body:#}");
    for span in resources {
        assert_eq!(span["parentSpanId"], run["spanId"], "{span:#}");
        assert_eq!(span["traceId"], run["traceId"], "{span:#}");
        let told = ["resource", "outcome", "step", "reason"].map(|key| attribute(span, key));
        let expected = match told[0] {
            "a" => ["a", "stored", "done", "first-version"],
            _ => ["b", "refused", "parse", "malformed-signature"],
        };
        assert_eq!(told, expected);
    }
}

#[test]
fn a_collector_that_is_not_there_costs_a_warning_and_nothing_else() {
    let lab = Lab::with(&["a"]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    lab.set_environment(&[("OTEL_EXPORTER_OTLP_ENDPOINT".into(), format!("http://{nobody}"))]);
    let ran = lab.run(&["sync"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    // Without the variable nobody is asked, and nothing is said.
    lab.set_environment(&[]);
    let ran = lab.run(&["sync"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}
