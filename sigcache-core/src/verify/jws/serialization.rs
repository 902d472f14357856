//! The JSON forms (RFC 7515, section 7.2): one signature (flattened) or several (general).
//!
//! Stricter than the RFC, since whatever is not signed would be stored all the same: the outer objects have only the
//! members that they are made of, `alg` is always in the protected header, and outside it nothing stands but a `kid`.

use serde_json::{Map, Value};

use super::{
    Checks, Content, Finding, Jws, Trust, VerifyError, Whole,
    attempt::{Attempt, MAX_SIGNATURE},
    base64url,
    compact::without_payload,
    header::{Encoding, Header},
};
use crate::json;

/// More signatures of one JWS are refused: every one of them costs a pass over the payload.
pub const MAX_JWS_SIGNATURES: usize = 16;

/// What either form is.
const EXPECTED: &str = "a JWS in JSON: payload, and protected and signature or a list of signatures";

/// A JWS in a JSON form, taken apart.
pub(super) struct Serialized {
    payload: Option<String>,
    signatures: Vec<Signature>,
}

/// One signature of it.
pub(super) struct Signature {
    /// The protected header, encoded.
    pub(super) protected: String,
    pub(super) header: Header,
    pub(super) signature: Vec<u8>,
}

/// Whether a JWS that begins so is in a JSON form.
pub(super) fn begins(first: u8) -> bool {
    matches!(first, b'{' | b' ' | b'\t' | b'\r' | b'\n')
}

impl Serialized {
    /// One that is the document itself. What is wrong with it is wrong with the document.
    pub(super) fn attached(text: &[u8]) -> Result<Self, VerifyError> {
        let parsed = Self::parse(text, VerifyError::malformed_document)?;
        match &parsed.payload {
            Some(payload) if !payload.is_empty() => Ok(parsed),
            _ => Err(without_payload()),
        }
    }

    /// One that lies beside the document.
    pub(super) fn detached(text: &[u8]) -> Result<Vec<Signature>, VerifyError> {
        let parsed = Self::parse(text, VerifyError::malformed_signature)?;
        match parsed.payload {
            None => Ok(parsed.signatures),
            Some(_) => Err(VerifyError::malformed_signature("a JWS without payload, for it is detached", "a payload")),
        }
    }

    fn parse(text: &[u8], wrong: fn(&str, String) -> VerifyError) -> Result<Self, VerifyError> {
        let fault = |found: &str| wrong(EXPECTED, found.to_owned());
        let mut members = json::object(text).map_err(|found| wrong(EXPECTED, found))?;
        let payload = match members.remove("payload") {
            None => None,
            Some(Value::String(payload)) => Some(payload),
            Some(_) => return Err(fault("a payload that is no text")),
        };
        let entries = match members.remove("signatures") {
            None => vec![members],
            Some(_) if !members.is_empty() => return Err(fault("other members beside signatures")),
            Some(Value::Array(list)) if (1..=MAX_JWS_SIGNATURES).contains(&list.len()) => {
                let entry = |value| match value {
                    Value::Object(members) => Ok(members),
                    _ => Err(fault("a signature that is no object")),
                };
                list.into_iter().map(entry).collect::<Result<_, _>>()?
            }
            Some(Value::Array(list)) => return Err(wrong(EXPECTED, format!("{} signatures", list.len()))),
            Some(_) => return Err(fault("signatures that are no list")),
        };
        let signatures: Vec<Signature> =
            entries.into_iter().map(|members| signature(members, &fault)).collect::<Result<_, _>>()?;
        let encodings: Vec<Encoding> = signatures.iter().map(|signature| signature.header.encoding).collect();
        if encodings.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(fault("signatures that differ in b64 (RFC 7797, section 3)"));
        }
        Ok(Self { payload, signatures })
    }

    /// The payload, decoded. It was decoded once before, when it was verified.
    pub(super) fn into_payload(self) -> Vec<u8> {
        let encoding = self.encoding();
        let text = self.payload.unwrap_or_default();
        match encoding {
            Encoding::Plain => text.into_bytes(),
            Encoding::Base64url => base64url::decode(&text).unwrap_or_default(),
        }
    }

    fn encoding(&self) -> Encoding {
        self.signatures.first().map_or(Encoding::Base64url, |signature| signature.header.encoding)
    }

    /// Checks every signature over the payload inside.
    pub(super) fn check(self, jws: &Jws, trust: &Trust, whole: Whole) -> Result<Finding, VerifyError> {
        let encoding = self.encoding();
        let text = self.payload.unwrap_or_default();
        let mut content = Content::new(&jws.reading);
        match encoding {
            Encoding::Plain => content.update(text.as_bytes())?,
            Encoding::Base64url => {
                let decoded = base64url::decode(&text);
                let wrong = || VerifyError::malformed_document(EXPECTED, "a payload that is not base64url");
                content.update(&decoded.ok_or_else(wrong)?)?;
            }
        }
        let mut checks = Checks::default();
        for Signature { protected, header, signature } in self.signatures {
            let attempt = Attempt::begin(protected.as_bytes(), header, trust, jws.paths.as_ref(), Some(&signature[..]));
            match attempt {
                Ok(mut attempt) => {
                    attempt.update(text.as_bytes())?;
                    checks.add(attempt, &signature);
                }
                Err(refusal) => checks.refusal = checks.refusal.or(Some(refusal)),
            }
        }
        jws.conclude(trust, checks, content, whole)
    }
}

/// One signature, from the members `protected`, `header` and `signature` and no others.
fn signature(mut members: Map<String, Value>, fault: &impl Fn(&str) -> VerifyError) -> Result<Signature, VerifyError> {
    let mut text = |name: &str| match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(fault(&format!("{name} that is no text"))),
        None => Err(fault(&format!("a signature without {name}"))),
    };
    let (protected, encoded) = (text("protected")?, text("signature")?);
    let mut header = Header::parse(protected.as_bytes())?;
    match members.remove("header") {
        None => {}
        Some(Value::Object(unprotected)) => match (unprotected.len(), unprotected.get("kid")) {
            (1, Some(Value::String(kid))) if header.kid.is_none() => header.kid = Some(kid.clone()),
            _ => return Err(fault("a header outside the protected one that holds more than one kid")),
        },
        Some(_) => return Err(fault("a header that is no object")),
    }
    if let Some(name) = members.keys().next() {
        return Err(fault(&format!("the member {name:?}")));
    }
    let decoded = Some(encoded).filter(|text| (1..=MAX_SIGNATURE).contains(&text.len())).and_then(base64url::decode);
    let wrong = || VerifyError::malformed_signature("a signature in base64url", "something else");
    Ok(Signature { protected, header, signature: decoded.ok_or_else(wrong)? })
}
