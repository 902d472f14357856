//! What a run leaves behind that ends after each of its writes, as `docs/crash.md` tells it.

#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use sigcache_core::{
    Resource,
    conformance::{How, Lab, at, block_on},
    store::{Keep, Sweep},
};

/// A cache of one large and one small document, of which the large one has a new version.
fn before() -> (Lab, Vec<Resource>) {
    let lab = Lab::default();
    lab.publish("large", vec![b'x'; 9_000]);
    lab.publish("small", "small");
    let resources = vec![lab.resource("large"), lab.resource("small")];
    lab.sync(&resources, 0);
    lab.publish("large", vec![b'y'; 10_000]); // two whole parts and a rest
    (lab, resources)
}

/// A key without what differs from run to run.
fn plain(key: &str, known: &BTreeMap<String, Bytes>) -> String {
    let mut parts: Vec<&str> = key.split('/').collect();
    let last = parts.pop().unwrap();
    let last = match (key.split('/').next().unwrap(), known.contains_key(key)) {
        ("versions", false) => "NEW",
        ("versions", true) => "OLD",
        ("runs", _) => return "runs/…/RUN.json".to_owned(),
        ("catalog", _) if last.contains(".publishing-") => "N.publishing-RUN",
        ("catalog", _) if last.ends_with(".published") && known.contains_key(key) => "N.published",
        ("catalog", _) if last.ends_with(".published") => "N+1.published",
        ("catalog", true) => "N.json.gz",
        ("catalog", false) => "N+1.json.gz",
        _ => last,
    };
    parts.push(last);
    parts.join("/").replace("catalog/0001-of-0001", "catalog/SHARD")
}

/// What is there now and was not, or is another than it was, or is gone.
fn difference(known: &BTreeMap<String, Bytes>, now: &BTreeMap<String, Bytes>) -> BTreeSet<String> {
    let changed = now.iter().filter(|(key, bytes)| known.get(*key) != Some(bytes));
    let changed = changed.map(|(key, _)| match known.contains_key(key) {
        true => format!("{} anew", plain(key, known)),
        false => plain(key, known),
    });
    let gone = known.keys().filter(|key| !now.contains_key(*key)).map(|key| format!("no {}", plain(key, known)));
    changed.chain(gone).collect()
}

/// The steps of the page, and with what the request begins after which the run ends.
const STEPS: &[(&str, &str)] = &[
    ("get catalog/", "the catalog was read"),
    ("begin versions/", "the upload was begun"),
    ("part versions/", "a part of it was sent"),
    ("complete versions/", "the version was sealed"),
    ("create catalog/", "the snapshot was created: the commit"),
    ("put catalog/0001-of-0001/000000000001.publishing-", "the run marked that it begins to publish"),
    ("copy latest/", "the document was copied"),
    ("put latest/", "its signature was copied"),
    ("put catalog/0001-of-0001/000000000002.published", "the run marked what is published"),
    ("delete catalog/", "it took its first mark away"),
    ("put runs/", "the report was stored"),
];

/// A row of the page: what is left, what a reader gets, what lies below `latest/`.
fn row(step: &str) -> (BTreeSet<String>, String, String) {
    let page = include_str!("../../docs/crash.md");
    let line = page.lines().find(|line| line.starts_with(&format!("| {step} |")));
    let line = line.unwrap_or_else(|| panic!("docs/crash.md has no row for: {step}"));
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [_, left, read, plain, _] = cells.as_slice() else { panic!("five columns: {line}") };
    let left = left.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    (left, (*read).to_owned(), (*plain).to_owned())
}

fn age(bytes: &[u8], lab: &Lab) -> &'static str {
    let new = vec![b'y'; 10_000];
    match bytes == new || *bytes == *lab.signer.sign(&new) {
        true => "new",
        false => "old",
    }
}

/// The run that is cut off after each request: every row of the page is true, and the next run puts all of it right.
#[test]
fn what_a_crash_leaves_behind_is_what_the_page_says() {
    let mut seen_steps = Vec::new();
    for number in 0.. {
        let (lab, resources) = before();
        let known = lab.referee.objects("");
        lab.faulty.rearm();
        lab.faulty.fail(number, How::CrashAfter);
        let _ = lab.try_sync(&resources, 1);
        let requests = lab.faulty.seen();
        let Some(request) = requests.get(number) else { break };
        lab.faulty.rearm();
        // To list changes nothing.
        let Some((_, step)) = STEPS.iter().find(|(begins, _)| request.starts_with(begins)) else {
            assert!(request.starts_with("list "), "no row for {request}");
            continue;
        };
        seen_steps.push(*step);
        let (left, read, plain) = row(step);
        let now = lab.referee.objects("");
        assert_eq!(difference(&known, &now), left, "{step}");
        assert_eq!(age(&lab.read(&resources[0], 1).unwrap(), &lab), read, "{step}");
        let (document, signature) = (age(&now["latest/large"], &lab), age(&now["latest/large.sig"], &lab));
        let both =
            if document == signature { document.to_owned() } else { format!("{document}, its signature {signature}") };
        assert_eq!(both, plain, "{step}");

        let report = lab.sync(&resources, 2);
        assert!(report.is_good(), "{step}: {report:?}");
        lab.assert_published();
        assert_eq!(lab.read(&resources[0], 2).unwrap(), vec![b'y'; 10_000], "{step}");
        assert!(lab.audit(&resources, 2).is_good(), "{step}");
        // What is left over then goes after a day.
        assert!(lab.sync(&resources, 60).is_good(), "{step}");
        let mut keep = Keep::default();
        keep.snapshots = 1;
        block_on(lab.sound_bucket().gc(&keep, at(100), Sweep::Delete)).unwrap();
        assert_eq!(lab.referee.objects("versions/large/").len(), 1, "{step}");
        assert!(lab.referee.objects("catalog/").keys().all(|key| !key.contains("publishing")), "{step}");
        assert!(lab.audit(&resources, 100).is_good(), "{step}");
    }
    seen_steps.dedup();
    assert_eq!(seen_steps, STEPS.iter().map(|(_, step)| *step).collect::<Vec<_>>());
}

/// A run that ends while it takes away what left the configuration, or is cut off in `gc`.
#[test]
fn what_was_to_go_goes_with_the_next_run() {
    for number in 0.. {
        let (lab, resources) = before();
        lab.sync(&resources, 1);
        lab.faulty.rearm();
        lab.faulty.fail(number, How::CrashAfter);
        let _ = lab.try_sync(&resources[..1], 2);
        let over = lab.faulty.seen().len() <= number;
        lab.faulty.rearm();
        lab.assert_readable(&resources, 2);
        assert!(lab.sync(&resources[..1], 3).is_good(), "{number}");
        lab.assert_published();
        assert!(!lab.referee.objects("latest/").contains_key("latest/small"), "{number}");
        let keep = Keep::default();
        lab.faulty.fail(number, How::CrashAfter);
        let _ = block_on(lab.bucket().gc(&keep, at(100), Sweep::Delete));
        lab.faulty.rearm();
        block_on(lab.sound_bucket().gc(&keep, at(100), Sweep::Delete)).unwrap();
        assert!(lab.audit(&resources[..1], 100).is_good(), "{number}");
        if over {
            break;
        }
    }
}
