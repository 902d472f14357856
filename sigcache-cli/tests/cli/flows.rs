//! What a person does with the command, one story a test.

use crate::support::{Lab, Tree, decision, is, verdict};

#[test]
fn what_init_writes_is_a_configuration_to_start_from() {
    let lab = Lab::new();
    lab.run(&["init"]).ends(0);
    std::fs::create_dir(lab.path("cache")).unwrap();
    let status = lab.run(&["status"]).ends(1);
    assert!(status.contains("flags.json") && status.contains("never"), "{status}");
    // The key is the one thing that it asks for.
    std::fs::remove_file(lab.path("publisher.pub.pem")).unwrap();
    assert!(lab.run(&["status"]).fails(2).contains("publisher.pub.pem"));
    let written = lab.read("sigcache.toml");
    lab.run(&["init"]).fails(2);
    assert_eq!(lab.read("sigcache.toml"), written);
}

#[test]
fn every_shell_gets_its_completions() {
    let lab = Lab::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = lab.run(&["completions", shell]).ends(0);
        assert!(script.contains("allow-rollback") && script.contains("dry-run"), "{shell}: {script}");
    }
    assert!(lab.run(&["completions", "nonsense"]).fails(2).contains("bash, elvish, fish, powershell, zsh"));
}

#[test]
fn get_gives_the_very_bytes_and_never_a_changed_document() {
    let lab = Lab::synced(&["a"]);
    assert_eq!(lab.run(&["get", "a"]).ends(0), "a 1\n");
    lab.run(&["get", "a", "-o", "copy"]).ends(0);
    assert_eq!(lab.read("copy"), b"a 1\n");

    let version = lab.key("versions/a/");
    lab.replace(&version, "a 2\n");
    let ran = lab.run(&["get", "a"]);
    assert_eq!((ran.code, ran.out.len()), (1, 0), "{}", ran.err);
    assert!(ran.err.contains("object-changed"), "{}", ran.err);
    lab.run(&["get", "a", "-o", "other"]).fails(1);
    assert!(!lab.path("other").exists());
}

#[test]
fn an_audit_names_what_was_changed_and_a_refetch_mends_it() {
    let lab = Lab::synced(&["a", "b"]);
    assert_eq!(verdict(&lab.json("report", 0, &["audit"]), "a"), is("unchanged", "done", "audit-passed"));
    let version = lab.key("versions/a/");
    lab.replace(&version, "a 2\n");
    lab.replace("cache/latest/b", "b 2\n");
    let report = lab.json("report", 1, &["audit"]);
    assert_eq!(verdict(&report, "a"), is("refused", "read-back", "object-changed"));
    assert_eq!(verdict(&report, "b"), is("kept", "read-back", "published-changed"));
    lab.run(&["sync", "--refetch"]).ends(0);
    lab.json("report", 0, &["audit"]);
}

#[test]
fn going_back_takes_a_permit_with_a_reason() {
    let lab = Lab::synced(&["a"]);
    lab.offer("a", b"a 2\n");
    lab.run(&["sync"]).ends(0);
    lab.offer("a", b"a 1\n");
    let report = lab.json("report", 1, &["sync"]);
    assert_eq!(verdict(&report, "a"), is("kept", "rollback", "replayed-version"));
    assert_eq!(lab.read("cache/latest/a"), b"a 2\n");
    lab.run(&["allow-rollback", "a", "--reason", " "]).fails(2);
    let permit = lab.json("report", 0, &["allow-rollback", "a", "--reason", "they withdrew version 2"]);
    assert_eq!(verdict(&permit, "a"), is("kept", "rollback", "rollback-allowed"));
    assert_eq!(verdict(&lab.json("report", 0, &["sync"]), "a"), is("stored", "done", "new-version"));
    assert_eq!(lab.read("cache/latest/a"), b"a 1\n");
    let history = lab.run(&["history", "a"]).ends(0);
    assert!(history.contains("they withdrew version 2"), "{history}");
}

