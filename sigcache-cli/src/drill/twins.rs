//! The twins: what is broken about each of them, and which step and code must say so.

mod policies;
mod signatures;
mod signers;
mod sources;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sigcache_core::{
    Evidence, Name, OnExpiry, Outcome, Reason, Receipt, Resource, Rules, Timestamp,
    fetch::{Access, Addresses, Limits, Secret},
    trust::Trust,
    verify::Companion,
};

use super::origin::{Answer, PASS, Site};

/// A kind of which there is one twin.
fn one(plan: Plan) -> Twins {
    Twins::Variants(vec![plan])
}

/// The good copy that the twins are made of.
pub(crate) struct Good {
    /// As it is configured, at the origin of the drill.
    pub(crate) resource: Resource,
    /// Whether the configuration lets it come from private addresses, as all of this does.
    pub(crate) from_private: Addresses,
    pub(crate) document: Bytes,
    /// What the run of the scratch store found out about it.
    pub(crate) receipt: Arc<Receipt>,
    /// When that was.
    pub(crate) at: Timestamp,
}

/// A kind of twin.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// What is broken.
    pub(crate) what: &'static str,
    /// The codes of which each of its variants must end in one.
    pub(crate) demands: &'static [Reason],
    make: fn(&Good) -> Twins,
}

/// The twins of one kind.
pub(crate) enum Twins {
    /// These; each must be caught.
    Variants(Vec<Plan>),
    /// None, as nothing guards against it; and what would.
    NotGuarded(String),
    /// None, as there is nothing that could be broken so; and why.
    None(String),
}

impl Kind {
    pub(crate) fn twins(&self, good: &Good) -> Twins {
        (self.make)(good)
    }
}

/// One twin: what is served, under which rules it is taken, and what must come of it.
pub(crate) struct Plan {
    /// Which variant it is, where there are several, and what was shortened.
    pub(crate) note: String,
    pub(crate) site: Site,
    pub(crate) source: Source,
    /// The name under which it is taken, if not under its own.
    pub(crate) name: Option<Name>,
    pub(crate) rules: Rules,
    pub(crate) now: Timestamp,
    /// The name of another resource of the same run, whose source is dead.
    pub(crate) beside: Option<Name>,
    /// What the catalog has as the newest version, if not the good one.
    pub(crate) newer: Option<Receipt>,
    pub(crate) outcome: Outcome,
    /// Which codes the run may end in, if not each of those that its kind demands.
    pub(crate) reasons: Option<&'static [Reason]>,
    /// Whether the demand is on a reader who comes after the run, and not on the run.
    pub(crate) is_for_readers: bool,
}

/// Where the twin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// At the origin.
    Origin,
    /// At a port where nobody listens.
    Nobody,
    /// At a host whose name is longer than a name can be, so that no name server is asked for it.
    Nowhere,
}

/// All kinds, in the order of the steps that catch them.
const KINDS: &[&[Kind]] = &[sources::KINDS, signatures::KINDS, signers::KINDS, policies::KINDS];

/// Long enough to be later by any clock that counts milliseconds.
const MOMENT: Duration = Duration::from_millis(1);

pub(crate) fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().flat_map(|kinds| kinds.iter())
}

impl Good {
    pub(crate) fn evidence(&self) -> &Evidence {
        &self.receipt.evidence
    }

    fn format(&self) -> &str {
        self.resource.rules.verifier.format()
    }

    /// Whether the signature lies in the document itself.
    fn is_signed_inside(&self) -> bool {
        self.companions().is_empty() && !self.rests_on_digests()
    }

    /// Whether a list of an anchor vouches for it, and no key.
    fn rests_on_digests(&self) -> bool {
        self.resource.rules.trust.keys().iter().any(|trusted| trusted.key.as_digest().is_some())
    }

    /// The signature files that it rests on, each with what its verifier says of it.
    fn companions(&self) -> Vec<(Companion, Bytes)> {
        let wanted = self.resource.rules.verifier.companions().into_iter();
        let find = |suffix: &str| self.receipt.companions.iter().find(|kept| *kept.suffix == *suffix);
        wanted
            .filter_map(|companion| Some((find(&companion.suffix)?.bytes.clone(), companion)))
            .map(|(a, b)| (b, a))
            .collect()
    }

