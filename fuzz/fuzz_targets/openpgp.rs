//! OpenPGP from anybody: a signature file, a clear-signed document, a Release file, a certificate.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sigcache_core::{
    Evidence, Name, Timestamp,
    trust::{Trust, TrustedKey},
    verify::{Check, Context, OpenPgp, Verifier},
};

/// What the certificate's key has signed, and nothing else; nobody has its private key any more.
const DOCUMENT: &[u8] = b"a document\n";
const TEXTS: [&[u8]; 2] = [
    b"first\n- second\n-----BEGIN PGP SIGNATURE-----\nFrom here\n\nlast",
    b"Codename: trixie\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nValid-Until: Thu, 08 Jan 2026 00:00:00 UTC",
];

/// A day after it did.
const NOW: i64 = 1_767_312_000_000;

static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let keys = TrustedKey::read("k", include_bytes!("../../sigcache-core/tests/vectors/openpgp/certificate"));
    Trust::new(keys.expect("a certificate"), 1).expect("one key")
});

fn accepts(verifier: &OpenPgp, companions: &[Option<Bytes>], document: &[u8], chunk: usize) -> Option<Evidence> {
    let name = Name::new("fuzz").expect("a name");
    let context = Context::new(&name, Timestamp::from_millis(NOW), &TRUST, companions);
    let run = || {
        let mut check = Check::begin(verifier, context)?;
        for chunk in document.chunks(chunk) {
            check.update(chunk)?;
        }
        check.finish()
    };
    run().ok().map(|finding| finding.evidence)
}

fuzz_target!(|bytes: &[u8]| {
    // Whatever the file around it, a signature that counts is over what was signed.
    let file = [Some(Bytes::copy_from_slice(bytes))];
    let beside = OpenPgp::new(".asc");
    if accepts(&beside, &file, DOCUMENT, 3).is_some() {
        assert!(accepts(&beside, &file, b"another document", usize::MAX).is_none());
    }
    let inline = OpenPgp::inline();
    let whole = accepts(&inline, &[], bytes, usize::MAX);
    assert_eq!(whole, accepts(&inline, &[], bytes, 3), "however it is cut");
    if whole.is_some() {
        let text = inline.content(Bytes::copy_from_slice(bytes)).expect("what was verified has a text");
        assert!(TEXTS.contains(&&*text), "{text:?}");
    }
    let release = accepts(&OpenPgp::deb_release(), &[], bytes, 64);
    assert!(release.is_none() || whole.is_some(), "a Release file is a clear-signed text");
    if let Ok(keys) = TrustedKey::read("k", bytes) {
        assert!(!keys.is_empty());
        for key in &keys {
            let _ = key.may_sign(Timestamp::from_millis(NOW));
        }
    }
});
