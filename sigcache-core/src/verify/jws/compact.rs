//! A JWS that has its payload inside, checked as it passes: three parts with dots between them. One in a JSON form, which
//! begins with a brace, is gathered first.

use super::{
    Checks, Content, Finding, Jws, MAX_JWS_JSON_BYTES, Trust, Verification, VerifyError, Whole,
    attempt::{Attempt, MAX_SIGNATURE},
    base64url::{self, Decoder},
    header::{Encoding, Header, MAX_HEADER},
    serialization::{self, Serialized},
};

/// What a compact JWS is.
const THREE_PARTS: &str = "a compact JWS: header, payload and signature in base64url, with dots between them";

/// A check of a JWS with its payload inside.
pub(super) struct Attached {
    jws: Jws,
    trust: Trust,
    part: Part,
}

/// How far it came.
enum Part {
    Start,
    Json(Vec<u8>),
    Header(Vec<u8>),
    Payload(Box<Payload>),
    Signature(Box<Payload>, Vec<u8>),
}

struct Payload {
    attempt: Attempt,
    /// `None` where the payload stands as it is.
    decoder: Option<Decoder>,
    content: Content,
}

impl Attached {
    pub(super) fn new(jws: Jws, trust: Trust) -> Self {
        Self { jws, trust, part: Part::Start }
    }

    fn payload(&self, encoded: &[u8]) -> Result<Payload, VerifyError> {
        let header = Header::parse(encoded)?;
        let decoder = (header.encoding == Encoding::Base64url).then(Decoder::default);
        let attempt = Attempt::begin(encoded, header, &self.trust, self.jws.paths.as_ref(), None)?;
        Ok(Payload { attempt, decoder, content: Content::new(&self.jws.reading) })
    }
}

