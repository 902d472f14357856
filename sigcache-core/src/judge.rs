//! The judge: whether a validly signed document is also the right one, new enough and whole enough, and how long a
//! stored copy may be served.
//!
//! Pure functions of evidence, policy, what the catalog remembers, and the time. No I/O, no clock.

use std::time::Duration;

use crate::{
    decision::Failure,
    digest::Digest,
    entry::Entry,
    evidence::{Evidence, Mark},
    policy::{OnExpiry, Policy, Replays},
    reason::Reason,
    receipt::Receipt,
    time::{Timestamp, human_span},
    trust::Trust,
};

/// How far the clocks of two machines that work on one store may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// Judges what a verification established, step by step: key, identity, expiry, rollback, shrink. The first that does
/// not pass is the answer.
pub fn judge(
    evidence: &Evidence,
    trust: &Trust,
    policy: &Policy,
    known: Option<&Entry>,
    now: Timestamp,
) -> Result<(), Failure> {
    trust.judge(evidence, now)?;
    certificates(evidence, now)?;
    identity(evidence, policy)?;
    validity(evidence, now)?;
    if let Some(known) = known {
        rollback(evidence, policy, known)?;
        shrink(evidence, policy, known)?;
    }
    Ok(())
}

/// Whether the certificates that signed may sign at `now`. Here and not while verifying, so that what was accepted in
/// time can still be read and audited later.
fn certificates(evidence: &Evidence, now: Timestamp) -> Result<(), Failure> {
    for certificate in &*evidence.certificates {
        let expected = format!("a certificate path that is valid at {now}");
        let (subject, serial) = (&certificate.subject, &certificate.serial);
        if now < certificate.valid_from {
            let found = format!("one of {subject} (serial {serial}) that is valid from {}", certificate.valid_from);
            return Err(Failure::new(Reason::CertificateNotYetValid, expected, found));
        }
        if now > certificate.valid_until {
            let found = format!("one of {subject} (serial {serial}) that is valid until {}", certificate.valid_until);
            return Err(Failure::new(Reason::CertificateExpired, expected, found));
        }
        if let Some(end) = certificate.revocation_until.filter(|end| now > *end) {
            let expected = format!("a revocation list for {subject} that is current at {now}");
            return Err(Failure::new(Reason::RevocationUnknown, expected, format!("one that is current until {end}")));
        }
    }
    Ok(())
}

/// Whether the document is the one that the configuration asks for.
pub fn identity(evidence: &Evidence, policy: &Policy) -> Result<(), Failure> {
    match (&policy.identity, &evidence.identity) {
        (None, _) => Ok(()),
        (Some(expected), Some(found)) if expected == found => Ok(()),
        (Some(expected), Some(found)) => {
            Err(Failure::new(Reason::IdentityMismatch, &**expected, format!("a document that says it is {found}")))
        }
        (Some(expected), None) => {
            Err(Failure::new(Reason::IdentityMissing, &**expected, "a document that does not say what it is"))
        }
    }
}

/// Whether the document is within the validity that it states itself.
fn validity(evidence: &Evidence, now: Timestamp) -> Result<(), Failure> {
    if let Some(start) = evidence.valid_from.filter(|start| now < *start) {
        let expected = format!("a document valid at {now}");
        return Err(Failure::new(Reason::DocumentNotYetValid, expected, format!("one valid from {start}")));
    }
    if let Some(end) = evidence.valid_until.filter(|end| now > *end) {
        let expected = format!("a document valid at {now}");
        return Err(Failure::new(Reason::DocumentExpired, expected, format!("one valid until {end}")));
    }
    Ok(())
}

/// Whether the document is at least as new as what was accepted before. The mark outlives the copy, so an expired or
/// removed copy guards as well as a fresh one.
fn rollback(evidence: &Evidence, policy: &Policy, known: &Entry) -> Result<(), Failure> {
    // The same bytes with an older mark are a step back all the same, where the mark is not in the document but in what
    // lies beside it.
    let older =
        |than: Option<Mark>| than.zip(evidence.mark).is_some_and(|(than, mark)| mark.is_older_than(than) == Some(true));
    let same = |receipt: &Receipt| receipt.evidence.digest == evidence.digest && !older(receipt.evidence.mark);
    if known.permit.is_some() || known.receipt.as_deref().is_some_and(same) {
        return Ok(());
    }
    match (known.mark, evidence.mark) {
        (Some(high), Some(mark)) => match mark.is_older_than(high) {
            Some(false) => Ok(()),
            Some(true) => Err(Failure::new(Reason::OlderVersion, format!("{high} or newer"), mark.to_string())),
            None => {
                let found = format!("{mark}, which cannot be compared with it");
                Err(Failure::new(Reason::MarkMissing, format!("{high} or newer"), found))
            }
        },
        (Some(high), None) => {
            let found = "a document without version or time of issue";
            Err(Failure::new(Reason::MarkMissing, format!("{high} or newer"), found))
        }
        // Where no accepted version had a mark, its bytes are all that it is known by.
        (None, _) => match policy.replays {
            Replays::Refuse if known.replaced.contains(&evidence.digest) => {
                let found = format!("{}, which an accepted version replaced", evidence.digest);
                Err(Failure::new(Reason::ReplayedVersion, "a version that was not replaced before", found))
            }
            Replays::Refuse | Replays::Accept => Ok(()),
        },
    }
}

