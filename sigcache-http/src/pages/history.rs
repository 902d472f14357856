//! What the last runs did about a resource, with every source that they tried.

use std::time::Duration;

use maud::{Markup, html};
use sigcache_core::{Attempt, Decision, Timestamp};

use super::{
    layout::{ago, moment, plain, tag, taken},
    table::mood,
};
use crate::runs::Decided;

pub(crate) fn section(history: &[Decided], incomplete: Option<&str>, now: Timestamp) -> Markup {
    html! {
        section aria-labelledby="history" {
            h2 #history { "The last runs" }
            @if let Some(why) = incomplete { p .note { (plain(why)) } }
            @if history.is_empty() {
                p { "There are no reports of runs that looked at it." }
            } @else {
                ol .history { @for one in history { li { (run(one, now)) } } }
            }
        }
    }
}

fn run(one: &Decided, now: Timestamp) -> Markup {
    let (decision, at) = (&one.decision, one.run.time());
    html! {
        h3 {
            a href={ "runs/" (one.run) } { (moment(at)) }
            " " (tag(decision.outcome.as_str(), mood(decision.outcome, decision.step))) " "
            span .quiet { (ago(at, now)) ", " (plain(&one.command)) }
        }
        (facts(decision))
        @if !decision.attempts.is_empty() { (attempts(&decision.attempts)) }
    }
}

fn facts(decision: &Decision) -> Markup {
    let timings = decision.timings_us;
    let times =
        [("fetch", timings.fetch), ("body", timings.body), ("verify", timings.verify), ("store", timings.store)];
    let spent: Vec<String> = times
        .iter()
        .filter(|(_, time)| *time > 0)
        .map(|(what, time)| format!("{what} {}", taken(Duration::from_micros((*time).into()))))
        .collect();
    html! {
        dl .facts {
            div {
                dt { @if decision.is_good() { "Reason" } @else { "Step that broke" } }
                dd {
                    @if !decision.is_good() { strong { (decision.step) } " " }
                    code { (decision.reason) }
                }
            }
            @if let Some(expected) = &decision.expected { div { dt { "Expected" } dd { (plain(expected)) } } }
            @if let Some(found) = &decision.found { div { dt { "Found" } dd { (plain(found)) } } }
            @if let Some(source) = &decision.source { div { dt { "Source" } dd { code { (plain(source)) } } } }
            @if let Some(status) = decision.http_status { div { dt { "HTTP status" } dd { (status) } } }
            @if !spent.is_empty() { div { dt { "Time" } dd { (spent.join(", ")) } } }
        }
    }
}

fn attempts(attempts: &[Attempt]) -> Markup {
    const TITLES: [&str; 6] = ["Source", "Tries", "Step that broke", "Expected", "Found", "HTTP status"];
    html! {
        table .rows role="table" {
            caption .quiet { "Sources that were tried and failed" }
            thead role="rowgroup" { tr role="row" { @for title in TITLES { th scope="col" role="columnheader" { (title) } } } }
            tbody role="rowgroup" {
                @for attempt in attempts {
                    tr role="row" {
                        th scope="row" role="rowheader" data-label="Source" { code { (plain(&attempt.source)) } }
                        td role="cell" data-label="Tries" { (attempt.tries) }
                        td role="cell" data-label="Step that broke" { strong { (attempt.step) } " " code { (attempt.reason) } }
                        td role="cell" data-label="Expected" { (plain(&attempt.expected)) }
                        td role="cell" data-label="Found" { (plain(&attempt.found)) }
                        td role="cell" data-label="HTTP status" {
                            @match attempt.http_status { Some(status) => (status), None => "–" }
                        }
                    }
                }
            }
        }
    }
}
