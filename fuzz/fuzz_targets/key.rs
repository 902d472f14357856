//! A public key file, told by its content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigcache_core::trust::PublicKey;

fuzz_target!(|file: &[u8]| {
    if let Ok(key) = PublicKey::parse(file) {
        assert!(key.algorithm().is_some() && key.as_opaque().is_none());
        let spki = key.spki_der().expect("a key of a known algorithm");
        assert_eq!(PublicKey::parse(spki).expect("our own form").fingerprint(), key.fingerprint());
        let again = PublicKey::parse(file).expect("the same file is the same key");
        assert_eq!(key.fingerprint(), again.fingerprint());
    }
});
