//! Signature packets, and which of them a trusted certificate made.

use sequoia_openpgp::{
    Cert, KeyHandle, Packet,
    crypto::hash::Context as Hash,
    packet::{Signature, Tag},
    parse::{PacketParserBuilder, PacketParserResult, Parse as _},
    policy::{Policy as _, StandardPolicy},
    types::{HashAlgorithm, SignatureType},
};

use super::armor::malformed;
use crate::{
    decision::Failure,
    digest::Digest,
    evidence::Evidence,
    time::Timestamp,
    trust::{
        Trust, TrustedKey,
        openpgp::{Certified, Refusal, fingerprint, policy, signs_at},
    },
    verify::{
        VerifyError, Whole,
        beside::{Pair, signers},
    },
};

/// Debian needs four.
const MAX_SIGNATURES: usize = 16;

/// What a signature is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The bytes of a document.
    Document,
    /// A text, whose lines may end in any way.
    Text,
}

/// The signatures in `packets`, which hold nothing else. Those of a version that is not known here are left out: there
/// may be others beside them.
pub(super) fn parse(packets: &[u8], kind: Kind) -> Result<Vec<Signature>, VerifyError> {
    let damaged = |_| malformed("packets that are damaged");
    let mut signatures = Vec::new();
    let mut count = 0;
    // Nothing is unpacked: whatever is no signature ends it.
    let mut parser = PacketParserBuilder::from_bytes(packets).and_then(|builder| builder.build()).map_err(damaged)?;
    while let PacketParserResult::Some(packet) = parser {
        count += 1;
        if count > MAX_SIGNATURES {
            return Err(malformed(format!("more than {MAX_SIGNATURES} signatures")));
        }
        match &packet.packet {
            Packet::Signature(signature) if fits(signature.typ(), kind) => signatures.push(signature.clone()),
            Packet::Signature(_) => return Err(malformed("a signature over something else than such a document")),
            Packet::Unknown(unknown) if unknown.tag() == Tag::Signature => {}
            _ => return Err(malformed("a packet that is no signature")),
        }
        parser = packet.next().map_err(damaged)?.1;
    }
    if signatures.is_empty() { Err(malformed("no signature of a known version")) } else { Ok(signatures) }
}

/// In a text white space at the ends of lines may be added and taken away; in a document it may not, and so no signature
/// over a text is taken for it.
fn fits(found: SignatureType, kind: Kind) -> bool {
    match kind {
        Kind::Document => found == SignatureType::Binary,
        Kind::Text => found == SignatureType::Text,
    }
}

/// What a hash begins with: its algorithm, the version of the signature, and the salt of newer ones.
type Start = (HashAlgorithm, u8, Vec<u8>);

/// A signature and the certificate that it names.
struct Candidate {
    pair: Pair,
    signature: Signature,
    hash: usize,
}

/// The signatures that may count, while the document goes by.
pub(super) struct Checks {
    candidates: Vec<Candidate>,
    hashes: Vec<(Start, Hash)>,
    trust: Trust,
    policy: StandardPolicy<'static>,
    now: Timestamp,
    /// Why the first signature does not count that can be said without the document.
    refusal: Option<VerifyError>,
}

impl Checks {
    /// Refused if no signature can count.
    pub(super) fn begin<'a>(
        files: impl Iterator<Item = (usize, &'a Vec<Signature>)>,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Self, VerifyError> {
        let policy = policy(now);
        let (mut candidates, mut hashes, mut refusal, mut strangers) = (Vec::new(), Vec::new(), None, Vec::new());
        for (file, signature) in files.flat_map(|(file, found)| found.iter().map(move |signature| (file, signature))) {
            let issuers = signature.get_issuers();
            let named =
                |trusted: &TrustedKey| trusted.key.openpgp().is_some_and(|cert| meant(cert, &issuers).next().is_some());
            let keys: Vec<usize> = (0..trust.keys().len()).filter(|key| named(&trust.keys()[*key])).collect();
            if keys.is_empty() {
                strangers
                    .push(issuers.first().map_or("a key that it does not name".to_owned(), |id| format!("{id:X}")));
                continue;
            }
            if let Err(error) = policy.signature(signature, Default::default()) {
                refusal = refusal.or_else(|| Some(weak(&error)));
                continue;
            }
            let Some(hash) = hash(signature, &mut hashes) else {
                refusal = refusal.or_else(|| Some(malformed("a signature with a hash that is not known")));
                continue;
            };
            let pairs = keys.into_iter().map(|key| Pair { file, key });
            candidates.extend(pairs.map(|pair| Candidate { pair, signature: signature.clone(), hash }));
        }
        if candidates.is_empty() {
            let stranger = || VerifyError::unknown_key(trust, format!("the key {}", strangers.join(", ")));
            return Err(refusal.unwrap_or_else(stranger));
        }
        Ok(Self { candidates, hashes, trust: trust.clone(), policy, now, refusal })
    }

    pub(super) fn update(&mut self, chunk: &[u8]) {
        self.hashes.iter_mut().for_each(|(_, hash)| hash.update(chunk));
    }

