//! What a commit makes of changes, alone and against other runs; and what a stored snapshot must be to be read.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    evidence::{Evidence, KeyId, Mark},
    judge,
    policy::Policy,
    reason::{Outcome, Reason},
    receipt::{KeptCompanion, Validators},
    trust::{PublicKey, Trust, TrustedKey},
};

const SHARD: &str = "0001-of-0001";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn run(number: u64) -> RunId {
    RunId::new(at(1000), number)
}

fn last(number: u64) -> Last {
    Last::new(run(number), Outcome::Stored, Reason::NewVersion)
}

fn name() -> Name {
    Name::new("a").unwrap()
}

fn digest(content: &str) -> Digest {
    Digest::of(content.as_bytes())
}

fn sequence(number: u64) -> Option<Mark> {
    Some(Mark::Sequence(number))
}

fn issued(seconds: i64) -> Option<Mark> {
    Some(Mark::Issued(at(seconds)))
}

fn receipt(content: &str, mark: Option<Mark>, verified: i64) -> Arc<Receipt> {
    let mut evidence = Evidence::new("test", digest(content), content.len() as u64, [KeyId::new("k")]);
    evidence.mark = mark;
    Arc::new(Receipt {
        version: format!("{verified}-{content}").into(),
        source: "https://a.example/".into(),
        verified_at: at(verified),
        evidence,
        keys: [].into(),
        settings: digest(""),
        companions: Vec::new(),
        validators: Validators::default(),
        content_type: None,
        document: None,
        anchor: None,
    })
}

fn store(content: &str, mark: Option<Mark>, verified: i64) -> ChangeKind {
    ChangeKind::Store { receipt: receipt(content, mark, verified), heard: Heard::default() }
}

fn confirm() -> ChangeKind {
    ChangeKind::Confirm { heard: Heard::fresh_until(at(9000)), said: None }
}

fn permit() -> ChangeKind {
    ChangeKind::Permit(Permit::new(at(1), "the publisher restored a backup"))
}

/// `kind`, decided on `base`.
fn change(base: &Catalog, kind: ChangeKind) -> Change {
    Change::new(name(), base.get(&name()), kind, last(1))
}

/// The next snapshot after `catalog` with `kind`, decided on that very snapshot.
fn after(catalog: &Catalog, kind: ChangeKind) -> Catalog {
    let mut next = catalog.clone();
    let overtaken = next.apply(&[change(catalog, kind)], run(next.sequence()), at(2000));
    assert_eq!(overtaken, [], "nothing else was committed in between");
    next
}

fn entry(catalog: &Catalog) -> &Entry {
    catalog.get(&name()).unwrap()
}

fn current(catalog: &Catalog) -> Option<Digest> {
    entry(catalog).receipt.as_ref().map(|receipt| receipt.evidence.digest)
}

#[test]
fn a_snapshot_counts_on_and_names_its_run() {
    let empty = Catalog::empty(SHARD);
    assert_eq!((empty.sequence(), empty.run(), empty.entries().len()), (0, None, 0));
    let mut first = empty.clone();
    first.apply(&[change(&empty, store("one", None, 10))], run(7), at(2000));
    assert_eq!((first.sequence(), first.run(), first.at()), (1, Some(run(7)), at(2000)));
    let mut second = first.clone();
    second.apply(&[], run(8), at(1500));
    assert_eq!((second.sequence(), second.run()), (2, Some(run(8))));
    assert_eq!(second.at(), at(1500), "a clock that was ahead once does not set the time for ever");
}

