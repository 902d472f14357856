//! Anchors that are lists of checksums: what becomes of the files on them.

#![cfg(all(feature = "conformance", feature = "checksums"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use sigcache_core::{
    Name, Outcome, Reason, Report, Resource, Rules, Standing,
    anchor::{self, Anchored, Files, Vouches},
    conformance::{Lab, at, block_on, expect},
    explain::explain,
    hex,
    run::{Runner, Selection},
    trust::{HashKind, Trust},
    verify::Digests,
};

/// A lab whose resource `SHA256SUMS` is the signed list of what lies beside it.
struct World {
    lab: Lab,
    list: [Resource; 1],
    anchored: Vec<Anchored>,
}

fn line(file: &str, content: &str) -> String {
    format!("{}  {file}\n", hex(HashKind::Sha256.of(content.as_bytes()).as_bytes()))
}

fn rules() -> Arc<Rules> {
    Arc::new(Rules::new(Arc::new(Digests::default()), Trust::nobody()))
}

impl World {
    fn with(vouches: Vouches) -> Self {
        let lab = Lab::default();
        let list = [lab.resource_with("SHA256SUMS", lab.rules().as_anchor())];
        let anchored = vec![Anchored::new(list[0].name.clone(), vouches)];
        Self { lab, list, anchored }
    }

    fn of_files(only: &[&str]) -> Self {
        Self::with(Vouches::Files(Files {
            name: "release/{file}".into(),
            urls: [Lab::url("{file}"), Lab::url("mirror/{file}")].into(),
            only: only.iter().map(|pattern| (*pattern).to_owned()).collect(),
            rules: rules(),
        }))
    }

    /// The source serves this as a file; whether it is on the list is another matter.
    fn serve(&self, file: &str, content: &'static str) {
        self.lab.referee.allow(content.as_bytes());
        self.lab.origin.serve(&Lab::url(file), content);
    }

    fn runner(&self) -> Runner {
        self.lab.runner().with_anchored(self.anchored.clone())
    }

    fn sync(&self, hours: i64) -> Report {
        block_on(self.runner().sync(&self.list, &Selection::All, at(hours), self.lab.nonce())).unwrap()
    }

    fn resource(&self, name: &str, hours: i64) -> Option<Resource> {
        let known = anchor::all(&self.list, &self.anchored, &self.lab.catalog(), at(hours));
        known.resources.into_iter().find(|resource| resource.name.as_str() == name)
    }

    /// What a reader gets who has the configuration and the store.
    fn read(&self, name: &str, hours: i64) -> Option<bytes::Bytes> {
        self.lab.read(&self.resource(name, hours)?, hours).ok()
    }

    fn explain(&self, name: &str, hours: i64) -> String {
        let resource = self.resource(name, hours).unwrap();
        explain(&resource, self.lab.catalog().get(&resource.name), None, at(hours)).join("\n")
    }
}

#[test]
fn files_on_a_signed_list_are_stored_in_the_same_run() {
    let world = World::of_files(&[]);
    world.lab.publish("SHA256SUMS", line("a.txt", "one") + &line("sub/b.txt", "two"));
    world.serve("a.txt", "one");
    world.serve("sub/b.txt", "two");
    let report = world.sync(0);
    for name in ["SHA256SUMS", "release/a.txt", "release/sub/b.txt"] {
        expect(&report, name, Outcome::Stored, Reason::FirstVersion);
    }
    let decision = report.decisions.iter().find(|decision| decision.resource.as_str() == "release/a.txt").unwrap();
    let key = decision.keys.as_ref().unwrap()[0].to_string();
    assert!(key.starts_with("SHA256SUMS#SHA-256:7692c3ad3540bb80"), "{key}");
    assert_eq!(world.read("release/a.txt", 0).unwrap(), "one");
    world.lab.assert_published();

    let explained = world.explain("release/a.txt", 0);
    for sentence in [
        "It is trusted because these very bytes have the digest SHA256SUMS#SHA-256:7692c3ad3540bb80.",
        "Which digest it must have stands in the anchor SHA256SUMS, as it was verified last.",
        "What is signed is the list of the anchor: it has this digest for a.txt.",
        "its list counts, and no older one",
    ] {
        assert!(explained.contains(sentence), "{explained}");
    }
    assert!(!explained.contains("signature matches"), "{explained}");

    let again = world.sync(1);
    assert_eq!((again.is_good(), again.totals.unchanged), (true, 3));
    assert!(again.store_requests <= 4, "{} requests", again.store_requests);
    let auditor = world.lab.auditor().with_anchored(world.anchored.clone());
    let audited = block_on(auditor.audit(&world.list, at(1), 7)).unwrap();
    expect(&audited, "release/a.txt", Outcome::Unchanged, Reason::AuditPassed);
}

