//! `note`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigcache_core::{
    Digest, Failure, Mark, Reason, Timestamp, hex,
    trust::Trust,
    verify::{Finding, Note, Verifier as _},
};

use crate::support::{Case, fixture, public, sign, signers, text, trust};

fn log() -> Trust {
    trust(&[&fixture("note/log.key")], 1)
}

/// Id and verifier key of a key of our own.
fn own(seed: u8, name: &str) -> ([u8; 4], String) {
    let key = [&[1][..], &public(seed)].concat();
    let id: [u8; 4] = Digest::of(&[name.as_bytes(), b"\n", &key].concat()).as_bytes()[..4].try_into().unwrap();
    (id, format!("{name}+{}+{}", hex(&id), STANDARD.encode(key)))
}

fn line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    format!("— {name} {}\n", STANDARD.encode([&id, signature].concat()))
}

/// A text signed by a key of our own.
fn signed(seed: u8, name: &str, text: &str) -> String {
    format!("{text}\n{}", line(name, own(seed, name).0, &sign(seed, text.as_bytes())))
}

fn find(verifier: &Note, trust: &Trust, note: &[u8]) -> Result<Finding, Failure> {
    Case::new(verifier, trust).find(&[], note)
}

#[track_caller]
fn reason(trust: &Trust, note: impl AsRef<[u8]>) -> Reason {
    find(&Note::new(), trust, note.as_ref()).unwrap_err().reason
}

#[test]
fn what_gos_note_package_signed_verifies() {
    for name in ["note/text", "note/checkpoint", "note/cosigned"] {
        let evidence = find(&Note::new(), &log(), &fixture(name)).unwrap().evidence;
        assert_eq!((&*evidence.format, signers(&evidence)), ("note", vec!["k1"]), "{name}");
        assert_eq!((evidence.identity, evidence.mark), (None, None));
        assert_eq!(evidence.size, fixture(name).len() as u64);
    }
    let failure = find(&Note::new(), &log(), &fixture("note/witnessed")).unwrap_err();
    assert_eq!(failure.reason, Reason::KeyUnknown);
    assert_eq!(&*failure.found, "the keys witness.example+ec038443");
    // The example in Go's documentation of the package, by one of its two keys and by both.
    let example = "If you think cryptography is the answer to your problem,\n\
                   then you don't know what your problem is.\n\n\
                   — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n\
                   — EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";
    let keys: [&[u8]; 2] = [
        b"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        b"EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
    ];
    let one = find(&Note::new(), &trust(&keys[..1], 1), example.as_bytes()).unwrap();
    assert_eq!(signers(&one.evidence), ["k1"]);
    let both = trust(&keys, 2);
    let evidence = find(&Note::new(), &both, example.as_bytes()).unwrap().evidence;
    assert_eq!(signers(&evidence), ["k1", "k2"]);
    both.judge(&evidence, Timestamp::from_millis(0)).unwrap();
}

#[test]
fn a_checkpoint_says_its_origin_and_how_far_the_log_is() {
    let evidence = find(&Note::checkpoint(), &log(), &fixture("note/cosigned")).unwrap().evidence;
    assert_eq!(evidence.identity.as_deref(), Some("log.example/2026"));
    assert_eq!(evidence.mark, Some(Mark::Sequence(20_852_163)));
    let failure = find(&Note::checkpoint(), &log(), &fixture("note/text")).unwrap_err();
    assert_eq!((failure.reason, &*failure.found), (Reason::MalformedDocument, "an empty line"));
    let (name, root) = ("a.example", STANDARD.encode([7; 32]));
    let keys = trust(&[own(1, name).1.as_bytes()], 1);
    let find = |text: &str| {
        let found = find(&Note::checkpoint(), &keys, signed(1, name, text).as_bytes());
        found.map(|finding| (finding.evidence.identity.unwrap().to_string(), finding.evidence.mark.unwrap()))
    };
    for (text, origin, size) in [
        (format!("o\n0\n{root}\n"), "o", 0),
        (format!("an origin, freely chosen\n18446744073709551615\n{root}\n"), "an origin, freely chosen", u64::MAX),
        (format!("o\n5\n{root}\nextension\nanother\n"), "o", 5),
    ] {
        assert_eq!(find(&text).unwrap(), (origin.to_owned(), Mark::Sequence(size)));
    }
    for (text, found) in [
        ("o\n5\n".to_owned(), "2 lines"),
        ("o\n".to_owned(), "1 lines"),
        (format!("\n5\n{root}\n"), "an empty line"),
        (format!("o\n\n{root}\n"), "an empty line"),
        (format!("o\n5\n{root}\n\nx\n"), "an empty line"),
        (format!("o\n05\n{root}\n"), "a size that is no number"),
        (format!("o\n+5\n{root}\n"), "a size that is no number"),
        (format!("o\n-5\n{root}\n"), "a size that is no number"),
        (format!("o\n5 \n{root}\n"), "a size that is no number"),
        (format!("o\n18446744073709551616\n{root}\n"), "a size that is no number"),
        (format!("o\n5\n{root}=\n"), "a root hash that is none"),
        (format!("o\n5\n{}\n", STANDARD.encode([7; 31])), "a root hash that is none"),
    ] {
        let failure = find(&text).unwrap_err();
        assert_eq!((failure.reason, &*failure.found), (Reason::MalformedDocument, found), "{text}");
    }
}

