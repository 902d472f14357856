//! One test for each attack that detached signatures and claims in JSON can express, through the whole pipeline.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use sigcache_core::{
    Name, OnExpiry, Outcome, Policy, Reason, Resource, Rules, Standing,
    conformance::{Lab, Signer, TestRuntime, at, block_on, expect, hours},
    fetch::{FetchError, FetchRequest, Fetched, Fetcher, Meta},
    read::ReadError,
    run::{Runner, Selection},
    store::{Store as _, StoreError},
    trust::{Trust, TrustedKey},
    verify::{Claims, Detached, Pointer},
};

fn pointer(text: &str) -> Option<Pointer> {
    Some(Pointer::new(text).unwrap())
}

/// Rules that read identity, version and expiry from the document.
fn claims_rules(lab: &Lab, identity: Option<&str>) -> Rules {
    let mut claims = Claims::default();
    claims.version = pointer("/version");
    claims.identity = identity.and_then(|_| pointer("/name"));
    let mut rules = lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_claims(claims));
    rules.policy.identity = identity.map(Into::into);
    rules
}

fn versioned(version: u64) -> String {
    format!(r#"{{"version":{version}}}"#)
}

fn with_keys(lab: &Lab, keys: Vec<TrustedKey>) -> Rules {
    let mut rules = lab.rules();
    rules.trust = Trust::new(keys, 1).unwrap();
    rules
}

fn with_policy(lab: &Lab, change: impl FnOnce(&mut Policy)) -> Rules {
    let mut rules = lab.rules();
    change(&mut rules.policy);
    rules
}

/// Nothing of `bytes` is anywhere in the store where a reader could take it for a document.
fn nowhere(lab: &Lab, bytes: &[u8]) {
    let objects = lab.referee.objects("");
    assert!(objects.values().all(|object| object != bytes), "what was refused lies in the store");
}

fn refusal(answer: Result<bytes::Bytes, ReadError>) -> Reason {
    match answer {
        Err(ReadError::Refused(failure)) => failure.reason,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

fn standing(lab: &Lab, name: &str) -> Standing {
    lab.catalog().get(&Name::new(name).unwrap()).unwrap().standing
}

#[test]
fn arbitrary_content() {
    let lab = Lab::default();
    lab.publish("a", "good");
    let resources = [lab.resource("a")];
    lab.origin.serve(&Lab::url("a"), "evil");
    expect(&lab.sync(&resources, 0), "a", Outcome::Refused, Reason::SignatureMismatch);
    nowhere(&lab, b"evil");
    // And against a good copy.
    lab.publish("a", "good");
    expect(&lab.sync(&resources, 1), "a", Outcome::Stored, Reason::FirstVersion);
    lab.origin.serve(&Lab::url("a"), "evil");
    expect(&lab.sync(&resources, 2), "a", Outcome::Kept, Reason::SignatureMismatch);
    nowhere(&lab, b"evil");
    assert_eq!(lab.read(&resources[0], 2).unwrap(), "good");
    lab.assert_published();
}

#[test]
fn arbitrary_content_larger_than_a_part() {
    let lab = Lab::default();
    lab.publish("a", vec![b'x'; 20_000]);
    let mut evil = vec![b'x'; 20_000];
    evil[19_999] = b'y';
    lab.origin.serve(&Lab::url("a"), evil.clone());
    expect(&lab.sync(&[lab.resource("a")], 0), "a", Outcome::Refused, Reason::SignatureMismatch);
    assert_eq!(lab.referee.objects("versions/").len(), 0);
    assert_eq!(lab.referee.requests_by_kind().get("abort"), Some(&1));
}

#[test]
fn truncation_in_the_middle() {
    let lab = Lab::default();
    lab.publish("a", vec![b'x'; 9_000]);
    lab.origin.truncate(&Lab::url("a"), vec![b'x'; 5_000]);
    let report = lab.sync(&[lab.resource("a")], 0);
    let decision = expect(&report, "a", Outcome::Refused, Reason::TruncatedBody);
    assert_eq!(decision.attempts[0].tries, 3);
    assert_eq!(lab.referee.objects("versions/").len(), 0);
}

#[test]
fn endless_data() {
    let lab = Lab::default();
    lab.publish("a", vec![b'x'; 3_000]);
    let mut rules = lab.rules();
    rules.limits.max_size = 2_000;
    expect(&lab.sync(&[lab.resource_with("a", rules)], 0), "a", Outcome::Refused, Reason::TooLarge);
    assert_eq!(lab.referee.objects("versions/").len(), 0);
}

#[test]
fn endless_signature() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.origin.serve(&(Lab::url("a") + ".sig"), vec![b'x'; 3_000]);
    let mut rules = lab.rules();
    rules.limits.max_companion = 2_000;
    expect(&lab.sync(&[lab.resource_with("a", rules)], 0), "a", Outcome::Refused, Reason::CompanionTooLarge);
}

#[test]
fn missing_signature() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.origin.status(&(Lab::url("a") + ".sig"), 404);
    expect(&lab.sync(&[lab.resource("a")], 0), "a", Outcome::Refused, Reason::CompanionMissing);
    lab.origin.status(&(Lab::url("a") + ".sig"), 500);
    expect(&lab.sync(&[lab.resource("a")], 1), "a", Outcome::Refused, Reason::HttpStatus);
    lab.origin.serve(&(Lab::url("a") + ".sig"), "");
    expect(&lab.sync(&[lab.resource("a")], 2), "a", Outcome::Refused, Reason::MalformedSignature);
}

#[test]
fn wrong_key() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.origin.serve(&(Lab::url("a") + ".sig"), Signer::new("mallory").sign(b"good"));
    expect(&lab.sync(&[lab.resource("a")], 0), "a", Outcome::Refused, Reason::SignatureMismatch);
    assert_eq!(lab.referee.objects("versions/").len(), 0);
}

