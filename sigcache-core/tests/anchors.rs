//! Anchors: verified documents that name the keys of others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use sigcache_core::{
    Decision, Digest, Name, Outcome, Reason, Report, Resource, Rules, Standing,
    anchor::{self, Anchored, Vouches},
    conformance::{Lab, Signer, at, block_on, expect},
    hex,
    run::{Runner, Selection},
    store::Shard,
    trust::Trust,
    verify::{Claims, Detached, Pointer},
};

/// A lab whose resource `anchor` names the keys of countries, each of which signs its own document.
struct World {
    lab: Lab,
    anchor: Resource,
    anchored: Vec<Anchored>,
}

fn url(country: &str) -> String {
    Lab::url(country)
}

fn name(country: &str) -> Name {
    Name::new(&format!("metadata/{}", hex(url(country).as_bytes()))).unwrap()
}

fn jwk_set(keys: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// The entry of a country in the anchor.
fn entry(country: &str, key: &str) -> String {
    Signer::new(key).jwk(&url(country))
}

impl World {
    fn new() -> Self {
        let lab = Lab::default();
        let anchor = lab.resource_with("anchor", lab.rules().as_anchor());
        let rules = Arc::new(Rules::new(Arc::new(Detached::new(".sig")), Trust::nobody()));
        let vouches = Vouches::Entries { name: "metadata/{url_hex}".into(), identity: None, rules };
        let anchored = vec![Anchored::new(Name::new("anchor").unwrap(), vouches)];
        Self { lab, anchor, anchored }
    }

    fn anchor(&self, keys: &[String]) {
        self.lab.publish("anchor", jwk_set(keys));
    }

    /// The country serves `document`, signed with `key`.
    fn country(&self, country: &str, key: &str, document: &str) {
        let signature = Signer::new(key).sign(document.as_bytes());
        self.lab.referee.allow(document.as_bytes());
        self.lab.referee.allow(&signature);
        self.lab.origin.serve(&url(country), document.to_owned());
        self.lab.origin.serve(&(url(country) + ".sig"), signature);
    }

    fn runner(&self) -> Runner {
        self.lab.runner().with_anchored(self.anchored.clone())
    }

    fn sync(&self, hours: i64) -> Report {
        self.sync_over(std::slice::from_ref(&self.anchor), hours)
    }

    fn sync_over(&self, resources: &[Resource], hours: i64) -> Report {
        block_on(self.runner().sync(resources, &Selection::All, at(hours), self.lab.nonce())).unwrap()
    }

    fn standing(&self, country: &str) -> Standing {
        self.lab.catalog().get(&name(country)).unwrap().standing
    }

    /// What a reader gets who has the configuration and the store.
    fn read(&self, country: &str, hours: i64) -> Option<bytes::Bytes> {
        let resources = [self.anchor.clone()];
        let known = anchor::all(&resources, &self.anchored, &self.lab.catalog(), at(hours));
        let resource = known.resources.iter().find(|resource| resource.name == name(country))?;
        self.lab.read(resource, hours).ok()
    }
}

#[track_caller]
fn decided<'a>(report: &'a Report, country: &str, outcome: Outcome, reason: Reason) -> &'a Decision {
    expect(report, name(country).as_str(), outcome, reason)
}

#[test]
fn what_an_anchor_names_is_stored_in_the_same_run() {
    let world = World::new();
    world.anchor(&[entry("dk", "dk-1"), entry("se", "se-1")]);
    world.country("dk", "dk-1", "from dk");
    world.country("se", "se-1", "from se");
    let report = world.sync(0);
    expect(&report, "anchor", Outcome::Stored, Reason::FirstVersion);
    let decision = decided(&report, "dk", Outcome::Stored, Reason::FirstVersion);
    let key = decision.keys.as_ref().unwrap()[0].to_string();
    assert!(key.starts_with("anchor#"), "the key says whose word it rests on: {key}");
    decided(&report, "se", Outcome::Stored, Reason::FirstVersion);
    assert_eq!(world.read("dk", 0).unwrap(), "from dk");
    world.lab.assert_published();

    // Unchanged: an anchor costs no request to the store.
    let report = world.sync(1);
    assert!(report.is_good());
    assert_eq!(report.totals.unchanged, 3);
    assert!(report.store_requests <= 4, "{} requests", report.store_requests);
}

