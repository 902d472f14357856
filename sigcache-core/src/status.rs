//! How every resource stands, by what the catalogs of a store say at one moment.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    anchor::{self, Anchored},
    decision::Failure,
    digest::Digest,
    entry::{Entry, Last, Standing},
    evidence::KeyId,
    judge::{self, State},
    name::Name,
    reason::Step,
    receipt::Receipt,
    resource::Resource,
    store::{Catalog, Copied, Publish, Shard},
    time::Timestamp,
    trust::TrustedKey,
};

/// Everything that readers may ask for: the configured resources, those that anchors vouch for, and what the catalog of
/// each shard says of them.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    catalogs: Vec<(Shard, Catalog)>,
    resources: Vec<Resource>,
    places: HashMap<Name, Place>,
    broken: Vec<Failure>,
    keeps_copies: bool,
}

/// Where a name is found.
#[derive(Debug, Clone, Copy)]
struct Place {
    resource: usize,
    catalog: Option<usize>,
}

impl Holdings {
    /// What `catalogs`, one for each shard of the store, have of `resources` and of what rests on the anchors among them.
    /// `publish` says whether the store keeps plain copies, which may be behind.
    pub fn new(
        resources: &[Resource],
        anchored: &[Anchored],
        catalogs: Vec<(Shard, Catalog)>,
        publish: Publish,
        now: Timestamp,
    ) -> Self {
        let mut all = resources.to_vec();
        let mut broken: Vec<Failure> = Vec::new();
        let empty = [(Shard::WHOLE, Catalog::empty(&Shard::WHOLE.folder()))];
        // Before the first run there is no catalog, and what is configured to rest on an anchor is known all the same.
        for (shard, catalog) in if catalogs.is_empty() { &empty[..] } else { &catalogs } {
            let known = anchor::all(resources, anchored, catalog, now);
            let vouched = known.resources.into_iter().chain(known.unvouched).skip(resources.len());
            all.extend(vouched.filter(|resource| shard.holds(&resource.name)));
            broken.extend(known.broken.into_iter().filter(|failure| !broken.contains(failure)).collect::<Vec<_>>());
        }
        let catalog = |name: &Name| catalogs.iter().position(|(shard, _)| shard.holds(name));
        let place = |(index, resource): (usize, &Resource)| {
            (resource.name.clone(), Place { resource: index, catalog: catalog(&resource.name) })
        };
        let places = all.iter().enumerate().map(place).collect();
        Self { catalogs, resources: all, places, broken, keeps_copies: publish == Publish::Copies }
    }

    /// All resources: the configured ones first, in the order of the configuration.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// A resource, and what the catalog of its shard has of it.
    pub fn find(&self, name: &Name) -> Option<(&Resource, Option<&Entry>)> {
        let place = self.places.get(name)?;
        let entry = place.catalog.and_then(|at| self.catalogs[at].1.get(name));
        Some((&self.resources[place.resource], entry))
    }

    /// Why an anchor vouches for nothing.
    pub fn broken(&self) -> &[Failure] {
        &self.broken
    }

    /// The catalog of each shard.
    pub fn catalogs(&self) -> &[(Shard, Catalog)] {
        &self.catalogs
    }

    /// The number of the newest snapshot; of several shards the highest.
    pub fn sequence(&self) -> u64 {
        self.catalogs.iter().map(|(_, catalog)| catalog.sequence()).max().unwrap_or(0)
    }

    /// How every resource stands at `now`, in the order of [`resources`](Self::resources).
    pub fn rows(&self, now: Timestamp) -> impl Iterator<Item = Row<'_>> {
        self.resources.iter().map(move |resource| self.row_of(resource, now))
    }

    /// How one resource stands at `now`.
    pub fn row(&self, name: &Name, now: Timestamp) -> Option<Row<'_>> {
        Some(self.row_of(&self.resources[self.places.get(name)?.resource], now))
    }

    fn row_of<'h>(&'h self, resource: &'h Resource, now: Timestamp) -> Row<'h> {
        let name = &resource.name;
        let catalog = self.places.get(name).and_then(|place| place.catalog).map(|at| &self.catalogs[at].1);
        let copied = catalog.filter(|_| self.keeps_copies).map_or(Copied::Yes, |catalog| catalog.copied(name, now));
        Row::new(resource, catalog.and_then(|catalog| catalog.get(name)), copied, now)
    }
}

/// How one resource stands.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Row<'h> {
    /// The resource.
    pub resource: &'h Name,
    /// `fresh`, `stale`, `expired`, or `absent`.
    pub state: &'static str,
    /// Whether its copy is given to readers.
    pub served: bool,
    /// Whether the plain copy is up to date or a run is at it, where plain copies are kept.
    pub published: bool,
    /// Since when a run has been at the plain copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publishing_since: Option<Timestamp>,
    /// When a source last confirmed the copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// The end of the validity that the document states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// The size of the copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The keys that signed it.
    pub keys: &'h [KeyId],
    /// How the last run ended for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
    /// The receipt of the copy, given out or not.
    #[serde(skip)]
    pub receipt: Option<&'h Receipt>,
}

/// How the last run ended for a resource, with the step of its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LastRun {
    /// The run, the outcome and the reason.
    #[serde(flatten)]
    pub last: Last,
    /// The first step that did not pass, or `done`.
    pub step: Step,
}

