//! One signature of a JWS: which keys may have made it, what is signed, and whether one of them did.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::header::Header;
use crate::{
    evidence::{KeyId, SigningCertificate},
    trust::{
        Algorithm, Ed25519Stream, Encoding, PublicKey, RunningHash, Scheme, Trust,
        x509::{MAX_PATH, PathRules},
    },
    verify::VerifyError,
};

/// The longest signature, encoded: that of an RSA key of 8192 bits.
pub(super) const MAX_SIGNATURE: usize = 1366;

/// The most that is held back where the signature comes last and must be known first: an attached Ed25519 signature.
/// A detached one has no limit.
pub(super) const MAX_HELD: usize = 16 * 1024 * 1024;

/// The values of `alg` (RFC 7518, section 3.1; RFC 8037; RFC 9864) and what they stand for. ECDSA is bound to a curve.
const ALGORITHMS: &[(&str, Scheme, Option<Algorithm>)] = &[
    ("ES256", Scheme::EcdsaSha256, Some(Algorithm::EcdsaP256)),
    ("ES384", Scheme::EcdsaSha384, Some(Algorithm::EcdsaP384)),
    ("PS256", Scheme::RsaPssSha256, None),
    ("PS384", Scheme::RsaPssSha384, None),
    ("PS512", Scheme::RsaPssSha512, None),
    ("RS256", Scheme::RsaPkcs1Sha256, None),
    ("RS384", Scheme::RsaPkcs1Sha384, None),
    ("RS512", Scheme::RsaPkcs1Sha512, None),
    ("EdDSA", Scheme::Ed25519, None),
    ("Ed25519", Scheme::Ed25519, None),
];

/// A signature that is being checked.
pub(super) struct Attempt {
    typ: Option<String>,
    scheme: Scheme,
    signers: Vec<Signer>,
    input: Input,
}

/// A key that may have made it.
struct Signer {
    id: KeyId,
    key: PublicKey,
    certificate: Option<SigningCertificate>,
}

/// What is signed, as far as it came by.
enum Input {
    Hash(RunningHash),
    /// Beside each the number of the signer.
    Streams(Vec<(usize, Ed25519Stream)>),
    Held(Vec<u8>),
}

/// Who made a signature.
pub(super) struct Made {
    pub(super) typ: Option<String>,
    pub(super) by: Vec<(KeyId, Option<SigningCertificate>)>,
}

impl Attempt {
    /// Begins with the header, which is signed first. `signature` is given where it is known already.
    pub(super) fn begin(
        encoded: &[u8],
        header: Header,
        trust: &Trust,
        paths: Option<&PathRules>,
        signature: Option<&[u8]>,
    ) -> Result<Self, VerifyError> {
        if let Some(name) = header.critical {
            let found = format!("{name:?} in crit");
            return Err(VerifyError::malformed_signature("no critical extension but b64 (RFC 7797)", found));
        }
        let known = algorithm(&header.alg);
        let (_, scheme, _) = known.ok_or_else(|| match paths {
            None => wrong_algorithm(&header.alg, trust_keys(trust)),
            Some(_) => refused_algorithm(ALGORITHMS.iter().map(|(name, ..)| *name), &header.alg),
        })?;
        let signers = match paths {
            None => among_the_trusted(&header, trust)?,
            Some(paths) => vec![at_the_end_of_a_path(&header, trust, paths)?],
        };
        let input = match (scheme.hash(), signature) {
            (Some(hash), _) => Input::Hash(hash.start()),
            (None, None) => Input::Held(Vec::new()),
            (None, Some(signature)) => {
                let signature: Option<&[u8; 64]> = signature.try_into().ok();
                let stream =
                    |(number, signer): (usize, &Signer)| Some((number, signer.key.ed25519_stream(signature?)?));
                Input::Streams(signers.iter().enumerate().filter_map(stream).collect())
            }
        };
        let mut attempt = Self { typ: header.typ, scheme, signers, input };
        attempt.update(encoded)?;
        attempt.update(b".")?;
        Ok(attempt)
    }

