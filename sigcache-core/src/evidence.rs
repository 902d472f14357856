//! What a verification established about a document.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{digest::Digest, time::Timestamp};

/// The id by which the configuration knows a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Any text that tells this key from the others.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", self.0)
    }
}

/// How new a document says it is: the high-water mark that guards against rollback.
///
/// Marks of different kinds cannot be compared; a document that changes its kind of mark is refused until a person
/// allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mark {
    /// A number that the publisher raises with every version.
    Sequence(u64),
    /// The time at which the publisher issued the version.
    Issued(Timestamp),
}

impl Mark {
    /// Whether this mark is older than `other`; `None` where they are of different kinds.
    pub fn is_older_than(self, other: Mark) -> Option<bool> {
        match (self, other) {
            (Self::Sequence(a), Self::Sequence(b)) => Some(a < b),
            (Self::Issued(a), Self::Issued(b)) => Some(a < b),
            _ => None,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(number) => write!(f, "version {number}"),
            Self::Issued(time) => write!(f, "issued {time}"),
        }
    }
}

/// The certificate whose key made a signature, where a certificate path leads from it to a configured key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SigningCertificate {
    /// The configured key that the path leads to; it stands among the signers.
    pub root: KeyId,
    /// Whom the certificate is for (RFC 4514).
    pub subject: Arc<str>,
    /// Its serial number, in hexadecimal.
    pub serial: Arc<str>,
    /// SHA-256 of it in DER.
    pub fingerprint: Digest,
    /// From then on every certificate of the path is valid, the root included.
    pub valid_from: Timestamp,
    /// Until then every certificate of the path is valid, the root included.
    pub valid_until: Timestamp,
    /// Until then the configured revocation lists speak of the path; `None` where none are configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_until: Option<Timestamp>,
}

/// What a verification established: over which bytes, by which keys, and what the signed content says of itself.
///
/// A [`Verifier`](crate::verify::Verifier) of any origin may make one. It is a claim until the pipeline has judged it;
/// only then does it become a [`Verified`](crate::Verified).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The signature format, such as `detached`.
    pub format: Arc<str>,
    /// SHA-256 of all the bytes.
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
    /// The keys whose signatures match, each once.
    pub signers: Arc<[KeyId]>,
    /// Where the trusted keys are certificates with several keys of their own (OpenPGP): the fingerprints of those that
    /// signed, one for each of `signers`. What becomes of such a key is not what becomes of its certificate.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub signing_keys: Arc<[Digest]>,
    /// The certificates that signed, where keys vouch for others by certificate paths.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub certificates: Arc<[SigningCertificate]>,
    /// What kind of content the signer says it is, such as the `typ` of a JWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<Arc<str>>,
    /// What the signed content says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Arc<str>>,
    /// The start of the validity that the signed content states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// The end of the validity that the signed content states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// How new the signed content says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// How many entries it has, where the format has entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// What the signer said beside the document, under a signature of its own (minisign's trusted comment).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Arc<str>>,
}

impl Evidence {
    /// The least that every format establishes; what else the content says of itself is set on the fields.
    pub fn new(format: &str, digest: Digest, size: u64, signers: impl IntoIterator<Item = KeyId>) -> Self {
        Self {
            format: format.into(),
            digest,
            size,
            signers: signers.into_iter().collect(),
            signing_keys: Arc::default(),
            certificates: Arc::default(),
            media_type: None,
            identity: None,
            valid_from: None,
            valid_until: None,
            mark: None,
            entries: None,
            comment: None,
        }
    }
}
