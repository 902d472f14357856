//! Twins that arrive as they should and are not what they should be: steps parse, signature, key, identity, expiry,
//! rollback and shrink.

use std::time::Duration;

use bytes::Bytes;
use sigcache_core::{
    Digest, Mark, Name, Outcome, Reason, Receipt, Replays,
    verify::{Companion, Need},
};

use super::{Good, Kind, Plan, Source, Twins};
use crate::drill::{flips, keys, origin::Answer};

/// Long enough to be later by any clock that counts milliseconds.
const MOMENT: Duration = Duration::from_millis(1);

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "flipped-bit",
        what: "one bit of what is signed is another one, at three places",
        demands: &[Reason::SignatureMismatch],
        make: flipped_bit,
    },
    Kind {
        name: "flipped-companion",
        what: "the same of its signature file, or of another companion",
        demands: &[Reason::SignatureMismatch],
        make: flipped_companion,
    },
    Kind {
        name: "unsigned",
        what: "the signature file is 404, or the signature is cut out of the document",
        demands: &[Reason::CompanionMissing, Reason::MalformedSignature, Reason::MalformedDocument, Reason::KeyUnknown],
        make: unsigned,
    },
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
    Kind {
        name: "swapped-identity",
        what: "it is served as another document",
        demands: &[Reason::IdentityMismatch, Reason::IdentityMissing],
        make: swapped_identity,
    },
    Kind {
        name: "expired",
        what: "the clock is past the end of validity that the document states",
        demands: &[Reason::DocumentExpired],
        make: expired,
    },
    Kind {
        name: "max-stale",
        what: "its source is dead, the clock is past `max_stale`, and a reader asks for the copy",
        demands: &[Reason::CopyExpired],
        make: max_stale,
    },
    Kind {
        name: "rolled-back",
        what: "a newer version was accepted before",
        demands: &[Reason::OlderVersion, Reason::ReplayedVersion],
        make: rolled_back,
    },
    Kind {
        name: "shrunk",
        what: "the version before was larger by more than `shrink_limit`",
        demands: &[Reason::Shrunk],
        make: shrunk,
    },
];

fn one(plan: Plan) -> Twins {
    Twins::Variants(vec![plan])
}

fn flipped_bit(good: &Good) -> Twins {
    let flipped = flips::of_document(good.format(), &good.document, !good.is_signed_inside());
    if flipped.is_empty() {
        return Twins::None("nothing that is signed in it can be changed without changing its form".to_owned());
    }
    let plan = |(place, bytes): (String, Bytes)| good.plan(good.serving(Answer::Whole(bytes))).noted(place);
    Twins::Variants(flipped.into_iter().map(plan).collect())
}

fn flipped_companion(good: &Good) -> Twins {
    let flipped: Vec<_> = broken_companions(good, |bytes| flips::of_companion(bytes).map(Answer::Whole));
    let plans = flipped.into_iter().map(|(note, answers)| {
        let mut site = good.site();
        site.extend(answers);
        good.plan(site).noted(note)
    });
    let plans: Vec<Plan> = plans.collect();
    if plans.is_empty() { Twins::None("it has no companion".to_owned()) } else { Twins::Variants(plans) }
}

fn unsigned(good: &Good) -> Twins {
    if good.rests_on_digests() {
        return Twins::None("what is signed is the list of its anchor".to_owned());
    }
    if !good.is_signed_inside() {
        let missing = broken_companions(good, |_| Some(Answer::Status(404)));
        let plans = missing.into_iter().map(|(note, answers)| {
            let mut site = good.site();
            site.extend(answers);
            good.plan(site).caught_as(&[Reason::CompanionMissing]).noted(note)
        });
        return Twins::Variants(plans.collect());
    }
    let format = good.format();
    let content = || good.resource.rules.verifier.content(good.document.clone()).ok();
    let Some(bytes) = flips::unsigned(format, &good.document).or_else(content).filter(|bytes| *bytes != good.document)
    else {
        return Twins::None("this program does not know where its signature is".to_owned());
    };
    let reasons: &[Reason] = match format {
        "narinfo" => &[Reason::KeyUnknown],
        _ => &[Reason::MalformedSignature, Reason::MalformedDocument],
    };
    one(good.plan(good.serving(Answer::Whole(bytes))).caught_as(reasons).noted("cut out"))
}

/// Each companion that is needed by itself, and all of the others together, as one of those may do.
fn broken_companions(good: &Good, answer: impl Fn(&Bytes) -> Option<Answer>) -> Vec<(String, Vec<(String, Answer)>)> {
    let (needed, others): (Vec<_>, Vec<_>) =
        good.companions().into_iter().partition(|(companion, _)| companion.need == Need::Required);
    let broken = |companions: &[(Companion, Bytes)]| {
        let names: Vec<&str> = companions.iter().map(|(companion, _)| &*companion.suffix).collect();
        let answers =
            companions.iter().filter_map(|(companion, bytes)| Some((good.path_of(companion), answer(bytes)?)));
        (names.join(", "), answers.collect::<Vec<_>>())
    };
    let groups = needed.chunks(1).chain(others.chunks(others.len().max(1)));
    groups.map(broken).filter(|(_, answers)| !answers.is_empty()).collect()
}

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
    let Ok(trust) = sigcache_core::trust::Trust::new(keys.collect(), trust.threshold()) else {
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
        (more.key, more.id) = (key, sigcache_core::KeyId::new("one key more"));
        keys.push(more);
        Ok(sigcache_core::trust::Trust::new(keys, needed)?)
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
    let lapses = good.evidence().valid_until.is_some_and(|end| end < now) || is_stale(good, now);
    one(plan.ending(if lapses { good.once_expired() } else { Outcome::Kept }).noted(format!("at {now}")))
}

