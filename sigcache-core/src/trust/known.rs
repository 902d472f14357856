//! Keys of the algorithms that this library understands, made from their parts. Every form of a key file ends here,
//! so that one key has one SubjectPublicKeyInfo, whatever it was read from.

use der::{
    AnyRef, Decode as _, Encode as _, Sequence,
    asn1::{BitStringRef, Null, ObjectIdentifier, UintRef},
};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::{
    ecdsa::Backend as _,
    ed25519,
    key::{Algorithm, KeyError, PublicKey},
    label::KeyLabel,
    p256, p384,
    pss::{PssOnly, RSASSA_PSS},
    rsa,
    scheme::Scheme,
};
use crate::{digest::Digest, time::Timestamp};

/// id-ecPublicKey, prime256v1 and secp384r1 (RFC 5480, section 2.1.1)
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// id-Ed25519 (RFC 8410, section 3)
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// rsaEncryption (RFC 8017, appendix A.1)
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A key with everything that is known of it.
pub(super) struct Known {
    key: Key,
    spki: Box<[u8]>,
    certificate: Option<Certificate>,
    only: Option<Scheme>,
    pss: Option<PssOnly>,
    kid: Option<Box<str>>,
    label: Option<KeyLabel>,
    shown: Option<(&'static str, Box<str>)>,
}

/// A key, ready to verify.
pub(super) enum Key {
    P256(p256::Key),
    P384(p384::Key),
    Ed25519(ed25519::Key),
    Rsa(rsa::Key),
}

/// The certificate that a key was read from.
pub(super) struct Certificate {
    pub(super) der: Box<[u8]>,
    pub(super) validity: (Timestamp, Timestamp),
}

/// RSAPublicKey (RFC 8017, appendix A.1.1)
#[derive(Sequence)]
struct RsaNumbers<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl Known {
    /// A P-256 key from its SEC 1 point, compressed or not.
    pub(super) fn p256(sec1: &[u8], form: &'static str) -> Result<Self, KeyError> {
        let made = p256::uncompressed(sec1).and_then(|point| Some((p256::Key::new(&point)?, point)));
        let (key, point) = made.ok_or_else(|| damaged(form, "the point is not on the curve"))?;
        Self::new(Key::P256(key), EC, Some(AnyRef::from(&P256)), &point)
    }

    /// A P-384 key from its SEC 1 point, compressed or not.
    pub(super) fn p384(sec1: &[u8], form: &'static str) -> Result<Self, KeyError> {
        let made = p384::uncompressed(sec1).and_then(|point| Some((p384::Key::new(&point)?, point)));
        let (key, point) = made.ok_or_else(|| damaged(form, "the point is not on the curve"))?;
        Self::new(Key::P384(key), EC, Some(AnyRef::from(&P384)), &point)
    }

    /// An Ed25519 key from its 32 bytes.
    pub(super) fn ed25519(bytes: &[u8], form: &'static str) -> Result<Self, KeyError> {
        let size = || damaged(form, format!("an Ed25519 key has 32 bytes, not {}", bytes.len()));
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| size())?;
        let key = ed25519::Key::new(bytes).ok_or(KeyError::Unsafe {
            algorithm: "Ed25519",
            detail: "it is no point of the curve in its canonical form, or one of small order",
        })?;
        Self::new(Key::Ed25519(key), ED25519, None, bytes)
    }

