//! A JWS beside the document (RFC 7515, appendix F): the document is the payload, in base64url or as it is (RFC 7797).

use super::{
    Checks, Content, Finding, Jws, MAX_DETACHED, Trust, Verification, VerifyError, Whole,
    attempt::{Attempt, MAX_SIGNATURE},
    base64url::{self, Encoder},
    header::{Encoding, Header},
    serialization::{self, Serialized, Signature},
};

/// More checks of Ed25519 signatures than this do not run through a document at once: signatures times keys.
const MAX_STREAMS: usize = 256;

/// What lies beside the document.
const EXPECTED: &str = "a JWS without payload: header, two dots and signature in base64url, or JSON";

/// A check of a document with a JWS beside it.
pub(super) struct Detached {
    jws: Jws,
    trust: Trust,
    attempts: Vec<(Attempt, Vec<u8>)>,
    refusal: Option<VerifyError>,
    /// `None` where the document is signed as it is.
    encoder: Option<Encoder>,
    content: Content,
}

impl Detached {
    pub(super) fn begin(jws: Jws, trust: Trust, file: &[u8]) -> Result<Self, VerifyError> {
        if file.len() > MAX_DETACHED {
            return Err(VerifyError::malformed_signature(EXPECTED, format!("{} bytes", file.len())));
        }
        let signatures = match file.first() {
            Some(first) if serialization::begins(*first) => Serialized::detached(file)?,
            _ => vec![compact(file)?],
        };
        let encoding = signatures.first().map(|signature| signature.header.encoding);
        let (mut attempts, mut refusal) = (Vec::new(), None);
        for Signature { protected, header, signature } in signatures {
            match Attempt::begin(protected.as_bytes(), header, &trust, jws.paths.as_ref(), Some(&signature[..])) {
                Ok(attempt) => attempts.push((attempt, signature)),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        if attempts.is_empty() {
            return Err(refusal.unwrap_or_else(|| VerifyError::mismatch(&trust)));
        }
        let streams: usize = attempts.iter().map(|(attempt, _)| attempt.streams()).sum();
        if streams > MAX_STREAMS {
            let expected = format!("at most {MAX_STREAMS} pairs of a signature and a key that may have made it");
            return Err(VerifyError::malformed_signature(&expected, format!("{streams}")));
        }
        let encoder = (encoding != Some(Encoding::Plain)).then(Encoder::default);
        let content = Content::new(&jws.reading);
        Ok(Self { jws, trust, attempts, refusal, encoder, content })
    }
}

impl Verification for Detached {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.content.update(chunk)?;
        let attempts = &mut self.attempts;
        match &mut self.encoder {
            None => feed(attempts, chunk),
            Some(encoder) => {
                let mut result = Ok(());
                encoder.push(chunk, |text| {
                    if result.is_ok() {
                        result = feed(attempts, text);
                    }
                });
                result
            }
        }
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        let Self { jws, trust, mut attempts, refusal, encoder, content } = *self;
        if let Some(encoder) = encoder {
            let mut result = Ok(());
            encoder.finish(|text| result = feed(&mut attempts, text));
            result?;
        }
        let mut checks = Checks { refusal, ..Checks::default() };
        for (attempt, signature) in attempts {
            checks.add(attempt, &signature);
        }
        jws.conclude(&trust, checks, content, whole)
    }
}

fn feed(attempts: &mut [(Attempt, Vec<u8>)], bytes: &[u8]) -> Result<(), VerifyError> {
    attempts.iter_mut().try_for_each(|(attempt, _)| attempt.update(bytes))
}

/// Header, nothing, and signature. A line feed at the end of the file is nobody's.
fn compact(file: &[u8]) -> Result<Signature, VerifyError> {
    let wrong = |found: String| VerifyError::malformed_signature(EXPECTED, found);
    let file = file.trim_ascii_end();
    let parts: Vec<&[u8]> = file.splitn(4, |byte| *byte == b'.').collect();
    let (protected, signature) = match parts.as_slice() {
        [protected, b"", signature] => (*protected, *signature),
        [_, _, _] => return Err(wrong("a payload in it".to_owned())),
        [only] if only.first() == Some(&b'<') => {
            return Err(wrong("a text that begins with <, perhaps an HTML page".to_owned()));
        }
        parts => return Err(wrong(format!("{} parts", parts.len()))),
    };
    let header = Header::parse(protected)?;
    let signature = Some(signature).filter(|text| (1..=MAX_SIGNATURE).contains(&text.len()));
    let signature = signature.and_then(base64url::decode).ok_or_else(|| wrong("another signature".to_owned()))?;
    let protected = String::from_utf8(protected.to_vec()).map_err(|_| wrong("another header".to_owned()))?;
    Ok(Signature { protected, header, signature })
}