#[test]
fn changes_on_the_same_base() {
    let empty = Catalog::empty(SHARD);
    let first = after(&empty, store("one", sequence(1), 10));
    let one = entry(&first);
    assert_eq!((current(&first), one.standing), (Some(digest("one")), Standing::Live));
    assert_eq!((one.mark, one.changed_in, one.checked_at), (sequence(1), 1, Some(at(2000))));
    assert_eq!(one.replaced, []);

    let second = after(&first, store("two", sequence(2), 20));
    let two = entry(&second);
    assert_eq!((two.mark, two.changed_in), (sequence(2), 2));
    assert_eq!(two.replaced, [digest("one")]);

    let third = after(&second, confirm());
    assert_eq!(entry(&third).changed_in, 2, "confirming changes nothing that is published");
    assert_eq!(entry(&third).fresh_until, Some(at(9000)));

    let fourth = after(&third, ChangeKind::Note);
    assert_eq!((current(&fourth), entry(&fourth).changed_in), (Some(digest("two")), 2));

    let fifth = after(&fourth, ChangeKind::Withhold);
    assert_eq!((entry(&fifth).standing, entry(&fifth).changed_in), (Standing::Withheld, 5));
    assert!(entry(&fifth).live().is_none());
    assert_eq!(current(&fifth), Some(digest("two")), "the last good copy stays");

    let sixth = after(&fifth, ChangeKind::Restore);
    assert_eq!((entry(&sixth).standing, entry(&sixth).changed_in), (Standing::Live, 6));

    let seventh = after(&sixth, ChangeKind::Remove);
    assert_eq!((entry(&seventh).standing, entry(&seventh).mark), (Standing::Removed, sequence(2)));

    let eighth = after(&seventh, confirm());
    assert_eq!((entry(&eighth).standing, entry(&eighth).changed_in), (Standing::Live, 8), "it came back");
}

#[test]
fn a_resource_without_a_copy_has_an_entry_that_says_so() {
    let noted = after(&Catalog::empty(SHARD), ChangeKind::Note);
    let one = entry(&noted);
    assert_eq!((one.standing, one.changed_in, one.receipt.is_none()), (Standing::Absent, 0, true));
}

#[test]
fn a_lost_race_is_decided_by_the_mark_then_by_the_time() {
    // What stands, and what a slower run had decided on the snapshot before: true if it is taken.
    let table = [
        (sequence(5), 10, sequence(6), 10, true),
        (sequence(5), 90, sequence(6), 10, true),
        (sequence(5), 10, sequence(4), 90, false),
        (sequence(5), 10, sequence(5), 11, true),
        (sequence(5), 10, sequence(5), 10, false),
        (sequence(5), 10, sequence(5), 9, false),
        (issued(5), 10, issued(6), 10, true),
        (issued(5), 10, issued(4), 90, false),
        (issued(5), 10, issued(5), 11, true),
        (sequence(5), 10, issued(6), 90, false),
        (issued(5), 10, sequence(6), 90, false),
        (sequence(5), 10, None, 90, false),
        (None, 10, sequence(1), 11, true),
        (None, 10, sequence(1), 10, false),
        (None, 10, None, 11, true),
        (None, 10, None, 10, false),
        (None, 10, None, 9, false),
    ];
    for (standing, stood_at, mine, mine_at, taken) in table {
        let base = Catalog::empty(SHARD);
        let decided = change(&base, store("mine", mine, mine_at));
        let mut next = after(&base, store("theirs", standing, stood_at));
        let overtaken = next.apply(&[decided], run(9), at(3000));
        let case = format!("{standing:?} at {stood_at}, then {mine:?} at {mine_at}");
        if taken {
            assert_eq!((overtaken, current(&next)), (vec![], Some(digest("mine"))), "{case}");
            assert_eq!(entry(&next).replaced, [digest("theirs")], "{case}");
            assert_eq!(entry(&next).changed_in, 2, "{case}");
        } else {
            assert_eq!((overtaken, current(&next)), (vec![name()], Some(digest("theirs"))), "{case}");
            assert_eq!((entry(&next).mark, entry(&next).changed_in), (standing, 1), "{case}");
        }
    }
}

