//! A JWS of any size in little memory. Alone in its file, since it looks at the memory of the whole process.

#![cfg(all(feature = "jws", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner as _};
use sha2::{Digest as _, Sha256};
use sigcache_core::{
    KeyId, Name, Timestamp,
    trust::{PublicKey, Trust, TrustedKey},
    verify::{Check, Context, Jws},
};

/// The greatest memory so far, in KiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn sixty_four_mebibytes_pass_in_less_than_sixteen() {
    let signer = SigningKey::from_slice(&[7; 32]).unwrap();
    let point =
        p256::elliptic_curve::sec1::ToSec1Point::to_sec1_point(&p256::PublicKey::from(signer.verifying_key()), false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
    let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
    let key = TrustedKey::new(KeyId::new("k"), PublicKey::parse(jwk.as_bytes()).unwrap());
    let trust = Trust::new(vec![key], 1).unwrap();

    // {"filler":"…","exp":7}, made in pieces that never lie in memory together.
    let piece = URL_SAFE_NO_PAD.encode([b'x'; 48 * 1024]);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#);
    // Each piece has whole groups of three bytes, so that the texts can be put together.
    let (begin, end) = (URL_SAFE_NO_PAD.encode(r#"{"filler": ""#), URL_SAFE_NO_PAD.encode(r#"","exp":7}"#));
    let pieces = || {
        let filler = std::iter::repeat_n(piece.as_str(), 64 * 1024 / 48);
        [&header, ".", &begin].into_iter().chain(filler).chain([end.as_str()])
    };
    let mut hash = Sha256::new();
    pieces().for_each(|piece| hash.update(piece));
    let signature: Signature = signer.sign_prehash(&hash.finalize()).unwrap();

    let name = Name::new("a").unwrap();
    let before = peak();
    let mut check = Check::begin(&Jws::new(), Context::new(&name, Timestamp::from_millis(0), &trust, &[])).unwrap();
    for piece in pieces() {
        check.update(piece.as_bytes()).unwrap();
    }
    check.update(format!(".{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())).as_bytes()).unwrap();
    let evidence = check.finish().unwrap().evidence;
    let grown = peak() - before;
    assert!(evidence.size > 80 * 1024 * 1024, "{}", evidence.size);
    assert_eq!(evidence.valid_until, Some(Timestamp::from_millis(7000)));
    assert!(grown < 16 * 1024, "{grown} KiB more");
}
