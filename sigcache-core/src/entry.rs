//! What the catalog remembers of one resource.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    decision::RunId,
    digest::Digest,
    evidence::Mark,
    reason::{Outcome, Reason},
    receipt::Receipt,
    time::Timestamp,
};

/// How many replaced versions are remembered, so that their bytes are known when they come back.
pub const REMEMBERED_VERSIONS: usize = 32;

/// What the catalog remembers of one resource: the copy and why it is trusted, how high its mark stood, and how the
/// last run ended for it. A resource that was never stored has an entry too, without a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The newest verified version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Arc<Receipt>>,
    /// Whether it is served.
    pub standing: Standing,
    /// The number of the snapshot in which receipt or standing changed last: what is published is behind until then.
    pub changed_in: u64,
    /// When a source last confirmed that this is the current version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// Until then the source need not be asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_until: Option<Timestamp>,
    /// When the certificate ends that the server showed which confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_until: Option<Timestamp>,
    /// The highest mark ever accepted. It outlives the copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// Digests of versions that were replaced, the newest last; at most [`REMEMBERED_VERSIONS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Digest>,
    /// Suffixes of companions that earlier versions had and this one has not; their plain copies are to go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Arc<str>>,
    /// A person allowed the next version to be older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit: Option<Permit>,
    /// How the last run ended for this resource.
    pub last: Last,
}

impl Entry {
    /// A resource of which nothing is known but how its first run ended.
    pub fn new(last: Last) -> Self {
        Self {
            receipt: None,
            standing: Standing::Absent,
            changed_in: 0,
            checked_at: None,
            fresh_until: None,
            tls_until: None,
            mark: None,
            replaced: Vec::new(),
            former: Vec::new(),
            permit: None,
            last,
        }
    }

    /// The receipt of the copy, served or withheld; one that left the configuration is as good as none.
    pub fn copy(&self) -> Option<&Arc<Receipt>> {
        self.receipt.as_ref().filter(|_| matches!(self.standing, Standing::Live | Standing::Withheld))
    }

    /// How a refresh that changes nothing ends for this resource.
    pub fn standing_outcome(&self) -> Outcome {
        match self.standing {
            Standing::Live => Outcome::Kept,
            Standing::Withheld => Outcome::Withheld,
            Standing::Absent | Standing::Removed => Outcome::Refused,
        }
    }

    /// The receipt of the copy that is served, if one is.
    pub fn live(&self) -> Option<&Arc<Receipt>> {
        self.receipt.as_ref().filter(|_| self.standing == Standing::Live)
    }
}

/// Whether a copy is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Standing {
    /// There is none.
    Absent,
    /// It is served.
    Live,
    /// It is past its expiry, or a key that signed it was revoked.
    Withheld,
    /// The resource left the configuration. Its mark is remembered in case it comes back.
    Removed,
}

/// A person's word that the next version may be older than the mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Permit {
    /// When it was given.
    pub at: Timestamp,
    /// The reason given.
    pub reason: Arc<str>,
}

impl Permit {
    /// A permit given at `at`.
    pub fn new(at: Timestamp, reason: &str) -> Self {
        Self { at, reason: reason.into() }
    }
}

/// How the run that committed last ended for a resource; the run's report has the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Last {
    /// The run.
    pub run: RunId,
    /// What it did.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

impl Last {
    /// The end of `run` for a resource.
    pub fn new(run: RunId, outcome: Outcome, reason: Reason) -> Self {
        Self { run, outcome, reason }
    }
}
