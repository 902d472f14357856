//! Lists of checksums that are signed with OpenPGP, beside the list or around it: what most distributions publish.

use std::{fs, sync::Arc, time::SystemTime};

use bytes::Bytes;
use sigcache_core::{
    Evidence, Failure, Name, Reason, Timestamp, hex,
    trust::{HashKind, Trust},
    verify::{Check, Checksums, Context, OpenPgp, VerifyError},
};

use crate::{
    maker::{By, armored, cert, clear, day, detached, public, reason, trust},
    support::{installed, script, signers},
};

const IMAGE: &[u8] = b"an image";

fn line(name: &str, document: &[u8]) -> String {
    format!("{}  {name}\n", hex(HashKind::Sha256.of(document).as_bytes()))
}

fn find(
    signature: OpenPgp,
    trust: &Trust,
    now: SystemTime,
    companions: &[&[u8]],
    document: &[u8],
) -> Result<Evidence, Failure> {
    let verifier = Checksums::new("SHA256SUMS", Arc::new(signature));
    let name = Name::new("iso/image.iso").unwrap();
    let companions: Vec<Option<Bytes>> = companions.iter().map(|file| Some(Bytes::copy_from_slice(file))).collect();
    let now = Timestamp::from(now);
    let run = || {
        let mut check = Check::begin(&verifier, Context::new(&name, now, trust, &companions))?;
        check.update(document)?;
        let evidence = check.finish()?.evidence;
        trust.judge(&evidence, now)?;
        Ok(evidence)
    };
    run().map_err(VerifyError::into_failure)
}

#[test]
fn a_list_with_its_signature_beside_it() {
    let (alice, eve) = (cert("alice"), cert("eve"));
    let trust = trust(&[public(&alice)], 1);
    let list = [line("other.iso", b"x"), line("image.iso", IMAGE)].concat();
    let by = [By::new(&alice, 1)];
    let find = |list: &str, signature: &[u8], document: &[u8]| {
        find(OpenPgp::new(".sign"), &trust, day(2), &[list.as_bytes(), signature], document)
    };
    for signature in [detached(list.as_bytes(), &by), armored(list.as_bytes(), &by)] {
        let evidence = find(&list, &signature, IMAGE).unwrap();
        assert_eq!((&*evidence.format, signers(&evidence)), ("checksums", vec!["k1"]));
        assert_eq!(evidence.identity.as_deref(), Some("image.iso"));
        assert_eq!((evidence.valid_from, evidence.signing_keys.len()), (Some(day(1).into()), 1));
        assert_eq!(reason(find(&list, &signature, b"another image")), Reason::SignatureMismatch);
        assert_eq!(reason(find(&list, &signature, b"x")), Reason::IdentityMismatch);
        assert_eq!(reason(find(&list.replace("other", "Other"), &signature, IMAGE)), Reason::SignatureMismatch);
    }
    let stranger = detached(list.as_bytes(), &[By::new(&eve, 1)]);
    assert_eq!(reason(find(&list, &stranger, IMAGE)), Reason::KeyUnknown);
}

#[test]
fn a_clear_signed_list_vouches_by_its_text_alone() {
    let alice = cert("alice");
    let trust = trust(&[public(&alice)], 1);
    let find = |list: &str, document: &[u8]| find(OpenPgp::inline(), &trust, day(2), &[list.as_bytes()], document);
    // As Fedora writes it.
    let digest = hex(HashKind::Sha256.of(IMAGE).as_bytes());
    let text = format!("# image.iso: 8 bytes\nSHA256 (image.iso) = {digest}\n");
    let list = clear(text.as_bytes(), &[By::new(&alice, 1)]);
    let evidence = find(&list, IMAGE).unwrap();
    assert_eq!((signers(&evidence), evidence.identity.as_deref()), (vec!["k1"], Some("image.iso")));
    assert_eq!(reason(find(&list, b"another image")), Reason::SignatureMismatch);
    // Nothing around the text is read as a line of the list.
    let evil = line("image.iso", b"evil");
    for list in [format!("{evil}{list}"), format!("{list}{evil}"), list.replacen("\n\n", &format!("\n{evil}\n"), 1)] {
        assert_eq!(reason(find(&list, b"evil")), Reason::MalformedDocument, "{list}");
    }
    let none = clear(line("other.iso", IMAGE).as_bytes(), &[By::new(&alice, 1)]);
    assert_eq!(reason(find(&none, IMAGE)), Reason::IdentityMissing);
    let odd = clear(b"see the other list", &[By::new(&alice, 1)]);
    assert_eq!(reason(find(&odd, IMAGE)), Reason::MalformedSignature);
}

#[test]
fn lists_that_the_tools_write_and_sign_today() {
    if !installed("gpg") {
        return;
    }
    let folder = script(
        r#"
export GNUPGHOME="$PWD/home"; mkdir -m 700 home
trap 'gpgconf --kill all' EXIT
g() { gpg --batch --quiet --no-tty --yes --pinentry-mode loopback --passphrase '' "$@"; }
g --quick-generate-key alice ed25519 sign never
g -o alice.gpg --export alice
sha256sum image.iso > SHA256SUMS
g --armor --detach-sign -o SHA256SUMS.sign SHA256SUMS
g --detach-sign -o SHA256SUMS.gpg SHA256SUMS
sha512sum --tag image.iso > CHECKSUM.text
g --clear-sign -o CHECKSUM CHECKSUM.text
"#,
        &[("image.iso", IMAGE)],
    );
    let file = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let (trust, now) = (trust(&[file("alice.gpg")], 1), SystemTime::now());
    for ending in [".sign", ".gpg"] {
        let files = [file("SHA256SUMS"), file(&format!("SHA256SUMS{ending}"))];
        let files = [&files[0][..], &files[1]];
        assert!(find(OpenPgp::new(ending), &trust, now, &files, IMAGE).is_ok(), "{ending}");
        assert_eq!(reason(find(OpenPgp::new(ending), &trust, now, &files, b"x")), Reason::SignatureMismatch);
    }
    let list = file("CHECKSUM");
    assert!(find(OpenPgp::inline(), &trust, now, &[&list], IMAGE).is_ok());
    assert_eq!(reason(find(OpenPgp::inline(), &trust, now, &[&list], b"x")), Reason::SignatureMismatch);
}