    /// An RSA key from its numbers, big-endian and without leading zeros.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let key = rsa::Key::new(modulus, exponent).map_err(|detail| KeyError::Unsafe { algorithm: "RSA", detail })?;
        let number = |bytes| UintRef::new(bytes).map_err(|error| damaged("RSA key", error));
        let numbers = RsaNumbers { modulus: number(modulus)?, exponent: number(exponent)? };
        let der = numbers.to_der().map_err(|error| damaged("RSA key", error))?;
        Self::new(Key::Rsa(key), RSA, Some(AnyRef::from(Null)), &der)
    }

    /// An RSA key from its RSAPublicKey, which is also how PKCS#1 writes one.
    pub(super) fn rsa_der(der: &[u8], form: &'static str) -> Result<Self, KeyError> {
        let numbers = RsaNumbers::from_der(der).map_err(|error| damaged(form, error))?;
        Self::rsa(numbers.modulus.as_bytes(), numbers.exponent.as_bytes())
    }

    /// A key from its SubjectPublicKeyInfo.
    pub(super) fn spki_der(der: &[u8], form: &'static str) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|error| damaged(form, error))?;
        let (algorithm, parameters) = (spki.algorithm.oid, spki.algorithm.parameters);
        let bits = spki.subject_public_key.as_bytes().ok_or_else(|| damaged(form, "not a whole number of bytes"))?;
        let curve = parameters.and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
        match (algorithm, curve) {
            (EC, Some(P256)) => Self::p256(bits, form),
            (EC, Some(P384)) => Self::p384(bits, form),
            (EC, Some(curve)) => Err(KeyError::Algorithm(format!("curve {curve}"))),
            (EC, None) => Err(KeyError::Algorithm("a curve without a name".to_owned())),
            (ED25519, _) if parameters.is_none() => Self::ed25519(bits, form),
            // RFC 3279 demands the null; not all signers write it.
            (RSA, _) if parameters.is_none_or(|parameters| parameters.is_null()) => Self::rsa_der(bits, form),
            // The key is the same as without; what it says it is for is kept beside it.
            (RSASSA_PSS, _) => {
                let pss = PssOnly::read(parameters)?;
                Ok(Self { pss: Some(pss), ..Self::rsa_der(bits, form)? })
            }
            (ED25519 | RSA, _) => Err(damaged(form, "parameters where there are none")),
            _ => Err(KeyError::Algorithm(format!("algorithm {algorithm}"))),
        }
    }

    fn new(
        key: Key,
        algorithm: ObjectIdentifier,
        parameters: Option<AnyRef<'_>>,
        bits: &[u8],
    ) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoRef {
            algorithm: AlgorithmIdentifierRef { oid: algorithm, parameters },
            subject_public_key: BitStringRef::from_bytes(bits).map_err(|error| damaged("public key", error))?,
        };
        let spki = spki.to_der().map_err(|error| damaged("public key", error))?.into();
        Ok(Self { key, spki, certificate: None, only: None, pss: None, kid: None, label: None, shown: None })
    }

    /// The same, read from this certificate.
    pub(super) fn with_certificate(self, der: Vec<u8>, validity: (Timestamp, Timestamp)) -> Self {
        Self { certificate: Some(Certificate { der: der.into(), validity }), ..self }
    }

    /// The same, read from the certificate of `other`.
    pub(super) fn with_certificate_of(self, other: Self) -> Self {
        Self { certificate: other.certificate, ..self }
    }

    /// The same, with the name that its publisher gave it.
    pub(super) fn with_kid(self, kid: &str) -> Self {
        Self { kid: Some(kid.into()), ..self }
    }

    /// The same, for this scheme alone.
    pub(super) fn with_only(self, only: Option<Scheme>) -> Self {
        Self { only, ..self }
    }

    /// The same, called so by its file.
    pub(super) fn with_label(self, label: KeyLabel) -> Self {
        Self { label: Some(label), ..self }
    }

    /// The same, and what the tools that write this kind of file show of the key, with the kind.
    pub(super) fn with_shown(self, kind: &'static str, shown: String) -> Self {
        Self { shown: Some((kind, shown.into())), ..self }
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(super) fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    pub(super) fn only(&self) -> Option<Scheme> {
        let pss = self.pss.and_then(|pss| pss.0).map(|hash| Scheme::of(self.algorithm(), hash, rsa::Padding::Pss));
        self.only.or(pss)
    }

    /// What an RSA key says of its padding.
    pub(super) fn pss(&self) -> Option<PssOnly> {
        self.pss
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn label(&self) -> Option<&KeyLabel> {
        self.label.as_ref()
    }

    /// What the tools of the file's kind show of the key, with the kind.
    pub(super) fn shown(&self) -> Option<(&'static str, String)> {
        match (&self.shown, &self.label, &self.certificate) {
            (Some((kind, shown)), ..) => Some((kind, shown.to_string())),
            (None, Some(KeyLabel::Number(_)), _) => Some(("minisign", self.label.as_ref()?.to_string())),
            (None, Some(KeyLabel::Note { .. }), _) => Some(("note", self.label.as_ref()?.to_string())),
            (None, Some(KeyLabel::Nix(_)), _) => Some(("nix", self.label.as_ref()?.to_string())),
            (None, _, Some(certificate)) => {
                let digest = Digest::of(&certificate.der);
                let pairs: Vec<String> = digest.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
                Some(("certificate", pairs.join(":")))
            }
            (None, ..) => None,
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match &self.key {
            Key::P256(_) => Algorithm::EcdsaP256,
            Key::P384(_) => Algorithm::EcdsaP384,
            Key::Ed25519(_) => Algorithm::Ed25519,
            Key::Rsa(key) => Algorithm::Rsa { bits: key.bits() },
        }
    }
}

impl From<Known> for PublicKey {
    fn from(known: Known) -> Self {
        Self::of(known)
    }
}

/// A form that was recognised and is damaged.
pub(super) fn damaged(form: &'static str, detail: impl ToString) -> KeyError {
    KeyError::Damaged { form, detail: detail.to_string() }
}
