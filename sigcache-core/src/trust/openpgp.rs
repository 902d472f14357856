//! OpenPGP certificates: a primary key, and what it says of itself, of its user ids and of its subkeys.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sequoia_openpgp::{
    Cert, Packet,
    cert::amalgamation::{ValidAmalgamation as _, ValidateAmalgamation as _, key::ErasedKeyAmalgamation},
    packet::{
        Key,
        key::{PublicParts, UnspecifiedRole},
    },
    policy::{HashAlgoSecurity, StandardPolicy},
    serialize::MarshalInto as _,
    types::{HashAlgorithm, RevocationStatus, RevocationType},
};

use super::{
    key::{KeyError, PublicKey},
    known::damaged,
};
use crate::{digest::Digest, reason::Reason, time::Timestamp};

/// The hashes for which anybody can make two documents with one signature.
const BROKEN_HASHES: &[HashAlgorithm] = &[HashAlgorithm::MD5, HashAlgorithm::RipeMD, HashAlgorithm::SHA1];

/// Which algorithms are good enough at `now`. Over data the broken hashes never are, whatever the clock says.
pub(crate) fn policy(now: Timestamp) -> StandardPolicy<'static> {
    let mut policy = StandardPolicy::at(system_time(now));
    for hash in BROKEN_HASHES {
        policy.reject_hash_property_at(*hash, HashAlgoSecurity::CollisionResistance, UNIX_EPOCH);
    }
    policy
}

fn system_time(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(0))
}

/// A certificate as a key: its fingerprint is that of the primary key, and so the same whatever is added to it.
pub(super) fn public_key(cert: Cert) -> Result<PublicKey, KeyError> {
    let primary = fingerprint(cert.primary_key().key().role_as_unspecified());
    let primary = primary.map_err(|error| damaged("OpenPGP certificate", error))?;
    Ok(PublicKey::of_openpgp(primary, Arc::new(cert)))
}

/// What a key of a certificate is known by, as primary key or as subkey: SHA-256 of its packet as a primary key. Not the
/// fingerprint of OpenPGP, which for most keys is a SHA-1.
pub(crate) fn fingerprint(key: &Key<PublicParts, UnspecifiedRole>) -> sequoia_openpgp::Result<Digest> {
    Ok(Digest::of(&Packet::from(key.clone().role_into_primary()).to_vec()?))
}

/// The key of the certificate with this fingerprint.
pub(super) fn key(cert: &Cert, known_by: Digest) -> Option<Certified<'_>> {
    cert.keys().find(|key| fingerprint(key.key()).is_ok_and(|own| own == known_by))
}

/// Whether the key with this fingerprint, or any, may sign at `now`, as [`signs_at`] says. Whoever has a key can give a
/// signature any time, so the time of the signature alone would let an expired or retired key sign for ever.
pub(super) fn may_sign(cert: &Cert, known_by: Option<Digest>, now: Timestamp) -> Result<(), Refusal> {
    let policy = policy(now);
    let mut refusal = (Reason::KeyUnknown, "no key of it that is there for signing");
    let meant =
        |key: &Certified<'_>| known_by.is_none_or(|known_by| fingerprint(key.key()).is_ok_and(|own| own == known_by));
    for key in cert.keys().filter(meant) {
        match signs_at(&key, &policy, now) {
            Ok(()) => return Ok(()),
            // That a key has ended says more than that another one is for encryption.
            Err(other) if refusal.0 == Reason::KeyUnknown => refusal = other,
            Err(_) => {}
        }
    }
    Err(refusal)
}

/// Why a key of a certificate does not sign.
pub(crate) type Refusal = (Reason, &'static str);

/// A key of a certificate.
pub(crate) type Certified<'a> = ErasedKeyAmalgamation<'a, PublicParts>;

/// Whether the certificate vouches for its key at this moment: bound, there for signing, neither expired nor revoked, and
/// the certificate neither.
pub(crate) fn signs_at(key: &Certified<'_>, policy: &StandardPolicy<'static>, time: Timestamp) -> Result<(), Refusal> {
    let is_revoked = |status: RevocationStatus<'_>| matches!(status, RevocationStatus::Revoked(_));
    match key.clone().with_policy(policy, system_time(time)) {
        Err(_) => Err((Reason::KeyUnknown, "a key that its certificate does not vouch for, or not safely")),
        Ok(key) if is_revoked(key.valid_cert().revocation_status()) => {
            Err((Reason::KeyRevoked, "a revoked certificate"))
        }
        Ok(key) if is_revoked(key.revocation_status()) => Err((Reason::KeyRevoked, "a revoked key")),
        Ok(key) if key.valid_cert().alive().is_err() => Err((Reason::KeyExpired, "an expired certificate")),
        Ok(key) if key.alive().is_err() => Err((Reason::KeyExpired, "an expired key")),
        Ok(key) if !key.for_signing() => Err((Reason::KeyUnknown, "a key that is not there for signing")),
        Ok(_) => Ok(()),
    }
}

/// Whether the key was revoked for good: it was lost, or no reason was given.
pub(super) fn is_lost(key: &Certified<'_>) -> bool {
    key.self_revocations().any(|revocation| {
        let why = revocation.reason_for_revocation();
        why.is_none_or(|(why, _)| why.revocation_type() == RevocationType::Hard)
    })
}

/// Whether the certificate was revoked for good: its key was lost, or no reason was given.
pub(super) fn is_revoked_for_good(cert: &Cert) -> bool {
    // A revocation that only ends a certificate's use counts from its own time on, and none was made before this one.
    let policy = policy(Timestamp::from_millis(0));
    matches!(cert.revocation_status(&policy, UNIX_EPOCH), RevocationStatus::Revoked(_))
}

/// When the primary key expires, by the latest that it says of itself.
pub(super) fn expiry(cert: &Cert) -> Option<Timestamp> {
    let of_users = cert.userids().flat_map(|user| user.self_signatures());
    let own = cert.primary_key().self_signatures().chain(of_users);
    let latest = own.filter_map(|signature| signature.signature_creation_time()).max()?;
    let policy = policy(latest.into());
    cert.with_policy(&policy, latest).ok()?.primary_key().key_expiration_time().map(Timestamp::from)
}
