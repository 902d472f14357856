//! What `explain` says of OpenPGP, which is read by those who use it.

use std::sync::Arc;

use sequoia_openpgp::{Cert, types::ReasonForRevocation};
use sigcache_core::{
    Outcome, Reason, Resource, Rules,
    conformance::{Lab, at, expect},
    explain::explain,
    verify::OpenPgp,
};

use crate::{
    certificates::without_subkey,
    maker::{By, cert, clear, detached, public, trust},
};

fn resource(lab: &Lab, verifier: OpenPgp, certs: &[&Cert]) -> Resource {
    let files: Vec<Vec<u8>> = certs.iter().map(|cert| public(cert)).collect();
    lab.resource_with("a", Rules::new(Arc::new(verifier), trust(&files, files.len())))
}

fn text(lab: &Lab, resource: &Resource) -> String {
    let catalog = lab.catalog();
    explain(resource, catalog.get(&resource.name), None, at(0)).join("\n")
}

fn serve(lab: &Lab, document: impl Into<bytes::Bytes>, signature: Option<Vec<u8>>) {
    let document = document.into();
    lab.referee.allow(&document);
    lab.origin.serve(&Lab::url("a"), document);
    if let Some(signature) = signature {
        lab.referee.allow(&signature);
        lab.origin.serve(&Lab::url("a.asc"), signature);
    }
}

#[test]
fn a_signature_beside_the_document() {
    let (alice, bob, lab) = (cert("alice"), cert("bob"), Lab::default());
    serve(&lab, "text", Some(detached(b"text", &[By::new(&alice, 5), By::new(&bob, 5)])));
    let one = resource(&lab, OpenPgp::new(".asc"), &[&alice]);
    expect(&lab.sync(std::slice::from_ref(&one), 0), "a", Outcome::Stored, Reason::FirstVersion);
    let said = text(&lab, &one);
    let expected = "because its openpgp signature matches these very bytes under the key k1; the configuration asks for 1 of: \
                    k1. By its own word the signature was made at 2026-01-06T00:00:00Z; the certificate let its key sign \
                    both then and when the copy was verified. Nothing in the signed content says which document this is";
    assert!(said.contains(expected), "{said}");
    // One of its keys was lost since.
    let lost = without_subkey(&alice, ReasonForRevocation::KeyCompromised, 10);
    let said = text(&lab, &resource(&lab, OpenPgp::new(".asc"), &[&lost]));
    assert!(said.contains("because it is signed with a revoked key of k1, which is no longer trusted."), "{said}");
    assert!(said.contains("It was accepted because its openpgp signature"), "{said}");
    let both = resource(&lab, OpenPgp::new(".asc"), &[&alice, &bob]);
    lab.sync(std::slice::from_ref(&both), 1);
    let said = text(&lab, &both);
    assert!(said.contains("the latest of the signatures was made at 2026-01-06T00:00:00Z"), "{said}");
}

#[test]
fn a_release_file() {
    let (alice, lab) = (cert("alice"), Lab::default());
    // A codename that is also a part of other words.
    let release = "Codename: sid\nDate: Tue, 06 Jan 2026 10:16:37 UTC\n";
    serve(&lab, clear(release.as_bytes(), &[By::new(&alice, 5)]), None);
    let release = resource(&lab, OpenPgp::deb_release(), &[&alice]);
    expect(&lab.sync(std::slice::from_ref(&release), 0), "a", Outcome::Stored, Reason::FirstVersion);
    let said = text(&lab, &release);
    let expected = "The document is the clear-signed Release file of a Debian archive, with nothing around it. By its own \
                    word the signature was made at 2026-01-06T00:00:00Z; the certificate let its key sign both then and \
                    when the copy was verified. The signed content says that it is sid; the configuration does not ask.";
    assert!(said.contains(expected), "{said}");
    assert!(said.contains("It is issued 2026-01-06T10:16:37Z, the newest seen so far"), "{said}");
}
