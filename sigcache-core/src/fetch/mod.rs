//! Getting bytes from somewhere else: bounded in size and time, and conditional where there is something to compare.

#[cfg(feature = "http")]
pub mod http;
mod limits;
mod object;
mod watch;

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream::BoxStream};
use url::Url;

use crate::{decision::Failure, reason::Reason, receipt::Validators, time::Timestamp};

pub use limits::{Access, Addresses, Limits, Secret};
pub use object::ObjectFetcher;

/// Gets the bytes behind a URL.
///
/// What comes back is hostile: nothing of it is trusted before a verifier has seen it. A fetcher keeps to
/// [`FetchRequest::limits`] and names the step that broke: a name that does not resolve is `resolve`, an answer that is
/// not 200 is `http`, and unavailability is never reported as absence.
#[async_trait]
pub trait Fetcher: Send + Sync + fmt::Debug {
    /// Asks once, without retries; the pipeline decides what is worth another try.
    ///
    /// Returns when the headers are there; the body follows as it is read. A fetch that is dropped ends its request.
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError>;
}

/// What to get, and within which bounds.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FetchRequest<'a> {
    /// Where.
    pub url: &'a Url,
    /// The document itself or one of its companions; they have different limits of size.
    pub part: Part,
    /// The bounds.
    pub limits: &'a Limits,
    /// Certificates, headers and addresses that this resource needs.
    pub access: &'a Arc<Access>,
    /// What the last good answer said; the source may then answer that nothing changed.
    pub validators: Option<&'a Validators>,
    /// The one time of this run.
    pub now: Timestamp,
}

impl<'a> FetchRequest<'a> {
    /// An unconditional request for a document.
    pub fn new(url: &'a Url, limits: &'a Limits, access: &'a Arc<Access>, now: Timestamp) -> Self {
        Self { url, part: Part::Document, limits, access, validators: None, now }
    }

    /// How many bytes there may be.
    pub fn max_bytes(&self) -> u64 {
        match self.part {
            Part::Document => self.limits.max_size,
            Part::Companion => self.limits.max_companion,
        }
    }
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The document that is to be stored.
    Document,
    /// A small extra input, such as a signature.
    Companion,
}

/// An answer.
#[derive(Debug)]
pub enum Fetched {
    /// The document is the one that the validators came from.
    NotModified(Meta),
    /// A document, of which so far only the headers were read.
    Body(Body),
}

/// What an answer says beside its bytes. None of it is signed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Meta {
    /// The HTTP status.
    pub http_status: Option<u16>,
    /// What to send with the next request.
    pub validators: Validators,
    /// The media type, if it is short and printable ASCII.
    pub content_type: Option<Arc<str>>,
    /// Until then the source need not be asked again (RFC 9111, section 4.2).
    pub fresh_until: Option<Timestamp>,
    /// When the certificate ends that the server showed.
    pub tls_until: Option<Timestamp>,
    /// The announced number of bytes.
    pub length: Option<u64>,
}

/// A body that arrives as it is read, never more than the request allows.
pub struct Body {
    /// What came with it.
    pub meta: Meta,
    chunks: BoxStream<'static, Result<Bytes, FetchError>>,
}

impl Body {
    /// Puts the request's byte limit around `chunks`. An announced length beyond it is refused before the first byte.
    pub fn new(
        request: &FetchRequest<'_>,
        meta: Meta,
        chunks: impl Stream<Item = Result<Bytes, FetchError>> + Send + 'static,
    ) -> Result<Self, FetchError> {
        let (limit, part, status) = (request.max_bytes(), request.part, meta.http_status);
        let too_large = move |found: String| {
            let reason = match part {
                Part::Document => Reason::TooLarge,
                Part::Companion => Reason::CompanionTooLarge,
            };
            FetchError::new(reason, format!("at most {limit} bytes"), found).with_status(status)
        };
        if let Some(length) = meta.length.filter(|length| *length > limit) {
            return Err(too_large(format!("an announced length of {length} bytes")));
        }
        let mut received: u64 = 0;
        let chunks = chunks.map(move |chunk| {
            let chunk = chunk?;
            received = received.saturating_add(chunk.len() as u64);
            if received > limit { Err(too_large("more".to_owned())) } else { Ok(chunk) }
        });
        Ok(Self { meta, chunks: chunks.boxed() })
    }

    /// The next bytes, or `None` at the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, FetchError>> {
        self.chunks.next().await
    }

    /// All bytes at once, for companions and other small bodies.
    pub async fn read(mut self) -> Result<Bytes, FetchError> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("meta", &self.meta).finish_non_exhaustive()
    }
}

/// The bytes could not be had, or not within the bounds.
#[derive(Debug, thiserror::Error)]
#[error("{failure}")]
pub struct FetchError {
    failure: Failure,
    http_status: Option<u16>,
    retry: Retry,
    #[source]
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// Whether the same request may succeed in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It will not.
    No,
    /// It may.
    Yes,
    /// It may, but not before this long, as the server said.
    After(Duration),
}

impl FetchError {
    /// A failure that another try will not mend.
    pub fn new(reason: Reason, expected: impl Into<Box<str>>, found: impl Into<Box<str>>) -> Self {
        let failure = Failure::new(reason, expected, found);
        Self { failure, http_status: None, retry: Retry::No, cause: None }
    }

    /// Another try may help.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The status of the answer.
    pub fn with_status(mut self, status: Option<u16>) -> Self {
        self.http_status = status;
        self
    }

    /// What it came from.
    pub fn with_cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The code, what was expected and what was found.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// The failure itself.
    pub fn into_failure(self) -> Failure {
        self.failure
    }

    /// The HTTP status, where there was an answer.
    pub fn http_status(&self) -> Option<u16> {
        self.http_status
    }

    /// Whether the same request may succeed in a moment.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// Whether the source said that there is no such thing. Everything else is unavailability.
    pub fn is_absence(&self) -> bool {
        matches!(self.http_status, Some(404 | 410)) || self.failure.reason == Reason::SourceMissing
    }
}

/// Sends each request to the fetcher for its URL's scheme.
#[derive(Debug, Default)]
pub struct Schemes(Vec<(String, Arc<dyn Fetcher>)>);

impl Schemes {
    /// URLs with this scheme go to `fetcher`.
    pub fn with(mut self, scheme: &str, fetcher: Arc<dyn Fetcher>) -> Self {
        self.0.push((scheme.to_owned(), fetcher));
        self
    }
}

#[async_trait]
impl Fetcher for Schemes {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let scheme = request.url.scheme();
        match self.0.iter().find(|(name, _)| name == scheme) {
            Some((_, fetcher)) => fetcher.fetch(request).await,
            None => {
                let known: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
                Err(FetchError::new(Reason::UnsupportedScheme, known.join(", "), scheme))
            }
        }
    }
}

#[async_trait]
impl<T: Fetcher + ?Sized> Fetcher for Arc<T> {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        (**self).fetch(request).await
    }
}

#[async_trait]
impl<T: Fetcher + ?Sized> Fetcher for Box<T> {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        (**self).fetch(request).await
    }
}
