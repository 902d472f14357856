//! Signatures and keys as `openssl` makes them, which is how most publishers do.

#![cfg(feature = "detached")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use sigcache_core::{
    Evidence, KeyId, Name, Reason, Timestamp,
    trust::{HashKind, PublicKey, Trust, TrustedKey, rsa::Padding},
    verify::{Check, Context, Detached, VerifyError},
};

/// The program, or none where it is not installed; on a build server that is a failure.
fn openssl() -> Option<()> {
    let installed = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !installed {
        assert!(std::env::var_os("CI").is_none(), "openssl is not installed");
        eprintln!("SKIPPED: openssl is not installed, so signatures made by it were not tested");
    }
    installed.then_some(())
}

fn run(folder: &Path, command: &str) {
    let output = Command::new("openssl").args(command.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {command}: {}", String::from_utf8_lossy(&output.stderr));
}

fn verify(key: &[u8], signature: Vec<u8>, document: &[u8]) -> Result<Evidence, VerifyError> {
    verify_as(&Detached::new(".sig"), key, signature, document)
}

fn verify_as(verifier: &Detached, key: &[u8], signature: Vec<u8>, document: &[u8]) -> Result<Evidence, VerifyError> {
    let key = TrustedKey::new(KeyId::new("release"), PublicKey::parse(key).unwrap());
    let trust = Trust::new(vec![key], 1).unwrap();
    let name = Name::new("document").unwrap();
    let companions = [Some(Bytes::from(signature))];
    let context = Context::new(&name, Timestamp::from_millis(0), &trust, &companions);
    let mut check = Check::begin(verifier, context)?;
    check.update(document)?;
    check.finish().map(|finding| finding.evidence)
}

/// Made once and kept, so that this much is tested without the program too.
#[test]
fn a_kept_signature_verifies() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let read = |name: &str| std::fs::read(data.join(name)).unwrap();
    let evidence = verify(&read("keys/public.pem"), read("document.sig"), &read("document")).unwrap();
    assert_eq!(*evidence.signers, [KeyId::new("release")]);
    let error = verify(&read("keys/public.pem"), read("document.sig"), b"another document\n").unwrap_err();
    assert_eq!(error.failure().reason, Reason::SignatureMismatch);
}

#[test]
fn what_openssl_signs_verifies_with_every_form_of_key_that_it_writes() {
    let Some(()) = openssl() else { return };
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    // More than one signature: the length of a DER signature varies.
    for round in 0..8 {
        let document = format!("document {round}\n").repeat(round + 1);
        std::fs::write(folder.path().join("document"), &document).unwrap();
        for command in [
            "ecparam -name prime256v1 -genkey -noout -out private.pem",
            "ec -in private.pem -pubout -out public.pem",
            "ec -in private.pem -pubout -outform DER -out public.der",
            "ec -in private.pem -pubout -conv_form compressed -out compressed.pem",
            "req -new -x509 -key private.pem -subj /CN=test -days 1 -out certificate.pem",
            "x509 -in certificate.pem -outform DER -out certificate.der",
            "dgst -sha256 -sign private.pem -out document.sig document",
            "base64 -in document.sig -out document.sig.b64",
            "dgst -sha256 -hex -r -sign private.pem -out document.sig.hex document",
            "dgst -sha384 -sign private.pem -out document.sig384 document",
        ] {
            run(folder.path(), command);
        }
        let mut prints = Vec::new();
        for form in ["public.pem", "public.der", "compressed.pem", "certificate.pem", "certificate.der"] {
            prints.push(PublicKey::parse(&read(form)).unwrap().fingerprint());
            for file in ["document.sig", "document.sig.b64"] {
                let evidence = verify(&read(form), read(file), document.as_bytes()).unwrap();
                assert_eq!(evidence.size, document.len() as u64, "{form} {file}");
            }
        }
        assert!(prints.iter().all(|print| *print == prints[0]));
        // `-r` writes the name of the file behind the digits, as for a checksum list: that is no signature file.
        let hex = String::from_utf8(read("document.sig.hex")).unwrap();
        let digits = hex.split(' ').next().unwrap();
        assert!(verify(&read("public.pem"), digits.into(), document.as_bytes()).is_ok());
        let error = verify(&read("public.pem"), hex.into(), document.as_bytes()).unwrap_err();
        assert_eq!(error.failure().reason, Reason::MalformedSignature);
        // Another hash is another signature; nothing in the file could ask for it.
        let error = verify(&read("public.pem"), read("document.sig384"), document.as_bytes()).unwrap_err();
        assert_eq!(error.failure().reason, Reason::SignatureMismatch);
    }
}

