//! What the tools of the field sign verifies, and says what it says.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sigcache_core::{
    KeyId, Reason,
    trust::{PublicKey, Trust, TrustedKey},
    verify::{SamlMetadata, Verifier as _},
};

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

/// The key of a certificate as a JWK that says it is for one algorithm of JOSE.
fn with_alg(key: &str, alg: &str) -> Trust {
    let certificate = PublicKey::parse(&read(folder("xml/keys").join(format!("{key}.crt")))).unwrap();
    let spki = certificate.spki_der().unwrap();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = match alg {
        "ES256" => {
            let (x, y) = spki[spki.len() - 64..].split_at(32);
            format!(r#"{{"kty":"EC","crv":"P-256","alg":"{alg}","x":"{}","y":"{}"}}"#, text(x), text(y))
        }
        // Of a key of 2048 bits with the exponent 65537, whose tag and length are between them.
        _ => format!(r#"{{"kty":"RSA","alg":"{alg}","n":"{}","e":"AQAB"}}"#, text(&spki[spki.len() - 261..][..256])),
    };
    let jwk = PublicKey::parse(jwk.as_bytes()).unwrap();
    assert_eq!(jwk.fingerprint(), certificate.fingerprint());
    Trust::new(vec![TrustedKey::new(KeyId::new(key), jwk)], 1).unwrap()
}

#[test]
fn the_alg_of_a_key_holds_unless_it_is_told_to_be_ignored() {
    let strict = SamlMetadata::new();
    let ignoring = SamlMetadata::new().with_key_alg_ignored();
    assert_ne!(strict.settings(), ignoring.settings());
    for (file, key, alg, other) in [
        ("xmlsec1-ecdsa-sha512-on-p256.xml", "ec-p256", "ES256", "RS256"),
        ("signxml-rsa-pss-sha256.xml", "rsa", "RS256", "ES256"),
        ("xmlsec1-rsa-sha512.xml", "rsa", "RS256", "ES256"),
    ] {
        let document = read(folder("xml/good").join(file));
        let trust = with_alg(key, alg);
        assert_eq!(verify(&strict, &trust, &document, 100).unwrap_err().reason, Reason::SignatureMismatch, "{file}");
        assert_eq!(*verify(&ignoring, &trust, &document, 100).unwrap().signers, [KeyId::new(key)], "{file}");
        // Of another kind it stays another key.
        let stranger = if other == "ES256" { "ec-p256" } else { "rsa" };
        verify(&ignoring, &with_alg(stranger, other), &document, 100).unwrap_err();
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
