//! Key files of minisign, signify, OpenSSH, C2SP notes and Nix, as their own tools write them.
//!
//! The fixtures are in `tests/data/tools`; its README says how they were made.

#![cfg(feature = "keys")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigcache_core::{
    Timestamp,
    trust::{Algorithm, KeyError, KeyLabel, PublicKey, TrustedKey},
};

fn fixture(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tools").join(name)).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

#[track_caller]
fn key(file: impl AsRef<[u8]>) -> PublicKey {
    PublicKey::parse(file.as_ref()).unwrap()
}

fn refusal(file: impl AsRef<[u8]>) -> KeyError {
    PublicKey::parse(file.as_ref()).unwrap_err()
}

/// The form that was recognised, of a file that is damaged.
#[track_caller]
fn damaged(file: impl AsRef<[u8]>) -> &'static str {
    match refusal(file) {
        KeyError::Damaged { form, .. } => form,
        other => panic!("{other:?}"),
    }
}

/// The 32 bytes at the end of what a line of base64 says.
fn last_32(line: &str) -> Vec<u8> {
    let bytes = STANDARD.decode(line.trim()).unwrap();
    bytes[bytes.len() - 32..].to_vec()
}

fn ends_with(key: &PublicKey, bytes: &[u8]) -> bool {
    key.algorithm() == Some(Algorithm::Ed25519) && key.spki_der().unwrap().ends_with(bytes)
}

#[test]
fn minisign_and_signify_keys() {
    for name in ["minisign/key.pub", "signify/key.pub"] {
        let file = text(name);
        let line = file.lines().nth(1).unwrap();
        let read = key(&file);
        assert!(ends_with(&read, &last_32(line)));
        let number: [u8; 8] = STANDARD.decode(line).unwrap()[2..10].try_into().unwrap();
        assert_eq!(read.label(), Some(&KeyLabel::Number(number)));
        for form in
            [line.to_owned(), format!("\n{line}\n"), file.replace('\n', "\r\n"), format!("untrusted comment:\n{line}")]
        {
            assert_eq!((key(&form).fingerprint(), key(&form).label()), (read.fingerprint(), read.label()), "{form}");
        }
        for broken in [
            file.replace(line, ""),
            file.replace(line, &line[..52]),
            file.replace(line, &format!("{line}AAAA")),
            file.replace(line, &format!("A{}", &line[..55])),
            format!("{file}{line}\n"),
            format!("untrusted comment: x\n{file}"),
            format!("untrusted comment: {line}"),
            line.replace(&line[10..11], "!"),
        ] {
            let error = refusal(&broken);
            assert!(matches!(error, KeyError::Damaged { .. } | KeyError::Algorithm(_)), "{broken}: {error:?}");
        }
    }
    assert!(key(text("minisign/key.pub")).label().is_some_and(|label| {
        // The comment of minisign's file says the number as we show it.
        text("minisign/key.pub").lines().next().unwrap().ends_with(&label.to_string())
    }));
    assert_eq!(damaged(fixture("minisign/document.minisig")), "minisign or signify key");
    assert_eq!(damaged(fixture("signify/document.sig")), "minisign or signify key");
}

#[test]
fn ssh_keys() {
    for name in ["nistp256", "nistp384", "rsa"] {
        let read = key(fixture(&format!("ssh/{name}.pub")));
        // ssh-keygen -e -m PKCS8
        assert_eq!(read.fingerprint(), key(fixture(&format!("ssh/{name}.pem"))).fingerprint(), "{name}");
        assert_eq!(read.label(), None);
    }
    let file = text("ssh/ed25519.pub");
    let line = file.split(' ').nth(1).unwrap();
    assert!(ends_with(&key(&file), &last_32(line)));
    for form in [format!("ssh-ed25519 {line}"), format!(" ssh-ed25519\t{line} a b c\r\n")] {
        assert_eq!(key(&form).fingerprint(), key(&file).fingerprint());
    }
    let other = text("ssh/rsa.pub");
    let other = other.split(' ').nth(1).unwrap();
    let mut long = STANDARD.decode(line).unwrap();
    long.push(0);
    for broken in [
        "ssh-ed25519".to_owned(),
        "ssh-ed25519 ".to_owned(),
        format!("ssh-rsa {line}"),
        format!("ssh-ed25519 {other}"),
        format!("ssh-ed25519 {}", &line[..40]),
        format!("ssh-ed25519 {}", STANDARD.encode(long)),
        format!("{file}{}", text("ssh/nistp256.pub")),
    ] {
        assert_eq!(damaged(&broken), "SSH key", "{broken}");
    }
    // The type says one curve, the point lies on another.
    let other_curve = STANDARD.decode(text("ssh/nistp256.pub").split(' ').nth(1).unwrap()).unwrap();
    let mut swapped = other_curve.clone();
    swapped[23..31].copy_from_slice(b"nistp384");
    assert_eq!(damaged(format!("ecdsa-sha2-nistp256 {}", STANDARD.encode(&swapped))), "SSH key");
    for (name, said) in [
        ("nistp521", "ecdsa-sha2-nistp521"),
        ("dsa", "ssh-dss"),
        ("rsa-cert", "ssh-rsa-cert-v01@openssh.com, a certificate"),
    ] {
        assert_eq!(refusal(fixture(&format!("ssh/{name}.pub"))), KeyError::Algorithm(said.to_owned()));
    }
    let hardware = STANDARD.encode(b"\0\0\0\x1ask-ssh-ed25519@openssh.com");
    let said = "sk-ssh-ed25519@openssh.com, which needs a touch of hardware";
    assert_eq!(refusal(format!("sk-ssh-ed25519@openssh.com {hardware}")), KeyError::Algorithm(said.to_owned()));
    assert!(matches!(refusal(fixture("ssh/rsa1024.pub")), KeyError::Unsafe { algorithm: "RSA", .. }));
}

