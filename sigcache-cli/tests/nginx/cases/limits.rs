//! The source sends too much, or takes too long.

use std::{io::Write as _, time::Instant};

use super::{TWO, kept, stored};
use crate::harness::{Raw, Site, Store, hold};

#[test]
fn an_announced_length_beyond_the_limit_is_refused_before_the_first_byte() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let mut nginx = site.serve("");
    site.publish("flags.json", [b'x'; 4096]);
    let run = kept(&store, nginx.url("flags.json"), "max_size = \"1KiB\"", "size too-large");
    assert_eq!(run.member("expected"), "at most 1024 bytes");
    assert_eq!(run.member("found"), "an announced length of 4096 bytes");
    assert_eq!(nginx.requests(), ["200 /flags.json"], "its signature is of no use");
}

#[test]
fn a_chunked_body_beyond_the_limit_is_cut_off() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    // What nginx may have to change on the way it sends in chunks.
    let nginx = site.serve("ssi on; ssi_types *;");
    site.publish("flags.json", [b'x'; 4096]);
    let run = kept(&store, nginx.url("flags.json"), "max_size = \"1KiB\"", "size too-large");
    assert_eq!(run.member("found"), "more");
}

#[test]
fn a_chunked_body_of_exactly_the_limit_is_fine() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("ssi on; ssi_types *;");
    site.publish("flags.json", [b'x'; 1024]);
    let store = Store::with(&site, "flags.json", &[nginx.url("flags.json")], "max_size = \"1KiB\"");
    store.sync().is(0, &["flags.json stored done first-version"]);
    store.store_is(&[("flags.json", &[b'x'; 1024])]);
}

#[test]
fn a_body_without_end_is_cut_off_and_leaves_nothing() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let signature = site.read("flags.json.sig");
    let raw = Raw::only("flags.json", vec![("flags.json.sig", signature)], |mut stream| {
        let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
        let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while written.is_ok() {
            written = stream.write_all(&chunk);
        }
    });
    // More than is kept in memory, so that a part of it reaches the disk.
    kept(&store, raw.url("flags.json"), "max_size = \"9MiB\"", "size too-large");
}

#[test]
fn a_signature_beyond_its_limit_is_refused() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("");
    site.publish("flags.json", TWO);
    site.put("flags.json.sig", [b'x'; 4096]);
    kept(&store, nginx.url("flags.json"), "max_companion = \"1KiB\"", "size companion-too-large");
}

#[test]
fn a_source_that_is_too_slow_is_given_up() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("limit_rate 1k;");
    site.publish("flags.json", [b'x'; 100_000]);
    let settings = "least_speed = \"10KiB/s\"\nspeed_window = \"300ms\"";
    kept(&store, nginx.url("flags.json"), settings, "speed too-slow");
}

#[test]
fn a_source_that_falls_silent_is_given_up() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    // Bursts, and most of a second of silence between them.
    let nginx = site.serve("limit_rate 1k;");
    site.publish("flags.json", [b'x'; 100_000]);
    kept(&store, nginx.url("flags.json"), "idle_timeout = \"300ms\"", "speed idle-timeout");
}

#[test]
fn a_source_that_never_gets_to_the_end_is_given_up() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("limit_rate 1k;");
    site.publish("flags.json", [b'x'; 100_000]);
    kept(&store, nginx.url("flags.json"), "timeout = \"600ms\"", "speed deadline-exceeded");
}

#[test]
fn a_source_that_accepts_and_never_answers_is_given_up() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let raw = Raw::only("flags.json", vec![], hold);
    let began = Instant::now();
    let run = kept(&store, raw.url("flags.json"), "first_byte_timeout = \"300ms\"", "speed first-byte-timeout");
    assert_eq!(run.member("expected"), "an answer within 300ms");
    assert!(began.elapsed().as_secs() < 5, "it took {:?}", began.elapsed());
}

#[test]
fn a_signature_that_never_comes_is_given_up_too() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let raw = Raw::only("flags.json.sig", vec![("flags.json", TWO.to_vec())], hold);
    kept(&store, raw.url("flags.json"), "first_byte_timeout = \"300ms\"", "speed first-byte-timeout");
}

/// Memory is bounded by the parts in flight, not by the document. The benchmark does the same with 2 GiB.
#[cfg(target_os = "linux")]
#[test]
fn a_document_of_320_mib_passes_in_less_than_64_mib_of_memory() {
    let Some(site) = Site::new() else { return };
    let length = 320 * 1024 * 1024;
    site.publish_zeros("large.bin", length);
    let nginx = site.serve("");
    let settings = "max_size = \"1GiB\"\ntimeout = \"5m\"";
    let store = Store::with(&site, "large.bin", &[nginx.url("large.bin")], settings);
    let (code, peak) = store.peak_of_sync();
    assert_eq!(code, Some(0));
    assert_eq!(std::fs::metadata(store.path().join("latest/large.bin")).unwrap().len(), length);
    assert!(peak > 1024 * 1024, "the peak was not measured");
    assert!(peak < 64 * 1024 * 1024, "{peak} bytes");
}
