//! A public key: what it is, and what it is known by. How one is read from a file is in `forms`.

use std::{fmt, sync::Arc};

#[cfg(feature = "keys")]
use super::known::Known;
use super::{hash::Hash, label::KeyLabel};
use crate::{digest::Digest, time::Timestamp};

/// More than any key file needs; checked before anything is parsed.
pub const MAX_KEY_BYTES: usize = 64 * 1024;

/// What else a key file may be, in builds that know it.
#[cfg(feature = "openpgp")]
const OR_OPENPGP: &str = ", or an OpenPGP certificate";
#[cfg(not(feature = "openpgp"))]
const OR_OPENPGP: &str = "";

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    fingerprint: Digest,
    material: Material,
}

#[derive(Clone)]
enum Material {
    #[cfg(feature = "keys")]
    Known(Arc<Known>),
    #[cfg(feature = "openpgp")]
    OpenPgp(Arc<sequoia_openpgp::Cert>),
    Digest(Hash),
    Opaque(Arc<[u8]>),
}

/// What a key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA on the curve P-256 (prime256v1, secp256r1).
    EcdsaP256,
    /// ECDSA on the curve P-384 (secp384r1).
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA.
    Rsa {
        /// The length of the modulus.
        bits: usize,
    },
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
    #[error(
        "not a public key: expected PEM or DER (SubjectPublicKeyInfo, X.509 certificate or PKCS#1), a JWK, or the public \
         key of minisign, signify, OpenSSH, a C2SP note or a Nix cache{OR_OPENPGP}"
    )]
    UnknownForm,
    /// An allowed-signers file where one key belongs.
    #[error("this is an allowed-signers file, which says of keys when they may sign; here one key alone is expected")]
    AllowedSigners,
    /// A keyring of several OpenPGP certificates where one key belongs.
    #[cfg(feature = "openpgp")]
    #[error("this is a keyring of several OpenPGP certificates; here one alone is expected")]
    Keyring,
    /// A known form that is damaged.
    #[error("the {form} is damaged: {detail}")]
    Damaged {
        /// The form that was recognised.
        form: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A sound key of another algorithm.
    #[error("the key's algorithm is not supported: expected ECDSA on P-256 or P-384, Ed25519 or RSA, found {0}")]
    Algorithm(String),
    /// A key that proves nothing, whoever has it, or that costs too much to use.
    #[error("the {algorithm} key is not safe to use: {detail}")]
    Unsafe {
        /// Its algorithm.
        algorithm: &'static str,
        /// What is wrong with it.
        detail: &'static str,
    },
}

impl PublicKey {
    /// A key that only a verifier from outside this library understands; the bytes are its identity.
    pub fn opaque(bytes: Vec<u8>) -> Self {
        Self { fingerprint: Digest::of(&bytes), material: Material::Opaque(bytes.into()) }
    }

    /// No key at all, but what an [anchor](crate::anchor) says that the hash of a document is: whoever has it counts as
    /// signed by it. So what holds of keys holds of digests, such as that one which is named no more counts no more.
    pub fn of_digest(hash: Hash) -> Self {
        Self { fingerprint: Digest::of(hash.to_string().as_bytes()), material: Material::Digest(hash) }
    }

    /// The hash that a document must have, where this is no key but that.
    pub fn as_digest(&self) -> Option<Hash> {
        match &self.material {
            Material::Digest(hash) => Some(*hash),
            _ => None,
        }
    }