#[test]
fn note_keys() {
    // The key of Go's checksum database, and that of the example in Go's package note.
    let sum = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let read = key(sum);
    assert!(ends_with(&read, &last_32("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")));
    let label = KeyLabel::Note { name: "sum.golang.org".into(), id: [0x03, 0x3d, 0xe0, 0xae] };
    assert_eq!(read.label(), Some(&label));
    assert!(read.may_be(&label) && !read.may_be(&KeyLabel::Nix("sum.golang.org".into())));
    assert_eq!(label.to_string(), "sum.golang.org+033de0ae");
    key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n");
    assert_eq!(damaged(sum.replace("033d", "033e")), "note key");
    assert_eq!(damaged(sum.replace("sum.", "sun.")), "note key");
    assert_eq!(damaged(&sum[..sum.len() - 2]), "note key");
    assert_eq!(damaged(format!("{sum}!")), "note key");
    for (kind, said) in [(2, "signature type 2 in a note key"), (4, "signature type 4 in a note key")] {
        let other = format!("a.example+00000000+{}", STANDARD.encode([kind; 33]));
        assert_eq!(refusal(other), KeyError::Algorithm(said.to_owned()));
    }
    for other in ["a+b+c", "+033de0ae+Ac4z", "two words+033de0ae+Ac4z", "a+033de0a+Ac4z", "a+033de0ae", ""] {
        assert_eq!(refusal(other), KeyError::UnknownForm, "{other}");
    }
}

#[test]
fn nix_keys() {
    let file = text("nix/key.pub");
    let (name, line) = file.trim().split_once(':').unwrap();
    let read = key(&file);
    assert!(ends_with(&read, &last_32(line)));
    assert_eq!(read.label(), Some(&KeyLabel::Nix("cache.example-key".into())));
    // The key of cache.nixos.org.
    let known = key("cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=");
    assert_eq!(known.label(), Some(&KeyLabel::Nix("cache.nixos.org-1".into())));
    assert_eq!(damaged(format!("{name}:{}==", &line[..42])), "Nix key");
    for other in [format!(":{line}"), format!("a b:{line}"), format!("{name}:{}", &line[1..]), format!("{name}{line}")]
    {
        assert_eq!(refusal(&other), KeyError::UnknownForm, "{other}");
    }
}

#[test]
fn secret_keys_are_refused_as_what_they_are() {
    for name in ["minisign/key.secret", "signify/key.sec", "ssh/ed25519", "nix/key.secret"] {
        assert_eq!(refusal(fixture(name)), KeyError::PrivateKey, "{name}");
    }
    let note = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    assert_eq!(refusal(note), KeyError::PrivateKey);
}