#[test]
fn revoked_key() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.sync(&[lab.resource("a")], 0);
    let mut revoked = lab.signer.trusted();
    revoked.revoked = true;
    let resources = [lab.resource_with("a", with_keys(&lab, vec![revoked]))];
    // A reader does not wait for the next run.
    assert_eq!(refusal(lab.read(&resources[0], 0)), Reason::KeyRevoked);
    expect(&lab.sync(&resources, 1), "a", Outcome::Withheld, Reason::KeyRevoked);
    assert_eq!(standing(&lab, "a"), Standing::Withheld);
    assert!(lab.referee.objects("latest/").is_empty());
    assert_eq!(refusal(lab.read(&resources[0], 1)), Reason::KeyRevoked);
}

#[test]
fn revoked_key_is_not_served_even_where_expired_copies_are() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.sync(&[lab.resource("a")], 0);
    let mut revoked = lab.signer.trusted();
    revoked.revoked = true;
    let mut rules = with_keys(&lab, vec![revoked]);
    rules.policy.on_expiry = OnExpiry::Serve;
    expect(&lab.sync(&[lab.resource_with("a", rules)], 1), "a", Outcome::Withheld, Reason::KeyRevoked);
    assert!(lab.referee.objects("latest/").is_empty());
}

#[test]
fn unknown_key_after_rotation() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.sync(&[lab.resource("a")], 0);
    let next = lab.resource_with("a", with_keys(&lab, vec![Signer::new("next").trusted()]));
    expect(&lab.sync(std::slice::from_ref(&next), 1), "a", Outcome::Withheld, Reason::SignatureMismatch);
    lab.origin.serve(&(Lab::url("a") + ".sig"), Signer::new("next").sign(b"good"));
    lab.referee.allow(&Signer::new("next").sign(b"good"));
    expect(&lab.sync(std::slice::from_ref(&next), 2), "a", Outcome::Stored, Reason::NewVersion);
    assert_eq!(lab.read(&next, 2).unwrap(), "good");
    lab.assert_published();
}

#[test]
fn expired_key() {
    let lab = Lab::default();
    lab.publish("a", "good");
    let mut expiring = lab.signer.trusted();
    expiring.not_after = Some(at(5));
    let resources = [lab.resource_with("a", with_keys(&lab, vec![expiring]))];
    expect(&lab.sync(&resources, 5), "a", Outcome::Stored, Reason::FirstVersion);
    lab.publish("a", "signed after the end");
    expect(&lab.sync(&resources, 6), "a", Outcome::Kept, Reason::KeyExpired);
    nowhere(&lab, b"signed after the end");
    assert_eq!(lab.read(&resources[0], 6).unwrap(), "good");
}

