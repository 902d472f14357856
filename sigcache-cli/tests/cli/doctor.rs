//! One broken set-up after the other: the doctor names that link, and no other.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::{
    proxy::{Fault, Proxy},
    schema::unpack,
    servers::Server,
    support::{Lab, NOON},
    web::{Refusals, Web},
};

/// Half an hour after the run at noon.
const LATER: &str = "2026-11-24T12:30:00Z";
/// What time it is for the servers.
const DATE: &str = "Tue, 24 Nov 2026 12:29:30 GMT";
const PRIVATE: &str = "allow_private = true";

/// A lab in which everything was as it should be at noon.
fn sound(names: &[&str]) -> Lab {
    let lab = Lab::with(names);
    lab.run_at(NOON, &["sync"]).ends(0);
    lab
}

/// The same with a web server as origin.
fn served(names: &[&str], refusals: Refusals) -> (Lab, Web) {
    let lab = sound(names);
    let web = Web::serve(lab.path("origin"), DATE, refusals);
    lab.configure(names, PRIVATE);
    edit(&lab, &lab.origin(), &web.url);
    (lab, web)
}

/// Changes the configuration.
fn edit(lab: &Lab, from: &str, to: &str) {
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    lab.replace("sigcache.toml", text.replace(from, to));
}

fn diagnose(lab: &Lab, code: i32, args: &[&str]) -> Value {
    lab.json("doctor", code, &[&["--at", LATER, "doctor"], args].concat())
}

/// The rows of a state, as `<link> <of>`.
fn rows(diagnosis: &Value, state: &str) -> Vec<(String, String)> {
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = diagnosis["links"].as_array().unwrap().iter();
    rows.filter(|row| row["state"] == state).map(|row| (word(row, "link"), word(row, "of"))).collect()
}

/// `link` of `of` is broken, for what is `found`, and nothing else is; everything before it holds.
#[track_caller]
fn blames(lab: &Lab, code: i32, args: &[&str], link: &str, of: &str, found: &str) -> Value {
    let diagnosis = diagnose(lab, code, args);
    let first = &diagnosis["first_broken"];
    let word = |key: &str| first[key].as_str().unwrap_or_default();
    assert_eq!(word("link"), link, "{diagnosis:#}");
    assert!(word("of").contains(of), "{of} in {first:#}");
    assert!(word("found").contains(found), "{found} in {first:#}");
    assert!(!word("expected").is_empty() && !word("advice").is_empty(), "{first:#}");
    assert_eq!(rows(&diagnosis, "broken"), [(link.to_owned(), word("of").to_owned())], "{diagnosis:#}");
    let before = diagnosis["links"].as_array().unwrap().iter().take_while(|row| row["state"] != "broken");
    before.for_each(|row| assert_eq!(row["state"], "ok", "{diagnosis:#}"));
    // The same for people, with the sentence last. A store's own words differ each time.
    let told = lab.run(&[&["--at", LATER, "doctor"], args].concat()).ends(code);
    let sentence = told.lines().last().unwrap();
    assert!(sentence.starts_with(&format!("The first broken link is {link} (")), "{told}");
    assert!(sentence.contains(found) && sentence.ends_with(&format!("; {}.", word("advice"))), "{told}");
    diagnosis
}

