//! What the tests sign with Sequoia, and how they verify it.

use std::{
    io::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use sequoia_openpgp::{
    Cert, Packet,
    armor::{self, Writer},
    cert::CertBuilder,
    packet::signature::SignatureBuilder,
    policy::StandardPolicy,
    serialize::{
        SerializeInto as _,
        stream::{Armorer, Message, Signer},
    },
    types::{HashAlgorithm, KeyFlags, SignatureType},
};
use sigcache_core::{
    Evidence, Failure, Name, Reason, Timestamp,
    trust::{Trust, TrustedKey},
    verify::{Check, Context, Finding, OpenPgp, Verifier, VerifyError},
};

pub(crate) const TEXT: &[u8] = b"Origin: Test\n- dashes\n-----and more\nFrom here\n\nlast";

const DAY: u64 = 86_400;

/// Midnight of a day since the first of January 2026.
pub(crate) fn day(days: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600 + days * DAY)
}

/// A certificate with its private keys: a primary key that certifies, and a subkey that signs from day 0 on.
pub(crate) fn cert(name: &str) -> Cert {
    let builder = CertBuilder::new().add_userid(name).set_creation_time(day(0));
    builder.add_subkey(KeyFlags::empty().set_signing(), None, None).generate().unwrap().0
}

/// As it is published.
pub(crate) fn public(cert: &Cert) -> Vec<u8> {
    cert.clone().strip_secret_key_material().armored().to_vec().unwrap()
}

/// What it is signed with.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) cert: &'a Cert,
    pub(crate) made: SystemTime,
    pub(crate) hash: HashAlgorithm,
}

impl<'a> By<'a> {
    pub(crate) fn new(cert: &'a Cert, days: u64) -> Self {
        Self { cert, made: day(days), hash: HashAlgorithm::SHA256 }
    }

    pub(crate) fn hash(self, hash: HashAlgorithm) -> Self {
        Self { hash, ..self }
    }
}

/// The last key of each certificate signs, whatever it may.
fn signer<'a>(message: Message<'a>, by: &[By<'_>]) -> Signer<'a> {
    let pair = |by: &By<'_>| {
        let key = by.cert.keys().secret().last().unwrap().key().clone();
        key.into_keypair().unwrap()
    };
    let mut signer = Signer::new(message, pair(&by[0])).unwrap();
    for by in &by[1..] {
        signer = signer.add_signer(pair(by)).unwrap();
    }
    signer.hash_algo(by[0].hash).unwrap().creation_time(by[0].made)
}

/// The packets of a detached signature.
pub(crate) fn detached(document: &[u8], by: &[By<'_>]) -> Vec<u8> {
    let mut sink = Vec::new();
    let mut message = signer(Message::new(&mut sink), by).detached().build().unwrap();
    message.write_all(document).unwrap();
    message.finalize().unwrap();
    sink
}

/// The same, armored.
pub(crate) fn armored(document: &[u8], by: &[By<'_>]) -> Vec<u8> {
    let mut sink = Vec::new();
    let message = Armorer::new(Message::new(&mut sink)).kind(armor::Kind::Signature).build().unwrap();
    let mut message = signer(message, by).detached().build().unwrap();
    message.write_all(document).unwrap();
    message.finalize().unwrap();
    sink
}

/// A clear-signed text.
pub(crate) fn clear(text: &[u8], by: &[By<'_>]) -> String {
    let mut sink = Vec::new();
    let mut message = signer(Message::new(&mut sink), by).cleartext().build().unwrap();
    message.write_all(text).unwrap();
    message.finalize().unwrap();
    String::from_utf8(sink).unwrap()
}

/// A signature that Sequoia's own signer would not make: with any hash, over bytes or over a text, and until some day.
pub(crate) fn odd(kind: SignatureType, message: &[u8], by: By<'_>, end: Option<u64>) -> Vec<u8> {
    let mut pair = by.cert.keys().secret().last().unwrap().key().clone().into_keypair().unwrap();
    let mut builder = SignatureBuilder::new(kind).set_hash_algo(by.hash).set_signature_creation_time(by.made).unwrap();
    if let Some(end) = end {
        builder = builder.set_signature_validity_period(day(end).duration_since(by.made).unwrap()).unwrap();
    }
    Packet::from(builder.sign_message(&mut pair, message).unwrap()).to_vec().unwrap()
}

/// A clear-signed text without anything to escape, with these packets for its signature.
pub(crate) fn clear_with(text: &str, packets: &[u8]) -> String {
    let mut writer = Writer::new(Vec::new(), armor::Kind::Signature).unwrap();
    writer.write_all(packets).unwrap();
    let armor = String::from_utf8(writer.finalize().unwrap()).unwrap();
    format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA1\n\n{text}\n{armor}")
}

/// A certificate with one packet more.
pub(crate) fn with(cert: &Cert, packet: impl Into<Packet>) -> Cert {
    cert.clone().insert_packets(vec![packet.into()]).unwrap().0
}

pub(crate) fn policy() -> StandardPolicy<'static> {
    StandardPolicy::at(day(0))
}

/// Trust in key files, under the ids `k1`, `k2` …
pub(crate) fn trust(files: &[Vec<u8>], threshold: usize) -> Trust {
    let read = |(index, file): (usize, &Vec<u8>)| TrustedKey::read(&format!("k{}", index + 1), file).unwrap();
    Trust::new(files.iter().enumerate().flat_map(read).collect(), threshold).unwrap()
}

/// What is found and judged on a day, which must not depend on how the document is cut.
pub(crate) fn find(
    verifier: &OpenPgp,
    trust: &Trust,
    now: SystemTime,
    companions: &[Option<&[u8]>],
    document: &[u8],
) -> Result<Finding, Failure> {
    let name = Name::new("folder/document").unwrap();
    let companions: Vec<Option<Bytes>> = companions.iter().map(|file| file.map(Bytes::copy_from_slice)).collect();
    let now = Timestamp::from(now);
    let run = |size| {
        let mut check = Check::begin(verifier, Context::new(&name, now, trust, &companions))?;
        for chunk in document.chunks(size) {
            check.update(chunk)?;
        }
        let finding = check.finish()?;
        trust.judge(&finding.evidence, now)?;
        Ok(finding)
    };
    let whole = run(usize::MAX).map_err(VerifyError::into_failure);
    for size in [1, 7, 1000] {
        if document.len() / size < 10_000 {
            assert_eq!(run(size).map_err(VerifyError::into_failure), whole, "in chunks of {size}");
        }
    }
    whole
}

/// A detached signature.
pub(crate) fn beside(trust: &Trust, days: u64, file: &[u8], document: &[u8]) -> Result<Evidence, Failure> {
    find(&OpenPgp::new(".asc"), trust, day(days), &[Some(file)], document).map(|finding| finding.evidence)
}

/// A clear-signed document.
pub(crate) fn inline(trust: &Trust, days: u64, document: impl AsRef<[u8]>) -> Result<Evidence, Failure> {
    find(&OpenPgp::inline(), trust, day(days), &[], document.as_ref()).map(|finding| finding.evidence)
}

#[track_caller]
pub(crate) fn reason(result: Result<Evidence, Failure>) -> Reason {
    result.unwrap_err().reason
}

/// What was signed in a clear-signed document.
pub(crate) fn content(document: &[u8]) -> Bytes {
    OpenPgp::inline().content(Bytes::copy_from_slice(document)).unwrap()
}
