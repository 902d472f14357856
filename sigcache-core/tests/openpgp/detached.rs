//! Signatures beside the document.

use sequoia_openpgp::{
    packet::Literal,
    serialize::MarshalInto as _,
    types::{HashAlgorithm, SignatureType},
};
use sigcache_core::{Reason, Timestamp, verify::OpenPgp};

use crate::{
    maker::{By, TEXT, armored, beside, cert, clear, day, detached, find, odd, public, reason, trust},
    support::signers,
};

#[test]
fn signatures_of_sequoia_verify_binary_and_armored() {
    let alice = cert("alice");
    let trust = trust(&[public(&alice)], 1);
    for hash in [HashAlgorithm::SHA256, HashAlgorithm::SHA512] {
        let by = [By::new(&alice, 1).hash(hash)];
        for file in [detached(TEXT, &by), armored(TEXT, &by)] {
            let evidence = beside(&trust, 2, &file, TEXT).unwrap();
            assert_eq!((&*evidence.format, signers(&evidence)), ("openpgp", vec!["k1"]));
            assert_eq!(evidence.valid_from, Some(Timestamp::from(day(1))));
            assert_eq!((evidence.valid_until, evidence.mark, evidence.identity), (None, None, None));
            assert_eq!(reason(beside(&trust, 2, &file, &[TEXT, b"\n"].concat())), Reason::SignatureMismatch);
            assert_eq!(reason(beside(&trust, 2, &file, b"")), Reason::SignatureMismatch);
        }
    }
}

#[test]
fn the_primary_key_may_sign_where_its_certificate_says_so() {
    use sequoia_openpgp::{cert::CertBuilder, types::KeyFlags};
    let builder = |flags| CertBuilder::new().set_creation_time(day(0)).add_userid("x").set_primary_key_flags(flags);
    let (signs, _) = builder(KeyFlags::empty().set_certification().set_signing()).generate().unwrap();
    let (only_certifies, _) = builder(KeyFlags::empty().set_certification()).generate().unwrap();
    let check = |cert| {
        let by = [By::new(cert, 1)];
        beside(&trust(&[public(cert)], 1), 2, &detached(TEXT, &by), TEXT)
    };
    assert_eq!(signers(&check(&signs).unwrap()), ["k1"]);
    let failure = check(&only_certifies).unwrap_err();
    assert_eq!((failure.reason, &*failure.found), (Reason::KeyUnknown, "a key that is not there for signing"));
}

#[test]
fn a_stranger_is_told_by_its_key() {
    let (alice, eve) = (cert("alice"), cert("eve"));
    let trust = trust(&[public(&alice)], 1);
    let failure = beside(&trust, 2, &detached(TEXT, &[By::new(&eve, 1)]), TEXT).unwrap_err();
    assert_eq!(failure.reason, Reason::KeyUnknown);
    let fingerprint = eve.keys().last().unwrap().key().fingerprint();
    assert_eq!(&*failure.found, format!("the key {fingerprint:X}"));
    // Beside a trusted one it does not matter.
    let both = [By::new(&eve, 1), By::new(&alice, 1)];
    assert_eq!(signers(&beside(&trust, 2, &detached(TEXT, &both), TEXT).unwrap()), ["k1"]);
}

#[test]
fn attack_sha1_over_data_is_refused_whatever_the_clock_says() {
    let alice = cert("alice");
    let keys = trust(&[public(&alice)], 1);
    let file = odd(SignatureType::Binary, TEXT, By::new(&alice, 1).hash(HashAlgorithm::SHA1), None);
    let failure = beside(&keys, 2, &file, TEXT).unwrap_err();
    assert_eq!(failure.reason, Reason::MalformedSignature);
    assert!(failure.found.contains("SHA1"), "{failure}");
    let back = find(&OpenPgp::new(".asc"), &keys, std::time::UNIX_EPOCH, &[Some(&file)], TEXT);
    assert_eq!(back.unwrap_err().reason, Reason::MalformedSignature);
    assert_eq!(reason(beside(&trust(&[public(&cert("bob"))], 1), 2, &file, TEXT)), Reason::KeyUnknown);
}

