//! What ends, and when.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use sigcache_core::Timestamp;

/// One end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    /// key, key-certificate, authority, client-certificate, signing-certificate, revocation-list, or tls-certificate.
    pub(crate) kind: &'static str,
    pub(crate) of: String,
    /// Whether it is past.
    pub(crate) past: bool,
}

/// The ends that are past or near, each once.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    events: BTreeMap<(Timestamp, &'static str, String), bool>,
}

impl Calendar {
    /// Notes that something ends at `at`, if that is past or comes within `within`.
    pub(crate) fn note(&mut self, kind: &'static str, of: &str, at: Timestamp, now: Timestamp, within: Duration) {
        if at <= now.plus(within) {
            self.events.insert((at, kind, of.to_owned()), at < now);
        }
    }

    /// First what comes next, in the order of time; then what is past, the newest first.
    pub(crate) fn events(&self) -> Vec<Event> {
        let event = |((at, kind, of), past): (&(Timestamp, &'static str, String), &bool)| Event {
            at: *at,
            kind,
            of: of.clone(),
            past: *past,
        };
        let all = self.events.iter().map(event);
        let (past, coming): (Vec<Event>, Vec<Event>) = all.partition(|event| event.past);
        coming.into_iter().chain(past.into_iter().rev()).collect()
    }
}