/// How a key is made and what it signs with.
struct Signer {
    name: &'static str,
    generate: &'static str,
    sign: &'static str,
    set_up: fn(Detached) -> Detached,
}

const GENERATE_RSA: &str = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out private.pem";

const SIGNERS: [Signer; 11] = [
    Signer {
        name: "P-256",
        generate: "ecparam -name prime256v1 -genkey -noout -out private.pem",
        sign: "dgst -sha256 -sign private.pem -out document.sig document",
        set_up: |plain| plain,
    },
    Signer {
        name: "P-256 over SHA-512",
        generate: "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem",
        sign: "dgst -sha512 -sign private.pem -out document.sig document",
        set_up: |plain| plain.with_hash(HashKind::Sha512),
    },
    Signer {
        name: "P-384",
        generate: "ecparam -name secp384r1 -genkey -noout -out private.pem",
        sign: "dgst -sha384 -sign private.pem -out document.sig document",
        set_up: |plain| plain,
    },
    Signer {
        name: "P-384 over SHA-256",
        generate: "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out private.pem",
        sign: "dgst -sha256 -sign private.pem -out document.sig document",
        set_up: |plain| plain.with_hash(HashKind::Sha256),
    },
    Signer {
        name: "Ed25519",
        generate: "genpkey -algorithm ed25519 -out private.pem",
        sign: "pkeyutl -sign -rawin -inkey private.pem -in document -out document.sig",
        set_up: |plain| plain,
    },
    Signer {
        name: "RSA 2048",
        generate: GENERATE_RSA,
        sign: "dgst -sha256 -sign private.pem -out document.sig document",
        set_up: |plain| plain,
    },
    Signer {
        name: "RSA 3072 over SHA-512",
        generate: "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out private.pem",
        sign: "dgst -sha512 -sign private.pem -out document.sig document",
        set_up: |plain| plain.with_hash(HashKind::Sha512),
    },
    Signer {
        name: "RSA-PSS",
        generate: GENERATE_RSA,
        sign: "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sign private.pem \
               -out document.sig document",
        set_up: |plain| plain.with_padding(Padding::Pss),
    },
    Signer {
        name: "RSA-PSS over SHA-384",
        generate: GENERATE_RSA,
        sign: "pkeyutl -sign -rawin -digest sha384 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:digest \
               -inkey private.pem -in document -out document.sig",
        set_up: |plain| plain.with_padding(Padding::Pss).with_hash(HashKind::Sha384),
    },
    // Where the padded hash has a byte less than the modulus, and where the modulus begins within a byte.
    Signer {
        name: "RSA-PSS 2049",
        generate: "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2049 -out private.pem",
        sign: "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sign private.pem \
               -out document.sig document",
        set_up: |plain| plain.with_padding(Padding::Pss),
    },
    Signer {
        name: "RSA 2061",
        generate: "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2061 -out private.pem",
        sign: "dgst -sha256 -sign private.pem -out document.sig document",
        set_up: |plain| plain,
    },
];

