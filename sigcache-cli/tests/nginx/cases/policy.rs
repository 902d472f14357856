//! Nothing is wrong with the bytes, and yet they may not be taken or served.

use super::{ONE, TWO};
use crate::harness::{Nginx, Site, Store, resource};

const BEFORE: &str = "2030-01-01T00:00:00Z";
const AFTER: &str = "2030-03-01T00:00:00Z";
const EXPIRES: &str = "verify = { format = \"detached\", suffix = \".sig\", keys = [\"publisher\"], \
    claims = { expires = \"/until\" } }";

fn until(end: &str) -> Vec<u8> {
    format!("{{ \"until\": \"{end}\" }}\n").into_bytes()
}

/// A document until February 2030, stored in January, with these settings.
fn perishable<'a>(site: &'a Site, nginx: &Nginx, settings: &str) -> Store<'a> {
    site.publish("flags.json", until("2030-02-01T00:00:00Z"));
    let settings = format!("{settings}\n{EXPIRES}");
    let store = Store::with(site, "flags.json", &[nginx.url("flags.json")], &settings);
    store.sync_at(BEFORE).is(0, &["flags.json stored done first-version"]);
    store.store_is(&[("flags.json", &site.read("flags.json"))]);
    store
}

#[test]
fn an_expired_copy_is_withheld_until_there_is_a_new_one() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = perishable(&site, &nginx, "");
    let run = store.sync_at(AFTER);
    run.is(1, &["flags.json withheld expiry copy-expired"]);
    assert_eq!(run.member("http_status"), 304, "that nothing changed does not make it last longer");
    store.store_is(&[]);
    let new = until("2030-04-01T00:00:00Z");
    site.publish("flags.json", &new);
    store.sync_at(AFTER).is(0, &["flags.json stored done new-version"]);
    store.store_is(&[("flags.json", &new)]);
}

#[test]
fn an_expired_copy_is_withheld_when_the_source_is_gone_too() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = perishable(&site, &nginx, "");
    site.remove("flags.json");
    store.sync_at(BEFORE).is(1, &["flags.json kept http http-status"]);
    store.store_is(&[("flags.json", &until("2030-02-01T00:00:00Z"))]);
    store.sync_at(AFTER).is(1, &["flags.json withheld http http-status"]);
    store.store_is(&[]);
}

#[test]
fn an_expired_document_is_not_taken() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    site.publish("flags.json", until("2030-02-01T00:00:00Z"));
    let store = Store::with(&site, "flags.json", &[nginx.url("flags.json")], EXPIRES);
    store.sync_at(AFTER).is(1, &["flags.json refused expiry document-expired"]);
    store.store_is(&[]);
}

#[test]
fn an_expired_copy_is_served_on_where_that_was_asked_for() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = perishable(&site, &nginx, "on_expiry = \"serve\"");
    store.sync_at(AFTER).is(1, &["flags.json kept expiry copy-expired"]);
    store.store_is(&[("flags.json", &site.read("flags.json"))]);
}

#[test]
fn a_copy_that_nobody_confirms_for_too_long_is_withheld() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    site.publish("flags.json", ONE);
    let store = Store::with(&site, "flags.json", &[nginx.url("flags.json")], "max_stale = \"2d\"");
    store.sync_at("2030-01-01T00:00:00Z").is(0, &["flags.json stored done first-version"]);
    site.remove("flags.json");
    store.sync_at("2030-01-02T00:00:00Z").is(1, &["flags.json kept http http-status"]);
    store.store_is(&[("flags.json", ONE)]);
    store.sync_at("2030-01-04T00:00:00Z").is(1, &["flags.json withheld http http-status"]);
    store.store_is(&[]);
    // It comes back as it was: then it is confirmed.
    site.publish("flags.json", ONE);
    store.sync_at("2030-01-05T00:00:00Z").is(0, &["flags.json unchanged done same-bytes"]);
    store.store_is(&[("flags.json", ONE)]);
}

