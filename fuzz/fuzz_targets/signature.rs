//! A detached signature file, in any of its forms, under a key of any algorithm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigcache_core::{trust::Algorithm, verify::parse_signature};

fuzz_target!(|file: &[u8]| {
    for (algorithm, size) in [
        (Algorithm::EcdsaP256, 64),
        (Algorithm::EcdsaP384, 96),
        (Algorithm::Ed25519, 64),
        (Algorithm::Rsa { bits: 2048 }, 256),
        (Algorithm::Rsa { bits: 8192 }, 1024),
    ] {
        let Some(signature) = parse_signature(file, algorithm) else { continue };
        assert_eq!(signature.len(), size);
        // White space around a text form changes nothing; around a raw form it may only make it unreadable.
        let mut padded = file.to_vec();
        padded.push(b'\n');
        if let Some(again) = parse_signature(&padded, algorithm) {
            assert_eq!(signature, again);
        }
    }
});
