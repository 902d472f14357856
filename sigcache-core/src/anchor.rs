//! Anchors: verified documents that name the keys of other resources, or the digests of files.
//!
//! An anchor is a resource like any other, with a JWK Set (RFC 7517, section 5) as its signed content, or a list of
//! checksums. Its document is kept in its own receipt, so whoever has the catalog knows which resources there are and who may sign them, without
//! another request. The receipt is untrusted like everything in the store: the document is verified each time.

mod files;
mod keys;

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use crate::{
    decision::Failure,
    digest::hex,
    entry::Entry,
    judge::{self, State},
    name::Name,
    read::kept_document,
    reason::Reason,
    receipt::Receipt,
    resource::{NameConflict, Resource, Role, Rules, check_names},
    store::{Catalog, Shard},
    time::Timestamp,
    trust::Trust,
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

    #[cfg(feature = "config")]
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
    read(anchored, anchor, document).map_err(|error| broken(&anchor.name, error))
}

/// What `anchored` comes to by a document of `anchor` whose signature holds; or why it cannot be read.
fn read(anchored: &Anchored, anchor: &Resource, document: Bytes) -> Result<Vouched, String> {
    let content = anchor.rules.verifier.content(document).map_err(|error| error.to_string())?;
    Ok(match &anchored.vouches {
        Vouches::Resource { resource, threshold } => keys::one(anchor, resource, *threshold, keys::read(&content)?)?,
        Vouches::Entries { name, identity, rules } => {
            keys::each(anchor, name, identity.as_deref(), rules, keys::read(&content)?)
        }
        Vouches::File { resource } => files::one(anchor, resource, files::read(&content)?),
        Vouches::Files(files) => files::each(anchor, files, files::read(&content)?),
    })
}

/// Whether those of `anchored` that rest on `anchor` could rest on this document, whose signature holds. One that is
/// validly signed and cannot be read must not take the place of one that can, or it would take down all of them.
pub(crate) fn bears(anchored: &[Anchored], anchor: &Resource, document: &Bytes) -> Result<(), Failure> {
    for anchored in anchored.iter().filter(|anchored| anchored.anchor == anchor.name) {
        read(anchored, anchor, document.clone()).map_err(|found| {
            let expected = match &anchored.vouches {
                Vouches::Resource { .. } | Vouches::Entries { .. } => "a JWK set, since others rest on its keys",
                Vouches::File { .. } | Vouches::Files(_) => "a list of checksums, since others rest on its digests",
            };
            Failure::new(Reason::MalformedDocument, expected, found)
        })?;
    }
    Ok(())
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

/// Everything that readers may ask for.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Known {
    /// Those of the configuration whose keys stand in it, and those that anchors vouch for.
    pub resources: Vec<Resource>,
    /// Those that no anchor vouches for now, though they are configured, or stored on the word of an earlier version of
    /// it, or their entry is unusable. They trust nobody, so nothing of them is given out.
    pub unvouched: Vec<Resource>,
    /// Why an anchor vouches for nothing.
    pub broken: Vec<Failure>,
}

/// All resources: `resources`, and those that rest on the anchors among them, by what `catalog` has of them. For readers.
pub fn all(resources: &[Resource], anchored: &[Anchored], catalog: &Catalog, now: Timestamp) -> Known {
    let mut known = Known { resources: resources.to_vec(), ..Known::default() };
    for anchored in anchored {
        let Some(anchor) = known.resources.iter().find(|resource| resource.name == anchored.anchor) else { continue };
        let (anchor, receipt) = (anchor.clone(), catalog.get(&anchored.anchor).and_then(Entry::copy));
        let said = receipt.map(|receipt| vouched(anchored, &anchor, receipt, now));
        match said.transpose() {
            Ok(said) => {
                let Vouched { resources, unusable } = said.unwrap_or_default();
                let (resources, left_out) = fitting(&anchor.name, &known.resources, resources);
                let names = unusable.into_iter().chain(left_out).map(|unusable| unusable.name);
                known.unvouched.extend(names.map(|name| anchored.unvouched(name)));
                known.resources.extend(resources);
            }
            Err(failure) => known.broken.push(failure),
        }
        known.unvouched.extend(anchored.vouches.resource().map(|one| anchored.unvouched(one.name.clone())));
        let rests = |entry: &Entry| entry.copy().and_then(|copy| copy.anchor.as_ref()) == Some(&anchored.anchor);
        let stored = catalog.entries().filter(|(_, entry)| rests(entry)).map(|(name, _)| name.clone());
        known.unvouched.extend(stored.map(|name| anchored.unvouched(name)));
    }
    let mut named: BTreeSet<Name> = known.resources.iter().map(|resource| resource.name.clone()).collect();
    known.unvouched.retain(|resource| named.insert(resource.name.clone()));
    known
}

/// Whether a run or an audit of `shard` looks after `resource`. Every shard has the anchors, each its own copy: what
/// they vouch for is spread over all shards, and no run reads another one's catalog.
pub fn belongs_to(resource: &Resource, shard: Shard) -> bool {
    shard.holds(&resource.name) || resource.rules.role == Role::Anchor
}

/// One refusal for everything that rests on the anchor.
pub(crate) fn broken(anchor: &Name, why: impl ToString) -> Failure {
    Failure::new(Reason::AnchorBroken, format!("the anchor {anchor} to vouch for it"), why.to_string())
}

/// So many entries of an anchor are told one by one that do not fit beside the rest; of what is worse, none is taken.
const CLASHES: usize = 100;

/// Those of `vouched` that fit beside the rest, and those that do not: what an anchor says comes from outside and may not
/// break a run, nor one entry of it all the others.
pub(crate) fn fitting(
    anchor: &Name,
    beside: &[Resource],
    mut vouched: Vec<Resource>,
) -> (Vec<Resource>, Vec<Unusable>) {
    let mut unusable = Vec::new();
    loop {
        let all: Vec<Resource> = beside.iter().chain(&vouched).cloned().collect();
        let Err(conflict) = check_names(&all) else { return (vouched, unusable) };
        let at = |name: &Name| vouched.iter().position(|resource| resource.name == *name);
        let (Some(at), true) = (at(&conflict.second).or_else(|| at(&conflict.first)), unusable.len() < CLASHES) else {
            unusable.extend(vouched.drain(..).map(|resource| clash(anchor, resource.name, &conflict)));
            return (vouched, unusable);
        };
        let name = vouched.swap_remove(at).name;
        let taken = beside.iter().chain(&vouched).any(|resource| resource.name == name);
        // Under the name itself the other one is decided about.
        let told =
            if taken { Name::new(&format!("{name}.{}", &hex(anchor.as_str().as_bytes())[..4])) } else { Ok(name) };
        unusable.extend(told.map(|name| clash(anchor, name, &conflict)));
    }
}

fn clash(anchor: &Name, name: Name, conflict: &NameConflict) -> Unusable {
    let expected = format!("an entry of the anchor {anchor} that fits beside the others");
    Unusable { name, failure: Failure::new(Reason::AnchorEntryUnusable, expected, conflict.to_string()) }
}

impl Anchored {
    /// The resource of this name, which nobody may sign for.
    fn unvouched(&self, name: Name) -> Resource {
        let rules = match &self.vouches {
            Vouches::Resource { resource, .. } | Vouches::File { resource } => &resource.rules,
            Vouches::Entries { rules, .. } => rules,
            Vouches::Files(files) => &files.rules,
        };
        let rules = Arc::new((**rules).clone().with_trust(Trust::nobody()));
        let mut resource = Resource::new(name, [], rules);
        resource.anchor = Some(self.anchor.clone());
        resource
    }
}
