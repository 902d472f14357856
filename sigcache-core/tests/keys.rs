//! Key files: every form of one key is the same key, and everything else is refused for what it is.
//!
//! The fixtures are in `tests/data/keys`; its README says how they were made.

#![cfg(feature = "keys")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sigcache_core::{
    Digest,
    trust::{Algorithm, KeyError, MAX_KEY_BYTES, PublicKey, Scheme},
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
        "private-rsa.pem",
        "private-rsa.der",
        "private-ed25519.der",
        "private-encrypted.der",
    ] {
        assert_eq!(refusal(&fixture(form)), KeyError::PrivateKey, "{form}");
    }
    let both = format!("{}{}", text("certificate.pem"), text("private-pkcs8.pem"));
    assert_eq!(refusal(both.as_bytes()), KeyError::PrivateKey, "behind its certificate");
    let both = format!("{}{}", text("public.pem"), text("private-sec1.pem"));
    assert_eq!(refusal(both.as_bytes()), KeyError::PrivateKey, "behind its public key");
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for kty in ["RSA", "EC", "OKP", "oct"] {
            let jwk = format!(r#"{{"kty":"{kty}","n":"AQAB","e":"AQAB","{member}":"AQAB"}}"#);
            assert_eq!(refusal(jwk.as_bytes()), KeyError::PrivateKey, "{jwk}");
        }
    }
}

/// One key of each algorithm, and the forms of it in `tests/data/algorithms` beside those that every one has.
const ALGORITHMS: [(&str, Algorithm, &str, &[&str]); 4] = [
    ("p256", Algorithm::EcdsaP256, "ECDSA P-256", &["compressed.der"]),
    ("p384", Algorithm::EcdsaP384, "ECDSA P-384", &["compressed.der"]),
    ("ed25519", Algorithm::Ed25519, "Ed25519", &[]),
    ("rsa", Algorithm::Rsa { bits: 2048 }, "RSA 2048", &["pkcs1.pem", "pkcs1.der"]),
];

fn of_algorithm(name: &str, form: &str) -> Vec<u8> {
    fixture(&format!("../algorithms/{name}.{form}"))
}

#[test]
fn every_form_of_a_key_of_every_algorithm_is_the_same_key() {
    for (name, algorithm, text, more) in ALGORITHMS {
        let spki = of_algorithm(name, "der");
        for form in ["pem", "der", "crt", "crt.der", "jwk"].iter().chain(more) {
            let file = of_algorithm(name, form);
            let key = PublicKey::parse(&file).unwrap_or_else(|error| panic!("{name}.{form}: {error}"));
            assert_eq!(key.algorithm(), Some(algorithm), "{form}");
            assert_eq!(key.fingerprint(), Digest::of(&spki), "{name}.{form}");
            assert_eq!(key.spki_der(), Some(&spki[..]), "{name}.{form}");
            assert_eq!(key.only(), None, "{name}.{form}");
            let certificate = form.starts_with("crt").then(|| of_algorithm(name, "crt.der"));
            assert_eq!(key.certificate(), certificate.as_deref(), "{name}.{form}");
            assert_eq!(key.certificate_validity().is_some(), certificate.is_some());
            let same =
                |bytes: &[u8]| PublicKey::parse(bytes).is_ok_and(|other| other.fingerprint() == key.fingerprint());
            for length in 0..file.len() {
                let kept = file[length..].iter().all(u8::is_ascii_whitespace);
                assert!(!same(&file[..length]) || kept, "{name}.{form} cut to {length}");
            }
            assert!(!same(&[&file[..], b"\x30\x00"].concat()) || *form == "crt", "{name}.{form}: something behind it");
        }
        assert_eq!(algorithm.to_string(), text);
    }
}

#[test]
fn a_certificate_tells_when_it_is_valid() {
    // openssl x509 -in certificate.pem -noout -dates
    let key = PublicKey::parse(&fixture("certificate.pem")).unwrap();
    let (start, end) = key.certificate_validity().unwrap();
    assert_eq!(
        (start.to_string(), end.to_string()),
        ("2026-11-24T05:03:24Z".to_owned(), "2126-10-31T05:03:24Z".to_owned())
    );
}

