//! What somebody writes into the store who may write there but has no key.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::{
    schema::unpack,
    support::{Lab, Ran},
};

/// Clears the screen, by the control sequence and by its one-character form; turns the direction; forges a line.
const PLAY: &str = "\u{1b}[2J\u{9b}2J\u{202e}\u{7}\r\nsigcache: all is well";

#[track_caller]
fn is_harmless(ran: &Ran) {
    for text in [ran.text(), ran.err.clone()] {
        let found = text.chars().find(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}'));
        assert_eq!(found, None, "{text:?}");
        assert!(!text.contains("\nsigcache: all is well"), "{text}");
    }
}

/// The newest snapshot after `change`, in place of the one before.
fn plant_catalog(lab: &Lab, change: impl FnOnce(&mut Value)) {
    let key = lab.keys("catalog/").into_iter().rfind(|key| key.ends_with(".json.gz")).unwrap();
    let mut snapshot = unpack(&lab.read(&format!("cache/{key}")));
    change(&mut snapshot);
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(snapshot.to_string().as_bytes()).unwrap();
    lab.replace(&format!("cache/{key}"), packer.finish().unwrap());
}

#[test]
fn a_planted_report_cannot_play_with_the_terminal() {
    let lab = Lab::synced(&["a"]);
    lab.replace("origin/a", "tampered\n");
    lab.run(&["sync"]).ends(1);
    for key in lab.keys("runs/") {
        let mut report: Value = serde_json::from_slice(&lab.read(&format!("cache/{key}"))).unwrap();
        report["command"] = PLAY.into();
        for member in ["expected", "found", "source"] {
            report["decisions"][0][member] = PLAY.into();
        }
        lab.replace(&format!("cache/{key}"), report.to_string());
    }
    for (command, code) in [("history", 0), ("explain", 1)] {
        let ran = lab.run(&[command, "a"]);
        is_harmless(&ran);
        assert!(ran.ends(code).contains("\u{fffd}[2J"));
    }
    let ran = lab.run(&["--json", "history", "a"]);
    is_harmless(&ran);
    let history = lab.json("history", 0, &["history", "a"]);
    assert_eq!(history["runs"][0]["command"], PLAY, "a program sees what is there");
}

#[test]
fn a_planted_catalog_cannot_play_with_the_terminal() {
    let lab = Lab::synced(&["a"]);
    plant_catalog(&lab, |snapshot| {
        let entry = &mut snapshot["entries"]["a"];
        entry["receipt"]["source"] = PLAY.into();
        entry["receipt"]["evidence"]["signers"] = json!([PLAY]);
        entry["receipt"]["evidence"]["identity"] = PLAY.into();
        entry["permit"] = json!({ "at": "2026-11-24T12:00:00Z", "reason": PLAY });
    });
    for command in [&["status"][..], &["explain", "a"], &["audit"], &["sync", "--dry-run"], &["get", "a"]] {
        for options in [&[][..], &["--json"]] {
            is_harmless(&lab.run(&[options, command].concat()));
        }
    }
    assert!(lab.run(&["status"]).text().contains("\u{fffd}[2J"));

    // A resource that leaves the configuration is logged with the source that its receipt names.
    lab.configure(&["b"], "");
    for form in ["text", "json"] {
        let ran = lab.run(&["--log", form, "sync", "--dry-run"]);
        is_harmless(&ran);
        assert!(ran.err.contains("left-config"), "{}", ran.err);
        if form == "json" {
            let decision: Value = serde_json::from_str(ran.err.lines().next().unwrap()).unwrap();
            assert_eq!(decision["source"], PLAY, "a program sees what is there");
        }
    }
}

#[test]
fn the_error_about_a_planted_catalog_cannot_play_with_the_terminal() {
    let lab = Lab::synced(&["a"]);
    plant_catalog(&lab, |snapshot| snapshot["entries"]["a"]["standing"] = PLAY.into());
    for command in [&["status"][..], &["sync"], &["--json", "status"]] {
        let ran = lab.run(command);
        is_harmless(&ran);
        assert_eq!(ran.code, 2);
    }
    assert!(lab.run(&["status"]).err.contains("\u{fffd}[2J"));
}