#[test]
fn a_dry_run_says_what_it_would_do_and_writes_nothing() {
    let lab = Lab::synced(&["a"]);
    lab.offer("a", b"a 2\n");
    let before = lab.store();
    assert_eq!(verdict(&lab.json("report", 0, &["sync", "--dry-run"]), "a"), is("stored", "done", "new-version"));
    assert_eq!(lab.store(), before);
}

#[test]
fn shards_divide_the_names() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let lab = Lab::with(&names);
    let count = |shard: &str| lab.json("report", 0, &["sync", "--shard", shard])["decisions"].as_array().unwrap().len();
    let (first, second) = (count("1/2"), count("2/2"));
    assert_eq!(first + second, names.len());
    assert!(first > 0 && second > 0);
}

#[test]
fn readers_find_the_shard_from_the_name() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let lab = Lab::with(&names);
    lab.run(&["sync", "--shard", "1/2"]).ends(0);
    let half = lab.json("status", 1, &["status"]);
    let absent = half["resources"].as_array().unwrap().iter().filter(|row| row["state"] == "absent").count();
    assert!(0 < absent && absent < names.len(), "{half:#}");
    // Of those that are asked for alone.
    let fresh = half["resources"].as_array().unwrap().iter().find(|row| row["state"] == "fresh").unwrap();
    let one = lab.json("status", 0, &["status", fresh["resource"].as_str().unwrap()]);
    assert_eq!(one["resources"].as_array().unwrap().as_slice(), std::slice::from_ref(fresh));
    assert!(lab.run(&["status", "nobody"]).fails(2).contains("nobody"));
    lab.run(&["sync", "--shard", "2/2"]).ends(0);
    lab.json("status", 0, &["status"]);
    for name in names {
        assert_eq!(lab.run(&["get", name]).ends(0), format!("{name} 1\n"));
        lab.run(&["explain", name]).ends(0);
        assert_eq!(lab.run(&["history", name]).ends(0).lines().count(), 1);
        lab.json("report", 0, &["allow-rollback", name, "--reason", "because"]);
    }
    assert_eq!(lab.keys("catalog/0001-of-0001/"), [""; 0]);
}

#[test]
fn a_store_is_not_opened_with_another_number_of_shards() {
    let lab = Lab::with(&["a", "b", "c", "d"]);
    lab.run(&["sync", "--shard", "1/2"]).ends(0);
    lab.run(&["sync", "--shard", "2/2"]).ends(0);
    let before = lab.store();
    for command in [&["audit"][..], &["gc"], &["sync"], &["sync", "--dry-run"], &["gc", "--shard", "1/3"]] {
        let error = lab.run(command).fails(2);
        assert!(error.contains("2 shards") && error.contains("--shard I/2"), "{error}");
    }
    assert_eq!(lab.store(), before);
    lab.run(&["audit", "--shard", "1/2"]).ends(0);

    // As an older program could leave it.
    let snapshot = lab.keys("catalog/0001-of-0002/").swap_remove(0);
    lab.replace(
        &format!("cache/{}", snapshot.replace("0001-of-0002", "0001-of-0001")),
        lab.read(&format!("cache/{snapshot}")),
    );
    for command in [&["status"][..], &["get", "a"], &["explain", "a"], &["audit", "--shard", "1/2"], &["gc"]] {
        let error = lab.run(command).fails(2);
        assert!(error.contains("catalog/0001-of-0001, catalog/0001-of-0002, catalog/0002-of-0002"), "{error}");
    }
}

#[test]
fn a_store_is_divided_anew_and_nothing_is_lost() {
    let names = ["a", "b", "c", "d", "e"];
    let lab = Lab::synced(&names);
    let copies = lab.keys("latest/");
    lab.json("reshard", 0, &["reshard", "--to", "3"]);
    assert_eq!(lab.keys("catalog/0001-of-0001/"), [""; 0]);
    lab.json("status", 0, &["status"]);
    for shard in ["1/3", "2/3", "3/3"] {
        let report = lab.json("report", 0, &["sync", "--shard", shard]);
        assert_eq!(report["totals"]["unchanged"], report["decisions"].as_array().unwrap().len());
        lab.run(&["audit", "--shard", shard]).ends(0);
    }
    let back = lab.run(&["reshard", "--to", "1"]).ends(0);
    assert!(back.contains("shards  3 -> 1  5 resources known"), "{back}");
    lab.run(&["audit"]).ends(0);
    assert_eq!(lab.keys("latest/"), copies);
    for wrong in ["0", "10000", "x"] {
        lab.run(&["reshard", "--to", wrong]).fails(2);
    }
    let error = lab.run(&["sync", "--shard", "1/2"]).fails(2);
    assert!(error.contains("sigcache reshard"), "{error}");
}

