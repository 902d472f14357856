//! The attack corpus: every document gets exactly the answer that its table says.

use std::collections::BTreeSet;

use sigcache_core::Reason;

use crate::corpus::{folder, read, rows, trust, verifier, verify};

#[test]
fn every_attack_gets_exactly_the_answer_of_the_table() {
    let rows = rows(folder("xml-attacks/attacks.tsv"));
    assert!(rows.len() > 400, "only {} attacks", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let [file, format, key, reason, found, source] = row.as_slice() else { panic!("{row:?}") };
        assert!(!source.is_empty(), "{file} says not where it is described");
        let document = read(folder("xml-attacks/documents").join(file));
        for chunk in [usize::MAX, 100, 1] {
            let answer = verify(&verifier(format), &trust(&[key]), &document, chunk);
            let as_expected = match &answer {
                Ok(_) => reason == "accepted",
                Err(failure) => failure.reason.as_str() == reason && failure.found.contains(&**found),
            };
            if !as_expected {
                let answer = answer.map_or_else(|failure| failure.to_string(), |_| "accepted".to_owned());
                wrong.push(format!("{file} by {chunk}: expected {reason} ({found}), answered {answer}"));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn the_table_and_the_folder_hold_the_same_documents() {
    let listed: BTreeSet<String> =
        rows(folder("xml-attacks/attacks.tsv")).into_iter().map(|row| row[0].clone()).collect();
    let there = std::fs::read_dir(folder("xml-attacks/documents")).unwrap();
    let there: BTreeSet<String> = there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(listed, there);
    // What is accepted is known, and says why.
    let accepted: Vec<&String> = listed.iter().filter(|file| file.starts_with("known-")).collect();
    assert_eq!(accepted.len(), 8, "{accepted:?}");
}

#[test]
fn attack_endless_data_in_the_signature_element() {
    let good = String::from_utf8(read(folder("xml/good/xmlsec1-exclusive.xml"))).unwrap();
    let with = |piece: &str| good.replace("<ds:KeyInfo>", &format!("<ds:KeyInfo>{piece}"));
    let answer = |document: &str| verify(&verifier("saml-metadata"), &trust(&["ec-p256"]), document.as_bytes(), 4096);
    let name = |text: &str| format!("<ds:KeyName>{text}</ds:KeyName>");
    assert!(answer(&with(&name(&"x".repeat(900_000)))).is_ok(), "within the limit");
    let attributes = (0..200).map(|n| format!("a{n}='' ")).collect::<String>();
    for piece in [
        name(&"x".repeat(1_100_000)),
        "<ds:KeyName/>".repeat(4_200),
        format!("<ds:KeyName {attributes}/>").repeat(60),
        format!("<ds:KeyName {}/>", "xmlns:a='u:' ").repeat(3_500),
    ] {
        let failure = answer(&with(&piece)).unwrap_err();
        assert_eq!((failure.reason, &*failure.found), (Reason::MalformedSignature, "a larger one"));
    }
    let failure = answer(&with(&"<ds:KeyValue>".repeat(200))).unwrap_err();
    assert_eq!((failure.reason, &*failure.found), (Reason::MalformedDocument, "more than 200 levels"));
}