#[test]
fn two_runs_that_stored_the_same_bytes_agree() {
    let base = after(&Catalog::empty(SHARD), store("one", sequence(1), 5));
    let slower = change(&base, store("two", sequence(2), 10));
    let mut next = after(&base, store("two", sequence(2), 20));
    assert_eq!(next.apply(&[slower], run(9), at(3000)), []);
    assert_eq!((current(&next), entry(&next).mark), (Some(digest("two")), sequence(2)));
    assert_eq!(entry(&next).replaced, [digest("one")], "a version did not replace itself");
}

#[test]
fn what_was_said_about_another_version_is_left_out() {
    let base = after(&Catalog::empty(SHARD), store("one", None, 5));
    for kind in [confirm(), ChangeKind::Withhold, ChangeKind::Lapse, ChangeKind::Restore] {
        let decided = change(&base, kind.clone());
        let mut next = after(&base, store("two", None, 10));
        let before = entry(&next).clone();
        assert_eq!(next.apply(&[decided], run(9), at(3000)), [name()], "{kind:?}");
        assert_eq!(*entry(&next), before, "{kind:?}");
    }
    // What does not depend on the version is taken all the same.
    for (kind, standing) in
        [(ChangeKind::Note, Standing::Live), (ChangeKind::Remove, Standing::Removed), (permit(), Standing::Live)]
    {
        let decided = change(&base, kind.clone());
        let mut next = after(&base, store("two", None, 10));
        assert_eq!(next.apply(&[decided], run(9), at(3000)), [], "{kind:?}");
        assert_eq!((current(&next), entry(&next).standing), (Some(digest("two")), standing), "{kind:?}");
    }
}

#[test]
fn runs_lose_nothing_of_each_other() {
    let base = Catalog::empty(SHARD);
    let names: Vec<Name> = ["a", "b"].iter().map(|text| Name::new(text).unwrap()).collect();
    let changes: Vec<Change> =
        names.iter().map(|name| Change::new(name.clone(), None, store(name.as_str(), None, 1), last(1))).collect();
    let mut next = base;
    next.apply(&changes[..1], run(1), at(2000));
    next.apply(&changes[1..], run(2), at(2000));
    let kept: Vec<&Name> = next.entries().map(|(name, _)| name).collect();
    assert_eq!(kept, [&names[0], &names[1]]);
}

#[test]
fn a_permit_lowers_the_mark_once_and_forgets_what_was_replaced() {
    let one = after(&Catalog::empty(SHARD), store("one", sequence(1), 5));
    let two = after(&one, store("two", sequence(9), 10));
    let allowed = after(&after(&two, confirm()), permit());
    assert_eq!(entry(&allowed).fresh_until, None, "the source is asked again at once");
    assert!(entry(&allowed).permit.is_some());
    let noted = after(&allowed, ChangeKind::Note);
    assert!(entry(&noted).permit.is_some(), "a failed run does not use it up");
    let back = after(&noted, store("one", sequence(1), 20));
    assert_eq!((entry(&back).mark, current(&back)), (sequence(1), Some(digest("one"))));
    assert_eq!((entry(&back).permit.clone(), entry(&back).replaced.clone()), (None, vec![]));
    let again = after(&back, store("two", sequence(9), 30));
    assert_eq!((entry(&again).mark, &entry(&again).replaced[..]), (sequence(9), &[digest("one")][..]));
}

#[test]
fn attack_fast_forward_recovery_needs_a_permit() {
    // An attacker with the key published version u64::MAX: no honest version can follow until a person says so.
    let stuck = after(&Catalog::empty(SHARD), store("evil", sequence(u64::MAX), 5));
    let mut next = stuck.clone();
    assert_eq!(next.apply(&[change(&stuck, store("honest", sequence(7), 10))], run(9), at(3000)), [name()]);
    assert_eq!(current(&next), Some(digest("evil")));
    let recovered = after(&after(&stuck, permit()), store("honest", sequence(7), 10));
    assert_eq!(entry(&recovered).mark, sequence(7));
}

