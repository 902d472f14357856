//! A public key file, told by its content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigcache_core::trust::{PublicKey, TrustedKey};

fuzz_target!(|file: &[u8]| {
    // An OpenPGP certificate is several keys; the target `openpgp` reads it.
    if let Ok(key) = PublicKey::parse(file)
        && !key.is_openpgp()
    {
        assert!(key.algorithm().is_some() && key.as_opaque().is_none());
        let spki = key.spki_der().expect("a key of a known algorithm");
        assert_eq!(PublicKey::parse(spki).expect("our own form").fingerprint(), key.fingerprint());
        let again = PublicKey::parse(file).expect("the same file is the same key");
        assert_eq!((key.fingerprint(), key.label()), (again.fingerprint(), again.label()));
    }
    // An allowed-signers file is many keys, each under an id of its own.
    if let Ok(keys) = TrustedKey::read("k", file) {
        let mut ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), keys.len());
    }
});
