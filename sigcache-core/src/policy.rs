//! What a resource is allowed to be and to become, apart from who signs it.

use std::{sync::Arc, time::Duration};

/// The policies of a resource. [`crate::judge`] applies them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// After this long without confirmation by a source a copy is stale: still served, and said everywhere.
    pub max_age: Duration,
    /// After this long without confirmation a copy is expired, whatever the document says of itself.
    pub max_stale: Option<Duration>,
    /// What happens to an expired copy.
    pub on_expiry: OnExpiry,
    /// What the signed content must say it is.
    pub identity: Option<Arc<str>>,
    /// The greatest part (0 to 1) of its bytes or entries that a new version may lose; `None` for no limit.
    pub shrink_limit: Option<f64>,
    /// What to do with the very bytes of a version that was replaced before.
    pub replays: Replays,
    /// When to ask the source.
    pub revalidate: Revalidate,
    /// Resources of the same set are taken together or not at all.
    pub set: Option<Arc<str>>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(3 * 3600),
            max_stale: None,
            on_expiry: OnExpiry::Withhold,
            identity: None,
            shrink_limit: None,
            replays: Replays::Refuse,
            revalidate: Revalidate::WhenStale,
            set: None,
        }
    }
}

/// What happens to an expired copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExpiry {
    /// It is not served any more and its published copy is taken away; the version stays in the store.
    Withhold,
    /// It is served on. Still holds: it was verified. Lost: it may be long outdated.
    Serve,
}

/// What to do with the very bytes of a version that was replaced before, where the document has no mark of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replays {
    /// They are refused: an attacker can always serve old, validly signed bytes.
    Refuse,
    /// They are taken, for publishers who do go back. Still holds: signed by the right key. Lost: no guard against
    /// rollback for documents without version.
    Accept,
}

/// When to ask the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revalidate {
    /// When the last answer is no longer fresh by its own cache headers (RFC 9111, section 4.2), without heuristics.
    WhenStale,
    /// In every run.
    Always,
}
