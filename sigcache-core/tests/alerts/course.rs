//! What is told in the course of time.

use std::sync::{Arc, atomic::Ordering};

use serde_json::json;
use sigcache_core::{
    alert::{Route, Rules},
    conformance::{at, hours},
};

use crate::support::{Inbox, World, alerts};

#[test]
fn a_change_is_told_once_then_as_a_reminder_and_its_end_with_how_long_it_lasted() {
    let world = World::new();
    assert_eq!(world.states(), [""; 0]);
    world.breaks();
    let looked = world.run(1);
    assert_eq!((looked.open, looked.sent.len(), looked.complaint()), (1, 1, None));
    let [notice] = world.inbox.empty().try_into().unwrap();
    assert_eq!(
        (&notice["kind"], &notice["open"], &notice["channel"]),
        (&json!("alert"), &json!(1), &json!("operations"))
    );
    let [item] = <[_; 1]>::try_from(notice["items"].as_array().unwrap().clone()).unwrap();
    assert_eq!((&item["event"], &item["subject"], &item["name"]), (&json!("new"), &json!("resource"), &json!("a")));
    assert_eq!(
        (&item["standing"], &item["step"], &item["reason"]),
        (&json!("fresh"), &json!("connect"), &json!("connection-refused"))
    );
    for hour in 2..4 {
        world.run(hour);
    }
    assert_eq!(world.inbox.told(), [""; 0]);
    // After three hours without confirmation it is stale, which is another state.
    world.run(4);
    assert_eq!(world.inbox.told(), ["changed a"]);
    for hour in 5..28 {
        world.run(hour);
    }
    assert_eq!(world.inbox.told(), [""; 0]);
    let looked = world.run(28);
    assert_eq!((looked.sent[0].kind, looked.sent[0].reminder), ("reminder", 1));
    assert_eq!(world.inbox.told(), ["reminder a"]);
    world.mends();
    let looked = world.run(31);
    assert_eq!((looked.open, looked.sent[0].kind), (0, "recovery"));
    let [notice] = world.inbox.empty().try_into().unwrap();
    let item = &notice["items"][0];
    assert_eq!((&item["event"], &item["lasted_seconds"]), (&json!("recovered"), &json!(30 * 3600)));
    assert_eq!((&item["since"], &item["ended"]), (&json!(at(1)), &json!(at(31))));
    world.run(32);
    world.breaks();
    world.run(33);
    assert_eq!(world.inbox.told(), ["new a"]);
}

#[test]
fn where_nothing_new_is_to_be_told_no_request_is_made() {
    let world = World::new();
    let requests = |hour: i64| {
        let before = world.lab.referee.requests();
        world.run(hour);
        world.lab.referee.requests() - before
    };
    assert_eq!(requests(1), 4, "nothing was ever told");
    world.breaks();
    // The four, the state that is not there, the claim, what became of it, the note.
    assert_eq!(requests(2), 7);
    assert_eq!(requests(3), 4, "it was told");
    world.mends();
    world.run(4);
    assert_eq!(requests(5), 4, "all is well, and that was told");
    assert_eq!(world.inbox.told(), ["new a", "recovered a"]);
}

#[test]
fn what_comes_and_goes_is_told_only_after_so_many_runs_in_a_row() {
    let mut world = World::new();
    world.rules.after = 2;
    for hour in 0..5 {
        world.breaks();
        world.run(10 * hour + 1);
        world.mends();
        world.run(10 * hour + 2);
    }
    assert_eq!(world.inbox.told(), [""; 0]);
    world.breaks();
    world.run(61);
    // A second host that looks at the same run counts nothing.
    world.look(&world.lab.sound_bucket(), at(61));
    assert_eq!(world.inbox.told(), [""; 0]);
    world.run(62);
    assert_eq!(world.inbox.told(), ["new a"]);
    world.mends();
    world.run(63);
    assert_eq!(world.inbox.told(), ["recovered a"]);
}

#[test]
fn a_channel_that_fails_is_tried_again_and_no_other() {
    let world = World::new();
    let (good, bad) = (Arc::new(Inbox::default()), Arc::new(Inbox::default()));
    let route = |name: &str, inbox: &Arc<Inbox>| Route::new(name, inbox.clone(), Rules::default());
    let both = alerts(vec![route("good", &good), route("bad", &bad)]);
    world.breaks();
    bad.failures.store(7, Ordering::SeqCst);
    let looked = world.run_with(&both, 1);
    assert_eq!((good.told(), bad.told()), (vec!["new a".to_owned()], vec![]));
    assert_eq!((bad.tries.load(Ordering::SeqCst), looked.sent.len()), (3, 1));
    let complaint = looked.complaint().unwrap();
    assert_eq!(complaint, format!("nothing can be delivered on bad since {}: nobody listens", at(1)));
    let looked = world.run_with(&both, 2);
    assert_eq!(looked.complaint().unwrap(), complaint);
    let looked = world.run_with(&both, 3);
    // The third try went through.
    assert_eq!((looked.complaint(), bad.tries.load(Ordering::SeqCst)), (None, 8));
    assert_eq!((good.told(), bad.told()), (vec![], vec!["new a".to_owned()]));
    let before = world.lab.referee.requests();
    world.run_with(&both, 3);
    assert_eq!(world.lab.referee.requests() - before, 4);
}

#[test]
fn what_was_never_told_need_not_be_taken_back() {
    let world = World::new();
    world.inbox.failures.store(3, Ordering::SeqCst);
    world.breaks();
    assert_eq!(world.run(1).unsent.len(), 1);
    world.mends();
    assert_eq!(world.run(2).complaint(), None);
    assert_eq!(world.inbox.told(), [""; 0]);
    // But what was told is, however late.
    world.breaks();
    world.run(3);
    world.mends();
    world.inbox.failures.store(3, Ordering::SeqCst);
    world.run(4);
    assert_eq!(world.inbox.told(), ["new a"]);
    world.run(9);
    let [notice] = world.inbox.empty().try_into().unwrap();
    assert_eq!(
        (&notice["items"][0]["event"], &notice["items"][0]["lasted_seconds"]),
        (&json!("recovered"), &json!(3600))
    );
}

#[test]
fn a_new_channel_and_other_rules_count_at_once() {
    let mut world = World::new();
    world.breaks();
    world.run(1);
    assert_eq!(world.inbox.told(), ["new a"]);
    let other = Arc::new(Inbox::default());
    let first = Route::new("operations", world.inbox.clone(), Rules::default());
    let second = Route::new("second", other.clone(), Rules::default());
    world.run_with(&alerts(vec![first, second]), 2);
    assert_eq!((world.inbox.told(), other.told()), (vec![], vec!["new a".to_owned()]));
    world.rules.remind = hours(1);
    world.run(2);
    assert_eq!(world.inbox.told(), ["reminder a"]);
}

#[test]
fn a_clock_that_was_ahead_silences_nobody() {
    let world = World::new();
    world.breaks();
    world.run(10_000);
    assert_eq!(world.inbox.told(), ["new a"]);
    // The reminder is due by the right clock, and not a year later.
    world.run(4);
    assert_eq!(world.inbox.told(), ["reminder a"]);
    world.run(5);
    assert_eq!(world.inbox.told(), [""; 0]);
    let world = World::new();
    world.breaks();
    world.inbox.deaths.store(1, Ordering::SeqCst);
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.run(10_000)));
    assert!(died.is_err());
    world.run(2);
    assert_eq!(world.inbox.told(), ["new a"]);
}