#[test]
fn a_signature_counts_from_when_it_was_made_until_the_end_that_it_sets() {
    let alice = cert("alice");
    let trust = trust(&[public(&alice)], 1);
    let file = odd(SignatureType::Binary, TEXT, By::new(&alice, 3), Some(5));
    // The pipeline judges both, as the document's own validity.
    let evidence = beside(&trust, 9, &file, TEXT).unwrap();
    assert_eq!((evidence.valid_from, evidence.valid_until), (Some(day(3).into()), Some(day(5).into())));
}

#[cfg(feature = "conformance")]
#[test]
fn it_keeps_the_contract_of_all_verifiers() {
    use sigcache_core::conformance::verifier::{Strict, Vector, verifier_contract};
    let (alice, eve) = (cert("alice"), cert("eve"));
    let vector = Vector {
        name: sigcache_core::Name::new("document").unwrap(),
        document: TEXT.into(),
        companions: vec![Some(detached(TEXT, &[By::new(&alice, 1)]).into())],
        trust: trust(&[public(&alice)], 1),
        foreign: trust(&[public(&eve)], 1),
        now: day(2).into(),
    };
    verifier_contract(&OpenPgp::new(".asc"), &vector, Strict::Document);
}

#[test]
fn attack_a_signature_that_names_two_keys_is_nobodys() {
    use sequoia_openpgp::{
        Packet,
        packet::signature::subpacket::{Subpacket, SubpacketValue},
        parse::Parse as _,
    };
    let (alice, eve) = (cert("alice"), cert("eve"));
    let trust = trust(&[public(&alice)], 1);
    let Packet::Signature(good) = Packet::from_bytes(&detached(TEXT, &[By::new(&alice, 1)])).unwrap() else { panic!() };
    let named = |cert: &sequoia_openpgp::Cert| {
        let mut signature = good.clone();
        // Where it is not signed.
        let issuer = SubpacketValue::Issuer(cert.keys().last().unwrap().key().keyid());
        signature.unhashed_area_mut().replace(Subpacket::new(issuer, false).unwrap()).unwrap();
        beside(&trust, 2, &Packet::from(signature).to_vec().unwrap(), TEXT)
    };
    assert_eq!(signers(&named(&alice).unwrap()), ["k1"]);
    assert_eq!(reason(named(&eve)), Reason::KeyUnknown);
}

#[test]
fn thresholds_count_certificates() {
    let (alice, bob, carol) = (cert("alice"), cert("bob"), cert("carol"));
    let trust = trust(&[public(&alice), public(&bob), public(&carol)], 2);
    let (a, b) = (By::new(&alice, 1), By::new(&bob, 1));
    assert_eq!(signers(&beside(&trust, 2, &detached(TEXT, &[b, a]), TEXT).unwrap()), ["k1", "k2"]);
    assert_eq!(reason(beside(&trust, 2, &detached(TEXT, &[a]), TEXT)), Reason::ThresholdNotMet);
    // Twice by one key, and once by each of two keys of a certificate.
    let twice = [detached(TEXT, &[a]), detached(TEXT, &[By::new(&alice, 2)])].concat();
    assert_eq!(reason(beside(&trust, 3, &twice, TEXT)), Reason::ThresholdNotMet);
    // One good signature does not make up for one over something else.
    let mixed = [detached(TEXT, &[a]), detached(b"other", &[b])].concat();
    assert_eq!(reason(beside(&trust, 2, &mixed, TEXT)), Reason::ThresholdNotMet);
    // The same from two files, of which either may be missing.
    let verifier = OpenPgp::new(".a").with_suffix(".b");
    let (file_a, file_b) = (detached(TEXT, &[a]), armored(TEXT, &[b]));
    let found = find(&verifier, &trust, day(2), &[Some(&file_a), Some(&file_b)], TEXT).unwrap();
    assert_eq!(signers(&found.evidence), ["k1", "k2"]);
    let alone = find(&verifier, &trust, day(2), &[None, Some(&file_b)], TEXT).unwrap_err();
    assert_eq!(alone.reason, Reason::ThresholdNotMet);
    assert_eq!(find(&verifier, &trust, day(2), &[None, None], TEXT).unwrap_err().reason, Reason::CompanionMissing);
}

