//! RSA keys that say of themselves that they are for PSS, with the parameters that they state, in every format that takes
//! RSA.

#![cfg(all(feature = "detached", feature = "jws", feature = "xml"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::{fs, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use sigcache_core::{
    KeyId, Name, Reason, Timestamp,
    trust::{Encoding, KeyError, PublicKey, Scheme, Trust, TrustedKey, rsa::Padding},
    verify::{Check, Context, Detached, Jws, SamlMetadata, Verifier, VerifyError},
};

const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)).unwrap()
}

/// DER.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    match content.len() {
        short @ ..128 => bytes.push(short as u8),
        long => bytes.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    [bytes, content].concat()
}

fn named(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    der(0x30, &[&der(6, &[oid]), parameters])
}

/// The parameters of a key: hash, hash of the mask, salt, trailer.
fn parameters(hash: &[u8], mask: &[u8], salt: Option<u8>, trailer: Option<u8>) -> Vec<u8> {
    let null = [5, 0];
    let number = |tag, number: Option<u8>| number.map_or(Vec::new(), |number| der(tag, &[&der(2, &[&[number]])]));
    let (hash, mask) = (named(hash, &null), named(MGF1, &named(mask, &null)));
    der(0x30, &[&der(0xa0, &[&hash]), &der(0xa1, &[&mask]), &number(0xa2, salt), &number(0xa3, trailer)])
}

/// A key for PSS from the numbers of an RSA key.
fn for_pss(pkcs1: &[u8], parameters: &[u8]) -> Result<PublicKey, KeyError> {
    PublicKey::parse(&der(0x30, &[&named(RSASSA_PSS, parameters), &der(3, &[&[0], pkcs1])]))
}

/// The numbers of any RSA key, as PKCS#1 writes them.
fn pkcs1(key: &PublicKey) -> Vec<u8> {
    key.spki_der().unwrap()[24..].to_vec()
}

fn verify(verifier: &dyn Verifier, key: &PublicKey, companion: Option<&[u8]>, document: &[u8]) -> Result<(), Reason> {
    let trust = Trust::new(vec![TrustedKey::new(KeyId::new("k"), key.clone())], 1).unwrap();
    let (name, companions) = (Name::new("document").unwrap(), [companion.map(Bytes::copy_from_slice)]);
    let companions = if companion.is_some() { &companions[..] } else { &[] };
    let run = || {
        let mut check = Check::begin(verifier, Context::new(&name, Timestamp::from_millis(0), &trust, companions))?;
        check.update(document)?;
        check.finish()
    };
    run().map(|_| ()).map_err(|error: VerifyError| error.failure().reason)
}

#[test]
fn the_parameters_of_a_key_are_those_that_signatures_here_have() {
    let numbers = data("data/algorithms/rsa.pkcs1.der");
    let plain = PublicKey::parse(&data("data/algorithms/rsa.pem")).unwrap();
    let any = for_pss(&numbers, &[]).unwrap();
    assert_eq!((any.padding(), any.only(), plain.padding()), (Some(Padding::Pss), None, None));
    // It is the same key, and counts once.
    assert_eq!(any.fingerprint(), plain.fingerprint());
    let schemes = [Scheme::RsaPssSha256, Scheme::RsaPssSha384, Scheme::RsaPssSha512, Scheme::RsaPkcs1Sha256];
    assert_eq!(schemes.map(|scheme| any.takes(scheme)), [true, true, true, false]);
    let one = for_pss(&numbers, &parameters(SHA256, SHA256, Some(32), None)).unwrap();
    assert_eq!(one.only(), Some(Scheme::RsaPssSha256));
    assert_eq!(schemes.map(|scheme| one.takes(scheme)), [true, false, false, false]);
    let other = for_pss(&numbers, &parameters(SHA512, SHA512, Some(64), Some(1))).unwrap();
    assert_eq!(other.only(), Some(Scheme::RsaPssSha512));
    for (what, parameters) in [
        ("all defaults", vec![0x30, 0]),
        ("SHA-1", parameters(SHA1, SHA1, Some(20), None)),
        ("another mask", parameters(SHA512, SHA256, Some(64), None)),
        ("a salt of the default's length", parameters(SHA256, SHA256, None, None)),
        ("no salt", parameters(SHA256, SHA256, Some(0), None)),
        ("a longer salt", parameters(SHA256, SHA256, Some(64), None)),
        ("another trailer", parameters(SHA256, SHA256, Some(32), Some(2))),
        ("something behind", [&parameters(SHA256, SHA256, Some(32), None)[..1], &[0x80]].concat()),
        ("null", vec![5, 0]),
    ] {
        let error = for_pss(&numbers, &parameters).unwrap_err().to_string();
        assert!(error.contains("parameters") || error.contains("damaged"), "{what}: {error}");
    }
}

#[test]
fn attack_a_key_for_pss_takes_no_other_signature() {
    let numbers = data("data/algorithms/rsa.pkcs1.der");
    let document = data("data/algorithms/document");
    let any = for_pss(&numbers, &[]).unwrap();
    let one = for_pss(&numbers, &parameters(SHA256, SHA256, Some(32), None)).unwrap();
    let file = |kind: &str| data(&format!("data/algorithms/rsa.{kind}.sig"));
    let detached = Detached::new(".sig");
    // Without a word in the configuration: the key decides.
    for key in [&any, &one] {
        assert_eq!(verify(&detached, key, Some(&file("pss.sha256")), &document), Ok(()));
        assert_eq!(verify(&detached, key, Some(&file("sha256")), &document), Err(Reason::SignatureMismatch));
        assert_eq!(verify(&detached, key, Some(&file("pss.max")), &document), Err(Reason::SignatureMismatch));
        assert!(detached.clone().with_padding(Padding::Pkcs1).scheme(key).is_none());
        let (pkcs1, document) = (file("sha256"), &document[..]);
        assert!(!key.verify_message(Scheme::RsaPkcs1Sha256, Encoding::Fixed, document, &pkcs1));
    }
    let longer = detached.clone().with_hash(sigcache_core::trust::HashKind::Sha512);
    assert_eq!(verify(&longer, &any, Some(&file("pss.sha512")), &document), Ok(()));
    assert!(longer.scheme(&one).is_none());
}

