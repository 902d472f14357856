//! Anchors: verified documents that name the keys of other resources, or the digests of files.
//!
//! An anchor is a resource like any other, with a JWK Set (RFC 7517, section 5) as its signed content, or a list of
//! checksums. Its document is kept in its own receipt, so whoever has the catalog knows which resources there are and who may sign them, without
//! another request. The receipt is untrusted like everything in the store: the document is verified each time.

mod files;
mod keys;

use std::sync::Arc;

use crate::{
    decision::Failure,
    entry::Entry,
    judge::{self, State},
    name::Name,
    read::kept_document,
    reason::Reason,
    receipt::Receipt,
    resource::{Resource, Role, Rules, check_names},
    store::{Catalog, Shard},
    time::Timestamp,
};

/// By so much of the hexadecimal form an entry is told of which no name can be made.
const SHORT_HEX: usize = 128;

/// What an anchor vouches for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Anchored {
    /// The anchor's name: a resource of the configuration, or one that an earlier anchor vouches for by its name.
    pub anchor: Name,
    /// For what.
    pub vouches: Vouches,
}

impl Anchored {
    /// `anchor` vouches for this.
    pub fn new(anchor: Name, vouches: Vouches) -> Self {
        Self { anchor, vouches }
    }
}

/// For what an anchor vouches.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Vouches {
    /// For one resource: any `threshold` keys of the anchor may sign it. Its rules trust nobody yet.
    Resource {
        /// The resource.
        resource: Resource,
        /// How many different keys must sign.
        threshold: usize,
    },
    /// For one resource for each entry: its `kid` is the URL, its key the only one that may sign.
    Entries {
        /// The name of each, with `{url_hex}` where the URL belongs, in lower-case hexadecimal.
        name: Arc<str>,
        /// What each document must say it is, with `{url}` where the URL belongs.
        identity: Option<Arc<str>>,
        /// Everything else. These rules trust nobody yet.
        rules: Arc<Rules>,
    },
    /// For one file, by the digests that the anchor's list has for it. Its rules trust nobody yet. It is known in the list
    /// by its identity, or else by the last part of its name.
    File {
        /// The resource.
        resource: Resource,
    },
    /// For one resource for each file in the anchor's list.
    Files(Files),
}

/// The files of an anchor's list.
#[derive(Debug, Clone)]
pub struct Files {
    /// The name of each, with `{file}` where the file's name in the list belongs.
    pub name: Arc<str>,
    /// Where each can be had, in the order in which to try, with `{file}` in the same way.
    pub urls: Arc<[String]>,
    /// Which of them, by patterns in which `?` stands for any byte and `*` for any number of them; all if there is none.
    pub only: Arc<[String]>,
    /// Everything else. These rules trust nobody yet.
    pub rules: Arc<Rules>,
}

impl Vouches {
    /// The one resource that stands in the configuration, if it is for such a one.
    pub fn resource(&self) -> Option<&Resource> {
        match self {
            Self::Resource { resource, .. } | Self::File { resource } => Some(resource),
            Self::Entries { .. } | Self::Files(_) => None,
        }
    }

    pub(crate) fn resource_mut(&mut self) -> Option<&mut Resource> {
        match self {
            Self::Resource { resource, .. } | Self::File { resource } => Some(resource),
            Self::Entries { .. } | Self::Files(_) => None,
        }
    }
}

/// An entry of an anchor that cannot be used, while the others can.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unusable {
    /// The resource that it would be.
    pub name: Name,
    /// Why not.
    pub failure: Failure,
}

/// The resources that an anchor vouches for.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Vouched {
    /// Those with a usable entry.
    pub resources: Vec<Resource>,
    /// Those without.
    pub unusable: Vec<Unusable>,
}

/// What `anchored` comes to, by the document in `receipt`, which is the copy of `anchor`.
///
/// Says nothing about whether the anchor's document is still valid at `now`: what rests on a document that has expired
/// stands until its own expiry, but nothing new may be fetched on its word; see [`lapsed`].
pub fn vouched(anchored: &Anchored, anchor: &Resource, receipt: &Receipt, now: Timestamp) -> Result<Vouched, Failure> {
    let document = kept_document(anchor, receipt, now).map_err(|error| broken(&anchor.name, error))?;
    let content = anchor.rules.verifier.content(document).map_err(|error| broken(&anchor.name, error))?;
    let broken = |error: String| broken(&anchor.name, error);
    match &anchored.vouches {
        Vouches::Resource { resource, threshold } => {
            keys::one(anchor, resource, *threshold, keys::read(&content).map_err(broken)?)
        }
        Vouches::Entries { name, identity, rules } => {
            let entries = keys::read(&content).map_err(broken)?;
            Ok(keys::each(anchor, name, identity.as_deref(), rules, entries))
        }
        Vouches::File { resource } => Ok(files::one(anchor, resource, files::read(&content).map_err(broken)?)),
        Vouches::Files(files) => Ok(files::each(anchor, files, files::read(&content).map_err(broken)?)),
    }
}

/// Why the copy of an anchor vouches for nothing new at `now`, if so.
pub fn lapsed(anchor: &Resource, entry: Option<&Entry>, now: Timestamp) -> Option<Failure> {
    let rules = &anchor.rules;
    let Some((entry, receipt)) = entry.and_then(|entry| Some((entry, entry.live()?))) else {
        return Some(broken(&anchor.name, "no copy of it that may be served"));
    };
    match judge::state(receipt, entry.checked_at, &rules.trust, &rules.policy, now) {
        State::Expired(failure) => Some(broken(&anchor.name, failure.found)),
        State::Fresh | State::Stale { .. } => None,
    }
}

/// All resources: `resources`, and those that the anchors among them vouch for by what `catalog` has of them. For
/// readers; an anchor that vouches for nothing is told beside them.
pub fn all(
    resources: &[Resource],
    anchored: &[Anchored],
    catalog: &Catalog,
    now: Timestamp,
) -> (Vec<Resource>, Vec<Failure>) {
    let (mut all, mut failures) = (resources.to_vec(), Vec::new());
    for anchored in anchored {
        let Some(anchor) = all.iter().find(|resource| resource.name == anchored.anchor) else { continue };
        let Some(receipt) = catalog.get(&anchor.name).and_then(Entry::copy) else { continue };
        match vouched(anchored, anchor, receipt, now) {
            Ok(vouched) => all.extend(vouched.resources),
            Err(failure) => failures.push(failure),
        }
    }
    (all, failures)
}

/// Whether a run or an audit of `shard` looks after `resource`. Every shard has the anchors, each its own copy: what
/// they vouch for is spread over all shards, and no run reads another one's catalog.
pub fn belongs_to(resource: &Resource, shard: Shard) -> bool {
    shard.holds(&resource.name) || resource.rules.role == Role::Anchor
}

/// One refusal for everything that rests on the anchor.
pub(crate) fn broken(anchor: &Name, why: impl ToString) -> Failure {
    Failure::new(Reason::AnchorBroken, format!("the anchor {anchor} to vouch for the keys"), why.to_string())
}

/// Whether what an anchor vouches for fits beside the rest; what it says comes from outside and may not break a run.
pub(crate) fn fits(anchor: &Name, beside: &[Resource], vouched: &[Resource]) -> Result<(), Failure> {
    let all: Vec<Resource> = beside.iter().chain(vouched).cloned().collect();
    check_names(&all).map_err(|conflict| broken(anchor, conflict))
}
