//! The page of one resource: why it is trusted, and what the last runs did about it.

use maud::{Markup, html};
use sigcache_core::{Decision, Entry, KeyId, Receipt, Resource, Timestamp, explain::explain, status::Row};

use super::{
    faults::{self, Fault},
    history,
    layout::{count, moment, plain, size},
    table::state,
};
use crate::{runs::Decided, shelf::Loaded};

/// So many resources that rest on an anchor are named.
const NAMED: usize = 100;

/// Everything that the page shows.
pub(crate) struct Page<'l> {
    pub(crate) loaded: &'l Loaded,
    pub(crate) resource: &'l Resource,
    pub(crate) entry: Option<&'l Entry>,
    pub(crate) row: Row<'l>,
    /// What the last run decided about it.
    pub(crate) last: Option<Decision>,
    pub(crate) history: Vec<Decided>,
    /// Why the history is not whole, where it is not.
    pub(crate) incomplete: Option<String>,
    pub(crate) now: Timestamp,
    /// The first page.
    pub(crate) home: &'l str,
}

impl Page<'_> {
    pub(crate) fn page(&self) -> Markup {
        let name = &self.resource.name;
        let fault = faults::of_row(&self.row, Some((self.resource, self.entry)), self.last.as_ref(), self.now);
        let paragraphs = explain(self.resource, self.entry, self.last.as_ref(), self.now);
        html! {
            nav .back aria-label="Up" { a href=(self.home) { "All resources" } }
            h1 .name { (name) " " (state(&self.row)) }
            @if let Some(fault) = &fault { (broken(fault, &paragraphs)) }
            section aria-labelledby="why" {
                h2 #why { "How it stands, and why" }
                @for paragraph in &paragraphs { p .prose { (plain(paragraph)) } }
            }
            (self.sources())
            @match self.row.receipt {
                Some(receipt) => (self.receipt(receipt)),
                None => {},
            }
            (self.rests_on_it())
            (history::section(&self.history, self.incomplete.as_deref(), self.now))
        }
    }

    fn sources(&self) -> Markup {
        let urls = self.resource.urls();
        html! {
            section aria-labelledby="sources" {
                h2 #sources { "Sources" }
                @if urls.is_empty() {
                    p { "There are none." }
                } @else {
                    p { "In the order in which they are tried:" }
                    ol {
                        @for mut url in urls {
                            // What is secret in it is not for this page.
                            @let _ = (url.set_username(""), url.set_password(None));
                            li { code { (plain(url.as_str())) } }
                        }
                    }
                }
            }
        }
    }

    fn receipt(&self, receipt: &Receipt) -> Markup {
        let (name, evidence) = (&self.resource.name, &receipt.evidence);
        let valid = [("Valid from", evidence.valid_from), ("Valid until", evidence.valid_until)];
        html! {
            section aria-labelledby="copy" {
                h2 #copy { "The copy" }
                ul .links {
                    @if self.row.served { li { a href={ "resources/" (name) } { "The document" } } }
                    li { a href={ "resources/" (name) "/receipt" } { "Its receipt" } }
                }
                dl .facts {
                    div { dt { "SHA-256" } dd { code { (evidence.digest) } } }
                    div { dt { "Size" } dd { (size(evidence.size)) } }
                    div { dt { "Format" } dd { (plain(&evidence.format)) } }
                    div { dt { "From" } dd { code { (plain(&receipt.source)) } } }
                    div { dt { "Verified" } dd { (moment(receipt.verified_at)) } }
                    @for (words, at) in valid { @if let Some(at) = at { div { dt { (words) } dd { (moment(at)) } } } }
                    @if let Some(identity) = &evidence.identity { div { dt { "Says it is" } dd { (plain(identity)) } } }
                    @if let Some(mark) = evidence.mark { div { dt { "Version" } dd { (mark) } } }
                    @if let Some(entries) = evidence.entries { div { dt { "Entries" } dd { (entries) } } }
                    @if let Some(anchor) = &receipt.anchor {
                        div { dt { "Vouched for by" } dd { a href={ "explain/" (anchor) } { (anchor) } } }
                    }
                }
                (self.keys(receipt))
                (certificates(receipt))
            }
        }
    }

    fn keys(&self, receipt: &Receipt) -> Markup {
        let trust = &self.resource.rules.trust;
        let ends = |id: &KeyId| trust.keys().iter().find(|key| key.id == *id).map(|key| (key.is_revoked(), key.ends()));
        html! {
            table .rows role="table" {
                caption { "The keys that signed it" }
                thead role="rowgroup" {
                    tr role="row" { @for title in ["Key", "Fingerprint", "May sign until"] { th scope="col" role="columnheader" { (title) } } }
                }
                tbody role="rowgroup" {
                    @for (id, fingerprint) in receipt.signers() {
                        tr role="row" {
                            th scope="row" role="rowheader" data-label="Key" { (plain(id.as_str())) }
                            td role="cell" data-label="Fingerprint" {
                                @match fingerprint { Some(digest) => code { (digest) }, None => "–" }
                            }
                            td role="cell" data-label="May sign until" {
                                @match ends(id) {
                                    None => "not trusted any more",
                                    Some((true, _)) => "revoked",
                                    Some((false, Some(at))) => (moment(at)),
                                    Some((false, None)) => "no end",
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// What an anchor vouches for.
    fn rests_on_it(&self) -> Markup {
        let name = &self.resource.name;
        let resting = || self.loaded.holdings.resources().iter().filter(|one| one.anchor.as_ref() == Some(name));
        let number = resting().count();
        html! {
            @if number > 0 {
                section aria-labelledby="rests" {
                    h2 #rests { "What rests on it" }
                    p { "It vouches for " (count(number, "resource")) ":" }
                    ul .links {
                        @for one in resting().take(NAMED) {
                            li { a href={ "explain/" (one.name) } { (one.name) } }
                        }
                    }
                    @if number > NAMED { p { "and " (count(number - NAMED, "other")) "." } }
                }
            }
        }
    }
}

/// The link that broke, before everything else; what to do about it, unless one of the `paragraphs` says so.
fn broken(fault: &Fault, paragraphs: &[String]) -> Markup {
    let is_told = paragraphs.iter().any(|paragraph| paragraph.starts_with("What to do"));
    html! {
        div .panel.unwell {
            p .lead {
                "The link that is broken: " strong { (fault.link) } " (" code { (fault.reason) } ")"
            }
            @if let (Some(expected), Some(found)) = (&fault.expected, &fault.found) {
                dl .facts {
                    div { dt { "Expected" } dd { (plain(expected)) } }
                    div { dt { "Found" } dd { (plain(found)) } }
                }
            }
            @if let Some(advice) = fault.advice.as_ref().filter(|_| !is_told) { p { "What to do: " (plain(advice)) "." } }
        }
    }
}

fn certificates(receipt: &Receipt) -> Markup {
    let certificates = &receipt.evidence.certificates;
    html! {
        @if !certificates.is_empty() {
            table .rows role="table" {
                caption { "The certificates that signed it" }
                thead role="rowgroup" {
                    tr role="row" {
                        @for title in ["Subject", "Serial number", "Fingerprint", "Leads to", "Valid until"] {
                            th scope="col" role="columnheader" { (title) }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for one in certificates.iter() {
                        tr role="row" {
                            th scope="row" role="rowheader" data-label="Subject" { (plain(&one.subject)) }
                            td role="cell" data-label="Serial number" { code { (plain(&one.serial)) } }
                            td role="cell" data-label="Fingerprint" { code { (one.fingerprint) } }
                            td role="cell" data-label="Leads to" { (plain(one.root.as_str())) }
                            td role="cell" data-label="Valid until" {
                                (moment(one.valid_until))
                                @if let Some(end) = one.revocation_until {
                                    span .detail { "Revocation lists until " (moment(end)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
