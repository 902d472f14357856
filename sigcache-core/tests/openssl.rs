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
    trust::{PublicKey, Trust, TrustedKey},
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
    let key = TrustedKey::new(KeyId::new("release"), PublicKey::parse(key).unwrap());
    let trust = Trust::new(vec![key], 1).unwrap();
    let name = Name::new("document").unwrap();
    let companions = [Some(Bytes::from(signature))];
    let context = Context::new(&name, Timestamp::from_millis(0), &trust, &companions);
    let mut check = Check::begin(&Detached::new(".sig"), context)?;
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