#[test]
fn a_permit_also_lets_the_kind_of_mark_change_or_vanish() {
    let base = after(&Catalog::empty(SHARD), store("one", sequence(5), 5));
    for mark in [issued(1), None] {
        assert_eq!(entry(&after(&after(&base, permit()), store("two", mark, 10))).mark, mark);
    }
}

#[test]
fn attack_rollback_one_permit_does_not_open_the_way_for_two_runs() {
    // Both runs were judged while the permit stood; the faster one used it.
    let base = after(&after(&Catalog::empty(SHARD), store("one", sequence(5), 5)), permit());
    let used = after(&base, store("older", sequence(4), 10));
    for mark in [sequence(3), issued(9), None] {
        let mut next = used.clone();
        assert_eq!(next.apply(&[change(&base, store("two", mark, 10))], run(9), at(3000)), [name()], "{mark:?}");
        assert_eq!((current(&next), entry(&next).mark), (Some(digest("older")), sequence(4)), "{mark:?}");
    }
}

#[test]
fn a_permit_waits_for_other_bytes() {
    // The hourly run between the permit and the publisher's step back finds the bytes that are there already.
    let base = after(&after(&Catalog::empty(SHARD), store("one", sequence(5), 5)), permit());
    for same in [store("one", sequence(5), 10), confirm()] {
        let waiting = after(&base, same);
        assert!(entry(&waiting).permit.is_some());
        assert_eq!(entry(&after(&waiting, store("older", sequence(4), 11))).mark, sequence(4));
    }
}

#[test]
fn attack_replay_after_a_permit_that_something_new_used_up() {
    let table = [("one", None, 1), ("two", None, 2)];
    let base = table
        .into_iter()
        .fold(Catalog::empty(SHARD), |base, (content, mark, at)| after(&base, store(content, mark, at)));
    let permitted = after(&base, permit());
    let new = after(&permitted, store("three", None, 3));
    assert_eq!(entry(&new).replaced, [digest("one"), digest("two")], "a new version is no step back");
    let back = after(&permitted, store("one", None, 3));
    assert!(entry(&back).replaced.is_empty(), "version two may come again");
}

#[test]
fn what_a_source_said_when_it_confirmed_goes_with_the_source() {
    let base = after(&Catalog::empty(SHARD), store("one", None, 5));
    let validators = Validators { etag: Some("\"b\"".into()), last_modified: None };
    let said = Some(Box::new(Said::new("https://b.example/".into(), validators.clone())));
    let next = after(&base, ChangeKind::Confirm { heard: Heard::default(), said });
    let (before, now) = (entry(&base).receipt.clone().unwrap(), entry(&next).receipt.clone().unwrap());
    assert_eq!((&*now.source, &now.validators), ("https://b.example/", &validators));
    assert_eq!(*now, Receipt { source: now.source.clone(), validators, ..(*before).clone() }, "and nothing else");
}

#[test]
fn companions_that_a_new_version_has_not_are_remembered_until_it_has_them() {
    let with = |content: &str, suffixes: &[&str]| {
        let companions = suffixes.iter().map(|suffix| KeptCompanion::new(suffix, Bytes::new())).collect();
        let receipt = Arc::new(Receipt { companions, ..(*receipt(content, None, 1)).clone() });
        ChangeKind::Store { receipt, heard: Heard::default() }
    };
    let first = after(&Catalog::empty(SHARD), with("one", &[".a", ".b"]));
    assert!(entry(&first).former.is_empty());
    let second = after(&first, with("two", &[".a"]));
    assert_eq!(entry(&second).former, [".b".into()]);
    let third = after(&second, with("three", &[".c"]));
    assert_eq!(entry(&third).former, [".a".into(), ".b".into()]);
    assert_eq!(entry(&after(&third, with("four", &[".b"]))).former, [".a".into(), ".c".into()]);
}

