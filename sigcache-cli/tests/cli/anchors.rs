//! Resources whose keys stand in an anchor, through every command.

use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};

use crate::support::{Lab, NOON, decision, is, jwk_set, verdict};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

/// `names` rest on the anchor `keys.json`, which names `anchored` and is signed by the publisher.
fn lab(names: &[&str], anchored: &[&SigningKey]) -> Lab {
    let lab = Lab::new();
    lab.offer("keys.json", jwk_set(anchored).as_bytes());
    lab.configure(&["keys.json"], "");
    let mut text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    for name in names {
        text += &format!(
            "\n[[resource]]\nname = \"{name}\"\nurls = [\"{}/{name}\"]\n\
             verify = {{ format = \"detached\", suffix = \".sig\", anchor = \"keys.json\" }}\n",
            lab.origin()
        );
    }
    lab.replace("sigcache.toml", text);
    lab
}

fn offer(lab: &Lab, name: &str, key: &SigningKey, text: &str) {
    let signature: Signature = key.sign(text.as_bytes());
    lab.replace(&format!("origin/{name}"), text);
    lab.replace(&format!("origin/{name}.sig"), signature.to_der().as_bytes());
}

#[test]
fn every_command_knows_what_rests_on_an_anchor() {
    let lab = lab(&["a"], &[&key(1)]);
    offer(&lab, "a", &key(1), "a 1\n");
    let report = lab.json("report", 0, &["sync"]);
    assert_eq!(verdict(&report, "a"), is("stored", "done", "first-version"));
    assert!(decision(&report, "a")["keys"][0].as_str().unwrap().starts_with("keys.json#"), "{report:#}");
    assert_eq!(lab.run(&["get", "a"]).ends(0), "a 1\n");
    let status = lab.json("status", 0, &["status"]);
    assert_eq!(status["resources"].as_array().unwrap().len(), 2);
    assert!(lab.run(&["explain", "a"]).ends(0).contains("Who may sign stands in the anchor keys.json"));
    lab.json("explain", 0, &["explain", "a"]);
    assert!(lab.run(&["history", "a"]).ends(0).contains("first-version"));
    lab.json("report", 0, &["audit"]);
    lab.run(&["verify", "origin/a", "--as", "a"]).ends(0);
    // One of them alone, on the word of the anchor as it is stored.
    offer(&lab, "a", &key(1), "a 2\n");
    assert!(lab.run(&["sync", "a"]).ends(0).contains("new-version"));
    assert!(lab.run(&["sync", "b"]).fails(2).contains("b is not a resource"));

    // The anchor names another key.
    lab.offer("keys.json", jwk_set(&[&key(2)]).as_bytes());
    let report = lab.json("report", 1, &["sync"]);
    assert_eq!(verdict(&report, "a"), is("withheld", "signature", "signature-mismatch"));
    offer(&lab, "a", &key(2), "a 3\n");
    assert!(lab.run(&["sync"]).ends(0).contains("new-version"));
    assert_eq!(lab.run(&["get", "a"]).ends(0), "a 3\n");
}

#[test]
fn an_anchor_may_go_back_in_every_shard() {
    let names = ["a", "b", "c", "d"];
    let lab = lab(&names, &[&key(1)]);
    for name in names {
        offer(&lab, name, &key(1), name);
    }
    let shards = ["1/2", "2/2"];
    let sync = |code: i32| shards.map(|shard| lab.json("report", code, &["sync", "--shard", shard]));
    let publish = |keys: &[&SigningKey]| lab.offer("keys.json", jwk_set(keys).as_bytes());
    let is_all = |reports: [serde_json::Value; 2], verdict_of: (&str, &str, &str)| {
        for report in &reports {
            let (outcome, step, reason) = verdict_of;
            assert_eq!(verdict(report, "keys.json"), is(outcome, step, reason), "{report:#}");
        }
    };
    is_all(sync(0), ("stored", "done", "first-version"));
    publish(&[&key(1), &key(2)]);
    is_all(sync(0), ("stored", "done", "new-version"));
    publish(&[&key(1)]);
    is_all(sync(1), ("kept", "rollback", "replayed-version"));
    let report = lab.json("report", 0, &["allow-rollback", "keys.json", "--reason", "they restored a backup"]);
    assert_eq!(verdict(&report, "keys.json"), is("kept", "rollback", "rollback-allowed"));
    // What both shards say is said once.
    assert_eq!(report["totals"]["kept"], 1, "{report:#}");
    is_all(sync(0), ("stored", "done", "new-version"));
    for shard in shards {
        lab.run(&["audit", "--shard", shard]).ends(0);
    }
    // The permit ended with it, in each of them.
    publish(&[&key(1), &key(2), &key(3)]);
    is_all(sync(0), ("stored", "done", "new-version"));
    publish(&[&key(1)]);
    is_all(sync(1), ("kept", "rollback", "replayed-version"));
    let text = lab.run(&["allow-rollback", "keys.json", "--reason", "again"]).ends(0);
    assert_eq!(text.matches("rollback-allowed").count(), 1, "{text}");
    // Anything else is in one shard only.
    assert!(lab.run(&["allow-rollback", "a", "--reason", "x"]).ends(0).contains("rollback-allowed"));
}

