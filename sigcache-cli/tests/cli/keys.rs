//! `keygen` and `sign`: what they write, and what they must not touch.

use std::{fs, process::Command};

use crate::support::{Lab, tree};

fn with_key() -> Lab {
    let lab = Lab::with(&[]);
    lab.replace("doc", "hello\n");
    lab.run(&["keygen", "mine"]).ends(0);
    lab
}

#[test]
fn a_signature_never_takes_the_place_of_the_document() {
    let lab = with_key();
    let before = tree(&lab.path(""));
    for suffix in ["", "/x", "/../doc"] {
        let error = lab.run(&["sign", "--key", "mine.key.pem", "--suffix", suffix, "doc"]).fails(2);
        assert!(error.contains("--suffix"), "{error}");
    }
    assert_eq!(tree(&lab.path("")), before);
}

#[cfg(unix)]
#[test]
fn a_link_planted_beside_the_document_is_not_followed() {
    let lab = with_key();
    lab.replace("victim", "precious\n");
    // The shell gives its process id to the command that takes its place.
    let script = r#"ln -s victim "doc.sig.$$.part" && exec "$0" sign --key mine.key.pem doc"#;
    let binary = env!("CARGO_BIN_EXE_sigcache");
    let output = Command::new("sh").args(["-c", script, binary]).current_dir(lab.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(lab.read("victim"), b"precious\n");
    assert!(!lab.path("doc.sig").exists());
}

#[test]
fn a_failed_signing_leaves_nothing_behind() {
    let lab = with_key();
    fs::create_dir(lab.path("doc.sig")).unwrap();
    let before = tree(&lab.path(""));
    assert!(lab.run(&["sign", "--key", "mine.key.pem", "doc"]).fails(2).contains("doc.sig"));
    assert_eq!(tree(&lab.path("")), before);
}
