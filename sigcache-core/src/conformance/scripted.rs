//! A source that does what the test tells it, and a signer whose keys are always the same.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use p256::{
    ecdsa::{DerSignature, SigningKey},
    pkcs8::EncodePublicKey as _,
};
use signature::Signer as _;

use crate::{
    digest::Digest,
    evidence::KeyId,
    fetch::{Body, FetchError, FetchRequest, Fetched, Fetcher, Meta, Retry},
    reason::Reason,
    time::Timestamp,
    trust::{PublicKey, Trust, TrustedKey},
};

/// A P-256 key for tests. The same id always gives the same key, and the same document the same signature.
pub struct Signer {
    key: SigningKey,
    id: KeyId,
}

impl Signer {
    /// The key with this id.
    pub fn new(id: &str) -> Self {
        // Any 32 bytes below the order of the group are a key; that a digest is not is a chance of 1 in 2^32.
        let seed = Digest::of(format!("sigcache test key {id}").as_bytes());
        let key = SigningKey::from_slice(seed.as_bytes()).expect("a digest below the group's order");
        Self { key, id: KeyId::new(id) }
    }

    /// A signature over `document`, in DER.
    pub fn sign(&self, document: &[u8]) -> Bytes {
        let signature: DerSignature = self.key.sign(document);
        Bytes::copy_from_slice(signature.as_bytes())
    }

    /// Its public half, under its id.
    pub fn trusted(&self) -> TrustedKey {
        let spki = self.key.verifying_key().to_public_key_der().expect("a P-256 key has a DER form");
        let public = PublicKey::parse(spki.as_bytes()).expect("our own reader takes it");
        TrustedKey::new(self.id.clone(), public)
    }

    /// Its public half as a JWK (RFC 7518, section 6.2) with this `kid`, as it stands in the document of an anchor.
    pub fn jwk(&self, kid: &str) -> String {
        let point = self.key.verifying_key().to_sec1_point(false);
        let coordinate =
            |bytes: Option<&p256::FieldBytes>| URL_SAFE_NO_PAD.encode(bytes.expect("a point of the curve"));
        let (x, y) = (coordinate(point.x()), coordinate(point.y()));
        format!(r#"{{"kty":"EC","crv":"P-256","kid":"{kid}","x":"{x}","y":"{y}"}}"#)
    }

    /// Trust in this one key.
    pub fn trust(&self) -> Trust {
        Trust::new(vec![self.trusted()], 1).expect("one of one")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.id)
    }
}

/// A [`Fetcher`] that answers as it was told. What it was told nothing about is not found.
#[derive(Debug, Default)]
pub struct Origin {
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    answers: BTreeMap<String, Answer>,
    tls_until: Option<Timestamp>,
    log: Vec<String>,
}

#[derive(Debug, Clone)]
enum Answer {
    Body { bytes: Bytes, fresh_until: Option<Timestamp> },
    Status(u16),
    Truncated(Bytes),
    Stalled(Bytes),
    Down,
}

/// How many bytes a body gives at a time: few, so that documents come in several chunks.
const CHUNK: usize = 700;

impl Origin {
    /// `url` answers with `bytes` and an entity tag, and that nothing changed if it is asked with that tag.
    pub fn serve(&self, url: &str, bytes: impl Into<Bytes>) {
        self.answer(url, Answer::Body { bytes: bytes.into(), fresh_until: None });
    }

    /// The same, and says that nobody need ask again before `fresh_until`.
    pub fn serve_fresh(&self, url: &str, bytes: impl Into<Bytes>, fresh_until: Timestamp) {
        self.answer(url, Answer::Body { bytes: bytes.into(), fresh_until: Some(fresh_until) });
    }

    /// From now on every answer comes from a server that shows a certificate with this end.
    pub fn shows_certificate_until(&self, end: Timestamp) {
        self.script().tls_until = Some(end);
    }

    /// `url` answers with this status and no body.
    pub fn status(&self, url: &str, status: u16) {
        self.answer(url, Answer::Status(status));
    }

    /// `url` sends `bytes`, and then the connection breaks.
    pub fn truncate(&self, url: &str, bytes: impl Into<Bytes>) {
        self.answer(url, Answer::Truncated(bytes.into()));
    }

    /// `url` sends `bytes`, and then nothing more, for ever.
    pub fn stall(&self, url: &str, bytes: impl Into<Bytes>) {
        self.answer(url, Answer::Stalled(bytes.into()));
    }

    /// Nothing listens at `url`.
    pub fn down(&self, url: &str) {
        self.answer(url, Answer::Down);
    }

    /// The URLs asked so far, in order; a question whether anything changed has `if-none-match` behind it.
    pub fn log(&self) -> Vec<String> {
        self.script().log.clone()
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.script().log.len()
    }

    fn answer(&self, url: &str, answer: Answer) {
        self.script().answers.insert(url.to_owned(), answer);
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Fetcher for Origin {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let tag = request.validators.and_then(|validators| validators.etag.clone());
        let (answer, tls_until) = {
            let mut script = self.script();
            let condition = if tag.is_some() { " if-none-match" } else { "" };
            script.log.push(format!("{}{condition}", request.url));
            let answer = script.answers.get(request.url.as_str()).cloned().unwrap_or(Answer::Status(404));
            (answer, script.tls_until)
        };
        let mut meta = Meta { http_status: Some(200), tls_until, ..Meta::default() };
        match answer {
            Answer::Body { bytes, fresh_until } => {
                let current: Arc<str> = format!("{:?}", Digest::of(&bytes).hex()).into();
                meta.validators.etag = Some(current.clone());
                meta.fresh_until = fresh_until;
                if tag == Some(current) {
                    meta.http_status = Some(304);
                    return Ok(Fetched::NotModified(meta));
                }
                meta.length = Some(bytes.len() as u64);
                let chunks: Vec<_> = bytes.chunks(CHUNK).map(|chunk| Ok(bytes.slice_ref(chunk))).collect();
                Ok(Fetched::Body(Body::new(&request, meta, stream::iter(chunks))?))
            }
            Answer::Truncated(bytes) => {
                let broken = FetchError::new(Reason::TruncatedBody, "the whole body", "a broken connection");
                let chunks = [Ok(bytes), Err(broken.with_status(Some(200)).with_retry(Retry::Yes))];
                Ok(Fetched::Body(Body::new(&request, meta, stream::iter(chunks))?))
            }
            Answer::Stalled(bytes) => {
                let chunks = stream::iter([Ok(bytes)]).chain(stream::pending());
                Ok(Fetched::Body(Body::new(&request, meta, chunks)?))
            }
            Answer::Status(status) => {
                let retry = if status >= 500 { Retry::Yes } else { Retry::No };
                let error = FetchError::new(Reason::HttpStatus, "200", status.to_string());
                Err(error.with_status(Some(status)).with_retry(retry))
            }
            Answer::Down => {
                let error = FetchError::new(Reason::ConnectionRefused, "a connection", "nothing that listens");
                Err(error.with_retry(Retry::Yes))
            }
        }
    }
}
