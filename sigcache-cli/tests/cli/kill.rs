//! The real binary, killed at any moment: the next run repairs what it left.

use std::{
    collections::BTreeSet,
    process::Stdio,
    time::{Duration, Instant},
};

use crate::support::Lab;

const NAMES: usize = 60;

fn names() -> Vec<String> {
    (0..NAMES).map(|number| format!("n{number:03}")).collect()
}

/// One large document among the small ones, so that kills meet an upload in parts.
fn document(name: &str, round: usize) -> Vec<u8> {
    let mut bytes = format!("{name} {round}\n").into_bytes();
    if name == "n007" {
        bytes.resize(20 * 1024 * 1024, b'.');
    }
    bytes
}

/// Whether every file that a reader could take for an object is one that was signed.
fn foreign(lab: &Lab, signed: &BTreeSet<Vec<u8>>) -> Vec<String> {
    let object = |key: &str| {
        let remainder = key.rsplit_once('#').is_some_and(|(_, end)| end.bytes().all(|c| c.is_ascii_digit()));
        (key.starts_with("versions/") || key.starts_with("latest/")) && !key.ends_with(".sig") && !remainder
    };
    lab.store().into_iter().filter(|(key, bytes)| object(key) && !signed.contains(bytes)).map(|(key, _)| key).collect()
}

#[test]
fn a_killed_run_leaves_what_the_next_one_repairs() {
    let rounds: usize = std::env::var("SIGCACHE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let (lab, names) = (Lab::new(), names());
    lab.configure(&names.iter().map(String::as_str).collect::<Vec<_>>(), "max_size = \"64MiB\"");
    let mut signed = BTreeSet::new();
    let mut whole = Duration::from_millis(500);
    for round in 0..rounds {
        for name in &names {
            let bytes = document(name, round);
            lab.offer(name, &bytes);
            signed.insert(bytes);
        }
        // Moments spread over the time that a run takes, in an order that jumps about.
        let delay = whole.mul_f64((round * 7 % rounds) as f64 / rounds as f64);
        let mut child = lab.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(delay);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(foreign(&lab, &signed), [""; 0], "round {round}, killed after {delay:?}");
        let start = Instant::now();
        lab.run(&["sync"]).ends(0);
        whole = start.elapsed().max(Duration::from_millis(50));
        lab.run(&["audit"]).ends(0);
        for name in &names {
            assert_eq!(lab.read(&format!("cache/latest/{name}")), document(name, round), "round {round}");
        }
    }
}

#[test]
fn the_check_for_foreign_bytes_can_fail() {
    let lab = Lab::synced(&["a"]);
    let signed = BTreeSet::from([b"a 1\n".to_vec()]);
    assert_eq!(foreign(&lab, &signed), [""; 0]);
    lab.replace("cache/versions/a/planted", "planted");
    assert_eq!(foreign(&lab, &signed), ["versions/a/planted"]);
}