#[test]
fn a_part_of_a_document_is_verified_as_the_whole() {
    let lab = Lab::with(&["a"]);
    lab.offer("a", b"0123456789");
    lab.run(&["sync"]).ends(0);
    for (range, part) in
        [("0-3", "0123"), ("4-4", "4"), ("7-", "789"), ("-2", "89"), ("8-100", "89"), ("-100", "0123456789")]
    {
        assert_eq!(lab.run(&["get", "a", "--range", range]).ends(0), part, "{range}");
    }
    assert_eq!(lab.json("get", 0, &["get", "a", "--range", "2-5", "-o", "out"])["bytes"], 4);
    assert_eq!(lab.read("out"), b"2345");
    for wrong in ["", "-", "3-2", "a-b", "1-2-3", "+1-2", "10-", "10-20", "-0"] {
        lab.run(&["get", "a", "--range", wrong]).fails(2);
    }
    // Behind the part that is asked for.
    let version = lab.keys("versions/a/").swap_remove(0);
    lab.replace(&format!("cache/{version}"), "0123456780");
    let ran = lab.run(&["get", "a", "--range", "0-3"]);
    assert!(ran.out.is_empty());
    ran.fails(1);
}

#[test]
fn an_audit_mends_plain_copies_when_it_is_told_to() {
    let lab = Lab::synced(&["a", "b"]);
    let before = lab.store();
    let copy = |lab: &Lab, content: &str| {
        // On a disk a plain copy is the version itself under another name: so take it away first.
        std::fs::remove_file(lab.path("cache/latest/a")).unwrap();
        lab.replace("cache/latest/a", content);
    };
    copy(&lab, "somebody was here\n");
    std::fs::remove_file(lab.path("cache/latest/b.sig")).unwrap();
    let said = lab.run(&["audit"]).ends(1);
    assert!(said.contains("published-changed") && said.contains("published-missing"), "{said}");
    let said = lab.run(&["audit", "--repair"]).ends(0);
    assert_eq!(said.matches("copy-restored").count(), 2, "{said}");
    lab.run(&["audit"]).ends(0);
    let after = lab.store();
    let copies = |store: &Tree| -> Tree {
        store.iter().filter(|(key, _)| key.starts_with("latest/")).map(|(key, v)| (key.clone(), v.clone())).collect()
    };
    assert_eq!(copies(&before), copies(&after));
}

#[test]
fn gc_takes_only_what_nobody_needs() {
    let lab = Lab::synced(&["a"]);
    lab.offer("a", b"a 2\n");
    lab.run(&["sync"]).ends(0);
    let before = lab.store();
    let far = "2036-01-01T00:00:00Z";
    let listed = lab.run_at(far, &["gc", "--dry-run", "--keep", "1"]).ends(0);
    assert!(listed.contains("1 versions"), "{listed}");
    assert_eq!(lab.store(), before);
    lab.run_at(far, &["gc", "--keep", "1"]).ends(0);
    assert_eq!(lab.keys("versions/").len(), 1);
    lab.run(&["audit"]).ends(0);
    assert_eq!(lab.run(&["get", "a"]).ends(0), "a 2\n");
}

