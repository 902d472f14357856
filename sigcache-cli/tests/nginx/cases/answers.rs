//! The source answers in a way that HTTP allows, or does not.

use std::{
    io::Write as _,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
};

use super::{ONE, TWO, kept, stored};
use crate::harness::{Raw, Site, Store, hold, whole};

#[test]
fn a_redirect_that_goes_on_for_ever_ends() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let mut nginx = site.serve("location = /loop { return 302 /loop; }");
    let run = kept(&store, nginx.url("loop"), "redirects = 2", "http too-many-redirects");
    assert_eq!(run.member("expected"), "at most 2 redirects");
    assert_eq!(nginx.requests(), ["302 /loop"; 3]);
}

#[test]
fn a_redirect_from_https_to_http_is_not_followed() {
    let Some(site) = Site::new() else { return };
    site.make_authority();
    site.make_certificate("server", "IP:127.0.0.1", "491231235959Z");
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let mut plain = site.serve("");
    let nginx = site.serve_tls("server", &format!("return 301 {};", plain.url("flags.json")));
    let run = kept(&store, nginx.url("flags.json"), "extra_ca = [\"../ca.pem\"]", "http weaker-redirect");
    assert_eq!(run.member("found"), &plain.url("flags.json"));
    assert_eq!(plain.requests(), [""; 0]);
}

#[test]
fn a_redirect_without_a_place_to_go_is_refused() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("location / { return 302 http://; }");
    kept(&store, nginx.url("flags.json"), "", "http bad-redirect");
}

#[test]
fn a_redirect_to_another_server_is_followed_and_remembered_by_its_first_url() {
    let Some(site) = Site::new() else { return };
    site.publish("releases/7/flags.json", ONE);
    let mut target = site.serve("");
    let to = target.url("releases/7");
    let nginx = site.serve(&format!("location / {{ return 307 {to}$uri; }}"));
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    let run = store.sync();
    run.is(0, &["flags.json stored done first-version"]);
    assert_eq!(run.member("source"), &nginx.url("flags.json"));
    store.store_is(&[("flags.json", ONE)]);
    store.sync().is(0, &["flags.json unchanged done not-modified"]);
    let asked = ["200 /releases/7/flags.json", "200 /releases/7/flags.json.sig", "304 /releases/7/flags.json"];
    assert_eq!(target.requests(), asked);
}

#[test]
fn an_encoding_that_was_not_offered_is_refused() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("location = /flags.json { gzip_static always; }");
    site.publish("flags.json", TWO);
    let gzip = Command::new("gzip").arg("--keep").arg(site.path("www/flags.json")).status();
    assert!(gzip.unwrap().success());
    let run = kept(&store, nginx.url("flags.json"), "", "http content-encoding");
    assert_eq!(run.member("found"), "gzip");
}

#[test]
fn a_source_that_would_compress_is_not_asked_to() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;");
    site.publish("flags.json", [b'x'; 4096]);
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    store.sync().is(0, &["flags.json stored done first-version"]);
    store.store_is(&[("flags.json", &[b'x'; 4096])]);
}

/// `flags.json` with this length announced, whatever its bytes are.
fn announcing(site: &Site, length: usize) -> Raw {
    let signature = site.read("flags.json.sig");
    Raw::only("flags.json", vec![("flags.json.sig", signature)], move |mut stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all(&[head.as_bytes(), TWO].concat()).unwrap();
    })
}

#[test]
fn a_body_shorter_than_announced_is_truncated() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let raw = announcing(&site, TWO.len() + 1);
    kept(&store, raw.url("flags.json"), "", "http truncated-body");
}

#[test]
fn a_body_longer_than_announced_is_not_the_document() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let raw = announcing(&site, TWO.len() - 1);
    kept(&store, raw.url("flags.json"), "", "signature signature-mismatch");
}

