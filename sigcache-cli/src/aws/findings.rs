//! What was found of each link.

use serde::Serialize;
use sigcache_core::aws::{Action, AwsError};

use super::Link;
use crate::{
    args::Common,
    doctor::{Break, State},
    fault::Fault,
    output,
};

/// What a link that holds has to say, or why it does not, or why nobody can say.
pub(super) type Held = Result<String, Unfit>;

pub(super) enum Unfit {
    Broken(Break),
    Unknown(String),
}

impl Unfit {
    pub(super) fn new(expected: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Broken(Break::new(expected, found, advice))
    }

    /// Who runs this may not look: that says nothing of the link.
    pub(super) fn lacking(permissions: &str) -> Self {
        Self::Unknown(format!("you lack the permission {permissions}"))
    }

    /// The same link of something that has to be there first.
    pub(super) fn after(link: Link) -> Self {
        Self::Unknown(format!("the link {} is broken", link.as_str()))
    }
}

impl From<AwsError> for Unfit {
    fn from(error: AwsError) -> Self {
        match &error {
            AwsError::Refused { action, .. } if error.is_denied() => Self::lacking(action.as_str()),
            _ => Self::new("an answer of AWS", error.to_string(), "try it again, and look whether AWS itself is well"),
        }
    }
}

/// `None` where the thing is not there, which each link tells in its own words.
pub(super) fn there<T>(answer: Result<T, AwsError>) -> Result<Option<T>, Unfit> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_denied() => Err(error.into()),
        Err(error) if error.is_absence() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// An answer that is not what the service documents.
pub(super) fn unreadable(action: Action, found: impl ToString) -> AwsError {
    AwsError::Unreadable { action, found: found.to_string() }
}

/// One link of one thing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) link: Link,
    /// Of what, such as the name of an alarm.
    pub(crate) of: String,
    #[serde(flatten)]
    pub(crate) state: State,
}

/// The first broken link.
#[derive(Debug, Serialize)]
pub(crate) struct First<'a> {
    pub(crate) link: Link,
    pub(crate) of: &'a str,
    #[serde(flatten)]
    pub(crate) broken: &'a Break,
}

/// All of them, in order.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) rows: Vec<Row>,
}

impl Findings {
    pub(super) fn add(&mut self, link: Link, of: &str, held: Held) {
        let state = match held {
            Ok(note) => State::Ok { note: Some(note).filter(|note| !note.is_empty()) },
            Err(Unfit::Broken(broken)) => State::Broken(broken),
            Err(Unfit::Unknown(because)) => State::NotChecked { because },
        };
        self.rows.push(Row { link, of: of.to_owned(), state });
    }

    /// The links after `broken` and before `end` cannot be checked.
    pub(super) fn unchecked_after(&mut self, broken: Link, end: Link) {
        for link in Link::ALL.iter().filter(|link| (broken..end).contains(*link) && **link != broken) {
            self.add(*link, "", Err(Unfit::after(broken)));
        }
    }

    pub(crate) fn first_broken(&self) -> Option<First<'_>> {
        self.rows.iter().find_map(|row| match &row.state {
            State::Broken(broken) => Some(First { link: row.link, of: &row.of, broken }),
            _ => None,
        })
    }

    /// A line for each.
    pub(crate) fn print(&self, common: &Common) -> Result<(), Fault> {
        self.rows.iter().try_for_each(|row| row.print(common))
    }

    /// In a sentence: the first broken link, or that there is none as far as anybody could see.
    pub(crate) fn sentence(&self) -> String {
        if let Some(First { link, of, broken }) = self.first_broken() {
            let of = if of.is_empty() { String::new() } else { format!(" ({of})") };
            let Break { expected, found, advice, .. } = broken;
            return format!(
                "The first broken link is {}{of}: expected {expected}, found {found}; {advice}.",
                link.as_str()
            );
        }
        match self.rows.iter().filter(|row| matches!(row.state, State::NotChecked { .. })).count() {
            0 => "Every link holds.".to_owned(),
            unknown => format!("Every link that was checked holds; {unknown} could not be checked."),
        }
    }
}

impl Row {
    pub(crate) fn print(&self, common: &Common) -> Result<(), Fault> {
        let (word, rest) = match &self.state {
            State::Ok { .. } | State::NotChecked { .. } if common.quiet => return Ok(()),
            State::Ok { note } => ("ok", note.clone().unwrap_or_default()),
            State::NotChecked { because } => ("not checked", format!("because {because}")),
            State::Broken(Break { expected, found, .. }) => ("broken", format!("expected {expected}, found {found}")),
        };
        let of = if self.of.is_empty() { String::new() } else { format!("{}  ", self.of) };
        output::line(format!("{word:11}  {:17}  {of}{rest}", self.link.as_str()).trim_end())
    }
}
