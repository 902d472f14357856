//! The store's own disk fails.

use super::{ONE, TWO, large};
use crate::harness::{Site, Store, Tmpfs, resource};

#[test]
fn a_full_disk_takes_nothing_and_loses_nothing() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    let Some(disk) = Tmpfs::mount(&store.path(), "1m") else { return };
    site.publish("flags.json", ONE);
    store.sync().is(0, &["flags.json stored done first-version"]);
    // One that is sealed in a single write, and one of which the first part is written while it arrives.
    for bytes in [vec![b'x'; 2 << 20], large()] {
        site.publish("flags.json", bytes);
        store.sync().is(1, &["flags.json kept stage stage-failed"]);
        store.store_is(&[("flags.json", ONE)]);
    }
    disk.remount("size=64m");
    store.sync().is(0, &["flags.json stored done new-version"]);
    store.store_is(&[("flags.json", &large())]);
}

#[test]
fn a_disk_without_room_for_the_snapshot_changes_nothing() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    let Some(disk) = Tmpfs::mount(&store.path(), "1m") else { return };
    site.publish("flags.json", ONE);
    store.sync().is(0, &["flags.json stored done first-version"]);
    // Fills it to the last byte; the write fails as it is meant to.
    let _ = std::fs::write(store.path().join("latest/filler"), vec![b'x'; 2 << 20]);
    site.publish("flags.json", TWO);
    let run = store.sync();
    run.is(3, &["flags.json kept stage stage-failed"]);
    assert!(run.json["store_failure"].is_string(), "{}", run.stdout);
    std::fs::remove_file(store.path().join("latest/filler")).unwrap();
    store.store_is(&[("flags.json", ONE)]);
    store.sync().is(0, &["flags.json stored done new-version"]);
    store.store_is(&[("flags.json", TWO)]);
    drop(disk);
}

#[test]
fn a_read_only_folder_is_a_store_that_fails() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    let Some(disk) = Tmpfs::mount(&store.path(), "1m") else { return };
    site.publish("flags.json", ONE);
    store.sync().is(0, &["flags.json stored done first-version"]);
    let before = store.files();
    disk.remount("ro");
    store.sync().is(3, &["flags.json kept commit commit-failed"]);
    site.publish("flags.json", TWO);
    store.sync().is(3, &["flags.json kept stage stage-failed"]);
    assert_eq!(store.files(), before);
    store.store_is(&[("flags.json", ONE)]);
    disk.remount("rw");
    store.sync().is(0, &["flags.json stored done new-version"]);
    store.store_is(&[("flags.json", TWO)]);
}

#[test]
fn an_empty_read_only_folder_stores_nothing() {
    let Some(site) = Site::new() else { return };
    let nginx = site.serve("");
    let store = Store::new(&site, "flags.json", &[nginx.url("flags.json")]);
    let Some(disk) = Tmpfs::mount(&store.path(), "1m") else { return };
    site.publish("flags.json", ONE);
    disk.remount("ro");
    store.sync().is(3, &["flags.json refused stage stage-failed"]);
    assert!(store.files().is_empty());
}

#[test]
fn a_store_that_cannot_be_opened_is_told_before_anything_is_asked() {
    let Some(site) = Site::new() else { return };
    let mut nginx = site.serve("");
    site.publish("flags.json", ONE);
    let store = Store::empty(&site);
    store.configure("", &resource("flags.json", &[nginx.url("flags.json")], ""));
    std::fs::write(store.path(), "a file where the folder should be").unwrap();
    let run = store.sync();
    assert_eq!((run.code, &run.json["error"]["exit_code"]), (3, &3.into()), "{}", run.stdout);
    assert_eq!(nginx.requests(), [""; 0]);
}