#[test]
fn key_not_yet_valid() {
    let lab = Lab::default();
    lab.publish("a", "early");
    let mut next = lab.signer.trusted();
    next.not_before = Some(at(5));
    let resources = [lab.resource_with("a", with_keys(&lab, vec![next]))];
    expect(&lab.sync(&resources, 4), "a", Outcome::Refused, Reason::KeyNotYetValid);
    expect(&lab.sync(&resources, 5), "a", Outcome::Stored, Reason::FirstVersion);
}

#[test]
fn threshold_cheating_with_one_key_twice() {
    let lab = Lab::default();
    let other = Signer::new("second");
    lab.publish("a", "good");
    let mut rules = lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_suffix(".sig2"));
    rules.trust = Trust::new(vec![lab.signer.trusted(), other.trusted()], 2).unwrap();
    let resources = [lab.resource_with("a", rules)];
    // The same signature twice, in two forms.
    let der = lab.sign(b"good");
    lab.origin.serve(&(Lab::url("a") + ".sig2"), sigcache_core::hex(&der));
    expect(&lab.sync(&resources, 0), "a", Outcome::Refused, Reason::ThresholdNotMet);
    lab.origin.serve(&(Lab::url("a") + ".sig2"), other.sign(b"good"));
    lab.referee.allow(&other.sign(b"good"));
    expect(&lab.sync(&resources, 1), "a", Outcome::Stored, Reason::FirstVersion);
}

#[test]
fn rollback_by_version() {
    let lab = Lab::default();
    let resources = [lab.resource_with("a", claims_rules(&lab, None))];
    for version in [7, 8] {
        lab.publish("a", versioned(version));
        expect(
            &lab.sync(&resources, version as i64),
            "a",
            Outcome::Stored,
            [Reason::FirstVersion, Reason::NewVersion][version as usize - 7],
        );
    }
    lab.publish("a", versioned(7));
    expect(&lab.sync(&resources, 9), "a", Outcome::Kept, Reason::OlderVersion);
    assert_eq!(lab.read(&resources[0], 9).unwrap(), versioned(8));
    // A version that never was here, but is older all the same.
    lab.publish("a", versioned(3));
    expect(&lab.sync(&resources, 10), "a", Outcome::Kept, Reason::OlderVersion);
    lab.assert_published();
}

#[test]
fn rollback_against_a_removed_copy() {
    let lab = Lab::default();
    let both = [lab.resource_with("a", claims_rules(&lab, None)), lab.resource("b")];
    lab.publish("a", versioned(8));
    lab.publish("b", "b");
    lab.sync(&both, 0);
    expect(&lab.sync(&both[1..], 1), "a", Outcome::Removed, Reason::LeftConfig);
    lab.publish("a", versioned(7));
    expect(&lab.sync(&both, 2), "a", Outcome::Refused, Reason::OlderVersion);
    lab.publish("a", versioned(8));
    expect(&lab.sync(&both, 3), "a", Outcome::Stored, Reason::FirstVersion);
    lab.assert_published();
}

#[test]
fn rollback_by_dropping_the_version() {
    let lab = Lab::default();
    lab.publish("a", versioned(8));
    lab.sync(&[lab.resource_with("a", claims_rules(&lab, None))], 0);
    lab.publish("a", "no JSON at all");
    expect(&lab.sync(&[lab.resource("a")], 1), "a", Outcome::Kept, Reason::MarkMissing);
}

#[test]
fn replay_of_a_replaced_version() {
    let lab = Lab::default();
    let resources = [lab.resource("a")];
    lab.publish("a", "first");
    lab.sync(&resources, 0);
    lab.publish("a", "second");
    lab.sync(&resources, 1);
    lab.publish("a", "first");
    expect(&lab.sync(&resources, 2), "a", Outcome::Kept, Reason::ReplayedVersion);
    assert_eq!(lab.read(&resources[0], 2).unwrap(), "second");
    lab.assert_published();
}

