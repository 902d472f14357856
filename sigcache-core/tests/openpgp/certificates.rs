//! What certificates say: which keys sign, until when, and which do not any more.

use std::time::Duration;

use sequoia_openpgp::{
    Cert,
    cert::{CertBuilder, CertRevocationBuilder, SubkeyRevocationBuilder, amalgamation::ValidateAmalgamation as _},
    serialize::SerializeInto as _,
    types::{KeyFlags, ReasonForRevocation},
};
use sigcache_core::{
    Failure, Reason,
    trust::{KeyError, PublicKey, TrustedKey},
    verify::OpenPgp,
};

use crate::{
    maker::{By, TEXT, beside, cert, day, detached, policy, public, reason, trust, with},
    support::signers,
};

fn by(id: &str, signed: u64, now: u64, cert: &Cert, published: &Cert) -> Result<(), Reason> {
    let trust = trust(&[public(published)], 1);
    let evidence = beside(&trust, now, &detached(TEXT, &[By::new(cert, signed)]), TEXT);
    evidence.map(|evidence| assert_eq!(signers(&evidence), [id])).map_err(|failure: Failure| failure.reason)
}

fn lives(certificate: Option<u64>, key: Option<u64>) -> Cert {
    let span = |days: u64| Duration::from_secs(days * 86_400);
    let builder =
        CertBuilder::new().add_userid("x").set_creation_time(day(0)).set_validity_period(certificate.map(span));
    builder.add_subkey(KeyFlags::empty().set_signing(), key.map(span), None).generate().unwrap().0
}

#[test]
fn a_key_signs_only_while_it_lives() {
    let table = [
        // Certificate, key, signed on, verified on.
        (Some(10), None, 5, 9, Ok(())),
        (Some(10), None, 5, 11, Err(Reason::KeyExpired)),
        (Some(10), None, 11, 11, Err(Reason::KeyExpired)),
        (None, Some(10), 5, 9, Ok(())),
        (None, Some(10), 11, 11, Err(Reason::KeyExpired)),
        // The key was good when the signature says it was made. So says whoever has found the key since.
        (None, Some(10), 5, 11, Err(Reason::KeyExpired)),
    ];
    for (certificate, key, signed, now, expected) in table {
        let cert = lives(certificate, key);
        assert_eq!(by("k1", signed, now, &cert, &cert), expected, "{certificate:?} {key:?} {signed} {now}");
    }
}

#[test]
fn a_stored_copy_outlives_its_key() {
    let cert = lives(Some(10), None);
    let file = detached(TEXT, &[By::new(&cert, 5)]);
    let (keys, name) = (trust(&[public(&cert)], 1), sigcache_core::Name::new("x").unwrap());
    let companions = [Some(file.into())];
    let context = sigcache_core::verify::Context::new(&name, day(20).into(), &keys, &companions);
    let mut check = sigcache_core::verify::Check::begin(&OpenPgp::new(".asc"), context).unwrap();
    check.update(TEXT).unwrap();
    // What a reader of the store asks: only revocation takes it back.
    let evidence = check.finish().unwrap().evidence;
    assert_eq!(signers(&evidence), ["k1"]);
    assert_eq!(keys.still_holds(keys.signers(&evidence)), Ok(()));
}

