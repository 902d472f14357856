//! A public key, told by its content: PEM or DER, SubjectPublicKeyInfo or X.509 certificate, or a JWK.

use std::{fmt, sync::Arc};

use crate::digest::Digest;

/// More than any key file needs; checked before anything is parsed.
pub const MAX_KEY_BYTES: usize = 64 * 1024;

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    fingerprint: Digest,
    material: Material,
}

#[derive(Clone)]
enum Material {
    #[cfg(feature = "detached")]
    P256(Arc<super::p256::Key>),
    Opaque(Arc<[u8]>),
}

/// Why a file is not a usable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Larger than [`MAX_KEY_BYTES`].
    #[error("a key file has at most {MAX_KEY_BYTES} bytes")]
    TooLarge,
    /// A private key where a public one belongs.
    #[error(
        "this is a private key; configure the public key, and keep the private one where only the signer can read it"
    )]
    PrivateKey,
    /// None of the known forms.
    #[error("not a public key: expected PEM or DER (SubjectPublicKeyInfo or X.509 certificate) or a JWK")]
    UnknownForm,
    /// A known form that is damaged.
    #[error("the {form} is damaged: {detail}")]
    Damaged {
        /// The form that was recognised.
        form: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A sound key of another algorithm.
    #[error("the key's algorithm is not supported: expected an elliptic-curve key on P-256 (prime256v1), found {0}")]
    Algorithm(String),
}

impl PublicKey {
    /// A key that only a verifier from outside this library understands; the bytes are its identity.
    pub fn opaque(bytes: Vec<u8>) -> Self {
        Self { fingerprint: Digest::of(&bytes), material: Material::Opaque(bytes.into()) }
    }

    /// The bytes of a key made by [`PublicKey::opaque`].
    pub fn as_opaque(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Opaque(bytes) => Some(bytes),
            #[cfg(feature = "detached")]
            Material::P256(_) => None,
        }
    }

    /// SHA-256 of the key as SubjectPublicKeyInfo (RFC 5280, section 4.1): the same whatever file it came from.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }
}

#[cfg(feature = "detached")]
mod forms {
    use ::p256::{
        PublicKey as Point,
        elliptic_curve::sec1::ToSec1Point as _,
        pkcs8::{DecodePublicKey as _, EncodePublicKey as _},
    };
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use x509_cert::{
        Certificate,
        der::{Decode as _, DecodePem as _, Encode as _},
        spki::SubjectPublicKeyInfoRef,
    };

    use super::{Arc, Digest, KeyError, MAX_KEY_BYTES, Material, PublicKey};
    use crate::trust::p256;

    impl PublicKey {
        /// Reads a key file. Its content says which form it has, not its name.
        pub fn parse(file: &[u8]) -> Result<Self, KeyError> {
            if file.len() > MAX_KEY_BYTES {
                return Err(KeyError::TooLarge);
            }
            let start = file.trim_ascii_start();
            if start.starts_with(b"{") {
                return from_jwk(file);
            }
            if start.starts_with(b"-----BEGIN") {
                let text = std::str::from_utf8(start).map_err(|_| damaged("PEM file", "not UTF-8"))?;
                return from_pem(text);
            }
            if file.first() == Some(&0x30) {
                return from_der(file);
            }
            Err(KeyError::UnknownForm)
        }

        /// The P-256 key, if that is what it is.
        pub fn as_p256(&self) -> Option<&p256::Key> {
            match &self.material {
                Material::P256(key) => Some(key),
                Material::Opaque(_) => None,
            }
        }
    }

    fn damaged(form: &'static str, detail: impl ToString) -> KeyError {
        KeyError::Damaged { form, detail: detail.to_string() }
    }

