//! The keys: whether enough of them may sign for each resource, and when they end.

use std::{collections::BTreeMap, time::Duration};

use sigcache_core::{
    Resource, Timestamp, human_span,
    trust::{Trust, TrustedKey},
};

use super::{Break, Chain, Link, count, few};

/// Keys of which too few may sign, and what they are for.
struct Without<'a> {
    trust: &'a Trust,
    able: usize,
    resources: Vec<&'a str>,
}

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
    let mut without: BTreeMap<(Vec<&str>, usize), Without<'_>> = BTreeMap::new();
    let mut all = configured.len();
    for resource in resources {
        let trust = &resource.rules.trust;
        // What an anchor says of digests is no key.
        let keys = || trust.keys().iter().filter(|key| key.key.as_digest().is_none());
        for key in keys() {
            let id = key.id.as_str();
            let known = relied.entry(id).or_default();
            known.push(resource.name.as_str());
            if known.len() == 1 && !configured.iter().any(|other| other.id == key.id) {
                all += 1;
            }
            // Where a certificate bounds its key, what counts is what those who rely on it hold.
            if let Some(end) = key.ends() {
                ends.entry(id).and_modify(|known| *known = (*known).min(end)).or_insert(end);
            }
        }
        let able = trust.keys().iter().filter(|key| key.may_sign(now).is_ok()).count();
        if able < trust.threshold() && !trust.keys().is_empty() {
            // One row for all that the same keys are for.
            let ids: Vec<&str> = trust.keys().iter().map(|key| key.id.as_str()).collect();
            let alike = without.entry((ids, trust.threshold()));
            let alike = alike.or_insert_with(|| Without { trust, able, resources: Vec::new() });
            alike.resources.push(resource.name.as_str());
        }
    }
    for Without { trust, able, resources } in without.values() {
        chain.broken(Link::Keys, few(resources), unable(trust, *able, now));
    }
    for key in configured {
        note(chain, key, relied.get(key.id.as_str()).map_or(&[][..], Vec::as_slice), now, within);
    }
    for (id, end) in &ends {
        chain.calendar.note("key", id, *end, now, within);
    }
    if without.is_empty() {
        let next = ends.iter().filter(|(_, end)| **end >= now).min_by_key(|(_, end)| **end);
        let note = match next {
            Some((id, end)) => format!("the next to end is {id}, at {end}, in {}", human_span(end.since(now))),
            None => "none of them ends".to_owned(),
        };
        chain.fine(Link::Keys, count(all, "key"), note);
    }
}

/// Too few of these keys may sign.
fn unable(trust: &Trust, able: usize, now: Timestamp) -> Break {
    let unable = trust.keys().iter().filter(|key| key.may_sign(now).is_err());
    let why = unable.map(|key| match (key.is_revoked(), key.ends().filter(|end| *end < now), key.not_before) {
        (true, ..) => format!("{} is revoked", key.id),
        (_, Some(end), _) => format!("{} expired at {end}", key.id),
        (_, _, Some(start)) if now < start => format!("{} may sign from {start} on", key.id),
        _ => format!("{} may not sign", key.id),
    });
    let why: Vec<String> = why.collect();
    Break::new(
        format!("{} of {} that may sign at {now}", trust.threshold(), count(trust.keys().len(), "key")),
        format!("{able}: {}", why.join(", ")),
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
        let by = few(relied);
        chain.remarks.push(format!("The revoked key {id} is still named by {by}; it counts for nothing there."));
    }
}
