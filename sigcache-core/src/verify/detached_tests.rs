//! What a signature file may look like, and that nothing of a document is looked at before its signature matched.

use ::p256::ecdsa::{Signature as Made, SigningKey, signature::Signer as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::*;
use crate::{
    digest::{self, hex},
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
            assert_eq!((evidence.digest, evidence.size), (Digest::of(DOCUMENT), DOCUMENT.len() as u64));
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
    assert_eq!(found(&[b' '; 4097]), "4097 bytes");
    assert_eq!(found(&[&der[..], &[b'\n'; 4096]].concat()), format!("{} bytes", der.len() + 4096));
    let mut long_form = vec![0x30, 0x81, der[1]];
    long_form.extend(&der[2..]);
    for file in [
        b"not a signature".to_vec(),
        // As many characters as a raw signature has bytes: text is text.
        [b'x'; 64].to_vec(),
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
        keys.judge(&evidence, now).map(|()| evidence.signers)
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
    let failure = keys.judge(&evidence, Timestamp::from_millis(0)).unwrap_err();
    assert_eq!(failure.reason, Reason::ThresholdNotMet);
}

/// What `tests/data/algorithms` holds: its keys, and their signatures over [`SIGNED`].
macro_rules! made {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/data/algorithms/", $name)).as_slice()
    };
}

const SIGNED: &[u8] = b"signed by every algorithm\n";

/// The forms of each algorithm's signatures, as refusals name them.
const FORMS: [(&str, &[u8]); 4] = [
    ("ECDSA P-256 (DER or 64 bytes)", made!("p256.pem")),
    ("ECDSA P-384 (DER or 96 bytes)", made!("p384.pem")),
    ("Ed25519 (64 bytes)", made!("ed25519.pem")),
    ("RSA 2048 (256 bytes)", made!("rsa.pem")),
];

fn trust_in(keys: &[&[u8]]) -> Trust {
    let key = |(number, file): (usize, &&[u8])| {
        TrustedKey::new(KeyId::new(&format!("k{number}")), PublicKey::parse(file).unwrap())
    };
    Trust::new(keys.iter().enumerate().map(key).collect(), 1).unwrap()
}

#[test]
fn every_algorithm_signs_in_its_own_way_and_in_no_other() {
    let plain = || Detached::new(".sig");
    let pss = || plain().with_padding(Padding::Pss);
    let by = |hash| plain().with_hash(hash);
    let (sha256, sha384, sha512) = (HashKind::Sha256, HashKind::Sha384, HashKind::Sha512);
    // A way to set it up, a key, and which one of all its signatures is the right one then.
    let ec: [(&[u8], &[&[u8]]); 2] = [
        (made!("p256.pem"), &[made!("p256.sha256.sig"), made!("p256.sha384.sig"), made!("p256.sha512.sig")]),
        (made!("p384.pem"), &[made!("p384.sha256.sig"), made!("p384.sha384.sig"), made!("p384.sha512.sig")]),
    ];
    let rsa: &[&[u8]] = &[
        made!("rsa.sha256.sig"),
        made!("rsa.sha384.sig"),
        made!("rsa.sha512.sig"),
        made!("rsa.pss.sha256.sig"),
        made!("rsa.pss.sha384.sig"),
        made!("rsa.pss.sha512.sig"),
        made!("rsa.pss.max.sig"),
    ];
    type Row<'a> = (Detached, &'a [u8], &'a [&'a [u8]], usize);
    let table: [Row<'_>; 14] = [
        (plain(), ec[0].0, ec[0].1, 0),
        (by(sha256), ec[0].0, ec[0].1, 0),
        (by(sha384), ec[0].0, ec[0].1, 1),
        (by(sha512), ec[0].0, ec[0].1, 2),
        (plain(), ec[1].0, ec[1].1, 1),
        (by(sha256), ec[1].0, ec[1].1, 0),
        (by(sha512), ec[1].0, ec[1].1, 2),
        (plain(), made!("rsa.pem"), rsa, 0),
        (by(sha384), made!("rsa.pem"), rsa, 1),
        (by(sha512).with_padding(Padding::Pkcs1), made!("rsa.pem"), rsa, 2),
        (pss(), made!("rsa.pem"), rsa, 3),
        (pss().with_hash(sha384), made!("rsa.pem"), rsa, 4),
        (pss().with_hash(sha512), made!("rsa.pem"), rsa, 5),
        (pss().with_hash(sha512), made!("ed25519.pem"), &[made!("ed25519.sig")], 0),
    ];
    for (verifier, key, signatures, right) in table {
        let trust = trust_in(&[key]);
        for (number, signature) in signatures.iter().enumerate() {
            let verdict = verify(&verifier, &trust, &[Some(signature)], SIGNED).map_err(|failure| failure.reason);
            assert_eq!(verdict.is_ok(), number == right, "{verifier:?} {trust:?} {number}");
            if number != right {
                assert_eq!(verdict.unwrap_err(), Reason::SignatureMismatch);
            }
        }
        for file in [STANDARD.encode(signatures[right]), hex(signatures[right]), hex(signatures[right]).to_uppercase()]
        {
            let lines: Vec<&str> = file.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            for file in [file.clone(), format!("{}\r\n", lines.join("\r\n"))] {
                assert!(verify(&verifier, &trust, &[Some(file.as_bytes())], SIGNED).is_ok(), "{file}");
            }
        }
        let other = [SIGNED, b"\n"].concat();
        for document in [&other[..], &SIGNED[1..], b""] {
            assert_eq!(reason(&verifier, &trust, &[Some(signatures[right])], document), Reason::SignatureMismatch);
        }
    }
}