impl Verification for Attached {
    fn update(&mut self, mut chunk: &[u8]) -> Result<(), VerifyError> {
        while let Some(first) = chunk.first() {
            match &mut self.part {
                Part::Start if serialization::begins(*first) => self.part = Part::Json(Vec::new()),
                Part::Start => self.part = Part::Header(Vec::new()),
                Part::Json(kept) => {
                    if kept.len() + chunk.len() > MAX_JWS_JSON_BYTES {
                        let expected = format!("a JWS in JSON of at most {MAX_JWS_JSON_BYTES} bytes");
                        return Err(VerifyError::malformed_document(&expected, "a larger one"));
                    }
                    kept.extend_from_slice(chunk);
                    return Ok(());
                }
                Part::Header(kept) => {
                    let (taken, dot) = until_dot(&mut chunk);
                    letters(taken)?;
                    if kept.len() + taken.len() > MAX_HEADER {
                        return Err(VerifyError::malformed_document(THREE_PARTS, "a header without end"));
                    }
                    kept.extend_from_slice(taken);
                    if dot {
                        let encoded = std::mem::take(kept);
                        self.part = Part::Payload(Box::new(self.payload(&encoded)?));
                    }
                }
                Part::Payload(payload) => {
                    let (taken, dot) = until_dot(&mut chunk);
                    payload.update(taken)?;
                    if dot {
                        let Part::Payload(payload) = std::mem::replace(&mut self.part, Part::Start) else {
                            return Ok(());
                        };
                        self.part = Part::Signature(Box::new(payload.ended()?), Vec::new());
                    }
                }
                Part::Signature(_, kept) => {
                    letters(chunk)?;
                    if kept.len() + chunk.len() > MAX_SIGNATURE {
                        return Err(VerifyError::malformed_document(THREE_PARTS, "a signature without end"));
                    }
                    kept.extend_from_slice(chunk);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let Self { jws, trust, part } = *self;
        let few = |found: &str| Err(VerifyError::malformed_document(THREE_PARTS, found));
        match part {
            Part::Start => few("an empty document"),
            Part::Header(_) => few("one part"),
            Part::Payload(_) => few("two parts"),
            Part::Json(text) => {
                let serialized = Serialized::attached(&text)?;
                drop(text);
                serialized.check(&jws, &trust, whole)
            }
            Part::Signature(payload, text) => {
                let signature = base64url::decode(&text).filter(|bytes| !bytes.is_empty());
                let signature = signature.ok_or_else(|| {
                    let found = if text.is_empty() { "none" } else { "something else" };
                    VerifyError::malformed_signature("a signature in base64url", found)
                })?;
                let Payload { attempt, content, .. } = *payload;
                let mut checks = Checks::default();
                checks.add(attempt, &signature);
                jws.conclude(&trust, checks, content, whole)
            }
        }
    }
}

impl Payload {
    fn update(&mut self, text: &[u8]) -> Result<(), VerifyError> {
        match &mut self.decoder {
            Some(decoder) => {
                let content = &mut self.content;
                decoder.push(text, |bytes| content.update(bytes))?.ok_or_else(|| not_base64url(text))?;
            }
            None if text.iter().all(|byte| matches!(byte, b' '..=b'~')) => self.content.update(text)?,
            None => {
                let expected = "an unencoded payload without dots, of printable ASCII (RFC 7797, section 5.2)";
                return Err(VerifyError::malformed_document(expected, "another byte"));
            }
        }
        self.attempt.update(text)
    }

    fn ended(mut self: Box<Self>) -> Result<Self, VerifyError> {
        if let Some(decoder) = self.decoder.take() {
            let content = &mut self.content;
            decoder.finish(|bytes| content.update(bytes))?.ok_or_else(|| not_base64url(b""))?;
        }
        if self.content.is_empty() {
            return Err(without_payload());
        }
        Ok(*self)
    }
}

/// The payload of a JWS that was verified before. It checks no signature: this is for what comes out of the store.
pub(super) fn payload(document: &[u8]) -> Result<Vec<u8>, VerifyError> {
    if document.first().is_some_and(|first| serialization::begins(*first)) {
        if document.len() > MAX_JWS_JSON_BYTES {
            return Err(VerifyError::malformed_document("a JWS in JSON that was verified", "a larger one"));
        }
        return Serialized::attached(document).map(Serialized::into_payload);
    }
    let parts: Vec<&[u8]> = document.splitn(4, |byte| *byte == b'.').collect();
    let [header, payload, _] = parts.as_slice() else {
        return Err(VerifyError::malformed_document(THREE_PARTS, format!("{} parts", parts.len())));
    };
    match Header::parse(header)?.encoding {
        Encoding::Plain => Ok(payload.to_vec()),
        Encoding::Base64url => base64url::decode(payload).ok_or_else(|| not_base64url(payload)),
    }
}

/// A payload that is not there: signing nothing makes no sense, and a detached signature is checked otherwise.
pub(super) fn without_payload() -> VerifyError {
    let expected = "a JWS with its payload inside; for a detached one, configure the suffix of its file";
    VerifyError::malformed_document(expected, "one without payload")
}

/// What stands before the next dot, and whether there is one.
fn until_dot<'c>(chunk: &mut &'c [u8]) -> (&'c [u8], bool) {
    let whole = *chunk;
    let (taken, rest, dot) = match whole.iter().position(|byte| *byte == b'.') {
        Some(at) => (&whole[..at], &whole[at + 1..], true),
        None => (whole, &[][..], false),
    };
    *chunk = rest;
    (taken, dot)
}

fn letters(text: &[u8]) -> Result<(), VerifyError> {
    if text.iter().all(|byte| base64url::is_letter(*byte)) { Ok(()) } else { Err(not_base64url(text)) }
}

fn not_base64url(text: &[u8]) -> VerifyError {
    let found = match text.iter().find(|byte| !base64url::is_letter(**byte)) {
        Some(b'<') => "a text with < in it, perhaps an HTML page",
        Some(b'=') => "padding",
        Some(b'.') => "a fourth part",
        Some(byte) if byte.is_ascii_whitespace() => "white space, perhaps a line feed at the end",
        Some(_) => "another character",
        None => "a number of letters, or bits in the last one, that no encoder writes",
    };
    VerifyError::malformed_document(THREE_PARTS, found)
}
