//! Tables for every step of the judge: the last case that passes beside the first that does not.

use super::*;
use crate::{
    decision::RunId,
    digest::Digest,
    entry::{Last, Permit, Standing},
    evidence::{KeyId, Mark},
    reason::{Outcome, Step},
    receipt::Validators,
    trust::{PublicKey, TrustedKey},
};

type Verdict = Result<(), Reason>;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn key(id: &str) -> TrustedKey {
    TrustedKey::new(KeyId::new(id), PublicKey::opaque(id.as_bytes().to_vec()))
}

fn trust() -> Trust {
    Trust::new(vec![key("a"), key("b")], 1).unwrap()
}

fn revoked() -> Trust {
    let mut bad = key("a");
    bad.revoked = true;
    Trust::new(vec![bad, key("b")], 1).unwrap()
}

fn evidence(content: &str) -> Evidence {
    Evidence::new("test", Digest::of(content.as_bytes()), 100, [KeyId::new("a")])
}

fn marked(content: &str, mark: Option<Mark>) -> Evidence {
    Evidence { mark, ..evidence(content) }
}

fn receipt(evidence: Evidence) -> Receipt {
    Receipt {
        version: "v".into(),
        source: "https://a.example/".into(),
        verified_at: at(1000),
        keys: evidence.signers.iter().map(|id| key(id.as_str()).key.fingerprint()).collect(),
        settings: Digest::of(b"settings"),
        evidence,
        companions: Vec::new(),
        validators: Validators::default(),
        content_type: None,
        document: None,
        anchor: None,
    }
}

/// What the catalog knows after `evidence` was stored.
fn known(evidence: Evidence) -> Entry {
    let run = RunId::new(at(0), 1);
    let mark = evidence.mark;
    Entry {
        receipt: Some(receipt(evidence).into()),
        standing: Standing::Live,
        mark,
        ..Entry::new(Last::new(run, Outcome::Stored, Reason::FirstVersion))
    }
}

fn verdict(answer: Result<(), Failure>) -> Verdict {
    answer.map_err(|failure| failure.reason)
}

fn sequence(number: u64) -> Option<Mark> {
    Some(Mark::Sequence(number))
}

fn issued(time: i64) -> Option<Mark> {
    Some(Mark::Issued(at(time)))
}

#[test]
fn identity_table() {
    let table = [
        (None, None, Ok(())),
        (None, Some("x"), Ok(())),
        (Some("x"), Some("x"), Ok(())),
        (Some("x"), Some("X"), Err(Reason::IdentityMismatch)),
        (Some("x"), Some("x "), Err(Reason::IdentityMismatch)),
        (Some("x"), Some(""), Err(Reason::IdentityMismatch)),
        (Some("x"), None, Err(Reason::IdentityMissing)),
        (Some(""), Some(""), Ok(())),
        (Some(""), None, Err(Reason::IdentityMissing)),
    ];
    for (expected, found, answer) in table {
        let policy = Policy { identity: expected.map(Into::into), ..Policy::default() };
        let evidence = Evidence { identity: found.map(Into::into), ..evidence("x") };
        assert_eq!(verdict(identity(&evidence, &policy)), answer, "{expected:?} {found:?}");
    }
}

#[test]
fn attack_identity_swap_a_validly_signed_a_served_as_b() {
    let policy = Policy { identity: Some("b".into()), ..Policy::default() };
    let a = Evidence { identity: Some("a".into()), ..evidence("a") };
    let failure = judge(&a, &trust(), &policy, None, at(0)).unwrap_err();
    assert_eq!((failure.step(), failure.reason), (Step::Identity, Reason::IdentityMismatch));
    assert_eq!((&*failure.expected, &*failure.found), ("b", "a document that says it is a"));
}

#[test]
fn validity_table() {
    let early = Err(Reason::DocumentNotYetValid);
    let late = Err(Reason::DocumentExpired);
    let table = [
        (None, None, 50, Ok(())),
        (Some(50), None, 49, early),
        (Some(50), None, 50, Ok(())),
        (Some(50), None, 51, Ok(())),
        (None, Some(50), 49, Ok(())),
        (None, Some(50), 50, Ok(())),
        (None, Some(50), 51, late),
        (Some(40), Some(60), 39, early),
        (Some(40), Some(60), 40, Ok(())),
        (Some(40), Some(60), 60, Ok(())),
        (Some(40), Some(60), 61, late),
        (Some(50), Some(50), 50, Ok(())),
        // A validity that ends before it begins never holds.
        (Some(60), Some(40), 50, early),
        (Some(60), Some(40), 60, late),
    ];
    for (from, until, now, answer) in table {
        let evidence = Evidence { valid_from: from.map(at), valid_until: until.map(at), ..evidence("x") };
        assert_eq!(verdict(validity(&evidence, at(now))), answer, "{from:?} to {until:?} at {now}");
    }
    let evidence = Evidence { valid_until: Some(Timestamp::from_millis(50_000)), ..evidence("x") };
    assert_eq!(verdict(validity(&evidence, Timestamp::from_millis(50_001))), late, "to the millisecond");
}