#[test]
fn where_every_link_holds_it_says_so_and_leaves_nothing() {
    let (lab, web) = served(&["a", "b/c"], &[]);
    edit(&lab, "[keys.publisher]", "[keys.publisher]\nnot_after = 2026-12-20T00:00:00Z");
    let before = lab.store();
    let diagnosis = diagnose(&lab, 0, &[]);
    assert_eq!((&diagnosis["whole"], diagnosis.get("first_broken")), (&json!(true), None));
    assert_eq!(rows(&diagnosis, "broken"), []);
    assert_eq!(rows(&diagnosis, "not-checked"), []);
    let links: Vec<String> = rows(&diagnosis, "ok").into_iter().map(|(link, _)| link).collect();
    let source = ["resolve", "connect", "answer", "clock", "companions", "verification"];
    let store = ["store", "store-create", "store-create-once", "store-list", "store-read", "store-delete"];
    let ends = [&["configuration", "keys"][..], &store, &["shards", "catalog"]];
    assert_eq!(links, [&ends.concat()[..], &source, &source, &["last-run", "copies"]].concat());
    assert!(rows(&diagnosis, "ok").contains(&("answer".to_owned(), format!("b/c at {}/b/c", web.url))));
    assert_eq!(lab.store(), before, "not even the probe is left");

    let told = lab.run(&["--at", LATER, "doctor"]).ends(0);
    assert!(told.ends_with("Every link holds.\n"), "{told}");
    assert!(told.contains("the version that is stored"), "{told}");
    assert!(told.contains("2026-12-20T00:00:00Z  key publisher  ends in 25 days"), "{told}");
    assert_eq!(lab.run(&["--at", LATER, "--quiet", "doctor", "--within", "1d"]).ends(0), "");
}

#[test]
fn a_mistyped_word() {
    let lab = sound(&["a"]);
    edit(&lab, "tries = 1", "treis = 1");
    let diagnosis = blames(&lab, 2, &[], "configuration", "sigcache.toml:5:1", "unknown word `treis`");
    assert!(diagnosis["first_broken"]["advice"].as_str().unwrap().contains("did you mean `tries`?"));
    assert_eq!(rows(&diagnosis, "not-checked").len(), 18, "nothing else can be known");
    std::fs::remove_file(lab.path("sigcache.toml")).unwrap();
    blames(&lab, 2, &[], "configuration", "sigcache.toml", "cannot be read");
}

/// What only who serves, or tells, would find wrong.
#[test]
fn settings_that_nothing_can_begin_with() {
    let lab = sound(&["a"]);
    let whole = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    for (settings, found) in [
        ("[serve]\ntoken_file = \"token\"\n", "the token of [serve] cannot be used: a token has 16 to 1024"),
        ("[serve]\ncron = \"99 * * * *\"\n", "cron"),
        ("[[alert]]\ncommand = [\"./nobody\"]\n", "alert command: the command cannot be started"),
    ] {
        lab.replace("token", "too short");
        lab.replace("sigcache.toml", format!("{whole}\n{settings}"));
        blames(&lab, 2, &[], "configuration", "sigcache.toml", found);
    }
}

#[test]
fn a_key_file_that_is_not_there() {
    let lab = sound(&["a"]);
    edit(&lab, "publisher.pub.pem", "publisher.pem");
    blames(&lab, 2, &[], "keys", "sigcache.toml:", "publisher.pem\" cannot be read");
}

#[test]
fn a_private_key_where_the_public_one_belongs() {
    let lab = sound(&["a"]);
    lab.run(&["keygen", "mine"]).ends(0);
    edit(&lab, "publisher.pub.pem", "mine.key.pem");
    let diagnosis = blames(&lab, 2, &[], "keys", "sigcache.toml:", "this is a private key");
    let secret = String::from_utf8(lab.read("mine.key.pem")).unwrap();
    assert!(!diagnosis.to_string().contains(secret.lines().nth(1).unwrap()));
}

#[test]
fn a_key_that_expired() {
    let lab = sound(&["a"]);
    edit(&lab, "[keys.publisher]", "[keys.publisher]\nnot_after = 2026-11-24T12:10:00Z");
    let diagnosis = diagnose(&lab, 1, &[]);
    assert_eq!(diagnosis["first_broken"]["link"], "keys");
    assert_eq!(diagnosis["first_broken"]["of"], "a");
    assert!(diagnosis["first_broken"]["found"].as_str().unwrap().contains("publisher expired at 2026-11-24T12:10:00Z"));
    // What it signed then cannot pass, which is said at its own link.
    let links: Vec<String> = rows(&diagnosis, "broken").into_iter().map(|(link, _)| link).collect();
    assert_eq!(links, ["keys", "verification"]);
    let event = json!({ "at": "2026-11-24T12:10:00Z", "kind": "key", "of": "publisher", "past": true });
    assert_eq!(diagnosis["calendar"], json!([event]));
}

