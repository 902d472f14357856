//! A JWK set, as a publisher sends it; and a header's certificates, which come the same way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigcache_core::trust::parse_jwks;

fuzz_target!(|bytes: &[u8]| {
    let Ok(entries) = parse_jwks(bytes) else { return };
    for entry in &entries {
        if let Ok(key) = &entry.key {
            assert_eq!(key.kid(), entry.kid.as_deref());
            assert_eq!(key.certificate(), entry.certificates.first().map(|first| &**first));
            assert!(key.algorithm().is_some() && key.spki_der().is_some());
        }
    }
});