#[test]
fn a_revoked_certificate_signs_nothing() {
    let alice = cert("alice");
    let mut primary = alice.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let mut revoked = |why| {
        let builder = CertRevocationBuilder::new().set_reason_for_revocation(why, b"").unwrap();
        let signature =
            builder.set_signature_creation_time(day(10)).unwrap().build(&mut primary, &alice, None).unwrap();
        with(&alice, signature)
    };
    for why in [ReasonForRevocation::KeyCompromised, ReasonForRevocation::Unspecified] {
        let lost = revoked(why);
        // Whoever has the key can set the clock back.
        for (signed, now) in [(5, 9), (5, 20), (15, 20)] {
            assert_eq!(by("k1", signed, now, &alice, &lost), Err(Reason::KeyRevoked), "{why} {signed} {now}");
        }
        assert!(TrustedKey::read("k1", &public(&lost)).unwrap()[0].is_revoked(), "{why}");
        assert_eq!(by("k1", 5, 20, &alice, &alice), Ok(()));
    }
    for why in [ReasonForRevocation::KeyRetired, ReasonForRevocation::KeySuperseded] {
        let retired = revoked(why);
        assert_eq!(by("k1", 5, 9, &alice, &retired), Ok(()), "{why}");
        assert_eq!(by("k1", 5, 20, &alice, &retired), Err(Reason::KeyRevoked), "{why}");
        assert_eq!(by("k1", 15, 20, &alice, &retired), Err(Reason::KeyRevoked), "{why}");
        let key = &TrustedKey::read("k1", &public(&retired)).unwrap()[0];
        assert!(!key.is_revoked(), "{why}");
        // What `sigcache keys` says of it.
        assert_eq!(key.may_sign(day(9).into()), Ok(()), "{why}");
        assert_eq!(key.may_sign(day(20).into()).unwrap_err().reason, Reason::KeyRevoked, "{why}");
    }
}

/// The certificate with its subkey revoked on a day.
pub(crate) fn without_subkey(cert: &Cert, why: ReasonForRevocation, on: u64) -> Cert {
    let mut primary = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let subkey = cert.keys().last().unwrap().key().clone().role_into_subordinate().parts_into_public();
    let builder = SubkeyRevocationBuilder::new().set_reason_for_revocation(why, b"").unwrap();
    let builder = builder.set_signature_creation_time(day(on)).unwrap();
    let signature = builder.build(&mut primary, cert, &subkey, None).unwrap();
    with(cert, signature)
}

#[test]
fn a_revoked_subkey_signs_nothing() {
    let alice = cert("alice");
    let lost = without_subkey(&alice, ReasonForRevocation::KeyCompromised, 10);
    assert_eq!(by("k1", 5, 9, &alice, &lost), Err(Reason::KeyRevoked));
    assert_eq!(by("k1", 5, 20, &alice, &lost), Err(Reason::KeyRevoked));
    assert_eq!(by("k1", 5, 20, &alice, &alice), Ok(()));
    let retired = without_subkey(&alice, ReasonForRevocation::KeyRetired, 10);
    assert_eq!(by("k1", 5, 9, &alice, &retired), Ok(()));
    assert_eq!(by("k1", 5, 20, &alice, &retired), Err(Reason::KeyRevoked));
    assert_eq!(by("k1", 15, 20, &alice, &retired), Err(Reason::KeyRevoked));
    let expired = lives(None, Some(10));
    for (cert, reason) in [(&lost, Reason::KeyRevoked), (&retired, Reason::KeyRevoked), (&expired, Reason::KeyExpired)]
    {
        let key = &TrustedKey::read("k1", &public(cert)).unwrap()[0];
        assert_eq!(key.may_sign(day(20).into()).unwrap_err().reason, reason);
    }
}

