//! The first page: whether everything is as it should be, and which link is broken.

use std::collections::BTreeMap;

use maud::{Markup, html};
use sigcache_core::{Name, RunId, Timestamp, human_span, status::Row};

use super::{
    calendar,
    faults::{self, Fault, GOOD, Group, rank},
    find::{Asked, Found},
    layout::{Reader, ago, count, grouped, moment, plain},
    table,
    timeline::{self, Recent},
};
use crate::{
    runs::Failures,
    shelf::{Loaded, Trouble},
};

/// Everything that the page shows.
pub(crate) struct Index<'l> {
    pub(crate) loaded: &'l Loaded,
    pub(crate) now: Timestamp,
    /// The worst first, then by name.
    pub(crate) rows: Vec<Row<'l>>,
    pub(crate) found: Found,
    pub(crate) groups: Vec<Group>,
    pub(crate) complaints: BTreeMap<&'static str, String>,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) last_run: Option<Timestamp>,
    pub(crate) recent: Recent,
    pub(crate) failures: BTreeMap<RunId, Failures>,
    /// This very page.
    here: &'l str,
}

impl<'l> Index<'l> {
    pub(crate) fn new(
        loaded: &'l Loaded,
        now: Timestamp,
        asked: &Asked,
        reader: &'l Reader,
        complaints: BTreeMap<&'static str, String>,
    ) -> Self {
        let mut rows: Vec<Row<'l>> = loaded.holdings.rows(now).collect();
        rows.sort_by_key(|row| (rank(row), row.resource));
        let found = Found::new(&rows, asked, &reader.home);
        let groups = faults::groups(&rows, |row| faults::of_row(row, loaded.holdings.find(row.resource), None, now));
        Self {
            loaded,
            now,
            rows,
            found,
            groups,
            complaints,
            trouble: None,
            last_run: crate::health::last_run(loaded),
            recent: Recent::default(),
            failures: BTreeMap::new(),
            here: &reader.here,
        }
    }

    /// The runs whose decisions say more of what is shown, the most telling first.
    pub(crate) fn runs_of_interest(&self) -> Vec<RunId> {
        let places = self.groups.iter().map(|group| group.first).chain(self.found.shown.iter().copied());
        let mut runs = Vec::new();
        for row in places.map(|at| &self.rows[at]).filter(|row| rank(row) < GOOD) {
            if let Some(last) = row.last
                && !runs.contains(&last.last.run)
            {
                runs.push(last.last.run);
            }
        }
        runs
    }

    pub(crate) fn fault(&self, row: &Row<'_>) -> Option<Fault> {
        let decision = row.last.and_then(|last| self.failures.get(&last.last.run)?.get(row.resource));
        faults::of_row(row, self.loaded.holdings.find(row.resource), decision, self.now)
    }

    fn not_good(&self) -> usize {
        self.rows.iter().take_while(|row| rank(row) < GOOD).count()
    }

    /// The complaints as faults: first what everything else hangs on.
    fn around(&self) -> Vec<Fault> {
        let mut complaints: Vec<(&str, &str)> =
            self.complaints.iter().map(|(part, text)| (*part, text.as_str())).collect();
        let place = |part: &str| ["store", "schedule", "anchors"].iter().position(|known| *known == part).unwrap_or(3);
        complaints.sort_by_key(|(part, _)| (place(part), *part));
        complaints.into_iter().map(|(part, text)| Fault::complaint(part, text)).collect()
    }

    /// The whole in one line.
    pub(crate) fn headline(&self) -> String {
        let (bad, all) = (self.not_good(), self.rows.len());
        let parts: Vec<String> = self.around().into_iter().map(|fault| fault.link).collect();
        match (bad, all) {
            (0, _) if parts.is_empty() => "Everything is as it should be".to_owned(),
            (0, _) => format!("The resources are as they should be, but this is not: {}", parts.join(", ")),
            (1, 1) => "The only resource is not as it should be".to_owned(),
            (1, _) => format!("1 of {} is not as it should be", count(all, "resource")),
            _ => format!("{} of {} are not as they should be", grouped(bad as u64), count(all, "resource")),
        }
    }

    pub(crate) fn page(&self) -> Markup {
        let around = self.around();
        let is_well = around.is_empty() && self.groups.is_empty();
        html! {
            div class={ "panel " @if is_well { "well" } @else { "unwell" } } {
                h1 { (self.headline()) }
                (self.first_link(&around))
            }
            (self.facts())
            (self.contents(is_well))
            @if !is_well { (self.broken(&around)) }
            (timeline::section(&self.recent, self.loaded.buckets.len(), self.now))
            section aria-labelledby="resources" {
                h2 #resources { "Resources" }
                (self.found.form())
                (table::rows(self))
                (self.found.pages())
            }
            (calendar::section(&self.loaded.holdings.expiries(&self.loaded.setup.keys), self.now))
        }
    }