#[test]
fn a_broken_anchor_is_told_once_and_everything_else_in_one_line() {
    let names = ["a", "b", "c"];
    let lab = lab(&names, &[&key(1)]);
    for name in names {
        offer(&lab, name, &key(1), name);
    }
    lab.run(&["sync"]).ends(0);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text.replace("publisher.pub.pem\"", "publisher.pub.pem\"\nrevoked = true"));
    let told = lab.run(&["sync"]).ends(1);
    assert_eq!(told.matches("anchor-broken").count(), 1, "{told}");
    assert!(told.contains("withheld  2 more for the same reason"), "{told}");
    assert!(told.contains("key-revoked"), "{told}");
    let report = lab.json("report", 1, &["sync"]);
    for name in names {
        assert_eq!(verdict(&report, name), is("withheld", "key", "anchor-broken"));
    }
    // Nobody can say who may sign: so nobody gets it.
    let refused = lab.run(&["get", "a"]).fails(1);
    assert!(refused.contains("anchor-broken"), "{refused}");
    let status = lab.json("status", 1, &["status"]);
    assert_eq!(status["broken_anchors"].as_array().unwrap().len(), 3, "{status:#}");
}

#[test]
fn keys_are_listed_with_who_relies_on_them_and_which_ends_next() {
    let lab = lab(&["a", "b"], &[&key(1)]);
    for name in ["a", "b"] {
        offer(&lab, name, &key(1), name);
    }
    lab.run(&["sync"]).ends(0);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    let other = "\n[keys.old]\nfile = \"old.pub.pem\"\nnot_after = 2026-01-01T00:00:00Z\n";
    lab.run(&["keygen", "old"]).ends(0);
    let ends = "publisher.pub.pem\"\nnot_after = 2099-01-01T00:00:00Z";
    lab.replace("sigcache.toml", text.replace("publisher.pub.pem\"", ends) + other);

    let listed = lab.json("keys", 0, &["--at", NOON, "keys"]);
    let rows = listed["keys"].as_array().unwrap();
    let told = |row: &serde_json::Value| {
        let word = |key: &str| row[key].as_str().unwrap().to_owned();
        (word("state"), word("read_from"), row["resources"].as_array().unwrap().len())
    };
    let told: Vec<_> = rows.iter().map(told).collect();
    let expected =
        [("expired", "old.pub.pem", 0), ("valid", "publisher.pub.pem", 1), ("valid", "the anchor keys.json", 2)];
    assert_eq!(told, expected.map(|(state, from, count)| (state.to_owned(), from.to_owned(), count)));
    assert!(rows.iter().all(|row| row["algorithm"] == "ECDSA P-256"), "{rows:#?}");
    let text = lab.run(&["--at", NOON, "keys"]).ends(0);
    assert!(text.contains("The next of them to expire is publisher, at 2099-01-01T00:00:00Z"), "{text}");
    assert!(text.contains("a, b"), "{text}");
    let thumbprint = rows[2]["shown"]["text"].as_str().unwrap();
    assert!(rows[2]["shown"]["kind"] == "jwk" && text.contains(&format!("jwk {thumbprint}")), "{text}");
    // The anchor's own key has ended: nobody may sign it.
    let late = lab.run(&["--at", "2100-01-01T00:00:00Z", "keys"]).ends(1);
    assert!(late.contains("expired"), "{late}");
}
