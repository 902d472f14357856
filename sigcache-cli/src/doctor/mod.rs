//! The chain from the configuration to what readers get, link by link: what is asked of each, and what was found.

mod calendar;
mod catalog;
mod certificates;
mod configuration;
mod keys;
mod link;
mod runs;
mod sources;
mod store;
mod verification;

use serde::Serialize;
use sigcache_core::{Failure, Reason};

pub(crate) use calendar::{Calendar, Event};
pub(crate) use catalog::{Divided, check as check_catalog};
pub(crate) use certificates::note as note_certificates;
pub(crate) use configuration::{check as check_configuration, not_loaded};
pub(crate) use keys::check as check_keys;
pub(crate) use link::Link;
pub(crate) use runs::check as check_runs;
pub(crate) use sources::{Asking, ask as ask_sources, check as check_sources};
pub(crate) use store::{absent as absent_store, check as check_store};
pub(crate) use verification::{Verdicts, check as check_verification, unvouched};

/// One link of one thing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) link: Link,
    /// Of what, such as the URL of a source.
    pub(crate) of: String,
    #[serde(flatten)]
    pub(crate) state: State,
}

/// What is known of a link.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum State {
    /// It holds.
    Ok {
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    Broken(Break),
    /// Nothing can be said of it.
    NotChecked {
        because: String,
    },
}

/// A broken link.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Break {
    pub(crate) expected: String,
    pub(crate) found: String,
    /// What to do about it.
    pub(crate) advice: String,
    /// The code with which the command ends if this is the first one.
    #[serde(skip)]
    pub(crate) exit_code: u8,
}

impl Break {
    /// Something is not as it should be, and the store and the configuration are not to blame.
    pub(crate) fn new(expected: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { expected: short(expected.into()), found: short(found.into()), advice: advice.into(), exit_code: 1 }
    }

    /// What the core found, with what to do about it.
    pub(crate) fn of(failure: &Failure) -> Self {
        Self::at(failure.reason, &*failure.expected, &failure.found)
    }

    /// The same in parts. The step and the code are told, as they are what `explain`, the page and the log say.
    pub(crate) fn at(reason: Reason, expected: impl Into<String>, found: &str) -> Self {
        Self::new(expected, format!("{found} ({reason} at step {})", reason.step()), reason.advice())
    }

    pub(crate) fn with_exit_code(self, exit_code: u8) -> Self {
        Self { exit_code, ..self }
    }
}

/// Some stores answer with a page; its beginning says what it is about.
fn short(text: String) -> String {
    const LONGEST: usize = 600;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// So many of them, in words.
fn count(number: usize, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

/// The first of them, and how many more there are.
fn few(names: &[&str]) -> String {
    let (shown, rest) = names.split_at(names.len().min(3));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("{}{more}", shown.join(", "))
}

/// What was found, in the order of the chain.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    pub(crate) rows: Vec<Row>,
    pub(crate) calendar: Calendar,
    /// What is no broken link, but worth a word.
    pub(crate) remarks: Vec<String>,
}

impl Chain {
    pub(crate) fn ok(&mut self, link: Link, of: impl Into<String>) {
        self.add(link, of, State::Ok { note: None });
    }

    pub(crate) fn fine(&mut self, link: Link, of: impl Into<String>, note: impl Into<String>) {
        self.add(link, of, State::Ok { note: Some(note.into()) });
    }

    pub(crate) fn broken(&mut self, link: Link, of: impl Into<String>, broken: Break) {
        self.add(link, of, State::Broken(broken));
    }

    pub(crate) fn unchecked(&mut self, link: Link, of: impl Into<String>, because: impl Into<String>) {
        self.add(link, of, State::NotChecked { because: because.into() });
    }

    /// The links of `links` after `broken` cannot be checked any more.
    pub(crate) fn unchecked_after(&mut self, broken: Link, links: &[Link], of: &str) {
        for link in links.iter().filter(|link| **link > broken) {
            self.unchecked(*link, of, broken.is_broken());
        }
    }

    pub(crate) fn add(&mut self, link: Link, of: impl Into<String>, state: State) {
        self.rows.push(Row { link, of: of.into(), state });
    }

    /// The first broken link.
    pub(crate) fn first_broken(&self) -> Option<(&Row, &Break)> {
        self.rows.iter().find_map(|row| match &row.state {
            State::Broken(broken) => Some((row, broken)),
            _ => None,
        })
    }
}
