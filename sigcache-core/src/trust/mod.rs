//! Who may sign: keys, the time in which they may, and how many of them it takes.

#[cfg(feature = "keys")]
pub mod ecdsa;
#[cfg(feature = "keys")]
pub mod ed25519;
#[cfg(feature = "keys")]
mod forms;
mod hash;
#[cfg(feature = "keys")]
mod jwks;
mod key;
#[cfg(feature = "keys")]
mod known;
mod label;
#[cfg(feature = "openpgp")]
pub(crate) mod openpgp;
#[cfg(feature = "keys")]
pub mod p256;
#[cfg(feature = "keys")]
pub mod p384;
#[cfg(feature = "keys")]
mod pss;
#[cfg(feature = "keys")]
pub mod rsa;
#[cfg(feature = "keys")]
mod scheme;
#[cfg(feature = "keys")]
pub(crate) mod wire;
#[cfg(feature = "x509")]
pub mod x509;

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    decision::Failure,
    digest::Digest,
    evidence::{Evidence, KeyId},
    reason::Reason,
    time::Timestamp,
};

pub use hash::{Hash, HashKind, RunningHash};
#[cfg(feature = "keys")]
pub use jwks::{JwksEntry, JwksError, MAX_JWKS_BYTES, MAX_JWKS_KEYS, parse_jwks};
pub use key::{Algorithm, KeyError, MAX_KEY_BYTES, PublicKey};
pub(crate) use label::matches as matches_pattern;
pub use label::{AllowedSigner, KeyLabel};
#[cfg(feature = "keys")]
pub use scheme::{Ed25519Stream, Encoding, Scheme};

/// A key with the id and the limits that the configuration gives it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrustedKey {
    /// The id in the configuration.
    pub id: KeyId,
    /// The key itself.
    pub key: PublicKey,
    /// It may not sign before this.
    pub not_before: Option<Timestamp>,
    /// It may not sign after this; see [`ends`](Self::ends).
    pub not_after: Option<Timestamp>,
    /// Nothing that it signed is trusted any more; see [`is_revoked`](Self::is_revoked).
    pub revoked: bool,
    /// Where it was read, for people.
    pub origin: Option<Arc<str>>,
    /// What it was read from, to hand it on as it is; `None` where no configuration names it.
    pub file: Option<Arc<KeyFile>>,
}

/// A key file, with what the configuration says of the keys in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyFile {
    /// The id in the configuration; each of several keys in one file has an id of its own that begins so.
    pub id: Arc<str>,
    /// The file.
    pub bytes: Bytes,
    /// Its keys may not sign before this.
    pub not_before: Option<Timestamp>,
    /// Its keys may not sign after this.
    pub not_after: Option<Timestamp>,
    /// Nothing that they signed is trusted any more.
    pub revoked: bool,
}

impl KeyFile {
    /// A file under an id, without limits in time.
    pub fn new(id: &str, bytes: Bytes) -> Self {
        Self { id: id.into(), bytes, not_before: None, not_after: None, revoked: false }
    }
}

impl TrustedKey {
    /// A key without limits in time.
    pub fn new(id: KeyId, key: PublicKey) -> Self {
        Self { id, key, not_before: None, not_after: None, revoked: false, origin: None, file: None }
    }

    /// The same key, which may sign only while the certificate is valid that it was read from, beside its other limits.
    /// For formats in which the certificate is what the publisher hands out.
    pub fn within_certificate(mut self) -> Self {
        if let Some((start, end)) = self.key.certificate_validity() {
            self.not_before = Some(self.not_before.map_or(start, |own| own.max(start)));
            self.not_after = Some(self.not_after.map_or(end, |own| own.min(end)));
        }
        self
    }

    /// Until when it may sign, by the configuration or by what the key itself says, whichever is earlier.
    pub fn ends(&self) -> Option<Timestamp> {
        [self.not_after, self.key.own_expiry()].into_iter().flatten().min()
    }

