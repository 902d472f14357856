//! What was told to whom: the state that lies in the store, and what follows from it. Pure functions.
//!
//! Nothing is queued. What to tell follows, in each run anew, from the difference between what is so and what was told.
//! So a message that could not be delivered is not lost, and is up to date when it is.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Rules,
    condition::{Condition, Conditions, Subject},
    notice::{Event, Item},
};
use crate::{decision::RunId, digest::Hasher, store::Settled, time::Timestamp};

/// The version of the state that this library reads and writes.
pub(super) const FORMAT: u32 = 1;

/// So long one process alone may tell somebody something. If it has not said by then how that ended, it is taken for
/// dead, and another one tells it. Much longer than a delivery may last, as clocks differ.
pub(super) const LEASE: Duration = Duration::from_secs(15 * 60);

/// The state of alerting, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) format: u32,
    /// Who wrote it: no two processes write the same bytes.
    pub(super) run: Option<RunId>,
    pub(super) at: Timestamp,
    /// What was told on each channel, by its name. Those of channels that left the configuration stay, since another host
    /// may still have them.
    pub(super) channels: BTreeMap<String, Ledger>,
}

impl Default for State {
    fn default() -> Self {
        Self { format: FORMAT, run: None, at: Timestamp::from_millis(0), channels: BTreeMap::new() }
    }
}

/// What was told on one channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// Who is telling something just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<Lease>,
    /// Since when nothing can be delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failing: Option<Failing>,
    /// What is known to be so, told or not.
    #[serde(default)]
    known: BTreeMap<String, Known>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    pub(super) run: RunId,
    pub(super) at: Timestamp,
}

impl Lease {
    /// Whether its holder may still be at it. One from the future is of a clock that was wrong.
    fn holds(&self, now: Timestamp) -> bool {
        now.since(self.at) < LEASE && self.at.since(now) < LEASE
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failing {
    pub(super) since: Timestamp,
    pub(super) found: String,
}

/// A condition as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    subject: Subject,
    name: String,
    state: String,
    since: Timestamp,
    /// In how many runs in a row it was seen in this state; not counted on once it was told.
    seen: u32,
    /// The snapshot of the last of them.
    sequence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<Told>,
    /// Since when it is so no more, where that could not be told yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    at: Timestamp,
    state: String,
}

/// The moment at which somebody looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    /// The number of the snapshot.
    pub(super) sequence: u64,
}

/// What is to be done about one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// Another process is telling it something just now.
    Waiting,
    /// This is what is known now, and what is to be told.
    Tell(Ledger, Vec<Item>),
}

impl Ledger {
    /// What follows from `conditions`.
    pub(super) fn plan(&self, conditions: &Conditions, rules: &Rules, moment: Moment) -> Plan {
        if self.lease.as_ref().is_some_and(|lease| lease.holds(moment.now)) {
            return Plan::Waiting;
        }
        let (mut known, mut items) = (BTreeMap::new(), Vec::new());
        for (key, condition) in conditions {
            let entry = Known::seen(self.known.get(key), condition, moment);
            if let Some(event) = entry.event(rules, moment.now) {
                items.push(Item::new(event, condition, entry.since));
            }
            known.insert(key.clone(), entry);
        }
        for (key, entry) in &self.known {
            if conditions.contains_key(key) || entry.told.is_none() {
                continue;
            }
            let mut entry = entry.clone();
            let gone = *entry.gone.get_or_insert(moment.now);
            items.push(entry.recovery(gone));
            known.insert(key.clone(), entry);
        }
        // One reminder of everything, and not one a day for each thing.
        if items.iter().any(|item| item.event == Event::Reminder) {
            items.extend(conditions.iter().filter_map(|(key, condition)| {
                let entry = known.get(key)?;
                let is_due = entry.event(rules, moment.now).is_some();
                (entry.is_told() && !is_due).then(|| Item::new(Event::Reminder, condition, entry.since))
            }));
        }
        items.sort_by(|a, b| (a.event, &a.subject, &a.name).cmp(&(b.event, &b.subject, &b.name)));
        let failing = self.failing.clone().filter(|_| !items.is_empty());
        Plan::Tell(Self { lease: None, failing, known }, items)
    }