#[test]
fn a_revoked_key_beside_a_good_one_is_a_remark() {
    let lab = sound(&["a"]);
    lab.run(&["keygen", "old"]).ends(0);
    edit(&lab, "keys = [\"publisher\"]", "keys = [\"publisher\", \"old\"]");
    edit(&lab, "[keys.publisher]", "[keys.old]\nfile = \"old.pub.pem\"\nrevoked = true\n\n[keys.publisher]");
    let diagnosis = diagnose(&lab, 0, &[]);
    let remark = diagnosis["remarks"][0].as_str().unwrap();
    assert_eq!(remark, "The revoked key old is still named by a; it counts for nothing there.");
    // Without the good one no document can pass any more.
    edit(&lab, "keys = [\"publisher\", \"old\"]", "keys = [\"old\"]");
    let diagnosis = diagnose(&lab, 1, &[]);
    assert_eq!(diagnosis["first_broken"]["link"], "keys");
    assert!(diagnosis["first_broken"]["found"].as_str().unwrap().contains("old is revoked"));
}

#[test]
fn a_store_that_is_not_there() {
    let lab = Lab::with(&["a"]);
    let diagnosis = blames(&lab, 3, &[], "store", "cache", "No such file");
    let unchecked = rows(&diagnosis, "not-checked");
    assert!(unchecked.iter().any(|(link, _)| link == "catalog"), "{diagnosis:#}");
    // The sources can be asked all the same.
    assert!(rows(&diagnosis, "ok").iter().any(|(link, _)| link == "companions"), "{diagnosis:#}");
    assert!(!lab.path("cache").exists());
    lab.replace("cache", "a file where the folder should be");
    blames(&lab, 3, &[], "store", "cache", "cache");
}

#[test]
fn a_store_that_takes_nothing() {
    let lab = sound(&["a"]);
    // Root may write anywhere, but not below a file.
    lab.replace("cache/probe", "");
    let diagnosis = blames(&lab, 3, &[], "store-create", "cache", "could not create");
    let unchecked: Vec<String> = rows(&diagnosis, "not-checked").into_iter().map(|(link, _)| link).collect();
    assert_eq!(unchecked, ["store-create-once", "store-list", "store-read", "store-delete"]);
}

/// A lab on a bucket, and a proxy before it; nothing where there is no server.
fn bucket() -> Option<(Server, Proxy, Lab)> {
    let server = Server::moto()?;
    let (proxy, lab) = (Proxy::before(&server.endpoint), Lab::with(&["a"]));
    let store = format!("url = \"s3://bucket/root\"\nendpoint = \"{}\"", proxy.endpoint);
    edit(&lab, "url = \"file:cache\"", &store);
    lab.set_environment(&server.environment);
    lab.run_at(NOON, &["sync"]).ends(0);
    Some((server, proxy, lab))
}

#[test]
fn a_bucket_that_refuses_one_thing_after_the_other() {
    let Some((_server, proxy, lab)) = bucket() else { return };
    assert_eq!(diagnose(&lab, 0, &[])["whole"], true);
    // S3 deletes by a list, even of one.
    proxy.fail_always("POST ", Fault::Refused(403));
    blames(&lab, 3, &[], "store-delete", "s3://bucket/root", "could not delete");
    proxy.fail_always("GET /bucket/root/probe", Fault::Refused(403));
    blames(&lab, 3, &[], "store-read", "s3://bucket/root", "could not read");
    proxy.fail_always("PUT ", Fault::Refused(403));
    blames(&lab, 3, &[], "store-create", "s3://bucket/root", "could not create");
    // As it is with wrong credentials.
    proxy.fail_always("GET ", Fault::Refused(403));
    let diagnosis = blames(&lab, 3, &[], "store", "s3://bucket/root", "could not list");
    assert!(!diagnosis.to_string().contains("AWS4-HMAC"), "{diagnosis:#}");
    proxy.rearm();
    assert_eq!(diagnose(&lab, 0, &[])["whole"], true);
}

