//! Certificate paths: from the certificate that signed to a configured one (RFC 5280, section 6).
//!
//! `webpki` checks names, constraints and signatures along the path; what it leaves to others is checked here: the key
//! usages, the root's own limits, and that signing documents is what the certificate is for.
//!
//! Time is not judged here. A path has a span in which every certificate of it is valid; it goes into the evidence, and
//! the judge holds it against the time of the run. So what was accepted in time can still be read and audited later.

mod algorithms;
mod certificate;
mod revocation;

use std::{fmt, sync::Arc, time::Duration};

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert};

use super::{PublicKey, Trust, TrustedKey};
use crate::{
    decision::{Failure, printable},
    digest::Digest,
    evidence::{KeyId, SigningCertificate},
    reason::Reason,
    time::Timestamp,
};
use certificate::Certificate;
use revocation::{Crl, refused};
pub use revocation::{CrlError, MAX_CRL_BYTES};

/// The most certificates of a path, without the root.
pub const MAX_PATH: usize = 5;

/// How the paths of signing certificates are checked.
#[derive(Clone, Default)]
pub struct PathRules {
    purposes: Vec<Arc<str>>,
    crls: Vec<Arc<Crl>>,
}

/// The text is not an object identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an object identifier such as 1.3.6.1.5.5.7.3.36")]
pub struct PurposeError(String);

/// A path that holds, at some time.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Path {
    /// The key of the certificate that signed.
    pub key: PublicKey,
    /// That certificate, the configured key that its path leads to, and in what span the path is valid.
    pub certificate: SigningCertificate,
}

impl PathRules {
    /// Certificates for signing documents, or for any purpose, or that name none; no revocation lists.
    pub fn new() -> Self {
        Self::default()
    }

    /// Certificates for this purpose (an object identifier of an extended key usage) may sign too.
    pub fn with_extended_key_usage(mut self, oid: &str) -> Result<Self, PurposeError> {
        oid.parse::<der::asn1::ObjectIdentifier>().map_err(|_| PurposeError(oid.to_owned()))?;
        self.purposes.push(oid.into());
        Ok(self)
    }

    /// A certificate revocation list, as PEM or DER. Once there is one, every certificate of a path but the root must be
    /// spoken of by one.
    pub fn with_crl(mut self, file: &[u8]) -> Result<Self, CrlError> {
        self.crls.push(Arc::new(Crl::parse(file)?));
        Ok(self)
    }

    /// Follows `chain` (certificates in DER, the signer's own first, each certified by the one after it) to one of the
    /// keys of `trust` that were read from a certificate.
    ///
    /// The last one may be the root itself. A certificate that is itself configured needs no path.
    pub fn check(&self, chain: &[impl AsRef<[u8]>], trust: &Trust) -> Result<Path, Failure> {
        let untrusted = |found: String| {
            let expected = format!("a certificate path of at most {MAX_PATH} to {}", trust.names());
            Failure::new(Reason::CertificateUntrusted, expected, found)
        };
        if chain.len() > MAX_PATH + 1 {
            return Err(untrusted(format!("{} certificates", chain.len())));
        }
        let parse = |(index, der): (usize, &_)| Certificate::parse(index + 1, AsRef::<[u8]>::as_ref(der));
        let mut path = chain.iter().enumerate().map(parse).collect::<Result<Vec<_>, Failure>>()?;
        let Some(own) = path.first() else { return Err(untrusted("no certificate".to_owned())) };
        own.may_sign_documents(&self.purposes)?;
        let configured = |key: &&TrustedKey| key.key.certificate() == Some(own.der());
        if let Some(pinned) = trust.keys().iter().find(configured) {
            return Ok(own.path(&pinned.id, own.validity(), None));
        }
        // The root may come along. It proves nothing, and its certificate may be another one of the same key.
        if path.len() > 1
            && let Some(last) = path.last()
            && last.is_self_issued()
            && trust.keys().iter().any(|key| key.key.fingerprint() == last.key().fingerprint())
        {
            path.pop();
        }
        if path.len() > MAX_PATH {
            return Err(untrusted(format!("{} certificates", path.len())));
        }
        for issuer in &path[1..] {
            issuer.may_certify()?;
        }
        let mut refusal: Option<Failure> = None;
        for trusted in trust.keys() {
            match self.lead(&path, trusted) {
                Ok(None) => {}
                Ok(Some(found)) => return Ok(found),
                Err(failure) => refusal = refusal.or(Some(failure)),
            }
        }
        let described = || path.iter().map(Certificate::to_string).collect::<Vec<_>>().join(", certified by ");
        Err(refusal.unwrap_or_else(|| untrusted(format!("{}, which does not lead there", described()))))
    }

