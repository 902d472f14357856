//! OpenPGP certificates: a primary key, and what it says of itself, of its user ids and of its subkeys.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use sequoia_openpgp::{
    Cert, Packet,
    policy::{HashAlgoSecurity, StandardPolicy},
    serialize::MarshalInto as _,
    types::{HashAlgorithm, RevocationStatus},
};

use super::{
    key::{KeyError, PublicKey},
    known::damaged,
};
use crate::{digest::Digest, time::Timestamp};

/// The hashes for which anybody can make two documents with one signature.
const BROKEN_HASHES: &[HashAlgorithm] = &[HashAlgorithm::MD5, HashAlgorithm::RipeMD, HashAlgorithm::SHA1];

/// Which algorithms are good enough at `now`. Over data the broken hashes never are, whatever the clock says.
pub(crate) fn policy(now: Timestamp) -> StandardPolicy<'static> {
    let since_epoch = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
    let mut policy = StandardPolicy::at(UNIX_EPOCH + since_epoch);
    for hash in BROKEN_HASHES {
        policy.reject_hash_property_at(*hash, HashAlgoSecurity::CollisionResistance, UNIX_EPOCH);
    }
    policy
}

/// A certificate as a key: its fingerprint is that of the primary key, and so the same whatever is added to it.
pub(super) fn public_key(cert: Cert) -> Result<PublicKey, KeyError> {
    let primary = Packet::from(cert.primary_key().key().clone()).to_vec();
    let primary = primary.map_err(|error| damaged("OpenPGP certificate", error))?;
    Ok(PublicKey::of_openpgp(Digest::of(&primary), Arc::new(cert)))
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
