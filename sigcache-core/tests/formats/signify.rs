//! `signify`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigcache_core::{
    Reason, Timestamp,
    trust::Trust,
    verify::{Signify, Verifier as _},
};

use crate::support::{Case, document, fixture, installed, public, script, sign, signers, text, trust};

fn keys() -> Trust {
    trust(&[&fixture("signify/key.pub")], 1)
}

fn beside() -> Signify {
    Signify::new(".sig")
}

fn public_key(seed: u8, number: u8) -> Vec<u8> {
    let bytes = [&b"Ed"[..], &[number; 8], &public(seed)].concat();
    format!("untrusted comment: x\n{}\n", STANDARD.encode(bytes)).into_bytes()
}

fn signature(seed: u8, number: u8, document: &[u8]) -> Vec<u8> {
    let bytes = [&b"Ed"[..], &[number; 8], &sign(seed, document)].concat();
    format!("untrusted comment: x\n{}\n", STANDARD.encode(bytes)).into_bytes()
}

#[test]
fn what_signify_made_verifies() {
    let (verifier, keys, document) = (beside(), keys(), document());
    let case = Case::new(&verifier, &keys);
    let evidence = case.good(&fixture("signify/document.sig"), &document);
    assert_eq!((&*evidence.format, signers(&evidence)), ("signify", vec!["k1"]));
    assert_eq!((evidence.identity, evidence.mark, evidence.comment), (None, None, None));
    assert_eq!(case.reason(&fixture("signify/other.sig"), &document), Reason::KeyUnknown);
    assert_eq!(case.reason(&fixture("signify/document.sig"), b"another\n"), Reason::SignatureMismatch);
    // minisign has the same keys, and with -l the same signature in its first two lines.
    let minisign = text("minisign/legacy.minisig");
    let first_two: Vec<&str> = minisign.lines().take(2).collect();
    let keys = trust(&[&fixture("minisign/key.pub")], 1);
    Case::new(&verifier, &keys).good(first_two.join("\n").as_bytes(), &document);
    assert_eq!(Case::new(&verifier, &keys).reason(minisign.as_bytes(), &document), Reason::MalformedSignature);
}

#[test]
fn what_signify_embedded_verifies_and_its_content_is_what_was_signed() {
    let (verifier, keys) = (Signify::embedded(), keys());
    let case = Case::new(&verifier, &keys);
    let whole = fixture("signify/embedded.sig");
    let finding = case.find(&[], &whole).unwrap();
    assert_eq!(verifier.content(whole.clone().into()).unwrap(), document());
    assert_eq!(verifier.content(document().into()).unwrap_err().failure().reason, Reason::MalformedSignature);
    assert_eq!((signers(&finding.evidence), finding.evidence.size), (vec!["k1"], whole.len() as u64));
    let reason = |document: &[u8]| case.find(&[], document).unwrap_err().reason;
    let head = whole.len() - document().len();
    for bit in 0..whole.len() * 8 {
        let mut document = whole.clone();
        document[bit / 8] ^= 1 << (bit % 8);
        match case.find(&[], &document) {
            // Nobody signed the comment; it has to be one all the same.
            Ok(_) => assert!(bit / 8 < whole.iter().position(|byte| *byte == b'\n').unwrap(), "{bit}"),
            Err(failure) if bit / 8 >= head => assert_eq!(failure.reason, Reason::SignatureMismatch, "{bit}"),
            Err(failure) => assert_ne!(failure.reason, Reason::CompanionMissing),
        }
    }
    for end in 0..head {
        assert_eq!(reason(&whole[..end]), Reason::MalformedSignature, "{end}");
    }
    for end in head..whole.len() {
        assert_eq!(reason(&whole[..end]), Reason::SignatureMismatch, "{end}");
    }
    assert_eq!(reason(&[&whole[..], b"x"].concat()), Reason::SignatureMismatch);
    assert_eq!(reason(&document()), Reason::MalformedSignature);
    assert_eq!(reason(&fixture("signify/gzip.sig")), Reason::MalformedSignature, "signify -z is not understood");
    let other = trust(&[&fixture("signify/other.pub")], 1);
    assert_eq!(Case::new(&verifier, &other).find(&[], &whole).unwrap_err().reason, Reason::KeyUnknown);
}

#[test]
fn attack_endless_data_the_head_of_an_embedded_signature_is_bounded() {
    let (verifier, keys) = (Signify::embedded(), keys());
    let case = Case::new(&verifier, &keys);
    let line = text("signify/embedded.sig").lines().nth(1).unwrap().to_owned();
    let with = |length: usize| {
        let comment = format!("untrusted comment: {}", "x".repeat(length));
        [format!("{comment}\n{line}\n").as_bytes(), &document()].concat()
    };
    let room = 1200 - "untrusted comment: \n\n".len() - line.len();
    case.find(&[], &with(room)).unwrap();
    for length in [room + 1, 100_000] {
        assert_eq!(case.find(&[], &with(length)).unwrap_err().reason, Reason::MalformedSignature);
    }
    assert_eq!(case.find(&[], &[b'x'; 10_000]).unwrap_err().reason, Reason::MalformedSignature);
}

