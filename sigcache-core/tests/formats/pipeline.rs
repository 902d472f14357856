//! A list that many documents share, through a whole cache: fetched beside each, kept for each, audited from the store.

use std::sync::Arc;

use sigcache_core::{
    Outcome, Reason, Resource, Rules,
    conformance::{Lab, expect},
    hex,
    trust::HashKind,
    verify::{Checksums, Detached},
};

fn line(name: &str, document: &[u8]) -> String {
    format!("{}  {name}\n", hex(HashKind::Sha256.of(document).as_bytes()))
}

/// The source serves this list, properly signed.
fn publish(lab: &Lab, path: &str, list: &str) {
    lab.publish(path, list.to_owned());
}

fn rules(lab: &Lab, list: &str) -> Rules {
    Rules::new(Arc::new(Checksums::new(list, Arc::new(Detached::new(".sig")))), lab.signer.trust())
}

fn serve(lab: &Lab, name: &str, document: &'static [u8]) {
    lab.referee.allow(document);
    lab.origin.serve(&Lab::url(name), document);
}

#[test]
fn each_document_keeps_the_list_that_vouches_for_it() {
    let lab = Lab::default();
    serve(&lab, "d/one", b"first");
    serve(&lab, "d/two", b"second");
    let list = [line("one", b"first"), line("two", b"second")].concat();
    publish(&lab, "d/SUMS", &list);
    let rules = rules(&lab, "SUMS");
    let resources = ["d/one", "d/two"].map(|name| lab.resource_with(name, rules.clone()));
    let report = lab.sync(&resources, 0);
    for name in ["d/one", "d/two"] {
        expect(&report, name, Outcome::Stored, Reason::FirstVersion);
    }
    let latest: Vec<String> = lab.referee.objects("latest/").into_keys().collect();
    let expected = ["one", "one.SUMS", "one.SUMS.sig", "two", "two.SUMS", "two.SUMS.sig"];
    assert_eq!(latest, expected.map(|name| format!("latest/d/{name}")));
    lab.assert_published();

    // The list moves on for one of them. The other was not asked for again, and keeps the list that it came with.
    serve(&lab, "d/two", b"second, improved");
    let newer = [line("one", b"first"), line("two", b"second, improved")].concat();
    publish(&lab, "d/SUMS", &newer);
    let report = lab.sync(&resources, 1);
    expect(&report, "d/one", Outcome::Unchanged, Reason::NotModified);
    expect(&report, "d/two", Outcome::Stored, Reason::NewVersion);
    let latest = lab.referee.objects("latest/");
    assert_eq!(
        (&latest["latest/d/one.SUMS"][..], &latest["latest/d/two.SUMS"][..]),
        (list.as_bytes(), newer.as_bytes())
    );
    lab.assert_published();
    lab.assert_readable(&resources, 1);
    let audited = lab.audit(&resources, 1);
    let reasons: Vec<Reason> = audited.decisions.iter().map(|decision| decision.reason).collect();
    assert_eq!(reasons, [Reason::AuditPassed, Reason::AuditPassed]);
}

#[test]
fn attack_mirror_that_swaps_rolls_back_or_withholds() {
    let lab = Lab::default();
    serve(&lab, "d/one", b"first");
    serve(&lab, "d/two", b"second");
    publish(&lab, "SUMS", &[line("d/one", b"first"), line("d/two", b"second")].concat());
    // A list a folder higher, with names from there.
    let resource = |name: &str| {
        let mut rules = rules(&lab, "../SUMS");
        rules.policy.identity = Some(name.into());
        lab.resource_with(name, rules)
    };
    let resources: [Resource; 2] = [resource("d/one"), resource("d/two")];
    expect(&lab.sync(&resources, 0), "d/one", Outcome::Stored, Reason::FirstVersion);
    for (document, reason) in [(&b"second"[..], Reason::IdentityMismatch), (b"evil", Reason::SignatureMismatch)] {
        lab.origin.serve(&Lab::url("d/one"), document);
        expect(&lab.sync(&resources, 1), "d/one", Outcome::Kept, reason);
    }
    // A list that the publisher signed and that leaves the document out; and one that nobody signed.
    publish(&lab, "SUMS", &line("d/two", b"second"));
    lab.origin.serve(&Lab::url("d/one"), &b"first, again"[..]);
    expect(&lab.sync(&resources, 2), "d/one", Outcome::Kept, Reason::IdentityMissing);
    lab.origin.serve(&Lab::url("SUMS"), line("d/one", b"first, again"));
    expect(&lab.sync(&resources, 3), "d/one", Outcome::Kept, Reason::SignatureMismatch);
    for gone in ["SUMS.sig", "SUMS"] {
        lab.origin.status(&Lab::url(gone), 404);
        expect(&lab.sync(&resources, 4), "d/one", Outcome::Kept, Reason::CompanionMissing);
    }
    // Back to a version that was replaced, with the list of then, which is still signed.
    serve(&lab, "d/one", b"better");
    publish(&lab, "SUMS", &line("d/one", b"better"));
    expect(&lab.sync(&resources, 5), "d/one", Outcome::Stored, Reason::NewVersion);
    serve(&lab, "d/one", b"first");
    publish(&lab, "SUMS", &line("d/one", b"first"));
    expect(&lab.sync(&resources, 6), "d/one", Outcome::Kept, Reason::ReplayedVersion);
    assert_eq!(lab.read(&resources[0], 6).unwrap(), "better");
}