#[test]
fn rollback_table() {
    let (older, missing) = (Err(Reason::OlderVersion), Err(Reason::MarkMissing));
    let table = [
        (sequence(5), sequence(4), older),
        (sequence(5), sequence(5), Ok(())),
        (sequence(5), sequence(6), Ok(())),
        (sequence(5), sequence(u64::MAX), Ok(())),
        (sequence(u64::MAX), sequence(0), older),
        (issued(5), issued(4), older),
        (issued(5), issued(5), Ok(())),
        (issued(5), issued(6), Ok(())),
        (sequence(5), issued(6), missing),
        (issued(5), sequence(6), missing),
        (sequence(5), None, missing),
        (issued(5), None, missing),
        (None, sequence(0), Ok(())),
        (None, issued(0), Ok(())),
        (None, None, Ok(())),
    ];
    for (before, now, answer) in table {
        let policy = Policy::default();
        let mut entry = known(marked("old", before));
        let new = marked("new", now);
        assert_eq!(verdict(rollback(&new, &policy, &entry)), answer, "{before:?} then {now:?}");
        for standing in [Standing::Withheld, Standing::Removed] {
            entry.standing = standing;
            assert_eq!(verdict(rollback(&new, &policy, &entry)), answer, "{standing:?} guards as well");
        }
        entry.receipt = None;
        assert_eq!(verdict(rollback(&new, &policy, &entry)), answer, "the mark outlives the copy");
        entry.permit = Some(Permit::new(at(0), "publisher restored a backup"));
        assert_eq!(verdict(rollback(&new, &policy, &entry)), Ok(()), "a permit opens {before:?} to {now:?}");
    }
}

#[test]
fn attack_rollback_the_mark_counts_not_the_copy() {
    // A permit or another run left a copy that is older than the mark: the mark still is what must be reached.
    let mut entry = known(marked("copy", sequence(3)));
    entry.mark = sequence(9);
    let policy = Policy::default();
    let failure = rollback(&marked("new", sequence(8)), &policy, &entry).unwrap_err();
    assert_eq!(failure.reason, Reason::OlderVersion);
    assert_eq!((&*failure.expected, &*failure.found), ("version 9 or newer", "version 8"));
    assert_eq!(verdict(rollback(&marked("new", sequence(9)), &policy, &entry)), Ok(()));
    // The very bytes of the copy are no step back, whatever they say.
    assert_eq!(verdict(rollback(&marked("copy", sequence(3)), &policy, &entry)), Ok(()));
    assert_eq!(verdict(rollback(&marked("copy", None), &policy, &entry)), Ok(()));
}

#[test]
fn replay_table() {
    let old = Digest::of(b"old");
    let refused = Err(Reason::ReplayedVersion);
    let table = [
        ("old", vec![old], Replays::Refuse, None, None, refused),
        ("old", vec![old], Replays::Accept, None, None, Ok(())),
        ("old", vec![], Replays::Refuse, None, None, Ok(())),
        ("other", vec![old], Replays::Refuse, None, None, Ok(())),
        // Bytes that are current and were once replaced: they are current.
        ("copy", vec![Digest::of(b"copy")], Replays::Refuse, None, None, Ok(())),
        // With marks, the marks decide.
        ("old", vec![old], Replays::Refuse, sequence(5), sequence(6), Ok(())),
        ("old", vec![old], Replays::Refuse, sequence(5), sequence(4), Err(Reason::OlderVersion)),
        // Where no version had a mark so far, the first mark does not make a replaced version new.
        ("old", vec![old], Replays::Refuse, None, sequence(1), refused),
        ("other", vec![old], Replays::Refuse, None, sequence(1), Ok(())),
        // Taking replays does not open the mark.
        ("old", vec![old], Replays::Accept, sequence(5), sequence(4), Err(Reason::OlderVersion)),
        ("old", vec![old], Replays::Accept, sequence(5), None, Err(Reason::MarkMissing)),
    ];
    for (content, replaced, replays, before, now, answer) in table {
        let policy = Policy { replays, ..Policy::default() };
        let mut entry = known(marked("copy", before));
        entry.replaced = replaced;
        let case = format!("{content} {replays:?} {before:?} {now:?}");
        assert_eq!(verdict(rollback(&marked(content, now), &policy, &entry)), answer, "{case}");
        if answer == refused {
            entry.standing = Standing::Removed;
            assert_eq!(verdict(rollback(&marked(content, now), &policy, &entry)), refused, "{case}, removed");
            entry.permit = Some(Permit::new(at(0), "on purpose"));
            assert_eq!(verdict(rollback(&marked(content, now), &policy, &entry)), Ok(()), "{case}, permitted");
        }
    }
}

