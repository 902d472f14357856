//! What is wrong: with one resource, and with all of them by the link that broke.

use std::{cmp::Reverse, collections::BTreeMap};

use sigcache_core::{
    Decision, Entry, Name, Reason, Resource, Step, Timestamp, human_span,
    judge::{self, State},
    status::Row,
};

/// A link that broke, in the words of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The step, or the part of the set-up.
    pub(crate) link: String,
    /// The code, where it has one.
    pub(crate) reason: &'static str,
    pub(crate) expected: Option<String>,
    pub(crate) found: Option<String>,
    /// What to do about it, where that is known.
    pub(crate) advice: Option<String>,
}

impl Fault {
    fn new(link: &str, reason: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (expected, found) = (Some(expected.into()), Some(found.into()));
        Self { link: link.to_owned(), reason, expected, found, advice: None }
    }

    fn advise(self, advice: &str, name: &Name) -> Self {
        Self { advice: Some(advice.replace("NAME", name.as_str())), ..self }
    }

    /// What a part of the program says of itself.
    pub(crate) fn complaint(part: &str, text: &str) -> Self {
        Self { link: part.to_owned(), reason: "", expected: None, found: Some(text.to_owned()), advice: None }
    }
}

/// What to do where a plain copy is behind.
const BEHIND: &str =
    "the next run copies it again, and so does `sigcache audit --repair` (`sigcache doctor` calls this link copies)";

/// What to do where nothing runs.
const NO_RUN: &str = "look at the timer or cron job that runs `sigcache sync`, or at [serve] every, and at its log (`sigcache doctor` calls this link last-run)";

/// How bad it is: 0 is a resource that readers lost, [`GOOD`] one of which nothing is wrong.
pub(crate) fn rank(row: &Row<'_>) -> u8 {
    match row.standing() {
        "withheld" => 0,
        "absent" => 1,
        "expired" => 2,
        "stale" => 3,
        _ if !row.is_good() => 4,
        _ => GOOD,
    }
}

pub(crate) const GOOD: u8 = 5;

/// The first link that did not hold for a resource; nothing where all do. `decision` is that of its last run, where it was
/// not good and is known.
pub(crate) fn of_row(
    row: &Row<'_>,
    found: Option<(&Resource, Option<&Entry>)>,
    decision: Option<&Decision>,
    now: Timestamp,
) -> Option<Fault> {
    if row.is_good() {
        return None;
    }
    let Some(last) = row.last else {
        let never = Fault::new("schedule", "never-run", "a run that looks at it", "none so far");
        return Some(never.advise(
            "run `sigcache sync NAME`, and set up the schedule (`sigcache doctor` calls this link last-run)",
            row.resource,
        ));
    };
    if last.step != Step::Done {
        let decision = decision.filter(|decision| decision.reason == last.last.reason);
        let text = |of: fn(&Decision) -> Option<&str>| decision.and_then(of).map(str::to_owned);
        let (expected, found) =
            (text(|decision| decision.expected.as_deref()), text(|decision| decision.found.as_deref()));
        let (link, reason) = (last.step.to_string(), last.last.reason);
        let fault = Fault { link, reason: reason.as_str(), expected, found, advice: None };
        return Some(fault.advise(reason.advice(), row.resource));
    }
    if row.state == "fresh" && !row.published {
        let expected = "a plain copy below latest/ that is up to date";
        let behind = Fault::new(Step::Publish.as_str(), "behind", expected, "one that is behind");
        return Some(behind.advise(BEHIND, row.resource));
    }
    let (resource, entry) = found?;
    let (rules, copy) = (&resource.rules, entry.and_then(Entry::copy)?);
    match judge::state(copy, row.checked_at, &rules.trust, &rules.policy, now) {
        State::Expired(failure) => {
            let (step, reason) = (failure.step().as_str(), failure.reason.as_str());
            let fault = Fault::new(step, reason, failure.expected, failure.found);
            Some(fault.advise(failure.reason.advice(), row.resource))
        }
        State::Stale { .. } => {
            let expected = format!("a source that confirms it every {}", human_span(rules.policy.max_age));
            let ago = row.checked_at.map_or("never".to_owned(), |at| format!("{} ago", human_span(now.since(at))));
            let found = format!("the last time {ago}, and no run since that failed");
            Some(Fault::new("schedule", "no-run", expected, found).advise(NO_RUN, row.resource))
        }
        _ => {
            let expected = "a run since the configuration changed";
            let fault = Fault::new("schedule", "no-run", expected, "none, so that what was withheld still is");
            Some(fault.advise("run `sigcache sync NAME`", row.resource))
        }
    }
}

/// Resources at which the same link broke for the same reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// The place of the worst of them among the rows.
    pub(crate) first: usize,
    pub(crate) count: usize,
}

/// The broken links of `rows`, which are in the order of their ranks: causes before what follows from them, then the worst,
/// then what most are broken at.
pub(crate) fn groups(rows: &[Row<'_>], mut fault: impl FnMut(&Row<'_>) -> Option<Fault>) -> Vec<Group> {
    let mut groups: BTreeMap<(String, &'static str), Group> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate().take_while(|(_, row)| rank(row) < GOOD) {
        let Some(fault) = fault(row) else { continue };
        groups.entry((fault.link, fault.reason)).or_insert(Group { first: at, count: 0 }).count += 1;
    }
    let mut groups: Vec<((String, &'static str), Group)> = groups.into_iter().collect();
    groups.sort_by_key(|((_, reason), group)| {
        (follows(reason), rank(&rows[group.first]), Reverse(group.count), group.first)
    });
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Whether something else broke first.
fn follows(reason: &str) -> bool {
    [Reason::AnchorBroken, Reason::SetIncomplete].iter().any(|derived| derived.as_str() == reason)
}