#[test]
fn what_the_keys_cannot_have_made_is_malformed_and_says_what_they_make() {
    let signatures: [&[u8]; 4] =
        [made!("p256.sha256.sig"), made!("p384.sha384.sig"), made!("ed25519.sig"), made!("rsa.sha256.sig")];
    for (made_by, signature) in signatures.into_iter().enumerate() {
        for (number, (form, key)) in FORMS.iter().enumerate() {
            let verdict = verify(&Detached::new(".sig"), &trust_in(&[key]), &[Some(signature)], SIGNED);
            match (made_by, number) {
                _ if made_by == number => assert!(verdict.is_ok(), "{form}"),
                // In DER a signature on the smaller curve may be one on the larger; 64 bytes may be in the fixed form.
                (0, 1) | (2, 0) => assert_eq!(verdict.unwrap_err().reason, Reason::SignatureMismatch, "{form}"),
                _ => {
                    let failure = verdict.unwrap_err();
                    assert_eq!(failure.reason, Reason::MalformedSignature, "{form}");
                    assert_eq!(*failure.expected, format!("one signature: {form}; raw, base64 or hexadecimal"));
                    assert_eq!(*failure.found, format!("something else ({} bytes)", signature.len()));
                }
            }
        }
        // One byte too few and one too many, of whatever could be wanted.
        let all = trust_in(&FORMS.map(|(_, key)| key));
        for file in [&signature[..signature.len() - 1], &[signature, &[0]].concat()] {
            let failure = verify(&Detached::new(".sig"), &all, &[Some(file)], SIGNED).unwrap_err();
            assert_eq!(failure.reason, Reason::MalformedSignature);
            let forms = FORMS.map(|(form, _)| form).join(" or ");
            assert_eq!(*failure.expected, format!("one signature: {forms}; raw, base64 or hexadecimal"));
        }
    }
}

#[test]
fn keys_of_all_algorithms_sign_side_by_side() {
    let verifier = Detached::new(".a").with_suffix(".b").with_suffix(".c").with_suffix(".d");
    let trust = trust_in(&FORMS.map(|(_, key)| key));
    let files =
        [made!("rsa.sha256.sig"), made!("ed25519.sig"), made!("p384.sha384.sig"), made!("p256.sha256.sig")].map(Some);
    let ids = |numbers: &[usize]| numbers.iter().map(|number| KeyId::new(&format!("k{number}"))).collect::<Arc<[_]>>();
    assert_eq!(verify(&verifier, &trust, &files, SIGNED).unwrap().signers, ids(&[0, 1, 2, 3]), "in the keys' order");
    let some = [None, files[1], Some(made!("p256.sha512.sig")), files[3]];
    assert_eq!(verify(&verifier, &trust, &some, SIGNED).unwrap().signers, ids(&[0, 2]), "one over another hash");
    let bad = [files[0], Some(b"<html>".as_slice()), files[2], files[3]];
    assert_eq!(reason(&verifier, &trust, &bad, SIGNED), Reason::MalformedSignature);
    // Which files prove something, and which are not kept.
    let name = Name::new("x").unwrap();
    let companions = some.map(|file| file.map(Bytes::copy_from_slice));
    let mut check =
        Check::begin(&verifier, Context::new(&name, Timestamp::from_millis(0), &trust, &companions)).unwrap();
    SIGNED.chunks(3).for_each(|chunk| check.update(chunk).unwrap());
    let finding = check.finish().unwrap();
    assert_eq!([0, 1, 2, 3].map(|number| finding.rests_on(number)), [true, true, false, true]);
}

