//! What lies in the store, and who leaves it alone.

use sigcache_core::{
    RunId,
    conformance::{at, block_on},
    store::{Keep, Shard, Sweep},
};

use crate::support::World;

const FOLDER: &str = "catalog/0001-of-0001/";

#[test]
fn a_state_has_a_number_and_a_note_when_something_is_due() {
    let world = World::new();
    world.breaks();
    world.run(1);
    let states = world.states();
    assert_eq!(states.len(), 3, "{states:?}");
    assert_eq!(states[..2], ["000000000001.alerts", "000000000002.alerts"]);
    assert!(states[2].starts_with("000000000002.alerts-settled-20261125T130000.000Z-"), "{states:?}");
}

#[test]
fn gc_takes_old_states_away_and_audits_look_at_none() {
    let world = World::new();
    for hour in 0..60 {
        world.breaks();
        world.run(3 * hour + 1);
        world.mends();
        world.run(3 * hour + 2);
    }
    assert_eq!(world.inbox.told().len(), 120);
    let before = world.states();
    assert!(before.contains(&"000000000240.alerts".to_owned()), "{before:?}");
    world.lab.audit(&world.resources(), 180).decisions.iter().for_each(|decision| assert!(decision.is_good()));
    let gc = |sweep| block_on(world.lab.sound_bucket().gc(&Keep::default(), at(180), sweep)).unwrap();
    let listed = gc(Sweep::List);
    assert_eq!(world.states(), before);
    assert_eq!(gc(Sweep::Delete), listed);
    let after = world.states();
    assert_eq!((after.len(), after[0].as_str()), (65, "000000000177.alerts"));
    let requests = world.lab.referee.requests();
    world.run(181);
    assert_eq!((world.lab.referee.requests() - requests, world.inbox.told().len()), (4, 0));
    world.breaks();
    world.run(182);
    assert_eq!(world.inbox.told(), ["new a"]);
}

#[test]
fn what_is_damaged_is_told_again_and_what_is_newer_left_alone() {
    let world = World::new();
    world.breaks();
    world.run(1);
    world.inbox.empty();
    let newest = format!("{FOLDER}000000000002.alerts");
    let note = world.states().pop().unwrap();
    world.lab.referee.tamper_delete(&format!("{FOLDER}{note}"));
    let sound = world.lab.referee.objects(&newest).remove(&newest).unwrap();
    world.lab.referee.tamper(&newest, "{\"format\":1,");
    world.run(2);
    assert_eq!(world.inbox.told(), ["new a"]);

    let world = World::new();
    world.breaks();
    let text = String::from_utf8(sound.to_vec()).unwrap().replacen("\"format\":1", "\"format\":2", 1);
    world.lab.referee.tamper(&newest, text);
    let complaint = world.run(2).complaint().unwrap();
    assert!(complaint.contains("format 2, but this program knows only 1"), "{complaint}");
    assert_eq!(world.inbox.told(), [""; 0]);
}

#[test]
fn another_division_into_shards_begins_anew() {
    let world = World::new();
    world.breaks();
    world.run(1);
    let bucket = world.lab.sound_bucket();
    block_on(bucket.reshard(2, RunId::new(at(2), 1), at(2))).unwrap();
    assert_eq!(world.states(), [""; 0]);
    let shards = block_on(bucket.shards()).unwrap();
    assert_eq!(shards.iter().map(Shard::to_string).collect::<Vec<_>>(), ["1/2", "2/2"]);
}
