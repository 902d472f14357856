//! Which signature is expected, and whether a key made it. The trusted key decides the algorithm: a signature that
//! asks for another one than the key has is simply not the key's.

use std::fmt;

use super::{
    ecdsa::Backend as _,
    ed25519,
    hash::HashKind,
    key::{Algorithm, PublicKey},
    known::Key,
    p256, p384,
    rsa::Padding,
};

/// A way to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// ECDSA over SHA-256, on the curve of the key.
    EcdsaSha256,
    /// ECDSA over SHA-384, on the curve of the key.
    EcdsaSha384,
    /// ECDSA over SHA-512, on the curve of the key.
    EcdsaSha512,
    /// RSASSA-PKCS1-v1_5 over SHA-256.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 over SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 over SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS over SHA-256, with MGF1 of the same hash and a salt of its length.
    RsaPssSha256,
    /// RSASSA-PSS over SHA-384, with MGF1 of the same hash and a salt of its length.
    RsaPssSha384,
    /// RSASSA-PSS over SHA-512, with MGF1 of the same hash and a salt of its length.
    RsaPssSha512,
    /// Ed25519 over the message itself.
    Ed25519,
}

/// How the two numbers of an ECDSA signature are written. Other signatures have one form only and look at none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// An ASN.1 DER `SEQUENCE { r, s }` (RFC 3279, section 2.2.3).
    Der,
    /// One after the other, each as wide as the curve (IEEE P1363).
    Fixed,
}

/// A running check of one Ed25519 signature.
pub use ed25519::Stream as Ed25519Stream;

impl Scheme {
    /// The hash that is signed; `None` for Ed25519, which needs the message itself.
    pub fn hash(self) -> Option<HashKind> {
        match self {
            Self::EcdsaSha256 | Self::RsaPkcs1Sha256 | Self::RsaPssSha256 => Some(HashKind::Sha256),
            Self::EcdsaSha384 | Self::RsaPkcs1Sha384 | Self::RsaPssSha384 => Some(HashKind::Sha384),
            Self::EcdsaSha512 | Self::RsaPkcs1Sha512 | Self::RsaPssSha512 => Some(HashKind::Sha512),
            Self::Ed25519 => None,
        }
    }

    /// Whether keys of this algorithm sign so.
    pub fn goes_with(self, algorithm: Algorithm) -> bool {
        match self {
            Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 => {
                matches!(algorithm, Algorithm::EcdsaP256 | Algorithm::EcdsaP384)
            }
            Self::Ed25519 => algorithm == Algorithm::Ed25519,
            Self::RsaPkcs1Sha256
            | Self::RsaPkcs1Sha384
            | Self::RsaPkcs1Sha512
            | Self::RsaPssSha256
            | Self::RsaPssSha384
            | Self::RsaPssSha512 => matches!(algorithm, Algorithm::Rsa { .. }),
        }
    }

    /// How the digest is padded; `None` for what is not RSA.
    pub fn padding(self) -> Option<Padding> {
        match self {
            Self::RsaPkcs1Sha256 | Self::RsaPkcs1Sha384 | Self::RsaPkcs1Sha512 => Some(Padding::Pkcs1),
            Self::RsaPssSha256 | Self::RsaPssSha384 | Self::RsaPssSha512 => Some(Padding::Pss),
            _ => None,
        }
    }

    /// How keys of this algorithm sign this hash, RSA keys with this padding. Ed25519 looks at neither.
    pub fn of(algorithm: Algorithm, hash: HashKind, padding: Padding) -> Self {
        match (algorithm, padding, hash) {
            (Algorithm::Ed25519, ..) => Self::Ed25519,
            (Algorithm::EcdsaP256 | Algorithm::EcdsaP384, _, HashKind::Sha256) => Self::EcdsaSha256,
            (Algorithm::EcdsaP256 | Algorithm::EcdsaP384, _, HashKind::Sha384) => Self::EcdsaSha384,
            (Algorithm::EcdsaP256 | Algorithm::EcdsaP384, _, HashKind::Sha512) => Self::EcdsaSha512,
            (Algorithm::Rsa { .. }, Padding::Pkcs1, HashKind::Sha256) => Self::RsaPkcs1Sha256,
            (Algorithm::Rsa { .. }, Padding::Pkcs1, HashKind::Sha384) => Self::RsaPkcs1Sha384,
            (Algorithm::Rsa { .. }, Padding::Pkcs1, HashKind::Sha512) => Self::RsaPkcs1Sha512,
            (Algorithm::Rsa { .. }, Padding::Pss, HashKind::Sha256) => Self::RsaPssSha256,
            (Algorithm::Rsa { .. }, Padding::Pss, HashKind::Sha384) => Self::RsaPssSha384,
            (Algorithm::Rsa { .. }, Padding::Pss, HashKind::Sha512) => Self::RsaPssSha512,
        }
    }
}