#[test]
fn explain_reads_like_a_person_wrote_it() {
    let lab = Lab::with(&["a", "b"]);
    std::fs::create_dir(lab.path("cache")).unwrap();
    let never = lab.run(&["explain", "a"]).ends(1);
    assert!(never.starts_with("No run has looked at a yet"), "{never}");
    lab.replace("origin/b", "tampered\n");
    lab.run(&["sync"]).ends(1);
    let good = lab.run(&["explain", "a"]).ends(0).replace('\n', " ");
    assert!(good.starts_with("a is fresh: a source confirmed"), "{good}");
    assert!(good.contains("matches these very bytes under the key publisher"), "{good}");
    let refused = lab.run(&["explain", "b"]).ends(1).replace('\n', " ");
    assert!(refused.starts_with("There is no good copy of b, and nothing is served"), "{refused}");
    assert!(refused.contains("broke at step signature (signature-mismatch)"), "{refused}");
    lab.replace("origin/a", "tampered\n");
    lab.run(&["sync"]).ends(1);
    let kept = lab.run(&["explain", "a"]).ends(1).replace('\n', " ");
    assert!(kept.contains("nothing was taken over, and the last good copy stands as it was."), "{kept}");
    let stale = lab.run_at("2036-01-01T00:00:00Z", &["explain", "a"]).ends(1).replace('\n', " ");
    assert!(stale.starts_with("a is stale: no source has confirmed it for"), "{stale}");

    lab.offer("a", b"a 1\n");
    lab.configure(&["a", "b"], "max_stale = \"1d\"");
    lab.replace("origin/a", "tampered\n");
    lab.run_at("2036-01-01T00:00:00Z", &["sync"]).ends(1);
    let withheld = lab.run_at("2036-01-01T00:00:00Z", &["explain", "a"]).ends(1).replace('\n', " ");
    assert!(withheld.starts_with("a is withheld: there is a copy, but it may not be served any more"), "{withheld}");
}

#[test]
fn mistakes_end_with_2_a_sentence_and_an_untouched_store() {
    let lab = Lab::synced(&["flags"]);
    let before = lab.store();
    assert!(lab.run(&["get", "flag"]).fails(2).contains("did you mean flags?"));
    assert!(lab.run(&["sync", "--nonsense"]).fails(2).contains("--nonsense"));
    assert!(lab.run(&["--config", "nowhere.toml", "sync"]).fails(2).contains("nowhere.toml"));
    let config = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", config.replace("urls =", "urlz ="));
    let error = lab.run(&["sync"]).fails(2);
    assert!(error.contains("sigcache.toml:14:1") && error.contains("did you mean `urls`?"), "{error}");
    lab.replace("sigcache.toml", &config);
    lab.replace("publisher.pub.pem", "nonsense");
    assert!(lab.run(&["sync"]).fails(2).contains("publisher.pub.pem"));
    assert_eq!(lab.store(), before);
}

#[test]
fn a_damaged_catalog_is_named_and_nothing_is_changed() {
    let lab = Lab::synced(&["a"]);
    let key = lab.keys("catalog/").into_iter().rfind(|key| key.ends_with(".json.gz")).unwrap();
    let whole = lab.read(&format!("cache/{key}"));
    for damaged in [&whole[..whole.len() / 2], b"nonsense", b""] {
        lab.replace(&format!("cache/{key}"), damaged);
        let before = lab.store();
        for command in ["sync", "status", "audit"] {
            let error = lab.run(&[command]).fails(2);
            assert!(error.contains(&key), "{error}");
        }
        assert_eq!(lab.store(), before);
    }
}

#[test]
fn a_store_that_cannot_be_opened_ends_with_3() {
    let lab = Lab::with(&["a"]);
    lab.replace("cache", "a file where a folder belongs");
    assert!(lab.run(&["sync"]).fails(3).contains("cache"));
}

#[test]
fn only_a_sync_makes_a_store_where_there_is_none() {
    let lab = Lab::with(&["a"]);
    let commands = [
        &["status"][..],
        &["get", "a", "-o", "copy"],
        &["explain", "a"],
        &["history", "a"],
        &["audit"],
        &["gc"],
        &["gc", "--dry-run"],
        &["sync", "--dry-run"],
        &["allow-rollback", "a", "--reason", "because"],
    ];
    for command in commands {
        let error = lab.run(command).fails(3);
        assert!(error.contains(lab.path("cache").to_str().unwrap()) && error.contains("sigcache sync"), "{error}");
        lab.json("error", 3, command);
        assert!(!lab.path("cache").exists(), "{command:?}");
    }
    lab.run(&["sync"]).ends(0);
    lab.run(&["status"]).ends(0);
}

