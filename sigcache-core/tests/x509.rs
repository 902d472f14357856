//! Certificate paths: what is on a path, what each certificate is for, and when; good ones beside their bad twins.
//!
//! The vectors lie in `tests/vectors/x509`; its README says how they were made.

#![cfg(feature = "x509")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use sigcache_core::{
    Digest, Evidence, Failure, KeyId, Policy, Reason, Timestamp,
    judge::judge,
    trust::{
        PublicKey, Trust, TrustedKey,
        x509::{CrlError, PathRules},
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    chain: Vec<String>,
    keys: BTreeMap<String, String>,
    #[serde(default)]
    crls: Vec<String>,
    #[serde(default)]
    extended_key_usage: Vec<String>,
    reason: Option<Reason>,
    found: Option<String>,
}

fn cases() -> Vec<Case> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/x509/index.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

impl Case {
    fn rules(&self) -> PathRules {
        let rules = self.crls.iter().fold(PathRules::new(), |rules, crl| rules.with_crl(crl.as_bytes()).unwrap());
        self.extended_key_usage.iter().fold(rules, |rules, oid| rules.with_extended_key_usage(oid).unwrap())
    }

    fn trust(&self) -> Trust {
        let key =
            |(id, pem): (&String, &String)| TrustedKey::new(KeyId::new(id), PublicKey::parse(pem.as_bytes()).unwrap());
        Trust::new(self.keys.iter().map(key).collect(), 1).unwrap()
    }

    fn chain(&self) -> Vec<Vec<u8>> {
        self.chain.iter().map(|text| STANDARD.decode(text).unwrap()).collect()
    }

    /// What a format makes of the path, and the judge of that.
    fn judged(&self) -> Result<Evidence, Failure> {
        let path = self.rules().check(&self.chain(), &self.trust())?;
        let mut evidence = Evidence::new("test", Digest::of(b""), 0, [path.certificate.root.clone()]);
        assert_eq!(path.certificate.fingerprint, Digest::of(&self.chain()[0]));
        assert_eq!(path.key.certificate(), Some(&self.chain()[0][..]));
        evidence.certificates = [path.certificate].into();
        let now: Timestamp = "2027-06-01T00:00:00Z".parse().unwrap();
        judge(&evidence, &self.trust(), &Policy::default(), None, now).map(|()| evidence)
    }
}

#[test]
fn paths_that_hold_and_paths_that_do_not() {
    let (mut held, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for case in cases() {
        match (case.judged(), case.reason) {
            (Ok(_), None) => held += 1,
            (Err(failure), Some(reason))
                if failure.reason == reason && failure.found.contains(case.found.as_deref().unwrap_or_default()) =>
            {
                refused += 1;
            }
            (verdict, expected) => wrong.push(format!("{}: {verdict:?} instead of {expected:?}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // An emptied index would pass everything.
    assert_eq!((held, refused), (24, 45));
}

#[test]
fn every_way_to_fail_has_a_reason_of_its_own() {
    for (name, reason) in [
        ("another root of the same name", Reason::CertificateUntrusted),
        ("root expired, leaf valid", Reason::CertificateExpired),
        ("leaf not yet valid", Reason::CertificateNotYetValid),
        ("SHA-1", Reason::CertificateUnsuitable),
        ("revoked", Reason::CertificateRevoked),
        ("no list by the issuer", Reason::RevocationUnknown),
        ("a list that is too old", Reason::RevocationUnknown),
    ] {
        assert_eq!(case(name).judged().unwrap_err().reason, reason, "{name}");
    }
}

#[test]
fn a_path_says_who_signed_and_how_long_it_holds() {
    let evidence = case("through an issuer").judged().unwrap();
    let certificate = &evidence.certificates[0];
    assert_eq!((certificate.root.as_str(), &*certificate.subject), ("root1", "CN=Signer"));
    assert_eq!(certificate.valid_from, "2020-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(certificate.valid_until, "2120-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(certificate.revocation_until, None);
    assert!(certificate.serial.len() >= 2 && certificate.serial.bytes().all(|c| c.is_ascii_hexdigit()));
    let evidence = case("not revoked").judged().unwrap();
    assert_eq!(evidence.certificates[0].revocation_until, Some("2100-01-01T00:00:00Z".parse().unwrap()));
    // Of two roots of one name it is the one whose key fits.
    let evidence = case("the second of two roots of the same name").judged().unwrap();
    assert_eq!(evidence.certificates[0].root.as_str(), "root2");
}

#[test]
fn a_root_that_is_revoked_or_may_not_sign_now_is_judged_as_every_key() {
    let case = case("through an issuer");
    let now: Timestamp = "2027-06-01T00:00:00Z".parse().unwrap();
    let path = case.rules().check(&case.chain(), &case.trust()).unwrap();
    let mut evidence = Evidence::new("test", Digest::of(b""), 0, [path.certificate.root.clone()]);
    evidence.certificates = [path.certificate].into();
    let mut key = case.trust().keys()[0].clone();
    key.not_after = Some("2025-01-01T00:00:00Z".parse().unwrap());
    let reason = |key: &TrustedKey| {
        let trust = Trust::new(vec![key.clone()], 1).unwrap();
        judge(&evidence, &trust, &Policy::default(), None, now).unwrap_err().reason
    };
    assert_eq!(reason(&key), Reason::KeyExpired);
    key.revoked = true;
    assert_eq!(reason(&key), Reason::KeyRevoked);
}

#[test]
fn a_root_without_certificate_is_the_root_of_nothing() {
    let case = case("through an issuer");
    let spki = case.trust().keys()[0].key.spki_der().unwrap().to_vec();
    let bare = TrustedKey::new(KeyId::new("bare"), PublicKey::parse(&spki).unwrap());
    let failure = case.rules().check(&case.chain(), &Trust::new(vec![bare], 1).unwrap()).unwrap_err();
    assert_eq!(failure.reason, Reason::CertificateUntrusted);
}

#[test]
fn every_changed_bit_of_a_path_is_refused() {
    let case = case("RSA");
    let (rules, trust) = (case.rules(), case.trust());
    let good = rules.check(&case.chain(), &trust).unwrap().certificate;
    for bit in 0..case.chain()[0].len() * 8 {
        let mut chain = case.chain();
        chain[0][bit / 8] ^= 1 << (bit % 8);
        if let Ok(path) = rules.check(&chain, &trust) {
            panic!("bit {bit} changed: {:?} instead of {good:?}", path.certificate);
        }
    }
}

#[test]
fn what_is_no_revocation_list_is_refused() {
    let refusal = |file: &[u8]| PathRules::new().with_crl(file).unwrap_err();
    let crl = case("not revoked").crls[0].clone();
    assert!(PathRules::new().with_crl(format!("\n{crl}\n").as_bytes()).is_ok());
    assert!(matches!(refusal(b""), CrlError::Damaged(_)));
    assert!(matches!(refusal(b"<html>"), CrlError::Damaged(_)));
    assert!(matches!(refusal(crl.replace('A', "B").as_bytes()), CrlError::Damaged(_) | CrlError::Unsupported(_)));
    let root = case("not revoked").keys["root1"].clone();
    assert_eq!(refusal(root.as_bytes()), CrlError::Damaged("it is a CERTIFICATE".into()));
    assert_eq!(refusal(&vec![0; 16 * 1024 * 1024 + 1]), CrlError::TooLarge);
    assert!(PathRules::new().with_extended_key_usage("document signing").is_err());
}