fn listed(keys: &[SnapshotKey]) -> Vec<(SnapshotKey, Timestamp)> {
    keys.iter().map(|key| (*key, Timestamp::from_millis(1))).collect()
}

#[test]
fn a_run_that_did_not_end_sets_back_what_counts_as_published() {
    use SnapshotKey::{Published, Publishing, Snapshot};
    let catalog = |keys: &[SnapshotKey]| {
        let mut catalog = full();
        catalog.read_marks(&listed(keys));
        catalog.published()
    };
    assert_eq!(catalog(&[]), 0);
    assert_eq!(catalog(&[Snapshot(3), Published(1), Published(2)]), 2);
    assert_eq!(catalog(&[Published(2), Publishing(1, run(1))]), 1);
    assert_eq!(catalog(&[Published(2), Publishing(0, run(1))]), 0);
    assert_eq!(catalog(&[Publishing(2, run(1))]), 0, "nothing was ever published whole");
    assert_eq!(catalog(&[Published(2), Published(4)]), 2, "a mark of a catalog that was set back says nothing");
}

#[test]
fn the_same_bytes_are_no_step_back_whatever_is_read_from_them() {
    // The configuration now points at another claim; the mark keeps to what can be compared, and else follows.
    let base = after(&Catalog::empty(SHARD), store("one", sequence(5), 5));
    for (mark, stays) in [(None, sequence(5)), (sequence(4), sequence(5)), (issued(1), issued(1))] {
        assert_eq!(entry(&after(&base, store("one", mark, 10))).mark, stays);
    }
}

#[test]
fn replaced_versions_are_remembered_up_to_the_bound() {
    let mut catalog = Catalog::empty(SHARD);
    let total = REMEMBERED_VERSIONS + 5;
    for number in 0..total {
        catalog = after(&catalog, store(&format!("v{number}"), None, number as i64));
    }
    let replaced = &entry(&catalog).replaced;
    assert_eq!(replaced.len(), REMEMBERED_VERSIONS);
    assert_eq!(replaced.first(), Some(&digest(&format!("v{}", total - 1 - REMEMBERED_VERSIONS))));
    assert_eq!(replaced.last(), Some(&digest(&format!("v{}", total - 2))), "the newest last");
    // One that came back is the current one, no longer a replaced one.
    let back = after(&catalog, store(&format!("v{}", total - 2), None, 99));
    assert!(!entry(&back).replaced.contains(&digest(&format!("v{}", total - 2))));
    assert_eq!(entry(&back).replaced.last(), Some(&digest(&format!("v{}", total - 1))));
}

#[test]
fn the_last_word_is_that_of_the_later_commit() {
    // Runs of one instant differ only by chance, and a clock that was set back makes a later run look older.
    let mut catalog = Catalog::empty(SHARD);
    for (number, time) in [(5, 2000), (3, 2000), (6, 1000)] {
        let change = Change::new(name(), None, ChangeKind::Note, last(number));
        catalog.apply(&[change], run(number), at(time));
        assert_eq!(entry(&catalog).last.run, run(number));
    }
}

#[test]
fn nothing_can_be_confirmed_where_nothing_is() {
    let base = after(&Catalog::empty(SHARD), ChangeKind::Note);
    for kind in [confirm(), ChangeKind::Withhold, ChangeKind::Lapse, ChangeKind::Restore] {
        let mut next = base.clone();
        assert_eq!(next.apply(&[change(&base, kind.clone())], run(9), at(3000)), [name()], "{kind:?}");
        assert_eq!(entry(&next).standing, Standing::Absent, "{kind:?}");
    }
}