#[test]
fn freeze_by_silence() {
    let lab = Lab::default();
    lab.publish("a", "good");
    let resources = [lab.resource_with("a", with_policy(&lab, |policy| policy.max_stale = Some(hours(24))))];
    lab.sync(&resources, 0);
    lab.origin.down(&Lab::url("a"));
    // Stale, and served on.
    expect(&lab.sync(&resources, 20), "a", Outcome::Kept, Reason::ConnectionRefused);
    assert_eq!(lab.read(&resources[0], 20).unwrap(), "good");
    // Confirmed neither by readers nor by failures: too old for a reader before a run says so.
    assert_eq!(refusal(lab.read(&resources[0], 25)), Reason::CopyExpired);
    expect(&lab.sync(&resources, 25), "a", Outcome::Withheld, Reason::ConnectionRefused);
    assert!(lab.referee.objects("latest/").is_empty());
    lab.publish("a", "good");
    expect(&lab.sync(&resources, 26), "a", Outcome::Unchanged, Reason::NotModified);
    lab.assert_published();
    assert_eq!(lab.read(&resources[0], 26).unwrap(), "good");
}

#[test]
fn freeze_by_repeating_the_last_version() {
    let lab = Lab::default();
    let mut claims = Claims::default();
    claims.expires = pointer("/expires");
    let mut rules = lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_claims(claims));
    let resources = [lab.resource_with("a", rules)];
    lab.publish("a", format!(r#"{{"expires":"{}"}}"#, at(5)));
    expect(&lab.sync(&resources, 0), "a", Outcome::Stored, Reason::FirstVersion);
    expect(&lab.sync(&resources, 5), "a", Outcome::Unchanged, Reason::NotModified);
    // The source still says that nothing changed; the document itself says that it is over.
    expect(&lab.sync(&resources, 6), "a", Outcome::Withheld, Reason::CopyExpired);
    assert!(lab.referee.objects("latest/").is_empty());
    assert_eq!(refusal(lab.read(&resources[0], 6)), Reason::CopyExpired);
}

#[test]
fn freeze_by_cache_headers() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.origin.serve_fresh(&Lab::url("a"), "good", at(100_000));
    let resources = [lab.resource("a")];
    lab.sync(&resources, 0);
    expect(&lab.sync(&resources, 1), "a", Outcome::Unchanged, Reason::StillFresh);
    // After max_age (3 hours) the source is asked whatever it said.
    expect(&lab.sync(&resources, 4), "a", Outcome::Unchanged, Reason::NotModified);
}

#[test]
fn fast_forward_and_recovery() {
    let lab = Lab::default();
    let resources = [lab.resource_with("a", claims_rules(&lab, None))];
    lab.publish("a", versioned(u64::MAX));
    lab.sync(&resources, 0);
    lab.publish("a", versioned(9));
    expect(&lab.sync(&resources, 1), "a", Outcome::Kept, Reason::OlderVersion);
    let name = Name::new("a").unwrap();
    let permit = lab.runner();
    let permit = permit.allow_rollback(&name, "stolen key", at(2), lab.nonce());
    let report = block_on(permit).unwrap().unwrap();
    expect(&report, "a", Outcome::Kept, Reason::RollbackAllowed);
    expect(&lab.sync(&resources, 3), "a", Outcome::Stored, Reason::NewVersion);
    assert_eq!(lab.read(&resources[0], 3).unwrap(), versioned(9));
    // The permit is used up.
    lab.publish("a", versioned(8));
    expect(&lab.sync(&resources, 4), "a", Outcome::Kept, Reason::OlderVersion);
    lab.assert_published();
}

#[test]
fn mix_and_match() {
    let lab = Lab::default();
    let rules = || with_policy(&lab, |policy| policy.set = Some("pair".into()));
    let resources = [lab.resource_with("a", rules()), lab.resource_with("b", rules())];
    for name in ["a", "b"] {
        lab.publish(name, format!("first {name}"));
    }
    lab.sync(&resources, 0);
    lab.publish("a", "second a");
    lab.origin.serve(&Lab::url("b"), "tampered");
    let report = lab.sync(&resources, 1);
    expect(&report, "a", Outcome::Kept, Reason::SetIncomplete);
    expect(&report, "b", Outcome::Kept, Reason::SignatureMismatch);
    assert_eq!(lab.read(&resources[0], 1).unwrap(), "first a");
    lab.publish("b", "second b");
    let report = lab.sync(&resources, 2);
    expect(&report, "a", Outcome::Stored, Reason::NewVersion);
    expect(&report, "b", Outcome::Stored, Reason::NewVersion);
    lab.assert_published();
}

