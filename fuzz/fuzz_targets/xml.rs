//! A signed XML document, of any of the kinds. The first byte says which, and how the bytes are cut.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sigcache_core::{
    Evidence, KeyId, Name, Timestamp,
    trust::{PublicKey, Trust, TrustedKey},
    verify::{Check, Context, SamlMetadata, Verifier, VerifyError, XmlDsig},
};

/// The keys of the seeds, so that what comes behind a signature is reached too.
static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let key = |id: &str, file: &[u8]| TrustedKey::new(KeyId::new(id), PublicKey::parse(file).expect("a key"));
    let ec = key("ec", include_bytes!("../../sigcache-core/tests/vectors/xml/keys/ec-p256.crt"));
    let rsa = key("rsa", include_bytes!("../../sigcache-core/tests/vectors/xml/keys/rsa.crt"));
    Trust::new(vec![ec, rsa], 1).expect("keys")
});

fn verify(verifier: &dyn Verifier, document: &[u8], chunk: usize) -> Result<Evidence, VerifyError> {
    let name = Name::new("document").expect("a name");
    let context = Context::new(&name, Timestamp::from_millis(0), &TRUST, &[]);
    let mut check = Check::begin(verifier, context)?;
    for bytes in document.chunks(chunk) {
        check.update(bytes)?;
    }
    check.finish().map(|finding| finding.evidence)
}

fuzz_target!(|input: &[u8]| {
    let Some((selector, document)) = input.split_first() else { return };
    let verifier: &dyn Verifier = match selector % 3 {
        0 => &SamlMetadata::new(),
        1 => &XmlDsig::new(),
        _ => &XmlDsig::trusted_list(),
    };
    let pieces = verify(verifier, document, 1 + usize::from(selector / 3));
    assert_eq!(verify(verifier, document, usize::MAX), pieces, "the answer depends on how the bytes come");
});
