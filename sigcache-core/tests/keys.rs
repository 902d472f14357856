//! Key files: every form of one key is the same key, and everything else is refused for what it is.
//!
//! The fixtures are in `tests/data/keys`; its README says how they were made.

#![cfg(feature = "keys")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{fs, path::PathBuf};

use sigcache_core::{
    Digest,
    trust::{Algorithm, KeyError, MAX_KEY_BYTES, PublicKey},
};

/// All forms of one public key that must be read.
const FORMS: [&str; 6] =
    ["public.pem", "public.der", "public-compressed.der", "certificate.pem", "certificate.der", "public.jwk"];

fn fixture(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys").join(name)).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

fn refusal(file: &[u8]) -> KeyError {
    PublicKey::parse(file).unwrap_err()
}

/// The form that was recognised, of a file that is damaged.
fn damaged(file: &[u8]) -> &'static str {
    match refusal(file) {
        KeyError::Damaged { form, .. } => form,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_key_has_one_fingerprint_whatever_file_it_came_from() {
    // openssl pkey -pubin -in public.pem -outform DER | sha256sum
    let expected = Digest::of(&fixture("public.der"));
    for form in FORMS {
        let key = PublicKey::parse(&fixture(form)).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(key.fingerprint(), expected, "{form}");
        assert_eq!((key.algorithm(), key.as_opaque()), (Some(Algorithm::EcdsaP256), None), "{form}");
        assert_eq!(key.spki_der(), Some(&fixture("public.der")[..]), "{form}");
    }
}

#[test]
fn white_space_around_text_and_a_chain_behind_a_certificate_change_nothing() {
    let expected = PublicKey::parse(&fixture("public.der")).unwrap().fingerprint();
    let (public, certificate) = (text("public.pem"), text("certificate.pem"));
    for file in [
        format!("\n\n{public}\n\n"),
        public.replace('\n', "\r\n"),
        public.trim_end().to_owned(),
        format!("{certificate}{certificate}"),
        format!(" \n{certificate}garbage behind it"),
        format!("\t{}\n", text("public.jwk")),
    ] {
        assert_eq!(PublicKey::parse(file.as_bytes()).unwrap().fingerprint(), expected, "{file}");
    }
}

#[test]
fn private_keys_are_refused_as_what_they_are() {
    for form in [
        "private-sec1.pem",
        "private-sec1.der",
        "private-pkcs8.pem",
        "private-pkcs8.der",
        "private-encrypted.pem",
        "private.jwk",
        "parameters-and-key.pem",
    ] {
        assert_eq!(refusal(&fixture(form)), KeyError::PrivateKey, "{form}");
    }
    let both = format!("{}{}", text("certificate.pem"), text("private-pkcs8.pem"));
    assert_eq!(refusal(both.as_bytes()), KeyError::PrivateKey, "behind its certificate");
    let both = format!("{}{}", text("public.pem"), text("private-sec1.pem"));
    assert_eq!(refusal(both.as_bytes()), KeyError::PrivateKey, "behind its public key");
    let rsa = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}"#;
    assert_eq!(refusal(rsa.as_bytes()), KeyError::PrivateKey, "whatever its algorithm");
}

#[test]
fn every_algorithm_is_told_by_the_key() {
    for (form, algorithm, text) in [
        ("public.pem", Algorithm::EcdsaP256, "ECDSA P-256"),
        ("p384.pem", Algorithm::EcdsaP384, "ECDSA P-384"),
        ("ed25519.pem", Algorithm::Ed25519, "Ed25519"),
        ("rsa.pem", Algorithm::Rsa { bits: 2048 }, "RSA 2048"),
    ] {
        let key = PublicKey::parse(&fixture(form)).unwrap();
        assert_eq!(key.algorithm(), Some(algorithm));
        assert_eq!(algorithm.to_string(), text);
        assert_eq!(Digest::of(key.spki_der().unwrap()), key.fingerprint());
        assert_eq!(PublicKey::parse(key.spki_der().unwrap()).unwrap().fingerprint(), key.fingerprint());
    }
}

#[test]
fn other_algorithms_are_named() {
    assert_eq!(refusal(&fixture("secp256k1.pem")), KeyError::Algorithm("curve 1.3.132.0.10".into()));
    let jwk = text("public.jwk");
    for (from, to, found) in [
        ("\"P-256\"", "\"secp256k1\"", r#"kty "EC", crv "secp256k1", alg "ES256""#),
        ("\"EC\"", "\"OKP\"", r#"kty "OKP", crv "P-256", alg "ES256""#),
        ("\"EC\"", "\"oct\"", r#"kty "oct", crv "P-256", alg "ES256""#),
        ("\"ES256\"", "\"none\"", r#"kty "EC", crv "P-256", alg "none""#),
        ("\"ES256\"", "\"HS256\"", r#"kty "EC", crv "P-256", alg "HS256""#),
        ("\"ES256\"", "\"ES384\"", r#"kty "EC", crv "P-256", alg "ES384""#),
    ] {
        let other = jwk.replace(from, to);
        assert_ne!(other, jwk);
        assert_eq!(refusal(other.as_bytes()), KeyError::Algorithm(found.into()), "{to}");
    }
    assert_eq!(refusal(br#"{"kty":"EC"}"#), KeyError::Algorithm(r#"kty "EC""#.into()));
}

#[test]
fn what_is_no_key_is_refused() {
    for file in [
        &b""[..],
        b" \n",
        b"garbage",
        b"<html>",
        b"-----BEGIN",
        b"-----BEGIN NONSENSE-----\nAAAA\n-----END NONSENSE-----\n",
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
        b"ssh-ed25519 AAAA",
        &[0x30],
        &[0x30, 0x80, 0, 0],
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0xff; 100],
        // What `openssl x509 -text` writes before the certificate is for people.
        &fixture("certificate-text.pem"),
    ] {
        assert_eq!(refusal(file), KeyError::UnknownForm, "{:?}", String::from_utf8_lossy(file));
    }
    assert_eq!(damaged(b"-----BEGIN PUBLIC KEY-----\n\xff"), "PEM file");
    assert_eq!(damaged(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), "public key");
    assert_eq!(damaged(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "certificate");
    let two = format!("{0}{0}", text("public.pem"));
    assert_eq!(damaged(two.as_bytes()), "public key", "two keys in one file: which one was meant?");
    for json in ["{", "{}", "{\"keys\":[]}", "{\"kty\":1}"] {
        assert_eq!(damaged(json.as_bytes()), "JWK", "{json}");
    }
}

#[test]
fn too_large_is_refused_before_anything_is_parsed() {
    let mut file = fixture("public.pem");
    file.resize(MAX_KEY_BYTES, b'\n');
    assert!(PublicKey::parse(&file).is_ok());
    file.push(b'\n');
    assert_eq!(refusal(&file), KeyError::TooLarge);
}

#[test]
fn attack_invalid_curve_a_point_off_the_curve_is_no_key() {
    let mut der = fixture("public.der");
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(damaged(&der), "public key");
    let mut infinity = fixture("public.der");
    let start = infinity.len() - 65;
    infinity[start..].fill(0);
    assert_eq!(damaged(&infinity), "public key");
    let jwk = text("public.jwk");
    let member = |name: &str| {
        let value = jwk.split(&format!("\"{name}\": \"")).nth(1).unwrap();
        value.split('"').next().unwrap().to_owned()
    };
    let (x, y) = (member("x"), member("y"));
    let zero = "A".repeat(43);
    let greatest = format!("{}8", "_".repeat(42));
    for (case, from, to) in [
        ("x and x", &y, &x),
        ("zero", &y, &zero),
        ("greater than the field", &x, &greatest),
        ("padded", &x, &format!("{x}=")),
        ("too short", &x, &x[..42].to_owned()),
        ("too long", &x, &format!("{x}A")),
        ("empty", &x, &String::new()),
        ("another alphabet", &x, &format!("+/{}", &x[2..])),
        ("twice", &x, &format!("{x}\", \"x\": \"{x}")),
    ] {
        let other = jwk.replacen(from.as_str(), to, 1);
        assert_ne!(other, jwk, "{case}");
        assert_eq!(damaged(other.as_bytes()), "JWK", "{case}");
    }
    assert_eq!(damaged(jwk.replace("\"y\"", "\"z\"").as_bytes()), "JWK", "no y");
    assert_eq!(damaged(jwk.replace("\"sig\"", "\"enc\"").as_bytes()), "JWK", "a key for encryption");
}

/// Never a panic, and never another key: a file that is cut or has a bit flipped is refused or is still the same key.
#[test]
fn cut_and_flipped_files_yield_no_other_key() {
    for form in FORMS {
        let file = fixture(form);
        let same = |bytes: &[u8]| PublicKey::parse(bytes).map(|key| key.fingerprint());
        let expected = same(&file);
        for length in 0..file.len() {
            let cut = same(&file[..length]);
            // Only white space can be missing.
            let kept = cut == expected && file[length..].iter().all(u8::is_ascii_whitespace);
            assert!(cut.is_err() || kept, "{form} cut to {length}");
        }
        // Bits of a certificate around its key are not ours to judge: it is only a wrapping here. The sign of a
        // compressed point is a bit that makes another key, with nothing to tell it by.
        let wrapped = form.starts_with("certificate") || form == "public-compressed.der";
        for index in 0..file.len() {
            for bit in 0..8 {
                let mut other = file.clone();
                other[index] ^= 1 << bit;
                let flipped = same(&other);
                assert!(wrapped || flipped.is_err() || flipped == expected, "{form}: bit {bit} of byte {index}");
            }
        }
    }
}