#[test]
fn what_a_revoked_key_signed_is_withheld() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    site.publish("flags.json", ONE);
    let table = resource("flags.json", &[nginx.url("flags.json")], "on_expiry = \"serve\"");
    let store = Store::empty(&site);
    store.configure("", &table);
    store.sync().is(0, &["flags.json stored done first-version"]);
    store.configure("revoked = true", &table);
    store.sync().is(1, &["flags.json withheld key key-revoked"]);
    store.store_is(&[]);
}

/// Resources `a` to `d`, of which those in `names` are configured.
fn configure(store: &Store<'_>, nginx: &Nginx, names: &[&str]) {
    let tables: String = names.iter().map(|name| resource(name, &[nginx.url(name)], "")).collect();
    store.configure("", &tables);
}

#[test]
fn a_resource_that_left_the_configuration_is_removed() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = Store::empty(&site);
    for name in ["a", "b", "c", "d"] {
        site.publish(name, format!("document {name}"));
    }
    configure(&store, &nginx, &["a", "b", "c", "d"]);
    assert_eq!(store.sync().code, 0);
    configure(&store, &nginx, &["a", "b", "c"]);
    let unchanged = ["a", "b", "c"].map(|name| format!("{name} unchanged done not-modified"));
    let [a, b, c] = unchanged.each_ref().map(String::as_str);
    store.sync().is(0, &[a, b, c, "d removed done left-config"]);
    store.store_is(&[("a", b"document a"), ("b", b"document b"), ("c", b"document c")]);
    store.sync().is(0, &[a, b, c]);
}

#[test]
fn a_configuration_that_lost_most_of_itself_removes_nothing() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = Store::empty(&site);
    for name in ["a", "b", "c", "d"] {
        site.publish(name, format!("document {name}"));
    }
    configure(&store, &nginx, &["a", "b", "c", "d"]);
    assert_eq!(store.sync().code, 0);
    configure(&store, &nginx, &["a"]);
    let run = store.sync();
    let kept = ["b", "c", "d"].map(|name| format!("{name} kept shrink mass-removal"));
    let [b, c, d] = kept.each_ref().map(String::as_str);
    run.is(1, &["a unchanged done not-modified", b, c, d]);
    store.store_is(&[("a", b"document a"), ("b", b"document b"), ("c", b"document c"), ("d", b"document d")]);
}

#[test]
fn a_document_that_lost_most_of_itself_is_not_taken() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = Store::with(&site, "flags.json", &[nginx.url("flags.json")], "shrink_limit = \"50%\"");
    site.publish("flags.json", [b'x'; 1000]);
    store.sync().is(0, &["flags.json stored done first-version"]);
    site.publish("flags.json", [b'y'; 499]);
    let run = store.sync();
    run.is(1, &["flags.json kept shrink shrunk"]);
    assert_eq!(run.member("expected"), "at least 500 of the 1000 bytes before");
    store.store_is(&[("flags.json", &[b'x'; 1000])]);
    site.publish("flags.json", [b'y'; 500]);
    store.sync().is(0, &["flags.json stored done new-version"]);
    store.store_is(&[("flags.json", &[b'y'; 500])]);
}

#[test]
fn of_a_set_all_are_taken_or_none() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = Store::empty(&site);
    let tables = ["index", "rates"].map(|name| resource(name, &[nginx.url(name)], "set = \"prices\""));
    store.configure("", &tables.concat());
    site.publish("index", ONE);
    site.publish("rates", ONE);
    site.put("rates", TWO);
    store.sync().is(1, &["index refused commit set-incomplete", "rates refused signature signature-mismatch"]);
    store.store_is(&[]);
    site.publish("rates", ONE);
    store.sync().is(0, &["index stored done first-version", "rates stored done first-version"]);
    store.store_is(&[("index", ONE), ("rates", ONE)]);
    site.publish("index", TWO);
    site.remove("rates");
    store.sync().is(1, &["index kept commit set-incomplete", "rates kept http http-status"]);
    store.store_is(&[("index", ONE), ("rates", ONE)]);
    site.publish("rates", TWO);
    store.sync().is(0, &["index stored done new-version", "rates stored done new-version"]);
    store.store_is(&[("index", TWO), ("rates", TWO)]);
}
