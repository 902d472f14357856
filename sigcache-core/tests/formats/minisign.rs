//! `minisign`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use blake2::{Blake2b512, Digest as _};
use sigcache_core::{
    Mark, Reason, Timestamp,
    trust::Trust,
    verify::{Minisign, Need, Verifier as _},
};

use crate::support::{Case, document, fixture, installed, own_key, public, script, sign, signers, text, trust};

fn keys() -> Trust {
    trust(&[&fixture("minisign/key.pub")], 1)
}

fn plain() -> Minisign {
    Minisign::new(".minisig")
}

/// A public key of our own, as minisign writes it, with this number.
fn public_key(seed: u8, number: u8) -> Vec<u8> {
    let bytes = [&b"Ed"[..], &[number; 8], &public(seed)].concat();
    format!("untrusted comment: x\n{}\n", STANDARD.encode(bytes)).into_bytes()
}

/// A signature by a key of our own.
fn signature(seed: u8, number: u8, algorithm: &[u8; 2], comment: &str, document: &[u8]) -> String {
    let signature = match algorithm {
        b"ED" => sign(seed, &Blake2b512::digest(document)),
        _ => sign(seed, document),
    };
    let first = [&algorithm[..], &[number; 8], &signature].concat();
    let both = sign(seed, &[&signature, comment.as_bytes()].concat());
    let (first, both) = (STANDARD.encode(first), STANDARD.encode(both));
    format!("untrusted comment: x\n{first}\ntrusted comment: {comment}\n{both}\n")
}

#[test]
fn what_minisign_made_verifies_and_its_comment_is_evidence() {
    let (verifier, keys, document) = (plain(), keys(), document());
    let case = Case::new(&verifier, &keys);
    let evidence = case.good(&fixture("minisign/document.minisig"), &document);
    assert_eq!((&*evidence.format, signers(&evidence)), ("minisign", vec!["k1"]));
    let comment = evidence.comment.as_deref().unwrap();
    assert!(comment.starts_with("timestamp:") && comment.ends_with("\tfile:document\thashed"), "{comment}");
    assert_eq!((evidence.identity, evidence.mark), (None, None), "only where the configuration asks");
    let words = case.good(&fixture("minisign/words.minisig"), &document);
    assert_eq!(words.comment.as_deref(), Some("release 7, for everyone"));
    assert_eq!(case.reason(&fixture("minisign/other.minisig"), &document), Reason::KeyUnknown);
    assert_eq!(case.reason(&fixture("minisign/document.minisig"), b"another\n"), Reason::SignatureMismatch);
    assert_eq!(verifier.companions().len(), 1);
    assert_eq!(verifier.companions()[0].need, Need::Required);
}

#[test]
fn a_signature_over_the_document_itself_is_taken_only_where_it_is_allowed() {
    let (keys, document) = (keys(), document());
    let legacy = fixture("minisign/legacy.minisig");
    let failure = Case::new(&plain(), &keys).refused(&legacy, &document);
    assert_eq!(failure.reason, Reason::MalformedSignature);
    assert_eq!(&*failure.found, "one over the document itself, which the configuration does not allow");
    let verifier = plain().with_legacy();
    let case = Case::new(&verifier, &keys);
    assert_eq!(signers(&case.good(&legacy, &document)), ["k1"]);
    assert_eq!(case.reason(&legacy, b"another\n"), Reason::SignatureMismatch);
    case.good(&fixture("minisign/document.minisig"), &document);
}

#[test]
fn attack_algorithm_confusion_between_the_document_and_its_hash() {
    // The letters that say which of the two was signed are not signed themselves. So who has a signature over a hash
    // could pass it off as one over a document that is that hash.
    let (document, key) = (b"a document".to_vec(), public_key(1, 7));
    let keys = trust(&[&key], 1);
    let hash = Blake2b512::digest(&document).to_vec();
    let swapped = |from: &[u8; 2], to: &[u8; 2], signed: &[u8]| {
        let made = signature(1, 7, from, "", signed);
        let line = made.lines().nth(1).unwrap();
        let mut bytes = STANDARD.decode(line).unwrap();
        bytes[..2].copy_from_slice(to);
        made.replace(line, &STANDARD.encode(bytes)).into_bytes()
    };
    let (strict, lax) = (plain(), plain().with_legacy());
    let as_document = swapped(b"ED", b"Ed", &document);
    assert_eq!(Case::new(&strict, &keys).reason(&as_document, &hash), Reason::MalformedSignature);
    let failure = Case::new(&lax, &keys).refused(&as_document, &hash);
    assert_eq!((failure.reason, &*failure.found), (Reason::MalformedDocument, "64 bytes"));
    let sound = signature(1, 7, b"Ed", "", &hash[..63]);
    Case::new(&lax, &keys).good(sound.as_bytes(), &hash[..63]);
    assert_eq!(Case::new(&lax, &keys).reason(&as_document, &document), Reason::SignatureMismatch);
    let as_hash = swapped(b"Ed", b"ED", &document);
    assert_eq!(Case::new(&strict, &keys).reason(&as_hash, &document), Reason::SignatureMismatch);
    for other in [b"Ee", b"eD", b"RS", b"\0\0"] {
        assert_eq!(
            Case::new(&lax, &keys).reason(&swapped(b"ED", other, &document), &document),
            Reason::MalformedSignature
        );
    }
}

