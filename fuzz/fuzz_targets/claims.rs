//! What a JSON document says of itself, with every claim configured.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigcache_core::{
    Digest, Evidence,
    verify::{Claims, Pointer},
};

fuzz_target!(|document: &[u8]| {
    let pointer = |text: &str| Some(Pointer::new(text).expect("a pointer"));
    let mut claims = Claims::default();
    claims.identity = pointer("/id");
    claims.version = pointer("/v");
    claims.issued = pointer("/i");
    claims.not_before = pointer("/n");
    claims.expires = pointer("/x");
    claims.entries = pointer("/e/f");
    let mut evidence = Evidence::new("fuzz", Digest::of(document), document.len() as u64, []);
    if claims.read(document, &mut evidence).is_ok() {
        // All but the identity are required, so all of them are there.
        assert!(evidence.mark.is_some() && evidence.valid_from.is_some());
        assert!(evidence.valid_until.is_some() && evidence.entries.is_some());
    }
});