#[test]
fn attack_arbitrary_content_a_file_that_is_not_what_the_list_says_is_refused() {
    let world = World::of_files(&[]);
    world.lab.publish("SHA256SUMS", line("a.txt", "one") + &line("b.txt", "two"));
    // Properly listed, under another name.
    world.lab.origin.serve(&Lab::url("a.txt"), "two");
    world.lab.origin.serve(&Lab::url("b.txt"), "twofold");
    let report = world.sync(0);
    for (name, file) in [("release/a.txt", "a.txt"), ("release/b.txt", "b.txt")] {
        let decision = expect(&report, name, Outcome::Refused, Reason::SignatureMismatch);
        let expected = format!("a document with the SHA-256 that the anchor has for {file}");
        assert_eq!(decision.expected.as_deref(), Some(&*expected));
        assert!(world.read(name, 0).is_none());
    }
    // A mirror with the right bytes is as good as the publisher.
    world.serve("mirror/a.txt", "one");
    expect(&world.sync(1), "release/a.txt", Outcome::Stored, Reason::FirstVersion);
    assert_eq!(world.read("release/a.txt", 1).unwrap(), "one");
}

#[test]
fn a_new_line_counts_at_once_and_the_old_bytes_no_more() {
    let world = World::of_files(&[]);
    world.lab.publish("SHA256SUMS", line("a.txt", "one"));
    world.serve("a.txt", "one");
    world.sync(0);
    // The list is ahead of its file.
    world.lab.publish("SHA256SUMS", line("a.txt", "two"));
    let report = world.sync(1);
    expect(&report, "SHA256SUMS", Outcome::Stored, Reason::NewVersion);
    expect(&report, "release/a.txt", Outcome::Withheld, Reason::SignatureMismatch);
    assert!(world.read("release/a.txt", 1).is_none());
    let explained = world.explain("release/a.txt", 1);
    let sentence = "its digest is SHA256SUMS#SHA-256:7692c3ad3540bb80, and the list has another now";
    assert!(explained.contains(sentence), "{explained}");
    world.lab.assert_published();

    world.serve("a.txt", "two");
    expect(&world.sync(2), "release/a.txt", Outcome::Stored, Reason::NewVersion);
    // A newer list may name older bytes: it says what is current, and that it is no older one was checked.
    world.lab.publish("SHA256SUMS", line("a.txt", "one") + "# put back\n");
    world.serve("a.txt", "one");
    expect(&world.sync(3), "release/a.txt", Outcome::Stored, Reason::NewVersion);
    assert_eq!(world.read("release/a.txt", 3).unwrap(), "one");
}

#[test]
fn attack_rollback_an_older_list_brings_no_older_file_back() {
    let world = World::of_files(&[]);
    world.lab.publish("SHA256SUMS", line("a.txt", "one"));
    world.serve("a.txt", "one");
    world.sync(0);
    world.lab.publish("SHA256SUMS", line("a.txt", "two"));
    world.serve("a.txt", "two");
    world.sync(1);
    world.lab.publish("SHA256SUMS", line("a.txt", "one"));
    world.serve("a.txt", "one");
    let report = world.sync(2);
    expect(&report, "SHA256SUMS", Outcome::Kept, Reason::ReplayedVersion);
    expect(&report, "release/a.txt", Outcome::Kept, Reason::SignatureMismatch);
    assert_eq!(world.read("release/a.txt", 2).unwrap(), "two");
}

#[test]
fn a_file_that_the_list_names_no_more_is_removed() {
    let world = World::of_files(&[]);
    let files = ["a", "b", "c", "d"];
    world.lab.publish("SHA256SUMS", files.map(|file| line(file, "x")).concat());
    files.iter().for_each(|file| world.serve(file, "x"));
    world.sync(0);
    world.lab.publish("SHA256SUMS", files[..3].iter().map(|file| line(file, "x")).collect::<String>());
    expect(&world.sync(1), "release/d", Outcome::Removed, Reason::LeftConfig);
    assert!(world.read("release/d", 1).is_none());
    world.lab.assert_published();
}

#[test]
fn a_signed_list_that_cannot_be_read_takes_nobodys_place() {
    let world = World::of_files(&[]);
    world.lab.publish("SHA256SUMS", line("a.txt", "one"));
    world.serve("a.txt", "one");
    world.sync(0);
    // Another digest, and a line that nobody can read: it might be about this very file.
    for more in ["and more\n", "\u{feff}", "00\n"] {
        world.lab.publish("SHA256SUMS", line("a.txt", "two") + more);
        let report = world.sync(1);
        let decision = expect(&report, "SHA256SUMS", Outcome::Kept, Reason::MalformedDocument);
        assert!(decision.found.as_ref().unwrap().contains("line 2"), "{decision}");
        expect(&report, "release/a.txt", Outcome::Unchanged, Reason::NotModified);
        assert_eq!(world.read("release/a.txt", 1).unwrap(), "one");
    }
    world.lab.publish("SHA256SUMS", line("a.txt", "one") + "# mended\n");
    assert!(world.sync(2).is_good());
}

