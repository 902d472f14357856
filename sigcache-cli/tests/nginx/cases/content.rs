//! What the source serves is not what it should be.

use super::{ONE, TWO, kept, large, stored};
use crate::harness::{Site, Store, resource};

const STORED: &str = "flags.json stored done first-version";

#[test]
fn a_first_sync_stores_every_document_with_its_signature() {
    let Some(site) = Site::new() else { return };
    let large = large();
    let documents = [("feeds/de.xml", TWO), ("flags.json", ONE), ("large.bin", &large)];
    let mut nginx = site.serve("");
    let mut tables = String::new();
    for (name, bytes) in documents {
        site.publish(name, bytes);
        tables += &resource(name, &[nginx.url(name)], "");
    }
    let store = Store::empty(&site);
    store.configure("", &tables);
    let run = store.sync();
    run.is(0, &["feeds/de.xml stored done first-version", STORED, "large.bin stored done first-version"]);
    assert_eq!(run.member("bytes"), TWO.len());
    assert_eq!(run.member("keys"), &serde_json::json!(["publisher"]));
    assert_eq!(run.member("source"), &nginx.url("feeds/de.xml"));
    store.store_is(&documents);
    let asked = ["feeds/de.xml", "feeds/de.xml.sig", "flags.json", "flags.json.sig", "large.bin", "large.bin.sig"];
    assert_eq!(nginx.requests(), asked.map(|name| format!("200 /{name}")));
}

#[test]
fn an_unchanged_sync_asks_once_for_each_document_and_hardly_touches_the_store() {
    let Some(site) = Site::new() else { return };
    let names: Vec<String> = (10..30).map(|number| format!("feed-{number}.json")).collect();
    let mut nginx = site.serve("");
    let mut tables = String::new();
    for name in &names {
        site.publish(name, format!("{{ \"name\": {name:?} }}"));
        tables += &resource(name, &[nginx.url(name)], "");
    }
    let store = Store::empty(&site);
    store.configure("", &tables);
    assert_eq!(store.sync().code, 0);
    nginx.requests();
    let run = store.sync();
    let decisions: Vec<String> = names.iter().map(|name| format!("{name} unchanged done not-modified")).collect();
    assert_eq!((run.decisions(), run.code), (decisions, 0));
    assert_eq!(run.json["totals"]["unchanged"], names.len());
    assert_eq!(nginx.requests(), names.iter().map(|name| format!("304 /{name}")).collect::<Vec<_>>());
    assert!(run.json["store_requests"].as_u64().unwrap() <= 4, "{}", run.stdout);
    let contents: Vec<Vec<u8>> = names.iter().map(|name| site.read(name)).collect();
    let expected: Vec<(&str, &[u8])> =
        names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
    store.store_is(&expected);
}

#[test]
fn a_changed_document_takes_the_place_of_the_one_before() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    site.publish("flags.json", ONE);
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    store.sync().is(0, &[STORED]);
    site.publish("flags.json", TWO);
    store.sync().is(0, &["flags.json stored done new-version"]);
    store.store_is(&[("flags.json", TWO)]);
}

#[test]
fn the_same_bytes_again_are_no_new_version() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    site.publish("flags.json", ONE);
    let nginx = site.serve("etag off;");
    store.configure("", &resource("flags.json", &[nginx.url("flags.json")], ""));
    store.sync().is(0, &["flags.json unchanged done same-bytes"]);
    store.store_is(&[("flags.json", ONE)]);
}

#[test]
fn a_tampered_document_is_not_stored() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    site.publish("flags.json", TWO);
    site.put("flags.json", TWO.to_ascii_uppercase());
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    store.sync().is(1, &["flags.json refused signature signature-mismatch"]);
    store.store_is(&[]);
}

#[test]
fn a_tampered_document_leaves_the_last_good_one() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("");
    site.publish("flags.json", TWO);
    site.put("flags.json", TWO.to_ascii_uppercase());
    kept(&store, nginx.url("flags.json"), "", "signature signature-mismatch");
}