#[test]
fn attack_jws_and_xml_hold_to_what_the_key_says() {
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&data("vectors/jws-rfc/index.json")).unwrap();
    let mut seen = 0;
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let ([Some(_), None] | [None, Some(_)]) = [name.find("rs256, compact"), name.find("ps384, compact")] else {
            continue;
        };
        let jwk = case["keys"]["rsa"].as_str().unwrap();
        let plain = PublicKey::parse(jwk.as_bytes()).unwrap();
        let key = for_pss(&pkcs1(&plain), &[]).unwrap();
        let document = case["document"].as_str().unwrap().as_bytes();
        assert_eq!(verify(&Jws::new(), &plain, None, document), Ok(()), "{name}");
        let verdict = verify(&Jws::new(), &key, None, document);
        assert_eq!(verdict.is_ok(), name.starts_with("ps384"), "{name}: {verdict:?}");
        let other = for_pss(&pkcs1(&plain), &parameters(SHA256, SHA256, Some(32), None)).unwrap();
        assert!(verify(&Jws::new(), &other, None, document).is_err(), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 2);

    let plain = PublicKey::parse(&data("vectors/xml/keys/rsa.crt")).unwrap();
    let keys = [&[][..], &parameters(SHA256, SHA256, Some(32), None), &parameters(SHA512, SHA512, Some(64), None)];
    let keys = keys.map(|parameters| for_pss(&pkcs1(&plain), parameters).unwrap());
    // To ignore the `alg` of a JWK is not to ignore what an RSA key is for.
    for verifier in [SamlMetadata::new(), SamlMetadata::new().with_key_alg_ignored()] {
        for (file, expected) in [("signxml-rsa-pss-sha256", [true, true, false]), ("xmlsec1-rsa-sha512", [false; 3])] {
            let document = data(&format!("vectors/xml/good/{file}.xml"));
            assert_eq!(verify(&verifier, &plain, None, &document), Ok(()), "{file}");
            let verdicts = keys.each_ref().map(|key| verify(&verifier, key, None, &document));
            assert_eq!(verdicts.map(|verdict| verdict.is_ok()), expected, "{file}: {verdicts:?}");
        }
    }
}

#[test]
fn what_openssl_makes_with_such_keys_verifies() {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "openssl is not installed");
        eprintln!("SKIPPED: openssl is not installed, so its keys for PSS were not tested");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &str| {
        let output = Command::new("openssl").args(command.split(' ')).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    fs::write(folder.path().join("document"), "a document").unwrap();
    let stated = |hash: &str, mask: &str, salt: u8| {
        format!(
            " -pkeyopt rsa_pss_keygen_md:{hash} -pkeyopt rsa_pss_keygen_mgf1_md:{mask} -pkeyopt rsa_pss_keygen_saltlen:{salt}"
        )
    };
    let table = [
        (String::new(), true),
        (stated("sha256", "sha256", 32), true),
        (stated("sha256", "sha256", 20), false),
        (stated("sha256", "sha1", 32), false),
    ];
    for (stated, good) in table {
        run(&format!("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048{stated} -out private.pem"));
        run("pkey -in private.pem -pubout -out public.pem");
        run("req -new -x509 -key private.pem -subj /CN=x -days 1 -sigopt rsa_pss_saltlen:32 -out certificate.pem");
        run("dgst -sha256 -sigopt rsa_pss_saltlen:32 -sign private.pem -out document.sig document");
        let text = read("public.pem");
        for form in [&text, &read("certificate.pem")] {
            match PublicKey::parse(form) {
                Ok(key) => {
                    assert!(good, "{stated}");
                    let verdict = verify(&Detached::new(".sig"), &key, Some(&read("document.sig")), b"a document");
                    assert_eq!(verdict, Ok(()), "{stated}");
                }
                Err(error) => assert!(!good && error.to_string().contains("RSA-PSS with other"), "{stated}: {error}"),
            }
        }
        let body: String = std::str::from_utf8(&text).unwrap().lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(PublicKey::parse(&STANDARD.decode(body).unwrap()).is_ok(), good, "DER, {stated}");
    }
}

#[cfg(feature = "config")]
#[test]
fn the_configuration_says_what_such_a_key_is_for() {
    let parse = |more: &str| {
        let text = format!(
            "[store]\nurl = \"memory:\"\n[keys.pss]\nfile = \"rsa-pss.pem\"\n[[resource]]\nname = \"a\"\nurls = \
             [\"https://a.example/a\"]\nverify = {{ format = \"detached\", suffix = \".sig\", keys = [\"pss\"]{more} }}\n"
        );
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys");
        sigcache_core::config::Config::parse(&text, "c.toml", &folder, &|_| None)
    };
    for more in ["", ", scheme = \"rsa-pss\"", ", hash = \"sha-512\""] {
        assert!(parse(more).is_ok(), "{more}");
    }
    let said = parse(", scheme = \"rsa-pkcs1\"").unwrap_err().to_string();
    assert!(said.contains("`pss` cannot sign so: it is for RSA-PSS and nothing else"), "{said}");
}