#[test]
fn a_bucket_that_ignores_conditions() {
    let Some((_server, proxy, lab)) = bucket() else { return };
    proxy.ignore_conditions();
    let found = "this store ignores conditional creates";
    blames(&lab, 3, &[], "store-create-once", "s3://bucket/root", found);
}

#[test]
fn a_bucket_that_does_not_exist() {
    let Some((_server, _proxy, lab)) = bucket() else { return };
    edit(&lab, "s3://bucket/root", "s3://elsewhere/root");
    blames(&lab, 3, &[], "store", "s3://elsewhere/root", "NoSuchBucket");
}

#[test]
fn a_bucket_is_asked_to_write_the_probe_and_nothing_else() {
    let Some((_server, proxy, lab)) = bucket() else { return };
    proxy.rearm();
    assert_eq!(diagnose(&lab, 0, &[])["whole"], true);
    let seen = proxy.seen();
    let writes: Vec<&String> = seen.iter().filter(|request| !request.starts_with("GET ")).collect();
    let [first, second, delete] = writes.as_slice() else { panic!("{writes:?}") };
    assert!(first.starts_with("PUT /bucket/root/probe/20261124T123000.000Z-"), "{first}");
    assert_eq!(first, second);
    assert_eq!(*delete, "POST /bucket?delete");
}

