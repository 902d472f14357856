//! What is printed with `--json`, and what is stored as JSON, is what docs/output.schema.json says.

use std::io::Read as _;

use serde_json::{Value, json};

pub use crate::schema_check::check;
use crate::{
    schema_check::VALIDATORS,
    support::{Lab, NOON},
};

/// One good, one kept, one refused, one withheld resource, and one that was never synced.
fn mixed() -> Lab {
    let names = ["good", "kept", "refused", "withheld"];
    let lab = Lab::new();
    for name in names {
        let until = if name == "withheld" { "2026-11-24T13:00:00Z" } else { "2027-11-24T13:00:00Z" };
        lab.offer(name, format!(r#"{{"id":"{name}","v":1,"until":"{until}","all":[1,2]}}"#).as_bytes());
    }
    lab.replace("origin/refused.sig", lab.sign(b"something else"));
    let claims = r#"verify = { format = "detached", suffix = ".sig", keys = ["publisher"],
        claims = { identity = "/id", version = "/v", expires = "/until", entries = "/all" } }"#;
    let configure = |names: &[&str]| {
        lab.configure(names, claims);
        let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
        let with_identity = |text: String, name: &&str| {
            text.replace(&format!("name = \"{name}\"\n"), &format!("name = \"{name}\"\nidentity = \"{name}\"\n"))
        };
        lab.replace("sigcache.toml", names.iter().fold(text, with_identity));
    };
    configure(&names);
    lab.run_at(NOON, &["sync"]).ends(1);
    lab.replace("origin/kept", b"{}");
    lab.run_at("2026-11-24T14:00:00Z", &["sync"]).ends(1);
    lab.offer("never", b"never");
    configure(&["good", "kept", "refused", "withheld", "never"]);
    lab
}

const LATER: &str = "2026-11-24T14:30:00Z";

#[test]
fn the_schema_lists_every_definition_that_a_command_prints() {
    let text = include_str!("../../../docs/output.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    for one in schema["oneOf"].as_array().unwrap() {
        let name = one["$ref"].as_str().unwrap().strip_prefix("#/$defs/").unwrap();
        assert!(VALIDATORS.contains_key(name), "{name}");
    }
    // The check can fail at all.
    assert!(!VALIDATORS["report"].is_valid(&json!({})));
    assert!(!VALIDATORS["error"].is_valid(&json!({ "error": { "message": "", "causes": [], "exit_code": 7 } })));
}

#[test]
fn reports() {
    let lab = mixed();
    lab.json("report", 1, &["--at", LATER, "sync", "--dry-run"]);
    lab.json("report", 1, &["--at", LATER, "audit"]);
    let report = lab.json("report", 1, &["--at", LATER, "sync"]);
    let outcomes: Vec<&str> =
        report["decisions"].as_array().unwrap().iter().map(|d| d["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["unchanged", "kept", "refused", "refused", "withheld"]);
    lab.json("report", 0, &["--at", LATER, "allow-rollback", "kept", "--reason", "the publisher said so"]);
    lab.configure(&["good", "kept", "refused"], "");
    assert_eq!(lab.json("report", 1, &["--at", LATER, "sync"])["totals"]["removed"], 1);
    lab.json("report", 0, &["sync", "good", "--shard", "1/1", "--refetch"]);
}

#[test]
fn everything_about_one_resource() {
    let lab = mixed();
    let status = lab.json("status", 1, &["--at", LATER, "status"]);
    let states: Vec<&str> =
        status["resources"].as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["fresh", "fresh", "absent", "expired", "absent"]);
    for (name, code) in [("good", 0), ("kept", 1), ("refused", 1), ("withheld", 1), ("never", 1)] {
        lab.json("explain", code, &["--at", LATER, "explain", name]);
        let history = lab.json("history", 0, &["history", name]);
        assert_eq!(history["runs"].as_array().unwrap().len(), if name == "never" { 0 } else { 2 });
    }
    let got = lab.json("get", 0, &["--at", LATER, "get", "good", "-o", "out"]);
    assert_eq!(got["bytes"], lab.read("out").len());
    lab.json("error", 1, &["--at", LATER, "get", "withheld", "-o", "out"]);
    lab.json("error", 1, &["get", "refused", "-o", "out"]);
    lab.json("error", 1, &["get", "never", "-o", "out"]);
    lab.json("error", 2, &["get", "good"]);
    let tests = lab.json("test", 1, &["--at", LATER, "test"]);
    assert_eq!(tests["totals"]["untested"], 2, "{tests:#}");
    lab.json("gc", 0, &["gc", "--dry-run"]);
    let gc = lab.json("gc", 0, &["--at", "2027-11-24T00:00:00Z", "gc", "--keep", "1", "--hours", "24"]);
    assert_ne!(gc["reports"], json!([]));
}

#[test]
fn keys_files_and_errors() {
    let lab = Lab::with(&["a"]);
    lab.json("error", 2, &["init"]);
    lab.json("init", 0, &["init", "other.toml"]);
    lab.json("keygen", 0, &["keygen", "mine"]);
    lab.json("error", 2, &["keygen", "mine"]);
    lab.json("sign", 0, &["sign", "--key", "mine.key.pem", "other.toml", "sigcache.toml"]);
    lab.json("error", 2, &["sign", "--key", "mine.pub.pem", "other.toml"]);
    lab.json("verify", 0, &["verify", "other.toml", "--key", "mine.pub.pem"]);
    let refused = lab.json("verify", 1, &["verify", "other.toml", "--key", "publisher.pub.pem"]);
    assert_eq!(refused["failure"]["reason"], "signature-mismatch");
    lab.json("verify", 0, &["verify", "origin/a", "--as", "a"]);
    lab.json("error", 2, &["verify", "missing", "--as", "a"]);
    for command in [&["sync"][..], &["status"], &["explain", "a"], &["history", "a"], &["audit"], &["gc"]] {
        lab.json("error", 2, &[&["--config", "missing.toml"], command].concat());
    }
    lab.json("error", 2, &["explain", "b"]);
    let lab = Lab::with(&["a"]);
    lab.replace("cache", "a file where the store should be");
    let error = lab.json("error", 3, &["sync"]);
    assert!(error["error"]["message"].as_str().unwrap().contains("cache"), "{error:#}");
}

#[test]
fn what_is_stored() {
    let lab = mixed();
    lab.run_at(LATER, &["allow-rollback", "kept", "--reason", "because"]).ends(0);
    let store = lab.store();
    let (mut reports, mut entries) = (0, 0);
    for (key, bytes) in &store {
        if key.starts_with("runs/") {
            check("report", &serde_json::from_slice(bytes).unwrap());
            reports += 1;
        } else if key.ends_with(".json.gz") {
            for entry in unpack(bytes)["entries"].as_object().unwrap().values() {
                check("entry", entry);
                entries += 1;
            }
        }
    }
    assert_eq!((reports, entries), (3, 12));
}

/// A snapshot's JSON.
pub fn unpack(snapshot: &[u8]) -> Value {
    let mut text = String::new();
    flate2::read::GzDecoder::new(snapshot).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}