#[test]
fn identity_swap() {
    let lab = Lab::default();
    let document = |name: &str| format!(r#"{{"name":"{name}","version":1}}"#);
    let resources: Vec<Resource> =
        ["a", "b"].iter().map(|name| lab.resource_with(name, claims_rules(&lab, Some(name)))).collect();
    lab.publish("a", document("b"));
    lab.publish("b", document("a"));
    let report = lab.sync(&resources, 0);
    expect(&report, "a", Outcome::Refused, Reason::IdentityMismatch);
    expect(&report, "b", Outcome::Refused, Reason::IdentityMismatch);
    lab.publish("a", r#"{"version":1}"#);
    lab.publish("b", document("b"));
    let report = lab.sync(&resources, 1);
    expect(&report, "a", Outcome::Refused, Reason::IdentityMissing);
    expect(&report, "b", Outcome::Stored, Reason::FirstVersion);
}

#[test]
fn sudden_shrinking() {
    let lab = Lab::default();
    let resources = [lab.resource_with("a", with_policy(&lab, |policy| policy.shrink_limit = Some(0.5)))];
    lab.publish("a", vec![b'x'; 1000]);
    lab.sync(&resources, 0);
    lab.publish("a", vec![b'y'; 499]);
    expect(&lab.sync(&resources, 1), "a", Outcome::Kept, Reason::Shrunk);
    lab.publish("a", vec![b'y'; 500]);
    expect(&lab.sync(&resources, 2), "a", Outcome::Stored, Reason::NewVersion);
}

#[test]
fn emptied_configuration() {
    let lab = Lab::default();
    let resources: Vec<Resource> = ["a", "b", "c"].iter().map(|name| lab.resource(name)).collect();
    for name in ["a", "b", "c"] {
        lab.publish(name, name);
    }
    lab.sync(&resources, 0);
    let report = lab.sync(&resources[..1], 1);
    expect(&report, "b", Outcome::Kept, Reason::MassRemoval);
    expect(&report, "c", Outcome::Kept, Reason::MassRemoval);
    lab.assert_published();
}

#[test]
fn compromised_mirror_with_a_good_second_source() {
    let lab = Lab::default();
    lab.publish("a", "good");
    let urls = ["https://mirror.example/a", "https://a.example/a"].map(|url| url.parse().unwrap());
    let resource = Resource::new(Name::new("a").unwrap(), urls, Arc::new(lab.rules()));
    lab.origin.serve("https://mirror.example/a", "evil");
    lab.origin.serve("https://mirror.example/a.sig", lab.signer.sign(b"good"));
    let report = lab.sync(std::slice::from_ref(&resource), 0);
    let decision = expect(&report, "a", Outcome::Stored, Reason::FirstVersion);
    assert_eq!(decision.source.as_deref(), Some("https://a.example/a"));
    assert_eq!(decision.attempts.len(), 1);
    assert_eq!(decision.attempts[0].reason, Reason::SignatureMismatch);
    assert_eq!(&*decision.attempts[0].source, "https://mirror.example/a");
    nowhere(&lab, b"evil");
    // Nor can the mirror claim that nothing changed.
    lab.publish("a", "second");
    lab.origin.status("https://mirror.example/a", 304);
    let report = lab.sync(std::slice::from_ref(&resource), 1);
    expect(&report, "a", Outcome::Stored, Reason::NewVersion);
    assert_eq!(lab.read(&resource, 1).unwrap(), "second");
}

#[test]
fn freeze_by_the_validators_of_a_mirror() {
    let lab = Lab::default();
    lab.publish("a", "good");
    let (main, mirror) = ("https://a.example/a", "https://mirror.example/a");
    let urls = [main, mirror].map(|url| url.parse().unwrap());
    let resource = [Resource::new(Name::new("a").unwrap(), urls, Arc::new(lab.rules()))];
    lab.origin.serve(mirror, "good");
    lab.origin.serve(&format!("{mirror}.sig"), lab.sign(b"good"));
    lab.sync(&resource, 0);
    lab.origin.down(main);
    expect(&lab.sync(&resource, 1), "a", Outcome::Unchanged, Reason::SameBytes);
    // What the mirror said of its answer is not sent to the publisher, who would take it for his own word.
    let asked = lab.origin.requests();
    lab.publish("a", "good");
    expect(&lab.sync(&resource, 2), "a", Outcome::Unchanged, Reason::SameBytes);
    assert_eq!(lab.origin.log()[asked..], [main.to_owned(), format!("{main}.sig")]);
    // His own is, from then on.
    let asked = lab.origin.requests();
    expect(&lab.sync(&resource, 3), "a", Outcome::Unchanged, Reason::NotModified);
    assert_eq!(lab.origin.log()[asked..], [format!("{main} if-none-match")]);
}

#[test]
fn freeze_by_an_answer_that_was_not_asked_for() {
    /// Answers everything with "nothing changed", as a fetcher from outside might.
    #[derive(Debug)]
    struct Lazy;
    #[async_trait::async_trait]
    impl Fetcher for Lazy {
        async fn fetch(&self, _: FetchRequest<'_>) -> Result<Fetched, FetchError> {
            Ok(Fetched::NotModified(Meta::default()))
        }
    }
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.sync(&[lab.resource("a")], 0);
    // Under other rules nothing is known, so nothing can be unchanged.
    let renamed = [lab.resource_with("a", with_policy(&lab, |policy| policy.identity = Some("a".into())))];
    let runner = Runner::new(Arc::new(Lazy), lab.bucket(), Arc::new(TestRuntime::default()));
    let report = block_on(runner.sync(&renamed, &Selection::All, at(1), 7)).unwrap();
    expect(&report, "a", Outcome::Kept, Reason::BadResponse);
}

#[test]
fn freeze_by_a_clock_that_was_ahead_once() {
    let lab = Lab::default();
    lab.publish("a", "good");
    let resource = [lab.resource_with("a", with_policy(&lab, |policy| policy.max_stale = Some(hours(10))))];
    lab.sync(&resource, 0);
    lab.sync(&resource, 1_000_000);
    lab.origin.down(&Lab::url("a"));
    expect(&lab.sync(&resource, 9), "a", Outcome::Kept, Reason::ConnectionRefused);
    expect(&lab.sync(&resource, 11), "a", Outcome::Withheld, Reason::ConnectionRefused);
    assert_eq!(standing(&lab, "a"), Standing::Withheld);
}

#[test]
fn arbitrary_content_as_a_second_signature_file() {
    let lab = Lab::default();
    lab.publish("a", "good");
    // 64 bytes that have the form of a signature.
    let stranger = bytes::Bytes::from(vec![7; 64]);
    lab.origin.serve(&(Lab::url("a") + ".sig2"), stranger.clone());
    let mut rules = lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_suffix(".sig2"));
    let resource = [lab.resource_with("a", rules)];
    expect(&lab.sync(&resource, 0), "a", Outcome::Stored, Reason::FirstVersion);
    nowhere(&lab, &stranger);
    let kept = lab.catalog().get(&resource[0].name).unwrap().receipt.as_ref().unwrap().companions.clone();
    assert_eq!(kept.iter().map(|companion| &*companion.suffix).collect::<Vec<_>>(), [".sig"]);
    assert_eq!(lab.read(&resource[0], 0).unwrap(), "good");
    lab.assert_published();
}

#[test]
fn wrong_key_that_took_the_id_of_the_right_one() {
    let lab = Lab::default();
    lab.publish("a", "good");
    lab.sync(&[lab.resource("a")], 0);
    // The publisher's key was stolen, and the new one has the old one's id.
    let mut next = Signer::new("next").trusted();
    next.id = lab.signer.trusted().id;
    let resource = [lab.resource_with("a", with_keys(&lab, vec![next]))];
    expect(&lab.sync(&resource, 1), "a", Outcome::Withheld, Reason::SignatureMismatch);
    assert!(lab.referee.objects("latest/").is_empty(), "what the old key signed is still served");
}

#[test]
fn rules_that_changed_are_applied_to_what_is_stored() {
    let lab = Lab::default();
    lab.publish("a", versioned(5));
    lab.sync(&[lab.resource("a")], 0);
    let resource = [lab.resource_with("a", claims_rules(&lab, None))];
    // A reader under the new rules gets the bytes, which say what the new rules ask for …
    assert_eq!(lab.read(&resource[0], 1).unwrap(), versioned(5));
    // … and the next run fetches them anew, so that their version guards from now on.
    expect(&lab.sync(&resource, 1), "a", Outcome::Stored, Reason::NewVersion);
    lab.publish("a", versioned(4));
    expect(&lab.sync(&resource, 2), "a", Outcome::Kept, Reason::OlderVersion);
}

/// A lab that has stored two versions of `a`, and the keys of both below `versions/`, the older first.
fn two_versions() -> (Lab, Resource, Vec<String>) {
    let lab = Lab::default();
    let resource = lab.resource("a");
    for (hour, document) in [(0, "first"), (1, "other")] {
        lab.publish("a", document);
        lab.sync(std::slice::from_ref(&resource), hour);
    }
    let versions = lab.referee.objects("versions/").into_keys().collect();
    (lab, resource, versions)
}

#[test]
fn malicious_bucket_object_swapped() {
    let (lab, resource, versions) = two_versions();
    lab.referee.tamper(&versions[1], "spoil");
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ObjectChanged);
    lab.referee.tamper(&versions[1], "a longer one");
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ObjectChanged);
    lab.referee.tamper_delete(&versions[1]);
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ObjectMissing);
}