#[test]
fn what_is_no_signature_file_is_malformed() {
    let (verifier, keys, document) = (beside(), keys(), document());
    let case = Case::new(&verifier, &keys);
    let good = text("signify/document.sig");
    let line = good.lines().nth(1).unwrap();
    for same in [good.replace('\n', "\r\n"), good.trim_end().to_owned(), good.replace("verify with", "")] {
        case.good(same.as_bytes(), &document);
    }
    let other = |algorithm: &[u8; 2]| {
        let mut bytes = STANDARD.decode(line).unwrap();
        bytes[..2].copy_from_slice(algorithm);
        good.replace(line, &STANDARD.encode(bytes)).into_bytes()
    };
    for broken in [
        Vec::new(),
        b"<!DOCTYPE html>\n<title>".to_vec(),
        line.as_bytes().to_vec(),
        format!("{good}\n").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("untrusted comment:\n{line}").into_bytes(),
        format!("untrusted comment: \u{1b}[2J\n{line}").into_bytes(),
        format!("untrusted comment: {}\n{line}", "x".repeat(1100)).into_bytes(),
        good.replace(line, "").into_bytes(),
        good.replace(line, &line[..96]).into_bytes(),
        good.replace(line, &format!("{line} ")).into_bytes(),
        [good.as_bytes(), b"\xff"].concat(),
        other(b"ED"),
        other(b"\0\0"),
        fixture("signify/embedded.sig"),
        fixture("signify/key.pub"),
        fixture("minisign/document.minisig"),
    ] {
        assert_eq!(case.reason(&broken, &document), Reason::MalformedSignature, "{}", String::from_utf8_lossy(&broken));
    }
}

#[test]
fn a_flipped_bit_anywhere_but_in_the_comment_never_verifies() {
    let (verifier, keys, document) = (beside(), keys(), document());
    let case = Case::new(&verifier, &keys);
    let good = fixture("signify/document.sig");
    let start = good.iter().position(|byte| *byte == b'\n').unwrap();
    for bit in start * 8..good.len() * 8 {
        let mut file = good.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        let reason = case.reason(&file, &document);
        let known = [Reason::MalformedSignature, Reason::SignatureMismatch, Reason::KeyUnknown];
        assert!(known.contains(&reason), "{bit}: {reason}");
    }
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract_of_all_verifiers_holds() {
    let (verifier, keys, foreign) = (beside(), keys(), trust(&[&fixture("signify/other.pub")], 1));
    crate::support::contract(&Case::new(&verifier, &keys), &foreign, &[&fixture("signify/document.sig")], &document());
}

#[test]
fn two_files_for_a_threshold_of_two() {
    let verifier = beside().with_suffix(".sig2");
    let keys = trust(&[&public_key(1, 7), &public_key(2, 8)], 2);
    let case = Case::new(&verifier, &keys);
    let (one, two, stranger) = (signature(1, 7, b"d"), signature(2, 8, b"d"), signature(3, 9, b"d"));
    let judged = |files: &[Option<&[u8]>]| {
        let finding = case.find(files, b"d").map_err(|failure| failure.reason)?;
        let now = Timestamp::from_millis(0);
        keys.judge(&finding.evidence, now).map_err(|failure| failure.reason)?;
        Ok::<_, Reason>(finding)
    };
    assert_eq!(signers(&judged(&[Some(&two), Some(&one)]).unwrap().evidence), ["k1", "k2"]);
    assert_eq!(judged(&[Some(&one), Some(&one)]), Err(Reason::ThresholdNotMet));
    assert_eq!(judged(&[Some(&one), Some(&stranger)]), Err(Reason::ThresholdNotMet));
    assert_eq!(judged(&[Some(&stranger), None]), Err(Reason::KeyUnknown));
    assert_eq!(judged(&[None, None]), Err(Reason::CompanionMissing));
    assert_eq!(judged(&[None, Some(&signature(4, 7, b"d"))]), Err(Reason::SignatureMismatch));
}

#[test]
fn what_signify_makes_today_verifies_and_what_we_make_verifies_there() {
    if !installed("signify-openbsd") {
        return;
    }
    let large: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    for document in [&b""[..], b"one line\n", b"no line", &large] {
        let folder = script(
            "signify-openbsd -Gn -p key.pub -s key.sec; signify-openbsd -Ss key.sec -m document
             signify-openbsd -Ses key.sec -m document -x embedded",
            &[("document", document)],
        );
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let keys = trust(&[&read("key.pub")], 1);
        let (beside, embedded) = (beside(), Signify::embedded());
        Case::new(&beside, &keys).good(&read("document.sig"), document);
        Case::new(&embedded, &keys).find(&[], &read("embedded")).unwrap();
        script(
            "signify-openbsd -Vqp key.pub -m document",
            &[("document", document), ("document.sig", &signature(1, 7, document)), ("key.pub", &public_key(1, 7))],
        );
    }
}