#[test]
fn no_two_forms_are_taken_for_one_another() {
    for name in ["minisign/key.pub", "signify/key.pub", "ssh/ed25519.pub", "ssh/rsa.pub", "nix/key.pub"] {
        let file = fixture(name);
        let whole = key(&file).fingerprint();
        for end in 0..file.len() {
            // Cut short it is refused, or only white space or the comment behind it is missing.
            let other = PublicKey::parse(&file[..end]).is_ok_and(|key| key.fingerprint() != whole);
            assert!(!other, "{name} {end}");
        }
    }
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn an_allowed_signers_file_is_as_many_keys_as_it_has_lines() {
    let file = fixture("ssh/allowed_signers");
    assert_eq!(refusal(&file), KeyError::AllowedSigners, "one key alone would lose its limits");
    let keys = TrustedKey::read("team", &file).unwrap();
    let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "team:alice@example.org,alice@example.com",
            "team:bob@example.org",
            "team:*@example.net,!eve@example.net",
            "team:bob@example.org#2"
        ]
    );
    for (index, name) in ["ed25519", "nistp256", "rsa", "nistp384"].iter().enumerate() {
        let alone = key(fixture(&format!("ssh/{name}.pub")));
        assert_eq!(keys[index].key.fingerprint(), alone.fingerprint(), "{name}");
    }
    assert_eq!((keys[0].not_before, keys[0].not_after), (at("2020-01-01T00:00:00Z"), None));
    assert_eq!((keys[1].not_before, keys[1].not_after), (None, at("2030-01-01T12:00:00Z")));
    let signer = |index: usize| match keys[index].key.label() {
        Some(KeyLabel::Ssh(signer)) => signer.clone(),
        other => panic!("{other:?}"),
    };
    assert!(signer(0).is("alice@example.com") && !signer(0).is("bob@example.org"));
    assert!(signer(0).may_sign_in("git") && !signer(0).may_sign_in("email"));
    assert!(signer(1).may_sign_in("anything"));
    assert!(signer(2).is("x@example.net") && !signer(2).is("eve@example.net"));
    assert!(!signer(3).may_sign_in("file"));
    // Any other file is the one key that it holds.
    let one = TrustedKey::read("team", &fixture("ssh/ed25519.pub")).unwrap();
    assert_eq!((one.len(), one[0].id.as_str()), (1, "team"));
    assert_eq!(TrustedKey::read("team", b"").unwrap_err(), KeyError::UnknownForm);
}

#[test]
fn a_line_that_limits_a_key_in_an_unknown_way_refuses_the_file() {
    let one = text("ssh/ed25519.pub");
    let one = one.trim();
    let file = |line: &str| TrustedKey::read("t", format!("# x\n{line}\n").as_bytes());
    for good in [
        format!("alice {one}"),
        format!("  alice\t{one}"),
        format!("\"alice smith\" {one}"),
        format!("alice valid-before=\"20300101Z\" {one}"),
        format!("alice valid-before=\"203001010000Z\",VALID-AFTER=\"20200101000000Z\"\t{one}"),
    ] {
        assert_eq!(file(&good).unwrap().len(), 1, "{good}");
    }
    for (line, said) in [
        (format!("alice cert-authority {one}"), "cert-authority"),
        (format!("alice namespaces=\"file\",cert-authority {one}"), "cert-authority"),
        (format!("alice no-touch-required {one}"), "\"no-touch-required\" is not known"),
        (format!("alice namespace=\"file\" {one}"), "is not known"),
        (format!("alice namespaces=file {one}"), "is not known"),
        (format!("alice namespaces=\"\" {one}"), "twice, empty"),
        (format!("alice namespaces=\"a\",namespaces=\"b\" {one}"), "twice, empty"),
        (format!("alice namespaces=\"a\\\",b\" {one}"), "backslash"),
        (format!("alice namespaces=\"a\\b\" {one}"), "backslash"),
        (format!("alice namespaces=\"a {one}"), "a quote without its end"),
        (format!("alice namespaces=\"a\"x {one}"), "something behind a quote"),
        (format!("alice namespaces=\"a\", {one}"), "is not known"),
        (format!("\"alice {one}"), "a quote without its end"),
        (format!("\"\" {one}"), "no principals"),
        (format!("al\u{1b}ice {one}"), "no principals"),
        // Without the Z it would mean another time on another machine.
        (format!("alice valid-before=\"20300101\" {one}"), "in UTC as the Z says"),
        (format!("alice valid-before=\"2030-01-01Z\" {one}"), "in UTC as the Z says"),
        (format!("alice valid-before=\"20301301Z\" {one}"), "in UTC as the Z says"),
        (format!("alice valid-before=\"2030010112Z\" {one}"), "in UTC as the Z says"),
        (format!("alice {}", &one[..40]), "the SSH key is damaged"),
        (format!("alice {}", text("ssh/dsa.pub")), "ssh-dss"),
    ] {
        let error = file(&line).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains(said), "{line}: {error}");
        // A sound line beside it does not save the file.
        assert!(file(&format!("bob {}\n{line}", text("ssh/nistp256.pub").trim())).is_err());
    }
}