    /// Whether nothing that it signed is trusted any more, by the configuration or by what the key itself says.
    pub fn is_revoked(&self) -> bool {
        self.revoked || self.key.is_revoked_for_good()
    }

    /// Whether it may sign at `now`.
    pub fn may_sign(&self, now: Timestamp) -> Result<(), Failure> {
        let id = &self.id;
        if self.revoked {
            return Err(Failure::new(Reason::KeyRevoked, "a key that is not revoked", format!("revoked key {id}")));
        }
        if let Some(start) = self.not_before.filter(|start| now < *start) {
            return Err(Failure::new(Reason::KeyNotYetValid, format!("{id} not before {start}"), format!("{now}")));
        }
        if let Some(end) = self.not_after.filter(|end| now > *end) {
            return Err(Failure::new(Reason::KeyExpired, format!("{id} not after {end}"), format!("{now}")));
        }
        self.its_certificate_lets(None, now)
    }

    /// Whether its certificate lets what has this fingerprint, or anything, sign at `now`; a key without certificate is
    /// all there is.
    fn its_certificate_lets(&self, signed: Option<Digest>, now: Timestamp) -> Result<(), Failure> {
        #[cfg(feature = "openpgp")]
        if let Some(cert) = self.key.openpgp() {
            return openpgp::may_sign(cert, signed, now).map_err(|(reason, found)| {
                Failure::new(reason, format!("a key that {} allows to sign at {now}", self.id), found)
            });
        }
        let _ = (signed, now);
        Ok(())
    }
}

/// The keys of a resource and how many different ones must have signed.
#[derive(Debug, Clone)]
pub struct Trust {
    keys: Vec<TrustedKey>,
    threshold: usize,
}

/// Keys and threshold do not make sense together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Without a key nothing can be verified.
    #[error("at least one key is needed")]
    NoKeys,
    /// Zero signatures, or more than there are keys.
    #[error("the threshold must lie between 1 and the number of keys ({keys}), not at {threshold}")]
    Threshold {
        /// The threshold asked for.
        threshold: usize,
        /// The number of keys.
        keys: usize,
    },
    /// One key under two ids would count twice.
    #[error("{0} and {1} are the same key; it would count twice")]
    SameKey(KeyId, KeyId),
}

impl Trust {
    /// `threshold` different keys of `keys` must sign.
    pub fn new(keys: Vec<TrustedKey>, threshold: usize) -> Result<Self, TrustError> {
        if keys.is_empty() {
            return Err(TrustError::NoKeys);
        }
        if threshold == 0 || threshold > keys.len() {
            return Err(TrustError::Threshold { threshold, keys: keys.len() });
        }
        for (index, key) in keys.iter().enumerate() {
            let same = |other: &&TrustedKey| other.id == key.id || other.key.fingerprint() == key.key.fingerprint();
            if let Some(other) = keys[..index].iter().find(same) {
                return Err(TrustError::SameKey(other.id.clone(), key.id.clone()));
            }
        }
        Ok(Self { keys, threshold })
    }

    /// No key at all: every document is refused. What a resource has whose keys an [anchor](crate::anchor) names, until
    /// that was read.
    pub fn nobody() -> Self {
        Self { keys: Vec::new(), threshold: 1 }
    }

    /// The same, where each key may sign only while its certificate is valid; see [`TrustedKey::within_certificate`].
    pub fn within_certificates(mut self) -> Self {
        self.keys = self.keys.into_iter().map(TrustedKey::within_certificate).collect();
        self
    }

    /// The keys, in the order of the configuration.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// The fingerprint of the key with this id.
    pub fn fingerprint(&self, id: &KeyId) -> Option<Digest> {
        self.keys.iter().find(|key| key.id == *id).map(|key| key.key.fingerprint())
    }

