//! What a signature file may look like, and that nothing of a document is looked at before its signature matched.

use ::p256::ecdsa::{Signature as Made, SigningKey, signature::Signer as _};
use bytes::Bytes;

use super::*;
use crate::{
    digest::hex,
    evidence::{KeyId, Mark},
    name::Name,
    reason::Reason,
    time::Timestamp,
    trust::{PublicKey, TrustedKey},
    verify::{Check, Pointer},
};

const DOCUMENT: &[u8] = br#"{"name":"flags","version":7}"#;

fn signer(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn sign(seed: u8, document: &[u8]) -> Made {
    signer(seed).sign(document)
}

fn der(seed: u8, document: &[u8]) -> Vec<u8> {
    sign(seed, document).to_der().as_bytes().to_vec()
}

fn fixed(seed: u8, document: &[u8]) -> Vec<u8> {
    sign(seed, document).to_bytes().to_vec()
}

/// Keys 1, 2 … under the ids `k1`, `k2` …
fn trust(seeds: &[u8], threshold: usize) -> Trust {
    let key = |seed: &u8| {
        use ::p256::pkcs8::EncodePublicKey as _;
        let der = signer(*seed).verifying_key().to_public_key_der().unwrap();
        TrustedKey::new(KeyId::new(&format!("k{seed}")), PublicKey::parse(der.as_bytes()).unwrap())
    };
    Trust::new(seeds.iter().map(key).collect(), threshold).unwrap()
}

fn verify(
    verifier: &Detached,
    trust: &Trust,
    files: &[Option<&[u8]>],
    document: &[u8],
) -> Result<Evidence, crate::decision::Failure> {
    let name = Name::new("flags.json").unwrap();
    let companions: Vec<Option<Bytes>> = files.iter().map(|file| file.map(Bytes::copy_from_slice)).collect();
    let context = Context::new(&name, Timestamp::from_millis(0), trust, &companions);
    let run = || {
        let mut check = Check::begin(verifier, context)?;
        for chunk in document.chunks(1024 * 1024) {
            check.update(chunk)?;
        }
        check.finish().map(|finding| finding.evidence)
    };
    run().map_err(VerifyError::into_failure)
}

fn reason(verifier: &Detached, trust: &Trust, files: &[Option<&[u8]>], document: &[u8]) -> Reason {
    verify(verifier, trust, files, document).unwrap_err().reason
}

fn versioned() -> Detached {
    let claims = Claims { version: Some(Pointer::new("/version").unwrap()), ..Claims::default() };
    Detached::new(".sig").with_claims(claims)
}

#[test]
fn every_form_of_a_signature_file_is_accepted() {
    let wrapped = |text: &str| {
        let lines: Vec<&str> = text.as_bytes().chunks(20).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join("\n")
    };
    for raw in [der(1, DOCUMENT), fixed(1, DOCUMENT)] {
        let base64 = STANDARD.encode(&raw);
        for file in [
            raw.clone(),
            base64.clone().into_bytes(),
            format!("{base64}\n").into_bytes(),
            wrapped(&base64).into_bytes(),
            wrapped(&base64).replace('\n', "\r\n").into_bytes(),
            format!("  {base64}\t\n\n").into_bytes(),
            hex(&raw).into_bytes(),
            hex(&raw).to_uppercase().into_bytes(),
            format!("{}\n", wrapped(&hex(&raw))).into_bytes(),
        ] {
            let evidence = verify(&Detached::new(".sig"), &trust(&[1, 2], 1), &[Some(&file)], DOCUMENT).unwrap();
            assert_eq!(*evidence.signers, [KeyId::new("k1")]);
            assert_eq!((evidence.digest, evidence.size), (digest::Digest::of(DOCUMENT), DOCUMENT.len() as u64));
            assert_eq!(&*evidence.format, "detached");
        }
    }
}

#[test]
fn what_is_no_signature_is_malformed() {
    let (der, fixed) = (der(1, DOCUMENT), fixed(1, DOCUMENT));
    let base64 = STANDARD.encode(&der);
    let found = |file: &[u8]| {
        let failure = verify(&Detached::new(".sig"), &trust(&[1], 1), &[Some(file)], DOCUMENT).unwrap_err();
        assert_eq!(failure.reason, Reason::MalformedSignature, "{:?}", String::from_utf8_lossy(file));
        failure.found.to_string()
    };
    assert_eq!(found(b""), "an empty file (0 bytes)");
    assert_eq!(found(b" \r\n\t"), "an empty file (4 bytes)");
    let page = b"<!DOCTYPE html><title>404</title>";
    assert_eq!(found(page), "a text that begins with <, perhaps an HTML page (33 bytes)");
    assert_eq!(found(b"\n  <html>"), "a text that begins with <, perhaps an HTML page (9 bytes)");
    assert_eq!(found(&[b' '; 1025]), "1025 bytes");
    assert_eq!(found(&[&der[..], &[b'\n'; 1024]].concat()), format!("{} bytes", der.len() + 1024));
    let mut long_form = vec![0x30, 0x81, der[1]];
    long_form.extend(&der[2..]);
    for file in [
        b"not a signature".to_vec(),
        vec![0; 64],
        vec![0xff; 64],
        // One file, one signature.
        [&der[..], &der[..]].concat(),
        [&fixed[..], &fixed[..]].concat(),
        format!("{base64}\n{base64}").into_bytes(),
        format!("{0}{0}", hex(&fixed)).into_bytes(),
        // Nothing behind it, nothing missing, nothing written in another way.
        [&der[..], b"\n"].concat(),
        [&der[..], &[0]].concat(),
        [&fixed[..], &[0]].concat(),
        fixed[..63].to_vec(),
        long_form,
        format!("{base64}AAAA").into_bytes(),
        format!("{}=", base64.trim_end_matches('=')).replace("==", "").into_bytes().repeat(2),
        format!("{}00", hex(&der)).into_bytes(),
        format!("0x{}", hex(&der)).into_bytes(),
        hex(&der).as_bytes()[1..].to_vec(),
        format!("-----BEGIN SIGNATURE-----\n{base64}\n-----END SIGNATURE-----\n").into_bytes(),
    ] {
        found(&file);
    }
    // 64 bytes of anything have the fixed form; they do not match, but they are not malformed.
    for length in (0..der.len()).filter(|length| *length != 64) {
        found(&der[..length]);
    }
}

#[test]
fn a_flipped_bit_anywhere_never_verifies() {
    let keys = trust(&[1], 1);
    for good in [der(1, DOCUMENT), fixed(1, DOCUMENT)] {
        for bit in 0..good.len() * 8 {
            let mut file = good.clone();
            file[bit / 8] ^= 1 << (bit % 8);
            let reason = reason(&Detached::new(".sig"), &keys, &[Some(&file)], DOCUMENT);
            assert!(matches!(reason, Reason::MalformedSignature | Reason::SignatureMismatch), "{bit}: {reason}");
        }
        for bit in 0..DOCUMENT.len() * 8 {
            let mut document = DOCUMENT.to_vec();
            document[bit / 8] ^= 1 << (bit % 8);
            let reason = reason(&Detached::new(".sig"), &keys, &[Some(&good)], &document);
            assert_eq!(reason, Reason::SignatureMismatch, "{bit}");
        }
        for document in [&DOCUMENT[1..], &DOCUMENT[..DOCUMENT.len() - 1], &[DOCUMENT, b"\n"].concat(), b""] {
            let reason = reason(&Detached::new(".sig"), &keys, &[Some(&good)], document);
            assert_eq!(reason, Reason::SignatureMismatch);
        }
    }
}

#[test]
fn attack_wrong_key_and_said_no_more_than_needed() {
    let file = der(3, DOCUMENT);
    let failure = verify(&Detached::new(".sig"), &trust(&[1, 2], 1), &[Some(&file)], DOCUMENT).unwrap_err();
    assert_eq!(failure.reason, Reason::SignatureMismatch);
    assert_eq!((&*failure.expected, &*failure.found), ("a signature by k1, k2", "a signature that does not match"));
    // A key of a kind that only another verifier knows matches nothing.
    let opaque = TrustedKey::new(KeyId::new("o"), PublicKey::opaque(vec![1]));
    let opaque = Trust::new(vec![opaque], 1).unwrap();
    assert_eq!(reason(&Detached::new(".sig"), &opaque, &[Some(&file)], DOCUMENT), Reason::SignatureMismatch);
}

#[test]
fn claims_are_read_only_after_the_signature_matched() {
    let keys = trust(&[1], 1);
    let cases: [&[u8]; 5] = [b"no JSON", br#"{"version":"x"}"#, b"{}", br#"{"version":1,"version":2}"#, b""];
    for document in cases {
        let (good, bad) = (der(1, document), der(2, document));
        assert_eq!(reason(&versioned(), &keys, &[Some(&bad)], document), Reason::SignatureMismatch);
        assert_eq!(reason(&versioned(), &keys, &[Some(&good)], document), Reason::MalformedDocument);
        assert!(verify(&Detached::new(".sig"), &keys, &[Some(&good)], document).is_ok(), "without claims, any bytes");
    }
    let evidence = verify(&versioned(), &keys, &[Some(&der(1, DOCUMENT))], DOCUMENT).unwrap();
    assert_eq!(evidence.mark, Some(Mark::Sequence(7)));
}

#[test]
fn attack_endless_data_a_document_with_claims_is_kept_only_to_the_bound() {
    let keys = trust(&[1], 1);
    let document = |size: usize| {
        let mut document = br#"{"version":7,"pad":""#.to_vec();
        document.resize(size - 2, b'x');
        document.extend(b"\"}");
        document
    };
    let largest = document(MAX_CLAIMS_BYTES);
    assert!(verify(&versioned(), &keys, &[Some(&der(1, &largest))], &largest).is_ok());
    let larger = document(MAX_CLAIMS_BYTES + 1);
    assert_eq!(reason(&versioned(), &keys, &[Some(&der(1, &larger))], &larger), Reason::MalformedDocument);
    assert!(verify(&Detached::new(".sig"), &keys, &[Some(&der(1, &larger))], &larger).is_ok(), "streamed");
}

#[test]
fn two_signature_files_for_a_threshold_of_two() {
    let verifier = Detached::new(".sig").with_suffix(".sig2");
    let keys = trust(&[1, 2, 3], 2);
    let (one, two, stranger) = (der(1, DOCUMENT), fixed(2, DOCUMENT), der(9, DOCUMENT));
    let now = Timestamp::from_millis(0);
    let judged = |files: &[Option<&[u8]>]| {
        let evidence = verify(&verifier, &keys, files, DOCUMENT)?;
        keys.judge(&evidence.signers, now).map(|()| evidence.signers)
    };
    let ids = |names: &[&str]| names.iter().map(|name| KeyId::new(name)).collect::<Arc<[KeyId]>>();
    assert_eq!(judged(&[Some(&one), Some(&two)]).unwrap(), ids(&["k1", "k2"]));
    assert_eq!(judged(&[Some(&two), Some(&one)]).unwrap(), ids(&["k1", "k2"]), "in any order");
    let refused: [(&[Option<&[u8]>], Reason); 6] = [
        (&[Some(&one), Some(&one)], Reason::ThresholdNotMet),
        (&[Some(&one), None], Reason::ThresholdNotMet),
        (&[None, Some(&two)], Reason::ThresholdNotMet),
        (&[Some(&one), Some(&stranger)], Reason::ThresholdNotMet),
        (&[Some(&stranger), Some(&stranger)], Reason::SignatureMismatch),
        (&[None, None], Reason::CompanionMissing),
    ];
    for (files, reason) in refused {
        assert_eq!(judged(files).unwrap_err().reason, reason, "{files:?}");
    }
    assert_eq!(judged(&[Some(&one), Some(b"<html>")]).unwrap_err().reason, Reason::MalformedSignature);
    let needs: Vec<(Arc<str>, Need)> = verifier.companions().into_iter().map(|c| (c.suffix, c.need)).collect();
    assert_eq!(needs, [(".sig".into(), Need::Optional), (".sig2".into(), Need::Optional)]);
    assert_eq!(Detached::new(".sig").companions()[0].need, Need::Required, "the only one cannot be missing");
}

#[test]
fn attack_threshold_cheating_one_signature_in_two_forms() {
    // ECDSA is malleable: (r, -s) verifies as well, so two different files may be one signature. Keys are counted.
    let made = sign(1, DOCUMENT);
    let (r, s) = made.split_scalars();
    let twin = Made::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    assert_ne!(made, twin);
    let verifier = Detached::new(".sig").with_suffix(".sig2");
    let keys = trust(&[1, 2], 2);
    let files = [Some(&made.to_bytes()[..]), Some(&twin.to_bytes()[..])];
    let evidence = verify(&verifier, &keys, &files, DOCUMENT).unwrap();
    assert_eq!(*evidence.signers, [KeyId::new("k1")]);
    let failure = keys.judge(&evidence.signers, Timestamp::from_millis(0)).unwrap_err();
    assert_eq!(failure.reason, Reason::ThresholdNotMet);
}