#[test]
fn a_chunked_body_that_breaks_off_is_truncated() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let signature = site.read("flags.json.sig");
    // All of the document, but not the chunk that ends it.
    let raw = Raw::only("flags.json", vec![("flags.json.sig", signature)], |mut stream| {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", TWO.len());
        stream.write_all(&[head.as_bytes(), TWO, b"\r\n"].concat()).unwrap();
    });
    kept(&store, raw.url("flags.json"), "", "http truncated-body");
}

#[test]
fn a_connection_that_is_reset_half_way_is_a_truncated_body() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let signature = site.read("flags.json.sig");
    let (send, receive) = mpsc::channel();
    let (send, receive) = (Mutex::new(send), Mutex::new(receive));
    let raw = Raw::serve(move |path, mut stream| {
        if path.ends_with(".sig") {
            stream.write_all(&whole(&signature)).unwrap();
            // Who asks for this has the head of the document.
            send.lock().unwrap().send(()).unwrap();
            return hold(stream);
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", TWO.len());
        stream.write_all(&[head.as_bytes(), &TWO[..TWO.len() / 2]].concat()).unwrap();
        receive.lock().unwrap().recv().unwrap();
        // The request was not read to its end, so this resets the connection.
        drop(stream);
    });
    kept(&store, raw.url("flags.json"), "", "http truncated-body");
}

#[test]
fn a_connection_that_is_reset_before_an_answer_is_no_answer() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("reset_timedout_connection on; return 444;");
    kept(&store, nginx.url("flags.json"), "", "http bad-response");
}

#[test]
fn an_answer_that_is_not_http_is_no_answer() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let raw = Raw::only("flags.json", vec![], |mut stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap());
    kept(&store, raw.url("flags.json"), "", "http bad-response");
}

#[test]
fn not_modified_without_a_question_is_no_answer() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let raw = Raw::only("flags.json", vec![], |mut stream| {
        stream.write_all(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n").unwrap();
    });
    kept(&store, raw.url("flags.json"), "", "http bad-response");
}

#[test]
fn an_error_page_is_not_a_document() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("");
    let run = kept(&store, nginx.url("gone.json"), "", "http http-status");
    assert_eq!((run.member("found"), run.member("http_status")), (&"404 Not Found".into(), &404.into()));
}

#[test]
fn a_busy_source_is_asked_again_and_then_given_up() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let mut nginx = site.serve("add_header Retry-After 0 always; return 503;");
    let url = nginx.url("flags.json");
    let run = kept(&store, url.clone(), "tries = 3", "http http-status");
    assert_eq!(run.member("http_status"), 503);
    assert_eq!(run.attempts(), [format!("{url} 3 http http-status")]);
    assert_eq!(nginx.requests(), ["503 /flags.json"; 3]);
}

#[test]
fn a_source_that_is_busy_once_is_waited_for() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    let signature = site.read("flags.json.sig");
    let asked = AtomicU32::new(0);
    let raw = Raw::only("flags.json", vec![("flags.json.sig", signature)], move |mut stream| {
        let busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        stream.write_all(&if first { busy } else { whole(ONE) }).unwrap();
    });
    let store = Store::with(&site, "flags.json", &[raw.url("flags.json")], "tries = 2");
    let run = store.sync();
    run.is(0, &["flags.json stored done first-version"]);
    assert!(run.json["duration_ms"].as_u64().unwrap() >= 1000, "it came back before it was asked to");
    store.store_is(&[("flags.json", ONE)]);
}

#[test]
fn a_fresh_answer_spares_the_next_question() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    let mut nginx = site.serve("add_header Cache-Control max-age=3600;");
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    store.sync().is(0, &["flags.json stored done first-version"]);
    nginx.requests();
    store.sync().is(0, &["flags.json unchanged done still-fresh"]);
    assert_eq!(nginx.requests(), [""; 0]);
    store.sync_at("2050-01-01T00:00:00Z").is(0, &["flags.json unchanged done not-modified"]);
    assert_eq!(nginx.requests(), ["304 /flags.json"]);
    store.store_is(&[("flags.json", ONE)]);
}
