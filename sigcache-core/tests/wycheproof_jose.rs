//! Project Wycheproof's vectors for JSON Web Keys and Signatures; the README beside them says which.

#![cfg(feature = "jws")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use serde::Deserialize;
use sigcache_core::{
    KeyId, Name, Timestamp,
    trust::{Trust, TrustedKey, parse_jwks},
    verify::{Check, Claims, Context, Jws},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Set {
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    comment: String,
    /// A JWK set.
    public: serde_json::Value,
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Vector {
    tc_id: usize,
    comment: String,
    jws: String,
    result: String,
}

/// Vectors whose answer is deliberately another one than Wycheproof's: set, tcId, our answer, reason. One that does not have
/// this answer fails the test, and so does one that is not there any more.
const EXCEPTIONS: &[(&str, usize, bool, &str)] =
    &[("json_web_key", 2, false, SECRET), ("json_web_key", 13, false, SECRET), ("json_web_key", 7, true, ROCA)];

const SECRET: &str = "a secret that both sides know is no public key, and nothing is taken by it";

const ROCA: &str = "a weakness that the maker of the key brought into it; nothing here looks for it";

/// Whether any of the usable keys of the set takes the JWS, as those of an anchor would.
fn accepts(set: &serde_json::Value, jws: &str) -> bool {
    let entries = parse_jwks(set.to_string().as_bytes()).unwrap();
    let usable = entries.into_iter().filter_map(|entry| entry.key.ok()).enumerate();
    let keys: Vec<TrustedKey> =
        usable.map(|(number, key)| TrustedKey::new(KeyId::new(&format!("k{number}")), key)).collect();
    let Ok(trust) = Trust::new(keys, 1) else { return false };
    let name = Name::new("document").unwrap();
    // The payload is no JSON.
    let verifier = Jws::new().with_claims(Claims::default());
    let answers = [1, 7, usize::MAX].map(|size| {
        let run = || {
            let mut check = Check::begin(&verifier, Context::new(&name, Timestamp::from_millis(0), &trust, &[]))?;
            for chunk in jws.as_bytes().chunks(size) {
                check.update(chunk)?;
            }
            check.finish()
        };
        run().is_ok_and(|finding| !finding.evidence.signers.is_empty())
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "however it is cut: {jws}");
    answers[0]
}

#[test]
fn every_vector_is_answered() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    let sets = [
        ("json_web_key", include_str!("vectors/wycheproof/json_web_key.json"), (3, 17)),
        ("json_web_signature", include_str!("vectors/wycheproof/json_web_signature.json"), (3, 43)),
    ];
    for (name, text, counts) in sets {
        let set: Set = serde_json::from_str(text).unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for group in &set.test_groups {
            for Vector { tc_id, comment, jws, result } in &group.tests {
                let theirs = match result.as_str() {
                    "valid" => true,
                    "invalid" => false,
                    other => panic!("an answer that this test does not know: {other}"),
                };
                *(if theirs { &mut valid } else { &mut invalid }) += 1;
                let listed = EXCEPTIONS.iter().find(|(set, number, ..)| *set == name && number == tc_id);
                seen += usize::from(listed.is_some());
                let expected = listed.map_or(theirs, |(.., answer, _)| *answer);
                if listed.is_some() && expected == theirs {
                    wrong.push(format!("{name} {tc_id} is listed but Wycheproof says the same"));
                }
                if accepts(&group.public, jws) != expected {
                    wrong.push(format!("{name} {tc_id} ({}: {comment}) should be {expected}", group.comment));
                }
            }
        }
        assert_eq!((valid, invalid), counts, "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, EXCEPTIONS.len(), "an exception that no vector has: {EXCEPTIONS:?}");
}
