//! RSA keys that say of themselves that they are for PSS (id-RSASSA-PSS; RFC 4055, sections 1.2 and 3.1).

use der::{
    AnyRef, Sequence,
    asn1::{Null, ObjectIdentifier},
};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::{hash::HashKind, key::KeyError, rsa::Padding, scheme::Scheme};

/// id-RSASSA-PSS and id-mgf1 (RFC 8017, appendix A.2.3)
pub(super) const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");

/// The hashes by their names (RFC 4055, section 2.1).
const HASHES: &[(ObjectIdentifier, HashKind)] = &[
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), HashKind::Sha256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), HashKind::Sha384),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), HashKind::Sha512),
];

/// A key that is for PSS alone: over this hash, or over any where it says none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PssOnly(pub(super) Option<HashKind>);

/// RSASSA-PSS-params. What is left out has a default, which is SHA-1 for both hashes.
#[derive(Sequence)]
struct Parameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    salt: Option<u32>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u32>,
}

impl PssOnly {
    /// What the parameters of a key say. Those with which no signature is taken here are refused with the key: nothing
    /// that it signs could ever match.
    pub(super) fn read(parameters: Option<AnyRef<'_>>) -> Result<Self, KeyError> {
        let Some(parameters) = parameters else { return Ok(Self(None)) };
        let other = || {
            let ours = "SHA-256, SHA-384 or SHA-512 for the document and the mask alike, and a salt of its length";
            KeyError::Algorithm(format!("RSA-PSS with other parameters than {ours}"))
        };
        let parameters: Parameters<'_> = parameters.decode_as().map_err(|_| other())?;
        let mask = parameters.mask.filter(|mask| mask.oid == MGF1).and_then(|mask| mask.parameters);
        let mask = mask.and_then(|hash| hash.decode_as::<AlgorithmIdentifierRef<'_>>().ok());
        let (Some(hash), Some(mask)) = (parameters.hash.and_then(kind), mask.and_then(kind)) else {
            return Err(other());
        };
        let salt = parameters.salt.is_some_and(|salt| usize::try_from(salt).is_ok_and(|salt| salt == hash.size()));
        if mask == hash && salt && parameters.trailer.is_none_or(|trailer| trailer == 1) {
            Ok(Self(Some(hash)))
        } else {
            Err(other())
        }
    }

    /// Whether it is for this scheme.
    pub(super) fn allows(self, scheme: Scheme) -> bool {
        scheme.padding() == Some(Padding::Pss) && self.0.is_none_or(|hash| scheme.hash() == Some(hash))
    }
}

/// The hash of this identifier, with no parameters or with the null that RFC 4055 allows.
fn kind(algorithm: AlgorithmIdentifierRef<'_>) -> Option<HashKind> {
    let plain = algorithm.parameters.is_none_or(|parameters| parameters == AnyRef::from(Null));
    HASHES.iter().find(|(oid, _)| plain && *oid == algorithm.oid).map(|(_, kind)| *kind)
}
