//! The algorithms that a signature may name, and no others.

use super::c14n::Mode;
use crate::trust::{HashKind, Scheme};

/// The digest with this identifier (RFC 9231, section 2.1; XML Encryption 1.1, section 5.8). Not SHA-1, nor MD5.
pub(super) fn hash_named(uri: &str) -> Option<HashKind> {
    match uri {
        "http://www.w3.org/2001/04/xmlenc#sha256" => Some(HashKind::Sha256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(HashKind::Sha384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Some(HashKind::Sha512),
        _ => None,
    }
}

/// The signature method with this identifier (RFC 9231, sections 2.3.2 to 2.3.12). No HMAC: a trusted key is a public
/// one, with which anybody could make one.
pub(super) fn scheme_named(uri: &str) -> Option<Scheme> {
    Some(match uri {
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => Scheme::EcdsaSha256,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => Scheme::EcdsaSha384,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512" => Scheme::EcdsaSha512,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => Scheme::RsaPkcs1Sha256,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => Scheme::RsaPkcs1Sha384,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => Scheme::RsaPkcs1Sha512,
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1" => Scheme::RsaPssSha256,
        "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1" => Scheme::RsaPssSha384,
        "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1" => Scheme::RsaPssSha512,
        "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519" => Scheme::Ed25519,
        _ => return None,
    })
}

/// A canonical form. What the form with comments and the one without say of a document that has none is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Exclusive C14N 1.0, with its list of prefixes.
    Exclusive(Vec<Box<str>>),
    /// Canonical XML 1.0.
    Inclusive10,
    /// Canonical XML 1.1.
    Inclusive11,
}

impl Form {
    /// The form with this identifier.
    pub(super) fn named(uri: &str) -> Option<Self> {
        match uri {
            "http://www.w3.org/2001/10/xml-exc-c14n#" | "http://www.w3.org/2001/10/xml-exc-c14n#WithComments" => {
                Some(Self::Exclusive(Vec::new()))
            }
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
            | "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments" => Some(Self::Inclusive10),
            "http://www.w3.org/2006/12/xml-c14n11" | "http://www.w3.org/2006/12/xml-c14n11#WithComments" => {
                Some(Self::Inclusive11)
            }
            _ => None,
        }
    }

    /// Which declarations it writes.
    pub(super) fn mode(&self) -> Mode {
        match self {
            Self::Exclusive(prefixes) => Mode::Exclusive(prefixes.clone()),
            Self::Inclusive10 | Self::Inclusive11 => Mode::Inclusive,
        }
    }
}