#[test]
fn keys_and_signatures_of_openssl_and_ours_are_the_same() {
    let lab = Lab::with(&[]);
    let openssl = |args: &[&str]| {
        let ran = std::process::Command::new("openssl").args(args).current_dir(lab.path("")).output();
        ran.is_ok_and(|output| output.status.success())
    };
    if !openssl(&["version"]) {
        assert!(std::env::var_os("CI").is_none(), "openssl is missing");
        return;
    }
    lab.replace("doc", "hello\n");
    lab.run(&["keygen", "ours"]).ends(0);
    lab.run(&["sign", "--key", "ours.key.pem", "doc"]).ends(0);
    assert!(openssl(&["dgst", "-sha256", "-verify", "ours.pub.pem", "-signature", "doc.sig", "doc"]));
    lab.run(&["keygen", "ours"]).fails(2);

    assert!(openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-out", "theirs.key.pem"]));
    assert!(openssl(&["ec", "-in", "theirs.key.pem", "-pubout", "-out", "theirs.pub.pem"]));
    assert!(openssl(&["dgst", "-sha256", "-sign", "theirs.key.pem", "-out", "doc.sig", "doc"]));
    lab.run(&["verify", "doc", "--key", "theirs.pub.pem"]).ends(0);
    lab.run(&["verify", "doc", "--key", "ours.pub.pem"]).ends(1);
    lab.run(&["sign", "--key", "theirs.key.pem", "doc"]).ends(0);
    assert!(openssl(&["dgst", "-sha256", "-verify", "theirs.pub.pem", "-signature", "doc.sig", "doc"]));

    let verified = |key: &str| {
        openssl(&["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", "doc", "-sigfile", "doc.sig"])
    };
    lab.run(&["keygen", "--algorithm", "ed25519", "ed"]).ends(0);
    assert!(openssl(&["pkey", "-in", "ed.key.pem", "-pubout", "-out", "ed.again.pem"]));
    assert_eq!(lab.read("ed.again.pem"), lab.read("ed.pub.pem"));
    lab.run(&["sign", "--key", "ed.key.pem", "doc"]).ends(0);
    assert!(verified("ed.pub.pem"));
    lab.run(&["verify", "doc", "--key", "ed.pub.pem"]).ends(0);
    assert!(openssl(&["genpkey", "-algorithm", "ed25519", "-out", "theirs.ed.pem"]));
    assert!(openssl(&["pkey", "-in", "theirs.ed.pem", "-pubout", "-out", "theirs.ed.pub.pem"]));
    lab.run(&["verify", "doc", "--key", "theirs.ed.pub.pem"]).ends(1);
    lab.run(&["sign", "--key", "theirs.ed.pem", "doc"]).ends(0);
    assert!(verified("theirs.ed.pub.pem"));
    lab.run(&["verify", "doc", "--key", "theirs.ed.pub.pem"]).ends(0);
    lab.run(&["verify", "doc", "--key", "ed.pub.pem", "--key", "theirs.pub.pem"]).ends(1);
    assert!(openssl(&["genpkey", "-algorithm", "ed448", "-out", "other.pem"]));
    assert!(lab.run(&["sign", "--key", "other.pem", "doc"]).fails(2).contains("P-256 or Ed25519"));
    lab.run(&["keygen", "--algorithm", "rsa", "never"]).fails(2);
}

#[test]
fn quiet_is_quiet_and_status_tells_all() {
    let lab = Lab::with(&["a"]);
    assert_eq!(lab.run(&["--quiet", "sync"]).ends(0), "");
    let report = lab.json("report", 0, &["sync"]);
    assert_eq!(decision(&report, "a")["reason"], "not-modified");
    assert!(report["store_requests"].as_u64().unwrap() <= 4, "{report:#}");
    lab.run(&["status"]).ends(0);
    lab.run_at("2036-01-01T00:00:00Z", &["status"]).ends(1);
    assert_eq!(lab.run(&["--quiet", "status"]).ends(0), "");
    let stale = lab.run_at("2036-01-01T00:00:00Z", &["--quiet", "status"]).ends(1);
    assert!(stale.starts_with("a ") && stale.lines().count() == 1, "{stale}");
    assert_eq!(lab.run(&["--quiet", "allow-rollback", "a", "--reason", "because"]).ends(0), "");
}

#[test]
fn a_withheld_copy_is_not_called_served_when_the_rule_is_relaxed() {
    let lab = Lab::synced(&["a"]);
    let (far, names) = ("2036-01-01T00:00:00Z", &["a"][..]);
    lab.configure(names, "max_stale = \"1d\"");
    lab.replace("origin/a", "tampered\n");
    lab.run_at(far, &["sync"]).ends(1);
    lab.configure(names, "max_age = \"10000d\"");
    let status = lab.json("status", 1, &["--at", far, "status"]);
    assert_eq!(status["resources"][0]["served"], false, "{status:#}");
    assert!(lab.run_at(far, &["status"]).ends(1).contains("withheld"));
    assert!(lab.run_at(far, &["get", "a"]).fails(1).contains("withheld"));
}

#[test]
fn what_stores_no_report_still_says_truly_what_it_took() {
    let lab = Lab::synced(&["a"]);
    // Large enough to take a millisecond.
    lab.offer("a", &[b'a'; 8 << 20]);
    lab.run(&["sync"]).ends(0);
    for command in [&["audit"][..], &["sync", "--dry-run", "--refetch"]] {
        let report = lab.json("report", 0, command);
        assert!(report["store_requests"].as_u64().unwrap() >= 2, "a listing and a snapshot: {report:#}");
        assert_ne!(report["duration_ms"], 0, "{report:#}");
    }
}

/// `script` gives its command a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_each_bad_decision_once_and_counts_only_what_is_done() {
    let lab = Lab::with(&["a", "b", "c", "d", "e", "f"]);
    lab.replace("origin/a", "tampered\n");
    lab.replace("origin/b", "tampered\n");
    let run = |command: &str| {
        let mut script = std::process::Command::new("script");
        let line = format!("{} {command}", env!("CARGO_BIN_EXE_sigcache"));
        let ran = script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").current_dir(lab.path("")).output();
        ran.ok().map(|output| String::from_utf8(output.stdout).unwrap())
    };
    let Some(shown) = run("sync --shard 1/2") else {
        assert!(std::env::var_os("CI").is_none(), "script (of util-linux) is missing");
        return;
    };
    let mine = lab.json("report", 1, &["sync", "--shard", "1/2", "--dry-run"]);
    let bad: Vec<&str> = mine["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|d| d["step"] != "done")
        .map(|d| d["resource"].as_str().unwrap())
        .collect();
    assert!(!bad.is_empty(), "{mine:#}");
    for name in bad {
        assert_eq!(shown.matches(&format!("{name}  signature: signature-mismatch")).count(), 1, "{shown:?}");
    }
    let total = mine["decisions"].as_array().unwrap().len();
    assert!(shown.contains(&format!("/{total} ")), "{shown:?}");
}

#[test]
fn get_gives_nothing_of_a_document_that_was_changed_in_the_middle() {
    // One that waits in memory, and one that waits on the disk.
    for size in [5_000_000, 17_000_000] {
        let lab = Lab::with(&["a"]);
        lab.configure(&["a"], "max_size = \"32MiB\"");
        let mut document = vec![b'x'; size];
        lab.offer("a", &document);
        lab.run(&["sync"]).ends(0);
        assert_eq!(lab.run(&["get", "a"]).ends(0).into_bytes(), document);
        document[10] = b'y';
        for key in lab.keys("versions/") {
            lab.replace(&format!("cache/{key}"), &document);
        }
        // Not even the beginning, which whoever reads a pipe could not give back.
        assert!(lab.run(&["get", "a"]).fails(1).contains("object-changed"));
    }
}

#[test]
fn a_name_of_another_shard_is_not_left_out_in_silence() {
    let lab = Lab::with(&["a", "b"]);
    let refused: Vec<String> = ["1/2", "2/2"]
        .map(|shard| lab.run(&["sync", "a", "--shard", shard]))
        .into_iter()
        .filter(|ran| ran.code == 2)
        .map(|ran| ran.err)
        .collect();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains("a belongs to shard"), "{}", refused[0]);
}
