//! Anchors: verified documents that name the keys of other resources.
//!
//! An anchor is a resource like any other, with a JWK Set (RFC 7517, section 5) as its signed content. Its document is
//! kept in its own receipt, so whoever has the catalog knows which resources there are and who may sign them, without
//! another request. The receipt is untrusted like everything in the store: the document is verified each time.

use std::{collections::BTreeMap, sync::Arc};

use url::Url;

use crate::{
    decision::Failure,
    digest::hex,
    entry::Entry,
    evidence::KeyId,
    judge::{self, State},
    name::Name,
    read::kept_document,
    reason::Reason,
    receipt::Receipt,
    resource::{Resource, Role, Rules, check_names},
    store::{Catalog, Shard},
    time::Timestamp,
    trust::{KeyError, PublicKey, Trust, TrustedKey},
};

/// By so much of the hexadecimal form an entry is told whose URL is too long for a name.
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
    let entries = entries(&content).map_err(|error| broken(&anchor.name, error))?;
    match &anchored.vouches {
        Vouches::Resource { resource, threshold } => one(anchor, resource, *threshold, entries),
        Vouches::Entries { name, identity, rules } => Ok(each(anchor, name, identity.as_deref(), rules, entries)),
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

/// The keys of one entry, by its `kid`. Several JWKs with one `kid` are one entry: any of them may sign.
type Entries = BTreeMap<Arc<str>, Vec<Result<PublicKey, KeyError>>>;

#[cfg(not(feature = "keys"))]
fn entries(_content: &[u8]) -> Result<Entries, String> {
    Err("a build that reads no keys (feature `keys`)".to_owned())
}

#[cfg(feature = "keys")]
fn entries(content: &[u8]) -> Result<Entries, String> {
    let mut entries = Entries::new();
    for (number, crate::trust::JwksEntry { kid, key, .. }) in
        crate::trust::parse_jwks(content).map_err(|error| error.to_string())?.into_iter().enumerate()
    {
        let kid = kid.ok_or_else(|| format!("key {} has no `kid`", number + 1))?;
        entries.entry(kid).or_default().push(key);
    }
    Ok(entries)
}

/// The id says whose word the key rests on and which key it is; the `kid` may be anything and as long as a URL.
fn trusted(anchor: &Name, key: PublicKey) -> TrustedKey {
    let id = KeyId::new(&format!("{anchor}#{}", &key.fingerprint().hex()[..16]));
    let mut trusted = TrustedKey::new(id, key);
    trusted.origin = Some(format!("the anchor {anchor}").into());
    trusted.within_certificate()
}

/// The keys that can be used, each once; or why none can.
fn usable(
    anchor: &Name,
    keys: impl IntoIterator<Item = Result<PublicKey, KeyError>>,
) -> Result<Vec<TrustedKey>, String> {
    let (mut usable, mut fault): (Vec<TrustedKey>, _) = (Vec::new(), None);
    for key in keys {
        match key {
            Ok(key) if usable.iter().any(|other| other.key.fingerprint() == key.fingerprint()) => {}
            Ok(key) => usable.push(trusted(anchor, key)),
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    match fault {
        Some(fault) if usable.is_empty() => Err(fault.to_string()),
        None if usable.is_empty() => Err("no key".to_owned()),
        _ => Ok(usable),
    }
}

fn one(anchor: &Resource, resource: &Resource, threshold: usize, entries: Entries) -> Result<Vouched, Failure> {
    let name = &anchor.name;
    let keys = usable(name, entries.into_values().flatten()).map_err(|error| broken(name, error))?;
    let trust = Trust::new(keys, threshold).map_err(|error| broken(name, error))?;
    let mut resource = resource.clone();
    resource.rules = Arc::new((*resource.rules).clone().with_trust(trust));
    resource.anchor = Some(name.clone());
    Ok(Vouched { resources: vec![resource], unusable: Vec::new() })
}

fn each(anchor: &Resource, pattern: &str, identity: Option<&str>, rules: &Arc<Rules>, entries: Entries) -> Vouched {
    let mut vouched = Vouched::default();
    for (kid, keys) in entries {
        let name = |part: &str| Name::new(&pattern.replace("{url_hex}", part));
        let hexadecimal = hex(kid.as_bytes());
        let (name, fits) = match name(&hexadecimal) {
            Ok(name) => (name, Ok(())),
            Err(error) => match name(&hexadecimal[..hexadecimal.len().min(SHORT_HEX)]) {
                Ok(name) => {
                    (name, Err(format!("{error}, and its URL has {} bytes, twice as many in hexadecimal", kid.len())))
                }
                // The configuration has tried the pattern with a URL.
                Err(_) => continue,
            },
        };
        let resource = fits.and_then(|()| usable(&anchor.name, keys)).and_then(|keys| {
            let url = Url::parse(&kid).map_err(|error| format!("the URL {kid:?}: {error}"))?;
            if !matches!(url.scheme(), "https" | "http") {
                return Err(format!("the URL {kid:?}, which is not https or http"));
            }
            let trust = Trust::new(keys, 1).map_err(|error| error.to_string())?;
            let mut rules = (**rules).clone().with_trust(trust);
            rules.policy.identity = identity.map(|identity| identity.replace("{url}", &kid).into());
            let mut resource = Resource::new(name.clone(), [url], Arc::new(rules));
            resource.anchor = Some(anchor.name.clone());
            Ok(resource)
        });
        match resource {
            Ok(resource) => vouched.resources.push(resource),
            Err(error) => {
                let expected = format!("a URL and a key in the entry of the anchor {}", anchor.name);
                vouched
                    .unusable
                    .push(Unusable { name, failure: Failure::new(Reason::AnchorEntryUnusable, expected, error) });
            }
        }
    }
    vouched
}

/// Whether what an anchor vouches for fits beside the rest; what it says comes from outside and may not break a run.
pub(crate) fn fits(anchor: &Name, beside: &[Resource], vouched: &[Resource]) -> Result<(), Failure> {
    let all: Vec<Resource> = beside.iter().chain(vouched).cloned().collect();
    check_names(&all).map_err(|conflict| broken(anchor, conflict))
}

#[cfg(test)]
#[path = "anchor_tests.rs"]
mod tests;
