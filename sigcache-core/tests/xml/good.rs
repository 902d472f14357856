//! What the tools of the field sign verifies, and says what it says.

use sigcache_core::{KeyId, Reason};

use crate::corpus::{folder, read, rows, trust, verifier, verify};

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[test]
fn documents_of_every_tool_verify_and_say_what_they_say() {
    let rows = rows(folder("xml/good.tsv"));
    assert!(rows.len() > 60, "only {} documents", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let [file, format, key, identity, valid_until, mark, entries] = row.as_slice() else { panic!("{row:?}") };
        let document = read(folder("xml/good").join(file));
        let trust = trust(&["stranger", key]);
        match verify(&verifier(format), &trust, &document, usize::MAX) {
            Err(failure) => wrong.push(format!("{file}: {failure}")),
            Ok(evidence) => {
                assert_eq!(*evidence.signers, [KeyId::new(key)], "{file}");
                let said =
                    [text(evidence.identity), text(evidence.valid_until), text(evidence.mark), text(evidence.entries)];
                assert_eq!(said, [identity, valid_until, mark, entries].map(Clone::clone), "{file}");
            }
        }
    }
    assert!(wrong.is_empty(), "refused:\n{}", wrong.join("\n"));
}

#[test]
fn the_answer_does_not_depend_on_how_the_bytes_come() {
    for row in rows(folder("xml/good.tsv")) {
        let document = read(folder("xml/good").join(&row[0]));
        let trust = trust(&[&row[2]]);
        let whole = verify(&verifier(&row[1]), &trust, &document, usize::MAX).unwrap();
        for chunk in [1, 2, 3, 7, 64, 1000] {
            assert_eq!(
                verify(&verifier(&row[1]), &trust, &document, chunk),
                Ok(whole.clone()),
                "{} by {chunk}",
                row[0]
            );
        }
    }
}

#[test]
fn another_key_is_not_the_signer() {
    for row in rows(folder("xml/good.tsv")) {
        let document = read(folder("xml/good").join(&row[0]));
        let failure = verify(&verifier(&row[1]), &trust(&["stranger"]), &document, usize::MAX).unwrap_err();
        let has_certificate = document.windows(16).any(|window| window == b"X509Certificate>");
        let expected = if has_certificate { Reason::KeyUnknown } else { Reason::SignatureMismatch };
        assert_eq!(failure.reason, expected, "{}: {failure}", row[0]);
    }
}

/// Where nothing stands in a document that its canonical form leaves out.
#[cfg(feature = "conformance")]
#[test]
fn the_contract_of_verifiers_holds_bit_by_bit() {
    use sigcache_core::{
        Name,
        conformance::verifier::{Strict, Vector, verifier_contract},
    };
    for (file, format) in [("every-bit-counts", "saml-metadata"), ("every-bit-counts-last", "xmldsig")] {
        let vector = Vector {
            name: Name::new("document").unwrap(),
            document: read(folder("xml/good").join(format!("{file}.xml"))).into(),
            companions: Vec::new(),
            trust: trust(&["ec-p256"]),
            foreign: trust(&["stranger", "rsa"]),
            now: crate::corpus::now(),
        };
        verifier_contract(&verifier(format), &vector, Strict::EveryBit);
    }
}
