//! Twins whose signature is not by those who may sign: step key.

use sigcache_core::{KeyId, Outcome, Reason, trust::Trust};

use super::{Good, Kind, MOMENT, Twins, one};
use crate::drill::keys;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "wrong-key",
        what: "other keys of the same kind stand in the configuration, made for this, so nobody has signed with them",
        demands: &[Reason::SignatureMismatch, Reason::KeyUnknown, Reason::CertificateUntrusted],
        make: wrong_key,
    },
    Kind {
        name: "revoked-key",
        what: "every key that may sign is `revoked`",
        demands: &[Reason::KeyRevoked],
        make: |good| limited_keys(good, Reason::KeyRevoked),
    },
    Kind {
        name: "expired-key",
        what: "every key that may sign has a `not_after` that has passed",
        demands: &[Reason::KeyExpired],
        make: |good| limited_keys(good, Reason::KeyExpired),
    },
    Kind {
        name: "early-key",
        what: "every key that may sign has a `not_before` that has not come",
        demands: &[Reason::KeyNotYetValid],
        make: |good| limited_keys(good, Reason::KeyNotYetValid),
    },
    Kind {
        name: "threshold",
        what: "one key more must have signed than did",
        demands: &[Reason::ThresholdNotMet],
        make: threshold,
    },
    Kind {
        name: "expired-certificate",
        what: "the clock is past the end of a certificate between the signature and its root",
        demands: &[Reason::CertificateExpired],
        make: expired_certificate,
    },
];

fn wrong_key(good: &Good) -> Twins {
    let trust = match keys::all_replaced(&good.resource.rules.trust) {
        Ok(trust) => trust,
        Err(error) => return Twins::None(format!("no other key could be made: {error}")),
    };
    let reasons: &[Reason] = match good.format() {
        _ if !good.evidence().certificates.is_empty() => &[Reason::CertificateUntrusted],
        // These name their key by what it is; the others are tried with every key.
        "ssh" | "note" | "openpgp" => &[Reason::KeyUnknown],
        "saml-metadata" | "xmldsig" | "checksums" => &[Reason::KeyUnknown, Reason::SignatureMismatch],
        _ => &[Reason::SignatureMismatch],
    };
    // With its keys goes the copy that they signed.
    one(good.plan(good.site()).caught_as(reasons).trusting(trust).ending(Outcome::Withheld))
}

fn limited_keys(good: &Good, reason: Reason) -> Twins {
    if good.rests_on_digests() {
        return Twins::None("no key signed it, but its anchor's list names its digest".to_owned());
    }
    let trust = &good.resource.rules.trust;
    let unlimited = good.keys_without_limits();
    let keys = unlimited.keys().iter().cloned().map(|mut key| {
        match reason {
            Reason::KeyRevoked => key.revoked = true,
            Reason::KeyExpired => key.not_after = Some(good.at.minus(MOMENT)),
            _ => key.not_before = Some(good.at.plus(MOMENT)),
        }
        key
    });
    let Ok(trust) = Trust::new(keys.collect(), trust.threshold()) else {
        return Twins::None("it has no keys".to_owned());
    };
    // Revocation takes back what was signed before; the end of a key does not.
    let outcome = if reason == Reason::KeyRevoked { Outcome::Withheld } else { Outcome::Kept };
    one(good.plan(good.site()).trusting(trust).ending(outcome))
}

fn threshold(good: &Good) -> Twins {
    if good.rests_on_digests() {
        return Twins::None("all digests of its anchor's list must fit, and do".to_owned());
    }
    let mut keys = good.keys_without_limits().keys().to_vec();
    let Some(mut more) = keys.first().cloned() else { return Twins::None("it has no keys".to_owned()) };
    let needed = good.evidence().signers.len() + 1;
    let made = keys::fresh(&more.key).and_then(|key| {
        (more.key, more.id) = (key, KeyId::new("one key more"));
        keys.push(more);
        Ok(Trust::new(keys, needed)?)
    });
    match made {
        Ok(trust) => {
            let plan = good.plan(good.site()).trusting(trust);
            one(plan.ending(Outcome::Withheld).noted(format!("threshold raised to {needed}")))
        }
        Err(error) => Twins::None(format!("no other key could be made: {error}")),
    }
}

fn expired_certificate(good: &Good) -> Twins {
    let certificates = &good.evidence().certificates;
    let Some(end) = certificates.iter().map(|certificate| certificate.valid_until).min() else {
        return Twins::None("no certificate stands between its signature and the configured keys".to_owned());
    };
    let now = end.plus(MOMENT);
    if certificates.iter().filter_map(|certificate| certificate.revocation_until).any(|end| end < now) {
        return Twins::None("the revocation list ends first".to_owned());
    }
    let mut plan = good.plan(good.site()).trusting(good.keys_without_limits());
    plan.now = now;
    let lapses = good.evidence().valid_until.is_some_and(|end| end < now) || good.is_stale(now);
    one(plan.ending(if lapses { good.once_expired() } else { Outcome::Kept }).noted(format!("at {now}")))
}
