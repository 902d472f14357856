//! What comes to an end, and when.

use std::time::Duration;

use maud::{Markup, html};
use sigcache_core::{
    Timestamp, human_span,
    status::{Expiry, ExpiryKind},
};

use super::layout::{Mood, ago, capital, count, moment, plain, tag};

/// So many that are to come are shown, and so many that are past.
const TO_COME: usize = 50;
const PAST: usize = 25;

const SOON: Duration = Duration::from_secs(30 * 86_400);

/// The calendar: the next end first, those that are past behind.
pub(crate) fn section(expiries: &[Expiry], now: Timestamp) -> Markup {
    let (past, coming) = expiries.split_at(expiries.partition_point(|expiry| expiry.at < now));
    let more = (coming.len().saturating_sub(TO_COME), past.len().saturating_sub(PAST));
    html! {
        section aria-labelledby="calendar" {
            h2 #calendar { "What expires" }
            @if expiries.is_empty() {
                p { "Nothing here states an end of its validity." }
            } @else {
                table .rows role="table" {
                    caption { "Documents, signing certificates, revocation lists and keys: the next end first, those that are past behind" }
                    thead role="rowgroup" {
                        tr role="row" {
                            @for title in ["When", "What", "Name", "Concerns"] { th scope="col" role="columnheader" { (title) } }
                        }
                    }
                    tbody role="rowgroup" {
                        @for expiry in coming.iter().take(TO_COME).chain(past.iter().rev().take(PAST)) { (row(expiry, now)) }
                    }
                }
                @if more.0 > 0 { p { (capital(&count(more.0, "later end"))) " not shown." } }
                @if more.1 > 0 { p { (capital(&count(more.1, "earlier end"))) " not shown." } }
            }
        }
    }
}

fn row(expiry: &Expiry, now: Timestamp) -> Markup {
    let is_past = expiry.at < now;
    let is_soon = !is_past && expiry.at.since(now) <= SOON;
    html! {
        tr role="row" class=[is_soon.then_some("soon")] {
            th scope="row" role="rowheader" data-label="When" {
                (moment(expiry.at)) " "
                @if is_past {
                    span .detail { (ago(expiry.at, now)) }
                    (tag("past", Mood::Bad))
                } @else {
                    span .detail { "in " (human_span(expiry.at.since(now))) }
                    @if is_soon { (tag("within 30 days", Mood::Warning)) }
                }
            }
            td role="cell" data-label="What" { (capital(expiry.kind.as_str())) }
            td role="cell" data-label="Name" {
                @if expiry.kind == ExpiryKind::Document { a href={ "explain/" (expiry.name) } { (plain(&expiry.name)) } }
                @else { (plain(&expiry.name)) }
            }
            td role="cell" data-label="Concerns" {
                @match &expiry.concerns {
                    Some(name) => {
                        a href={ "explain/" (name) } { (name) }
                        @if expiry.count > 1 { " and " (count(expiry.count - 1, "other")) }
                    },
                    None if expiry.kind == ExpiryKind::Document => "itself",
                    None => "nothing at the moment",
                }
            }
        }
    }
}