    fn from_pem(text: &str) -> Result<PublicKey, KeyError> {
        // Wherever in the file it stands: behind a certificate, or behind the parameters that `openssl ecparam` writes.
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::PrivateKey);
        }
        let label = text.trim_start_matches('-').strip_prefix("BEGIN ").and_then(|rest| rest.split("-----").next());
        match label {
            Some("PUBLIC KEY") => {
                let (_, der) = x509_cert::der::pem::decode_vec(text.trim_end().as_bytes())
                    .map_err(|error| damaged("public key", error))?;
                from_spki(&der)
            }
            Some("CERTIFICATE") => {
                // A chain may follow; the first certificate is the signer's own.
                const END: &str = "-----END CERTIFICATE-----";
                let first = text.find(END).map_or(text, |at| &text[..at + END.len()]);
                from_certificate(Certificate::from_pem(first).map_err(|error| damaged("certificate", error))?)
            }
            _ => Err(KeyError::UnknownForm),
        }
    }

    fn from_der(der: &[u8]) -> Result<PublicKey, KeyError> {
        if SubjectPublicKeyInfoRef::from_der(der).is_ok() {
            return from_spki(der);
        }
        if ::p256::pkcs8::PrivateKeyInfoRef::try_from(der).is_ok() || ::p256::SecretKey::from_sec1_der(der).is_ok() {
            return Err(KeyError::PrivateKey);
        }
        from_certificate(Certificate::from_der(der).map_err(|_| KeyError::UnknownForm)?)
    }

    fn from_certificate(certificate: Certificate) -> Result<PublicKey, KeyError> {
        let spki = certificate.tbs_certificate().subject_public_key_info().to_der();
        from_spki(&spki.map_err(|error| damaged("certificate", error))?)
    }

    fn from_spki(der: &[u8]) -> Result<PublicKey, KeyError> {
        // id-ecPublicKey and prime256v1 (RFC 5480, section 2.1.1)
        const EC: &str = "1.2.840.10045.2.1";
        const P256: &str = "1.2.840.10045.3.1.7";
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|error| damaged("public key", error))?;
        let algorithm = spki.algorithm.oid.to_string();
        let curve = spki.algorithm.parameters_oid().map(|oid| oid.to_string()).unwrap_or_default();
        if algorithm != EC || curve != P256 {
            let found = if algorithm == EC { format!("curve {curve}") } else { format!("algorithm {algorithm}") };
            return Err(KeyError::Algorithm(found));
        }
        from_point(Point::from_public_key_der(der).map_err(|error| damaged("public key", error))?)
    }

    /// RFC 7517 and RFC 7518, section 6.2.
    fn from_jwk(file: &[u8]) -> Result<PublicKey, KeyError> {
        #[derive(serde::Deserialize)]
        struct Jwk {
            kty: String,
            crv: Option<String>,
            x: Option<String>,
            y: Option<String>,
            d: Option<serde_json::Value>,
            alg: Option<String>,
            #[serde(rename = "use")]
            usage: Option<String>,
        }
        let jwk: Jwk = serde_json::from_slice(file).map_err(|error| damaged("JWK", error))?;
        if jwk.d.is_some() {
            return Err(KeyError::PrivateKey);
        }
        let curve = jwk.crv.unwrap_or_default();
        if jwk.kty != "EC" || curve != "P-256" || jwk.alg.is_some_and(|alg| alg != "ES256") {
            return Err(KeyError::Algorithm(format!("kty {:?}, crv {curve:?}", jwk.kty)));
        }
        if jwk.usage.is_some_and(|usage| usage != "sig") {
            return Err(damaged("JWK", "its use is not sig"));
        }
        let mut sec1 = vec![4];
        for (label, coordinate) in [("x", jwk.x), ("y", jwk.y)] {
            let text = coordinate.ok_or_else(|| damaged("JWK", format!("no {label}")))?;
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| damaged("JWK", error))?;
            if bytes.len() != 32 {
                return Err(damaged("JWK", format!("{label} has {} bytes, not 32", bytes.len())));
            }
            sec1.extend(bytes);
        }
        from_point(Point::from_sec1_bytes(&sec1).map_err(|_| damaged("JWK", "the point is not on the curve"))?)
    }

    fn from_point(point: Point) -> Result<PublicKey, KeyError> {
        let spki = point.to_public_key_der().map_err(|error| damaged("public key", error))?;
        let sec1 = point.to_sec1_point(false);
        let key = p256::Key::new(sec1.as_bytes()).ok_or_else(|| damaged("public key", "not a point on the curve"))?;
        Ok(PublicKey { fingerprint: Digest::of(spki.as_bytes()), material: Material::P256(Arc::new(key)) })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint)
    }
}
