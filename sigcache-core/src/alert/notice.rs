//! What is sent: one message for everything that there is to say to somebody at one moment.

use serde::Serialize;

use super::condition::{Condition, Subject};
use crate::{
    decision::{RunId, plays_with_terminals},
    reason::{Reason, Step},
    time::{Timestamp, human_span},
};

/// The version of the message's JSON.
pub const NOTICE_FORMAT: u32 = 1;

/// So many things are told one by one.
const TOLD: usize = 100;
/// So many in a chat.
const TOLD_IN_CHAT: usize = 20;

/// What is new about a condition. The order is that of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// It was not so before.
    New,
    /// It is so in another way.
    Changed,
    /// What somebody was warned of has come to its end.
    Ended,
    /// It is so still.
    Reminder,
    /// It is so no more.
    Recovered,
}

impl Event {
    /// Its name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Ended => "ended",
            Self::Reminder => "reminder",
            Self::Recovered => "recovered",
        }
    }

    /// Whether nothing more is to be said of it.
    pub(super) fn is_end(self) -> bool {
        matches!(self, Self::Ended | Self::Recovered)
    }
}

/// One thing that a message tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Item {
    /// What is new about it.
    pub event: Event,
    /// What it is about.
    pub subject: Subject,
    /// The resource, the key, the subject of the certificate.
    pub name: String,
    /// It in a sentence.
    pub text: String,
    /// Since when it is so.
    pub since: Timestamp,
    /// When it ended, of what is so no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How long that was, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasted_seconds: Option<u64>,
    /// Of a resource: `fresh`, `stale`, `expired`, `withheld`, or `absent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<&'static str>,
    /// Of a resource: the first step that did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Of a resource: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When what is warned of ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Item {
    pub(super) fn new(event: Event, condition: &Condition, since: Timestamp) -> Self {
        Self {
            event,
            subject: condition.subject,
            name: condition.name.clone(),
            text: condition.text.clone(),
            since,
            ended: None,
            lasted_seconds: None,
            standing: condition.standing,
            step: condition.step,
            reason: condition.reason,
            until: condition.until,
        }
    }

    pub(super) fn ending(mut self, gone: Timestamp) -> Self {
        (self.ended, self.lasted_seconds) = (Some(gone), Some(gone.since(self.since).as_secs()));
        self
    }

    /// What tells it from all others.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.subject.as_str(), self.name)
    }

    fn line(&self, at: Timestamp) -> String {
        let span = match self.ended {
            Some(ended) => format!(", after {}", human_span(ended.since(self.since))),
            None if self.event == Event::New => String::new(),
            None => format!(", since {} ago", human_span(at.since(self.since))),
        };
        let line = format!("{}: {}{span}", self.event.as_str(), self.text);
        line.chars().map(|c| if plays_with_terminals(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Notice {
    /// The version of this format.
    pub format: u32,
    /// The same for each try to deliver it, and for no other message on this channel.
    pub id: RunId,
    /// The channel.
    pub channel: String,
    /// The store that it is about.
    pub store: String,
    /// The part of its names.
    pub shard: String,
    /// When it was looked.
    pub at: Timestamp,
    /// `alert` if something is new, changed or ended; else `reminder`; else `recovery`.
    pub kind: &'static str,
    /// All of it in a sentence.
    pub summary: String,
    /// How many conditions there are now, told or not.
    pub open: usize,
    /// What there is to tell, at most 100 things.
    pub items: Vec<Item>,
    /// How many more there are.
    pub more: usize,
}

impl Notice {
    pub(super) fn new(
        (id, at): (RunId, Timestamp),
        (store, shard): (&str, String),
        channel: &str,
        open: usize,
        mut items: Vec<Item>,
    ) -> Self {
        let count = |event| items.iter().filter(|item| item.event == event).count();
        let kind = match items.first().map(|item| item.event) {
            Some(Event::New | Event::Changed | Event::Ended) => "alert",
            Some(Event::Reminder) => "reminder",
            Some(Event::Recovered) | None => "recovery",
        };
        let counted: Vec<String> = [Event::New, Event::Changed, Event::Ended, Event::Reminder, Event::Recovered]
            .into_iter()
            .map(|event| (count(event), event))
            .filter(|(count, _)| *count > 0)
            .map(|(count, event)| format!("{count} {}", event.as_str()))
            .collect();
        let summary = format!("sigcache {kind} for {store}: {}; {open} open", counted.join(", "));
        let more = items.len().saturating_sub(TOLD);
        items.truncate(TOLD);
        let (channel, store) = (channel.to_owned(), store.to_owned());
        Self { format: NOTICE_FORMAT, id, channel, store, shard, at, kind, summary, open, items, more }
    }

    /// It as text, a line for each thing, not longer than a person reads.
    pub fn text(&self) -> String {
        let lines = self.items.iter().take(TOLD_IN_CHAT).map(|item| item.line(self.at));
        let mut lines: Vec<String> = [self.summary.clone()].into_iter().chain(lines).collect();
        let more = self.more + self.items.len().saturating_sub(TOLD_IN_CHAT);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.join("\n")
    }
}
