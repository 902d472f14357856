//! Bounds, pieces and the contract; the examples of the RFCs and the attacks are in `tests/jws.rs`.

use ::p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    name::Name,
    time::Timestamp,
    trust::{PublicKey, TrustedKey},
    verify::{Check, Pointer},
};

const MIB: usize = 1024 * 1024;

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn es256() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn eddsa() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[7; 32])
}

fn ids(trust: &[&str]) -> Trust {
    let key = |id: &&str| {
        let jwk = match *id {
            "ed" => format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, b64(eddsa().verifying_key().as_bytes())),
            _ => {
                let secret = if *id == "ec" { 7 } else { 8 };
                let point = SigningKey::from_slice(&[secret; 32]).unwrap().verifying_key().to_sec1_point(false);
                let (x, y) = point.as_bytes()[1..].split_at(32);
                format!(r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}"#, b64(x), b64(y))
            }
        };
        TrustedKey::new(KeyId::new(id), PublicKey::parse(jwk.as_bytes()).unwrap())
    };
    Trust::new(trust.iter().map(key).collect(), 1).unwrap()
}

fn compact(header: &str, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let mut text = format!("{}.{}", b64(header), b64(payload));
    let signature = if header.contains("EdDSA") {
        b64(eddsa().sign(text.as_bytes()).to_bytes())
    } else {
        let made: Signature = es256().sign(text.as_bytes());
        b64(made.to_bytes())
    };
    text.push('.');
    text.push_str(&signature);
    text.into_bytes()
}

fn detached(header: &str, payload: &[u8]) -> Vec<u8> {
    let whole = String::from_utf8(compact(header, payload)).unwrap();
    let parts: Vec<&str> = whole.split('.').collect();
    format!("{}..{}", parts[0], parts[2]).into_bytes()
}

fn check(jws: &Jws, trust: &Trust, file: Option<&[u8]>, document: &[u8], chunk: usize) -> Result<Evidence, Failure> {
    let name = Name::new("a").unwrap();
    let companions: Vec<Option<Bytes>> = file.into_iter().map(|file| Some(Bytes::copy_from_slice(file))).collect();
    let context = Context::new(&name, Timestamp::from_millis(0), trust, &companions);
    let run = || {
        let mut check = Check::begin(jws, context)?;
        for chunk in document.chunks(chunk) {
            check.update(chunk)?;
        }
        check.finish().map(|finding| finding.evidence)
    };
    run().map_err(VerifyError::into_failure)
}

fn refusal(jws: &Jws, document: &[u8]) -> (Reason, String) {
    let failure = check(jws, &ids(&["ec", "ed"]), None, document, 4096).unwrap_err();
    (failure.reason, failure.found.into())
}

