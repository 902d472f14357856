//! What the doctor says of servers that speak TLS.

use serde_json::Value;

use super::{ONE, stored};
use crate::harness::{Run, Site, Store, resource};

const LATER: &str = "491231235959Z";
const CA: &str = "extra_ca = [\"../ca.pem\"]";

fn links(run: &Run, state: &str) -> Vec<String> {
    let rows = run.json["links"].as_array().unwrap_or_else(|| panic!("{}\n{}", run.stdout, run.stderr)).iter();
    rows.filter(|row| row["state"] == state).map(|row| row["link"].as_str().unwrap().to_owned()).collect()
}

/// A store that was synced in a sound world; then its source has a certificate for `names` until `end`.
fn with_certificate(site: &Site, names: &str, end: &str, settings: &str) -> (Value, Run) {
    let store = stored(site, "");
    site.make_authority();
    site.make_certificate("server", names, end);
    let nginx = site.serve_tls("server", "");
    store.configure("", &resource("flags.json", &[nginx.url("flags.json")], settings));
    // The authority is one of thirty days.
    let run = store.run(&["doctor", "--within", "1d"]);
    (run.json["first_broken"].clone(), run)
}

#[track_caller]
fn blames_tls(names: &str, end: &str, settings: &str, found: &str) {
    let Some(site) = Site::new() else { return };
    let (first, run) = with_certificate(&site, names, end, settings);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert_eq!(first["link"], "tls", "{}", run.stdout);
    assert!(first["of"].as_str().unwrap().starts_with("flags.json at https://127.0.0.1"), "{first:#}");
    assert!(first["found"].as_str().unwrap().contains(found), "{first:#}");
    assert_eq!(links(&run, "broken"), ["tls"], "no other is blamed");
    assert_eq!(links(&run, "not-checked"), ["answer", "clock", "companions", "verification"]);
    assert!(links(&run, "ok").iter().any(|link| link == "connect"));
}

#[test]
fn a_certificate_that_expired() {
    blames_tls("IP:127.0.0.1", "210101000000Z", CA, "expired");
}

#[test]
fn a_certificate_for_another_name() {
    blames_tls("DNS:other.example", LATER, CA, "not valid for name");
}

#[test]
fn a_certificate_of_an_unknown_authority() {
    blames_tls("IP:127.0.0.1", LATER, "", "unknown authority");
}

#[test]
fn a_good_certificate_holds() {
    let Some(site) = Site::new() else { return };
    let (_, run) = with_certificate(&site, "IP:127.0.0.1", LATER, CA);
    assert_eq!((run.code, links(&run, "broken")), (0, vec![]), "{}", run.stdout);
    let row = run.json["links"].as_array().unwrap().iter().find(|row| row["link"] == "tls").unwrap();
    assert_eq!(row["note"], "the certificate ends at 2049-12-31T23:59:59Z");
    assert_eq!(run.json["calendar"], serde_json::json!([]), "that is no matter of today");
}

#[test]
fn a_certificate_that_ends_soon_is_in_the_calendar() {
    let Some(site) = Site::new() else { return };
    site.publish("flags.json", ONE);
    site.make_authority();
    site.make_certificate("server", "IP:127.0.0.1", LATER);
    let nginx = site.serve_tls("server", "");
    let store = Store::with(&site, "flags.json", &[nginx.url("flags.json")], CA);
    store.sync().is(0, &["flags.json stored done first-version"]);
    let run = store.run(&["doctor", "--within", "36500d"]);
    let event = serde_json::json!(
        { "at": "2049-12-31T23:59:59Z", "kind": "tls-certificate", "of": "127.0.0.1", "past": false }
    );
    let events = run.json["calendar"].as_array().unwrap();
    assert!(run.code == 0 && events.contains(&event), "{}", run.stdout);
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["authority", "tls-certificate"], "the next one first");
}

#[test]
fn authorities_and_client_certificates_are_in_the_calendar() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.make_authority();
    site.make_certificate("client", "DNS:client", "270101000000Z");
    let pem = [site.path("client.pem"), site.path("client.key")].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::write(site.path("both.pem"), pem.concat()).unwrap();
    let url = "https://127.0.0.1:1/flags.json".to_owned();
    let settings = format!("{CA}\nclient_certificate = \"../both.pem\"");
    store.configure("", &resource("flags.json", &[url], &settings));
    let run = store.run(&["doctor", "--offline", "--within", "3650d"]);
    let events = run.json["calendar"].as_array().unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"authority"), "{}", run.stdout);
    let client = events.iter().find(|event| event["kind"] == "client-certificate").unwrap();
    assert_eq!((&client["at"], &client["of"]), (&"2027-01-01T00:00:00Z".into(), &"flags.json".into()));
    assert!(!run.stdout.contains("PRIVATE KEY"));
}
