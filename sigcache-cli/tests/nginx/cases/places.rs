//! The source cannot be reached, or there is another one.

use std::{process::Command, time::Instant};

use super::{ONE, TWO, kept, stored};
use crate::harness::{Site, Store, refused};

#[test]
fn a_host_that_does_not_exist_is_not_found() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let run = kept(&store, "http://sigcache.invalid/flags.json".to_owned(), "", "resolve host-not-found");
    assert_eq!(run.member("expected"), "an address for sigcache.invalid");
}

#[test]
fn a_port_at_which_nobody_listens_refuses() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    kept(&store, format!("http://{}/flags.json", refused()), "", "connect connection-refused");
}

#[test]
fn a_pipe_in_place_of_a_file_holds_nothing_up() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let pipe = site.path("www/pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let began = Instant::now();
    let run = kept(&store, format!("file://{}", pipe.display()), "", "http source-failed");
    assert_eq!(run.member("found"), "not a regular file, but a pipe, socket or device");
    assert!(began.elapsed().as_secs() < 30, "it took {:?}, the time for the whole request", began.elapsed());
}

#[test]
fn private_addresses_are_not_called_unasked() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let mut nginx = site.serve("");
    let port = nginx.port();
    for host in ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}/flags.json");
        kept(&store, url, "allow_private = false", "resolve private-address");
    }
    assert_eq!(nginx.requests(), [""; 0]);
}

#[test]
fn the_second_source_is_asked_when_the_first_is_down() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    let nginx = site.serve("");
    let down = format!("http://{}/flags.json", refused());
    let store = Store::new(&site, "flags.json", &[down.clone(), nginx.url("flags.json")]);
    let run = store.sync();
    run.is(0, &["flags.json stored done first-version"]);
    assert_eq!(run.member("source"), &nginx.url("flags.json"));
    assert_eq!(run.attempts(), [format!("{down} 1 connect connection-refused")]);
    store.store_is(&[("flags.json", ONE)]);
    let again = store.sync();
    again.is(0, &["flags.json unchanged done not-modified"]);
    assert_eq!(again.attempts(), [format!("{down} 1 connect connection-refused")]);
}

#[test]
fn the_second_source_is_asked_when_the_first_is_tampered_with() {
    let Some(site) = Site::new() else { return };
    site.publish("good/flags.json", ONE);
    site.publish("bad/flags.json", ONE);
    site.put("bad/flags.json", ONE.to_ascii_uppercase());
    let nginx = site.serve("");
    let [bad, good] = ["bad/flags.json", "good/flags.json"].map(|name| nginx.url(name));
    let store = Store::new(&site, "flags.json", &[bad.clone(), good.clone()]);
    let run = store.sync();
    run.is(0, &["flags.json stored done first-version"]);
    assert_eq!(run.member("source"), &good);
    assert_eq!(run.attempts(), [format!("{bad} 1 signature signature-mismatch")]);
    store.store_is(&[("flags.json", ONE)]);
}

#[test]
fn of_several_broken_sources_the_one_that_came_furthest_is_told() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    site.put("flags.json", TWO);
    let nginx = site.serve("");
    let (bad, down) = (nginx.url("flags.json"), format!("http://{}/flags.json", refused()));
    let store = Store::new(&site, "flags.json", &[bad.clone(), down.clone()]);
    let run = store.sync();
    run.is(1, &["flags.json refused signature signature-mismatch"]);
    let attempts = [format!("{bad} 1 signature signature-mismatch"), format!("{down} 1 connect connection-refused")];
    assert_eq!(run.attempts(), attempts);
    store.store_is(&[]);
}