#[test]
fn an_entry_that_does_not_fit_beside_others_is_left_out_alone() {
    let world = World::with(Vouches::Files(Files {
        name: "{file}".into(),
        urls: [Lab::url("{file}")].into(),
        only: Arc::default(),
        rules: rules(),
    }));
    // The list's own name, its signature's, a folder where a file is, and a file that is sound.
    let names = ["SHA256SUMS", "SHA256SUMS.sig", "a", "a/b", "sound"];
    world.lab.publish("SHA256SUMS", names.map(|name| line(name, name)).concat());
    names[2..].iter().for_each(|name| world.serve(name, name));
    let report = world.sync(0);
    expect(&report, "SHA256SUMS", Outcome::Stored, Reason::FirstVersion);
    for name in ["a", "sound"] {
        expect(&report, name, Outcome::Stored, Reason::FirstVersion);
    }
    for name in ["SHA256SUMS.sig", "a/b"] {
        expect(&report, name, Outcome::Refused, Reason::AnchorEntryUnusable);
    }
    let mut decided: Vec<_> = report.decisions.iter().map(|decision| decision.resource.as_str()).collect();
    assert_eq!(decided.len(), 6);
    decided.sort_unstable();
    decided.dedup();
    assert_eq!(decided.len(), 6, "one decision for each name");
    world.lab.assert_published();
}

#[test]
fn only_the_files_that_are_meant_and_can_be_named_are_taken() {
    let world = World::of_files(&["*.txt", "?.bin"]);
    let names = ["a.txt", "b.bin", "bb.bin", "c.iso", "../up.txt", "/root.txt", "a b.txt", "\\o/.txt"];
    let twice = line("twice.txt", "one") + &line("twice.txt", "two");
    world.lab.publish("SHA256SUMS", names[..7].iter().map(|name| line(name, name)).collect::<String>() + &twice);
    world.serve("a.txt", "a.txt");
    world.serve("b.bin", "b.bin");
    let report = world.sync(0);
    expect(&report, "release/a.txt", Outcome::Stored, Reason::FirstVersion);
    expect(&report, "release/b.bin", Outcome::Stored, Reason::FirstVersion);
    for (name, found) in [("../up.txt", "begin with a dot"), ("/root.txt", "non-empty"), ("a b.txt", "' '")] {
        let name = format!("release/{}", hex(name.as_bytes()));
        let decision = expect(&report, &name, Outcome::Refused, Reason::AnchorEntryUnusable);
        assert!(decision.found.as_ref().unwrap().contains(found), "{decision}");
    }
    let decision = expect(&report, "release/twice.txt", Outcome::Refused, Reason::AnchorEntryUnusable);
    assert_eq!(decision.found.as_deref(), Some("several lines of SHA-256"));
    assert_eq!(report.decisions.len(), 7, "{report:?}");
}

#[test]
fn every_digest_that_the_list_has_of_a_file_must_be_right() {
    let world = World::of_files(&[]);
    let sha512 = |content: &str| hex(HashKind::Sha512.of(content.as_bytes()).as_bytes());
    let list = |second: &str| format!("{}SHA512 (a.txt) = {}\n", line("a.txt", "one"), sha512(second));
    world.serve("a.txt", "one");
    world.lab.publish("SHA256SUMS", list("two"));
    expect(&world.sync(0), "release/a.txt", Outcome::Refused, Reason::SignatureMismatch);
    world.lab.publish("SHA256SUMS", list("one"));
    let report = world.sync(1);
    let decision = expect(&report, "release/a.txt", Outcome::Stored, Reason::FirstVersion);
    assert_eq!(decision.keys.as_ref().unwrap().len(), 2);
}

#[test]
fn one_configured_file_rests_on_its_line() {
    let lab = Lab::default();
    let mut rules = (*rules()).clone();
    rules.policy.identity = Some("tool-1.0.tar.gz".into());
    let resource = lab.resource_with("tool", rules);
    let world = World::with(Vouches::File { resource });
    world.lab.publish("SHA256SUMS", line("other", "x"));
    world.serve("tool", "the tool");
    let report = world.sync(0);
    let decision = expect(&report, "tool", Outcome::Refused, Reason::AnchorEntryUnusable);
    assert_eq!(decision.found.as_deref(), Some("none among 1 names"));
    world.lab.publish("SHA256SUMS", line("./tool-1.0.tar.gz", "the tool"));
    expect(&world.sync(1), "tool", Outcome::Stored, Reason::FirstVersion);
    assert_eq!(world.read("tool", 1).unwrap(), "the tool");
    // Gone from the list: nobody vouches for it any more, though it stays configured.
    world.lab.publish("SHA256SUMS", line("tool-1.1.tar.gz", "the tool"));
    expect(&world.sync(2), "tool", Outcome::Withheld, Reason::AnchorEntryUnusable);
    assert_eq!(world.lab.catalog().get(&Name::new("tool").unwrap()).unwrap().standing, Standing::Withheld);
}

#[test]
fn a_document_without_a_digest_is_refused() {
    let lab = Lab::default();
    let resource = lab.resource_with("tool", (*rules()).clone());
    lab.origin.serve(&Lab::url("tool"), "anything");
    let report = lab.sync(&[resource], 0);
    expect(&report, "tool", Outcome::Refused, Reason::SignatureMismatch);
}
