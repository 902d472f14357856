//! Each request to the store fails once, in every way; hosts look at once; deliverers die.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
    time::Duration,
};

use sigcache_core::{
    Timestamp,
    conformance::{How, at, block_on},
};

use crate::support::World;

fn minutes(after: Timestamp, minutes: u64) -> Timestamp {
    after.plus(Duration::from_secs(60 * minutes))
}

/// A world in which something is to be told at hour 5.
type Prepare = fn() -> World;

fn broken() -> World {
    let world = World::new();
    world.breaks();
    world
}

fn mended() -> World {
    let world = broken();
    world.run(1);
    world.mends();
    world.inbox.empty();
    world
}

#[test]
fn whatever_request_fails_it_is_told_once_and_never_lost() {
    for (prepare, told) in [(broken as Prepare, "new a"), (mended, "recovered a")] {
        for how in How::ALL {
            let mut number = 0;
            while fails_once(prepare, told, number, how) {
                number += 1;
            }
            assert!(number >= 3, "{how:?}: {number}");
        }
    }
}

/// False if there is no request of this number.
fn fails_once(prepare: Prepare, told: &str, number: usize, how: How) -> bool {
    let world = prepare();
    let holdings = world.holdings(5);
    world.lab.faulty.fail(number, how);
    let bucket = world.lab.bucket();
    let looked = block_on(world.alerts().look(&bucket, &holdings, at(5), world.lab.nonce()));
    let seen = world.lab.faulty.seen();
    if seen.len() <= number {
        assert_eq!(looked.complaint(), None);
        return false;
    }
    let place = format!("{how:?} at {} of {seen:#?}", seen[number]);
    let at_first = world.inbox.told();
    assert!(at_first.len() <= 1, "{place}");
    let crashed = matches!(how, How::CrashBefore | How::CrashAfter);
    assert!(!crashed || looked.store_failure.is_some(), "{place}");
    // A write whose answer was lost is looked at, so that it costs no time.
    assert!(crashed || !seen[number].starts_with("create ") || at_first.len() == 1, "{place}");
    // Another host, or the same one later.
    world.run(6);
    let later = world.inbox.told();
    // Who lost the store after it had told, could not write that down.
    let twice = crashed && at_first.len() == 1;
    assert!(at_first.len() + later.len() == 1 || twice && later.len() <= 1, "{at_first:?} {later:?} {place}");
    assert!(at_first.iter().chain(&later).all(|one| one == told), "{at_first:?} {later:?} {place}");
    // And then it is quiet.
    world.run(6);
    let requests = world.lab.referee.requests();
    world.run(6);
    assert_eq!((world.inbox.told().len(), world.lab.referee.requests() - requests), (0, 4), "{place}");
    world.lab.referee.assert_clean();
    true
}

#[test]
fn of_two_hosts_that_look_at_once_one_tells_it() {
    for (prepare, told) in [(broken as Prepare, "new a"), (mended, "recovered a")] {
        let mut number = 0;
        loop {
            let world = prepare();
            let holdings = world.holdings(5);
            let (other, same) = (world.alerts(), holdings.clone());
            let (second, nonce) = (world.lab.sound_bucket(), world.lab.nonce());
            world.lab.faulty.meanwhile(number, async move {
                other.look(&second, &same, minutes(at(5), 1), nonce).await;
            });
            let bucket = world.lab.bucket();
            let looked = block_on(world.alerts().look(&bucket, &holdings, at(5), world.lab.nonce()));
            assert_eq!(looked.complaint(), None);
            let seen = world.lab.faulty.seen();
            if seen.len() <= number {
                break;
            }
            assert_eq!(world.inbox.told(), [told], "the other one at {} of {seen:#?}", seen[number]);
            world.run(5);
            let requests = world.lab.referee.requests();
            world.run(5);
            assert_eq!((world.inbox.told().len(), world.lab.referee.requests() - requests), (0, 4));
            number += 1;
        }
        assert!(number >= 3, "{number}");
    }
}

#[test]
fn a_deliverer_that_dies_is_followed_by_another_one() {
    for (prepare, told) in [(broken as Prepare, "new a"), (mended, "recovered a")] {
        let world = prepare();
        let holdings = world.holdings(5);
        let bucket = world.lab.sound_bucket();
        world.inbox.deaths.store(1, Ordering::SeqCst);
        let look = || block_on(world.alerts().look(&bucket, &holdings, at(5), world.lab.nonce()));
        assert!(catch_unwind(AssertUnwindSafe(look)).is_err());
        let looked = world.look(&bucket, minutes(at(5), 14));
        assert_eq!((looked.waiting, world.inbox.told().len()), (vec!["operations".to_owned()], 0));
        let looked = world.look(&bucket, minutes(at(5), 15));
        assert_eq!((looked.waiting.len(), world.inbox.told()), (0, vec![told.to_owned()]));
        world.look(&bucket, minutes(at(5), 16));
        assert_eq!(world.inbox.told(), [""; 0]);
    }
}

#[test]
fn who_was_taken_for_dead_does_not_write_over_what_another_one_told() {
    let world = broken();
    let holdings = world.holdings(5);
    let nonce = world.lab.nonce();
    let seen = {
        let probe = broken();
        let holdings = probe.holdings(5);
        let bucket = probe.lab.bucket();
        probe.lab.faulty.rearm();
        block_on(probe.alerts().look(&bucket, &holdings, at(5), nonce));
        probe.lab.faulty.seen()
    };
    let record = seen.iter().rposition(|request| request.starts_with("create ")).unwrap();
    let (other, same, second) = (world.alerts(), world.loaded(at(5)), world.lab.sound_bucket());
    // Told by the first, which then stands still for an hour before it writes that down.
    world.lab.faulty.meanwhile(record, async move {
        other.look(&second, &same, at(6), 99).await;
    });
    block_on(world.alerts().look(&world.lab.bucket(), &holdings, at(5), nonce));
    assert_eq!(world.inbox.told(), ["new a", "new a"]);
    // By the one that took over, the reminder is due a day after it.
    world.look(&world.lab.sound_bucket(), minutes(at(29), 59));
    let early = world.inbox.told();
    assert!(!early.iter().any(|one| one.starts_with("reminder")), "{early:?}");
}
