//! Anchors that name digests: lists of checksums.

use std::{collections::BTreeMap, sync::Arc};

use url::Url;

use super::{Files, SHORT_HEX, Unusable, Vouched};
use crate::{
    decision::Failure,
    digest::hex,
    evidence::KeyId,
    name::Name,
    policy::Replays,
    reason::Reason,
    resource::{Resource, Rules},
    trust::{Hash, PublicKey, Trust, TrustedKey, matches_pattern},
    verify::file_name,
};

/// The hashes that the list has for each file.
pub(super) type List = BTreeMap<String, Vec<Hash>>;

#[cfg(not(feature = "checksums"))]
pub(super) fn read(_content: &[u8]) -> Result<List, String> {
    Err("a build that reads no lists of checksums (feature `checksums`)".to_owned())
}

#[cfg(feature = "checksums")]
pub(super) fn read(content: &[u8]) -> Result<List, String> {
    let mut list = List::new();
    for line in crate::verify::checksum_list::parse(content).map_err(|error| error.to_string())? {
        list.entry(line.name).or_default().push(line.hash);
    }
    Ok(list)
}

/// The file as `resource`; unusable if the list does not have it.
pub(super) fn one(anchor: &Resource, resource: &Resource, mut list: List) -> Vouched {
    let file = file_name(&resource.name, resource.rules.policy.identity.as_deref());
    let names = list.len();
    let hashes = list.remove(file).ok_or_else(|| format!("none among {names} names"));
    let expected = || format!("a line for {file} in the list of the anchor {}", anchor.name);
    let mut vouched = Vouched::default();
    match hashes.and_then(|hashes| rules(anchor, &resource.rules, &hashes)) {
        Ok(rules) => {
            let resource = Resource { rules: Arc::new(rules), anchor: Some(anchor.name.clone()), ..resource.clone() };
            vouched.resources.push(resource);
        }
        Err(found) => vouched.unusable.push(unusable(resource.name.clone(), expected(), found)),
    }
    vouched
}

/// A resource for each file that is meant.
pub(super) fn each(anchor: &Resource, files: &Files, list: List) -> Vouched {
    let mut vouched = Vouched::default();
    let meant = |file: &str| {
        files.only.is_empty() || files.only.iter().any(|pattern| matches_pattern(pattern.as_bytes(), file.as_bytes()))
    };
    for (file, hashes) in list.iter().filter(|(file, _)| meant(file)) {
        match resource(anchor, files, file, hashes) {
            Ok(resource) => vouched.resources.push(resource),
            Err(found) => {
                let short: String = hex(file.as_bytes()).chars().take(SHORT_HEX).collect();
                let name = named(files, file).or_else(|_| named(files, &short));
                let expected = format!(
                    "a name that can be stored, once for each kind of digest, in the list of the anchor {}",
                    anchor.name
                );
                // The configuration has tried the pattern with a name.
                vouched.unusable.extend(name.ok().map(|name| unusable(name, expected, found)));
            }
        }
    }
    vouched
}

fn resource(anchor: &Resource, files: &Files, file: &str, hashes: &[Hash]) -> Result<Resource, String> {
    let name = named(files, file)?;
    let url = |pattern: &String| {
        Url::parse(&pattern.replace("{file}", file)).map_err(|error| format!("no URL of {file:?}: {error}"))
    };
    let urls = files.urls.iter().map(url).collect::<Result<Vec<Url>, String>>()?;
    let mut rules = rules(anchor, &files.rules, hashes)?;
    rules.policy.identity = Some(file.into());
    let mut resource = Resource::new(name, urls, Arc::new(rules));
    resource.anchor = Some(anchor.name.clone());
    Ok(resource)
}

/// What a file of the list is called in the store. The file's own name is checked too: it may climb out of no folder of
/// the source either.
fn named(files: &Files, file: &str) -> Result<Name, String> {
    let name = Name::new(file).and_then(|_| Name::new(&files.name.replace("{file}", file)));
    name.map_err(|error| format!("{file:?}: {error}"))
}

/// The rules for a document that must have all of these hashes.
fn rules(anchor: &Resource, rules: &Rules, hashes: &[Hash]) -> Result<Rules, String> {
    let mut keys: Vec<TrustedKey> = Vec::new();
    for hash in hashes {
        if hashes.iter().filter(|other| other.kind() == hash.kind()).count() > 1 {
            return Err(format!("several lines of {}", hash.kind()));
        }
        let id = format!("{}#{}:{}", anchor.name, hash.kind(), &hex(hash.as_bytes())[..16]);
        let mut trusted = TrustedKey::new(KeyId::new(&id), PublicKey::of_digest(*hash));
        trusted.origin = Some(format!("the anchor {}", anchor.name).into());
        keys.push(trusted);
    }
    let all = keys.len();
    let trust = Trust::new(keys, all).map_err(|error| error.to_string())?;
    let mut rules = rules.clone().with_trust(trust);
    // Which bytes are current is what the list says; that it is no older one is checked of the list.
    rules.policy.replays = Replays::Accept;
    Ok(rules)
}

fn unusable(name: Name, expected: String, found: String) -> Unusable {
    Unusable { name, failure: Failure::new(Reason::AnchorEntryUnusable, expected, found) }
}
