//! Signed XML through the whole pipeline: it needs no companion, and what was verified is what is stored.

use std::sync::Arc;

use sigcache_core::{
    Outcome, Reason,
    conformance::{Lab, expect},
};

use crate::corpus::{folder, read, trust, verifier};

#[test]
fn metadata_is_stored_as_it_came_and_attacks_leave_it_alone() {
    let lab = Lab::default();
    let mut rules = lab.rules();
    rules.verifier = Arc::new(verifier("saml-metadata"));
    rules.trust = trust(&["ec-p256"]);
    rules.policy.identity = Some("https://idp.example/saml".into());
    let resources = [lab.resource_with("metadata.xml", rules)];
    let serve = |path: &str| {
        let document = read(folder(path));
        lab.origin.serve(&Lab::url("metadata.xml"), document.clone());
        document
    };
    let good = serve("xml/good/xmlsec1-exclusive.xml");
    lab.referee.allow(&good);
    expect(&lab.sync(&resources, 0), "metadata.xml", Outcome::Stored, Reason::FirstVersion);
    assert_eq!(lab.read(&resources[0], 0).unwrap(), good);
    for (attack, reason) in [
        ("tampered-text", Reason::SignatureMismatch),
        ("wrapping-3-original-after-signature-id-same-id", Reason::MalformedDocument),
        ("transform-xpath", Reason::MalformedSignature),
        ("key-of-a-stranger", Reason::KeyUnknown),
    ] {
        serve(&format!("xml-attacks/documents/{attack}.xml"));
        expect(&lab.sync(&resources, 1), "metadata.xml", Outcome::Kept, reason);
    }
    // Validly signed by the same key, but the metadata of others.
    serve("xml/good/xmlsec1-entities-exclusive.xml");
    expect(&lab.sync(&resources, 2), "metadata.xml", Outcome::Kept, Reason::IdentityMismatch);
    assert_eq!(lab.read(&resources[0], 2).unwrap(), good);
    // The same document with another form of signature is a new version with the same mark.
    let other = serve("xml/good/xmlsec1-c14n11.xml");
    lab.referee.allow(&other);
    expect(&lab.sync(&resources, 3), "metadata.xml", Outcome::Stored, Reason::NewVersion);
    assert_eq!(lab.read(&resources[0], 3).unwrap(), other);
}
