//! Clear-signed documents: what passes is what was signed.

use sequoia_openpgp::types::{HashAlgorithm, SignatureType};
use sigcache_core::{Mark, Reason, Timestamp, verify::OpenPgp};

use crate::{
    maker::{By, TEXT, cert, clear, clear_with, content, day, detached, find, inline, odd, public, reason, trust},
    support::signers,
};

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----\n";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----\n";

#[test]
fn what_sequoia_clear_signs_verifies() {
    let alice = cert("alice");
    let trust = trust(&[public(&alice)], 1);
    for text in [TEXT, b"", b"one line", b"\n\n\n", b"- - -\n", "ä\u{1f511}".as_bytes()] {
        let document = clear(text, &[By::new(&alice, 1)]);
        let evidence = inline(&trust, 2, &document).unwrap_or_else(|failure| panic!("{document}: {failure}"));
        assert_eq!((&*evidence.format, signers(&evidence)), ("openpgp", vec!["k1"]));
        assert_eq!(evidence.size, document.len() as u64);
        // The line feed before the signature is no part of the text.
        let signed = content(document.as_bytes());
        assert!(signed == text || text.strip_suffix(b"\n") == Some(&signed[..]), "{signed:?}");
    }
}

#[test]
fn thresholds_keys_and_hashes_are_those_of_detached_signatures() {
    let (alice, bob, eve) = (cert("alice"), cert("bob"), cert("eve"));
    let two = trust(&[public(&alice), public(&bob)], 2);
    let (a, b) = (By::new(&alice, 1), By::new(&bob, 1));
    assert_eq!(signers(&inline(&two, 2, clear(TEXT, &[a, b])).unwrap()), ["k1", "k2"]);
    assert_eq!(reason(inline(&two, 2, clear(TEXT, &[a]))), Reason::ThresholdNotMet);
    assert_eq!(reason(inline(&two, 2, clear(TEXT, &[a, By::new(&eve, 1)]))), Reason::ThresholdNotMet);
    assert_eq!(reason(inline(&two, 2, clear(TEXT, &[By::new(&eve, 1)]))), Reason::KeyUnknown);
    let weak = clear_with("text", &odd(SignatureType::Text, b"text", a.hash(HashAlgorithm::SHA1), None));
    assert_eq!(reason(inline(&two, 2, weak)), Reason::MalformedSignature);
    let one = trust(&[public(&alice)], 1);
    assert!(inline(&one, 2, clear_with("text", &odd(SignatureType::Text, b"text", a, None))).is_ok());
}

#[test]
fn attack_nothing_outside_the_signed_text_passes() {
    let alice = cert("alice");
    let trust = trust(&[public(&alice)], 1);
    let good = clear(b"first\nsecond\n- third", &[By::new(&alice, 1)]);
    assert!(good.contains("\n- - third\n"), "{good}");
    assert!(inline(&trust, 2, &good).is_ok());
    let header = good.lines().nth(1).unwrap().to_owned();
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let table = [
        ("text before", format!("text\n{good}"), "first line"),
        ("an empty line before", format!("\n{good}"), "first line"),
        ("text behind", format!("{good}text\n"), "behind"),
        ("an empty line behind", format!("{good}\n"), "behind"),
        ("two documents", good.repeat(2), "behind"),
        ("a document around it", format!("{BEGIN}{header}\n\n{good}"), "dash"),
        ("a header that is text", swap(&header, &format!("{header}\nfirst: x")), "header"),
        ("a header before it", swap(&header, &format!("Comment: x\n{header}")), "header"),
        ("a charset", swap(&header, &format!("{header}\nCharset: utf-8")), "header"),
        ("a hash that is text", swap(&header, "Hash: SHA256 and what I say"), "`Hash`"),
        ("an empty hash", swap(&header, "Hash: "), "`Hash`"),
        ("white space for a blank line", swap("\n\nfirst", "\n \nfirst"), "header"),
        ("no blank line", swap("\n\nfirst", "\nfirst"), "header"),
        ("many headers", swap(&header, &format!("{header}\n").repeat(9)), "header"),
        ("a comment in the armor", swap(SIGNATURE, &format!("{SIGNATURE}Comment: second\n")), "headers"),
        ("white space at an end", swap("second\n", "second \n"), "white space"),
        ("a tab at an end", swap("second\n", "second\t\n"), "white space"),
        ("a carriage return", swap("second\n", "second\r\n"), "carriage return"),
        ("carriage returns everywhere", good.replace('\n', "\r\n"), "first line"),
        ("a dash that is not needed", swap("\nsecond", "\n- second"), "dash"),
        ("a dash that is needed", swap("\n- - third", "\n- third"), "dash"),
        ("a dash alone", swap("\n- - third", "\n-third"), "dash"),
        ("no signature", good[..good.find(SIGNATURE).unwrap()].to_owned(), "no signature"),
        ("no end", swap("-----END PGP SIGNATURE-----", ""), "an armor"),
        ("nothing", String::new(), "first line"),
        ("only its first line", BEGIN.to_owned(), "no signature"),
        ("a signature alone", good[good.find(SIGNATURE).unwrap()..].to_owned(), "first line"),
    ];
    for (what, document, told) in table {
        let failure = inline(&trust, 2, &document).expect_err(what);
        assert_eq!(failure.reason, Reason::MalformedDocument, "{what}: {failure}");
        assert!(failure.found.contains(told), "{what}: {failure}");
    }
    // The same text in other words, and another signature.
    for changed in
        [swap("second", "Second"), swap("first\n", "first\n\n"), swap("first\n", ""), swap("\n\nfirst", "\n\n\nfirst")]
    {
        assert_eq!(reason(inline(&trust, 2, &changed)), Reason::SignatureMismatch, "{changed}");
    }
    assert_eq!(reason(inline(&trust, 2, vec![b'a'; 17 << 20])), Reason::MalformedDocument);
}

