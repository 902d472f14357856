//! The last runs as a picture, and as a table.

use std::{sync::Arc, time::Duration};

use maud::{Markup, html};
use sigcache_core::{Timestamp, human_span};

use super::layout::{capital, count, grouped, moment, plain, taken};
use crate::runs::Summary;

/// So many rounds are shown. A round is a run of each shard.
pub(crate) const ROUNDS: usize = 48;

/// At most so many reports are read for them.
const MOST_REPORTS: usize = 384;

/// How many reports the picture of a store with so many shards needs.
pub(crate) fn reports(shards: usize) -> usize {
    (ROUNDS * shards.max(1)).min(MOST_REPORTS)
}

/// The runs of which something is known.
#[derive(Default)]
pub(crate) struct Recent {
    /// The newest first.
    pub(crate) runs: Vec<Summary>,
    /// Why older ones are missing, where they are.
    pub(crate) incomplete: Option<String>,
    /// After so long without a run there is a gap.
    pub(crate) overdue: Option<Duration>,
}

/// What stands in one place of the picture.
enum Slot<'r> {
    Round(Vec<&'r Summary>),
    /// No run for so long, though there should have been one.
    Gap(Timestamp, Duration),
}

/// The runs in rounds, the oldest first, and the gaps between them.
fn slots(recent: &Recent, now: Timestamp) -> Vec<Slot<'_>> {
    let mut rounds: Vec<Vec<&Summary>> = Vec::new();
    for run in recent.runs.iter().rev() {
        let is_same = rounds
            .last()
            .is_some_and(|round| round.iter().all(|other| other.shard != run.shard && other.command == run.command));
        match rounds.last_mut() {
            Some(round) if is_same => round.push(run),
            _ => rounds.push(vec![run]),
        }
    }
    let rounds = rounds.split_off(rounds.len().saturating_sub(ROUNDS));
    let starts: Vec<Timestamp> = rounds.iter().map(|round| round[0].started).collect();
    let limit = recent.overdue.or_else(|| usual(&starts));
    let mut slots: Vec<Slot<'_>> = Vec::new();
    for (at, round) in rounds.into_iter().enumerate() {
        slots.push(Slot::Round(round));
        let next = starts.get(at + 1).copied().unwrap_or(now);
        let span = next.since(starts[at]);
        if limit.is_some_and(|limit| span > limit) {
            slots.push(Slot::Gap(starts[at], span));
        }
    }
    slots
}

/// Half as long again as usual between two rounds; of few rounds nobody can say.
fn usual(starts: &[Timestamp]) -> Option<Duration> {
    let mut spans: Vec<Duration> = starts.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    spans.sort_unstable();
    let middle = spans.get(spans.len() / 2).filter(|_| spans.len() >= 3)?;
    Some(*middle + *middle / 2)
}

/// A round in numbers.
struct Sum {
    all: u64,
    bad: u64,
    store: Option<String>,
}

impl Sum {
    fn of(round: &[&Summary]) -> Self {
        let all = round.iter().map(|run| total(run)).sum();
        let bad = round.iter().map(|run| run.not_good).sum();
        Self { all, bad, store: round.iter().find_map(|run| run.store_failure.clone()) }
    }

    fn words(&self) -> String {
        match &self.store {
            Some(failure) => format!("the store failed: {failure}"),
            None if self.all == 0 => "nothing to do".to_owned(),
            None if self.bad == 0 => format!("all {} good", grouped(self.all)),
            None => format!("{} of {} not good", grouped(self.bad), grouped(self.all)),
        }
    }
}

fn total(run: &Summary) -> u64 {
    let totals = run.totals;
    totals.stored + totals.unchanged + totals.kept + totals.withheld + totals.refused + totals.removed
}

/// One place of the picture, in the units of its view box.
const SLOT: usize = 16;
const WIDTH: usize = 10;
const TOP: usize = 18;
const HEIGHT: usize = 72;

/// The picture, the same in words, and the table.
pub(crate) fn section(recent: &Recent, shards: usize, now: Timestamp) -> Markup {
    let slots = slots(recent, now);
    html! {
        section aria-labelledby="runs" {
            h2 #runs { "The last runs" }
            @if let Some(why) = &recent.incomplete { p .note { (plain(why)) } }
            @if slots.is_empty() {
                p { "There are no reports of runs." }
            } @else {
                (picture(&slots))
                p .legend aria-hidden="true" {
                    "Filled: good. Triangle and red from below: the part that was not good. Cross: the store failed. "
                    "Dashed and empty: a run is missing. The newest is on the right."
                }
                details {
                    summary { "The same as a table" }
                    (table(&slots, shards))
                }
            }
        }
    }
}