#[test]
fn a_subkey_can_be_rotated_out_of_a_certificate_that_stays() {
    let span = |days: u64| Some(Duration::from_secs(days * 86_400));
    let builder = CertBuilder::new().add_userid("x").set_creation_time(day(0));
    let builder = builder.add_subkey(KeyFlags::empty().set_signing(), span(10), None);
    let cert = builder.add_subkey(KeyFlags::empty().set_signing(), None, None).generate().unwrap().0;
    let policy = policy();
    let key = |ends: bool| {
        let mut keys = cert.keys().with_policy(&policy, day(5)).secret().for_signing();
        keys.find(|key| key.key_expiration_time().is_some() == ends).unwrap().key().clone()
    };
    let (old, new) = (key(true), key(false));
    let sign = |key: &sequoia_openpgp::packet::Key<_, _>| {
        let builder =
            sequoia_openpgp::packet::signature::SignatureBuilder::new(sequoia_openpgp::types::SignatureType::Binary);
        let builder = builder.set_signature_creation_time(day(5)).unwrap();
        let signature = builder.sign_message(&mut key.clone().into_keypair().unwrap(), TEXT).unwrap();
        sequoia_openpgp::serialize::MarshalInto::to_vec(&sequoia_openpgp::Packet::from(signature)).unwrap()
    };
    let trust = trust(&[public(&cert)], 1);
    assert_eq!(reason(beside(&trust, 20, &sign(&old), TEXT)), Reason::KeyExpired);
    for file in [[sign(&old), sign(&new)].concat(), [sign(&new), sign(&old)].concat()] {
        let evidence = beside(&trust, 20, &file, TEXT).unwrap();
        assert_eq!((signers(&evidence), evidence.signing_keys.len()), (vec!["k1"], 1));
    }
}

#[cfg(feature = "conformance")]
#[test]
fn what_is_stored_outlives_an_expired_subkey_and_not_a_lost_one() {
    use sigcache_core::{
        Outcome, Rules,
        conformance::{Lab, expect},
        judge,
    };
    use std::sync::Arc;

    // The runs are on day 328. The file that a publisher hands out is renewed, and its certificate stays the same key.
    let alice = lives(None, Some(328));
    let expired = lives(None, Some(300));
    let lost = without_subkey(&alice, ReasonForRevocation::KeyCompromised, 10);
    let retired = without_subkey(&alice, ReasonForRevocation::KeyRetired, 10);
    let lab = Lab::default();
    let resource =
        |cert: &Cert| lab.resource_with("a", Rules::new(Arc::new(OpenPgp::new(".asc")), trust(&[public(cert)], 1)));
    let serve = |text: &'static [u8], by: &Cert| {
        let file = detached(text, &[By::new(by, 5)]);
        lab.referee.allow(text);
        lab.referee.allow(&file);
        lab.origin.serve(&Lab::url("a"), text);
        lab.origin.serve(&Lab::url("a.asc"), file);
    };
    serve(TEXT, &expired);
    expect(&lab.sync(&[resource(&expired)], 0), "a", Outcome::Refused, Reason::KeyExpired);
    serve(TEXT, &alice);
    expect(&lab.sync(&[resource(&alice)], 0), "a", Outcome::Stored, Reason::FirstVersion);
    // Expired or retired, the key signs nothing new, and what it signed stays good.
    for (cert, hours, refusal) in [(&alice, 24, Reason::KeyExpired), (&retired, 1, Reason::KeyRevoked)] {
        let resources = [resource(cert)];
        expect(&lab.sync(&resources, hours), "a", Outcome::Unchanged, Reason::NotModified);
        assert_eq!(lab.read(&resources[0], hours).unwrap(), TEXT);
        serve(b"backdated", &alice);
        expect(&lab.sync(&resources, hours), "a", Outcome::Kept, refusal);
        assert_eq!(lab.read(&resources[0], hours).unwrap(), TEXT);
        serve(TEXT, &alice);
    }
    // Lost, it has never signed anything: whoever looks at the receipt alone must see it, too.
    let resources = [resource(&lost)];
    let (catalog, rules) = (lab.catalog(), &resources[0].rules);
    let receipt = catalog.get(&resources[0].name).unwrap().live().unwrap();
    assert_eq!(rules.trust.still_holds(receipt.signers()).unwrap_err().reason, Reason::KeyRevoked);
    assert!(!judge::may_be_read(receipt, "openpgp", &rules.trust, &rules.policy));
    assert!(lab.read(&resources[0], 2).is_err());
    expect(&lab.sync(&resources, 2), "a", Outcome::Withheld, Reason::KeyRevoked);
    lab.assert_published();
}

