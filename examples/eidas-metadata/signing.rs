//! Keys, certificates and signatures, as an authority and the countries make them.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use serde_json::{Value, json};
use sigcache_core::Digest;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// How a key signs.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    EcdsaP256,
    RsaPkcs1,
    RsaPss,
}

/// A private key and its certificates.
pub(crate) struct Signer {
    private: Private,
    kind: Kind,
    /// Its own first, in DER.
    chain: Vec<Vec<u8>>,
}

enum Private {
    Ecdsa(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
}

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub(crate) pem: String,
}

impl Authority {
    /// One that is its own root.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let mut params = params(name, SystemTime::now(), 3650 * DAY);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = pem(params.self_signed(&key)?.der());
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// A key with a certificate of this authority.
    pub(crate) fn certify(&self, name: &str, kind: Kind) -> Result<Signer> {
        let key = generate(kind)?;
        let certificate = params(name, SystemTime::now(), 365 * DAY).signed_by(&key, &self.issuer)?;
        Signer::new(&key, kind, certificate.der().to_vec())
    }
}

impl Signer {
    /// A key with a certificate of its own.
    pub(crate) fn self_signed(name: &str, kind: Kind) -> Result<Self> {
        let key = generate(kind)?;
        let certificate = params(name, SystemTime::now(), 365 * DAY).self_signed(&key)?;
        Self::new(&key, kind, certificate.der().to_vec())
    }

    fn new(key: &KeyPair, kind: Kind, certificate: Vec<u8>) -> Result<Self> {
        let pkcs8 = key.serialize_der();
        let private = match kind {
            Kind::EcdsaP256 => {
                Private::Ecdsa(Box::new(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)?))
            }
            Kind::RsaPkcs1 | Kind::RsaPss => Private::Rsa(Box::new(RsaKeyPair::from_pkcs8(&pkcs8)?)),
        };
        Ok(Self { private, kind, chain: vec![certificate] })
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.private {
            Private::Ecdsa(key) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
            Private::Rsa(key) => {
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = match self.kind {
                    Kind::RsaPss => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    fn x5c(&self) -> Vec<String> {
        self.chain.iter().map(|certificate| STANDARD.encode(certificate)).collect()
    }

    /// The public key as an entry of the trust anchor.
    pub(crate) fn jwk(&self, kid: &str) -> Result<Value> {
        let mut jwk = match &self.private {
            Private::Ecdsa(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point.get(1..65).context("a point of P-256 has 65 bytes")?.split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) })
            }
            Private::Rsa(key) => {
                // RSAPublicKey in DER ends with the modulus of 2048 bits, two bytes of tag and length, and 65537.
                let der = key.public_key().as_ref();
                let modulus = der.len().checked_sub(261).and_then(|start| der.get(start..start + 256));
                let n = URL_SAFE_NO_PAD.encode(modulus.context("an RSA key of 2048 bits")?);
                // The tool behind the historic anchor wrote RS256 beside every RSA key, whatever the country signed with.
                json!({ "kty": "RSA", "alg": "RS256", "n": n, "e": "AQAB" })
            }
        };
        jwk["kid"] = kid.into();
        jwk["key_ops"] = json!(["verify"]);
        jwk["x5c"] = self.x5c().into();
        Ok(jwk)
    }

    /// A compact JWS (RFC 7515, section 7.1) of `payload`, with the certificates in its header.
    pub(crate) fn jws(&self, payload: &Value) -> Result<String> {
        let alg = match self.kind {
            Kind::EcdsaP256 => "ES256",
            Kind::RsaPkcs1 => "RS256",
            Kind::RsaPss => "PS256",
        };
        let header = json!({ "alg": alg, "x5c": self.x5c() });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(payload));
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.sign(signed.as_bytes())?)))
    }

    /// `document` with an enveloped signature where `SIGNATURE` stands. The rest is in exclusive canonical form already,
    /// so that what is digested is the text itself.
    pub(crate) fn envelop(&self, document: &str, id: &str) -> Result<String> {
        let digest = STANDARD.encode(Digest::of(document.replace("SIGNATURE", "").as_bytes()).as_bytes());
        let method = match self.kind {
            Kind::EcdsaP256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Kind::RsaPkcs1 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Kind::RsaPss => "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        };
        let info = format!(
            "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{DS}enveloped-signature\"></ds:Transform>\
             <ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        );
        // Alone, it declares the prefix that it has from ds:Signature in the document.
        let value = self.sign(format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{info}").as_bytes())?;
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>{info}\
             <ds:SignatureValue>{}</ds:SignatureValue>\
             <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
            STANDARD.encode(value),
            self.certificate(),
        );
        Ok(document.replace("SIGNATURE", &signature))
    }

    /// Its own certificate in base64.
    pub(crate) fn certificate(&self) -> String {
        self.chain.first().map(|certificate| STANDARD.encode(certificate)).unwrap_or_default()
    }
}

fn generate(kind: Kind) -> Result<KeyPair> {
    Ok(match kind {
        Kind::EcdsaP256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
        Kind::RsaPkcs1 | Kind::RsaPss => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?,
    })
}

/// A certificate for signatures, valid since yesterday.
fn params(name: &str, now: SystemTime, span: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    params.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(DAY);
    params.not_after = date_time_ymd(1970, 1, 1) + now + span;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