#[test]
fn lines_by_strangers_are_ignored_and_a_known_one_that_does_not_match_refuses() {
    let (name, body) = ("a.example", "text\n");
    let (id, key) = own(1, name);
    let keys = trust(&[key.as_bytes()], 1);
    let good = line(name, id, &sign(1, body.as_bytes()));
    let with = |lines: &[&str]| format!("{body}\n{}", lines.concat());
    let same_name = line(name, own(2, name).0, &sign(2, body.as_bytes()));
    let same_id = line("b.example", id, &sign(1, body.as_bytes()));
    let long = line("quantum.example", [9; 4], &[0; 4627]);
    let short = line("short.example", [9; 4], &[0]);
    for lines in [&[&good[..]][..], &[&same_name, &good], &[&good, &same_id], &[&long, &good, &short], &[&good, &good]]
    {
        assert_eq!(signers(&find(&Note::new(), &keys, with(lines).as_bytes()).unwrap().evidence), ["k1"]);
    }
    for lines in [&[&same_name[..]][..], &[&same_id], &[&long, &short]] {
        assert_eq!(reason(&keys, with(lines)), Reason::KeyUnknown, "{lines:?}");
    }
    let wrong = line(name, id, &sign(1, b"other\n"));
    let by_another = line(name, id, &sign(2, body.as_bytes()));
    for lines in [&[&wrong[..]][..], &[&by_another], &[&good, &wrong], &[&wrong, &good], &[&line(name, id, &[0])]] {
        assert_eq!(reason(&keys, with(lines)), Reason::SignatureMismatch, "{lines:?}");
    }
    // A key that came without a name is nobody's in a note.
    let nameless = format!("untrusted comment: x\n{}", STANDARD.encode([b"Ed12345678", &public(1)[..]].concat()));
    assert_eq!(reason(&trust(&[nameless.as_bytes()], 1), with(&[&good])), Reason::KeyUnknown);
    // One key twice is one signer.
    let two = trust(&[key.as_bytes(), own(2, "b.example").1.as_bytes()], 2);
    let evidence = find(&Note::new(), &two, with(&[&good, &good]).as_bytes()).unwrap().evidence;
    let failure = two.judge(&evidence, Timestamp::from_millis(0)).unwrap_err();
    assert_eq!(failure.reason, Reason::ThresholdNotMet);
    let second = line("b.example", own(2, "b.example").0, &sign(2, body.as_bytes()));
    let evidence = find(&Note::new(), &two, with(&[&second, &good]).as_bytes()).unwrap().evidence;
    assert_eq!(signers(&evidence), ["k1", "k2"]);
}

#[test]
fn attack_text_that_is_moved_between_the_note_and_its_signatures() {
    let name = "a.example";
    let keys = trust(&[own(1, name).1.as_bytes()], 1);
    // The last blank line divides: a signed text may hold signatures of its own, as words.
    let inner = signed(2, "b.example", "inner\n");
    let outer = signed(1, name, &inner);
    assert_eq!(signers(&find(&Note::new(), &keys, outer.as_bytes()).unwrap().evidence), ["k1"]);
    let good = signed(1, name, "text\n");
    let (body, signature) = good.split_once("\n\n").unwrap();
    for (moved, expected) in [
        (format!("x\n\n{good}"), Reason::SignatureMismatch),
        (format!("\n{good}"), Reason::SignatureMismatch),
        (format!("{body}\n\n\n{signature}"), Reason::SignatureMismatch),
        (format!("{body}\nx\n\n{signature}"), Reason::SignatureMismatch),
        (format!("\n\n{signature}"), Reason::SignatureMismatch),
        (format!("{body}\n{signature}"), Reason::MalformedDocument),
        (format!("{good}\n"), Reason::MalformedDocument),
        (format!("{good}x\n"), Reason::MalformedDocument),
        (format!("{good}\nx\n"), Reason::MalformedDocument),
    ] {
        assert_eq!(reason(&keys, &moved), expected, "{moved}");
    }
}