#[test]
fn attack_a_subkey_that_did_not_agree_is_not_the_certificates() {
    // Eve says that Alice's signing key is hers, without Alice's key saying so.
    let (alice, eve) = (cert("alice"), cert("eve"));
    let stolen = alice.keys().last().unwrap().key().clone().role_into_subordinate().parts_into_public();
    let mut primary = eve.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let builder =
        sequoia_openpgp::packet::signature::SignatureBuilder::new(sequoia_openpgp::types::SignatureType::SubkeyBinding);
    let builder = builder.set_signature_creation_time(day(0)).unwrap();
    let builder = builder.set_key_flags(KeyFlags::empty().set_signing()).unwrap();
    let binding = stolen.bind(&mut primary, &eve, builder).unwrap();
    let key = sequoia_openpgp::Packet::from(stolen);
    let claimed = eve.clone().insert_packets(vec![key, binding.into()]).unwrap().0;
    let trust = trust(&[public(&claimed)], 1);
    let verdict = reason(beside(&trust, 2, &detached(TEXT, &[By::new(&alice, 1)]), TEXT));
    assert_eq!(verdict, Reason::KeyUnknown);
    assert!(claimed.with_policy(&policy(), day(1)).is_ok());
}

#[test]
fn a_keyring_is_its_certificates() {
    let (alice, bob) = (cert("alice"), cert("bob"));
    let export = |cert: &Cert| cert.clone().strip_secret_key_material().to_vec().unwrap();
    let ring = [export(&alice), export(&bob)].concat();
    let keys = TrustedKey::read("team", &ring).unwrap();
    let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    let (a, b) = (format!("team:{}", alice.fingerprint()), format!("team:{}", bob.fingerprint()));
    assert_eq!(ids, [&a, &b]);
    assert!(matches!(PublicKey::parse(&ring), Err(KeyError::Keyring)));
    let trust = sigcache_core::trust::Trust::new(keys, 2).unwrap();
    let both = detached(TEXT, &[By::new(&alice, 1), By::new(&bob, 1)]);
    assert_eq!(signers(&beside(&trust, 2, &both, TEXT).unwrap()), [&a, &b]);
}

#[test]
fn the_fingerprint_is_of_the_primary_key_alone() {
    let alice = cert("alice");
    let other = {
        let mut primary = alice.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
        let policy = policy();
        let again = alice.primary_key().with_policy(&policy, day(1)).unwrap();
        let longer = again.set_expiration_time(&mut primary, Some(day(100))).unwrap();
        alice.clone().insert_packets(longer).unwrap().0
    };
    let fingerprint = |file: &[u8]| PublicKey::parse(file).unwrap().fingerprint();
    let binary = alice.clone().strip_secret_key_material().to_vec().unwrap();
    assert_eq!(fingerprint(&public(&alice)), fingerprint(&binary));
    assert_eq!(fingerprint(&public(&alice)), fingerprint(&public(&other)));
    assert_ne!(fingerprint(&public(&alice)), fingerprint(&public(&cert("alice"))));
    let key = PublicKey::parse(&binary).unwrap();
    assert!(key.is_openpgp());
    assert_eq!((key.algorithm(), key.spki_der(), key.as_opaque()), (None, None, None));
}

#[test]
fn what_is_no_certificate_is_refused() {
    let alice = cert("alice");
    let private = alice.as_tsk().armored().to_vec().unwrap();
    assert_eq!(PublicKey::parse(&private).unwrap_err(), KeyError::PrivateKey);
    assert_eq!(PublicKey::parse(&alice.as_tsk().to_vec().unwrap()).unwrap_err(), KeyError::PrivateKey);
    let binary = alice.clone().strip_secret_key_material().to_vec().unwrap();
    let armored = public(&alice);
    for damaged in
        [&binary[..binary.len() - 1], &binary[..3], &armored[..armored.len() / 2], b"-----BEGIN PGP MESSAGE-----"]
    {
        assert!(matches!(PublicKey::parse(damaged), Err(KeyError::Damaged { .. })), "{}", damaged.len());
    }
}
