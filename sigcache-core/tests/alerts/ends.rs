//! Warnings ahead of an end, and of a run that did not take place.

use std::sync::Arc;

use serde_json::json;
use sigcache_core::{
    KeyId, Resource,
    alert::{Alerts, Rules},
    conformance::{at, block_on, hours},
    run::Selection,
    status::Holdings,
    store::{Publish, Shard},
    trust::TrustedKey,
    verify::{Claims, Detached, Pointer},
};

use crate::support::World;

const DAY: u64 = 24;

fn look_with(world: &World, alerts: &Alerts, resources: &[Resource], hour: i64) -> Vec<String> {
    let bucket = world.lab.sound_bucket();
    let ran = world.lab.runner_on(bucket.clone());
    let ran = ran.sync_with_catalog(resources, &Selection::All, at(hour), world.lab.nonce());
    let catalog = block_on(ran).unwrap().1.unwrap();
    let holdings = Holdings::new(resources, &[], vec![(Shard::WHOLE, catalog)], Publish::Copies, at(hour));
    assert_eq!(block_on(alerts.look(&bucket, &holdings, at(hour), world.lab.nonce())).complaint(), None);
    world.inbox.told()
}

#[test]
fn a_key_is_warned_of_ahead_and_its_end_or_renewal_told() {
    let mut world = World::new();
    world.rules.remind = hours(1000 * DAY);
    let day = |day: u64| i64::try_from(day * DAY).unwrap();
    let resources = world.resources();
    let key = |id: &str, ends: u64| {
        let mut key = world.lab.signer.trusted();
        key.id = KeyId::new(id);
        key.not_after = Some(at(day(ends)));
        key
    };
    let with = |keys: Vec<TrustedKey>| world.alerts().with_keys(keys);
    let alerts = with(vec![key("old", 20), key("next", 400)]);
    assert_eq!(look_with(&world, &alerts, &resources, day(5)), [""; 0]);
    assert_eq!(look_with(&world, &alerts, &resources, day(6)), ["new old"]);
    assert_eq!(look_with(&world, &alerts, &resources, day(7)), [""; 0]);
    let renewed = with(vec![key("old", 300), key("next", 400)]);
    assert_eq!(look_with(&world, &renewed, &resources, day(8)), ["recovered old"]);
    assert_eq!(look_with(&world, &alerts, &resources, day(9)), ["new old"]);
    let later = with(vec![key("old", 21), key("next", 400)]);
    assert_eq!(look_with(&world, &later, &resources, day(10)), ["changed old"]);
    // Its end is told as such, and then it is nobody's trouble: a key that was replaced stays in the configuration.
    assert_eq!(look_with(&world, &later, &resources, day(22)), ["ended old"]);
    assert_eq!(look_with(&world, &later, &resources, day(23)), [""; 0]);
}

#[test]
fn a_document_is_warned_of_only_in_the_last_quarter_of_its_validity() {
    let world = World::new();
    let mut claims = Claims::default();
    claims.expires = Some(Pointer::new("/expires").unwrap());
    let mut rules = world.lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_claims(claims));
    let resources = vec![world.lab.resource_with("a", rules)];
    let alerts = world.alerts();
    world.lab.publish("a", format!(r#"{{"expires":"{}"}}"#, at(101)));
    assert_eq!(look_with(&world, &alerts, &resources, 1), [""; 0]);
    assert_eq!(look_with(&world, &alerts, &resources, 75), [""; 0]);
    assert_eq!(look_with(&world, &alerts, &resources, 77), ["new a"]);
    world.lab.publish("a", format!(r#"{{"expires":"{}"}}"#, at(201)));
    assert_eq!(look_with(&world, &alerts, &resources, 78), ["recovered a"]);
    // One that does expire: the warning ends, and then it is the resource that is not as it should be.
    assert_eq!(look_with(&world, &alerts, &resources, 190), ["new a"]);
    assert_eq!(look_with(&world, &alerts, &resources, 202), ["new a", "ended a"]);
}

#[test]
fn a_run_that_did_not_take_place_is_told_by_whoever_looks() {
    let world = World::new();
    let alerts = world.alerts().with_overdue(hours(2));
    let bucket = world.lab.sound_bucket();
    let look = |hour: i64| {
        let nonce = world.lab.nonce();
        assert_eq!(block_on(alerts.look(&bucket, &world.loaded(at(hour)), at(hour), nonce)).complaint(), None);
    };
    look(2);
    assert_eq!(world.inbox.told(), [""; 0]);
    look(3);
    let [notice] = world.inbox.empty().try_into().unwrap();
    assert_eq!((&notice["items"][0]["subject"], &notice["items"][0]["event"]), (&json!("schedule"), &json!("new")));
    world.run_with(&alerts, 4);
    let told = world.inbox.told();
    assert_eq!(told, ["recovered 1/1"]);
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let Rules { remind, ahead, after, .. } = Rules::default();
    assert_eq!((remind, ahead, after), (hours(24), hours(14 * DAY), 1));
}