/// Whether the document kept enough of its bytes and entries.
fn shrink(evidence: &Evidence, policy: &Policy, known: &Entry) -> Result<(), Failure> {
    let (Some(limit), Some(before)) = (policy.shrink_limit, known.receipt.as_ref().map(|r| &r.evidence)) else {
        return Ok(());
    };
    let check = |what: &str, before: u64, now: u64| {
        let least = before.saturating_sub(part_of(before, limit));
        if now >= least {
            return Ok(());
        }
        let expected = format!("at least {least} of the {before} {what} before");
        Err(Failure::new(Reason::Shrunk, expected, format!("{now} {what}")))
    };
    check("bytes", before.size, evidence.size)?;
    match (before.entries, evidence.entries) {
        (Some(before), Some(now)) => check("entries", before, now),
        _ => Ok(()),
    }
}

/// Whether the stored copy was verified under rules that are still those of the configuration. If not, its validators
/// are not sent: the document is fetched and verified anew under the rules of today.
pub fn is_reusable(receipt: &Receipt, format: &str, settings: Digest, trust: &Trust, policy: &Policy) -> bool {
    receipt.settings == settings && may_be_read(receipt, format, trust, policy)
}

/// Whether a reader may check the stored copy against the rules of today: by the same format, the same keys, and as
/// the same document.
pub fn may_be_read(receipt: &Receipt, format: &str, trust: &Trust, policy: &Policy) -> bool {
    *receipt.evidence.format == *format
        && trust.still_holds(receipt.signers()).is_ok()
        && identity(&receipt.evidence, policy).is_ok()
}

/// How a stored copy stands at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Confirmed by a source within `max_age`.
    Fresh,
    /// Not confirmed for longer than that; still served, and said everywhere.
    Stale {
        /// How long ago it was confirmed.
        age: Duration,
    },
    /// Past its own validity or `max_stale`, or its key was revoked; the failure says which.
    Expired(Failure),
}

impl State {
    /// `fresh`, `stale` or `expired`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale { .. } => "stale",
            Self::Expired(_) => "expired",
        }
    }

    /// Whether a copy in this state may be served.
    pub fn may_be_served(&self, policy: &Policy) -> bool {
        match self {
            Self::Fresh | Self::Stale { .. } => true,
            // A revoked key means that the bytes may be the attacker's: no policy serves them.
            Self::Expired(failure) => failure.reason == Reason::CopyExpired && policy.on_expiry == OnExpiry::Serve,
        }
    }
}

/// How the copy of `receipt`, last confirmed at `checked_at`, stands at `now`.
pub fn state(
    receipt: &Receipt,
    checked_at: Option<Timestamp>,
    trust: &Trust,
    policy: &Policy,
    now: Timestamp,
) -> State {
    if let Err(failure) = trust.still_holds(receipt.signers()) {
        return State::Expired(failure);
    }
    if let Some(end) = receipt.evidence.valid_until.filter(|end| now > *end) {
        let expected = format!("a copy valid at {now}");
        return State::Expired(Failure::new(Reason::CopyExpired, expected, format!("one valid until {end}")));
    }
    let age = now.since(confirmed_at(receipt, checked_at, now));
    if let Some(limit) = policy.max_stale.filter(|limit| age > *limit) {
        let expected = format!("a copy confirmed within {}", human_span(limit));
        let found = format!("one confirmed {} ago", human_span(age));
        return State::Expired(Failure::new(Reason::CopyExpired, expected, found));
    }
    if age > policy.max_age { State::Stale { age } } else { State::Fresh }
}

/// When a source last confirmed the copy. A confirmation from the future was made by a clock that was wrong: believed,
/// it would keep the copy fresh for ever.
pub fn confirmed_at(receipt: &Receipt, checked_at: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let latest = now.plus(CLOCK_SKEW);
    let times = [checked_at, Some(receipt.verified_at)];
    times.into_iter().flatten().filter(|time| *time <= latest).max().unwrap_or(Timestamp::from_millis(0))
}

/// Whether a run may take `removed` of `known` resources away: not more than the part `limit` of them, except that a
/// single one may always go.
pub fn removals(removed: usize, known: usize, limit: f64) -> Result<(), Failure> {
    let most = part_of(known as u64, limit);
    if removed <= 1 || removed as u64 <= most {
        return Ok(());
    }
    let expected = format!("at most {most} of {known} resources to leave at once");
    Err(Failure::new(Reason::MassRemoval, expected, format!("{removed}")))
}

/// The greatest whole number within the part `limit` of `whole`. Binary fractions fall short of decimal ones (0.29 of
/// 100 is 28.999…), so what lies that close below a whole number counts as it: the border itself is allowed.
fn part_of(whole: u64, limit: f64) -> u64 {
    (whole as f64 * limit * (1.0 + 1e-12)).floor() as u64
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