#[test]
fn a_slow_run_does_not_undo_what_another_confirmed_meanwhile() {
    // Found by the simulation: a run that had been stopped for hours took a copy away that others had just confirmed.
    let mut base = Catalog::empty(SHARD);
    base.apply(&[change(&base, store("one", None, 5))], run(0), at(1000));
    let decided = |kind| change(&base, kind);
    let confirmed = after(&base, confirm());
    let entry_after = |change: Change, at_seconds: i64| {
        let mut next = confirmed.clone();
        let overtaken = next.apply(&[change], run(9), at(at_seconds));
        (entry(&next).clone(), overtaken.len())
    };
    // A copy that lapsed did not, as the other run knows.
    let (lapsed, overtaken) = entry_after(decided(ChangeKind::Lapse), 1500);
    assert_eq!((lapsed.standing, overtaken), (Standing::Live, 1));
    // The later confirmation counts.
    let (slow, _) = entry_after(decided(confirm()), 1500);
    assert_eq!(slow.checked_at, Some(at(2000)));
    let (fast, _) = entry_after(decided(confirm()), 2500);
    assert_eq!(fast.checked_at, Some(at(2500)));
    // Where a key was revoked nobody's confirmation helps.
    let (withheld, overtaken) = entry_after(decided(ChangeKind::Withhold), 1500);
    assert_eq!((withheld.standing, overtaken), (Standing::Withheld, 0));
    // What was decided after the confirmation is taken as it is: a clock that was ahead is set right.
    let (after, _) = entry_after(change(&confirmed, confirm()), 1500);
    assert_eq!(after.checked_at, Some(at(1500)));
    let (lapsed, _) = entry_after(change(&confirmed, ChangeKind::Lapse), 1500);
    assert_eq!(lapsed.standing, Standing::Withheld);
}

// --- random runs

/// What a run finds at the source, and on which earlier snapshot it decides.
#[derive(Debug, Clone)]
struct Step {
    /// How many snapshots before the newest one the run had loaded.
    behind: usize,
    content: u8,
    kind: u8,
    mark: u8,
    action: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_usize..4, 0_u8..6, 0_u8..3, 0_u8..8, 0_u8..12);
    let step = step.prop_map(|(behind, content, kind, mark, action)| Step { behind, content, kind, mark, action });
    proptest::collection::vec(step, 1..40)
}

fn marks(step: &Step) -> Option<Mark> {
    match step.kind {
        0 => None,
        1 => sequence(step.mark.into()),
        _ => issued(step.mark.into()),
    }
}

fn is_lower(after: Option<Mark>, before: Option<Mark>) -> bool {
    match (after, before) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(after), Some(before)) => after.is_older_than(before) != Some(false),
    }
}

