//! Certificates of the configuration that are no keys: authorities, and those that this client shows.

use std::{collections::BTreeSet, time::Duration};

use sigcache_core::{Resource, Timestamp, config::Config, trust::PublicKey};

use super::Chain;

/// Notes when they end.
pub(crate) fn note(chain: &mut Chain, config: &Config, resources: &[Resource], now: Timestamp, within: Duration) {
    let mut seen = BTreeSet::new();
    let mut each = |kind, of: &str, pem: &[u8]| {
        for end in ends(pem) {
            if seen.insert((kind, end)) {
                chain.calendar.note(kind, of, end, now, within);
            }
        }
    };
    for pem in &config.store.cloud.extra_ca {
        each("authority", "the store", pem);
    }
    for resource in resources {
        let access = &resource.rules.access;
        for pem in &access.extra_ca {
            each("authority", resource.name.as_str(), pem);
        }
        if let Some(pem) = &access.client {
            each("client-certificate", resource.name.as_str(), pem.reveal());
        }
    }
}

/// The ends of all certificates in a text; what else is in it, such as a private key, is passed over.
fn ends(pem: &[u8]) -> Vec<Timestamp> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem);
    let blocks = text.match_indices(BEGIN).filter_map(|(start, _)| {
        let length = text[start..].find(END)? + END.len();
        PublicKey::parse(text[start..start + length].as_bytes()).ok()?.certificate_validity()
    });
    blocks.map(|(_, end)| end).collect()
}
