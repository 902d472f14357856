//! What GnuPG makes today. Its own verifier takes signatures that are refused here, so it is only the maker.

use std::{fs, time::SystemTime};

use sigcache_core::{Evidence, Failure, Reason, verify::OpenPgp};

use crate::{
    maker::{TEXT, find, reason, trust},
    support::{installed, script, signers},
};

const MADE: &str = r#"
export GNUPGHOME="$PWD/home"; mkdir -m 700 home
trap 'gpgconf --kill all' EXIT
g() { gpg --batch --quiet --no-tty --yes --pinentry-mode loopback --passphrase '' "$@"; }
g --quick-generate-key alice ed25519 sign never
g --quick-generate-key bob rsa2048 sign never
g --quick-generate-key carol ed25519 cert never
g --quick-add-key "$(gpg --list-keys --with-colons carol | awk -F: '/^fpr/ { print $10; exit }')" ed25519 sign never
g --faked-system-time 20200101T000000! --quick-generate-key old ed25519 sign 1d
g --faked-system-time 20200101T010000! -u old -o old.sig --detach-sign document
for who in alice bob carol; do
  g -u $who -o $who.sig --detach-sign document
  g -u $who -o $who.asc --armor --detach-sign document
  g -u $who -o $who.txt --clear-sign document
done
g -u alice -u bob -o both.txt --clear-sign document
g -u alice --digest-algo SHA1 -o sha1.sig --detach-sign document
g -u alice --textmode -o text.sig --detach-sign document
for who in alice bob carol old; do
  g -o $who.pub --export $who
  g -o $who.pub.asc --armor --export $who
done
g -o all.pub --export
sed 's/^:-----BEGIN/-----BEGIN/' home/openpgp-revocs.d/"$(gpg --list-keys --with-colons alice | awk -F: '/^fpr/ { print $10; exit }')".rev > rev
g --import rev
g -o revoked.pub --export alice
"#;

#[test]
fn what_gnupg_signs_verifies_and_its_bad_twins_do_not() {
    if !installed("gpg") {
        return;
    }
    let folder = script(MADE, &[("document", TEXT)]);
    let file = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let now = SystemTime::now();
    let beside = |keys: &[&str], signature: &str, document: &[u8]| -> Result<Evidence, Failure> {
        let keys: Vec<Vec<u8>> = keys.iter().map(|name| file(name)).collect();
        let found = find(&OpenPgp::new(".sig"), &trust(&keys, 1), now, &[Some(&file(signature))], document);
        found.map(|finding| finding.evidence)
    };
    let inline = |keys: &[&str], threshold: usize, document: &[u8]| {
        let keys: Vec<Vec<u8>> = keys.iter().map(|name| file(name)).collect();
        find(&OpenPgp::inline(), &trust(&keys, threshold), now, &[], document).map(|finding| finding.evidence)
    };
    for who in ["alice", "bob", "carol"] {
        for key in [format!("{who}.pub"), format!("{who}.pub.asc")] {
            for signature in [format!("{who}.sig"), format!("{who}.asc")] {
                assert_eq!(signers(&beside(&[&key], &signature, TEXT).unwrap()), ["k1"], "{key} {signature}");
                assert_eq!(reason(beside(&[&key], &signature, b"other")), Reason::SignatureMismatch);
                assert_eq!(reason(beside(&["old.pub"], &signature, TEXT)), Reason::KeyUnknown);
            }
            let document = file(&format!("{who}.txt"));
            assert_eq!(signers(&inline(&[&key], 1, &document).unwrap()), ["k1"], "{key}");
            let changed = String::from_utf8(document).unwrap().replacen("last", "Last", 1);
            assert_eq!(reason(inline(&[&key], 1, changed.as_bytes())), Reason::SignatureMismatch);
        }
    }
    assert_eq!(signers(&inline(&["alice.pub", "bob.pub"], 2, &file("both.txt")).unwrap()), ["k1", "k2"]);
    assert_eq!(reason(inline(&["alice.pub", "carol.pub"], 2, &file("both.txt"))), Reason::ThresholdNotMet);
    assert!(beside(&["all.pub"], "carol.sig", TEXT).is_ok());
    assert_eq!(reason(beside(&["alice.pub"], "sha1.sig", TEXT)), Reason::MalformedSignature);
    assert_eq!(reason(beside(&["alice.pub"], "text.sig", TEXT)), Reason::MalformedSignature);
    assert_eq!(reason(beside(&["old.pub"], "old.sig", TEXT)), Reason::KeyExpired);
    assert_eq!(reason(beside(&["revoked.pub"], "alice.sig", TEXT)), Reason::KeyRevoked);
}

/// Runs the commands of the documentation that begin with these words, each of which makes a file, and verifies it.
fn documented(programs: &str, beginning: &[&str], expected: usize) {
    let page = include_str!("../../../docs/formats/openpgp.md");
    let block = page.split("## Signing").nth(1).unwrap().split("```").nth(1).unwrap();
    let commands: Vec<&str> = block.lines().filter(|line| beginning.iter().all(|word| line.contains(word))).collect();
    assert_eq!(commands.len(), expected, "{commands:?}");
    let setup = r#"
export GNUPGHOME="$PWD/home"; mkdir -m 700 home
trap 'gpgconf --kill all' EXIT
PATH="$PWD/bin:$PATH"; mkdir bin
printf '#!/bin/sh\nexec /usr/bin/gpg --batch --quiet --pinentry-mode loopback --passphrase "" "$@"\n' > bin/gpg; chmod +x bin/gpg
gpg --quick-generate-key release@example.org ed25519 sign never
gpg --export release@example.org > certificate
gpg --export-secret-keys release@example.org > release.pgp
"#;
    let now = SystemTime::now;
    for command in commands {
        let folder = script(&format!("{setup}{command}\n"), &[("document", TEXT), ("Release", TEXT)]);
        let file = |name: &str| fs::read(folder.path().join(name)).ok();
        let trust = trust(&[file("certificate").unwrap()], 1);
        let verified = if let Some(document) = file("InRelease") {
            find(&OpenPgp::inline(), &trust, now(), &[], &document)
        } else if let Some(signature) = file("document.asc").or_else(|| file("document.sig")) {
            find(&OpenPgp::new(".asc"), &trust, now(), &[Some(&signature)], TEXT)
        } else {
            let exported = file("release.asc").unwrap_or_else(|| panic!("{programs} makes nothing: {command}"));
            let key = sigcache_core::trust::PublicKey::parse(&exported).unwrap();
            assert_eq!(key.fingerprint(), trust.keys()[0].key.fingerprint());
            continue;
        };
        verified.unwrap_or_else(|failure| panic!("{command}: {failure}"));
    }
}

#[test]
fn the_commands_of_the_documentation_work() {
    if !installed("gpg") {
        return;
    }
    documented("gpg", &["gpg "], 4);
    if !installed("sq") {
        return;
    }
    let version = std::process::Command::new("sq").arg("--version").output().unwrap();
    // Newer ones say it on the other stream.
    let version = [version.stdout, version.stderr].concat();
    let old = String::from_utf8_lossy(&version).contains("sq 0.");
    documented("sq", &["sq sign", if old { "--signer-key " } else { "--signer-file " }], 2);
}