proptest! {
    /// Runs that judge as the pipeline does, each on a snapshot that may be some behind: only a permit lowers a mark
    /// or changes its kind, whoever commits first.
    #[test]
    fn the_mark_never_falls_without_a_permit(steps in steps()) {
        let key = TrustedKey::new(KeyId::new("k"), PublicKey::opaque(vec![1]));
        let trust = Trust::new(vec![key], 1).unwrap();
        let mut history = vec![Catalog::empty(SHARD)];
        for (number, step) in steps.iter().enumerate() {
            let base = &history[history.len().saturating_sub(1 + step.behind)];
            let known = base.get(&name());
            // One content has one mark, as one document has.
            let mark = marks(step);
            let content = format!("{}-{mark:?}", step.content);
            let receipt = receipt(&content, mark, number as i64);
            let verdict = judge::judge(&receipt.evidence, &trust, &Policy::default(), known, at(1));
            let kind = match step.action {
                0 => permit(),
                1 => ChangeKind::Withhold,
                2 => ChangeKind::Remove,
                3 => ChangeKind::Restore,
                4 => confirm(),
                _ if verdict.is_ok() => ChangeKind::Store { receipt, heard: Heard::default() },
                _ => ChangeKind::Note,
            };
            let is_store = matches!(kind, ChangeKind::Store { .. });
            let change = Change::new(name(), known, kind, last(number as u64));
            let newest = history.last().unwrap();
            let mut next = newest.clone();
            let overtaken = next.apply(&[change], run(number as u64), at(number as i64));
            prop_assert_eq!(next.sequence(), newest.sequence() + 1);
            let now = entry(&next);
            prop_assert!(now.changed_in <= next.sequence());
            prop_assert!(now.replaced.len() <= REMEMBERED_VERSIONS);
            prop_assert!(current(&next).is_none_or(|digest| !now.replaced.contains(&digest)));
            prop_assert_eq!(now.standing == Standing::Live && now.receipt.is_none(), false, "nothing is served");
            if let Some(before) = newest.get(&name()) {
                let same = current(&next) == before.receipt.as_ref().map(|receipt| receipt.evidence.digest);
                let permitted = before.permit.is_some() && is_store && overtaken.is_empty() && !same;
                prop_assert!(permitted || !is_lower(now.mark, before.mark), "{:?} to {:?}", before.mark, now.mark);
                prop_assert!(permitted == (before.permit.is_some() && now.permit.is_none()));
                let published = |entry: &Entry| (entry.receipt.clone(), entry.standing);
                prop_assert!(published(before) == published(now) || now.changed_in == next.sequence());
                prop_assert!(now.changed_in >= before.changed_in);
            }
            let stored = next.encode().unwrap();
            prop_assert_eq!(Catalog::decode(&stored, SHARD, next.sequence()), Ok(next.clone()));
            history.push(next);
        }
    }
}

// --- the stored form