#[test]
fn shrink_table_for_bytes_and_entries() {
    let refused = Err(Reason::Shrunk);
    let table = [
        (None, 1000, 0, Ok(())),
        (Some(0.0), 1000, 1000, Ok(())),
        (Some(0.0), 1000, 999, refused),
        (Some(0.0), 1000, 2000, Ok(())),
        (Some(0.5), 1000, 500, Ok(())),
        (Some(0.5), 1000, 499, refused),
        (Some(0.5), 3, 2, Ok(())),
        (Some(0.5), 3, 1, refused),
        (Some(1.0), 1000, 0, Ok(())),
        (Some(0.5), 0, 0, Ok(())),
        // Decimal fractions that binary ones only come close to: the exact border is still allowed.
        (Some(0.7), 10, 3, Ok(())),
        (Some(0.7), 10, 2, refused),
        (Some(0.29), 100, 71, Ok(())),
        (Some(0.29), 100, 70, refused),
        (Some(0.1), 10_737_418_240, 9_663_676_416, Ok(())),
        (Some(0.1), 10_737_418_240, 9_663_676_415, refused),
    ];
    for (limit, before, now, answer) in table {
        let policy = Policy { shrink_limit: limit, ..Policy::default() };
        let case = format!("{before} to {now} with {limit:?}");
        let bytes = known(Evidence { size: before, ..evidence("old") });
        assert_eq!(
            verdict(shrink(&Evidence { size: now, ..evidence("new") }, &policy, &bytes)),
            answer,
            "{case} bytes"
        );
        let entries = known(Evidence { entries: Some(before), ..evidence("old") });
        let new = Evidence { entries: Some(now), ..evidence("new") };
        assert_eq!(verdict(shrink(&new, &policy, &entries)), answer, "{case} entries");
    }
}

#[test]
fn every_percentage_is_allowed_at_its_exact_border() {
    for percent in 0..=100_u64 {
        for before in [100, 1_000, 123_400, 10_000_000_000] {
            let limit = percent as f64 / 100.0;
            let policy = Policy { shrink_limit: Some(limit), ..Policy::default() };
            let entry = known(Evidence { size: before, ..evidence("old") });
            let border = before - before / 100 * percent;
            let sized = |size| Evidence { size, ..evidence("new") };
            assert_eq!(verdict(shrink(&sized(border), &policy, &entry)), Ok(()), "{percent} % of {before}");
            if border > 0 {
                let answer = verdict(shrink(&sized(border - 1), &policy, &entry));
                assert_eq!(answer, Err(Reason::Shrunk), "{percent} % of {before}");
            }
            let most = usize::try_from(before / 100 * percent).unwrap();
            let known = usize::try_from(before).unwrap();
            assert_eq!(verdict(removals(most, known, limit)), Ok(()), "{percent} % of {before}");
            if most >= 1 {
                let answer = verdict(removals(most + 1, known, limit));
                assert_eq!(answer, Err(Reason::MassRemoval), "{percent} % of {before}");
            }
        }
    }
}

#[test]
fn shrink_compares_what_both_versions_have() {
    let policy = Policy { shrink_limit: Some(0.1), ..Policy::default() };
    let with = |entries| Evidence { entries, ..evidence("x") };
    for (before, now, answer) in [
        (None, Some(0), Ok(())),
        (Some(10), None, Ok(())),
        (None, None, Ok(())),
        (Some(10), Some(8), Err(Reason::Shrunk)),
    ] {
        assert_eq!(verdict(shrink(&with(now), &policy, &known(with(before)))), answer, "{before:?} {now:?}");
    }
    let mut without_copy = known(with(Some(10)));
    without_copy.receipt = None;
    assert_eq!(verdict(shrink(&with(Some(0)), &policy, &without_copy)), Ok(()));
    // A permit lets an older version in, not an emptied one.
    let mut permitted = known(with(Some(10)));
    permitted.permit = Some(Permit::new(at(0), "x"));
    let answer = judge(&with(Some(1)), &trust(), &policy, Some(&permitted), at(0));
    assert_eq!(verdict(answer), Err(Reason::Shrunk));
    let failure = shrink(&with(Some(8)), &policy, &known(with(Some(10)))).unwrap_err();
    assert_eq!((&*failure.expected, &*failure.found), ("at least 9 of the 10 entries before", "8 entries"));
}

