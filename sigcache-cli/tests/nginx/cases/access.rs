//! Secrets that a source asks for.

use std::io::Read as _;

use super::{ONE, TWO, kept, stored};
use crate::harness::{Run, Site, Store, resource};

const SECRET: &str = "s3cret-b2f1c9";
const HEADER: &str = "headers = { X-Token = \"env:SIGCACHE_TEST_TOKEN\" }";

/// Lets in who has the secret.
fn door() -> String {
    format!("if ($http_x_token != {SECRET}) {{ return 403; }}")
}

/// The secret is in nothing that was printed, logged or stored, packed or not.
fn is_nowhere(store: &Store<'_>, run: &Run) {
    assert!(!run.stdout.contains(SECRET) && !run.stderr.contains(SECRET), "{}{}", run.stdout, run.stderr);
    for (key, mut bytes) in store.files() {
        if key.ends_with(".gz") {
            let packed = std::mem::take(&mut bytes);
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        }
        let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!found, "the secret is in {key}");
    }
}

#[test]
fn a_secret_from_the_environment_opens_the_door_and_shows_nowhere() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    let nginx = site.serve(&door());
    let store = Store::with(&site, "flags.json", &[nginx.url("flags.json")], HEADER);
    store.env("SIGCACHE_TEST_TOKEN", SECRET);
    store.env("SIGCACHE_LOG", "trace");
    let run = store.sync();
    run.is(0, &["flags.json stored done first-version"]);
    assert!(run.stderr.contains("\"decision\""), "it logs: {}", run.stderr);
    store.store_is(&[("flags.json", ONE)]);
    is_nowhere(&store, &run);
}

#[test]
fn a_wrong_secret_is_a_status_and_shows_nowhere() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let nginx = site.serve("if ($http_x_token != another) { return 403; }");
    store.env("SIGCACHE_TEST_TOKEN", SECRET);
    let run = kept(&store, nginx.url("flags.json"), HEADER, "http http-status");
    assert_eq!(run.member("http_status"), 403);
    is_nowhere(&store, &run);
}

#[test]
fn a_secret_does_not_follow_a_redirect_to_another_server() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", TWO);
    let other = site.serve("if ($http_x_token) { return 418; }");
    let nginx = site.serve(&format!("{} return 302 {};", door(), other.url("gone$uri")));
    store.env("SIGCACHE_TEST_TOKEN", SECRET);
    let run = kept(&store, nginx.url("flags.json"), HEADER, "http http-status");
    assert_eq!(run.member("http_status"), 404, "418 would be the other server's word that it saw the secret");
    is_nowhere(&store, &run);
}

#[test]
fn a_secret_that_is_not_there_is_named_before_anything_is_done() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let before = store.files();
    let mut nginx = site.serve("");
    store.configure("", &resource("flags.json", &[nginx.url("flags.json")], HEADER));
    let run = store.sync();
    assert_eq!(run.code, 2, "{}", run.stdout);
    let message = run.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("the environment variable `SIGCACHE_TEST_TOKEN` is not set"), "{message}");
    assert!(message.contains("sigcache.toml"), "{message}");
    assert_eq!(nginx.requests(), [""; 0]);
    assert_eq!(store.files(), before);
}

#[test]
fn a_password_in_a_url_is_refused_and_shows_nowhere() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let mut nginx = site.serve("");
    let url = nginx.url("flags.json").replace("http://", &format!("http://user:{SECRET}@"));
    store.configure("", &resource("flags.json", &[url], ""));
    let run = store.sync();
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(run.stdout.contains("password in this URL"), "{}", run.stdout);
    assert_eq!(nginx.requests(), [""; 0]);
    is_nowhere(&store, &run);
}
