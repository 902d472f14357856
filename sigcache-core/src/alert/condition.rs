//! What there is to alert about: a pure function of how everything stands.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    decision::{plays_with_terminals, printable},
    name::Name,
    reason::{Reason, Step},
    status::{Expiry, ExpiryKind, Holdings, Row},
    store::Shard,
    time::{Timestamp, human_span},
    trust::TrustedKey,
};

/// Revocation lists are renewed every few days; of one that ends later than this nobody is warned.
const REVOCATION_AHEAD: Duration = Duration::from_secs(3 * 24 * 3600);

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Subject {
    /// A resource that is not as it should be.
    Resource,
    /// An anchor whose document cannot be verified or read.
    Anchor,
    /// No run for too long.
    Schedule,
    /// A document that is about to expire.
    Document,
    /// A certificate that signed one, likewise.
    Certificate,
    /// What revocation lists say of such a certificate, likewise.
    Revocation,
    /// A key that may soon sign nothing more.
    Key,
    /// The certificate of a source's server, likewise.
    Tls,
}

impl Subject {
    /// Its name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Anchor => "anchor",
            Self::Schedule => "schedule",
            Self::Document => "document",
            Self::Certificate => "certificate",
            Self::Revocation => "revocation",
            Self::Key => "key",
            Self::Tls => "tls",
        }
    }

    /// Whether it is a warning ahead of an end that is known.
    pub(super) fn is_end(self) -> bool {
        matches!(self, Self::Document | Self::Certificate | Self::Revocation | Self::Key | Self::Tls)
    }

    /// Whether it can come and go from run to run, so that `after` applies.
    pub(super) fn flaps(self) -> bool {
        matches!(self, Self::Resource | Self::Anchor)
    }
}

impl From<ExpiryKind> for Subject {
    fn from(kind: ExpiryKind) -> Self {
        match kind {
            ExpiryKind::Document => Self::Document,
            ExpiryKind::Certificate => Self::Certificate,
            ExpiryKind::Revocation => Self::Revocation,
            ExpiryKind::Key => Self::Key,
            ExpiryKind::Tls => Self::Tls,
        }
    }
}

/// One thing that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Condition {
    /// What it is about.
    pub subject: Subject,
    /// The resource, the key, the subject of the certificate.
    pub name: String,
    /// What counts as a change of it: standing and step of a resource, the end of a key.
    pub state: String,
    /// It in a sentence, without secrets.
    pub text: String,
    /// Of a resource: its standing, as in `status`.
    pub standing: Option<&'static str>,
    /// Of a resource: the first step that did not pass in the last run.
    pub step: Option<Step>,
    /// Of a resource: why it did not pass.
    pub reason: Option<Reason>,
    /// When it ends by itself, of a warning.
    pub until: Option<Timestamp>,
}

/// Conditions by what tells them apart.
pub type Conditions = BTreeMap<String, Condition>;

/// Everything in one shard that may be alerted about, by what its catalog says.
#[derive(Debug, Clone)]
pub(super) struct Outlook {
    standing: Conditions,
    /// With the time from which on it is worth a warning, whatever period was set.
    ends: Vec<(Timestamp, Condition)>,
    now: Timestamp,
}

impl Outlook {
    /// What `holdings` have of `shard` at `now`. Without a run for `overdue` the schedule is a condition too.
    pub(super) fn new(
        holdings: &Holdings,
        keys: &[TrustedKey],
        shard: Shard,
        overdue: Option<Duration>,
        now: Timestamp,
    ) -> Self {
        let rows = holdings.rows(now).filter(|row| shard.holds(row.resource));
        let mut standing: Conditions = rows.filter(|row| !row.is_good()).map(|row| of_row(&row)).map(keyed).collect();
        // Every shard has a copy of each anchor, and one of them speaks about it.
        standing.extend(holdings.broken().iter().filter_map(|failure| {
            let name = failure.expected.trim_start_matches("the anchor ").trim_end_matches(" to vouch for it");
            let is_others = Name::new(name).is_ok_and(|name| !shard.holds(&name));
            let text = format!("nothing can rest on an anchor now: {failure}");
            (!is_others).then(|| keyed(Condition::new(Subject::Anchor, name, "broken", text)))
        }));
        if let Some(limit) = overdue {
            let catalog = holdings.catalogs().iter().find(|(other, _)| *other == shard).map(|(_, catalog)| catalog);
            let last = catalog.filter(|catalog| catalog.sequence() > 0).map(|catalog| catalog.at());
            if last.is_none_or(|last| now.since(last) > limit) {
                let found = last.map_or("none so far".to_owned(), |last| format!("the last one began at {last}"));
                let text = format!("a run was expected every {}, and there was {found}", human_span(limit));
                let condition = Condition::new(Subject::Schedule, &shard.to_string(), "overdue", text);
                standing.extend([keyed(condition)]);
            }
        }
        let ends = holdings.expiries(keys).into_iter().filter(|end| end.at >= now && is_ours(end, shard));
        let ends = ends.map(|end| (worth_a_warning(holdings, &end, now), of_end(&end))).collect();
        Self { standing, ends, now }
    }

