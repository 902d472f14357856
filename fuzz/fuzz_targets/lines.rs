//! The formats that are a few lines of text: whatever stands in the place of a signature and of a document, and what is
//! read only once a signature matched, which for this is made here.
//!
//! The first byte says which; the first 0xFF, which is never a part of a text, divides the signature from the document.
#![no_main]

use std::sync::{Arc, LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};
use libfuzzer_sys::fuzz_target;
use sigcache_core::{
    Digest, KeyId, Name, Timestamp, hex,
    trust::{PublicKey, Trust, TrustedKey},
    verify::{Check, Checksums, Context, Finding, Minisign, Narinfo, Note, Signify, Ssh, Verifier, VerifyError},
};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));

/// One key, without a name, with the name of a note, and of the kind that `ssh-keygen` makes.
static TRUST: LazyLock<[Trust; 2]> = LazyLock::new(|| {
    let public = KEY.verifying_key().to_bytes();
    let blob = [&b"\0\0\0\x0bssh-ed25519\0\0\0\x20"[..], &public].concat();
    let forms = [format!("ssh-ed25519 {}", STANDARD.encode(blob)), note_key()];
    forms.map(|form| {
        let key = PublicKey::parse(form.as_bytes()).expect("a key in a form that is read");
        Trust::new(vec![TrustedKey::new(KeyId::new("k"), key)], 1).expect("one of one")
    })
});

fn note_id() -> [u8; 4] {
    let key = [&[1][..], &KEY.verifying_key().to_bytes()].concat();
    let hash = Digest::of(&[b"a.example\n", &key[..]].concat());
    hash.as_bytes()[..4].try_into().expect("four bytes")
}

fn note_key() -> String {
    let key = [&[1][..], &KEY.verifying_key().to_bytes()].concat();
    format!("a.example+{}+{}", hex(&note_id()), STANDARD.encode(key))
}

fn signify(message: &[u8]) -> Vec<u8> {
    let bytes = [b"Ed12345678", &KEY.sign(message).to_bytes()[..]].concat();
    format!("untrusted comment: x\n{}\n", STANDARD.encode(bytes)).into_bytes()
}

/// Over the document itself, with a comment that is signed.
fn minisign(comment: &str, message: &[u8]) -> Vec<u8> {
    let signature = KEY.sign(message).to_bytes();
    let both = KEY.sign(&[&signature, comment.as_bytes()].concat()).to_bytes();
    let first = [b"Ed12345678", &signature[..]].concat();
    let (first, both) = (STANDARD.encode(first), STANDARD.encode(both));
    format!("untrusted comment: x\n{first}\ntrusted comment: {comment}\n{both}\n").into_bytes()
}

fn note(text: &str) -> Vec<u8> {
    let signature = [&note_id()[..], &KEY.sign(text.as_bytes()).to_bytes()].concat();
    format!("{text}\n— a.example {}\n", STANDARD.encode(signature)).into_bytes()
}

fn find(verifier: &dyn Verifier, files: &[&[u8]], document: &[u8], chunk: usize) -> Result<Finding, VerifyError> {
    let name = Name::new("folder/file").expect("a name");
    let files: Vec<Option<Bytes>> = files.iter().map(|file| Some(Bytes::copy_from_slice(file))).collect();
    let trust = if verifier.format() == "note" { &TRUST[1] } else { &TRUST[0] };
    let mut check = Check::begin(verifier, Context::new(&name, Timestamp::from_millis(0), trust, &files))?;
    for chunk in document.chunks(chunk) {
        check.update(chunk)?;
    }
    check.finish()
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else { return };
    let middle = rest.iter().position(|byte| *byte == 0xff).unwrap_or(rest.len());
    let (file, document) = (&rest[..middle], rest.get(middle + 1..).unwrap_or_default());
    let beside = |verifier: Box<dyn Verifier>| (verifier, vec![file.to_vec()], document.to_vec());
    let alone = |verifier: Box<dyn Verifier>| (verifier, vec![], rest.to_vec());
    let sums = || Box::new(Checksums::new("SUMS", Arc::new(Signify::new(".sig"))));
    let (verifier, files, document): (Box<dyn Verifier>, Vec<Vec<u8>>, Vec<u8>) = match choice % 11 {
        0 => beside(Box::new(Minisign::new(".minisig").with_legacy())),
        1 => {
            let Ok(comment) = std::str::from_utf8(file) else { return };
            let verifier = Minisign::new(".minisig").with_legacy();
            let verifier = verifier.with_file_in_comment().with_timestamp_in_comment();
            (Box::new(verifier), vec![minisign(comment, document)], document.to_vec())
        }
        2 => beside(Box::new(Signify::new(".sig"))),
        3 => alone(Box::new(Signify::embedded())),
        4 => beside(Box::new(Ssh::new(".sig", "file"))),
        // A list that is signed, and one that is not.
        5 => (sums(), vec![file.to_vec(), signify(file)], document.to_vec()),
        6 => (sums(), vec![file.to_vec(), document.to_vec()], Vec::new()),
        7 => alone(Box::new(Note::new())),
        8 => {
            let Ok(text) = std::str::from_utf8(rest) else { return };
            (Box::new(Note::checkpoint()), vec![], note(text))
        }
        9 => alone(Box::new(Narinfo::new())),
        _ => beside(Box::new(Narinfo::of_archive("../HASH.narinfo"))),
    };
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let whole = find(&*verifier, &files, &document, usize::MAX);
    assert_eq!(whole, find(&*verifier, &files, &document, 3), "it depends on how the document is cut");
    if let Ok(finding) = whole {
        assert_eq!(finding.evidence.size, document.len() as u64);
        assert!(!finding.evidence.signers.is_empty());
        // What was signed is a part of what was verified, and can be told.
        let content = verifier.content(document.clone().into()).expect("the content of what verifies");
        assert!(content.len() <= document.len());
    }
});
