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
fn of_several_signature_files_those_that_are_there_are_enough_if_they_verify() {
    let lab = with_key();
    lab.run(&["keygen", "other"]).ends(0);
    let several = |threshold: u32| {
        format!(
            "verify = {{ format = \"detached\", suffix = [\".sig\", \".sig2\"], keys = [\"mine\", \"other\"], \
             threshold = {threshold} }}\n[keys.mine]\nfile = \"mine.pub.pem\"\n[keys.other]\nfile = \"other.pub.pem\""
        )
    };
    lab.configure(&["doc"], &several(1));
    lab.run(&["sign", "--key", "other.key.pem", "--suffix", ".sig2", "doc"]).ends(0);
    let verified = lab.run(&["verify", "doc", "--as", "doc"]).ends(0);
    assert!(verified.contains("signed by other"), "{verified}");
    lab.configure(&["doc"], &several(2));
    let refused = lab.run(&["verify", "doc", "--as", "doc"]).ends(1);
    assert!(refused.contains("threshold-not-met"), "{refused}");

    lab.run(&["sign", "--key", "mine.key.pem", "--suffix", ".mine", "doc"]).ends(0);
    let both = ["verify", "doc", "--as", "doc", "--signature", "doc.mine", "--signature", "doc.sig2"];
    lab.run(&both).ends(0);
    let error = lab.run(&both[..6]).fails(2);
    assert!(error.contains("needs 2 signature files") && error.contains(".sig, .sig2"), "{error}");
    assert!(lab.run(&["verify", "doc", "--key", "mine.pub.pem"]).fails(2).contains("doc.sig"), "the only one must be");
    std::fs::remove_file(lab.path("doc.sig2")).unwrap();
    let refused = lab.run(&["verify", "doc", "--as", "doc"]).ends(1);
    assert!(refused.contains("companion-missing"), "{refused}");
    lab.run(&both).fails(2);
}

#[test]
fn a_key_pair_is_made_whole_or_not_at_all() {
    let lab = Lab::with(&[]);
    lab.replace("mine.pub.pem", "somebody's");
    let error = lab.run(&["keygen", "mine"]).fails(2);
    assert!(error.contains("mine.pub.pem"), "{error}");
    assert!(!lab.path("mine.key.pem").exists());
    assert_eq!(lab.read("mine.pub.pem"), b"somebody's");
    std::fs::remove_file(lab.path("mine.pub.pem")).unwrap();
    lab.run(&["keygen", "mine"]).ends(0);
}

#[test]
fn a_failed_signing_leaves_nothing_behind() {
    let lab = with_key();
    fs::create_dir(lab.path("doc.sig")).unwrap();
    let before = tree(&lab.path(""));
    assert!(lab.run(&["sign", "--key", "mine.key.pem", "doc"]).fails(2).contains("doc.sig"));
    assert_eq!(tree(&lab.path("")), before);
}