    /// What there is for somebody who wants to be warned `ahead` of an end.
    pub(super) fn conditions(&self, ahead: Duration) -> Conditions {
        let near = self
            .ends
            .iter()
            .filter(|(from, end)| self.now >= *from && end.until.is_some_and(|until| until.since(self.now) <= ahead));
        // Of two ends of one key the earlier one counts: the last that is put in.
        let near = near.rev().map(|(_, end)| keyed(end.clone()));
        self.standing.iter().map(|(key, one)| (key.clone(), one.clone())).chain(near).collect()
    }
}

/// A key may have an end in several places; each of them is one condition.
fn keyed(condition: Condition) -> (String, Condition) {
    (format!("{}/{}", condition.subject.as_str(), condition.name), condition)
}

/// Of several shards one speaks about what is not a resource: that of the first resource that relies on it.
fn is_ours(end: &Expiry, shard: Shard) -> bool {
    match (&end.concerns, Name::new(&end.name)) {
        (Some(concerns), _) => shard.holds(concerns),
        (None, Ok(name)) if end.kind == ExpiryKind::Document => shard.holds(&name),
        _ => Shard::all(shard.count()).and_then(|mut all| all.next()) == Some(shard),
    }
}

/// From when on an end is worth a warning at all. A document that is issued anew every week is never further from its end
/// than that, and nobody should be warned of it all the time: so only in the last quarter of its validity.
fn worth_a_warning(holdings: &Holdings, end: &Expiry, now: Timestamp) -> Timestamp {
    match end.kind {
        ExpiryKind::Document => {
            let name = Name::new(&end.name).ok();
            let receipt = name.and_then(|name| holdings.row(&name, now)).and_then(|row| row.receipt);
            let Some(receipt) = receipt else { return now };
            end.at.minus(end.at.since(receipt.verified_at) / 4)
        }
        ExpiryKind::Revocation => end.at.minus(REVOCATION_AHEAD),
        ExpiryKind::Certificate | ExpiryKind::Key | ExpiryKind::Tls => Timestamp::from_millis(0),
    }
}

fn of_end(end: &Expiry) -> Condition {
    let relied = match (&end.concerns, end.count) {
        (None, 0) => "; nothing relies on it now".to_owned(),
        (None, _) => String::new(),
        (Some(name), 1) => format!("; {name} relies on it"),
        (Some(name), count) => format!("; {name} and {} more rely on it", count - 1),
    };
    let text = format!("the {} {} ends at {}{relied}", end.kind.as_str(), end.name, end.at);
    let mut condition = Condition::new(end.kind.into(), &end.name, &end.at.to_string(), text);
    condition.until = Some(end.at);
    condition
}

fn of_row(row: &Row<'_>) -> Condition {
    let (standing, last) = (row.standing(), row.last);
    let step = last.map(|last| last.step);
    let behind = if row.published { "" } else { ", and its plain copy is behind" };
    let name = row.resource;
    let text = match last {
        None => format!("{name} is {standing}: no run has looked at it yet"),
        Some(last) if last.step == Step::Done => {
            format!("{name} is {standing}{behind}; the last run passed every step ({})", last.last.reason)
        }
        Some(last) => {
            let copy = match standing {
                "absent" => "there is no copy".to_owned(),
                _ => format!("the last good copy is {standing}"),
            };
            format!("{name} broke at step {} ({}) in the last run; {copy}{behind}", last.step, last.last.reason)
        }
    };
    let state =
        format!("{standing} {}{}", step.map_or("none", Step::as_str), if row.published { "" } else { " behind" });
    let mut condition = Condition::new(Subject::Resource, row.resource.as_str(), &state, text);
    (condition.standing, condition.step) = (Some(standing), step);
    condition.reason = last.map(|last| last.last.reason);
    condition
}

impl Condition {
    /// What was found about `name`, which `text` says in a sentence.
    pub(super) fn new(subject: Subject, name: &str, state: &str, text: String) -> Self {
        // Not cut, as the name tells it from others.
        let shown = |c: char| if plays_with_terminals(c) { char::REPLACEMENT_CHARACTER } else { c };
        let (name, text) = (name.chars().map(shown).collect(), printable(text.into()).into());
        let (standing, step, reason, until) = (None, None, None, None);
        Self { subject, name, state: state.to_owned(), text, standing, step, reason, until }
    }
}
