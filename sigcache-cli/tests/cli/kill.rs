//! The real binary, killed at any moment: the next run repairs what it left.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sigcache_core::Digest;

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
fn foreign(lab: &Lab, signed: &BTreeSet<Digest>) -> Vec<String> {
    let object = |key: &str| {
        let remainder = key.rsplit_once('#').is_some_and(|(_, end)| end.bytes().all(|c| c.is_ascii_digit()));
        (key.starts_with("versions/") || key.starts_with("latest/")) && !key.ends_with(".sig") && !remainder
    };
    lab.store()
        .into_iter()
        .filter(|(key, bytes)| object(key) && !signed.contains(&Digest::of(bytes)))
        .map(|(key, _)| key)
        .collect()
}

/// How far a run had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// It wrote nothing.
    Untouched,
    /// It wrote versions that no snapshot names, whole ones or parts.
    Staged,
    /// Its snapshot stands; the plain copies are behind.
    Committed,
    /// The plain copies are marked as up to date.
    Published,
}

const STATES: [State; 4] = [State::Untouched, State::Staged, State::Committed, State::Published];

/// In how many rounds each state must have been met.
const EACH: usize = 2;

/// What is in the store, as far as it tells how far a run has come.
#[derive(Debug, Clone, Copy)]
struct Progress {
    snapshot: u64,
    published: u64,
    versions: usize,
}

impl Progress {
    fn of(lab: &Lab) -> Self {
        let catalog = lab.path("cache/catalog/0001-of-0001");
        let names = fs::read_dir(catalog).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
        let names: Vec<String> = names.collect();
        let highest = |ending: &str| {
            let numbers = names.iter().filter_map(|name| name.strip_suffix(ending)?.parse().ok());
            numbers.max().unwrap_or(0)
        };
        Self {
            snapshot: highest(".json.gz"),
            published: highest(".published"),
            versions: files(&lab.path("cache/versions")),
        }
    }

    /// How far a run has come that began when the store was as `before`.
    fn since(self, before: Self) -> State {
        if self.snapshot == before.snapshot {
            if self.versions == before.versions { State::Untouched } else { State::Staged }
        } else if self.published < self.snapshot {
            State::Committed
        } else {
            State::Published
        }
    }
}

/// How many files are below a folder. A run beside us may rename what was listed.
fn files(folder: &Path) -> usize {
    let Ok(items) = fs::read_dir(folder) else { return 0 };
    items.flatten().map(|item| if item.path().is_dir() { files(&item.path()) } else { 1 }).sum()
}

/// When a run is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    After(Duration),
    /// As soon as it is seen to have come that far.
    At(State),
}

fn wait_for(moment: Moment, lab: &Lab, before: Progress, child: &mut Child) {
    match moment {
        Moment::After(delay) => thread::sleep(delay),
        Moment::At(state) => {
            while Progress::of(lab).since(before) < state && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_micros(50));
            }
        }
    }
}

#[test]
fn a_killed_run_leaves_what_the_next_one_repairs() {
    let rounds: usize = std::env::var("SIGCACHE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let (lab, names) = (Lab::new(), names());
    lab.configure(&names.iter().map(String::as_str).collect::<Vec<_>>(), "max_size = \"64MiB\"");
    let mut signed = BTreeSet::new();
    let offer = |round: usize, signed: &mut BTreeSet<Digest>| {
        for name in &names {
            let bytes = document(name, round);
            lab.offer(name, &bytes);
            signed.insert(Digest::of(&bytes));
        }
    };
    offer(0, &mut signed);
    let start = Instant::now();
    lab.run(&["sync"]).ends(0);
    let whole = start.elapsed();

    let mut met: BTreeMap<State, usize> = BTreeMap::new();
    // Whether a kill meets a state is for the scheduler to say, so a few rounds more are allowed for those not met yet.
    for round in 1..=rounds + 30 {
        let rarest = STATES.into_iter().min_by_key(|state| met.get(state).copied().unwrap_or(0)).unwrap();
        if round > rounds && met.get(&rarest).is_some_and(|times| *times >= EACH) {
            break;
        }
        offer(round, &mut signed);
        let moment = match rarest {
            // Moments spread over the time that a run takes, in an order that jumps about.
            _ if round <= rounds && round % 2 == 0 => {
                Moment::After(whole.mul_f64((round * 7 % rounds) as f64 / rounds as f64))
            }
            State::Untouched => Moment::After(Duration::ZERO),
            state => Moment::At(state),
        };
        let before = Progress::of(&lab);
        let mut child = lab.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(moment, &lab, before, &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        *met.entry(Progress::of(&lab).since(before)).or_default() += 1;
        assert_eq!(foreign(&lab, &signed), [""; 0], "round {round}, killed {moment:?}");
        lab.run(&["sync"]).ends(0);
        lab.run(&["audit"]).ends(0);
        for name in &names {
            assert_eq!(lab.read(&format!("cache/latest/{name}")), document(name, round), "round {round}");
        }
    }
    println!("kills met the states {met:?}");
    for state in STATES {
        assert!(met.get(&state).is_some_and(|times| *times >= EACH), "kills met the states {met:?}");
    }
}

/// Sends a signal by its name.
fn signal(name: &str, child: &Child) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "{kill}");
}

/// A run stands still at each of its states, another one commits something newer, and the first goes on: what is newer
/// stands, and nothing is lost.
#[test]
fn a_run_that_was_stopped_and_goes_on_does_no_harm() {
    let (lab, names) = (Lab::new(), names());
    lab.configure(&names.iter().map(String::as_str).collect::<Vec<_>>(), "max_size = \"64MiB\"");
    let mut signed = BTreeSet::new();
    let offer = |round: usize, signed: &mut BTreeSet<Digest>| {
        for name in &names {
            let bytes = document(name, round);
            lab.offer(name, &bytes);
            signed.insert(Digest::of(&bytes));
        }
    };
    offer(0, &mut signed);
    lab.run(&["sync"]).ends(0);
    for round in 1..=8 {
        offer(2 * round - 1, &mut signed);
        let before = Progress::of(&lab);
        let mut child = lab.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(Moment::At(STATES[round % 3]), &lab, before, &mut child);
        signal("STOP", &child);
        let met = Progress::of(&lab).since(before);
        // Signatures are offered after their documents, so a run that goes on may find the two apart; it keeps what it has.
        offer(2 * round, &mut signed);
        lab.run(&["sync"]).ends(0);
        signal("CONT", &child);
        child.wait().unwrap();
        assert_eq!(foreign(&lab, &signed), [""; 0], "round {round}, stopped when {met:?}");
        lab.run(&["audit"]).ends(0);
        for name in &names {
            let copy = lab.read(&format!("cache/latest/{name}"));
            assert!(copy == document(name, 2 * round), "round {round}, stopped when {met:?}: {name} went back");
        }
    }
}

#[test]
fn the_check_for_foreign_bytes_can_fail() {
    let lab = Lab::synced(&["a"]);
    let signed = BTreeSet::from([Digest::of(b"a 1\n")]);
    assert_eq!(foreign(&lab, &signed), [""; 0]);
    lab.replace("cache/versions/a/planted", "planted");
    assert_eq!(foreign(&lab, &signed), ["versions/a/planted"]);
}
