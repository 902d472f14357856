//! Which of the resources a person wants to see: by state, by a part of the name, page by page.

use maud::{Markup, html};
use serde::Deserialize;
use sigcache_core::status::Row;

use super::{
    faults::{GOOD, rank},
    layout::{count, grouped, plain},
};

/// So many rows are on one page.
const PER_PAGE: usize = 100;

/// No name is longer.
const LONGEST: usize = sigcache_core::MAX_NAME_BYTES;

/// What stands in the query. What cannot be understood is left out: a page is better than an error.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    state: Option<String>,
    q: Option<String>,
    page: Option<String>,
}

/// The filters by state: the word in the query, and the words for people.
const FILTERS: [(&str, &str); 7] = [
    ("", "All"),
    ("not-good", "Not as they should be"),
    ("withheld", "Withheld"),
    ("missing", "Missing"),
    ("expired", "Expired"),
    ("stale", "Stale"),
    ("fresh", "Fresh"),
];

/// The state of a row in one word for people.
pub(crate) fn word(row: &Row<'_>) -> &'static str {
    match row.standing() {
        "absent" => "missing",
        other => other,
    }
}

/// The part of the rows that is shown.
pub(crate) struct Found {
    /// The first page.
    home: String,
    filter: &'static str,
    q: String,
    /// How many rows each filter lets through.
    counts: [usize; FILTERS.len()],
    /// The places of those that are shown.
    pub(crate) shown: Vec<usize>,
    total: usize,
    page: usize,
    pages: usize,
}

impl Found {
    pub(crate) fn new(rows: &[Row<'_>], asked: &Asked, home: &str) -> Self {
        let state = asked.state.as_deref().unwrap_or_default();
        let filter = FILTERS.iter().find(|(word, _)| *word == state).map_or("", |(word, _)| word);
        let q: String = asked.q.as_deref().unwrap_or_default().trim().chars().take(LONGEST).collect();
        let wanted = q.to_ascii_lowercase();
        let mut counts = [0; FILTERS.len()];
        let mut places = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            for (count, (name, _)) in counts.iter_mut().zip(FILTERS) {
                *count += usize::from(passes(row, name));
            }
            if passes(row, filter)
                && (wanted.is_empty() || row.resource.as_str().to_ascii_lowercase().contains(&wanted))
            {
                places.push(at);
            }
        }
        let (total, pages) = (places.len(), places.len().div_ceil(PER_PAGE).max(1));
        let page = asked.page.as_deref().and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, pages);
        let shown = places.into_iter().skip((page - 1) * PER_PAGE).take(PER_PAGE).collect();
        Self { home: home.to_owned(), filter, q, counts, shown, total, page, pages }
    }

    /// The counts of all states, each a link; and the form.
    pub(crate) fn form(&self) -> Markup {
        html! {
            nav aria-label="Resources by state" {
                ul .filters {
                    @for ((filter, words), count) in FILTERS.iter().zip(self.counts) {
                        li {
                            a href=(self.link(filter, 1)) aria-current=[(*filter == self.filter).then_some("true")] {
                                (words) " (" (grouped(count as u64)) ")"
                            }
                        }
                    }
                }
            }
            form .find role="search" method="get" action=(self.home) {
                label for="q" { "Part of a name" }
                @if !self.filter.is_empty() { input type="hidden" name="state" value=(self.filter); }
                input #q type="search" name="q" value=(plain(&self.q)) maxlength=(LONGEST) autocomplete="off" spellcheck="false";
                button type="submit" { "Find" }
            }
        }
    }

    /// How many there are, for the caption of the table.
    pub(crate) fn caption(&self) -> Markup {
        let first = (self.page - 1) * PER_PAGE + 1;
        let words = FILTERS.iter().find(|(filter, _)| *filter == self.filter).map_or("All", |(_, words)| words);
        html! {
            @if self.total == 0 { "No resource" } @else { (count(self.total, "resource")) }
            @if !self.filter.is_empty() { ": " (words.to_lowercase()) }
            @if !self.q.is_empty() { ", with “" (plain(&self.q)) "” in the name" }
            @if self.pages > 1 { "; here are " (grouped(first as u64)) " to " (grouped((first + self.shown.len() - 1) as u64)) }
        }
    }

    /// The links to the other pages.
    pub(crate) fn pages(&self) -> Markup {
        html! {
            @if self.pages > 1 {
                nav .pages aria-label="Pages of the table" {
                    @if self.page > 1 {
                        a rel="prev" href=(self.link(self.filter, self.page - 1)) { "Previous page" }
                    }
                    span { "Page " (self.page) " of " (self.pages) }
                    @if self.page < self.pages {
                        a rel="next" href=(self.link(self.filter, self.page + 1)) { "Next page" }
                    }
                }
            }
        }
    }

    fn link(&self, filter: &str, page: usize) -> String {
        let mut parts = Vec::new();
        if !filter.is_empty() {
            parts.push(format!("state={filter}"));
        }
        if !self.q.is_empty() {
            parts.push(format!("q={}", escaped(&self.q)));
        }
        if page > 1 {
            parts.push(format!("page={page}"));
        }
        let mark = if parts.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.home, parts.join("&"))
    }
}

fn passes(row: &Row<'_>, filter: &str) -> bool {
    match filter {
        "" => true,
        "not-good" => rank(row) < GOOD,
        state => word(row) == state,
    }
}

/// A text as it stands in a query.
fn escaped(text: &str) -> String {
    let mut query = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => query.push(byte.into()),
            _ => query.push_str(&format!("%{byte:02X}")),
        }
    }
    query
}
