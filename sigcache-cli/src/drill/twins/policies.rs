//! Twins that are validly signed and are not what they should be: steps identity, expiry, rollback, shrink and commit.

use std::time::Duration;

use sigcache_core::{Digest, Mark, Name, Outcome, Reason, Receipt, Replays};

use super::{Good, Kind, MOMENT, Source, Twins, one};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) const KINDS: &[Kind] = &[
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
    Kind {
        name: "torn-set",
        what: "it is new and good, and the source of another resource of its `set` is dead",
        demands: &[Reason::SetIncomplete],
        make: torn_set,
    },
];

fn swapped_identity(good: &Good) -> Twins {
    let mut plan = good.plan(good.site());
    let (configured, said) = (&good.resource.rules.policy.identity, &good.evidence().identity);
    match (configured, said) {
        _ if good.rests_on_digests() => {
            Twins::None("its anchor's list names the digest of this very document".to_owned())
        }
        (None, Some(_)) if good.format() == "narinfo" && !good.is_signed_inside() => {
            Twins::None("it is the archive of the `.narinfo` that the configuration names".to_owned())
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

fn torn_set(good: &Good) -> Twins {
    if good.resource.rules.policy.set.is_none() {
        return Twins::None("it belongs to no `set`".to_owned());
    }
    let Ok(other) = Name::new(&format!("{}.other-of-its-set", good.resource.name)) else {
        return Twins::None("its name is too long for another one".to_owned());
    };
    let mut before: Receipt = (*good.receipt).clone();
    before.evidence.digest = Digest::of(b"the version before");
    let mut plan = good.plan(good.site());
    // So that it is new, and no step back.
    (plan.newer, plan.rules.policy.replays) = (Some(before), Replays::Accept);
    plan.beside = Some(other);
    one(plan)
}