#[test]
fn what_it_signs_for_minisign_and_jws_it_verifies_by_hand_and_so_does_minisign() {
    let lab = Lab::with(&[]);
    lab.replace("doc", "{\"name\":\"doc\"}");
    lab.run(&["keygen", "--algorithm", "ed25519", "--minisign", "mini"]).ends(0);
    lab.run(&["sign", "--key", "mini.key.pem", "--format", "minisign", "doc"]).ends(0);
    let by_hand = ["verify", "doc", "--key", "mini.pub", "--format", "minisign"];
    lab.run(&by_hand).ends(0);
    let named = [&by_hand[..], &["--with", "comment = [\"file\", \"timestamp\"]"]].concat();
    lab.run(&named).ends(0);
    if let Ok(minisign) =
        Command::new("minisign").args(["-V", "-q", "-p", "mini.pub", "-m", "doc"]).current_dir(lab.path("")).status()
    {
        assert!(minisign.success(), "minisign takes what is signed here");
    } else {
        assert!(std::env::var_os("CI").is_none(), "minisign is missing");
    }
    lab.run(&["keygen", "--algorithm", "ed25519", "--minisign", "other"]).ends(0);
    let refused = lab.run(&["verify", "doc", "--key", "other.pub", "--format", "minisign"]).ends(1);
    assert!(refused.contains("key-unknown"), "{refused}");
    std::fs::copy(lab.path("doc"), lab.path("moved")).unwrap();
    std::fs::copy(lab.path("doc.minisig"), lab.path("moved.minisig")).unwrap();
    let moved = ["verify", "moved", "--key", "mini.pub", "--format", "minisign", "--with", "comment = [\"file\"]"];
    lab.run(&moved).ends(1);
    lab.replace("doc", "{\"name\":\"dox\"}");
    assert!(lab.run(&by_hand).ends(1).contains("signature-mismatch"));

    lab.run(&["keygen", "ec"]).ends(0);
    assert!(lab.run(&["keygen", "--minisign", "never"]).fails(2).contains("--algorithm ed25519"));
    assert!(!lab.path("never.key.pem").exists());
    assert!(lab.run(&["sign", "--key", "ec.key.pem", "--format", "minisign", "doc"]).fails(2).contains("Ed25519"));
    for key in ["ec.key.pem", "mini.key.pem"] {
        lab.run(&["sign", "--key", key, "--format", "jws", "doc"]).ends(0);
        let public = key.replace("ec.key.pem", "ec.pub.pem").replace("mini.key.pem", "mini.pub");
        let by_hand = ["verify", "doc.jws", "--key", &public, "--format", "jws"];
        lab.run(&by_hand).ends(0);
        let claims = ["--with", "claims = { identity = \"/name\" }"];
        lab.run(&[&by_hand[..], &claims, &["--identity", "dox"]].concat()).ends(0);
        let other = lab.run(&[&by_hand[..], &claims, &["--identity", "doc"]].concat()).ends(1);
        assert!(other.contains("identity"), "{other}");
        lab.run(&["verify", "doc.jws", "--key", "other.pub", "--format", "jws"]).ends(1);
    }

    let unknown = lab.run(&["verify", "doc", "--key", "ec.pub.pem", "--format", "minsign"]).fails(2);
    assert!(unknown.contains("did you mean `minisign`?"), "{unknown}");
    let metadata = lab.run(&["verify", "doc", "--key", "ec.pub.pem", "--format", "saml-metadata"]).fails(2);
    assert!(metadata.contains("--identity is needed"), "{metadata}");
    let word = ["verify", "doc", "--key", "ec.pub.pem", "--with", "hsh = \"sha256\""];
    assert!(lab.run(&word).fails(2).contains("did you mean `hash`?"));
    let store = ["verify", "doc", "--key", "ec.pub.pem", "--with", "[[resource]]\nname = \"b\""];
    lab.run(&store).fails(2);
}

#[test]
fn explain_says_what_a_format_means_in_its_own_words() {
    let lab = Lab::with(&[]);
    lab.run(&["keygen", "--algorithm", "ed25519", "--minisign", "mine"]).ends(0);
    lab.replace("origin/tool", "tool");
    let sign = |format: &str, file: &str| lab.run(&["sign", "--key", "mine.key.pem", "--format", format, file]).ends(0);
    sign("minisign", "origin/tool");
    lab.replace(
        "origin/SHA256SUMS",
        format!("{}  tool\n", sigcache_core::Digest::of(b"tool").to_string().trim_start_matches("sha256:")),
    );
    sign("detached", "origin/SHA256SUMS");
    let explained = |verify: &str| {
        let verify = format!("verify = {{ {verify}, keys = [\"mine\"] }}\n[keys.mine]\nfile = \"mine.pub\"");
        lab.configure(&["tool"], &verify);
        lab.run(&["sync", "--refetch"]).ends(0);
        let text = lab.run(&["explain", "tool"]).ends(0);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let named = explained("format = \"minisign\", comment = [\"file\"]");
    assert!(named.contains("trusted comment is signed with it and names the file tool, under which"), "{named}");
    assert!(!named.contains("does not ask"), "{named}");
    let unnamed = explained("format = \"minisign\"");
    assert!(unnamed.contains("Nothing in the signed content says which document this is"), "{unnamed}");
    assert!(!unnamed.contains("names the file tool"), "{unnamed}");
    let listed = explained(
        "format = \"checksums\", list = \"SHA256SUMS\", signature = { format = \"detached\", suffix = \".sig\" }",
    );
    assert!(listed.contains("the list SHA256SUMS (detached): it has a line for tool with this digest"), "{listed}");
    assert!(!listed.contains("does not ask"), "{listed}");
}