#[test]
fn attack_flipped_bits_of_signatures_without_structure_never_verify() {
    for (key, signature) in [(made!("ed25519.pem"), made!("ed25519.sig")), (made!("rsa.pem"), made!("rsa.sha256.sig"))]
    {
        let trust = trust_in(&[key]);
        for bit in 0..signature.len() * 8 {
            let mut file = signature.to_vec();
            file[bit / 8] ^= 1 << (bit % 8);
            let reason = reason(&Detached::new(".sig"), &trust, &[Some(&file)], SIGNED);
            assert_eq!(reason, Reason::SignatureMismatch, "{bit}");
        }
    }
    // RSA: the same number and a multiple of the modulus more, where that still fits, is no other form of it.
    let trust = trust_in(&[made!("rsa.pem")]);
    for file in [[0; 256], [0xff; 256]] {
        assert_eq!(reason(&Detached::new(".sig"), &trust, &[Some(&file)], SIGNED), Reason::SignatureMismatch);
    }
    // Ed25519: s and the group's order more is s to the arithmetic, and R of small order goes with weak keys.
    let trust = trust_in(&[made!("ed25519.pem")]);
    for file in [[0; 64], [0xff; 64], with_order_added(made!("ed25519.sig"))] {
        assert_eq!(reason(&Detached::new(".sig"), &trust, &[Some(&file)], SIGNED), Reason::SignatureMismatch);
    }
}

/// The signature with the order of the group (RFC 8032, section 5.1) added to s.
fn with_order_added(signature: &[u8]) -> [u8; 64] {
    let order = digest::unhex(b"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut made: [u8; 64] = signature.try_into().unwrap();
    let mut carry = 0;
    for (byte, more) in made[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    made
}

/// Found by the fuzzer: 96 characters of base64 were taken for the 96 bytes of P-384, and with a line feed behind them
/// for what they stand for.
#[test]
fn text_is_never_taken_for_a_raw_signature() {
    let made = (1..=200).map(|seed| der(seed, DOCUMENT)).find(|der| der.len() == 72).unwrap();
    let text = STANDARD.encode(made);
    assert_eq!(text.len(), 96);
    let read = |text: &str| parse_signature(text.as_bytes(), Algorithm::EcdsaP384);
    assert_eq!(read(&text), read(&format!("{text}\n")));
    assert!(parse_signature(&[b'x'; 255], Algorithm::Rsa { bits: 2040 }).is_none());
    assert!(parse_signature(&[&[b'x'; 254][..], &[0]].concat(), Algorithm::Rsa { bits: 2040 }).is_some());
}

#[test]
fn a_key_that_is_for_one_way_alone_signs_in_no_other() {
    let jwk = |alg: &str| {
        let jwk = String::from_utf8(made!("rsa.jwk").to_vec()).unwrap();
        jwk.replacen('{', &format!("{{\"alg\":\"{alg}\","), 1)
    };
    let (pkcs1, pss) = (made!("rsa.sha512.sig"), made!("rsa.pss.sha512.sig"));
    let plain = Detached::new(".sig");
    for (alg, right, wrong) in [("RS512", pkcs1, pss), ("PS512", pss, pkcs1)] {
        let trust = trust_in(&[jwk(alg).as_bytes()]);
        assert!(verify(&plain, &trust, &[Some(right)], SIGNED).is_ok(), "{alg} says enough");
        assert_eq!(reason(&plain, &trust, &[Some(wrong)], SIGNED), Reason::SignatureMismatch, "{alg}");
        let agreed = plain.clone().with_hash(HashKind::Sha512);
        assert!(verify(&agreed, &trust, &[Some(right)], SIGNED).is_ok(), "{alg}");
        // Set up against what the key says, nothing matches.
        let against = plain.clone().with_hash(HashKind::Sha256);
        assert_eq!(reason(&against, &trust, &[Some(right)], SIGNED), Reason::SignatureMismatch, "{alg}");
        assert_eq!(reason(&against, &trust, &[Some(made!("rsa.sha256.sig"))], SIGNED), Reason::SignatureMismatch);
    }
}
