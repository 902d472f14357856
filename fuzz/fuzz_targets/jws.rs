//! A JWS from anybody: as the document, beside it, and with a certificate path in it.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sigcache_core::{
    KeyId, Name, Timestamp,
    trust::{PublicKey, Trust, TrustedKey, x509::PathRules},
    verify::{Check, Context, Jws, Verifier},
};

/// The keys of the seeds, and a root.
static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let key = |(id, file): (&str, &[u8])| TrustedKey::new(KeyId::new(id), PublicKey::parse(file).expect("a key"));
    let files: [(&str, &[u8]); 3] = [
        ("ec", include_bytes!("../../sigcache-core/tests/data/keys/public.jwk")),
        ("ed", br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#),
        ("root", include_bytes!("../../sigcache-core/tests/vectors/trust-anchor/root.pem")),
    ];
    Trust::new(files.into_iter().map(key).collect(), 1).expect("keys that differ")
});

fn accepts(jws: &Jws, companions: &[Option<Bytes>], document: &[u8], chunk: usize) -> bool {
    let name = Name::new("fuzz").expect("a name");
    let context = Context::new(&name, Timestamp::from_millis(0), &TRUST, companions);
    let run = || {
        let mut check = Check::begin(jws, context)?;
        for chunk in document.chunks(chunk) {
            check.update(chunk)?;
        }
        check.finish()
    };
    run().is_ok()
}

fuzz_target!(|bytes: &[u8]| {
    let attached = Jws::new();
    let whole = accepts(&attached, &[], bytes, usize::MAX);
    assert_eq!(whole, accepts(&attached, &[], bytes, 3), "however it is cut");
    let content = attached.content(Bytes::copy_from_slice(bytes));
    assert!(!whole || content.is_ok(), "what was verified has a payload");
    accepts(&Jws::new().with_certificate_paths(PathRules::new()), &[], bytes, 64);
    accepts(&Jws::detached(".jws"), &[Some(Bytes::copy_from_slice(bytes))], b"Example of Ed25519 signing", 7);
});