impl<'h> Row<'h> {
    fn new(resource: &'h Resource, entry: Option<&'h Entry>, copied: Copied, now: Timestamp) -> Self {
        let rules = &resource.rules;
        let copy = entry.and_then(|entry| entry.copy().map(|receipt| &**receipt));
        let checked_at = entry.and_then(|entry| entry.checked_at).filter(|_| copy.is_some());
        let state = copy.map(|receipt| judge::state(receipt, checked_at, &rules.trust, &rules.policy, now));
        Self {
            resource: &resource.name,
            state: state.as_ref().map_or("absent", State::as_str),
            // A copy that was withheld comes back with the next run that finds nothing wrong, not by a milder rule alone.
            served: state.is_some_and(|state| state.may_be_served(&rules.policy))
                && entry.is_some_and(|entry| entry.standing == Standing::Live),
            published: copied != Copied::Behind,
            publishing_since: match copied {
                Copied::UnderWay(since) => Some(since),
                Copied::Yes | Copied::Behind => None,
            },
            checked_at,
            valid_until: copy.and_then(|receipt| receipt.evidence.valid_until),
            bytes: copy.map(|receipt| receipt.evidence.size),
            digest: copy.map(|receipt| receipt.evidence.digest),
            keys: copy.map(|receipt| &*receipt.evidence.signers).unwrap_or_default(),
            last: entry.map(|entry| LastRun { last: entry.last, step: entry.last.reason.step() }),
            receipt: copy,
        }
    }

    /// Whether nothing about it needs a person: it is fresh and given out, its plain copy is up to date, and the last run
    /// passed every step.
    pub fn is_good(&self) -> bool {
        self.served && self.published && self.state == "fresh" && self.last.is_some_and(|last| last.step == Step::Done)
    }

    /// Its state in one word: `fresh`, `stale`, `expired` (and given out all the same), `withheld`, or `absent`.
    pub fn standing(&self) -> &'static str {
        if self.served || self.state == "absent" { self.state } else { "withheld" }
    }
}

/// Host and port of a URL.
fn authority(url: &url::Url) -> String {
    url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
}

/// Something that ends at a known time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Expiry {
    /// When it ends.
    pub at: Timestamp,
    /// What it is.
    pub kind: ExpiryKind,
    /// The resource, the key, or the subject of the certificate.
    pub name: String,
    /// What relies on it, where it is not a resource itself: the first of them by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concerns: Option<Name>,
    /// How many rely on it.
    pub count: usize,
}

/// What can come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ExpiryKind {
    /// The validity that a document states.
    Document,
    /// A certificate that signed one.
    Certificate,
    /// What revocation lists say of such a certificate.
    Revocation,
    /// The time in which a key may sign.
    Key,
    /// The certificate that a source's server showed when it was asked last.
    Tls,
}

impl ExpiryKind {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Certificate => "signing certificate",
            Self::Revocation => "revocation list",
            Self::Key => "key",
            Self::Tls => "TLS certificate",
        }
    }
}

impl Holdings {
    /// Everything that has an end, whatever lies in the past included, the earliest first: documents, the certificates
    /// that signed them, those of the sources' servers, and `keys`, configured or named by anchors, that resources rely on.
    pub fn expiries(&self, keys: &[TrustedKey]) -> Vec<Expiry> {
        let mut ends: HashMap<(Timestamp, ExpiryKind, String), (Name, usize)> = HashMap::new();
        let mut note = |at: Option<Timestamp>, kind, name: String, concerns: &Name| {
            let Some(at) = at else { return };
            let (first, count) = ends.entry((at, kind, name)).or_insert_with(|| (concerns.clone(), 0));
            *count += 1;
            if *concerns < *first {
                *first = concerns.clone();
            }
        };
        for resource in &self.resources {
            let name = &resource.name;
            for key in resource.rules.trust.keys() {
                note(key.ends(), ExpiryKind::Key, key.id.to_string(), name);
            }
            let Some(entry) = self.find(name).and_then(|(_, entry)| entry) else { continue };
            let Some(receipt) = entry.copy() else { continue };
            // By the server and not by the document: many have one.
            if let (Some(end), Ok(server)) = (entry.tls_until, url::Url::parse(&receipt.source)) {
                note(Some(end), ExpiryKind::Tls, authority(&server), name);
            }
            note(receipt.evidence.valid_until, ExpiryKind::Document, name.to_string(), name);
            for certificate in &*receipt.evidence.certificates {
                let subject = format!("{} (serial {})", certificate.subject, certificate.serial);
                note(Some(certificate.valid_until), ExpiryKind::Certificate, subject.clone(), name);
                note(certificate.revocation_until, ExpiryKind::Revocation, subject, name);
            }
        }
        let relied = |((at, kind, name), (first, count)): (_, (Name, usize))| {
            let concerns = (kind != ExpiryKind::Document).then_some(first);
            Expiry { at, kind, name, concerns, count }
        };
        let mut expiries: Vec<Expiry> = ends.into_iter().map(relied).collect();
        let unused = keys
            .iter()
            .filter(|key| !expiries.iter().any(|one| one.kind == ExpiryKind::Key && one.name == key.id.as_str()));
        let idle = unused.filter_map(|key| {
            let (at, name) = (key.ends()?, key.id.to_string());
            Some(Expiry { at, kind: ExpiryKind::Key, name, concerns: None, count: 0 })
        });
        let idle: Vec<Expiry> = idle.collect();
        expiries.extend(idle);
        expiries.sort();
        expiries
    }
}