#[test]
fn what_is_no_note_is_malformed() {
    let name = "a.example";
    let (id, key) = own(1, name);
    let keys = trust(&[key.as_bytes()], 1);
    let good = signed(1, name, "text\n");
    let last = good.lines().last().unwrap().to_owned();
    let base64 = last.split(' ').nth(2).unwrap().to_owned();
    for broken in [
        String::new(),
        "\n\n".to_owned(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        "<!DOCTYPE html>\n\n<html>\n".to_owned(),
        good.trim_end().to_owned(),
        good.replace('\n', "\r\n"),
        good.replace("text", "te\txt"),
        good.replace("text", "te\0xt"),
        good.replace("— ", "- "),
        good.replace("— ", "—"),
        good.replace("— ", "—  "),
        good.replace(name, "a+b"),
        good.replace(name, "a\u{a0}b"),
        good.replace(&base64, ""),
        good.replace(&base64, &base64[..base64.len() - 1]),
        good.replace(&base64, &format!("{base64} ")),
        good.replace(&base64, &format!(" {base64}")),
        format!("text\n\n— {name} {}\n", STANDARD.encode(id)),
        format!("{good}— {name}\n"),
        format!("{good}— b.example !\n"),
        format!("text\n\n{}", format!("{last}\n").repeat(101)),
    ] {
        assert_eq!(reason(&keys, &broken), Reason::MalformedDocument, "{broken}");
    }
    find(&Note::new(), &keys, format!("text\n\n{}", format!("{last}\n").repeat(100)).as_bytes()).unwrap();
    assert_eq!(reason(&keys, [good.as_bytes(), b"\xff"].concat()), Reason::MalformedDocument);
}

#[test]
fn attack_endless_data_a_note_is_kept_only_to_the_bound() {
    let name = "a.example";
    let keys = trust(&[own(1, name).1.as_bytes()], 1);
    let rest = signed(1, name, "\n").len();
    let note = |size: usize| signed(1, name, &format!("{}\n", "x".repeat(size - rest)));
    let (largest, larger) = (note(1024 * 1024), note(1024 * 1024 + 1));
    assert_eq!(largest.len(), 1024 * 1024);
    let verdict = |note: &str| {
        let verifier = Note::new();
        Case::new(&verifier, &keys).find_at_once(&[], note.as_bytes()).map_err(|failure| failure.reason).err()
    };
    assert_eq!(verdict(&largest), None);
    assert_eq!(verdict(&larger), Some(Reason::MalformedDocument));
}

#[test]
fn a_flipped_bit_in_a_note_by_one_key_never_verifies() {
    let good = fixture("note/checkpoint");
    for bit in 0..good.len() * 8 {
        let mut note = good.clone();
        note[bit / 8] ^= 1 << (bit % 8);
        let reason = reason(&log(), &note);
        let known = [Reason::MalformedDocument, Reason::SignatureMismatch, Reason::KeyUnknown];
        assert!(known.contains(&reason), "{bit}: {reason}");
    }
    // What strangers signed is not looked at, and so is not protected.
    let cosigned = text("note/cosigned");
    let changed = cosigned.replace("2uRTzh", "3uRTzh");
    assert_ne!(cosigned, changed);
    find(&Note::new(), &log(), changed.as_bytes()).unwrap();
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract_of_all_verifiers_holds() {
    let foreign = trust(&[&fixture("note/witness.key")], 1);
    for verifier in [Note::new(), Note::checkpoint()] {
        let keys = log();
        crate::support::contract(&Case::new(&verifier, &keys), &foreign, &[], &fixture("note/checkpoint"));
    }
    assert_ne!(Note::new().settings(), Note::checkpoint().settings());
}
