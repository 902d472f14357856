//! JSON Web Signatures: the examples of the RFCs, the attacks, and documents of any size in little memory.
//!
//! The vectors lie in `tests/vectors`; a README in each folder says where they come from.

#![cfg(feature = "jws")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use bytes::Bytes;
use serde::Deserialize;
use sigcache_core::{
    Evidence, Failure, KeyId, Name, Policy, Reason, Timestamp,
    judge::judge,
    trust::{PublicKey, Trust, TrustedKey, x509::PathRules},
    verify::{Check, Claims, Context, Jws, Verifier, VerifyError},
};

/// A line of an index.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    origin: String,
    keys: BTreeMap<String, String>,
    #[serde(default = "one")]
    threshold: usize,
    document: String,
    jws: Option<String>,
    typ: Option<String>,
    #[serde(default)]
    paths: bool,
    #[serde(default)]
    no_claims: bool,
    now: Option<Timestamp>,
    reason: Option<Reason>,
    found: Option<String>,
    payload: Option<String>,
    identity: Option<String>,
    valid_until: Option<Timestamp>,
}

fn one() -> usize {
    1
}

fn cases(folder: &str) -> Vec<Case> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(folder).join("index.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn trust(keys: &BTreeMap<String, String>, threshold: usize) -> Trust {
    let key = |(id, text): (&String, &String)| {
        TrustedKey::new(KeyId::new(id), PublicKey::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{id}: {e}")))
    };
    Trust::new(keys.iter().map(key).collect(), threshold).unwrap()
}

fn verify(
    verifier: &dyn Verifier,
    trust: &Trust,
    jws: Option<&[u8]>,
    document: &[u8],
    chunk: usize,
) -> Result<Evidence, Failure> {
    let name = Name::new("a").unwrap();
    let companions: Vec<Option<Bytes>> = jws.into_iter().map(|jws| Some(Bytes::copy_from_slice(jws))).collect();
    let context = Context::new(&name, Timestamp::from_millis(0), trust, &companions);
    let run = || {
        let mut check = Check::begin(verifier, context)?;
        for chunk in document.chunks(chunk) {
            check.update(chunk)?;
        }
        check.finish().map(|finding| finding.evidence)
    };
    run().map_err(VerifyError::into_failure)
}

impl Case {
    fn verifier(&self) -> Jws {
        let mut verifier = if self.jws.is_some() { Jws::detached(".jws") } else { Jws::new() };
        if let Some(typ) = &self.typ {
            verifier = verifier.with_type(typ);
        }
        if self.paths {
            verifier = verifier.with_certificate_paths(PathRules::new());
        }
        if self.no_claims {
            verifier = verifier.with_claims(Claims::default());
        }
        verifier
    }

    fn judged(&self, chunk: usize) -> Result<Evidence, Failure> {
        let (verifier, trust) = (self.verifier(), trust(&self.keys, self.threshold));
        let evidence =
            verify(&verifier, &trust, self.jws.as_ref().map(String::as_bytes), self.document.as_bytes(), chunk)?;
        // Most examples expired long ago.
        let now = self.now.unwrap_or(Timestamp::from_millis(1_300_000_000_000));
        judge(&evidence, &trust, &Policy::default(), None, now).map(|()| evidence)
    }
}

fn hold(folder: &str) -> (usize, usize) {
    let (mut accepted, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for case in cases(folder) {
        let label = format!("{folder}: {} ({})", case.name, case.origin);
        let whole = case.judged(usize::MAX);
        for chunk in [1, 2, 3, 7, 64] {
            assert_eq!(
                case.judged(chunk).map_err(|f| f.reason),
                whole.clone().map_err(|f| f.reason),
                "{label} in chunks of {chunk}"
            );
        }
        match (&whole, case.reason) {
            (Err(failure), Some(reason)) => {
                refused += 1;
                let found = case.found.as_deref().unwrap_or_default();
                if failure.reason != reason || !failure.found.contains(found) {
                    wrong.push(format!("{label}: {failure}"));
                }
            }
            (Ok(evidence), None) => {
                accepted += 1;
                assert_eq!(evidence.identity.as_deref(), case.identity.as_deref(), "{label}");
                if case.valid_until.is_some() {
                    assert_eq!(evidence.valid_until, case.valid_until, "{label}");
                }
                let content = case.verifier().content(Bytes::from(case.document.clone())).unwrap();
                if let Some(payload) = &case.payload {
                    assert_eq!(content, payload.as_bytes(), "{label}");
                }
            }
            (verdict, expected) => wrong.push(format!("{label}: {verdict:?} instead of {expected:?}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    (accepted, refused)
}

#[test]
fn the_examples_of_the_rfcs() {
    // An emptied index would pass everything.
    assert_eq!(hold("jws-rfc"), (16, 11));
}

#[test]
fn the_attacks_and_what_they_were_made_from() {
    assert_eq!(hold("jws-attacks"), (46, 173));
}

#[test]
fn what_common_tools_write_is_accepted() {
    assert_eq!(hold("jws-tools"), (25, 0));
}