#[test]
fn other_algorithms_are_named() {
    for (form, found) in [("secp256k1.pem", "curve 1.3.132.0.10"), ("ed448.pem", "algorithm 1.3.101.113")] {
        assert_eq!(refusal(&fixture(form)), KeyError::Algorithm(found.into()), "{form}");
    }
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
    let long = format!(r#"{{"kty":"{}"}}"#, "x".repeat(1000));
    assert_eq!(refusal(long.as_bytes()), KeyError::Algorithm(format!("kty {:?}", "x".repeat(40))));
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
        &[0x30],
        // Empty, three numbers, and a certificate with something behind it.
        &[0x30, 0],
        &[0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1],
        &[&fixture("certificate.der")[..], &[0]].concat(),
        &[0x30, 0x80, 0, 0],
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0xff; 100],
        // What `openssl x509 -text` writes before the certificate is for people.
        &fixture("certificate-text.pem"),
    ] {
        assert_eq!(refusal(file), KeyError::UnknownForm, "{:?}", String::from_utf8_lossy(file));
    }
    assert_eq!(damaged(b"ssh-ed25519 AAAA"), "SSH key");
    let openpgp = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n";
    if cfg!(feature = "openpgp") {
        assert_eq!(damaged(openpgp), "OpenPGP certificate");
    } else {
        assert_eq!(refusal(openpgp), KeyError::UnknownForm);
    }
    assert_eq!(damaged(b"-----BEGIN PUBLIC KEY-----\n\xff"), "PEM file");
    assert_eq!(damaged(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), "public key");
    assert_eq!(damaged(b"ssh-ed25519 AAAA"), "SSH key");
    assert_eq!(damaged(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "certificate");
    // A version 9 that there is not, and the two numbers of an RSA key that are no numbers.
    let certificate = fixture("certificate.der");
    let at = certificate.windows(5).position(|window| window == [0xa0, 3, 2, 1, 2]).unwrap();
    assert_eq!(damaged(&[&certificate[..at + 4], &[9], &certificate[at + 5..]].concat()), "certificate");
    assert_eq!(damaged(&[0x30, 6, 2, 1, 0xff, 2, 1, 3]), "RSA public key");
    assert_eq!(damaged(b"-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n"), "RSA public key");
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

fn jwk(name: &str, more: &str) -> String {
    let text = String::from_utf8(of_algorithm(name, "jwk")).unwrap();
    text.replacen('{', &format!("{{{more}"), 1)
}

#[test]
fn a_jwk_may_say_what_it_is_for_and_is_for_nothing_else_then() {
    let table: [(&str, &[(&str, Scheme)]); 4] = [
        ("p256", &[("ES256", Scheme::EcdsaSha256)]),
        ("p384", &[("ES384", Scheme::EcdsaSha384)]),
        ("ed25519", &[("EdDSA", Scheme::Ed25519), ("Ed25519", Scheme::Ed25519)]),
        (
            "rsa",
            &[
                ("RS256", Scheme::RsaPkcs1Sha256),
                ("RS384", Scheme::RsaPkcs1Sha384),
                ("RS512", Scheme::RsaPkcs1Sha512),
                ("PS256", Scheme::RsaPssSha256),
                ("PS384", Scheme::RsaPssSha384),
                ("PS512", Scheme::RsaPssSha512),
            ],
        ),
    ];
    for (name, own) in table {
        let plain = PublicKey::parse(jwk(name, "").as_bytes()).unwrap();
        for (alg, scheme) in table.iter().flat_map(|(_, algs)| *algs) {
            let file = jwk(name, &format!(r#""alg":"{alg}","#));
            if own.iter().any(|(name, _)| name == alg) {
                let key = PublicKey::parse(file.as_bytes()).unwrap();
                assert_eq!((key.fingerprint(), key.only()), (plain.fingerprint(), Some(*scheme)));
                let taken = own.iter().filter(|(_, other)| key.takes(*other));
                assert!(taken.clone().all(|(_, other)| other == scheme) && taken.count() > 0, "{alg}");
            } else {
                assert!(matches!(refusal(file.as_bytes()), KeyError::Algorithm(_)), "{name} {alg}");
            }
            let goes = own.iter().any(|(_, other)| other == scheme) || (name.starts_with('p') && alg.starts_with("ES"));
            assert_eq!(plain.takes(*scheme), goes, "{name} {alg}");
        }
        for good in
            [r#""use":"sig","#, r#""key_ops":["verify"],"#, r#""use":"sig","key_ops":["verify"],"#, r#""kid":"x","#]
        {
            assert!(PublicKey::parse(jwk(name, good).as_bytes()).is_ok(), "{name} {good}");
        }
        for bad in [
            r#""use":"enc","#,
            r#""use":1,"#,
            r#""key_ops":["sign"],"#,
            r#""key_ops":["verify","sign"],"#,
            r#""key_ops":["verify","verify"],"#,
            r#""key_ops":[],"#,
            r#""key_ops":"verify","#,
            r#""use":"sig","key_ops":["encrypt"],"#,
            r#""alg":7,"#,
            r#""crv":null,"#,
            // Whichever of two members a reader takes, another one takes the other.
            r#""kty":"EC","#,
            r#""x":"AAAA","x":"AAAA","#,
            r#""kid":"a","kid":"b","#,
        ] {
            assert_eq!(damaged(jwk(name, bad).as_bytes()), "JWK", "{name} {bad}");
        }
    }
    // Keys that are right but for one thing.
    assert_eq!(damaged(jwk("ed25519", "").replace("\"x\": \"", "\"x\": \"AAAA").as_bytes()), "JWK", "33 bytes");
    assert_eq!(damaged(jwk("ed25519", "").replace("\"x\"", "\"y\"").as_bytes()), "JWK", "no x");
    assert_eq!(damaged(jwk("rsa", "").replace("\"n\"", "\"m\"").as_bytes()), "JWK", "no n");
    assert_eq!(damaged(jwk("p384", "").replace("\"y\"", "\"z\"").as_bytes()), "JWK", "no y");
    let crossed = jwk("p256", "").replace("P-256", "P-384");
    assert_eq!(damaged(crossed.as_bytes()), "JWK", "coordinates of another curve");
    let named = jwk("rsa", r#""crv":"P-256","#);
    assert!(matches!(refusal(named.as_bytes()), KeyError::Algorithm(_)), "a curve where there is none");
}

#[test]
fn attack_rsa_keys_that_are_weak_or_costly_are_refused() {
    let key = |modulus: &[u8], exponent: &[u8]| {
        let (n, e) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode(exponent));
        PublicKey::parse(format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#).as_bytes())
    };
    let unsafe_for = |modulus: &[u8], exponent: &[u8]| match key(modulus, exponent).unwrap_err() {
        KeyError::Unsafe { algorithm: "RSA", detail } => detail,
        other => panic!("{other:?}"),
    };
    let modulus = |bits: usize| {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] = 0xff >> (modulus.len() * 8 - bits);
        modulus
    };
    let usual = [1, 0, 1];
    for bits in [2048, 2049, 2055, 3072, 4096, 8192] {
        assert_eq!(key(&modulus(bits), &usual).unwrap().algorithm(), Some(Algorithm::Rsa { bits }));
    }
    for bits in [8, 512, 1024, 2047] {
        assert_eq!(unsafe_for(&modulus(bits), &usual), "its modulus has less than 2048 bits", "{bits}");
    }
    for bits in [8193, 16384, 300_000] {
        assert_eq!(unsafe_for(&modulus(bits), &usual), "its modulus has more than 8192 bits", "{bits}");
    }
    let mut even = modulus(2048);
    even[255] = 0xfe;
    assert_eq!(unsafe_for(&even, &usual), "its modulus is even");
    assert_eq!(unsafe_for(&[&[0], &modulus(2048)[..]].concat(), &usual), "its modulus has leading zeros");
    assert_eq!(unsafe_for(&[], &usual), "it has no modulus");
    for exponent in [&[3][..], &[1, 0, 1], &[1, 0xff, 0xff, 0xff, 0xff]] {
        assert!(key(&modulus(2048), exponent).is_ok(), "{exponent:02x?}");
    }
    for exponent in [&[][..], &[1], &[2], &[1, 0, 0]] {
        let detail = unsafe_for(&modulus(2048), exponent);
        assert_eq!(detail, "its exponent is not an odd number from 3 on", "{exponent:02x?}");
    }
    assert_eq!(unsafe_for(&modulus(2048), &[0, 1, 0, 1]), "its exponent has leading zeros");
    for exponent in [&[2, 0, 0, 0, 1][..], &[0xff; 9], &[0xff; 256]] {
        assert_eq!(unsafe_for(&modulus(2048), exponent), "its exponent has more than 33 bits", "{exponent:02x?}");
    }
    let small = KeyError::Unsafe { algorithm: "RSA", detail: "its modulus has less than 2048 bits" };
    assert_eq!(refusal(&fixture("rsa-1024.pem")), small);
}

/// Points of small order, of which any signature is as good as true for a share of all messages, and the forms of
/// points that are not canonical.
#[test]
fn attack_weak_ed25519_keys_are_refused() {
    let key = |hex: &str| {
        let x = URL_SAFE_NO_PAD.encode(sigcache_core::unhex(hex.as_bytes()).unwrap());
        PublicKey::parse(format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#).as_bytes())
    };
    // RFC 8032, section 7.1, test 1.
    assert!(key("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").is_ok());
    for hex in [
        // The eight points of small order.
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        // The same with the sign of zero.
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        // y is not below the field's prime: zero, one, and others among which there are points.
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f2ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        // No point.
        "0200000000000000000000000000000000000000000000000000000000000000",
    ] {
        assert!(matches!(key(hex), Err(KeyError::Unsafe { algorithm: "Ed25519", .. })), "{hex}");
    }
}

#[test]
fn a_key_may_be_bound_to_the_validity_of_its_certificate() {
    use sigcache_core::{KeyId, trust::TrustedKey};
    let bound = |file: &str| TrustedKey::new(KeyId::new("k"), PublicKey::parse(&fixture(file)).unwrap());
    let limits = |key: TrustedKey| (key.not_before.map(|t| t.to_string()), key.not_after.map(|t| t.to_string()));
    let certificate = ("2026-11-24T05:03:24Z".to_owned(), "2126-10-31T05:03:24Z".to_owned());
    assert_eq!(limits(bound("certificate.pem")), (None, None), "not unless asked");
    let (start, end) = limits(bound("certificate.pem").within_certificate());
    assert_eq!((start.unwrap(), end.unwrap()), certificate);
    assert_eq!(limits(bound("public.pem").within_certificate()), (None, None), "a bare key has none");
    // The narrower of both limits holds.
    let mut own = bound("certificate.pem");
    (own.not_before, own.not_after) = ("2020-01-01T00:00:00Z".parse().ok(), "2030-01-01T00:00:00Z".parse().ok());
    let (start, end) = limits(own.within_certificate());
    assert_eq!((start.as_deref(), end.as_deref()), (Some(&*certificate.0), Some("2030-01-01T00:00:00Z")));
}

#[test]
fn a_key_is_shown_as_the_tools_of_its_kind_show_it() {
    let shown = |key: &[u8]| PublicKey::parse(key).unwrap().shown();
    let tool =
        |path: &str| fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tools").join(path)).unwrap();
    // ssh-keygen -lf FILE
    for (file, expected) in [
        ("ssh/ed25519.pub", "SHA256:9ZSPyCMG3LeZhvzLahbS8zTlR+qdFrjE/MDqseV8f3M"),
        ("ssh/nistp256.pub", "SHA256:heuXkBRioKA+R4q16R2jGwje7H4U/6oZwJKwRlLKEf8"),
        ("ssh/rsa.pub", "SHA256:cMBXuN2UaW6cEO1cvbJ9SM4YYkVQ2lr49hBtol+Q9Us"),
    ] {
        assert_eq!(shown(&tool(file)), Some(("ssh", expected.to_owned())), "{file}");
    }
    // openssl x509 -in certificate.pem -noout -fingerprint -sha256
    let certificate = "6E:B7:CB:BA:F8:28:2F:0A:92:A6:CA:10:69:CD:81:10:94:49:38:32:F3:2A:CB:37:DA:4C:BC:EF:8B:14:D7:66";
    assert_eq!(shown(&fixture("certificate.pem")), Some(("certificate", certificate.to_owned())));
    assert_eq!(shown(&tool("minisign/key.pub")), Some(("minisign", "4EBF1E429DF70A40".to_owned())));
    assert_eq!(shown(&tool("nix/key.pub")), Some(("nix", "cache.example-key".to_owned())));
    let (kind, text) = shown(&tool("note/log.key")).unwrap();
    assert!(kind == "note" && String::from_utf8(tool("note/log.key")).unwrap().starts_with(&text), "{text}");
    assert_eq!(shown(&fixture("public.pem")), None);
    // RFC 8037, appendix A.3; RFC 7638, section 3.1
    let okp = r#"{"kid":"x","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kty":"OKP","crv":"Ed25519","y":"no part of it"}"#;
    assert_eq!(shown(okp.as_bytes()), Some(("jwk", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned())));
    let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    assert_eq!(shown(rsa.as_bytes()), Some(("jwk", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".to_owned())));
}
