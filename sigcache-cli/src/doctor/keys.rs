//! The keys: whether enough of them may sign for each resource, and when they end.

use std::{collections::BTreeMap, time::Duration};

use sigcache_core::{Resource, Timestamp, human_span, trust::TrustedKey};

use super::{Break, Chain, Link};

/// Checks the keys of `resources`, among them those that anchors named, and the configured ones that nobody uses.
pub(crate) fn check(
    chain: &mut Chain,
    configured: &[TrustedKey],
    resources: &[Resource],
    now: Timestamp,
    within: Duration,
) {
    let mut relied: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut ends: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut count = configured.len();
    let mut whole = true;
    for resource in resources {
        let trust = &resource.rules.trust;
        // What an anchor says of digests is no key.
        let keys = || trust.keys().iter().filter(|key| key.key.as_digest().is_none());
        for key in keys() {
            let id = key.id.as_str();
            let known = relied.entry(id).or_default();
            known.push(resource.name.as_str());
            if known.len() == 1 && !configured.iter().any(|other| other.id == key.id) {
                count += 1;
            }
            // Where a certificate bounds its key, what counts is what those who rely on it hold.
            if let Some(end) = key.ends() {
                ends.entry(id).and_modify(|known| *known = (*known).min(end)).or_insert(end);
            }
        }
        let able = trust.keys().iter().filter(|key| key.may_sign(now).is_ok()).count();
        if able < trust.threshold() && !trust.keys().is_empty() {
            whole = false;
            chain.broken(Link::Keys, resource.name.as_str(), unable(resource, able, now));
        }
    }
    for key in configured {
        note(chain, key, relied.get(key.id.as_str()).map_or(&[][..], Vec::as_slice), now, within);
    }
    for (id, end) in &ends {
        chain.calendar.note("key", id, *end, now, within);
    }
    if whole {
        let next = ends.iter().filter(|(_, end)| **end >= now).min_by_key(|(_, end)| **end);
        let note = match next {
            Some((id, end)) => format!("the next to end is {id}, at {end}, in {}", human_span(end.since(now))),
            None => "none of them ends".to_owned(),
        };
        chain.fine(Link::Keys, super::count(count, "key"), note);
    }
}

/// Too few of its keys may sign.
fn unable(resource: &Resource, able: usize, now: Timestamp) -> Break {
    let trust = &resource.rules.trust;
    let why: Vec<String> =
        trust.keys().iter().filter_map(|key| Some(key.may_sign(now).err()?.found.to_string())).collect();
    let ids: Vec<String> = trust
        .keys()
        .iter()
        .filter(|key| key.may_sign(now).is_err())
        .map(|key| match (key.is_revoked(), key.ends().filter(|end| *end < now), key.not_before) {
            (true, ..) => format!("{} is revoked", key.id),
            (_, Some(end), _) => format!("{} expired at {end}", key.id),
            (_, _, Some(start)) if now < start => format!("{} may sign from {start} on", key.id),
            _ => format!("{} may not sign", key.id),
        })
        .collect();
    let threshold = trust.threshold();
    let found = if ids.is_empty() { why.join(", ") } else { ids.join(", ") };
    Break::new(
        format!("{threshold} of {} keys that may sign at {now}", trust.keys().len()),
        format!("{able}: {found}"),
        "get the publisher's present key by a way that you trust and add it; for one that may sign on, set a later `not_after`",
    )
}

/// What is worth a word about a key of the configuration.
fn note(chain: &mut Chain, key: &TrustedKey, relied: &[&str], now: Timestamp, within: Duration) {
    let id = key.id.as_str();
    if let Some(end) = key.not_after.filter(|_| relied.is_empty()) {
        chain.calendar.note("key", id, end, now, within);
    }
    if let Some((_, end)) = key.key.certificate_validity() {
        chain.calendar.note("key-certificate", id, end, now, within);
    }
    if key.is_revoked() && !relied.is_empty() {
        let by = relied[..relied.len().min(3)].join(", ");
        let more = relied.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        chain.remarks.push(format!("The revoked key {id} is still named by {by}{more}; it counts for nothing there."));
    }
}