#[test]
fn the_first_step_that_does_not_pass_is_the_answer() {
    // A document that fails every step; each line mends the step that the one before was refused at.
    let policy = Policy { identity: Some("right".into()), shrink_limit: Some(0.1), ..Policy::default() };
    let entry = known(marked("old", sequence(5)));
    let mut document = Evidence {
        identity: Some("wrong".into()),
        valid_until: Some(at(10)),
        mark: sequence(4),
        size: 1,
        signers: [KeyId::new("stranger")].into(),
        ..evidence("new")
    };
    let mut answers = Vec::new();
    let mends: [fn(&mut Evidence); 6] = [
        |_| {},
        |document| document.signers = [KeyId::new("a")].into(),
        |document| document.identity = Some("right".into()),
        |document| document.valid_until = None,
        |document| document.mark = sequence(6),
        |document| document.size = 100,
    ];
    for mend in mends {
        mend(&mut document);
        answers.push(verdict(judge(&document, &trust(), &policy, Some(&entry), at(20))));
    }
    use Reason as R;
    let reasons = [R::KeyUnknown, R::IdentityMismatch, R::DocumentExpired, R::OlderVersion, R::Shrunk];
    let expected: Vec<Verdict> = reasons.map(Err).into_iter().chain([Ok(())]).collect();
    assert_eq!(answers, expected);
    assert!(reasons.is_sorted_by_key(|reason| reason.step()), "the order of Step is the order of judgement");
}

#[test]
fn without_anything_known_only_the_document_itself_is_judged() {
    let policy = Policy { shrink_limit: Some(0.0), ..Policy::default() };
    assert_eq!(verdict(judge(&evidence("x"), &trust(), &policy, None, at(0))), Ok(()));
    assert_eq!(verdict(judge(&evidence("x"), &revoked(), &policy, None, at(0))), Err(Reason::KeyRevoked));
    let nobody = Evidence { signers: [].into(), ..evidence("x") };
    assert_eq!(verdict(judge(&nobody, &trust(), &policy, None, at(0))), Err(Reason::ThresholdNotMet));
}

#[test]
fn state_table() {
    // Verified at 1000; max_age 100, max_stale 200.
    let expired = "expired";
    let table = [
        (None, None, None, 1000, "fresh"),
        (None, None, None, 1100, "fresh"),
        (None, None, None, 1101, "stale"),
        (None, None, None, 1_000_000, "stale"),
        (None, None, Some(200), 1200, "stale"),
        (None, None, Some(200), 1201, expired),
        // The last confirmation counts, not the verification.
        (Some(1500), None, Some(200), 1600, "fresh"),
        (Some(1500), None, Some(200), 1601, "stale"),
        (Some(1500), None, Some(200), 1700, "stale"),
        (Some(1500), None, Some(200), 1701, expired),
        // Confirming does not lengthen the document's own validity.
        (Some(1500), Some(1550), None, 1550, "fresh"),
        (Some(1500), Some(1550), None, 1551, expired),
        (Some(1500), Some(1650), None, 1650, "stale"),
        (Some(1500), Some(1650), None, 1651, expired),
        // max_stale below max_age: what is expired is not called fresh.
        (None, None, Some(50), 1050, "fresh"),
        (None, None, Some(50), 1051, expired),
        // A clock that went back.
        (Some(1500), None, Some(0), 900, "fresh"),
        (None, None, Some(0), 1000, "fresh"),
    ];
    for (checked_at, until, max_stale, now, word) in table {
        let policy = Policy { max_age: seconds(100), max_stale: max_stale.map(seconds), ..Policy::default() };
        let receipt = receipt(Evidence { valid_until: until.map(at), ..evidence("x") });
        let state = state(&receipt, checked_at.map(at), &trust(), &policy, at(now));
        let case = format!("checked {checked_at:?}, until {until:?}, max_stale {max_stale:?}, now {now}");
        assert_eq!(state.as_str(), word, "{case}");
        match &state {
            State::Expired(failure) => assert_eq!(failure.reason, Reason::CopyExpired, "{case}"),
            State::Stale { age } => assert_eq!(*age, at(now).since(at(checked_at.unwrap_or(1000))), "{case}"),
            State::Fresh => {}
        }
    }
}