    /// The bytes of a key made by [`PublicKey::opaque`].
    pub fn as_opaque(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Opaque(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// SHA-256 of the key as SubjectPublicKeyInfo (RFC 5280, section 4.1): the same whatever file it came from. Of what is
    /// no key of ours, a number that tells it from all others.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// Whether what has this fingerprint signs for it: the key itself, or one of the keys of its certificate.
    pub(super) fn has(&self, fingerprint: Digest) -> bool {
        #[cfg(feature = "openpgp")]
        if let Some(cert) = self.openpgp() {
            return super::openpgp::key(cert, fingerprint).is_some();
        }
        fingerprint == self.fingerprint
    }

    /// Whether its certificate says that what has this fingerprint was lost, so that it never signed anything.
    pub(super) fn has_revoked(&self, fingerprint: Digest) -> bool {
        #[cfg(feature = "openpgp")]
        if let Some(cert) = self.openpgp() {
            let key = super::openpgp::key(cert, fingerprint);
            return key.is_none_or(|key| super::openpgp::is_lost(&key)) || super::openpgp::is_revoked_for_good(cert);
        }
        let _ = fingerprint;
        false
    }

    /// Whether the OpenPGP certificate that it is says that all of its keys were lost.
    pub(super) fn is_revoked_for_good(&self) -> bool {
        #[cfg(feature = "openpgp")]
        return self.openpgp().is_some_and(|cert| super::openpgp::is_revoked_for_good(cert));
        #[cfg(not(feature = "openpgp"))]
        false
    }

    /// When the OpenPGP certificate that it is expires, by its own words. Those are signed, so it takes a while to ask.
    pub(super) fn own_expiry(&self) -> Option<Timestamp> {
        #[cfg(feature = "openpgp")]
        return self.openpgp().and_then(|cert| super::openpgp::expiry(cert));
        #[cfg(not(feature = "openpgp"))]
        None
    }

    /// What it signs with; `None` for an opaque key.
    pub fn algorithm(&self) -> Option<Algorithm> {
        #[cfg(feature = "keys")]
        return self.known().map(Known::algorithm);
        #[cfg(not(feature = "keys"))]
        None
    }

    /// The key as SubjectPublicKeyInfo in DER, of which the fingerprint is made; `None` for an opaque key.
    pub fn spki_der(&self) -> Option<&[u8]> {
        #[cfg(feature = "keys")]
        return self.known().map(Known::spki);
        #[cfg(not(feature = "keys"))]
        None
    }

    /// The certificate that it was read from, in DER.
    pub fn certificate(&self) -> Option<&[u8]> {
        #[cfg(feature = "keys")]
        return self.known()?.certificate().map(|certificate| &*certificate.der);
        #[cfg(not(feature = "keys"))]
        None
    }

    /// The name that its publisher gave it: the `kid` of the JWK that it was read from.
    pub fn kid(&self) -> Option<&str> {
        #[cfg(feature = "keys")]
        return self.known()?.kid();
        #[cfg(not(feature = "keys"))]
        None
    }

    /// What its file calls it, where tools of its kind name their keys.
    pub fn label(&self) -> Option<&KeyLabel> {
        #[cfg(feature = "keys")]
        return self.known()?.label();
        #[cfg(not(feature = "keys"))]
        None
    }

    /// What the tools that write this kind of file show of the key, to compare it with what a publisher prints; with the
    /// kind: `ssh` (as `ssh-keygen -l`), `jwk` (the thumbprint of RFC 7638), `certificate` (as `openssl x509
    /// -fingerprint -sha256`), `minisign` (the number, also of signify), `note` (name and id), `nix` (the name), `openpgp`
    /// (the fingerprint). `None`
    /// for a bare key, whose [fingerprint](Self::fingerprint) is all there is.
    pub fn shown(&self) -> Option<(&'static str, String)> {
        #[cfg(feature = "openpgp")]
        if let Some(cert) = self.openpgp() {
            return Some(("openpgp", cert.fingerprint().to_hex()));
        }
        #[cfg(feature = "keys")]
        return self.known()?.shown();
        #[cfg(not(feature = "keys"))]
        None
    }

    /// Whether a signature that names its key so may be this key's: a key that has no label may always be meant.
    pub fn may_be(&self, label: &KeyLabel) -> bool {
        self.label().is_none_or(|own| own == label)
    }

    /// The first and the last moment at which the certificate that it was read from is valid, by its own words. Nothing
    /// here enforces them: the limits of a trusted key are those that the configuration gives it.
    pub fn certificate_validity(&self) -> Option<(Timestamp, Timestamp)> {
        #[cfg(feature = "keys")]
        return self.known()?.certificate().map(|certificate| certificate.validity);
        #[cfg(not(feature = "keys"))]
        None
    }
}

#[cfg(feature = "keys")]
impl PublicKey {
    /// A key that this library understands.
    pub(super) fn of(known: Known) -> Self {
        Self { fingerprint: Digest::of(known.spki()), material: Material::Known(Arc::new(known)) }
    }

    pub(super) fn known(&self) -> Option<&Known> {
        match &self.material {
            Material::Known(known) => Some(known),
            _ => None,
        }
    }
}

#[cfg(feature = "openpgp")]
impl PublicKey {
    /// A certificate, known by its primary key.
    pub(super) fn of_openpgp(fingerprint: Digest, cert: Arc<sequoia_openpgp::Cert>) -> Self {
        Self { fingerprint, material: Material::OpenPgp(cert) }
    }

    /// The OpenPGP certificate, if it is one.
    pub(crate) fn openpgp(&self) -> Option<&Arc<sequoia_openpgp::Cert>> {
        match &self.material {
            Material::OpenPgp(cert) => Some(cert),
            _ => None,
        }
    }

    /// Whether it is an OpenPGP certificate. Its fingerprint is then of the packet of its primary key.
    pub fn is_openpgp(&self) -> bool {
        self.openpgp().is_some()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
        }
    }
}
