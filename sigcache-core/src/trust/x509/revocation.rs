//! Revocation lists (RFC 5280, section 5), and why `webpki` refused a path.

use der::{Decode as _, pem};
use webpki::{CertRevocationList, Error, OwnedCertRevocationList};
use x509_cert::crl::CertificateList;

use super::certificate::{Certificate, unsuitable};
use crate::{decision::Failure, digest::Digest, reason::Reason, time::Timestamp};

/// The largest revocation list.
pub const MAX_CRL_BYTES: usize = 16 * 1024 * 1024;

/// Why a file is not a usable revocation list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlError {
    /// Larger than [`MAX_CRL_BYTES`].
    #[error("a revocation list has at most {MAX_CRL_BYTES} bytes")]
    TooLarge,
    /// Neither PEM (`X509 CRL`) nor DER, or it cannot be read.
    #[error("not a revocation list in PEM (X509 CRL) or DER: {0}")]
    Damaged(String),
    /// It does not say when the next one comes, or has no extensions, or is a delta or an indirect one.
    #[error("the revocation list is of a kind that is not understood: {0}")]
    Unsupported(String),
}

/// A revocation list, not verified yet: its signature is checked with the key of the issuer on a path.
pub(super) struct Crl {
    list: CertRevocationList<'static>,
    digest: Digest,
    next_update: Timestamp,
}

impl Crl {
    pub(super) fn parse(file: &[u8]) -> Result<Self, CrlError> {
        if file.len() > MAX_CRL_BYTES {
            return Err(CrlError::TooLarge);
        }
        let text = file.trim_ascii();
        let der = match text.starts_with(b"-----BEGIN") {
            false => file.to_vec(),
            true => match pem::decode_vec(text) {
                Ok(("X509 CRL", der)) => der,
                Ok((label, _)) => return Err(CrlError::Damaged(format!("it is a {label}"))),
                Err(error) => return Err(CrlError::Damaged(error.to_string())),
            },
        };
        let parsed: CertificateList =
            CertificateList::from_der(&der).map_err(|error| CrlError::Damaged(error.to_string()))?;
        let next = parsed.tbs_cert_list.next_update;
        let next = next.ok_or_else(|| CrlError::Unsupported("it does not say when the next one comes".to_owned()))?;
        let list = OwnedCertRevocationList::from_der(&der).map_err(|error| CrlError::Unsupported(error.to_string()))?;
        let next_update =
            Timestamp::from_millis(i64::try_from(next.to_unix_duration().as_millis()).unwrap_or(i64::MAX));
        Ok(Self { list: list.into(), digest: Digest::of(&der), next_update })
    }

    pub(super) fn list(&self) -> &CertRevocationList<'static> {
        &self.list
    }

    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    /// When the issuer will have made a newer one.
    pub(super) fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// Whether it comes from the issuer of this certificate.
    pub(super) fn speaks_of(&self, certificate: &Certificate) -> bool {
        // Without the outer tag and length.
        certificate.issuer().ends_with(self.list.issuer())
    }
}

/// What the library calls by a name of its own, in words.
fn said(error: &Error) -> String {
    let words = match error {
        Error::UnknownIssuer => "nobody on the path issued it",
        Error::InvalidSignatureForPublicKey => "another key signed it than that of its issuer",
        Error::CertRevoked => "it is revoked",
        Error::UnknownRevocationStatus => "no revocation list speaks of it",
        Error::CaUsedAsEndEntity => "it is an authority",
        Error::EndEntityUsedAsCa => "it issued another, and is no authority",
        Error::UnsupportedCertVersion => "it is not of version 3",
        Error::PathLenConstraintViolated => "more authorities follow it than it allows",
        Error::NameConstraintViolation => "its name is one that its issuer may not certify",
        other => return other.to_string(),
    };
    words.to_owned()
}

/// Why the path of `certificate` was refused.
pub(super) fn refused(certificate: &Certificate, error: Error) -> Failure {
    let (reason, expected) = match &error {
        Error::UnknownIssuer
        | Error::InvalidSignatureForPublicKey
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded => {
            (Reason::CertificateUntrusted, "certificates that certify one another up to a configured one")
        }
        Error::CertRevoked => (Reason::CertificateRevoked, "a path that no revocation list speaks against"),
        Error::UnknownRevocationStatus
        | Error::InvalidCrlSignatureForPublicKey
        | Error::IssuerNotCrlSigner
        | Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            (Reason::RevocationUnknown, "a revocation list by the issuer of every certificate of the path")
        }
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            return unsuitable(
                "certificates signed with ECDSA, RSA or Ed25519, and with SHA-2",
                format!("{certificate}, or one on its path, that is signed otherwise"),
            );
        }
        _ => return unsuitable("a sound certificate path", format!("{certificate}: {}", said(&error))),
    };
    Failure::new(reason, expected, format!("{certificate}: {}", said(&error)))
}
