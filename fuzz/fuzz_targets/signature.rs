//! A detached signature file, in any of its forms.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigcache_core::verify::parse_signature;

fuzz_target!(|file: &[u8]| {
    let Ok(signature) = parse_signature(file) else { return };
    // White space around a text form changes nothing; around a raw form it may only make it unreadable.
    let mut padded = file.to_vec();
    padded.push(b'\n');
    if let Ok(again) = parse_signature(&padded) {
        assert_eq!(signature, again);
    }
});