#[test]
fn a_file_of_a_stranger_is_not_kept() {
    let (alice, eve) = (cert("alice"), cert("eve"));
    let trust = trust(&[public(&alice)], 1);
    let verifier = OpenPgp::new(".a").with_suffix(".b");
    let (mine, other) = (detached(TEXT, &[By::new(&alice, 1)]), detached(TEXT, &[By::new(&eve, 1)]));
    let found = find(&verifier, &trust, day(2), &[Some(&other), Some(&mine)], TEXT).unwrap();
    assert!(!found.rests_on(0) && found.rests_on(1));
}

#[test]
fn attack_anything_but_signatures_is_refused() {
    let alice = cert("alice");
    let trust = trust(&[public(&alice)], 1);
    let by = [By::new(&alice, 1)];
    let (packets, armor) = (detached(TEXT, &by), String::from_utf8(armored(TEXT, &by)).unwrap());
    let mut literal = Literal::new(Default::default());
    literal.set_body(TEXT.to_vec());
    let literal = sequoia_openpgp::Packet::from(literal).to_vec().unwrap();
    let begin = "-----BEGIN PGP SIGNATURE-----\n";
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("a page", b"<html>".to_vec()),
        ("a certificate", public(&alice)),
        ("clear-signed", clear(TEXT, &by).into_bytes()),
        ("a document in it", [&packets[..], &literal].concat()),
        ("a document before it", [&literal[..], &packets].concat()),
        ("cut", packets[..packets.len() - 1].to_vec()),
        ("only its beginning", packets[..1].to_vec()),
        ("seventeen", packets.repeat(17)),
        ("a megabyte", vec![b'a'; 1 << 20]),
        ("text before the armor", format!("text\n{armor}").into_bytes()),
        ("text behind the armor", format!("{armor}text\n").into_bytes()),
        ("two armors", armor.repeat(2).into_bytes()),
        ("a header that nobody knows", armor.replacen(begin, &format!("{begin}X: y\n"), 1).into_bytes()),
        ("no end", armor.replace("-----END PGP SIGNATURE-----", "").into_bytes()),
    ];
    for (what, file) in table {
        assert_eq!(reason(beside(&trust, 2, &file, TEXT)), Reason::MalformedSignature, "{what}");
    }
    let commented = armor.replacen(begin, &format!("{begin}Comment: by alice\n"), 1).replace('\n', "\r\n");
    assert!(beside(&trust, 2, commented.as_bytes(), TEXT).is_ok());
    assert!(beside(&trust, 2, &packets.repeat(16), TEXT).is_ok());
}

#[test]
fn no_bit_of_what_is_signed_can_be_flipped() {
    let alice = cert("alice");
    let trust = trust(&[public(&alice)], 1);
    let file = detached(TEXT, &[By::new(&alice, 1)]);
    for at in 0..TEXT.len() {
        let mut changed = TEXT.to_vec();
        changed[at] ^= 1;
        assert_eq!(reason(beside(&trust, 2, &file, &changed)), Reason::SignatureMismatch, "at {at}");
    }
    // Of the file some bits mean nothing (what is not hashed), but none of them may panic.
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut changed = file.clone();
            changed[at] ^= 1 << bit;
            let _ = beside(&trust, 2, &changed, TEXT);
        }
    }
}
