//! How certificates and revocation lists are signed, in our own backends, so that one set of primitives verifies
//! everything here. What is not in the table is too weak or unknown: there is no SHA-1 and no RSA below 2048 bits.

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

use crate::trust::{
    PublicKey,
    key::KeyError,
    known::Known,
    scheme::{Encoding, Scheme},
};

/// A kind of key and a scheme that it signs with.
#[derive(Debug)]
struct Algorithm {
    read: fn(&[u8], &'static str) -> Result<Known, KeyError>,
    key: AlgorithmIdentifier,
    scheme: Scheme,
    signature: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for Algorithm {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = (self.read)(key, "certificate").map(PublicKey::from).map_err(|_| InvalidSignature)?;
        if key.verify_message(self.scheme, Encoding::Der, message, signature) { Ok(()) } else { Err(InvalidSignature) }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

const fn p256(scheme: Scheme, signature: AlgorithmIdentifier) -> Algorithm {
    Algorithm { read: Known::p256, key: alg_id::ECDSA_P256, scheme, signature }
}

const fn p384(scheme: Scheme, signature: AlgorithmIdentifier) -> Algorithm {
    Algorithm { read: Known::p384, key: alg_id::ECDSA_P384, scheme, signature }
}

const fn rsa(scheme: Scheme, signature: AlgorithmIdentifier) -> Algorithm {
    Algorithm { read: Known::rsa_der, key: alg_id::RSA_ENCRYPTION, scheme, signature }
}

/// All of them. RSA-PSS is here with ordinary RSA keys (`rsaEncryption`), which is what authorities have.
pub(super) const ALL: &[&dyn SignatureVerificationAlgorithm] = &[
    &p256(Scheme::EcdsaSha256, alg_id::ECDSA_SHA256),
    &p256(Scheme::EcdsaSha384, alg_id::ECDSA_SHA384),
    &p256(Scheme::EcdsaSha512, alg_id::ECDSA_SHA512),
    &p384(Scheme::EcdsaSha256, alg_id::ECDSA_SHA256),
    &p384(Scheme::EcdsaSha384, alg_id::ECDSA_SHA384),
    &p384(Scheme::EcdsaSha512, alg_id::ECDSA_SHA512),
    &rsa(Scheme::RsaPkcs1Sha256, alg_id::RSA_PKCS1_SHA256),
    &rsa(Scheme::RsaPkcs1Sha384, alg_id::RSA_PKCS1_SHA384),
    &rsa(Scheme::RsaPkcs1Sha512, alg_id::RSA_PKCS1_SHA512),
    &rsa(Scheme::RsaPssSha256, alg_id::RSA_PSS_SHA256),
    &rsa(Scheme::RsaPssSha384, alg_id::RSA_PSS_SHA384),
    &rsa(Scheme::RsaPssSha512, alg_id::RSA_PSS_SHA512),
    &Algorithm { read: Known::ed25519, key: alg_id::ED25519, scheme: Scheme::Ed25519, signature: alg_id::ED25519 },
];
