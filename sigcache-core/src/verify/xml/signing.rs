//! Signs documents for tests of what they say; that the signatures are right is what the vectors are for.

use ::p256::ecdsa::{SigningKey, signature::Signer as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    c14n::{Canonicalizer, Mode},
    reader::{Handler, Reader},
    scope::Scope,
    tag::Tag,
};
use crate::{
    Evidence, Failure, KeyId, Name, Timestamp,
    digest::Digest,
    trust::{PublicKey, Trust, TrustedKey},
    verify::{Check, Context, Verifier, VerifyError},
};

struct Whole(Canonicalizer);

impl Handler for Whole {
    fn start(&mut self, tag: &mut Tag, name: &str, _: usize, scope: &Scope) -> Result<(), VerifyError> {
        self.0.start(tag, name, scope);
        Ok(())
    }
    fn text(&mut self, text: &str, _: usize) -> Result<(), VerifyError> {
        self.0.text(text);
        Ok(())
    }
    fn end(&mut self, name: &str, _: usize, scope: &Scope) -> Result<(), VerifyError> {
        self.0.end(name, scope);
        Ok(())
    }
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

/// `document` with a signature where `SIGNATURE` stands.
pub(in crate::verify) fn sign(document: &str) -> String {
    let mut whole = Whole(Canonicalizer::new(Mode::Exclusive(Vec::new())));
    Reader::new().update(document.replace("SIGNATURE", "").as_bytes(), &mut whole).unwrap();
    let digest = STANDARD.encode(Digest::of(whole.0.out()).as_bytes());
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let ds = "http://www.w3.org/2000/09/xmldsig#";
    let empty = |name: &str, algorithm: &str| format!("<{name} Algorithm=\"{algorithm}\"></{name}>");
    let info = [
        &empty("CanonicalizationMethod", exclusive),
        &empty("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
        "<Reference URI=\"\"><Transforms>",
        &empty("Transform", &format!("{ds}enveloped-signature")),
        &empty("Transform", exclusive),
        "</Transforms>",
        &empty("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256"),
        &format!("<DigestValue>{digest}</DigestValue></Reference></SignedInfo>"),
    ]
    .concat();
    let value: ::p256::ecdsa::Signature = key().sign(format!("<SignedInfo xmlns=\"{ds}\">{info}").as_bytes());
    let value = STANDARD.encode(value.to_bytes());
    let signature =
        format!("<Signature xmlns=\"{ds}\"><SignedInfo>{info}<SignatureValue>{value}</SignatureValue></Signature>");
    document.replace("SIGNATURE", &signature)
}

/// The evidence of a document that [`sign`] signed.
pub(in crate::verify) fn verify(verifier: &dyn Verifier, document: &str) -> Result<Evidence, Failure> {
    use ::p256::pkcs8::EncodePublicKey as _;
    let spki = ::p256::PublicKey::from(key().verifying_key()).to_public_key_der().unwrap();
    let trusted = TrustedKey::new(KeyId::new("k"), PublicKey::parse(spki.as_bytes()).unwrap());
    let trust = Trust::new(vec![trusted], 1).unwrap();
    let name = Name::new("document").unwrap();
    let refused = |error: VerifyError| error.into_failure();
    let context = Context::new(&name, Timestamp::from_millis(0), &trust, &[]);
    let mut check = Check::begin(verifier, context).map_err(refused)?;
    check.update(document.as_bytes()).map_err(refused)?;
    check.finish().map(|finding| finding.evidence).map_err(refused)
}