#[test]
fn a_large_payload_passes_through() {
    let payload = vec![b'x'; 32 * MIB];
    let document = compact(r#"{"alg":"ES256"}"#, &payload);
    let evidence = check(&Jws::new(), &ids(&["ec"]), None, &document, 65_536).unwrap();
    assert_eq!((evidence.size, evidence.identity), (document.len() as u64, None));
    let file = detached(r#"{"alg":"EdDSA"}"#, &payload);
    assert!(check(&Jws::detached(".jws"), &ids(&["ed"]), Some(&file), &payload, 65_536).is_ok());
}

#[test]
fn the_claims_of_a_large_payload_are_found_as_it_passes() {
    let filler = "x".repeat(32 * MIB);
    let payload = format!(r#"{{"filler":"{filler}","exp":5,"keys":[1,2],"iss":"x"}}"#);
    let document = compact(r#"{"alg":"ES256"}"#, &payload);
    let evidence = check(&Jws::new(), &ids(&["ec"]), None, &document, 65_536).unwrap();
    assert_eq!((evidence.identity.as_deref(), evidence.entries), (Some("x"), Some(2)));
    assert_eq!(evidence.valid_until, Some(Timestamp::from_millis(5000)));
    let document = compact(r#"{"alg":"ES256"}"#, &payload[..payload.len() - 1]);
    assert_eq!(refusal(&Jws::new(), &document).0, Reason::MalformedDocument);
    // What is pointed at is read from the whole, which must be kept.
    let claims = Claims { version: Some(Pointer::new("/exp").unwrap()), ..Claims::default() };
    let (reason, found) = refusal(&Jws::new().with_claims(claims), &compact(r#"{"alg":"ES256"}"#, &payload));
    assert_eq!((reason, &*found), (Reason::MalformedDocument, "a larger one"));
}

#[test]
fn what_must_be_held_in_memory_has_a_limit() {
    // The signature of an attached EdDSA comes last.
    let header = r#"{"alg":"EdDSA"}"#;
    let longest = (attempt::MAX_HELD - b64(header).len() - 1) / 4 * 3;
    assert!(check(&Jws::new(), &ids(&["ed"]), None, &compact(header, vec![b'x'; longest]), MIB).is_ok());
    let (reason, found) = refusal(&Jws::new(), &compact(header, vec![b'x'; longest + 3]));
    assert_eq!((reason, &*found), (Reason::MalformedDocument, "more, with the signature at the end"));

    let mut json = vec![b' '; MAX_JWS_JSON_BYTES];
    json[0] = b'{';
    assert_eq!(refusal(&Jws::new(), &json).0, Reason::MalformedDocument);
    json.push(b' ');
    assert_eq!(refusal(&Jws::new(), &json), (Reason::MalformedDocument, "a larger one".to_owned()));

    let endless = vec![b'A'; header::MAX_HEADER + 1];
    assert_eq!(refusal(&Jws::new(), &endless), (Reason::MalformedDocument, "a header without end".to_owned()));
    let mut signature = compact(r#"{"alg":"ES256"}"#, "x");
    signature.extend(vec![b'A'; attempt::MAX_SIGNATURE]);
    assert_eq!(refusal(&Jws::new(), &signature), (Reason::MalformedDocument, "a signature without end".to_owned()));

    let file = vec![b'A'; MAX_DETACHED + 1];
    let failure = check(&Jws::detached(".jws"), &ids(&["ec"]), Some(&file), b"x", 9).unwrap_err();
    assert_eq!(failure.reason, Reason::MalformedSignature);
}

#[test]
fn a_detached_signature_that_is_not_there() {
    let trust = ids(&["ec"]);
    let failure = check(&Jws::detached(".jws"), &trust, None, b"x", 9).unwrap_err();
    assert_eq!(failure.reason, Reason::CompanionMissing);
    let name = Name::new("a").unwrap();
    let context = Context::new(&name, Timestamp::from_millis(0), &trust, &[None]);
    assert!(Check::begin(&Jws::detached(".jws"), context).is_err());
}

#[test]
fn no_more_checks_of_ed25519_run_at_once_than_are_sensible() {
    let key = |number: u8| {
        let key = ed25519_dalek::SigningKey::from_bytes(&[number; 32]);
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, b64(key.verifying_key().as_bytes()));
        TrustedKey::new(KeyId::new(&number.to_string()), PublicKey::parse(jwk.as_bytes()).unwrap())
    };
    let signature = detached(r#"{"alg":"EdDSA"}"#, b"x");
    let signature = String::from_utf8(signature).unwrap();
    let (protected, signature) = signature.split_once("..").unwrap();
    let entry = format!(r#"{{"protected":"{protected}","signature":"{signature}"}}"#);
    let file = format!(r#"{{"signatures":[{}]}}"#, vec![entry; 16].join(","));
    let with = |keys: u8| {
        let trust = Trust::new((1..=keys).map(key).collect(), 1).unwrap();
        check(&Jws::detached(".jws"), &trust, Some(file.as_bytes()), b"x", 9)
    };
    assert_eq!(*with(16).unwrap().signers, [KeyId::new("7")]);
    assert_eq!(with(17).unwrap_err().reason, Reason::MalformedSignature);
}

#[test]
fn claims_that_are_configured_must_be_there_and_others_are_not_read() {
    let document = compact(r#"{"alg":"ES256"}"#, r#"{"serial":7,"iss":"x","exp":1,"iat":2,"meta":{"id":"y"}}"#);
    let trust = ids(&["ec"]);
    let claims = |version: &str| Claims {
        version: Some(Pointer::new(version).unwrap()),
        identity: Some(Pointer::new("/meta/id").unwrap()),
        ..Claims::default()
    };
    let evidence = check(&Jws::new().with_claims(claims("/serial")), &trust, None, &document, 9).unwrap();
    assert_eq!(evidence.mark, Some(crate::evidence::Mark::Sequence(7)));
    assert_eq!((evidence.identity.as_deref(), evidence.valid_until), (Some("y"), None));
    let failure = check(&Jws::new().with_claims(claims("/version")), &trust, None, &document, 9).unwrap_err();
    assert_eq!(failure.reason, Reason::MalformedDocument);
}

#[test]
fn registered_claims_and_the_keys_of_a_set_become_evidence() {
    let payload = r#" {"iss":"x","iat":1,"nbf":2,"exp":3.5,"keys":[{},{}]}"#;
    let document = compact(r#"{"alg":"ES256","typ":"trust-anchor+jwt"}"#, payload);
    let evidence = check(&Jws::new(), &ids(&["ec"]), None, &document, 9).unwrap();
    let at = |millis| Some(Timestamp::from_millis(millis));
    assert_eq!(evidence.mark, Some(crate::evidence::Mark::Issued(Timestamp::from_millis(1000))));
    assert_eq!((evidence.valid_from, evidence.valid_until), (at(2000), at(3500)));
    assert_eq!((evidence.identity.as_deref(), evidence.entries), (Some("x"), Some(2)));
    assert_eq!(evidence.media_type.as_deref(), Some("trust-anchor+jwt"));
    assert_eq!(Jws::new().content(document.into()).unwrap(), payload.as_bytes());
}

#[test]
fn the_payload_of_what_was_never_verified_is_an_error_and_no_panic() {
    for text in ["", ".", "..", "...", "{", "{}", "eyJhbGciOiJFUzI1NiJ9.=.", "eyJhbGciOiJFUzI1NiJ9"] {
        assert!(Jws::new().content(Bytes::from_static(text.as_bytes())).is_err(), "{text}");
    }
    assert_eq!(Jws::detached(".jws").content(Bytes::from_static(b"x")).unwrap(), "x");
}

#[cfg(feature = "conformance")]
#[test]
fn it_keeps_the_contract_of_verifiers() {
    use crate::conformance::verifier::{Strict, Vector, verifier_contract};

    let vector = |document: Vec<u8>, file: Option<Vec<u8>>, key: &str| Vector {
        name: Name::new("a").unwrap(),
        document: document.into(),
        companions: file.into_iter().map(|file| Some(Bytes::from(file))).collect(),
        trust: ids(&[key]),
        foreign: ids(&["other"]),
        now: Timestamp::from_millis(0),
    };
    let (es256, eddsa) = (r#"{"alg":"ES256"}"#, r#"{"alg":"EdDSA"}"#);
    verifier_contract(&Jws::new(), &vector(compact(es256, "text"), None, "ec"), Strict::EveryBit);
    verifier_contract(&Jws::new(), &vector(compact(eddsa, "text"), None, "ed"), Strict::EveryBit);
    for (header, key) in [(es256, "ec"), (eddsa, "ed")] {
        let vector = vector(b"text".to_vec(), Some(detached(header, b"text")), key);
        verifier_contract(&Jws::detached(".jws"), &vector, Strict::EveryBit);
    }
}

proptest! {
    /// Anything that begins like a JWS, and anything at all.
    #[test]
    fn nothing_panics(
        header in prop_oneof![Just(r#"{"alg":"ES256"}"#.to_owned()), "\\{\"alg\":\"(ES256|EdDSA)\",[\"a-z0-9:\\[\\],{}]{0,20}\\}"],
        rest in "[A-Za-z0-9_.=-]{0,40}",
        raw in proptest::collection::vec(any::<u8>(), 0..80),
        json in "\\{(\"(payload|protected|signature|signatures|header)\":(\"[A-Za-z0-9]{0,9}\"|\\[\\]|\\{\\}|1),?){0,5}\\}",
        chunk in 1_usize..20,
    ) {
        let trust = ids(&["ec", "ed"]);
        for document in [format!("{}.{rest}", b64(&header)).into_bytes(), raw, json.into_bytes()] {
            prop_assert!(check(&Jws::new(), &trust, None, &document, chunk).is_err());
            prop_assert!(check(&Jws::detached(".jws"), &trust, Some(&document), b"x", chunk).is_err());
            let paths = Jws::new().with_certificate_paths(PathRules::new());
            prop_assert!(check(&paths, &trust, None, &document, chunk).is_err());
            let _ = Jws::new().content(document.into());
        }
    }

    /// However it is cut, the same is established.
    #[test]
    fn chunks_make_no_difference(payload: Vec<u8>, first in 1_usize..50, json: bool) {
        prop_assume!(!payload.is_empty() && !payload.trim_ascii_start().starts_with(b"{"));
        let mut document = compact(r#"{"alg":"ES256"}"#, &payload);
        if json {
            let whole = String::from_utf8(document).unwrap();
            let parts: Vec<&str> = whole.split('.').collect();
            let text = format!(r#"{{"protected":"{}","payload":"{}","signature":"{}"}}"#, parts[0], parts[1], parts[2]);
            document = text.into_bytes();
        }
        let trust = ids(&["ec"]);
        let whole = check(&Jws::new(), &trust, None, &document, usize::MAX).unwrap();
        prop_assert_eq!(check(&Jws::new(), &trust, None, &document, first).unwrap(), whole);
        prop_assert_eq!(Jws::new().content(document.into()).unwrap(), payload);
    }
}