#[test]
fn what_is_no_signature_file_is_malformed() {
    let (verifier, keys, document) = (plain(), keys(), document());
    let case = Case::new(&verifier, &keys);
    let good = text("minisign/document.minisig");
    let lines: Vec<&str> = good.lines().collect();
    let with = |index: usize, line: &str| {
        let mut lines = lines.clone();
        lines[index] = line;
        format!("{}\n", lines.join("\n")).into_bytes()
    };
    for same in [good.replace('\n', "\r\n"), good.trim_end().to_owned(), good.replacen("signature from", "no", 1)] {
        case.good(same.as_bytes(), &document);
    }
    let long = format!("untrusted comment: {}", "x".repeat(20 * 1024));
    for broken in [
        Vec::new(),
        b"<!DOCTYPE html>".to_vec(),
        lines[..3].join("\n").into_bytes(),
        format!("{good}\n").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("\n{good}").into_bytes(),
        with(0, "trusted comment: x"),
        with(0, &long),
        with(1, ""),
        with(1, &lines[1][4..]),
        with(1, &format!("{}AAAA", lines[1].trim_end_matches('='))),
        with(1, &format!(" {}", lines[1])),
        with(2, "trusted comment:x"),
        with(2, "untrusted comment: x"),
        with(2, "trusted comment: a\u{1b}[2J"),
        with(2, "trusted comment: a\rb"),
        with(3, ""),
        with(3, &lines[3][..84]),
        with(3, lines[1]),
        [good.as_bytes(), b"\xff"].concat(),
        fixture("signify/document.sig"),
        fixture("ssh/ed25519.sig"),
        fixture("minisign/key.pub"),
    ] {
        assert_eq!(case.reason(&broken, &document), Reason::MalformedSignature, "{}", String::from_utf8_lossy(&broken));
    }
}

