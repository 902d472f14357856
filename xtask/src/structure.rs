//! The picture of the core, drawn from its imports: arrows point down, there is no circle, and proof of verification
//! is made in one place.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::{
    command::root,
    imports,
    source::{self, Source},
};

/// The modules from the bottom up. A module may use those of lower layers; those of its own only as [`SIDEWAYS`] says.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "plain",
        &[
            "advice", "chain", "name", "time", "digest", "json", "reason", "evidence", "receipt", "decision", "entry",
            "policy", "runtime", "verified", "words",
        ],
    ),
    ("trust", &["trust"]),
    ("parts", &["verify", "fetch", "store", "judge", "resource", "error", "aws"]),
    ("pipeline", &["pipeline", "read", "anchor"]),
    ("run", &["run", "audit", "explain", "status", "alert"]),
    ("config", &["config"]),
    ("conformance", &["conformance"]),
];

/// The plain types may use one another as long as there is no circle; anywhere else an arrow between modules of one
/// layer needs a reason.
const SIDEWAYS: &[(&str, &str, &str)] = &[
    ("resource", "fetch", "a resource names the limits and the access of its requests"),
    ("resource", "verify", "a resource names its verifier"),
    ("anchor", "read", "the document of an anchor is read from its receipt, and checked as any other"),
    ("pipeline", "read", "a copy that was verified under other settings is verified again before it is kept"),
    ("pipeline", "anchor", "a document that nobody could rest on does not take the place of an anchor"),
    ("alert", "status", "what is alerted about follows from how everything stands"),
    ("error", "store", "a run fails as a whole only with its store"),
    ("error", "resource", "or does not begin, where two resources need the same place"),
];

/// The only file that may make a `Verified`, beside the one that defines it.
const JUDGES: &str = "pipeline.rs";

/// Fails on an arrow upwards, an unlisted one sideways, a circle, a module without a layer, or a second judge.
pub(crate) fn check() -> Result<()> {
    let folder = root().join("sigcache-core/src");
    let exported = imports::exports(&Source::read(&folder.join("lib.rs"))?.code());
    let mut arrows: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut judges = Vec::new();
    let mut faults = Vec::new();
    for path in source::files(&folder)? {
        let file = path.strip_prefix(&folder)?.to_string_lossy().into_owned();
        if file.ends_with("_tests.rs") || file.split('/').any(|part| part == "tests" || part == "tests.rs") {
            continue;
        }
        let code = Source::read(&path)?.code();
        let calls = code.match_indices("after_judgement(").filter(|(at, _)| !code[..*at].ends_with("fn "));
        judges.extend(calls.map(|(at, _)| format!("{file}:{}", source::line(&code, at))));
        let module = imports::module(&file);
        let Some(from) = module.first() else { continue };
        if rank(from).is_none() {
            faults.push(format!("{file}: the module {from} has no layer in xtask/src/structure.rs"));
            continue;
        }
        for (at, target) in imports::paths(&code, &module) {
            let place = format!("{file}:{}", source::line(&code, at));
            let Some(first) = target.first() else { continue };
            let to = if rank(first).is_some() { Some(first) } else { exported.get(first) };
            match to {
                Some(to) if to == from => {}
                Some(to) => drop(arrows.entry((from.clone(), to.clone())).or_insert(place)),
                None => faults.push(format!("{place}: crate::{first} is of no known module")),
            }
        }
    }
    faults.extend(arrows.iter().filter_map(|((from, to), place)| fault(from, to, place)));
    faults.extend(circles(arrows.keys()));
    match judges.as_slice() {
        [one] if one.starts_with(&format!("{JUDGES}:")) => println!("Verified is made at {one} and nowhere else"),
        other => faults.push(format!("Verified must be made once, in {JUDGES}, but is made at [{}]", other.join(", "))),
    }
    print(&arrows);
    if !faults.is_empty() {
        bail!("{} faults\n  {}", faults.len(), faults.join("\n  "));
    }
    Ok(())
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, modules)| modules.contains(&module))
}

fn fault(from: &str, to: &str, place: &str) -> Option<String> {
    let (lower, upper) = (rank(to)?, rank(from)?);
    let listed = upper == 0 || SIDEWAYS.iter().any(|(a, b, _)| (*a, *b) == (from, to));
    match lower.cmp(&upper) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal if listed => None,
        std::cmp::Ordering::Equal => Some(format!("{place}: {from} uses {to} of its own layer, which is not listed")),
        std::cmp::Ordering::Greater => {
            Some(format!("{place}: {from} ({}) uses {to} ({}), which is above it", LAYERS[upper].0, LAYERS[lower].0))
        }
    }
}

/// Takes away, again and again, what uses nothing that is left; what stays is in a circle or above one.
fn circles<'a>(arrows: impl Iterator<Item = &'a (String, String)>) -> Option<String> {
    let mut left: Vec<&(String, String)> = arrows.collect();
    loop {
        let users: BTreeSet<&String> = left.iter().map(|(from, _)| from).collect();
        let before = left.len();
        left.retain(|(_, to)| users.contains(to));
        if left.len() == before {
            break;
        }
    }
    let modules: BTreeSet<&str> = left.iter().map(|(from, _)| from.as_str()).collect();
    (!modules.is_empty()).then(|| format!("a circle among {}", modules.into_iter().collect::<Vec<_>>().join(", ")))
}

fn print(arrows: &BTreeMap<(String, String), String>) {
    for (layer, modules) in LAYERS.iter().rev() {
        println!("{layer}");
        for module in *modules {
            let uses: Vec<&str> = arrows.keys().filter(|(from, _)| from == module).map(|(_, to)| to.as_str()).collect();
            println!("  {module:<12} -> {}", uses.join(" "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_up_and_unlisted_ones_sideways_are_faults() {
        assert!(fault("pipeline", "store", "x").is_none());
        assert!(fault("resource", "verify", "x").is_none());
        assert!(fault("name", "time", "x").is_none());
        assert!(fault("store", "fetch", "x").is_some_and(|fault| fault.contains("not listed")));
        assert!(fault("trust", "verify", "x").is_some_and(|fault| fault.contains("above")));
    }

    #[test]
    fn a_circle_is_found() {
        let arrow = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let line = [arrow("a", "b"), arrow("b", "c")];
        let circle = [arrow("a", "b"), arrow("b", "a"), arrow("b", "c")];
        assert_eq!(circles(line.iter()), None);
        assert_eq!(circles(circle.iter()).unwrap(), "a circle among a, b");
    }
}