/// Each algorithm, signed by the program: good in every form of key, and its bad twins.
#[test]
fn what_openssl_signs_with_any_algorithm_verifies_and_its_bad_twins_do_not() {
    let Some(()) = openssl() else { return };
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let make = |command: &str| run(folder.path(), &command.split_whitespace().collect::<Vec<_>>().join(" "));
    let document = b"document\n".repeat(1000);
    std::fs::write(folder.path().join("document"), &document).unwrap();
    let mut all: Vec<(&Signer, Vec<u8>, Vec<u8>)> = Vec::new();
    for signer in &SIGNERS {
        let name = signer.name;
        make(signer.generate);
        make("pkey -in private.pem -pubout -out stranger.pem");
        for command in [
            signer.generate,
            "pkey -in private.pem -pubout -out public.pem",
            "pkey -in private.pem -pubout -outform DER -out public.der",
            "req -new -x509 -key private.pem -subj /CN=test -days 1 -out certificate.pem",
            "x509 -in certificate.pem -outform DER -out certificate.der",
            signer.sign,
            "base64 -in document.sig -out document.sig.b64",
        ] {
            make(command);
        }
        let verifier = (signer.set_up)(Detached::new(".sig"));
        let reason = |key: &[u8], signature: Vec<u8>, document: &[u8]| {
            verify_as(&verifier, key, signature, document).unwrap_err().failure().reason
        };
        let (key, signature) = (read("public.pem"), read("document.sig"));
        let print = PublicKey::parse(&key).unwrap().fingerprint();
        for form in ["public.pem", "public.der", "certificate.pem", "certificate.der"] {
            assert_eq!(PublicKey::parse(&read(form)).unwrap().fingerprint(), print, "{name} {form}");
            for file in ["document.sig", "document.sig.b64"] {
                let verdict = verify_as(&verifier, &read(form), read(file), &document);
                assert!(verdict.is_ok(), "{name} {form} {file}: {verdict:?}");
            }
        }
        assert_eq!(reason(&read("stranger.pem"), signature.clone(), &document), Reason::SignatureMismatch, "{name}");
        assert_eq!(reason(&key, signature.clone(), &document[1..]), Reason::SignatureMismatch, "{name}");
        let mut flipped = document.clone();
        flipped[5000] ^= 1;
        assert_eq!(reason(&key, signature.clone(), &flipped), Reason::SignatureMismatch, "{name}");
        let mut flipped = signature.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(reason(&key, flipped, &document), Reason::SignatureMismatch, "{name}");
        let truncated = signature[..signature.len() - 1].to_vec();
        assert_eq!(reason(&key, truncated, &document), Reason::MalformedSignature, "{name}");
        all.push((signer, key, signature));
    }
    // Every signature under every other key, set up for that key.
    for (made_by, _, signature) in &all {
        for (signer, key, own) in &all {
            if signer.name == made_by.name {
                continue;
            }
            let verifier = (signer.set_up)(Detached::new(".sig"));
            let error = verify_as(&verifier, key, signature.clone(), &document).unwrap_err();
            // What has the form of this key's signatures does not match, anything else is none. In DER a signature on
            // the smaller curve may be one on the larger, and the 64 bytes of Ed25519 may be in the fixed form of P-256.
            let (made, taken) = (&made_by.name[..5], &signer.name[..5]);
            let fits = match taken {
                "P-256" => made == "P-256" || made == "Ed255",
                "P-384" => made == "P-384" || made == "P-256",
                _ => own.len() == signature.len() && !made.starts_with("P-"),
            };
            let expected = if fits { Reason::SignatureMismatch } else { Reason::MalformedSignature };
            assert_eq!(error.failure().reason, expected, "{} under {}", made_by.name, signer.name);
        }
    }
}

/// With `-sigopt rsa_pss_saltlen:max`, which was the program's default before its version 3.1, it is another signature.
#[test]
fn a_pss_salt_of_another_length_does_not_match() {
    let Some(()) = openssl() else { return };
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    std::fs::write(folder.path().join("document"), b"document").unwrap();
    for command in [
        GENERATE_RSA,
        "pkey -in private.pem -pubout -out public.pem",
        "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max -sign private.pem -out document.sig document",
        "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:0 -sign private.pem -out document.0 document",
    ] {
        run(folder.path(), command);
    }
    let verifier = Detached::new(".sig").with_padding(Padding::Pss);
    for file in ["document.sig", "document.0"] {
        let error = verify_as(&verifier, &read("public.pem"), read(file), b"document").unwrap_err();
        assert_eq!(error.failure().reason, Reason::SignatureMismatch, "{file}");
    }
}