#[test]
fn a_large_document_with_one_wrong_bit_at_the_end_leaves_nothing() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("");
    let mut bytes = large();
    site.publish("flags.json", &bytes);
    *bytes.last_mut().unwrap() ^= 1;
    site.put("flags.json", &bytes);
    kept(&store, nginx.url("flags.json"), "", "signature signature-mismatch");
}

#[test]
fn a_file_that_is_truncated_on_the_server_does_not_verify() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("");
    site.publish("flags.json", TWO);
    site.put("flags.json", &TWO[..TWO.len() / 2]);
    kept(&store, nginx.url("flags.json"), "", "signature signature-mismatch");
    site.put("flags.json", "");
    kept(&store, nginx.url("flags.json"), "", "signature signature-mismatch");
}

#[test]
fn a_signature_by_another_key_is_none() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("");
    site.make_key("stranger");
    site.put("flags.json", TWO);
    site.sign("flags.json", "stranger");
    kept(&store, nginx.url("flags.json"), "", "signature signature-mismatch");
}

#[test]
fn a_missing_signature_is_told_by_its_url() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("");
    site.put("flags.json", TWO);
    site.remove("flags.json.sig");
    let run = kept(&store, nginx.url("flags.json"), "", "http companion-missing");
    assert_eq!(run.member("expected"), &nginx.url("flags.json.sig"));
    assert_eq!(run.member("http_status"), 404);
}

#[test]
fn a_web_page_in_place_of_the_signature_is_not_one() {
    let Some(site) = Site::new() else { return };
    let store = stored(&site, "");
    let nginx = site.serve("location ~ sig$ { return 200 '<html>Please sign in</html>'; }");
    site.publish("flags.json", TWO);
    kept(&store, nginx.url("flags.json"), "", "parse malformed-signature");
}

#[test]
fn swapped_documents_are_refused_although_both_are_signed() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let content = |name: &str| format!("{{ \"name\": \"{name}\" }}\n");
    let mut tables = String::new();
    for name in ["a", "b"] {
        site.publish(name, content(name));
        let claims = "claims = { identity = \"/name\" }";
        let settings = format!(
            "identity = {name:?}\nverify = {{ format = \"detached\", suffix = \".sig\", keys = [\"publisher\"], {claims} }}"
        );
        tables += &resource(name, &[nginx.url(name)], &settings);
    }
    let store = Store::empty(&site);
    store.configure("", &tables);
    store.sync().is(0, &["a stored done first-version", "b stored done first-version"]);
    site.publish("a", content("b"));
    site.publish("b", content("a"));
    let run = store.sync();
    run.is(1, &["a kept identity identity-mismatch", "b kept identity identity-mismatch"]);
    assert_eq!(run.member("expected"), "a");
    store.store_is(&[("a", content("a").as_bytes()), ("b", content("b").as_bytes())]);
}

#[test]
fn an_older_version_is_refused_until_a_person_allows_it() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let claims = "verify = { format = \"detached\", suffix = \".sig\", keys = [\"publisher\"], \
        claims = { version = \"/version\" } }";
    let store = Store::with(&site, "flags.json", &[nginx.url("flags.json")], claims);
    site.publish("flags.json", TWO);
    store.sync().is(0, &[STORED]);
    site.publish("flags.json", ONE);
    store.sync().is(1, &["flags.json kept rollback older-version"]);
    store.store_is(&[("flags.json", TWO)]);
    let allowed = store.run(&["allow-rollback", "flags.json", "--reason", "version 2 was a mistake"]);
    allowed.is(0, &["flags.json kept rollback rollback-allowed"]);
    store.sync().is(0, &["flags.json stored done new-version"]);
    store.store_is(&[("flags.json", ONE)]);
}

#[test]
fn old_bytes_without_a_version_are_known_again() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    site.publish("flags.json", ONE);
    store.sync().is(0, &[STORED]);
    site.publish("flags.json", TWO);
    store.sync().is(0, &["flags.json stored done new-version"]);
    site.publish("flags.json", ONE);
    store.sync().is(1, &["flags.json kept rollback replayed-version"]);
    store.store_is(&[("flags.json", TWO)]);
}