#[test]
fn attack_a_signature_over_bytes_is_none_over_a_text() {
    let alice = cert("alice");
    let trust = trust(&[public(&alice)], 1);
    let by = [By::new(&alice, 1)];
    let good = clear(TEXT, &by);
    let armor = String::from_utf8(crate::maker::armored(TEXT, &by)).unwrap();
    let swapped = format!("{}{armor}", &good[..good.find(SIGNATURE).unwrap()]);
    assert_eq!(reason(inline(&trust, 2, &swapped)), Reason::MalformedSignature);
    let armor = &good[good.find(SIGNATURE).unwrap()..];
    assert_eq!(reason(crate::maker::beside(&trust, 2, armor.as_bytes(), TEXT)), Reason::MalformedSignature);
    assert_eq!(reason(inline(&trust, 2, detached(TEXT, &by))), Reason::MalformedDocument);
}

#[test]
fn a_release_tells_its_codename_and_its_times() {
    let alice = cert("alice");
    let trust = trust(&[public(&alice)], 1);
    let read = |text: &str| {
        let document = clear(text.as_bytes(), &[By::new(&alice, 1)]);
        find(&OpenPgp::deb_release(), &trust, day(2), &[], document.as_bytes()).map(|finding| finding.evidence)
    };
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let evidence = read("Codename: trixie\nDate: Fri, 02 Jan 2026 03:04:05 UTC\nSHA256:\n abc 1 Date: x\n").unwrap();
    assert_eq!(evidence.identity.as_deref(), Some("trixie"));
    assert_eq!(evidence.mark, Some(Mark::Issued(time("2026-01-02T03:04:05Z"))));
    assert_eq!(evidence.valid_until, None);
    let evidence = read("date: Fri, 2 Jan 2026 03:04:05 +0000\nValid-Until: Fri, 09 Jan 2026 03:04:05 GMT").unwrap();
    assert_eq!((evidence.identity.as_deref(), evidence.valid_until), (None, Some(time("2026-01-09T03:04:05Z"))));
    const DATE: &str = "Date: Fri, 02 Jan 2026 03:04:05 UTC";
    let bad = [
        "Codename: trixie",
        "",
        "Date: ",
        "Date: 2026-01-02T03:04:05Z",
        "Date: Sat, 02 Jan 2026 03:04:05 UTC",
        "Date: Fri, 02 Jan 2026 03:04:05 CET",
        "Date: Fri, 02 Jan 2026 03:04:05 -0000",
        "Date: Fri, 02 Jan 2026 24:04:05 UTC",
        "Date: Fri, 32 Jan 2026 03:04:05 UTC",
        "Date: Fri, 02 Jan 26 03:04:05 UTC",
        "Date: Fri, +2 Jan 2026 03:04:05 UTC",
        "Date: Fri,  2 Jan 2026 03:04:05 UTC",
        &format!("{DATE}\n{DATE}"),
        &format!("{DATE}\nDATE: Fri, 02 Jan 2026 03:04:06 UTC"),
        &format!("{DATE}\nValid-Until: soon"),
        &format!("{DATE}\nCodename: a\nCodename: b"),
        &format!("Codename: a\n\n{DATE}"),
        &format!("\n{DATE}"),
        &format!(" {DATE}"),
    ];
    for text in bad {
        assert_eq!(reason(read(text)), Reason::MalformedDocument, "{text:?}");
    }
    // Nothing that was not asked for is read.
    assert!(inline(&trust, 2, clear(b"Date: never", &[By::new(&alice, 1)])).unwrap().mark.is_none());
}
