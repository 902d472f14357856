//! The configuration file, with key files that are there and an environment that answers.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sigcache_core::config::Config;

/// Where relative paths begin: the seeds of the keys.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/key");

/// What must never stand in an error.
const SECRET: &str = "a9f3c1e7-not-to-be-seen";

fuzz_target!(|text: &str| {
    // Files from anywhere else would make a finding depend on the machine, and devices never end.
    if text.contains("/dev") || text.contains("/proc") || text.contains('\\') {
        return;
    }
    let env = |name: &str| (name.len() < 20).then(|| SECRET.to_owned());
    if let Err(error) = Config::parse(text, "fuzz.toml", Path::new(FOLDER), &env) {
        let message = error.to_string();
        assert!(!message.is_empty() && !message.contains(SECRET));
    }
});