    /// The path of the document at the origin.
    fn path(&self) -> String {
        self.resource.urls().first().map_or_else(|| "/".to_owned(), |url| url.path().to_owned())
    }

    /// The path of a companion.
    fn path_of(&self, companion: &Companion) -> String {
        self.resource.urls().first().map_or_else(String::new, |url| companion.beside(url).path().to_owned())
    }

    /// Everything as it should be.
    pub(crate) fn site(&self) -> Site {
        site(&self.resource, &self.document, &self.receipt)
    }

    /// Everything as it should be, but for the document.
    fn serving(&self, answer: Answer) -> Site {
        let mut site = self.site();
        site.insert(self.path(), answer);
        site
    }

    /// A twin that is caught as its kind demands, and leaves the good copy served.
    fn plan(&self, site: Site) -> Plan {
        Plan {
            note: String::new(),
            site,
            source: Source::Origin,
            name: None,
            rules: (*self.resource.rules).clone(),
            now: self.at,
            beside: None,
            newer: None,
            outcome: Outcome::Kept,
            reasons: None,
            is_for_readers: false,
        }
    }

    /// What becomes of a copy that has expired.
    fn once_expired(&self) -> Outcome {
        match self.resource.rules.policy.on_expiry {
            OnExpiry::Withhold => Outcome::Withheld,
            OnExpiry::Serve => Outcome::Kept,
        }
    }

    /// Whether no source has confirmed the copy for too long at `now`.
    fn is_stale(&self, now: Timestamp) -> bool {
        self.resource.rules.policy.max_stale.is_some_and(|limit| now.since(self.at) > limit)
    }

    /// The same keys, without limits in time.
    fn keys_without_limits(&self) -> Trust {
        let trust = &self.resource.rules.trust;
        let keys = trust.keys().iter().cloned().map(|mut key| {
            (key.not_before, key.not_after, key.revoked) = (None, None, false);
            key
        });
        Trust::new(keys.collect(), trust.threshold()).unwrap_or_else(|_| trust.clone())
    }
}

impl Plan {
    fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn at(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    fn limited(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.rules.limits);
        self
    }

    fn caught_as(mut self, reasons: &'static [Reason]) -> Self {
        self.reasons = Some(reasons);
        self
    }

    fn trusting(mut self, trust: Trust) -> Self {
        self.rules.trust = trust;
        self
    }

    fn ending(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// Where everything is as it should be.
pub(crate) fn site(resource: &Resource, document: &Bytes, receipt: &Receipt) -> Site {
    let Some(url) = resource.urls().into_iter().next() else { return Site::new() };
    let companions = resource.rules.verifier.companions();
    let kept = companions.iter().filter_map(|companion| {
        let kept = receipt.companions.iter().find(|kept| kept.suffix == companion.suffix)?;
        Some((companion.beside(&url).path().to_owned(), Answer::Whole(kept.bytes.clone())))
    });
    let document = (url.path().to_owned(), Answer::Whole(document.clone()));
    // The document last: if both were at one place, it would be the document that is there.
    kept.chain([document]).collect()
}

/// The rules of the configuration as far as a server on loopback can be held to them: it is asked once, and with
/// patience, so that a busy machine is not taken for a slow source. No secret goes to it but the one that it knows.
pub(crate) fn within_the_process(rules: &Rules, secret: &str) -> Rules {
    const PATIENCE: Duration = Duration::from_secs(10);
    let mut rules = rules.clone();
    let mut access = Access::default();
    access.addresses = Addresses::Any;
    access.headers = vec![(PASS.to_owned(), Secret::new(secret))];
    rules.access = Arc::new(access);
    let limits = &mut rules.limits;
    limits.tries = 1;
    for limit in
        [&mut limits.connect, &mut limits.first_byte, &mut limits.idle, &mut limits.total, &mut limits.speed_window]
    {
        *limit = (*limit).max(PATIENCE);
    }
    rules
}
