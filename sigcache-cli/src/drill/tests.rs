//! The parts of the twins that no single document shows: every form of a signature file, every kind of key.

#![allow(clippy::unwrap_used, reason = "tests")]

use sigcache_core::trust::{Algorithm, Hash, HashKind, PublicKey};

use super::*;

#[test]
fn the_page_has_a_row_for_each_twin() {
    let page = include_str!("../../../docs/test.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |kind: &Kind| {
        let demands = kind.demands.iter().map(|reason| format!("`{}`: `{reason}`", reason.step()));
        format!("| `{}` | {} | {} |", kind.name, kind.what, demands.collect::<Vec<_>>().join(", "))
    };
    let expected: Vec<String> = twins::kinds().map(row).collect();
    assert_eq!(rows, expected);
}

#[test]
fn no_name_server_is_asked_for_a_name_that_cannot_be_one() {
    assert!(NO_NAME.split('.').next().is_some_and(|label| label.len() > 63), "{NO_NAME}");
}

#[test]
fn a_fresh_key_is_of_the_same_kind_and_another_one_each_time() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../sigcache-core/tests/data/keys/");
    let mut kinds = Vec::new();
    for file in ["public.pem", "p384.pem", "ed25519.pem", "rsa.pem", "certificate.pem"] {
        let like = PublicKey::parse(&std::fs::read(format!("{folder}{file}")).unwrap()).unwrap();
        let [one, other] = [keys::fresh(&like).unwrap(), keys::fresh(&like).unwrap()];
        assert_eq!((one.algorithm(), other.algorithm()), (like.algorithm(), like.algorithm()), "{file}");
        let mut all = [like.fingerprint(), one.fingerprint(), other.fingerprint()].to_vec();
        all.dedup();
        assert_eq!(all.len(), 3, "{file}");
        kinds.push(like.algorithm().unwrap());
    }
    assert!(matches!(
        kinds[..4],
        [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Ed25519, Algorithm::Rsa { .. }]
    ));
    let digest = PublicKey::of_digest(HashKind::Sha384.of(b"a"));
    assert_eq!(keys::fresh(&digest).unwrap().as_digest().map(|hash: Hash| hash.kind()), Some(HashKind::Sha384));
}

/// Where the two differ.
fn changed(before: &[u8], after: &[u8]) -> Vec<usize> {
    assert_eq!(before.len(), after.len());
    (0..before.len()).filter(|at| before[*at] != after[*at]).collect()
}

#[tokio::test]
async fn the_origin_answers_nobody_else() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let origin = Origin::start().await.unwrap();
    origin.set([("/a".to_owned(), origin::Answer::Whole("for us".into()))].into());
    let wrong = "0".repeat(origin.secret().len());
    for (secret, status) in [(origin.secret(), "200"), (wrong.as_str(), "403")] {
        let mut stream = tokio::net::TcpStream::connect(origin.address()).await.unwrap();
        let request = format!("GET /a HTTP/1.1\r\nhost: here\r\n{}: {secret}\r\n\r\n", origin::PASS);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!(answer.contains("for us"), status == "200");
    }
}

#[test]
fn every_signature_of_a_file_is_broken() {
    // Two packets, each with its length in one form, and what is broken is near the end of each.
    let mut raw = vec![0x88, 20];
    raw.extend([0xb7; 20]);
    raw.extend([0xc2, 193, 0]);
    raw.extend([0xb7; 448]);
    let flipped = flips::of_companion(&raw.clone().into()).unwrap();
    assert_eq!(changed(&raw, &flipped), [20, raw.len() - 2]);

    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(&raw);
    let armored =
        format!("-----BEGIN PGP SIGNATURE-----\nComment: bcd\n\n{text}\n=bcde\n-----END PGP SIGNATURE-----\n");
    let flipped = flips::of_companion(&armored.clone().into()).unwrap();
    let start = armored.find(&text).unwrap();
    let decoded = STANDARD.decode(&flipped[start..start + text.len()]).unwrap();
    let places = changed(&raw, &decoded);
    assert!(
        matches!(places[..], [first, second] if (10..22).contains(&first) && second > raw.len() - 12),
        "{places:?}"
    );

    let json = r#"{"signatures":[{"protected":"b0","signature":"abcdbcdbcdxxxxxx"},{"signature":"0123456789xxxxxx"}]}"#;
    let flipped = flips::of_companion(&json.into()).unwrap();
    assert_eq!(
        flipped,
        r#"{"signatures":[{"protected":"b0","signature":"abcdbcdbcexxxxxx"},{"signature":"0123456788xxxxxx"}]}"#
    );

    let lines = "untrusted comment: 1\nRWQ0000000000000\n";
    let flipped = flips::of_companion(&lines.into()).unwrap();
    assert_eq!(flipped, "untrusted comment: 1\nRWQ0000001000000\n");
    assert_eq!(flips::of_companion(&"".into()), None);
}

#[test]
fn a_bit_is_flipped_where_the_format_signs() {
    let flipped = |format: &str, document: &'static str| -> Vec<usize> {
        let twins = flips::of_document(format, &document.into(), false);
        twins.iter().flat_map(|(_, twin)| changed(document.as_bytes(), twin)).collect()
    };
    let inside = |places: Vec<usize>, document: &str, part: &str| {
        let start = document.find(part).unwrap();
        assert!(!places.is_empty());
        assert!(places.iter().all(|at| (start..start + part.len()).contains(at)), "{places:?} in {document}");
    };
    for (format, document, part) in [
        ("jws", "b0b0.c1c1c1c1.d2d2", "c1c1c1c1"),
        ("jws", r#"{"payload":"c1c1c1c1","signatures":[]}"#, "c1c1c1c1"),
        ("note", "d1\n\nb2\n\n\u{2014} b b1\n", "d1\n\nb2\n"),
        ("narinfo", "FileSize: 11\nNarHash: sha256:abc111\nSig: 11\n", "111"),
        ("signify", "untrusted comment: bb\nb1b1\nb2\n", "b2\n"),
        (
            "openpgp",
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nb1\n-----BEGIN PGP SIGNATURE-----\n\nb1\n",
            "b1",
        ),
    ] {
        inside(flipped(format, document), document, part);
    }
    let xml = r#"<?xml version="1.0"?><e:d xmlns:e="urn:b1" ID="b1" a=">b2"><ds:Signature xmlns:ds="urn:d"><ds:SignatureValue>b1</ds:SignatureValue></ds:Signature><!-- b1 --><c/>&#98;b1<g>b3</g></e:d>"#;
    let places = flipped("xmldsig", xml);
    let fine = [xml.find("b2").unwrap(), xml.find("b3").unwrap()];
    assert!(places.iter().all(|at| fine.contains(at) || fine.contains(&(at - 1))), "{places:?} {fine:?}");
    assert_eq!(places.len(), 2);
    let without = flips::unsigned("xmldsig", &xml.into()).unwrap();
    let expected = xml.replace(&xml[xml.find("<ds:S").unwrap()..xml.find("<!--").unwrap()], "");
    assert_eq!(without, expected);
    assert_eq!(flips::unsigned("narinfo", &"A: b\nSig: c\nB: d\n".into()).unwrap(), "A: b\nB: d\n");
    assert_eq!(flips::unsigned("note", &"a\n\n\u{2014} b\n".into()).unwrap(), "a\n");
}