    /// The path from the certificates to this key; `None` where the last of them does not name it as its issuer.
    fn lead(&self, path: &[Certificate], trusted: &TrustedKey) -> Result<Option<Path>, Failure> {
        let (Some(own), Some(last)) = (path.first(), path.last()) else { return Ok(None) };
        let Some(der) = trusted.key.certificate() else { return Ok(None) };
        let root = Certificate::of(&trusted.key, der)?;
        if last.issuer() != root.subject() {
            return Ok(None);
        }
        root.may_be_root(path.len() - 1)?;
        let all = || path.iter().chain([&root]);
        let from = all().map(|certificate| certificate.validity().0).max().unwrap_or(own.validity().0);
        let until = all().map(|certificate| certificate.validity().1).min().unwrap_or(own.validity().1);
        if from > until {
            let expected = "a path whose certificates are all valid at one time";
            let ends = all().min_by_key(|certificate| certificate.validity().1).unwrap_or(own);
            let found = format!("one whose {ends} ended at {until}, and another began at {from}");
            return Err(Failure::new(Reason::CertificateExpired, expected, found));
        }
        let anchor = CertificateDer::from(der);
        let anchor = anchor_from_trusted_cert(&anchor).map_err(|error| refused(&root, error))?;
        self.follow(path, &anchor, from)?;
        let known = self.crls.iter().filter(|crl| path.iter().any(|certificate| crl.speaks_of(certificate)));
        let known = known.map(|crl| crl.next_update()).min();
        Ok(Some(own.path(&trusted.id, (from, until), known)))
    }

    /// Checks the path to `anchor` at a time at which all its certificates are valid.
    fn follow(&self, path: &[Certificate], anchor: &TrustAnchor<'_>, at: Timestamp) -> Result<(), Failure> {
        let Some((own, issuers)) = path.split_first() else { return Ok(()) };
        let at = UnixTime::since_unix_epoch(Duration::from_millis(at.as_millis().unsigned_abs()));
        let (leaf, ders): (_, Vec<CertificateDer<'_>>) =
            (CertificateDer::from(own.der()), issuers.iter().map(|issuer| issuer.der().into()).collect());
        let leaf = EndEntityCert::try_from(&leaf).map_err(|error| refused(own, error))?;
        // Each in its place and none beside the path: what is not on it was checked by nobody.
        let in_order = |found: &webpki::VerifiedPath<'_>| {
            let used = found.intermediate_certificates().map(webpki::Cert::der);
            if used.eq(ders.iter().cloned()) { Ok(()) } else { Err(Error::UnknownIssuer) }
        };
        let crls: Vec<&webpki::CertRevocationList<'_>> = self.crls.iter().map(|crl| crl.list()).collect();
        let revocation = webpki::RevocationOptionsBuilder::new(&crls).ok().map(|options| options.build());
        let anchors = std::slice::from_ref(anchor);
        leaf.verify_for_usage(algorithms::ALL, anchors, &ders, at, AnyPurpose, revocation, Some(&in_order))
            .map(drop)
            .map_err(|error| refused(own, error))
    }
}

impl Certificate {
    fn path(&self, root: &KeyId, (valid_from, valid_until): (Timestamp, Timestamp), known: Option<Timestamp>) -> Path {
        let certificate = SigningCertificate {
            root: root.clone(),
            subject: printable(self.subject_text().into()).into(),
            serial: self.serial().into(),
            fingerprint: Digest::of(self.der()),
            valid_from,
            valid_until,
            revocation_until: known,
        };
        Path { key: self.key().clone(), certificate }
    }
}

/// The purposes are checked before, where it can be said which one was found.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, mut purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        purposes.try_for_each(|purpose| purpose.map(drop))
    }
}

/// The same for rules that accept the same: what the settings of a verifier are made of.
impl fmt::Debug for PathRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let crls: Vec<Digest> = self.crls.iter().map(|crl| crl.digest()).collect();
        write!(f, "PathRules {{ purposes: {:?}, crls: {crls:?} }}", self.purposes)
    }
}
