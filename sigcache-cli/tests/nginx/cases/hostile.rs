//! Servers that mean to hold a run up or to fill its memory.

use std::{
    io::Write as _,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use super::{TWO, kept, stored};
use crate::harness::{Raw, Run, Site};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Says `first`, and then `again` until the other side has had enough of it, with a pause in between.
fn endless(first: &'static [u8], again: &'static [u8], pause: Duration) -> impl Fn(TcpStream) + Send + Sync + 'static {
    move |mut stream| {
        let mut written = stream.write_all(first);
        while written.is_ok() {
            written = stream.write_all(again);
            if !pause.is_zero() {
                thread::sleep(pause);
            }
        }
    }
}

/// The document is served like this, beside a sound signature; the run ends soon, and small.
#[track_caller]
fn bounded(answer: impl Fn(TcpStream) + Send + Sync + 'static, settings: &str, step_and_reason: &str) -> Option<Run> {
    let site = Site::new()?;
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let signature = site.read("flags.json.sig");
    let raw = Raw::only("flags.json", vec![("flags.json.sig", signature)], answer);
    let began = Instant::now();
    let run = kept(&store, raw.url("flags.json"), settings, step_and_reason);
    assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
    Some(run)
}

#[test]
fn headers_without_end() {
    bounded(endless(OK, b"X-More: and more, and more, and more\r\n", Duration::ZERO), "", "http bad-response");
}

#[test]
fn a_header_line_without_end() {
    bounded(endless(b"HTTP/1.1 200 OK\r\nX-More: ", &[b'x'; 4096], Duration::ZERO), "", "http bad-response");
}

#[test]
fn a_status_line_without_end() {
    bounded(endless(b"HTTP/1.1 200 ", &[b'x'; 4096], Duration::ZERO), "", "http bad-response");
}

#[test]
fn early_answers_without_end() {
    let early = endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", Duration::ZERO);
    bounded(early, "first_byte_timeout = \"500ms\"", "speed first-byte-timeout");
}

#[test]
fn headers_one_byte_at_a_time() {
    let drip = endless(OK, b"X", Duration::from_millis(20));
    bounded(drip, "first_byte_timeout = \"500ms\"", "speed first-byte-timeout");
}

#[test]
fn an_extension_of_a_chunk_without_end() {
    let first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=";
    bounded(endless(first, &[b'x'; 4096], Duration::ZERO), "", "http truncated-body");
}

#[test]
fn trailers_without_end() {
    let first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n";
    bounded(endless(first, b"X-More: and more, and more\r\n", Duration::ZERO), "", "http truncated-body");
}

#[test]
fn chunks_of_one_byte_without_end() {
    let drip = endless(CHUNKED, b"1\r\nx\r\n", Duration::from_millis(10));
    bounded(drip, "speed_window = \"500ms\"\nleast_speed = \"1KiB/s\"", "speed too-slow");
}

#[test]
fn a_length_that_overflows() {
    let answer = |length: &'static str| {
        move |mut stream: TcpStream| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nx");
            stream.write_all(head.as_bytes()).unwrap();
        }
    };
    bounded(answer("18446744073709551613"), "", "size too-large");
    bounded(answer("18446744073709551615"), "", "http bad-response");
    bounded(answer("18446744073709551616"), "", "http bad-response");
    bounded(answer("-1"), "", "http bad-response");
    bounded(answer("1, 2"), "", "http bad-response");
}

#[test]
fn a_chunk_that_overflows() {
    let first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n";
    bounded(endless(first, &[b'x'; 4096], Duration::ZERO), "", "http truncated-body");
}

#[test]
fn an_error_page_without_end() {
    let first = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n";
    bounded(endless(first, b"5\r\nxxxxx\r\n", Duration::ZERO), "", "http http-status");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let answer = |mut stream: TcpStream| {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: \xc2\x9b31m\xe2\x80\xae\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
    };
    let Some(run) = bounded(answer, "", "http content-encoding") else { return };
    let found = run.member("found").as_str().unwrap();
    assert!(!found.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{found:?}");
}