    /// Takes the next bytes of what is signed.
    pub(super) fn update(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        match &mut self.input {
            Input::Hash(hash) => hash.update(bytes),
            Input::Streams(streams) => streams.iter_mut().for_each(|(_, stream)| stream.update(bytes)),
            Input::Held(held) if held.len() + bytes.len() > MAX_HELD => {
                let expected = format!("an attached EdDSA signature over at most {MAX_HELD} bytes, or a detached one");
                return Err(VerifyError::malformed_document(&expected, "more, with the signature at the end"));
            }
            Input::Held(held) => held.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// How many checks of a signature run through every byte.
    pub(super) fn streams(&self) -> usize {
        match &self.input {
            Input::Streams(streams) => streams.len(),
            Input::Hash(_) | Input::Held(_) => 1,
        }
    }

    /// Who made the signature; nobody, if none of those who may have.
    pub(super) fn finish(self, signature: &[u8]) -> Made {
        let Self { typ, scheme, signers, input } = self;
        let numbers: Vec<usize> = match input {
            Input::Hash(hash) => {
                let digest = hash.finish();
                let made =
                    |signer: &Signer| signer.key.verify_digest(scheme, Encoding::Fixed, digest.as_bytes(), signature);
                (0..signers.len()).filter(|number| made(&signers[*number])).collect()
            }
            Input::Held(held) => {
                let made = |signer: &Signer| signer.key.verify_message(scheme, Encoding::Fixed, &held, signature);
                (0..signers.len()).filter(|number| made(&signers[*number])).collect()
            }
            Input::Streams(streams) => {
                streams.into_iter().filter_map(|(number, stream)| stream.finish().then_some(number)).collect()
            }
        };
        let mut by = Vec::new();
        for (number, signer) in signers.into_iter().enumerate() {
            if numbers.contains(&number) {
                by.push((signer.id, signer.certificate));
            }
        }
        Made { typ, by }
    }
}

/// The configured keys that take the algorithm. `kid` chooses among them, and only where a key has one.
fn among_the_trusted(header: &Header, trust: &Trust) -> Result<Vec<Signer>, VerifyError> {
    let mut fitting: Vec<_> = trust.keys().iter().filter(|trusted| takes(&trusted.key, &header.alg)).collect();
    if fitting.is_empty() {
        return Err(wrong_algorithm(&header.alg, trust_keys(trust)));
    }
    if let Some(kid) = &header.kid {
        let named = |kid: Option<&str>| fitting.iter().copied().filter(|key| key.key.kid() == kid).collect::<Vec<_>>();
        fitting = match named(Some(kid)) {
            exact if exact.is_empty() => named(None),
            exact => exact,
        };
        if fitting.is_empty() {
            return Err(VerifyError::unknown_key(trust, format!("kid {kid:?}")));
        }
    }
    let signer =
        |key: &crate::trust::TrustedKey| Signer { id: key.id.clone(), key: key.key.clone(), certificate: None };
    Ok(fitting.into_iter().map(signer).collect())
}

/// The key of the first certificate in `x5c`, if its path leads to a configured one.
fn at_the_end_of_a_path(header: &Header, trust: &Trust, paths: &PathRules) -> Result<Signer, VerifyError> {
    let expected = format!("a list of 1 to {} certificates in base64 as x5c in the protected header", MAX_PATH + 1);
    let found = if header.x5c.is_some() { "something else" } else { "none" };
    let list = header.x5c.as_ref().and_then(Value::as_array).filter(|list| (1..=MAX_PATH + 1).contains(&list.len()));
    let certificate = |value: &Value| value.as_str().and_then(|text| STANDARD.decode(text).ok());
    let chain: Option<Vec<Vec<u8>>> = list.and_then(|list| list.iter().map(certificate).collect());
    let chain = chain.ok_or_else(|| VerifyError::malformed_signature(&expected, found))?;
    let path = paths.check(&chain, trust)?;
    if !takes(&path.key, &header.alg) {
        return Err(wrong_algorithm(&header.alg, [&path.key]));
    }
    Ok(Signer { id: path.certificate.root.clone(), key: path.key, certificate: Some(path.certificate) })
}

fn algorithm(alg: &str) -> Option<(&'static str, Scheme, Option<Algorithm>)> {
    ALGORITHMS.iter().copied().find(|(name, ..)| *name == alg)
}

fn takes(key: &PublicKey, alg: &str) -> bool {
    algorithm(alg).is_some_and(|(_, scheme, only)| key.takes(scheme) && (only.is_none() || key.algorithm() == only))
}

fn trust_keys(trust: &Trust) -> impl Iterator<Item = &PublicKey> {
    trust.keys().iter().map(|trusted| &trusted.key)
}

/// The algorithm of another key.
fn wrong_algorithm<'k>(alg: &str, keys: impl IntoIterator<Item = &'k PublicKey>) -> VerifyError {
    let keys: Vec<&PublicKey> = keys.into_iter().collect();
    let names = ALGORITHMS.iter().map(|(name, ..)| *name);
    refused_algorithm(names.filter(|name| keys.iter().any(|key| takes(key, name))), alg)
}

/// `none`, a secret key's algorithm, one of another key, or one that nobody knows.
fn refused_algorithm<'n>(fitting: impl Iterator<Item = &'n str>, alg: &str) -> VerifyError {
    let expected = match fitting.collect::<Vec<_>>().as_slice() {
        [] => "keys that a JWS can be signed with".to_owned(),
        [one] => format!("alg {one}, as the key has it"),
        more => format!("alg {}, as the keys have it", more.join(" or ")),
    };
    VerifyError::malformed_signature(&expected, format!("alg {alg:?}"))
}