fn is_stale(good: &Good, now: sigcache_core::Timestamp) -> bool {
    good.resource.rules.policy.max_stale.is_some_and(|limit| now.since(good.at) > limit)
}

fn swapped_identity(good: &Good) -> Twins {
    let mut plan = good.plan(good.site());
    let (configured, said) = (&good.resource.rules.policy.identity, &good.evidence().identity);
    match (configured, said) {
        _ if good.rests_on_digests() => {
            return Twins::None("its anchor's list names the digest of this very document".to_owned());
        }
        (None, Some(_)) if good.format() == "narinfo" && !good.is_signed_inside() => {
            return Twins::None("it is the archive of the `.narinfo` that the configuration names".to_owned());
        }
        (Some(identity), _) => {
            plan.rules.policy.identity = Some(format!("other-{identity}").into());
            one(plan.noted(format!("as other-{identity}")))
        }
        // These hold it against the name of the resource.
        (None, Some(_)) if matches!(good.format(), "checksums" | "minisign" | "narinfo") => {
            let name = good.resource.name.as_str();
            let (folder, file) =
                name.rsplit_once('/').map_or(("", name), |(_, file)| name.split_at(name.len() - file.len()));
            let Ok(name) = Name::new(&format!("{folder}other-{file}")) else {
                return Twins::None("its name is too long for another one".to_owned());
            };
            plan.note = format!("as {name}");
            plan.name = Some(name);
            one(plan.ending(Outcome::Refused))
        }
        (None, Some(said)) => Twins::NotGuarded(format!(
            "the document says that it is {said}, and the configuration does not ask; set `identity`"
        )),
        (None, None) => Twins::NotGuarded(
            "the configuration asks for no identity; set `identity`, and say in `verify` where the document has it"
                .to_owned(),
        ),
    }
}

fn expired(good: &Good) -> Twins {
    let evidence = good.evidence();
    let Some(end) = evidence.valid_until else {
        return Twins::NotGuarded(
            "what is signed states no end of its validity; `max_stale` ends it all the same".to_owned(),
        );
    };
    let now = end.plus(MOMENT);
    if evidence.certificates.iter().any(|certificate| certificate.valid_until < now) {
        return Twins::None("it ends with its certificate".to_owned());
    }
    let keys = good.keys_without_limits();
    let revocations = evidence.certificates.iter().filter_map(|certificate| certificate.revocation_until);
    if revocations.chain(keys.keys().iter().filter_map(|key| key.ends())).any(|end| end < now) {
        return Twins::None("its key or a revocation list ends first".to_owned());
    }
    let mut plan = good.plan(good.site()).trusting(keys);
    plan.now = now;
    one(plan.ending(good.once_expired()).noted(format!("at {now}")))
}

fn max_stale(good: &Good) -> Twins {
    let policy = &good.resource.rules.policy;
    let Some(limit) = policy.max_stale else {
        return Twins::NotGuarded("a copy that no source confirms is served on; set `max_stale`".to_owned());
    };
    if good.once_expired() == Outcome::Kept {
        return Twins::NotGuarded("`on_expiry` is \"serve\": an expired copy is served on".to_owned());
    }
    let mut plan =
        good.plan(good.site()).caught_as(&[Reason::ConnectionRefused]).at(Source::Nobody).ending(Outcome::Withheld);
    plan.now = good.at.plus(limit).plus(MOMENT);
    plan.is_for_readers = true;
    plan.note = format!("at {}", plan.now);
    one(plan)
}

fn rolled_back(good: &Good) -> Twins {
    let policy = &good.resource.rules.policy;
    let mut newer: Receipt = (*good.receipt).clone();
    let (reasons, note): (&[Reason], _) = match newer.evidence.mark {
        Some(mark) => {
            let higher = match mark {
                Mark::Sequence(number) => Mark::Sequence(number.saturating_add(1)),
                Mark::Issued(time) => Mark::Issued(time.plus(DAY)),
                _ => return Twins::None("this program does not know how its versions are counted".to_owned()),
            };
            newer.evidence.mark = Some(higher);
            (&[Reason::OlderVersion], format!("{higher} was accepted"))
        }
        None if good.rests_on_digests() => {
            return Twins::None("its anchor's list says which version is the current one".to_owned());
        }
        None if policy.replays == Replays::Accept => {
            return Twins::NotGuarded("it says no version, and `replays` is \"accept\"".to_owned());
        }
        None => {
            newer.evidence.digest = Digest::of(b"a version that came after it");
            (&[Reason::ReplayedVersion], "other bytes were accepted after it".to_owned())
        }
    };
    let mut plan = good.plan(good.site()).caught_as(reasons).noted(note);
    plan.newer = Some(newer);
    one(plan)
}

fn shrunk(good: &Good) -> Twins {
    let Some(limit) = good.resource.rules.policy.shrink_limit.filter(|limit| *limit < 1.0) else {
        return Twins::NotGuarded("it may lose any part of itself; set `shrink_limit`".to_owned());
    };
    let mut newer: Receipt = (*good.receipt).clone();
    let before = ((newer.evidence.size as f64 + 2.0) / (1.0 - limit) * 1.001).ceil() as u64 + 2;
    newer.evidence.size = before;
    let mut plan = good.plan(good.site()).noted(format!("from {before} bytes"));
    plan.newer = Some(newer);
    one(plan)
}