#[test]
fn an_endpoint_at_which_nobody_listens() {
    let lab = Lab::with(&["a"]);
    let store = format!("url = \"s3://bucket/root\"\nendpoint = \"http://{}\"", nobody());
    edit(&lab, "url = \"file:cache\"", &store);
    let environment = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
    lab.set_environment(&environment.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let diagnosis = lab.json("doctor", 3, &["--at", LATER, "doctor", "--offline"]);
    assert_eq!(diagnosis["first_broken"]["link"], "store", "{diagnosis:#}");
    assert!(diagnosis["first_broken"]["found"].as_str().unwrap().contains("could not list"), "{diagnosis:#}");
}

/// An address of this machine at which nobody listens.
fn nobody() -> std::net::SocketAddr {
    TcpListener::bind("127.0.98.7:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_damaged_catalog() {
    let lab = sound(&["a"]);
    let key = lab.keys("catalog/").into_iter().find(|key| key.ends_with(".json.gz")).unwrap();
    lab.replace(&format!("cache/{key}"), "no gzip");
    let diagnosis = blames(&lab, 2, &[], "catalog", "catalog/0001-of-0001", "is damaged");
    let unchecked: Vec<String> = rows(&diagnosis, "not-checked").into_iter().map(|(link, _)| link).collect();
    assert_eq!(unchecked, ["verification", "last-run", "copies"]);
}

#[test]
fn a_store_that_is_divided_otherwise() {
    let lab = sound(&["a"]);
    blames(&lab, 2, &["--shard", "1/2"], "shards", "cache", "one in 1 shard");
    let key = lab.keys("catalog/").into_iter().find(|key| key.ends_with(".json.gz")).unwrap();
    lab.replace("cache/catalog/0001-of-0003/000000000001.json.gz", lab.read(&format!("cache/{key}")));
    blames(&lab, 2, &[], "shards", "cache", "catalog/0001-of-0001, catalog/0001-of-0003");
}

#[test]
fn a_shard_that_never_ran() {
    let lab = Lab::with(&["a", "b", "c", "d"]);
    for shard in ["1/3", "2/3"] {
        lab.run_at(NOON, &["sync", "--shard", shard]).ends(0);
    }
    blames(&lab, 1, &[], "last-run", "shard 3/3", "none ever");
    assert_eq!(diagnose(&lab, 0, &["--shard", "2/3"])["whole"], true);
}

#[test]
fn a_name_that_does_not_resolve() {
    let lab = sound(&["a"]);
    edit(&lab, &format!("{}/a", lab.origin()), "http://nowhere.invalid/a");
    let diagnosis = blames(&lab, 1, &[], "resolve", "a at http://nowhere.invalid/a", "lookup address");
    let unchecked: Vec<String> = rows(&diagnosis, "not-checked").into_iter().map(|(link, _)| link).collect();
    assert_eq!(unchecked, ["connect", "answer", "clock", "companions", "verification"]);
}

#[test]
fn an_address_that_may_not_be_called() {
    let (lab, _web) = served(&["a"], &[]);
    edit(&lab, PRIVATE, "");
    let diagnosis = blames(&lab, 1, &[], "resolve", "a at http://127.0.0.1", "private");
    assert!(diagnosis["first_broken"]["advice"].as_str().unwrap().contains("allow_private"));
}

#[test]
fn a_port_at_which_nobody_listens() {
    let lab = sound(&["a"]);
    lab.configure(&["a"], PRIVATE);
    edit(&lab, &format!("{}/a", lab.origin()), &format!("http://{}/a?token=hunter2", nobody()));
    let diagnosis = blames(&lab, 1, &[], "connect", "a at http://127.0.98.7", "refused");
    assert!(!diagnosis.to_string().contains("hunter2"), "{diagnosis:#}");
}

#[test]
fn a_document_that_is_not_there_or_not_for_us() {
    let (lab, _web) = served(&["a"], &[("/a", "401 Unauthorized")]);
    let diagnosis = blames(&lab, 1, &[], "answer", "a at http", "401 Unauthorized");
    assert!(diagnosis["first_broken"]["advice"].as_str().unwrap().contains("headers"));
    let (lab, _web) = served(&["a"], &[]);
    std::fs::remove_file(lab.path("origin/a")).unwrap();
    blames(&lab, 1, &[], "answer", "a at http", "404 Not Found");
    // The same for a folder.
    let lab = sound(&["a"]);
    std::fs::remove_file(lab.path("origin/a")).unwrap();
    blames(&lab, 1, &[], "answer", "a at file:///", "none");
}

#[test]
fn a_redirect_that_breaks_where_its_url_has_no_link() {
    let (lab, _web) = served(&["a"], &[("/a", "302 Found\r\nLocation: http://nowhere.invalid/a")]);
    blames(&lab, 1, &[], "resolve", "a at http://127.0.0.1", "lookup address");
    // To a server that speaks no TLS.
    let (lab, _web) = served(&["a"], &[]);
    let plain = lab.path("plain");
    std::fs::create_dir(&plain).unwrap();
    let plain = Web::serve(plain, DATE, &[]);
    let to = format!("302 Found\r\nLocation: {}/a", plain.url.replace("http:", "https:"));
    let away = Web::serve(lab.path("origin"), DATE, vec![("/a", &*to.leak())].leak());
    lab.configure(&["a"], PRIVATE);
    edit(&lab, &lab.origin(), &away.url);
    blames(&lab, 1, &[], "tls", &away.url, "corrupt message");
}

#[test]
fn clocks_that_differ() {
    let lab = sound(&["a"]);
    lab.configure(&["a"], PRIVATE);
    let web = Web::serve(lab.path("origin"), "Tue, 24 Nov 2026 12:36:00 GMT", &[]);
    edit(&lab, &lab.origin(), &web.url);
    let diagnosis = blames(&lab, 1, &[], "clock", "a at http", "ahead of the 2026-11-24T12:3");
    // It says nothing about the document.
    assert!(rows(&diagnosis, "ok").iter().any(|(link, _)| link == "verification"), "{diagnosis:#}");
    // A cache says how old the answer is that it has of the server.
    let old = Web::serve(lab.path("origin"), "Tue, 24 Nov 2026 11:00:00 GMT\r\nAge: 5399", &[]);
    edit(&lab, &web.url, &old.url);
    assert_eq!(diagnose(&lab, 0, &[])["whole"], true);
}

#[test]
fn a_signature_file_that_is_not_there() {
    let (lab, _web) = served(&["a", "b"], &[]);
    std::fs::remove_file(lab.path("origin/b.sig")).unwrap();
    let diagnosis = blames(&lab, 1, &[], "companions", "b at http", "404 Not Found");
    assert!(diagnosis["first_broken"]["expected"].as_str().unwrap().ends_with("/b.sig"));
    let lab = sound(&["a"]);
    std::fs::remove_file(lab.path("origin/a.sig")).unwrap();
    blames(&lab, 1, &[], "companions", "a at file", "none");
}

#[test]
fn a_document_that_was_changed_and_one_by_another_key() {
    let (lab, _web) = served(&["a"], &[]);
    lab.replace("origin/a", "tampered\n");
    let diagnosis = blames(&lab, 1, &[], "verification", "a at http", "signature-mismatch");
    assert!(diagnosis["first_broken"]["expected"].as_str().unwrap().contains("publisher"));
    lab.run(&["keygen", "other"]).ends(0);
    lab.run(&["sign", "--key", "other.key.pem", "origin/a"]).ends(0);
    blames(&lab, 1, &[], "verification", "a at http", "signature-mismatch");
    // And what is stored stands.
    assert_eq!(lab.run_at(LATER, &["get", "a"]).ends(0), "a 1\n");
}

const CLAIMS: &str = r#"verify = { format = "detached", suffix = ".sig", keys = ["publisher"],
    claims = { version = "/v", expires = "/until" } }"#;

fn dated(lab: &Lab, version: u32, until: &str) {
    lab.offer("a", format!(r#"{{"v":{version},"until":"{until}"}}"#).as_bytes());
}

#[test]
fn a_document_that_expired() {
    let lab = Lab::new();
    dated(&lab, 1, "2026-11-24T12:20:00Z");
    lab.configure(&["a"], CLAIMS);
    lab.run_at(NOON, &["sync"]).ends(0);
    blames(&lab, 1, &[], "verification", "a at file", "one valid until 2026-11-24T12:20:00Z (document-expired");
}

#[test]
fn a_source_that_went_back() {
    let lab = Lab::new();
    dated(&lab, 7, "2027-11-24T12:20:00Z");
    lab.configure(&["a"], CLAIMS);
    lab.run_at(NOON, &["sync"]).ends(0);
    dated(&lab, 6, "2027-11-24T12:20:00Z");
    let diagnosis = blames(&lab, 1, &[], "verification", "a at file", "version 6 (older-version");
    assert!(diagnosis["first_broken"]["advice"].as_str().unwrap().contains("allow-rollback"));
}

#[test]
fn a_second_source_that_is_wrong_while_the_first_is_right() {
    let (lab, web) = served(&["a"], &[]);
    lab.replace("mirror/a", "tampered\n");
    lab.replace("mirror/a.sig", lab.read("origin/a.sig"));
    let mirror = format!("file://{}", lab.path("mirror/a").display());
    edit(&lab, &format!("[\"{}/a\"]", web.url), &format!("[\"{}/a\", \"{mirror}\"]", web.url));
    let diagnosis = blames(&lab, 1, &[], "verification", &mirror, "signature-mismatch");
    let first = ("verification".to_owned(), format!("a at {}/a", web.url));
    assert!(rows(&diagnosis, "ok").contains(&first), "{diagnosis:#}");
}

#[test]
fn one_of_a_set_is_blamed_and_not_the_other() {
    let lab = sound(&["a", "b"]);
    lab.configure(&["a", "b"], "");
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text.replace("\n[[resource]]", "\n[[resource]]\nset = \"both\""));
    lab.run_at(NOON, &["sync"]).ends(0);
    lab.replace("origin/b", "tampered\n");
    blames(&lab, 1, &[], "verification", "b at file", "signature-mismatch");
}

#[test]
fn what_rests_on_an_anchor_is_checked_too() {
    use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
    let (lab, key) = (Lab::new(), SigningKey::from_slice(&[9; 32]).unwrap());
    lab.offer("keys.json", crate::support::jwk_set(&[&key]).as_bytes());
    lab.configure(&["keys.json"], "");
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    let resting = format!(
        "\n[[resource]]\nname = \"a\"\nurls = [\"{}/a\"]\n\
         verify = {{ format = \"detached\", suffix = \".sig\", anchor = \"keys.json\" }}\n",
        lab.origin()
    );
    lab.replace("sigcache.toml", text + &resting);
    let signature: Signature = key.sign(b"a 1\n");
    lab.replace("origin/a", "a 1\n");
    lab.replace("origin/a.sig", signature.to_der().as_bytes());
    lab.run_at(NOON, &["sync"]).ends(0);
    let diagnosis = diagnose(&lab, 0, &[]);
    assert!(rows(&diagnosis, "ok").iter().any(|(link, of)| link == "verification" && of.starts_with("a at ")));
    lab.replace("origin/a", "tampered\n");
    blames(&lab, 1, &[], "verification", "a at file", "signature-mismatch");
}

#[test]
fn no_run_for_too_long() {
    let lab = sound(&["a"]);
    let at = |time: &str| lab.json("doctor", i32::from(time > "2026-11-24T16"), &["--at", time, "doctor"]);
    assert_eq!(at("2026-11-24T15:00:00Z")["whole"], true);
    let diagnosis = at("2026-11-24T17:00:00Z");
    assert_eq!(diagnosis["first_broken"]["link"], "last-run", "{diagnosis:#}");
    assert_eq!(diagnosis["first_broken"]["expected"], "a run within 3 hours, the shortest max_age");
    assert_eq!(diagnosis["first_broken"]["found"], "no run for 5 hours, the schedule is broken");
    // Runs that cannot commit are no broken schedule.
    let key = lab.key("runs/");
    let mut report: Value = serde_json::from_slice(&lab.read(&key)).unwrap();
    report["run"] = "20261124T160000.000Z-0000000000000001".into();
    report["store_failure"] = "the disk is full".into();
    lab.replace("cache/runs/2026/11/24/20261124T160000.000Z-0000000000000001.json", report.to_string());
    let diagnosis = at("2026-11-24T17:00:00Z");
    let found = "none that committed for 5 hours; the one at 2026-11-24T16:00:00Z failed: the disk is full";
    assert_eq!(diagnosis["first_broken"]["found"], found);
}

#[test]
fn a_run_from_the_future() {
    let lab = Lab::with(&["a"]);
    lab.run_at("2026-11-25T12:00:00Z", &["sync"]).ends(0);
    blames(&lab, 1, &[], "last-run", "shard 1/1", "23 hours 30 minutes from now");
}

#[test]
fn plain_copies_that_are_behind() {
    let lab = sound(&["a", "b"]);
    let key = lab.keys("catalog/").into_iter().find(|key| key.ends_with(".published")).unwrap();
    std::fs::remove_file(lab.path(&format!("cache/{key}"))).unwrap();
    blames(&lab, 1, &[], "copies", "shard 1/1", "those of a, b behind");
    // One that was begun and never ended; and one that is at it.
    let mark = |run: &str| format!("cache/catalog/0001-of-0001/000000000000.publishing-{run}-0000000000000001");
    lab.replace(&mark("20261124T120000.000Z"), "");
    assert_eq!(diagnose(&lab, 0, &[])["whole"], true, "it may still be at it");
    let status = lab.run(&["--at", LATER, "status"]).ends(0);
    assert!(
        status.contains("(first-version), a run has been at its plain copy since 2026-11-24T12:00:00Z"),
        "{status}"
    );
    std::fs::remove_file(lab.path(&mark("20261124T120000.000Z"))).unwrap();
    lab.replace(&mark("20261124T110000.000Z"), "");
    let found = "the mark of a publication that began at 2026-11-24T11:00:00Z and never ended, with a, b behind";
    blames(&lab, 1, &[], "copies", "shard 1/1", found);
    edit(&lab, "url = \"file:cache\"", "url = \"file:cache\"\npublish = false");
    assert_eq!(diagnose(&lab, 0, &[])["whole"], true);
}

#[test]
fn plain_copies_that_somebody_took_away() {
    let lab = sound(&["a", "b", "c"]);
    std::fs::remove_file(lab.path("cache/latest/b")).unwrap();
    std::fs::remove_file(lab.path("cache/latest/c.sig")).unwrap();
    let found = "nothing, or something of another size, for b, c";
    blames(&lab, 1, &[], "copies", "shard 1/1", found);
    lab.run(&["--at", LATER, "audit", "--repair"]).ends(0);
    assert_eq!(diagnose(&lab, 0, &[])["whole"], true);
}

#[test]
fn a_secret_in_a_url_is_remarked_upon() {
    let lab = sound(&["a"]);
    edit(&lab, &format!("{}/a", lab.origin()), "http://nowhere.invalid/a?page=1&Access_Token=hunter2");
    let diagnosis = diagnose(&lab, 0, &["--offline"]);
    let remark = diagnosis["remarks"][0].as_str().unwrap();
    assert!(
        remark.starts_with("A URL of a has the parameter \"Access_Token\"") && !remark.contains("hunter2"),
        "{remark}"
    );
}

#[test]
fn offline_no_source_is_asked() {
    let lab = sound(&["a"]);
    edit(&lab, &format!("{}/a", lab.origin()), "http://nowhere.invalid/a");
    let diagnosis = diagnose(&lab, 0, &["--offline"]);
    assert_eq!(rows(&diagnosis, "not-checked").len(), 7, "{diagnosis:#}");
    let told = lab.run(&["--at", LATER, "doctor", "--offline"]).ends(0);
    assert!(told.ends_with("Every link that was checked holds.\n"), "{told}");
    lab.run(&["doctor", "--within", "soon"]).fails(2);
}

#[test]
fn very_many_are_told_in_one_line() {
    let names: Vec<String> = (0..30).map(|number| format!("n{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let lab = sound(&names);
    lab.replace("origin/n07", "tampered\n");
    let told = lab.run_at(LATER, &["doctor"]).ends(1);
    assert!(told.lines().count() < 25, "{told}");
    assert!(told.contains("30 of them") && told.contains("29 of them"), "{told}");
    assert!(told.lines().any(|line| line.starts_with("broken") && line.contains("n07")), "{told}");
    for name in &names {
        lab.replace(&format!("origin/{name}"), "tampered\n");
    }
    let told = lab.run_at(LATER, &["--quiet", "doctor"]).ends(1);
    assert_eq!(told.lines().count(), 22, "{told}");
    assert!(told.contains("verification       10 more"), "{told}");
    // And keys that expired are told once for all that they are for.
    edit(&lab, "[keys.publisher]", "[keys.publisher]\nnot_after = 2026-11-24T12:10:00Z");
    let diagnosis = diagnose(&lab, 1, &["--offline"]);
    assert_eq!(rows(&diagnosis, "broken"), [("keys".to_owned(), "n00, n01, n02 and 27 more".to_owned())]);
}

#[test]
fn a_planted_catalog_cannot_play_with_the_terminal() {
    const PLAY: &str = "\u{1b}[2J\u{202e}\nThe first broken link is none";
    let lab = sound(&["a"]);
    let key = lab.keys("catalog/").into_iter().find(|key| key.ends_with(".json.gz")).unwrap();
    let mut snapshot = unpack(&lab.read(&format!("cache/{key}")));
    snapshot["shard"] = PLAY.into();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, snapshot.to_string().as_bytes()).unwrap();
    lab.replace(&format!("cache/{key}"), packer.finish().unwrap());
    let told = lab.run_at(LATER, &["doctor"]).ends(2);
    assert!(!told.contains('\u{1b}') && !told.contains("\nThe first broken link is none"), "{told:?}");
    assert!(told.contains("The first broken link is catalog"), "{told}");
}