fn picture(slots: &[Slot<'_>]) -> Markup {
    let width = slots.len().max(ROUNDS) * SLOT;
    // Few runs stand on the right too, where the newest one always is.
    let start = width - slots.len() * SLOT;
    let (mut good, mut bad, mut failed, mut gaps) = (0, 0, 0, 0);
    for slot in slots {
        match slot {
            Slot::Gap(..) => gaps += 1,
            Slot::Round(round) => match Sum::of(round) {
                Sum { store: Some(_), .. } => failed += 1,
                Sum { bad: 0, .. } => good += 1,
                _ => bad += 1,
            },
        }
    }
    let box_of_all = format!("0 0 {width} {}", TOP + HEIGHT + 2);
    html! {
        svg .timeline viewBox=(box_of_all) role="img" aria-labelledby="runs-title runs-desc" {
            title #runs-title { "The last " (count(slots.len() - gaps, "run")) }
            desc #runs-desc {
                (good) " good, " (bad) " with resources that were not good, " (failed) " in which the store failed; "
                (count(gaps, "gap")) " where a run was missing. The table below has each of them."
            }
            @for (at, slot) in slots.iter().enumerate() { (bar(start + at * SLOT, slot)) }
        }
    }
}

fn bar(x: usize, slot: &Slot<'_>) -> Markup {
    let middle = x + WIDTH / 2;
    let full = |class: &str| html! { rect class=(class) x=(x) y=(TOP) width=(WIDTH) height=(HEIGHT) {} };
    match slot {
        Slot::Gap(since, span) => html! {
            g {
                title { "No run for " (human_span(*span)) " after " (since) }
                rect .gap x=(x) y=(TOP + 1) width=(WIDTH) height=(HEIGHT - 2) {}
            }
        },
        Slot::Round(round) => {
            let sum = Sum::of(round);
            // Even one of ten thousand is seen.
            let part = (HEIGHT as u64 * sum.bad).div_ceil(sum.all.max(1)).min(HEIGHT as u64);
            let part = if sum.bad > 0 { part.max(14) as usize } else { 0 };
            let arms = format!("M{} 3l10 10m0 -10l-10 10", middle - 5);
            let triangle = format!("M{middle} 2l6 11h-12z");
            html! {
                g {
                    title { (round[0].started) ": " (plain(&sum.words())) }
                    @if sum.store.is_some() {
                        (full("failed"))
                        path .cross d=(arms) {}
                    } @else if sum.bad == 0 {
                        (full("fine"))
                    } @else {
                        @if part + 4 < HEIGHT { rect .fine x=(x) y=(TOP) width=(WIDTH) height=(HEIGHT - part - 3) {} }
                        rect .broken x=(x) y=(TOP + HEIGHT - part) width=(WIDTH) height=(part) {}
                        path .broken d=(triangle) {}
                    }
                }
            }
        }
    }
}

const OUTCOMES: [&str; 6] = ["Stored", "Unchanged", "Kept", "Withheld", "Refused", "Removed"];

fn table(slots: &[Slot<'_>], shards: usize) -> Markup {
    html! {
        table .rows role="table" {
            caption .quiet { "The last runs, the newest first, with how many resources ended in each outcome" }
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "Run" }
                    th scope="col" role="columnheader" { "Ended" }
                    @for outcome in OUTCOMES { th scope="col" role="columnheader" { (outcome) } }
                }
            }
            tbody role="rowgroup" {
                @for slot in slots.iter().rev() {
                    @match slot {
                        Slot::Gap(since, span) => tr role="row" {
                            th scope="row" role="rowheader" data-label="Run" { "A run is missing" }
                            td role="cell" colspan=(OUTCOMES.len() + 1) data-label="Ended" {
                                "No run for " (human_span(*span)) " after " (moment(*since))
                            }
                        },
                        Slot::Round(round) => @for run in round.iter().rev() { (row(run, shards)) },
                    }
                }
            }
        }
    }
}

fn row(run: &Summary, shards: usize) -> Markup {
    let totals = run.totals;
    let numbers = [totals.stored, totals.unchanged, totals.kept, totals.withheld, totals.refused, totals.removed];
    html! {
        tr role="row" {
            th scope="row" role="rowheader" data-label="Run" {
                a href={ "runs/" (run.run) } { (moment(run.started)) }
                span .detail {
                    (plain(&run.command))
                    @if shards > 1 { ", shard " (plain(&run.shard)) }
                    ", " (taken(Duration::from_millis(run.duration_ms)))
                }
            }
            td role="cell" data-label="Ended" { (capital(&plain(&Sum::of(&[run]).words()))) }
            @for (outcome, number) in OUTCOMES.iter().zip(numbers) {
                td .number role="cell" data-label=(outcome) { (grouped(number)) }
            }
        }
    }
}

impl Recent {
    /// What is known, and why not more.
    pub(crate) fn new(runs: Vec<Summary>, incomplete: Option<String>, overdue: Option<Duration>) -> Self {
        // Audits and permits are no runs of the schedule.
        let is_sync = |run: &Summary| Arc::as_ref(&run.command) == "sync";
        Self { runs: runs.into_iter().filter(is_sync).collect(), incomplete, overdue }
    }
}
