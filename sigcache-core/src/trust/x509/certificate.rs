//! One certificate: what it says of itself, and what `webpki` does not ask it.

use std::fmt;

use der::{Decode as _, Encode as _};
use x509_cert::{
    Certificate as Parsed, Version,
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
};

use crate::{
    decision::Failure,
    digest::hex,
    reason::Reason,
    time::Timestamp,
    trust::{KeyError, PublicKey},
};

/// The largest certificate.
const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;

/// anyExtendedKeyUsage (RFC 5280, section 4.2.1.12), id-kp-documentSigning (RFC 9336), and Microsoft's document signing.
const PURPOSES: &[&str] = &["2.5.29.37.0", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.10.3.12"];

/// A certificate with a key that may be used here.
pub(super) struct Certificate {
    der: Box<[u8]>,
    parsed: Parsed,
    key: PublicKey,
    validity: (Timestamp, Timestamp),
    /// Both in DER, as `webpki` compares them.
    subject: Vec<u8>,
    issuer: Vec<u8>,
}

impl Certificate {
    /// Certificate `number` of a path, as it came.
    pub(super) fn parse(number: usize, der: &[u8]) -> Result<Self, Failure> {
        let fault = |found: String| unsuitable("a readable certificate", format!("certificate {number}, {found}"));
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(fault(format!("which has more than {MAX_CERTIFICATE_BYTES} bytes")));
        }
        let parsed = Parsed::from_der(der).map_err(|error| fault(format!("which is damaged: {error}")))?;
        let key = PublicKey::parse(der).map_err(|error| {
            let expected = "certificates for keys of ECDSA (P-256, P-384), Ed25519 or RSA from 2048 bits on";
            let subject = parsed.tbs_certificate().subject();
            let error = match error {
                KeyError::Algorithm(found) => found,
                other => other.to_string(),
            };
            unsuitable(expected, format!("the one of {subject}: {error}"))
        })?;
        Self::new(der, parsed, key).ok_or_else(|| fault("which is damaged".to_owned()))
    }

    /// The certificate that a configured key was read from.
    pub(super) fn of(key: &PublicKey, der: &[u8]) -> Result<Self, Failure> {
        let damaged = || unsuitable("a readable certificate", "a configured certificate that is damaged");
        let parsed = Parsed::from_der(der).map_err(|_| damaged())?;
        Self::new(der, parsed, key.clone()).ok_or_else(damaged)
    }

    fn new(der: &[u8], parsed: Parsed, key: PublicKey) -> Option<Self> {
        let validity = key.certificate_validity()?;
        let (subject, issuer) = (parsed.tbs_certificate().subject(), parsed.tbs_certificate().issuer());
        let (subject, issuer) = (subject.to_der().ok()?, issuer.to_der().ok()?);
        Some(Self { der: der.into(), parsed, key, validity, subject, issuer })
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    pub(super) fn validity(&self) -> (Timestamp, Timestamp) {
        self.validity
    }

    pub(super) fn subject(&self) -> &[u8] {
        &self.subject
    }

    pub(super) fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    pub(super) fn subject_text(&self) -> String {
        self.parsed.tbs_certificate().subject().to_string()
    }

    pub(super) fn serial(&self) -> String {
        hex(self.parsed.tbs_certificate().serial_number().as_bytes())
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether the key may sign documents: by its key usage, where it has one, and by its purposes, where it has any.
    pub(super) fn may_sign_documents(&self, more: &[impl AsRef<str>]) -> Result<(), Failure> {
        if self.key_usage()?.is_some_and(|usage| !usage.digital_signature()) {
            let expected = "a certificate whose key usage has digitalSignature";
            return Err(unsuitable(expected, format!("{self}, which has not")));
        }
        let Some(ExtendedKeyUsage(found)) = self.extension("its extended key usage")? else { return Ok(()) };
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        let allowed = |oid: &String| {
            PURPOSES.contains(&oid.as_str()) || more.iter().any(|purpose| purpose.as_ref() == oid.as_str())
        };
        if found.iter().any(allowed) {
            return Ok(());
        }
        let expected = "a certificate for signing documents, for any purpose, or that names none";
        Err(unsuitable(expected, format!("{self}, for {}", found.join(", "))))
    }

    /// Whether the key may certify others, where it has a key usage. That it is an authority at all is for `webpki`.
    pub(super) fn may_certify(&self) -> Result<(), Failure> {
        if self.key_usage()?.is_some_and(|usage| !usage.key_cert_sign()) {
            let expected = "an issuer whose key usage has keyCertSign";
            return Err(unsuitable(expected, format!("{self}, which has not")));
        }
        Ok(())
    }

    /// Whether a configured certificate may be a root with `between` others between it and the signer's.
    pub(super) fn may_be_root(&self, between: usize) -> Result<(), Failure> {
        self.may_certify()?;
        let constraints: Option<BasicConstraints> = self.extension("its basic constraints")?;
        match constraints {
            // Of a certificate of the first version nobody can tell.
            None if self.parsed.tbs_certificate().version() == Version::V1 => Ok(()),
            Some(BasicConstraints { ca: true, path_len_constraint: Some(most) }) if between > usize::from(most) => {
                let found = format!("{between} below {self}, which allows {most}");
                Err(unsuitable("no more issuers than the root allows", found))
            }
            Some(BasicConstraints { ca: true, .. }) => Ok(()),
            _ => Err(unsuitable("a root that is an authority (CA:TRUE)", format!("{self}, which is none"))),
        }
    }

    fn key_usage(&self) -> Result<Option<KeyUsage>, Failure> {
        self.extension("its key usage")
    }

    fn extension<'s, E>(&'s self, what: &str) -> Result<Option<E>, Failure>
    where
        E: der::Decode<'s, Error = der::Error> + der::oid::AssociatedOid,
    {
        let found = self.parsed.tbs_certificate().get_extension::<E>();
        let found = found.map_err(|_| unsuitable("a readable certificate", format!("{self}: {what} is damaged")))?;
        Ok(found.map(|(_, extension)| extension))
    }
}

/// Whom it is for, and its serial number.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate of {} (serial {})", self.subject_text(), self.serial())
    }
}

/// A certificate that cannot be used for this.
pub(super) fn unsuitable(expected: &str, found: impl Into<Box<str>>) -> Failure {
    Failure::new(Reason::CertificateUnsuitable, expected, found)
}
