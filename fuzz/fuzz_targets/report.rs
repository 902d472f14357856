//! The report of a run, from a bucket that somebody else can write to.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigcache_core::Report;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut report) = serde_json::from_slice::<Report>(bytes) else { return };
    let again = serde_json::to_vec(&report).expect("what was read can be written");
    let again: Report = serde_json::from_slice(&again).expect("and read");
    assert_eq!(report, again);
    report.count();
    for decision in &report.decisions {
        let _ = (decision.to_string(), decision.is_good());
    }
});
