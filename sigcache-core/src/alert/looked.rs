//! How a look ended, for whoever called for it.

use serde::Serialize;

use super::notice::{Event, Item};
use crate::time::Timestamp;

/// How a look ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Looked {
    /// How many conditions there are.
    pub open: usize,
    /// What was delivered.
    pub sent: Vec<Sent>,
    /// What could not be delivered, and is tried again in the next run.
    pub unsent: Vec<Unsent>,
    /// Channels on which another process is telling something just now.
    pub waiting: Vec<String>,
    /// What the store failed at. What was to be told is told by a later run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_failure: Option<String>,
}

/// A message that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sent {
    /// The channel.
    pub channel: String,
    /// `alert`, `reminder` or `recovery`.
    pub kind: &'static str,
    /// How many things in it are new.
    pub new: usize,
    /// How many have changed.
    pub changed: usize,
    /// How many have come to the end that was told before.
    pub ended: usize,
    /// How many are still as they were.
    pub reminder: usize,
    /// How many are as they should be again.
    pub recovered: usize,
}

/// A message that was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unsent {
    /// The channel.
    pub channel: String,
    /// Since when nothing can be delivered on it.
    pub since: Timestamp,
    /// What was found, without secrets.
    pub found: String,
}

impl Sent {
    pub(super) fn new(channel: String, kind: &'static str, items: &[Item]) -> Self {
        let count = |event| items.iter().filter(|item| item.event == event).count();
        Self {
            channel,
            kind,
            new: count(Event::New),
            changed: count(Event::Changed),
            ended: count(Event::Ended),
            reminder: count(Event::Reminder),
            recovered: count(Event::Recovered),
        }
    }
}

impl Looked {
    /// What is wrong with the alerting itself, in a sentence; for whoever shows how healthy things are.
    pub fn complaint(&self) -> Option<String> {
        let unsent = self.unsent.iter().map(|unsent| {
            format!("nothing can be delivered on {} since {}: {}", unsent.channel, unsent.since, unsent.found)
        });
        let store = self.store_failure.iter().map(|found| format!("the store failed: {found}"));
        let all: Vec<String> = unsent.chain(store).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}