impl PublicKey {
    /// Whether this key may sign in this way: its algorithm goes with it, and the key does not say that it is for
    /// another one (`alg` of a JWK, or an RSA key for PSS).
    pub fn takes(&self, scheme: Scheme) -> bool {
        self.algorithm().is_some_and(|algorithm| scheme.goes_with(algorithm))
            && self.only().is_none_or(|only| only == scheme)
            && self.padding().is_none_or(|padding| scheme.padding() == Some(padding))
    }

    /// The one way to sign that the key itself says it is for (`alg` of a JWK, or the parameters of an RSA key for PSS).
    pub fn only(&self) -> Option<Scheme> {
        self.known()?.only()
    }

    /// The one padding that an RSA key itself says it is for: PSS, where its file says id-RSASSA-PSS and not RSA.
    pub fn padding(&self) -> Option<Padding> {
        self.known()?.pss().map(|_| Padding::Pss)
    }

    /// Whether `signature` is this key's over `digest`, which the scheme's hash made. Never for a key that does not
    /// [take](PublicKey::takes) the scheme, and never for Ed25519.
    pub fn verify_digest(&self, scheme: Scheme, encoding: Encoding, digest: &[u8], signature: &[u8]) -> bool {
        self.takes(scheme) && self.matches_digest(scheme, encoding, digest, signature)
    }

    /// The same, whatever the `alg` of a JWK says. What an RSA key says of its padding always holds.
    fn matches_digest(&self, scheme: Scheme, encoding: Encoding, digest: &[u8], signature: &[u8]) -> bool {
        let (Some(known), Some(hash)) = (self.known(), scheme.hash()) else { return false };
        let allowed = known.pss().is_none_or(|pss| pss.allows(scheme));
        if !allowed || !scheme.goes_with(known.algorithm()) || digest.len() != hash.size() {
            return false;
        }
        match known.key() {
            Key::P256(key) => {
                let parsed = match encoding {
                    Encoding::Der => p256::Signature::from_der(signature),
                    Encoding::Fixed => p256::Signature::from_fixed(signature),
                };
                parsed.is_some_and(|signature| key.verify(digest, &signature))
            }
            Key::P384(key) => {
                let parsed = match encoding {
                    Encoding::Der => p384::Signature::from_der(signature),
                    Encoding::Fixed => p384::Signature::from_fixed(signature),
                };
                parsed.is_some_and(|signature| key.verify(digest, &signature))
            }
            Key::Rsa(key) => scheme.padding().is_some_and(|padding| key.verify(padding, hash, digest, signature)),
            Key::Ed25519(_) => false,
        }
    }

    /// Whether `signature` is this key's over `message`, for messages that are in memory anyway.
    pub fn verify_message(&self, scheme: Scheme, encoding: Encoding, message: &[u8], signature: &[u8]) -> bool {
        (self.takes(scheme) || scheme.hash().is_none()) && self.matches_message(scheme, encoding, message, signature)
    }

    /// The same, whatever the key says that it is for (`alg` of a JWK): only where signatures are not JOSE ones, and who
    /// configures them has said so.
    pub(crate) fn matches_message(&self, scheme: Scheme, encoding: Encoding, message: &[u8], signature: &[u8]) -> bool {
        match scheme.hash() {
            Some(hash) => self.matches_digest(scheme, encoding, hash.of(message).as_bytes(), signature),
            None => {
                let stream = signature.try_into().ok().and_then(|signature| self.ed25519_stream(signature));
                stream.is_some_and(|mut stream| {
                    stream.update(message);
                    stream.finish()
                })
            }
        }
    }

    /// A check of an Ed25519 signature that the message is streamed through; `None` if this is no Ed25519 key or no
    /// message can match the signature.
    pub fn ed25519_stream(&self, signature: &[u8; 64]) -> Option<Ed25519Stream> {
        match self.known()?.key() {
            Key::Ed25519(key) => key.stream(signature),
            _ => None,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self {
            Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 => "ECDSA",
            Self::RsaPkcs1Sha256 | Self::RsaPkcs1Sha384 | Self::RsaPkcs1Sha512 => "RSA PKCS#1 v1.5",
            Self::RsaPssSha256 | Self::RsaPssSha384 | Self::RsaPssSha512 => "RSA-PSS",
            Self::Ed25519 => "Ed25519",
        };
        match self.hash() {
            Some(hash) => write!(f, "{family} with {hash}"),
            None => f.write_str(family),
        }
    }
}