#[test]
fn a_revoked_key_expires_a_copy_before_anything_else_does() {
    let policy = Policy { max_age: seconds(100), ..Policy::default() };
    let copy = receipt(Evidence { valid_until: Some(at(1)), ..evidence("x") });
    let reason = |trust: &Trust| match state(&copy, None, trust, &policy, at(1000)) {
        State::Expired(failure) => failure.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(&revoked()), Reason::KeyRevoked);
    assert_eq!(reason(&Trust::new(vec![key("c")], 1).unwrap()), Reason::KeyUnknown);
    assert_eq!(reason(&Trust::new(vec![key("a"), key("b")], 2).unwrap()), Reason::ThresholdNotMet);
    assert_eq!(reason(&trust()), Reason::CopyExpired);
    // A key that has run out was good when it signed.
    let mut old = key("a");
    old.not_after = Some(at(1));
    let trust = Trust::new(vec![old], 1).unwrap();
    assert_eq!(state(&receipt(evidence("x")), None, &trust, &policy, at(1000)), State::Fresh);
}

#[test]
fn no_policy_serves_what_a_revoked_key_signed() {
    let expired = |reason| State::Expired(Failure::new(reason, "", ""));
    let table = [
        (State::Fresh, true, true),
        (State::Stale { age: seconds(1) }, true, true),
        (expired(Reason::CopyExpired), false, true),
        (expired(Reason::KeyRevoked), false, false),
        (expired(Reason::KeyUnknown), false, false),
        (expired(Reason::ThresholdNotMet), false, false),
    ];
    for (state, withhold, serve) in table {
        for (on_expiry, answer) in [(OnExpiry::Withhold, withhold), (OnExpiry::Serve, serve)] {
            let policy = Policy { on_expiry, ..Policy::default() };
            assert_eq!(state.may_be_served(&policy), answer, "{state:?} {on_expiry:?}");
        }
    }
}

#[test]
fn a_copy_is_reused_only_under_the_rules_it_was_verified_by() {
    let copy = receipt(Evidence { identity: Some("x".into()), ..evidence("x") });
    let named = |name: &str| Policy { identity: Some(name.into()), ..Policy::default() };
    let table = [
        ("test", trust(), Policy::default(), true),
        ("test", trust(), named("x"), true),
        ("other", trust(), named("x"), false),
        ("test", revoked(), named("x"), false),
        ("test", Trust::new(vec![key("b")], 1).unwrap(), named("x"), false),
        ("test", Trust::new(vec![key("a"), key("b")], 2).unwrap(), named("x"), false),
        ("test", trust(), named("y"), false),
    ];
    for (format, trust, policy, answer) in table {
        let what = format!("{format} {} {policy:?}", trust.names());
        assert_eq!(may_be_read(&copy, format, &trust, &policy), answer, "{what}");
        assert_eq!(is_reusable(&copy, format, Digest::of(b"settings"), &trust, &policy), answer, "{what}");
        assert!(!is_reusable(&copy, format, Digest::of(b"others"), &trust, &policy), "{what}, set up otherwise");
    }
}

#[test]
fn removals_table() {
    let refused = Err(Reason::MassRemoval);
    let table = [
        (0, 0, 0.0, Ok(())),
        (0, 10, 0.0, Ok(())),
        (1, 1, 0.0, Ok(())),
        (1, 10, 0.0, Ok(())),
        (2, 10, 0.0, refused),
        (5, 10, 0.5, Ok(())),
        (6, 10, 0.5, refused),
        (2, 5, 0.5, Ok(())),
        (3, 5, 0.5, refused),
        (2, 2, 0.5, refused),
        (10, 10, 1.0, Ok(())),
        (29, 100, 0.29, Ok(())),
        (30, 100, 0.29, refused),
    ];
    for (removed, known, limit, answer) in table {
        assert_eq!(verdict(removals(removed, known, limit)), answer, "{removed} of {known} with {limit}");
    }
    let failure = removals(30, 100, 0.29).unwrap_err();
    assert_eq!((&*failure.expected, &*failure.found), ("at most 29 of 100 resources to leave at once", "30"));
    assert_eq!(failure.step(), Step::Shrink);
}
