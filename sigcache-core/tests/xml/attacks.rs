//! The attack corpus: every document gets exactly the answer that its table says.

use std::collections::BTreeSet;

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