    /// The table of the resources may be long: links to what stands above and below it.
    fn contents(&self, is_well: bool) -> Markup {
        let sections = [
            ("broken", "Broken links"),
            ("runs", "The last runs"),
            ("resources", "Resources"),
            ("calendar", "What expires"),
        ];
        html! {
            nav .contents aria-label="On this page" {
                ul {
                    @for (id, words) in sections.iter().skip(is_well.into()) {
                        li { a href={ (self.here) "#" (id) } { (words) } }
                    }
                }
            }
        }
    }

    /// The first broken link, in a sentence.
    fn first_link(&self, around: &[Fault]) -> Markup {
        let first = self.groups.first().map(|group| &self.rows[group.first]);
        html! {
            @if let Some(fault) = around.first() {
                p .lead {
                    "The first broken link is the " strong { (fault.link) } ": "
                    (plain(fault.found.as_deref().unwrap_or_default())) "."
                }
                p { "What to do: mend that first; " code { "sigcache doctor" } " looks at each link of it." }
            }
            @if let Some((row, fault)) = first.and_then(|row| Some((row, self.fault(row)?))) {
                p .lead {
                    @if around.is_empty() { "The first broken link is " } @else { "Of the resources it is " }
                    strong { (fault.link) } " (" code { (fault.reason) } ") of "
                    a href={ "explain/" (row.resource) } { (row.resource) }
                    @if let (Some(expected), Some(found)) = (&fault.expected, &fault.found) {
                        ": expected " (plain(expected)) ", found " (plain(found))
                    }
                    "."
                }
                @if let Some(advice) = fault.advice.as_ref().filter(|_| around.is_empty()) {
                    p { "What to do: " (plain(advice)) "." }
                }
            } @else if around.is_empty() {
                p .lead { (self.all_is_well()) }
            }
        }
    }

    fn all_is_well(&self) -> String {
        match self.rows.len() {
            0 => "There are no resources.".to_owned(),
            1 => "The only resource is fresh, and its last run passed every step.".to_owned(),
            many => format!("All {} are fresh, and their last runs passed every step.", count(many, "resource")),
        }
    }

    fn facts(&self) -> Markup {
        html! {
            dl .facts {
                div { dt { "Looked at" } dd { (moment(self.now)) } }
                div {
                    dt { "Last run" }
                    dd { @match self.last_run { Some(at) => { (moment(at)) ", " (ago(at, self.now)) }, None => { "none so far" } } }
                }
                div {
                    dt { "Catalog" }
                    dd {
                        "number " (grouped(self.loaded.holdings.sequence())) ", read " (ago(self.loaded.at, self.now))
                        @if self.loaded.buckets.len() > 1 { ", in " (self.loaded.buckets.len()) " shards" }
                    }
                }
            }
            @if let Some(trouble) = &self.trouble {
                p .note {
                    strong { "The store does not answer since " (moment(trouble.since)) "." }
                    " Documents that are in memory are served from there, by the catalog that was read "
                    (human_span(self.now.since(self.loaded.at))) " ago (" (moment(self.loaded.at)) "); others cannot be had. "
                    "This page shows what was known then."
                }
            }
        }
    }

    /// Every broken link, with how many resources it stopped.
    fn broken(&self, around: &[Fault]) -> Markup {
        html! {
            section aria-labelledby="broken" {
                h2 #broken { "Broken links" }
                table .rows role="table" {
                    caption .quiet { "The links of the chain that broke: what everything hangs on first, then the worst" }
                    thead role="rowgroup" {
                        tr role="row" {
                            @for title in ["Link", "Expected", "Found", "Concerns"] { th scope="col" role="columnheader" { (title) } }
                        }
                    }
                    tbody role="rowgroup" {
                        @for fault in around {
                            tr role="row" {
                                th scope="row" role="rowheader" data-label="Link" { (fault.link) }
                                td role="cell" data-label="Expected" { "–" }
                                td role="cell" data-label="Found" { (plain(fault.found.as_deref().unwrap_or_default())) }
                                td role="cell" data-label="Concerns" { "everything that needs it" }
                            }
                        }
                        @for group in &self.groups { (self.group(group)) }
                    }
                }
            }
        }
    }

    fn group(&self, group: &Group) -> Markup {
        let row = &self.rows[group.first];
        let Some(fault) = self.fault(row) else { return html! {} };
        let name: &Name = row.resource;
        html! {
            tr role="row" {
                th scope="row" role="rowheader" data-label="Link" { (fault.link) br; code { (fault.reason) } }
                td role="cell" data-label="Expected" { (plain(fault.expected.as_deref().unwrap_or("–"))) }
                td role="cell" data-label="Found" { (plain(fault.found.as_deref().unwrap_or("–"))) }
                td role="cell" data-label="Concerns" {
                    a href={ "explain/" (name) } { (name) }
                    @if group.count > 1 { " and " (count(group.count - 1, "other")) }
                }
            }
        }
    }
}