    /// The signatures that count; refused if there are none.
    pub(super) fn finish(self) -> Result<Proven, VerifyError> {
        let mut proven = Proven { pairs: Vec::new(), keys: Vec::new(), from: None, until: None };
        let (mut mismatch, mut refusal) = (false, None);
        for Candidate { pair, signature, hash } in &self.candidates {
            let trusted = &self.trust.keys()[pair.key];
            let (Some(cert), Some((_, hash))) = (trusted.key.openpgp(), self.hashes.get(*hash)) else { continue };
            match judge(cert, signature, hash, &self.policy, self.now) {
                Verdict::Good(key) => proven.add(*pair, key, signature),
                Verdict::Mismatch => mismatch = true,
                Verdict::Refused((reason, found)) => {
                    let expected = format!("a key that {} allowed to sign when it did", trusted.id);
                    refusal = refusal.or_else(|| Some(Failure::new(reason, expected, found).into()));
                }
            }
        }
        if !proven.pairs.is_empty() {
            return Ok(proven);
        }
        let known = refusal.or(self.refusal.filter(|_| !mismatch));
        Err(known.unwrap_or_else(|| VerifyError::mismatch(&self.trust)))
    }
}

/// The signatures that count.
pub(super) struct Proven {
    pub(super) pairs: Vec<Pair>,
    /// For each pair the key of the certificate that signed, and whether it may still do so.
    keys: Vec<(Digest, bool)>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Proven {
    fn add(&mut self, pair: Pair, key: (Digest, bool), signature: &Signature) {
        self.pairs.push(pair);
        self.keys.push(key);
        let made = signature.signature_creation_time().map(Timestamp::from);
        self.from = self.from.max(made);
        let end = signature.signature_expiration_time().map(Timestamp::from);
        self.until = [self.until, end].into_iter().flatten().min();
    }

    /// The evidence of the format. No signature counts before it was made, nor after the end that it sets itself.
    pub(super) fn evidence(&self, format: &str, whole: Whole, trust: &Trust) -> Result<Evidence, VerifyError> {
        let signers = signers(trust, &self.pairs)?;
        // Where several keys of one certificate signed, one that may still sign stands for it: that is what lets a
        // subkey be rotated out.
        let best = |number: usize| {
            let own = self.pairs.iter().zip(&self.keys).filter(|(pair, _)| pair.key == number);
            own.map(|(_, key)| key).reduce(|best, key| if !best.1 && key.1 { key } else { best }).map(|(key, _)| *key)
        };
        let mut evidence = Evidence::new(format, whole.digest, whole.size, signers);
        evidence.signing_keys = (0..trust.keys().len()).filter_map(best).collect();
        (evidence.valid_from, evidence.valid_until) = (self.from, self.until);
        Ok(evidence)
    }
}

/// The keys of the certificate that a signature names. One that names two different keys, as it can where anybody may
/// write, means none.
fn meant<'a>(cert: &'a Cert, issuers: &'a [KeyHandle]) -> impl Iterator<Item = Certified<'a>> {
    cert.keys().filter(|key| {
        let handle = KeyHandle::from(key.key().fingerprint());
        !issuers.is_empty() && issuers.iter().all(|issuer| issuer.aliases(&handle))
    })
}

enum Verdict {
    Good((Digest, bool)),
    Mismatch,
    Refused(Refusal),
}

/// What one of the certificate's keys made of this hash. Why a key may not sign is said only where it did.
///
/// The key must have been allowed to sign when it did. Whether it may still sign anything new is judged later
/// ([`Trust::judge`]), so that what was stored in time stays readable.
fn judge(cert: &Cert, signature: &Signature, hash: &Hash, policy: &StandardPolicy<'static>, now: Timestamp) -> Verdict {
    let Some(made) = signature.signature_creation_time() else { return Verdict::Mismatch };
    let mut verdict = Verdict::Mismatch;
    for key in meant(cert, &signature.get_issuers()) {
        if signature.verify_hash(key.key(), hash.clone()).is_err() {
            continue;
        }
        match (signs_at(&key, policy, made.into()), fingerprint(key.key())) {
            (Ok(()), Ok(known_by)) => {
                return Verdict::Good((known_by, signs_at(&key, policy, now).is_ok()));
            }
            (Err(refusal), _) => verdict = Verdict::Refused(refusal),
            (_, Err(_)) => {}
        }
    }
    verdict
}

/// The number of the hash that this signature needs, which is started if it is the first to need it.
fn hash(signature: &Signature, hashes: &mut Vec<(Start, Hash)>) -> Option<usize> {
    let salt = signature.salt().unwrap_or_default();
    let start = (signature.hash_algo(), signature.version(), salt.to_vec());
    if let Some(number) = hashes.iter().position(|(other, _)| *other == start) {
        return Some(number);
    }
    let mut hash = signature.hash_algo().context().ok()?.for_signature(signature.version());
    hash.update(salt);
    hashes.push((start, hash));
    Some(hashes.len() - 1)
}

/// A signature that the policy does not take.
fn weak(error: &impl std::fmt::Display) -> VerifyError {
    let expected = "a signature over a hash that is safe, such as SHA-256 or SHA-512, and in a form that is known";
    VerifyError::malformed_signature(expected, format!("{error:#}"))
}
