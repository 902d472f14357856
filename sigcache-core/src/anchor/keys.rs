//! Anchors that name keys: JWK Sets.

use std::{collections::BTreeMap, sync::Arc};

use url::Url;

use super::{SHORT_HEX, Unusable, Vouched};
use crate::{
    decision::Failure,
    digest::hex,
    evidence::KeyId,
    name::Name,
    reason::Reason,
    resource::{Resource, Rules},
    trust::{KeyError, PublicKey, Trust, TrustedKey},
};

/// The keys of one entry, by its `kid`. Several JWKs with one `kid` are one entry: any of them may sign.
pub(super) type Entries = BTreeMap<Arc<str>, Vec<Result<PublicKey, KeyError>>>;

#[cfg(not(feature = "keys"))]
pub(super) fn read(_content: &[u8]) -> Result<Entries, String> {
    Err("a build that reads no keys (feature `keys`)".to_owned())
}

#[cfg(feature = "keys")]
pub(super) fn read(content: &[u8]) -> Result<Entries, String> {
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

pub(super) fn one(
    anchor: &Resource,
    resource: &Resource,
    threshold: usize,
    entries: Entries,
) -> Result<Vouched, String> {
    let name = &anchor.name;
    let keys = usable(name, entries.into_values().flatten())?;
    let trust = Trust::new(keys, threshold).map_err(|error| error.to_string())?;
    let mut resource = resource.clone();
    resource.rules = Arc::new((*resource.rules).clone().with_trust(trust));
    resource.anchor = Some(name.clone());
    Ok(Vouched { resources: vec![resource], unusable: Vec::new() })
}

pub(super) fn each(
    anchor: &Resource,
    pattern: &str,
    identity: Option<&str>,
    rules: &Arc<Rules>,
    entries: Entries,
) -> Vouched {
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