#[test]
fn a_flipped_bit_anywhere_but_in_the_untrusted_comment_never_verifies() {
    let (verifier, keys, document) = (plain().with_legacy(), keys(), document());
    let case = Case::new(&verifier, &keys);
    for good in [fixture("minisign/document.minisig"), fixture("minisign/legacy.minisig")] {
        let start = good.iter().position(|byte| *byte == b'\n').unwrap();
        for bit in start * 8..good.len() * 8 {
            let mut file = good.clone();
            file[bit / 8] ^= 1 << (bit % 8);
            let reason = case.reason(&file, &document);
            let known = [Reason::MalformedSignature, Reason::SignatureMismatch, Reason::KeyUnknown];
            // The last line may end or not.
            assert!(known.contains(&reason), "{bit}: {reason}");
        }
        for bit in 0..document.len() * 8 {
            let mut document = document.clone();
            document[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(case.reason(&good, &document), Reason::SignatureMismatch, "{bit}");
        }
        for document in [&document[1..], &document[..document.len() - 1], &[&document[..], b"\n"].concat(), b""] {
            assert_eq!(case.reason(&good, document), Reason::SignatureMismatch);
        }
    }
}

#[test]
fn attack_the_comment_of_another_signature() {
    let (verifier, keys, document) = (plain(), keys(), document());
    let case = Case::new(&verifier, &keys);
    let (one, other) = (text("minisign/document.minisig"), text("minisign/words.minisig"));
    let (one, other): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    // Ed25519 makes the same signature over the same hash, so here the comments may be exchanged: both were signed.
    let [swapped, half, legacy] = [
        [one[0], one[1], other[2], other[3]],
        [one[0], one[1], other[2], one[3]],
        [one[0], text("minisign/legacy.minisig").lines().nth(1).unwrap(), one[2], one[3]],
    ]
    .map(|lines| lines.join("\n").into_bytes());
    case.good(&swapped, &document);
    assert_eq!(case.reason(&half, &document), Reason::SignatureMismatch);
    let lax = plain().with_legacy();
    assert_eq!(Case::new(&lax, &keys).reason(&legacy, &document), Reason::SignatureMismatch);
}

#[test]
fn attack_identity_swap_a_signed_file_under_the_name_of_another() {
    let (keys, document) = (keys(), document());
    let verifier = plain().with_file_in_comment();
    let case = Case::new(&verifier, &keys);
    let file = fixture("minisign/document.minisig");
    assert_eq!(case.good(&file, &document).identity.as_deref(), Some("document"));
    let other = Case::new(&verifier, &keys).named("some/folder/other").refused(&file, &document);
    assert_eq!(other.reason, Reason::IdentityMismatch);
    assert_eq!((&*other.expected, &*other.found), ("other", "a signature of document"));
    // The identity of the configuration stands for the name.
    Case::new(&verifier, &keys).named("other").identity("document").good(&file, &document);
    let other = Case::new(&verifier, &keys).named("document").identity("other");
    assert_eq!(other.reason(&file, &document), Reason::IdentityMismatch);
    assert_eq!(case.reason(&fixture("minisign/words.minisig"), &document), Reason::IdentityMissing);
    // What is wrong with the signature is said before what it says is looked at.
    assert_eq!(Case::new(&verifier, &keys).named("other").reason(&file, b"x"), Reason::SignatureMismatch);
    Case::new(&plain(), &keys).named("other").good(&file, &document);
}

#[test]
fn the_parts_of_the_comment() {
    let (document, key) = (b"a document".to_vec(), public_key(1, 7));
    let keys = trust(&[&key], 1);
    let verifier = plain().with_file_in_comment().with_timestamp_in_comment();
    let case = Case::new(&verifier, &keys);
    let made = |comment: &str| signature(1, 7, b"ED", comment, &document).into_bytes();
    let at = |seconds: i64| Some(Mark::Issued(Timestamp::from_millis(seconds * 1000)));
    for (comment, mark) in [
        ("timestamp:1700000000\tfile:document\thashed", at(1_700_000_000)),
        ("file:document\ttimestamp:0", at(0)),
        ("x\t\tfile:document\ttimestamp:1\tfilename:other", at(1)),
    ] {
        let evidence = case.good(&made(comment), &document);
        assert_eq!((evidence.identity.as_deref(), evidence.mark), (Some("document"), mark), "{comment}");
        assert_eq!(evidence.comment.as_deref(), Some(comment));
    }
    use Reason as R;
    for (comment, reason) in [
        ("", R::IdentityMissing),
        ("timestamp:1", R::IdentityMissing),
        ("timestamp:1 file:document", R::IdentityMissing),
        ("timestamp:1\tfile:", R::IdentityMismatch),
        ("timestamp:1\tfile:Document", R::IdentityMismatch),
        ("timestamp:1\tfile:document ", R::IdentityMismatch),
        ("timestamp:1\tfile:some/folder/document", R::IdentityMismatch),
        ("timestamp:1\tfile:document\tfile:other", R::MalformedSignature),
        ("timestamp:1\tfile:other\tfile:document", R::MalformedSignature),
        ("file:document", R::MalformedSignature),
        ("file:document\ttimestamp:", R::MalformedSignature),
        ("file:document\ttimestamp:-1", R::MalformedSignature),
        ("file:document\ttimestamp:+1", R::MalformedSignature),
        ("file:document\ttimestamp:1.5", R::MalformedSignature),
        ("file:document\ttimestamp:99999999999999999999", R::MalformedSignature),
        ("file:document\ttimestamp:9223372036854775807", R::MalformedSignature),
        ("file:document\ttimestamp:1\ttimestamp:2", R::MalformedSignature),
    ] {
        assert_eq!(case.reason(&made(comment), &document), reason, "{comment}");
        // Nobody asks: then it is words.
        let verifier = plain();
        Case::new(&verifier, &keys).good(&made(comment), &document);
    }
}

#[test]
fn the_number_says_which_key_and_a_key_without_one_is_always_tried() {
    let document = b"a document".to_vec();
    let verifier = plain();
    let file = signature(1, 7, b"ED", "", &document).into_bytes();
    let reason = |files: &[&[u8]]| Case::new(&verifier, &trust(files, 1)).reason(&file, &document);
    Case::new(&verifier, &trust(&[&public_key(2, 8), &public_key(1, 7)], 1)).good(&file, &document);
    assert_eq!(reason(&[&public_key(1, 8)]), Reason::KeyUnknown, "the key, under another number");
    assert_eq!(reason(&[&public_key(2, 7)]), Reason::SignatureMismatch, "another key, under the number");
    let ssh = format!("ssh-ed25519 {}", STANDARD.encode([b"\0\0\0\x0bssh-ed25519\0\0\0 ", &public(1)[..]].concat()));
    Case::new(&verifier, &trust(&[ssh.as_bytes()], 1)).good(&file, &document);
    let nix = format!("name:{}", STANDARD.encode(public(1)));
    assert_eq!(reason(&[nix.as_bytes()]), Reason::KeyUnknown, "a key that is called otherwise");
    assert_eq!(reason(&[&fixture("ssh/nistp256.pub")]), Reason::SignatureMismatch, "no number, no Ed25519");
    let failure = Case::new(&verifier, &trust(&[&public_key(1, 8)], 1)).refused(&file, &document);
    assert_eq!(&*failure.found, "the key 0707070707070707");
}

#[test]
fn two_files_for_a_threshold_of_two() {
    let document = b"a document".to_vec();
    let verifier = plain().with_suffix(".minisig2").with_timestamp_in_comment();
    let keys = trust(&[&public_key(1, 7), &public_key(2, 8)], 2);
    let case = Case::new(&verifier, &keys);
    let made = |seed, number, time| signature(seed, number, b"ED", &format!("timestamp:{time}"), &document);
    let (one, two, stranger) = (made(1, 7, 20), made(2, 8, 10), made(3, 9, 5));
    let [one, two, stranger] = [one, two, stranger].map(String::into_bytes);
    let judged = |files: &[Option<&[u8]>]| {
        let finding = case.find(files, &document).map_err(|failure| failure.reason)?;
        let now = Timestamp::from_millis(0);
        keys.judge(&finding.evidence, now).map_err(|failure| failure.reason)?;
        Ok::<_, Reason>(finding)
    };
    for files in [[Some(&one[..]), Some(&two[..])], [Some(&two[..]), Some(&one[..])]] {
        let finding = judged(&files).unwrap();
        assert_eq!(signers(&finding.evidence), ["k1", "k2"]);
        assert_eq!(finding.evidence.mark, Some(Mark::Issued(Timestamp::from_millis(10_000))), "the earlier of the two");
        assert!(finding.rests_on(0) && finding.rests_on(1));
    }
    assert_eq!(judged(&[Some(&one), Some(&one)]), Err(Reason::ThresholdNotMet));
    assert_eq!(judged(&[Some(&one), None]), Err(Reason::ThresholdNotMet));
    assert_eq!(judged(&[Some(&stranger), None]), Err(Reason::KeyUnknown));
    assert_eq!(judged(&[None, None]), Err(Reason::CompanionMissing));
    assert_eq!(judged(&[Some(&one), Some(b"")]), Err(Reason::MalformedSignature));
    // What a stranger signed proves nothing and is not kept.
    let finding = case.find(&[Some(&one), Some(&stranger)], &document).unwrap();
    assert!(finding.rests_on(0) && !finding.rests_on(1));
    assert!(verifier.companions().iter().all(|companion| companion.need == Need::Optional));
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract_of_all_verifiers_holds() {
    let verifier = plain().with_legacy().with_file_in_comment().with_timestamp_in_comment();
    let (keys, foreign) = (keys(), trust(&[&fixture("minisign/other.pub")], 1));
    for name in ["minisign/document.minisig", "minisign/legacy.minisig"] {
        crate::support::contract(&Case::new(&verifier, &keys), &foreign, &[&fixture(name)], &document());
    }
}

#[test]
fn settings_differ_where_something_else_would_be_established() {
    let verifiers = [
        plain(),
        Minisign::new(".sig"),
        plain().with_suffix(".2"),
        plain().with_legacy(),
        plain().with_file_in_comment(),
        plain().with_timestamp_in_comment(),
    ];
    for (index, one) in verifiers.iter().enumerate() {
        assert_eq!(one.settings(), one.clone().settings());
        assert!(verifiers[..index].iter().all(|other| other.settings() != one.settings()), "{one:?}");
    }
}

#[test]
fn what_minisign_makes_today_verifies_and_what_we_make_verifies_there() {
    if !installed("minisign") {
        return;
    }
    let large: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    for document in [&b""[..], b"one line\n", &large] {
        let folder = script(
            "minisign -GW -p key.pub -s key > /dev/null
             minisign -Sm document -s key > /dev/null; minisign -Slm document -s key -x legacy.minisig > /dev/null",
            &[("document", document)],
        );
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let keys = trust(&[&read("key.pub")], 1);
        let verifier = plain().with_legacy().with_file_in_comment().with_timestamp_in_comment();
        let case = Case::new(&verifier, &keys);
        for name in ["document.minisig", "legacy.minisig"] {
            let evidence = case.good(&read(name), document);
            assert!(matches!(evidence.mark, Some(Mark::Issued(time)) if time > Timestamp::from_millis(0)));
            assert_eq!(case.reason(&read(name), &[document, b"x"].concat()), Reason::SignatureMismatch);
        }
        let ours = signature(1, 7, b"ED", "ours", document);
        script(
            "minisign -VQm document -p key.pub",
            &[("document", document), ("document.minisig", ours.as_bytes()), ("key.pub", &public_key(1, 7))],
        );
        assert_eq!(own_key(1).to_bytes(), [1; 32]);
    }
}
