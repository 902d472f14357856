//! What an answer, or the lack of one, means for the copy that is here.

use std::sync::Arc;

use super::{Answer, Pipeline, unasked_not_modified};
use crate::{
    decision::{Attempt, Decision, Failure},
    entry::{Entry, Standing},
    fetch::Meta,
    judge::{self, State},
    name::Name,
    reason::{Outcome, Reason},
    receipt::Receipt,
    resource::Resource,
    store::{Change, ChangeKind, Heard, Said},
};

impl Pipeline {
    /// A source had a version that passes.
    pub(super) fn accept(
        &self,
        resource: &Resource,
        known: Option<&Entry>,
        answer: Answer,
        source: &Arc<str>,
    ) -> (Decision, ChangeKind) {
        let name = resource.name.clone();
        match answer {
            Answer::New { receipt, meta } => {
                let first = known.and_then(Entry::copy).is_none();
                let reason = if first { Reason::FirstVersion } else { Reason::NewVersion };
                let mut decision = Decision::passed(name, Outcome::Stored, reason).about(&receipt);
                decision.http_status = meta.http_status;
                (decision, ChangeKind::Store { receipt, heard: heard(&meta) })
            }
            Answer::Confirmed { reason, meta } => {
                let (mut decision, kind) = match known.and_then(Entry::copy) {
                    Some(receipt) => self.confirm(resource, known, receipt, reason, &meta, source),
                    None => {
                        let failure = unasked_not_modified(&meta).into_failure();
                        (Decision::failed(name, Outcome::Refused, failure), ChangeKind::Note)
                    }
                };
                decision.http_status = meta.http_status;
                (decision, kind)
            }
        }
    }

    /// The stored version is the current one; it may have expired all the same.
    fn confirm(
        &self,
        resource: &Resource,
        known: Option<&Entry>,
        receipt: &Arc<Receipt>,
        reason: Reason,
        meta: &Meta,
        source: &Arc<str>,
    ) -> (Decision, ChangeKind) {
        let (name, rules) = (resource.name.clone(), &resource.rules);
        match judge::state(receipt, Some(self.now), &rules.trust, &rules.policy, self.now) {
            State::Expired(failure) => self.stand(resource, known, receipt, failure),
            State::Fresh | State::Stale { .. } => {
                // Validators mean something only to the source that gave them, so the two are kept together.
                let moved = *source != receipt.source;
                let changed = !meta.validators.is_empty() && meta.validators != receipt.validators;
                let said = (moved || changed).then(|| Box::new(Said::new(source.clone(), meta.validators.clone())));
                let kind = ChangeKind::Confirm { heard: heard(meta), said };
                (Decision::passed(name, Outcome::Unchanged, reason), kind)
            }
        }
    }

    /// No source had a version that passes. The last good copy stands, as long as its own expiry lets it.
    pub(super) fn give_up(
        &self,
        resource: &Resource,
        known: Option<&Entry>,
        attempts: Vec<Attempt>,
    ) -> (Decision, ChangeKind) {
        // The furthest that any source came: that is the link that broke last, and the one that tells most.
        let furthest = attempts.iter().rev().max_by_key(|attempt| attempt.step);
        let (failure, status, source) = match furthest {
            Some(attempt) => {
                let failure = Failure::new(attempt.reason, attempt.expected.clone(), attempt.found.clone());
                (failure, attempt.http_status, Some(attempt.source.clone()))
            }
            None => (Failure::new(Reason::UnsupportedScheme, "at least one URL", "none"), None, None),
        };
        let (mut decision, kind) = match known.and_then(Entry::copy) {
            Some(receipt) => self.stand(resource, known, receipt, failure),
            None => (Decision::failed(resource.name.clone(), Outcome::Refused, failure), ChangeKind::Note),
        };
        decision.http_status = status;
        decision.source = source;
        decision.attempts = attempts;
        (decision, kind)
    }

    /// No source may be asked, because of `failure`. The last good copy stands, as long as its own expiry lets it.
    pub(crate) fn keep(&self, resource: &Resource, known: Option<&Entry>, failure: Failure) -> (Decision, Change) {
        let (decision, kind) = match known.and_then(Entry::copy) {
            Some(receipt) => self.stand(resource, known, receipt, failure),
            None => (Decision::failed(resource.name.clone(), Outcome::Refused, failure), ChangeKind::Note),
        };
        self.conclude(known, decision, kind)
    }

    /// Nobody can say any more who may sign `name`: what is there may not be served.
    pub(crate) fn withhold(&self, name: &Name, known: Option<&Entry>, failure: Failure) -> (Decision, Change) {
        let (outcome, kind) = match known.map(|entry| entry.standing) {
            Some(Standing::Live) => (Outcome::Withheld, ChangeKind::Withhold),
            Some(Standing::Withheld) => (Outcome::Withheld, ChangeKind::Note),
            _ => (Outcome::Refused, ChangeKind::Note),
        };
        self.conclude(known, Decision::failed(name.clone(), outcome, failure), kind)
    }

    /// What `failure` means for the copy that is there.
    fn stand(
        &self,
        resource: &Resource,
        known: Option<&Entry>,
        receipt: &Receipt,
        failure: Failure,
    ) -> (Decision, ChangeKind) {
        let (name, rules) = (resource.name.clone(), &resource.rules);
        let checked_at = known.and_then(|entry| entry.checked_at);
        let state = judge::state(receipt, checked_at, &rules.trust, &rules.policy, self.now);
        let served = state.may_be_served(&rules.policy);
        // Whether all that it lacks is that a source confirms it.
        let lapsed = || {
            let confirmed = judge::state(receipt, Some(self.now), &rules.trust, &rules.policy, self.now);
            confirmed.may_be_served(&rules.policy)
        };
        let standing = known.map_or(Standing::Absent, |entry| entry.standing);
        let kind = match (served, standing) {
            (true, Standing::Withheld) => ChangeKind::Restore,
            (false, Standing::Live) if lapsed() => ChangeKind::Lapse,
            (false, Standing::Live) => ChangeKind::Withhold,
            _ => ChangeKind::Note,
        };
        let outcome = if served { Outcome::Kept } else { Outcome::Withheld };
        (Decision::failed(name, outcome, failure), kind)
    }
}

/// What the commit is to keep of what a source said.
fn heard(meta: &Meta) -> Heard {
    Heard { fresh_until: meta.fresh_until, tls_until: meta.tls_until }
}