    /// How many different keys must have signed.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The keys whose signatures match, each with the fingerprint of what signed: the key itself, or one of those of its
    /// certificate.
    pub fn signers<'a>(&self, evidence: &'a Evidence) -> impl Iterator<Item = (&'a KeyId, Option<Digest>)> {
        let own = evidence.signing_keys.iter().copied().map(Some).chain(std::iter::repeat(None));
        evidence.signers.iter().zip(own).map(|(id, own)| (id, own.or_else(|| self.fingerprint(id))))
    }

    /// Whether the keys that signed may sign at `now` and are enough.
    ///
    /// A signature by a key that may not sign counts for nothing, but it refuses nothing either as long as enough
    /// others signed: that is what lets a key be rotated out. A key counts once, however often it is named.
    pub fn judge(&self, evidence: &Evidence, now: Timestamp) -> Result<(), Failure> {
        let mut counted: Vec<&KeyId> = Vec::new();
        let mut first_refusal = None;
        for (id, signed) in self.signers(evidence) {
            if counted.contains(&id) {
                continue;
            }
            let verdict = match self.keys.iter().find(|key| key.id == *id) {
                Some(key) => key.may_sign(now).and_then(|()| key.its_certificate_lets(signed, now)),
                None => Err(Failure::new(Reason::KeyUnknown, self.names(), format!("{id}"))),
            };
            match verdict {
                Ok(()) => counted.push(id),
                Err(failure) => first_refusal = first_refusal.or(Some(failure)),
            }
        }
        if counted.len() >= self.threshold {
            return Ok(());
        }
        Err(first_refusal.unwrap_or_else(|| {
            let expected = format!("{} of the keys {}", self.threshold, self.names());
            let found: Vec<&str> = counted.iter().map(|id| id.as_str()).collect();
            Failure::new(Reason::ThresholdNotMet, expected, format!("{} ({})", found.len(), found.join(", ")))
        }))
    }

    /// Whether what was accepted before may still be trusted: only revocation takes that back.
    ///
    /// A key that has meanwhile expired was good when it signed; the copy keeps its own expiry. Each signer comes with
    /// the fingerprint of what signed then: another key under the same id has signed nothing.
    pub fn still_holds<'a>(
        &self,
        signers: impl IntoIterator<Item = (&'a KeyId, Option<Digest>)>,
    ) -> Result<(), Failure> {
        if self.keys.is_empty() {
            let found = "none that vouches for it now";
            return Err(Failure::new(Reason::AnchorBroken, "an anchor to vouch for it", found));
        }
        let mut good: Vec<&KeyId> = Vec::new();
        let mut refusal = None;
        for (id, fingerprint) in signers {
            match self.keys.iter().find(|key| key.id == *id) {
                Some(key) if !fingerprint.is_some_and(|signed| key.key.has(signed)) => {
                    let found = format!("another key that was {id} then");
                    refusal = refusal.or(Some(Failure::new(Reason::KeyUnknown, self.names(), found)));
                }
                Some(key) if key.revoked || fingerprint.is_some_and(|signed| key.key.has_revoked(signed)) => {
                    let found =
                        if key.revoked { format!("revoked key {id}") } else { format!("a revoked key of {id}") };
                    refusal = Some(Failure::new(Reason::KeyRevoked, "a key that is not revoked", found));
                }
                Some(_) if !good.contains(&id) => good.push(id),
                Some(_) => {}
                None => refusal = refusal.or(Some(Failure::new(Reason::KeyUnknown, self.names(), format!("{id}")))),
            }
        }
        if good.len() >= self.threshold {
            return Ok(());
        }
        Err(refusal.unwrap_or_else(|| {
            let expected = format!("{} of the keys {}", self.threshold, self.names());
            Failure::new(Reason::ThresholdNotMet, expected, format!("{}", good.len()))
        }))
    }

    /// The ids of the keys, for people.
    pub fn names(&self) -> String {
        self.keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> TrustedKey {
        TrustedKey::new(KeyId::new(id), PublicKey::opaque(id.as_bytes().to_vec()))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn by(names: &[&str]) -> Evidence {
        Evidence::new("test", Digest::of(b""), 0, names.iter().map(|name| KeyId::new(name)))
    }

    #[test]
    fn threshold_table() {
        let mut old = key("old");
        old.not_after = Some(at(100));
        let mut new = key("new");
        new.not_before = Some(at(50));
        let mut bad = key("bad");
        bad.revoked = true;
        let trust = |threshold| Trust::new(vec![old.clone(), new.clone(), bad.clone(), key("c")], threshold).unwrap();
        use Reason as R;
        type Case = (usize, &'static [&'static str], i64, Result<(), Reason>);
        let table: &[Case] = &[
            (1, &["old"], 10, Ok(())),
            (1, &["old"], 100, Ok(())),
            (1, &["old"], 101, Err(R::KeyExpired)),
            (1, &["new"], 49, Err(R::KeyNotYetValid)),
            (1, &["new"], 50, Ok(())),
            (1, &["bad"], 50, Err(R::KeyRevoked)),
            (1, &["bad", "c"], 50, Ok(())),
            (1, &["stranger"], 50, Err(R::KeyUnknown)),
            (1, &[], 50, Err(R::ThresholdNotMet)),
            (2, &["new", "c"], 50, Ok(())),
            (2, &["c"], 50, Err(R::ThresholdNotMet)),
            (2, &["old", "c"], 101, Err(R::KeyExpired)),
        ];
        for (threshold, signers, now, expected) in table {
            let verdict = trust(*threshold).judge(&by(signers), at(*now)).map_err(|failure| failure.reason);
            assert_eq!(verdict, *expected, "{threshold} of {signers:?} at {now}");
        }
    }

    #[test]
    fn attack_threshold_cheating_one_key_twice() {
        let trust = Trust::new(vec![key("a"), key("b")], 2).unwrap();
        let twice = trust.judge(&by(&["a", "a"]), at(0)).unwrap_err();
        assert_eq!(twice.reason, Reason::ThresholdNotMet);
        let mut alias = key("a");
        alias.id = KeyId::new("alias");
        let error = Trust::new(vec![key("a"), alias], 2).unwrap_err();
        assert_eq!(error, TrustError::SameKey(KeyId::new("a"), KeyId::new("alias")));
    }

    #[test]
    fn only_revocation_and_removal_take_trust_back() {
        let mut expired = key("a");
        expired.not_after = Some(at(1));
        let holds = |trust: &Trust, names: &[&str]| {
            let signers: Vec<TrustedKey> = names.iter().map(|name| key(name)).collect();
            let signers = signers.iter().map(|key| (&key.id, Some(key.key.fingerprint())));
            trust.still_holds(signers).map_err(|failure| failure.reason)
        };
        assert_eq!(holds(&Trust::new(vec![expired.clone()], 1).unwrap(), &["a"]), Ok(()));
        expired.revoked = true;
        let trust = Trust::new(vec![expired], 1).unwrap();
        assert_eq!(holds(&trust, &["a"]), Err(Reason::KeyRevoked));
        assert_eq!(holds(&trust, &["b"]), Err(Reason::KeyUnknown));
        let two = Trust::new(vec![key("a"), key("b")], 2).unwrap();
        assert_eq!(holds(&two, &["a", "a"]), Err(Reason::ThresholdNotMet));
    }

    #[test]
    fn another_key_under_the_same_id_has_signed_nothing() {
        let (old, mut new) = (key("a"), key("b"));
        new.id = old.id.clone();
        let trust = Trust::new(vec![new], 1).unwrap();
        for fingerprint in [Some(old.key.fingerprint()), None] {
            assert_eq!(trust.still_holds([(&old.id, fingerprint)]).unwrap_err().reason, Reason::KeyUnknown);
        }
    }

    #[test]
    fn senseless_thresholds_are_refused() {
        assert_eq!(Trust::new(vec![], 1).unwrap_err(), TrustError::NoKeys);
        for threshold in [0, 2] {
            assert!(matches!(Trust::new(vec![key("a")], threshold), Err(TrustError::Threshold { .. })));
        }
    }
}
