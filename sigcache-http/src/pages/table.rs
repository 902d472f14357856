//! One row for each resource.

use maud::{Markup, html};
use sigcache_core::{KeyId, Outcome, Step, Timestamp, human_span, status::Row};

use super::{
    find::word,
    index::Index,
    layout::{Mood, ago, moment, plain, size, tag},
};

pub(crate) fn rows(index: &Index<'_>) -> Markup {
    if index.found.shown.is_empty() {
        return html! { p { (index.found.caption()) "." } };
    }
    html! {
        table .rows role="table" {
            caption { (index.found.caption()) }
            thead role="rowgroup" {
                tr role="row" {
                    @for title in ["Resource", "State", "Last run", "Confirmed", "Expires", "Signed by", "Size"] {
                        th scope="col" role="columnheader" { (title) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for at in &index.found.shown { (one(index, &index.rows[*at])) }
            }
        }
    }
}

fn one(index: &Index<'_>, row: &Row<'_>) -> Markup {
    let keys: Vec<&str> = row.keys.iter().map(KeyId::as_str).collect();
    html! {
        tr role="row" {
            th scope="row" role="rowheader" data-label="Resource" { a href={ "explain/" (row.resource) } { (row.resource) } }
            td role="cell" data-label="State" { (state(row)) }
            td role="cell" data-label="Last run" { (last(index, row)) }
            td role="cell" data-label="Confirmed" {
                @match row.checked_at { Some(at) => (ago(at, index.now)), None => "never" }
            }
            td role="cell" data-label="Expires" { (expiry(row.valid_until, index.now)) }
            td role="cell" data-label="Signed by" { @if keys.is_empty() { "–" } @else { (plain(&keys.join(", "))) } }
            td .number role="cell" data-label="Size" { @match row.bytes { Some(bytes) => (size(bytes)), None => "–" } }
        }
    }
}

/// The state as a tag.
pub(crate) fn state(row: &Row<'_>) -> Markup {
    let mood = match word(row) {
        "fresh" => Mood::Good,
        "stale" => Mood::Warning,
        _ => Mood::Bad,
    };
    tag(word(row), mood)
}

/// How good an outcome is.
pub(crate) fn mood(outcome: Outcome, step: Step) -> Mood {
    match outcome {
        _ if step == Step::Done => Mood::Good,
        Outcome::Kept => Mood::Warning,
        _ => Mood::Bad,
    }
}

fn last(index: &Index<'_>, row: &Row<'_>) -> Markup {
    let fault = index.fault(row);
    html! {
        @match row.last {
            Some(run) if run.step == Step::Done => { (run.last.outcome) " (" code { (run.last.reason) } ")" },
            Some(run) => { (run.last.outcome) " at step " strong { (run.step) } " (" code { (run.last.reason) } ")" },
            None => "none so far",
        }
        @if let Some(fault) = &fault
            && let (Some(expected), Some(found)) = (&fault.expected, &fault.found)
        {
            span .detail { "Expected " (plain(expected)) ", found " (plain(found)) "." }
        }
        @match row.publishing_since {
            _ if !row.published && row.served => { span .detail { "Its plain copy is behind." } },
            Some(since) => { span .detail { "A run has been at its plain copy since " (moment(since)) "." } },
            _ => {},
        }
    }
}

fn expiry(at: Option<Timestamp>, now: Timestamp) -> Markup {
    html! {
        @match at {
            Some(at) if at < now => { (moment(at)) ", " (ago(at, now)) },
            Some(at) => { (moment(at)) ", in " (human_span(at.since(now))) },
            None => "states none",
        }
    }
}