#[test]
fn malicious_bucket_old_version_restored() {
    let (lab, resource, versions) = two_versions();
    let first = lab.referee.objects(&versions[0])[&versions[0]].clone();
    lab.referee.tamper(&versions[1], first);
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ObjectChanged);
}

#[test]
fn malicious_bucket_catalog_edited() {
    // Object and receipt changed together: the signature does not match.
    let (lab, resource, versions) = two_versions();
    lab.referee.tamper(&versions[1], "spoil");
    let digest = sigcache_core::Digest::of(b"spoil").to_string();
    lab.referee.tamper_catalog(|json| json["entries"]["a"]["receipt"]["evidence"]["digest"] = digest.into());
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ReceiptRefused);
    // Better evidence than the document gives.
    let better = |json: &mut serde_json::Value| {
        json["entries"]["a"]["receipt"]["evidence"]["valid_until"] = "2999-01-01T00:00:00Z".into();
    };
    let (lab, resource, _) = two_versions();
    lab.referee.tamper_catalog(better);
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ReceiptRefused);
    // Another signer, another format.
    let (lab, resource, _) = two_versions();
    lab.referee.tamper_catalog(|json| json["entries"]["a"]["receipt"]["evidence"]["signers"][0] = "mallory".into());
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::KeyUnknown);
    let (lab, resource, _) = two_versions();
    lab.referee.tamper_catalog(|json| json["entries"]["a"]["receipt"]["evidence"]["format"] = "none".into());
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ReceiptRefused);
    // No signature at all.
    let (lab, resource, _) = two_versions();
    lab.referee.tamper_catalog(|json| json["entries"]["a"]["receipt"]["companions"] = serde_json::json!([]));
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ReceiptRefused);
    // Object, digest and signature changed together: all fit, but for the key.
    let (lab, resource, versions) = two_versions();
    lab.referee.tamper(&versions[1], "spoil");
    let digest = sigcache_core::Digest::of(b"spoil").to_string();
    let signature = Signer::new("mallory").sign(b"spoil");
    lab.referee.tamper_catalog(|json| {
        let receipt = &mut json["entries"]["a"]["receipt"];
        receipt["evidence"]["digest"] = digest.into();
        receipt["companions"][0]["bytes"] =
            base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &signature).into();
    });
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ReceiptRefused);
}

#[test]
fn malicious_bucket_path_in_the_catalog() {
    let (lab, resource, _) = two_versions();
    // The very bytes of the version: only the place is wrong, and a version key that climbs leads nowhere.
    lab.referee.tamper("elsewhere", "other");
    lab.referee.tamper_catalog(|json| json["entries"]["a"]["receipt"]["version"] = "../../elsewhere".into());
    assert_eq!(refusal(lab.read(&resource, 1)), Reason::ObjectMissing);
}

#[test]
fn malicious_bucket_catalog_is_garbage() {
    let (lab, _, _) = two_versions();
    let newest = lab.referee.objects("catalog/").into_keys().rfind(|key| key.ends_with(".json.gz")).unwrap();
    lab.referee.tamper(&newest, "garbage");
    let error = block_on(lab.sound_bucket().catalog()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { key, .. } if key == newest));
    // A run over it does not begin, and so overwrites nothing.
    let before = lab.referee.objects("");
    assert!(lab.try_sync(&[lab.resource("a")], 2).is_err());
    assert_eq!(lab.referee.objects(""), before);
}