#[test]
fn one_country_cannot_sign_for_another() {
    let world = World::new();
    world.anchor(&[entry("dk", "dk-1"), entry("se", "se-1")]);
    world.country("dk", "se-1", "from se as dk");
    world.country("se", "se-1", "from se");
    let report = world.sync(0);
    decided(&report, "dk", Outcome::Refused, Reason::SignatureMismatch);
    decided(&report, "se", Outcome::Stored, Reason::FirstVersion);
}

#[test]
fn a_changed_key_for_a_known_name_takes_effect_in_the_same_run() {
    let world = World::new();
    world.anchor(&[entry("dk", "dk-1"), entry("se", "se-1")]);
    world.country("dk", "dk-1", "one");
    world.country("se", "se-1", "from se");
    world.sync(0);
    world.anchor(&[entry("dk", "dk-2"), entry("se", "se-1")]);
    world.country("dk", "dk-2", "two");
    let report = world.sync(1);
    expect(&report, "anchor", Outcome::Stored, Reason::NewVersion);
    decided(&report, "dk", Outcome::Stored, Reason::NewVersion);
    decided(&report, "se", Outcome::Unchanged, Reason::NotModified);
    assert_eq!(world.read("dk", 1).unwrap(), "two");

    // The key changes and the country does not follow: what the old key signed is trusted no more.
    world.anchor(&[entry("dk", "dk-3"), entry("se", "se-1")]);
    let report = world.sync(2);
    decided(&report, "dk", Outcome::Withheld, Reason::SignatureMismatch);
    assert_eq!(world.standing("dk"), Standing::Withheld);
    assert_eq!(world.read("dk", 2), None);
    world.lab.assert_published();
}

#[test]
fn the_very_same_document_under_a_new_key_is_asked_for_whole() {
    let world = World::new();
    world.anchor(&[entry("dk", "dk-1")]);
    world.country("dk", "dk-1", "same");
    world.sync(0);
    world.anchor(&[entry("dk", "dk-2")]);
    world.country("dk", "dk-2", "same");
    let report = world.sync(1);
    decided(&report, "dk", Outcome::Stored, Reason::NewVersion);
    assert_eq!(world.read("dk", 1).unwrap(), "same");
}

#[test]
fn two_keys_of_one_entry_may_both_sign() {
    let world = World::new();
    world.anchor(&[entry("dk", "dk-1"), entry("dk", "dk-2")]);
    for (hours, key) in [(0, "dk-1"), (1, "dk-2")] {
        world.country("dk", key, key);
        assert!(world.sync(hours).is_good());
        assert_eq!(world.read("dk", hours).unwrap(), key);
    }
}

#[test]
fn an_entry_that_is_gone_takes_its_resource_along() {
    let world = World::new();
    let countries = ["dk", "se", "no", "fi"];
    world.anchor(&countries.map(|country| entry(country, country)));
    for country in countries {
        world.country(country, country, country);
    }
    world.sync(0);
    world.anchor(&["se", "no", "fi"].map(|country| entry(country, country)));
    let report = world.sync(1);
    decided(&report, "dk", Outcome::Removed, Reason::LeftConfig);
    assert_eq!(world.standing("dk"), Standing::Removed);
    world.lab.assert_published();
    // Most of them at once are not believed.
    world.anchor(&["se"].map(|country| entry(country, country)));
    let mut runner = world.runner();
    runner = runner.with_removal_limit(0.25);
    let report = block_on(runner.sync(std::slice::from_ref(&world.anchor), &Selection::All, at(2), 99)).unwrap();
    decided(&report, "no", Outcome::Kept, Reason::MassRemoval);
    decided(&report, "fi", Outcome::Kept, Reason::MassRemoval);
}