    /// After these were delivered.
    pub(super) fn delivered(&self, items: &[Item], now: Timestamp) -> Self {
        let mut known = self.known.clone();
        for item in items {
            let key = item.key();
            match (item.event.is_end(), known.get_mut(&key)) {
                (true, _) => drop(known.remove(&key)),
                (false, Some(entry)) => entry.told = Some(Told { at: now, state: entry.state.clone() }),
                (false, None) => {}
            }
        }
        Self { lease: None, failing: None, known }
    }

    /// After they could not be delivered.
    pub(super) fn undelivered(&self, found: String, now: Timestamp) -> Self {
        let since = self.failing.as_ref().map_or(now, |failing| failing.since);
        Self { lease: None, failing: Some(Failing { since, found }), known: self.known.clone() }
    }

    /// Until when nothing is to be done as long as the conditions stay as they are; `None` if something is.
    pub(super) fn settled_until(&self, rules: &Rules) -> Option<Timestamp> {
        let is_at_rest = self.lease.is_none() && self.failing.is_none() && self.known.values().all(Known::is_told);
        let due = self.known.values().filter_map(|entry| Some(entry.told.as_ref()?.at.plus(rules.remind)));
        is_at_rest.then(|| due.min().unwrap_or(Timestamp::from_millis(i64::MAX)))
    }
}

impl Known {
    fn seen(before: Option<&Self>, condition: &Condition, moment: Moment) -> Self {
        let Condition { subject, name, state, until, .. } = condition;
        let same = before.filter(|before| before.state == *state);
        let (seen, sequence) = match same {
            // Counted on only as long as it matters, so that what was told stays as it is in the store.
            Some(before) if before.is_told() || before.sequence == moment.sequence => (before.seen, before.sequence),
            Some(before) => (before.seen.saturating_add(1), moment.sequence),
            None => (1, moment.sequence),
        };
        Self {
            subject: *subject,
            name: name.clone(),
            state: state.clone(),
            since: before.map_or(moment.now, |before| before.since),
            seen,
            sequence,
            until: *until,
            told: before.and_then(|before| before.told.clone()),
            gone: None,
        }
    }

    /// Whether what it is was told.
    fn is_told(&self) -> bool {
        self.gone.is_none() && self.told.as_ref().is_some_and(|told| told.state == self.state)
    }

    /// What is to be told of it.
    fn event(&self, rules: &Rules, now: Timestamp) -> Option<Event> {
        let ripe = self.seen >= rules.after || !self.subject.flaps();
        match &self.told {
            // A time in the future is of a clock that was wrong.
            Some(told) if told.state == self.state => {
                let due = now.since(told.at) >= rules.remind || told.at.since(now) > rules.remind;
                due.then_some(Event::Reminder)
            }
            Some(_) => ripe.then_some(Event::Changed),
            None => ripe.then_some(Event::New),
        }
    }

    /// That it is so no more since `gone`.
    fn recovery(&self, gone: Timestamp) -> Item {
        let ended = self.subject.is_end() && self.until.is_some_and(|until| until <= gone);
        let event = if ended { Event::Ended } else { Event::Recovered };
        let text = match event {
            Event::Ended => format!("the {} {} has ended", self.subject.as_str(), self.name),
            _ if self.subject.is_end() => format!("the {} {} was renewed", self.subject.as_str(), self.name),
            _ => format!("{} is as it should be again", self.name),
        };
        let condition = Condition::new(self.subject, &self.name, &self.state, text);
        Item::new(event, &condition, self.since).ending(gone)
    }
}

/// The digest of what there is to tell, and to whom.
pub(super) fn digest<'a>(channels: impl Iterator<Item = (&'a str, &'a Rules, &'a Conditions)>) -> u64 {
    let mut hasher = Hasher::default();
    // Each with its length before it, so that no two lists are one text.
    let mut put = |text: &str| {
        hasher.update(&(text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    for (name, rules, conditions) in channels {
        put(&format!("{name} {:?} {:?} {}", rules.remind, rules.after, conditions.len()));
        for (key, condition) in conditions {
            put(key);
            put(&condition.state);
        }
    }
    let digest = hasher.finish();
    digest.as_bytes()[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl Settled {
    /// Whether it says that nothing is due at `now` where there is to tell what `digest` stands for. Nothing can be due
    /// later than in `longest`, but for clocks that differ a little; what says so is of a clock that was far ahead.
    pub(super) fn covers(&self, digest: u64, now: Timestamp, longest: Duration) -> bool {
        self.digest == digest && now < self.until && self.until.since(now) <= longest.saturating_add(LEASE)
    }
}