fn full() -> Catalog {
    let base = Catalog::empty(SHARD);
    let mut receipt = (*receipt("one", sequence(u64::MAX), 10)).clone();
    receipt.companions.push(KeptCompanion::new(".sig", Bytes::from_static(b"\x00\xff")));
    receipt.validators.etag = Some("W/\"ü\\\"".into());
    receipt.content_type = Some("text/plain".into());
    receipt.evidence.identity = Some("me".into());
    receipt.evidence.valid_from = Some(at(1));
    receipt.evidence.valid_until = Some(at(2));
    receipt.evidence.entries = Some(3);
    let kind = ChangeKind::Store { receipt: receipt.into(), heard: Heard::fresh_until(at(77)) };
    let mut next = after(&after(&after(&base, kind), store("two", sequence(u64::MAX), 20)), permit());
    next.set_conditional_create(at(3));
    next
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

fn unzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn what_is_encoded_is_decoded() {
    for catalog in [Catalog::empty(SHARD), full()] {
        let stored = catalog.encode().unwrap();
        assert_eq!(Catalog::decode(&stored, SHARD, catalog.sequence()), Ok(catalog));
    }
    let mut published = full();
    published.read_marks(&listed(&[SnapshotKey::Published(2), SnapshotKey::Publishing(1, run(1))]));
    let read = Catalog::decode(&published.encode().unwrap(), SHARD, 3).unwrap();
    assert_eq!(read, full(), "what the listing showed is not part of the snapshot");
}

#[test]
fn what_entries_have_in_common_is_kept_once() {
    let mut catalog = Catalog::empty(SHARD);
    let changes: Vec<Change> =
        ["a", "b"].map(|name| Change::new(Name::new(name).unwrap(), None, store("one", None, 1), last(1))).into();
    catalog.apply(&changes, run(1), at(1));
    let read = Catalog::decode(&catalog.encode().unwrap(), SHARD, 1).unwrap();
    let receipts: Vec<_> = read.entries().filter_map(|(_, entry)| entry.receipt.clone()).collect();
    assert!(Arc::ptr_eq(&receipts[0].evidence.signers, &receipts[1].evidence.signers));
    assert!(Arc::ptr_eq(&receipts[0].evidence.format, &receipts[1].evidence.format));
    assert_eq!(read, catalog);
}

#[test]
fn a_snapshot_is_believed_only_in_its_own_place() {
    let stored = full().encode().unwrap();
    let error = |shard, sequence| Catalog::decode(&stored, shard, sequence).unwrap_err();
    assert_eq!(
        error(SHARD, 4),
        format!("it says it is snapshot 3 of {SHARD}, not 4 of {SHARD}"),
        "old version restored"
    );
    assert_eq!(error(SHARD, 2), format!("it says it is snapshot 3 of {SHARD}, not 2 of {SHARD}"));
    let other = "0001-of-0002";
    assert_eq!(error(other, 3), format!("it says it is snapshot 3 of {SHARD}, not 3 of {other}"));
    let newer = gzip(unzip(&stored).replace("\"format\":1", "\"format\":2").as_bytes());
    assert_eq!(Catalog::decode(&newer, SHARD, 3).unwrap_err(), "format 2, but this program knows only 1");
}

#[test]
fn a_damaged_snapshot_is_refused_wherever_it_is_cut_or_flipped() {
    let stored = full().encode().unwrap();
    for length in 0..stored.len() {
        assert!(Catalog::decode(&stored[..length], SHARD, 3).is_err(), "cut to {length} bytes");
    }
    let mut harmless = 0;
    for index in 0..stored.len() {
        // The gzip header has bytes without meaning for the content: flags, time, system (RFC 1952).
        if (3..10).contains(&index) {
            continue;
        }
        for bit in 0..8 {
            let mut bytes = stored.to_vec();
            bytes[index] ^= 1 << bit;
            // A reference into what was unpacked before may be bent to another place with the same letters: then the
            // damage changes nothing.
            let read = Catalog::decode(&bytes, SHARD, 3);
            assert!(read.is_err() || read == Ok(full()), "bit {bit} of byte {index}");
            harmless += u32::from(read.is_ok());
        }
    }
    assert!(harmless < 10, "{harmless} damages were not noticed");
}

#[test]
fn nothing_may_stand_around_a_snapshot() {
    let stored = full().encode().unwrap();
    let json = unzip(&stored);
    let cases: [(&str, Vec<u8>); 9] = [
        ("nothing", vec![]),
        ("garbage", b"garbage".to_vec()),
        ("JSON that is not packed", json.clone().into_bytes()),
        ("packed nothing", gzip(b"")),
        ("packed garbage", gzip(b"garbage")),
        ("another document behind it", gzip(format!("{json}{json}").as_bytes())),
        ("a word behind it", gzip(format!("{json}x").as_bytes())),
        ("bytes behind the packed ones", [&stored[..], b"x"].concat()),
        ("a second packed part", [&stored[..], &gzip(b"x")[..]].concat()),
    ];
    for (what, bytes) in cases {
        assert!(Catalog::decode(&bytes, SHARD, 3).is_err(), "{what}");
    }
    let text = json.trim_end();
    for (what, json) in [
        ("a name that climbs", text.replace("\"a\":{", "\"../a\":{")),
        ("a digest that is none", text.replace("\"digest\":\"sha256:", "\"digest\":\"sha1:")),
        ("an unknown standing", text.replace("\"live\"", "\"alive\"")),
        ("a negative number", text.replace("\"sequence\":3", "\"sequence\":-3")),
        ("a field that is missing", text.replace("\"at\":\"1970-01-01T00:33:20Z\",\"cond", "\"cond")),
    ] {
        assert_ne!(json, text, "{what}: the case must change something");
        assert!(Catalog::decode(&gzip(json.as_bytes()), SHARD, 3).is_err(), "{what}");
    }
}

#[test]
fn attack_a_gzip_bomb_is_refused_before_it_unfolds() {
    // 64 MiB of zeros in 64 KiB: refused at the first byte that is no JSON, nothing of it is kept.
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let error = Catalog::decode(&bomb, SHARD, 3).unwrap_err();
    assert_eq!(error, "expected value at line 1 column 1", "it was not unpacked to the end");
}