#[test]
fn a_tampered_or_dead_anchor_leaves_everything_as_it_was() {
    let world = World::new();
    world.anchor(&[entry("dk", "dk-1")]);
    world.country("dk", "dk-1", "one");
    world.sync(0);
    world.lab.origin.serve(&url("anchor"), jwk_set(&[entry("dk", "evil")]));
    world.country("dk", "dk-1", "two");
    let report = world.sync(1);
    expect(&report, "anchor", Outcome::Kept, Reason::SignatureMismatch);
    decided(&report, "dk", Outcome::Stored, Reason::NewVersion);
    world.lab.origin.down(&url("anchor"));
    let report = world.sync(2);
    expect(&report, "anchor", Outcome::Kept, Reason::ConnectionRefused);
    decided(&report, "dk", Outcome::Unchanged, Reason::NotModified);
}

/// The anchor says itself how long it is valid.
fn expiring(world: &mut World) {
    let mut claims = Claims::default();
    claims.expires = Some(Pointer::new("/exp").unwrap());
    let mut rules = world.lab.rules();
    rules.verifier = Arc::new(Detached::new(".sig").with_claims(claims));
    world.anchor = world.lab.resource_with("anchor", rules.as_anchor());
    let keys = entry("dk", "dk-1");
    world.lab.publish("anchor", format!(r#"{{"keys":[{keys}],"exp":"{}"}}"#, at(10)));
}

#[test]
fn what_rests_on_an_expired_anchor_stands_and_is_not_fetched() {
    let mut world = World::new();
    expiring(&mut world);
    world.country("dk", "dk-1", "one");
    assert!(world.sync(0).is_good());
    world.country("dk", "dk-1", "two");
    let asked = world.lab.origin.requests();
    let report = world.sync(11);
    expect(&report, "anchor", Outcome::Withheld, Reason::CopyExpired);
    let decision = decided(&report, "dk", Outcome::Kept, Reason::AnchorBroken);
    assert!(decision.expected.as_ref().unwrap().contains("anchor"), "{decision}");
    assert_eq!(world.lab.origin.requests(), asked + 1, "only the anchor was asked for");
    assert_eq!(world.read("dk", 11).unwrap(), "one");
    // And its own expiry goes on: nobody confirms it.
    let mut rules = Rules::new(Arc::new(Detached::new(".sig")), Trust::nobody());
    rules.policy.max_stale = Some(std::time::Duration::from_secs(3600));
    let vouches = Vouches::Entries { name: "metadata/{url_hex}".into(), identity: None, rules: Arc::new(rules) };
    world.anchored = vec![Anchored::new(Name::new("anchor").unwrap(), vouches)];
    let report = world.sync(12);
    decided(&report, "dk", Outcome::Withheld, Reason::AnchorBroken);
    assert_eq!(world.standing("dk"), Standing::Withheld);
}

#[test]
fn what_rests_on_a_revoked_key_is_withheld() {
    let world = World::new();
    world.anchor(&[entry("dk", "dk-1")]);
    world.country("dk", "dk-1", "one");
    world.sync(0);
    let mut key = world.lab.signer.trusted();
    key.revoked = true;
    let rules = world.lab.rules().with_trust(Trust::new(vec![key], 1).unwrap()).as_anchor();
    let revoked = world.lab.resource_with("anchor", rules);
    let report = world.sync_over(&[revoked], 1);
    expect(&report, "anchor", Outcome::Withheld, Reason::KeyRevoked);
    decided(&report, "dk", Outcome::Withheld, Reason::AnchorBroken);
    world.lab.assert_published();
    // With the key trusted again everything comes back.
    let report = world.sync(2);
    assert!(report.is_good(), "{:?}", report.decisions);
    assert_eq!(world.read("dk", 2).unwrap(), "one");
}

#[test]
fn one_bad_entry_does_not_stop_the_others() {
    let world = World::new();
    let good = entry("dk", "dk-1");
    let unknown_kind = format!(r#"{{"kty":"oct","kid":"{}","k":"AAAA"}}"#, url("se"));
    let scheme = Signer::new("x").jwk("ftp://a.example/x");
    let long = Signer::new("x").jwk(&url(&"x".repeat(600)));
    world.anchor(&[unknown_kind, good, scheme, long]);
    world.country("dk", "dk-1", "one");
    let report = world.sync(0);
    decided(&report, "dk", Outcome::Stored, Reason::FirstVersion);
    decided(&report, "se", Outcome::Refused, Reason::AnchorEntryUnusable);
    let unusable = report.decisions.iter().filter(|d| d.reason == Reason::AnchorEntryUnusable);
    let found: Vec<&str> = unusable.map(|decision| decision.found.as_deref().unwrap()).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|found| found.contains("ftp:")), "{found:?}");
    assert!(found.iter().any(|found| found.contains("800 bytes")), "{found:?}");
}

#[test]
fn a_signed_anchor_that_is_no_list_of_keys_takes_nobodys_place() {
    let world = World::new();
    let faulty = ["not JSON", "{}", r#"{"keys":[{"kty":"EC"}]}"#];
    for document in faulty {
        world.lab.publish("anchor", document);
        let report = world.sync(0);
        let decision = expect(&report, "anchor", Outcome::Refused, Reason::MalformedDocument);
        assert_eq!(decision.expected.as_deref(), Some("a JWK set, since others rest on its keys"));
        assert_eq!(report.decisions.len(), 1);
    }
    world.anchor(&[entry("dk", "dk-1")]);
    world.country("dk", "dk-1", "one");
    assert!(world.sync(1).is_good());
    for document in faulty {
        world.lab.publish("anchor", document);
        let report = world.sync(2);
        expect(&report, "anchor", Outcome::Kept, Reason::MalformedDocument);
        decided(&report, "dk", Outcome::Unchanged, Reason::NotModified);
        assert_eq!(world.read("dk", 2).unwrap(), "one");
    }
    // And the one before is no step back.
    world.anchor(&[entry("dk", "dk-1")]);
    assert!(world.sync(3).is_good());
}

#[test]
fn what_no_anchor_vouches_for_is_known_all_the_same() {
    let world = World::new();
    let countries = ["dk", "se", "no", "fi"];
    world.anchor(&countries.map(|country| entry(country, country)));
    countries.iter().for_each(|country| world.country(country, country, country));
    world.sync(0);
    // One entry cannot be used, and two are gone, which is too much at once.
    let unusable = format!(r#"{{"kty":"oct","kid":"{}","k":"AAAA"}}"#, url("se"));
    world.anchor(&[entry("dk", "dk"), unusable]);
    let runner = world.runner().with_removal_limit(0.1);
    let report =
        block_on(runner.sync(std::slice::from_ref(&world.anchor), &Selection::All, at(1), world.lab.nonce())).unwrap();
    decided(&report, "no", Outcome::Kept, Reason::MassRemoval);
    decided(&report, "se", Outcome::Withheld, Reason::AnchorEntryUnusable);
    let known = anchor::all(std::slice::from_ref(&world.anchor), &world.anchored, &world.lab.catalog(), at(1));
    let names = |resources: &[Resource]| resources.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&known.resources), [world.anchor.name.clone(), name("dk")]);
    assert_eq!(names(&known.unvouched), [name("se"), name("fi"), name("no")]);
    assert!(world.lab.read(&known.unvouched[1], 1).is_err(), "nobody vouches for it");
}

#[test]
fn attack_the_anchor_in_the_catalog_is_edited() {
    let world = World::new();
    world.anchor(&[entry("dk", "dk-1")]);
    world.country("dk", "dk-1", "one");
    world.sync(0);
    // Who can write to the bucket gives the anchor's entry another document, with or without its digest.
    let catalog = world.lab.catalog();
    let receipt = catalog.get(&world.anchor.name).unwrap().receipt.clone().unwrap();
    let evil = jwk_set(&[entry("dk", "evil")]);
    for digest in [receipt.evidence.digest, Digest::of(evil.as_bytes())] {
        let mut forged = (*receipt).clone();
        forged.document = Some(evil.clone().into());
        (forged.evidence.digest, forged.evidence.size) = (digest, evil.len() as u64);
        let refused = anchor::vouched(&world.anchored[0], &world.anchor, &forged, at(1)).unwrap_err();
        assert_eq!(refused.reason, Reason::AnchorBroken);
    }
    let mut without = (*receipt).clone();
    without.document = None;
    assert!(anchor::vouched(&world.anchored[0], &world.anchor, &without, at(1)).is_err());
    assert!(anchor::vouched(&world.anchored[0], &world.anchor, &receipt, at(1)).is_ok());
}

#[test]
fn one_resource_rests_on_any_keys_of_an_anchor_and_may_be_an_anchor_itself() {
    let lab = Lab::default();
    let resource = |name: &str| {
        Resource::new(
            Name::new(name).unwrap(),
            [Lab::url(name).parse().unwrap()],
            Arc::new(Rules::new(Arc::new(Detached::new(".sig")), Trust::nobody())),
        )
    };
    let mut middle = resource("middle");
    middle.rules = Arc::new((*middle.rules).clone().as_anchor());
    let top = lab.resource_with("top", lab.rules().as_anchor());
    let rests = |resource: &Resource, anchor: &str, threshold| {
        Anchored::new(Name::new(anchor).unwrap(), Vouches::Resource { resource: resource.clone(), threshold })
    };
    let anchored = vec![rests(&middle, "top", 1), rests(&resource("leaf"), "middle", 1)];
    let signed = |name: &str, key: &str, document: String| {
        let signature = Signer::new(key).sign(document.as_bytes());
        lab.referee.allow(document.as_bytes());
        lab.referee.allow(&signature);
        lab.origin.serve(&Lab::url(name), document);
        lab.origin.serve(&(Lab::url(name) + ".sig"), signature);
    };
    lab.publish("top", jwk_set(&[Signer::new("m-1").jwk("m-1"), Signer::new("m-2").jwk("m-2")]));
    signed("middle", "m-2", jwk_set(&[Signer::new("l").jwk("l")]));
    signed("leaf", "l", "leaf".to_owned());
    let run = |hours| {
        let runner = lab.runner().with_anchored(anchored.clone());
        block_on(runner.sync(std::slice::from_ref(&top), &Selection::All, at(hours), lab.nonce())).unwrap()
    };
    let report = run(0);
    for name in ["top", "middle", "leaf"] {
        expect(&report, name, Outcome::Stored, Reason::FirstVersion);
    }
    assert!(run(1).is_good());
    // The top names other keys: nothing below it holds any more.
    lab.publish("top", jwk_set(&[Signer::new("m-3").jwk("m-3")]));
    let report = run(2);
    expect(&report, "middle", Outcome::Withheld, Reason::SignatureMismatch);
    expect(&report, "leaf", Outcome::Withheld, Reason::AnchorBroken);
    lab.assert_published();
}

#[test]
fn every_shard_has_the_anchor_and_its_part_of_the_rest() {
    let world = World::new();
    let countries = ["dk", "se", "no", "fi", "is", "ee", "lv", "lt"];
    world.anchor(&countries.map(|country| entry(country, country)));
    for country in countries {
        world.country(country, country, country);
    }
    let mut stored = Vec::new();
    for index in 1..=3 {
        let shard: Shard = format!("{index}/3").parse().unwrap();
        let bucket = sigcache_core::store::Bucket::new(world.lab.referee.clone()).with_shard(shard);
        let runner = world.lab.runner_on(Arc::new(bucket)).with_shard(shard).with_anchored(world.anchored.clone());
        let report = block_on(runner.sync(std::slice::from_ref(&world.anchor), &Selection::All, at(0), index)).unwrap();
        assert!(report.is_good());
        expect(&report, "anchor", Outcome::Stored, Reason::FirstVersion);
        stored.extend(report.decisions.iter().skip(1).map(|decision| decision.resource.clone()));
        let again =
            block_on(runner.sync(std::slice::from_ref(&world.anchor), &Selection::All, at(1), index + 10)).unwrap();
        assert_eq!(again.totals.unchanged as usize, again.decisions.len());
    }
    stored.sort();
    let mut expected: Vec<Name> = countries.iter().map(|country| name(country)).collect();
    expected.sort();
    assert_eq!(stored, expected);
}

#[test]
fn an_audit_looks_at_what_anchors_vouch_for() {
    let world = World::new();
    world.anchor(&[entry("dk", "dk-1")]);
    world.country("dk", "dk-1", "one");
    world.sync(0);
    let auditor = world.lab.auditor().with_anchored(world.anchored.clone());
    let report = block_on(auditor.audit(std::slice::from_ref(&world.anchor), at(1), 5)).unwrap();
    decided(&report, "dk", Outcome::Unchanged, Reason::AuditPassed);
    assert_eq!(world.lab.catalog().entries().len(), 2);
}
