//! The cases, by what goes wrong.

mod access;
mod answers;
mod content;
mod disk;
mod doctor;
mod hostile;
mod itself;
mod limits;
mod places;
mod policy;
mod tls;

use crate::harness::{Run, Site, Store, resource};

const ONE: &[u8] = b"{ \"version\": 1, \"flags\": [\"a\", \"b\"] }\n";
const TWO: &[u8] = b"{ \"version\": 2, \"flags\": [\"a\", \"b\", \"c\"] }\n";

/// More than one part of an upload, so that a part of it is on the disk before the end is there.
fn large() -> Vec<u8> {
    (0..9 * 1024 * 1024_u32).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
}

/// A resource `flags.json` of which the first version was stored in a sound world.
fn stored<'a>(site: &'a Site, settings: &str) -> Store<'a> {
    site.publish("flags.json", ONE);
    let sound = site.serve("");
    let store = Store::with(site, "flags.json", &[sound.url("flags.json")], settings);
    store.sync().is(0, &["flags.json stored done first-version"]);
    store.store_is(&[("flags.json", ONE)]);
    store
}

/// The first version was stored; then the source has this fault, and the first version stands.
#[track_caller]
fn kept(store: &Store<'_>, url: String, settings: &str, step_and_reason: &str) -> Run {
    store.configure("", &resource("flags.json", &[url], settings));
    let run = store.sync();
    run.is(1, &[&format!("flags.json kept {step_and_reason}")]);
    store.store_is(&[("flags.json", ONE)]);
    run
}
