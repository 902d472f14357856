//! `GET /resources/<name>`: the verified bytes, and why they are trusted.

use std::{ops::Range, sync::Arc};

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use headers::{HeaderMapExt as _, IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince, LastModified};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use sigcache_core::{
    Digest, Entry, Name, Receipt, Resource, Timestamp,
    judge::{self, State as CopyState},
    read::{Document, ReadError},
};

use crate::{
    body::Streamed,
    endpoint::Inner,
    problem::{self, Problem},
    shelf::Loaded,
};

/// What a path below `/resources/` asks for.
enum Wanted<'l> {
    Document(&'l Resource, &'l Entry),
    Receipt(&'l Resource, &'l Entry),
    Companion(&'l Resource, &'l Entry, Arc<str>),
}

/// The verified bytes of a resource.
///
/// Beside `<name>` itself there are `<name>/receipt`, why it is trusted, and `<name>` with the ending of a companion, such
/// as its signature file.
#[utoipa::path(
    get,
    path = "/resources/{*name}",
    params(
        ("name" = String, Path, description = "The name of a resource; may have slashes"),
        ("Range" = Option<String>, Header, description = "One range of bytes (RFC 9110, section 14)"),
        ("If-None-Match" = Option<String>, Header, description = "ETags that the client has"),
    ),
    responses(
        (status = 200, description = "The verified bytes", content_type = "application/octet-stream"),
        (status = 206, description = "The bytes that `Range` asks for, of a document that was verified as a whole"),
        (status = 304, description = "The client has this version"),
        (status = 400, description = "Not a name", body = Problem),
        (status = 404, description = "Unknown, or never stored", body = Problem),
        (status = 410, description = "There is a copy, but it may not be served", body = Problem),
        (status = 412, description = "Another version than `If-Match` asks for", body = Problem),
        (status = 416, description = "No such bytes", body = Problem),
        (status = 500, description = "What is stored is not what was verified", body = Problem),
        (status = 503, description = "The store does not answer, and the document is not in memory", body = Problem),
    ),
)]
pub(crate) async fn document(
    State(inner): State<Arc<Inner>>,
    method: Method,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = name_of(path)?;
    let loaded = inner.shelf.current().await?;
    let now = inner.now();
    match wanted(&loaded, &name)? {
        Wanted::Receipt(resource, entry) => receipt(&inner, resource, entry, now),
        Wanted::Companion(resource, entry, suffix) => {
            // The same doors as for the document: what is withheld takes its signature with it.
            let document = open(&inner, &loaded, resource, entry, now).await?;
            let kept = document.receipt().companions.iter().find(|kept| kept.suffix == suffix);
            let Some(kept) = kept else {
                return Err(problem::unknown_resource(format!("{name} has no such companion")));
            };
            let meta = Representation::of_companion(resource, entry, document.receipt(), &kept.bytes, now);
            Ok(answer(&inner, &method, &headers, &meta, Opened::Bytes(kept.bytes.clone())))
        }
        Wanted::Document(resource, entry) => {
            let document = open(&inner, &loaded, resource, entry, now).await?;
            let meta = Representation::of_document(resource, entry, document.receipt(), now);
            Ok(answer(&inner, &method, &headers, &meta, Opened::Document(name, document)))
        }
    }
}

pub(crate) fn name_of(path: Result<Path<String>, PathRejection>) -> Result<Name, Problem> {
    let Path(text) = path.map_err(|rejection| problem::bad_name(rejection.body_text()))?;
    Name::new(&text).map_err(|error| problem::bad_name(error.to_string()))
}

/// Finds what `name` means. A resource cannot lie below another one, so `<name>/receipt` has one meaning.
fn wanted<'l>(loaded: &'l Loaded, name: &Name) -> Result<Wanted<'l>, Problem> {
    let stored = |resource: &'l Resource, entry: Option<&'l Entry>| {
        let none = || problem::never_stored(format!("no run has looked at {} yet", resource.name));
        entry.map(|entry| (resource, entry)).ok_or_else(none)
    };
    let find = |name: &Name| loaded.holdings.find(name);
    if let Some((resource, entry)) = find(name) {
        return stored(resource, entry).map(|(resource, entry)| Wanted::Document(resource, entry));
    }
    let text = name.as_str();
    let receipt = text.strip_suffix("/receipt").and_then(|text| Name::new(text).ok());
    if let Some((resource, entry)) = receipt.as_ref().and_then(find) {
        return stored(resource, entry).map(|(resource, entry)| Wanted::Receipt(resource, entry));
    }
    // The companion of a resource has its name and an ending that its format adds.
    for (at, _) in text.char_indices().skip(1) {
        let Some((resource, Some(entry))) = Name::new(&text[..at]).ok().as_ref().and_then(find) else { continue };
        let kept = entry.copy().and_then(|copy| copy.companions.iter().find(|kept| *kept.suffix == text[at..]));
        if let Some(kept) = kept {
            return Ok(Wanted::Companion(resource, entry, kept.suffix.clone()));
        }
    }
    Err(problem::unknown_resource(format!("{name} is not among the resources of this endpoint")))
}

async fn open(
    inner: &Inner,
    loaded: &Loaded,
    resource: &Resource,
    entry: &Entry,
    now: Timestamp,
) -> Result<Document, Problem> {
    match inner.hot.read(&**loaded.bucket(), resource, entry, now).await {
        Ok(document) => {
            // One that is streamed is known only when its last byte was verified.
            if matches!(document, Document::InMemory { .. }) {
                inner.gave(&resource.name, None);
            }
            Ok(document)
        }
        Err(error) => {
            tracing::warn!(resource = resource.name.as_str(), error = %error, "not given out");
            let problem = Problem::unread(&resource.name, &error);
            if problem.damage().is_some() {
                // Where the store as a whole is gone, this is what is told, and nothing of it is damaged.
                inner.shelf.look().await?;
            }
            inner.gave(&resource.name, Some(&problem));
            Err(problem)
        }
    }
}

fn receipt(inner: &Inner, resource: &Resource, entry: &Entry, now: Timestamp) -> Result<Response, Problem> {
    let Some(copy) = entry.copy() else {
        return Err(problem::never_stored(format!("no version of {} has passed every check so far", resource.name)));
    };
    let mut response = axum::Json(&**copy).into_response();
    let headers = response.headers_mut();
    headers.extend(Representation::of_document(resource, entry, copy, now).freshness());
    headers.extend(inner.said_of_store());
    Ok(response)
}

/// What HTTP says of a version.
struct Representation {
    etag: HeaderValue,
    digest: HeaderValue,
    size: u64,
    content_type: HeaderValue,
    confirmed: Timestamp,
    verified: Timestamp,
    /// For how long after it was confirmed it is fresh, in seconds.
    lifetime: u64,
    now: Timestamp,
    is_stale: bool,
}

impl Representation {
    fn of_document(resource: &Resource, entry: &Entry, receipt: &Receipt, now: Timestamp) -> Self {
        let evidence = &receipt.evidence;
        let content_type = receipt.content_type.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
        let content_type = content_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
        Self::new(resource, entry, receipt, evidence.digest, evidence.size, content_type, now)
    }

    fn of_companion(resource: &Resource, entry: &Entry, receipt: &Receipt, bytes: &Bytes, now: Timestamp) -> Self {
        let content_type = HeaderValue::from_static("application/octet-stream");
        Self::new(resource, entry, receipt, Digest::of(bytes), bytes.len() as u64, content_type, now)
    }

    fn new(
        resource: &Resource,
        entry: &Entry,
        receipt: &Receipt,
        digest: Digest,
        size: u64,
        content_type: HeaderValue,
        now: Timestamp,
    ) -> Self {
        let (trust, policy) = (&resource.rules.trust, &resource.rules.policy);
        let confirmed = judge::confirmed_at(receipt, entry.checked_at, now);
        let own = receipt.evidence.valid_until.map(|end| end.since(confirmed));
        let lifetime = own.map_or(policy.max_age, |own| own.min(policy.max_age)).as_secs();
        let is_stale = judge::state(receipt, entry.checked_at, trust, policy, now) != CopyState::Fresh;
        let text = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        Self {
            etag: text(format!("\"{}\"", sigcache_core::hex(digest.as_bytes()))),
            digest: text(format!("sha-256=:{}:", STANDARD.encode(digest.as_bytes()))),
            size,
            content_type,
            confirmed,
            verified: receipt.verified_at,
            lifetime,
            now,
            is_stale,
        }
    }

    fn last_modified(&self) -> LastModified {
        let millis = u64::try_from(self.verified.as_millis()).unwrap_or(0);
        LastModified::from(std::time::UNIX_EPOCH + std::time::Duration::from_secs(millis / 1000))
    }

    /// How long a cache may keep it, how old it is, and in words (RFC 9211) whether it is stale.
    fn freshness(&self) -> HeaderMap {
        let age = self.now.since(self.confirmed).as_secs();
        let left = i128::from(self.lifetime) - i128::from(age);
        let mut headers = HeaderMap::new();
        let mut say = |name, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        say(header::CACHE_CONTROL, format!("max-age={}, must-revalidate, no-transform", self.lifetime));
        say(header::AGE, age.to_string());
        let detail = if self.is_stale { "; detail=stale" } else { "" };
        say(header::HeaderName::from_static("cache-status"), format!("sigcache; hit; ttl={left}{detail}"));
        headers
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = self.freshness();
        headers.insert(header::ETAG, self.etag.clone());
        headers.typed_insert(self.last_modified());
        headers.insert(header::HeaderName::from_static("repr-digest"), self.digest.clone());
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        // The bytes are somebody else's: in a browser they must not act as a page of this endpoint.
        let sandbox = HeaderValue::from_static("sandbox; default-src 'none'");
        headers.insert(header::CONTENT_SECURITY_POLICY, sandbox);
        headers
    }
}

enum Opened {
    Document(Name, Document),
    Bytes(Bytes),
}

/// What the conditions of a request come to (RFC 9110, section 13.2.2).
enum Verdict {
    Send(Option<Range<u64>>),
    NotModified,
    Other,
    NoSuchBytes,
}

fn judge_conditions(asked: &HeaderMap, meta: &Representation) -> Verdict {
    let (Ok(etag), modified) = (meta.etag.to_str().unwrap_or("\"\"").parse::<headers::ETag>(), meta.last_modified())
    else {
        return Verdict::Send(None);
    };
    let time = std::time::SystemTime::from(modified);
    let matches = match (asked.typed_get::<IfMatch>(), asked.typed_get::<IfUnmodifiedSince>()) {
        (Some(condition), _) => condition.precondition_passes(&etag),
        (None, Some(condition)) => condition.precondition_passes(time),
        (None, None) => true,
    };
    if !matches {
        return Verdict::Other;
    }
    let has_it = match (asked.typed_get::<IfNoneMatch>(), asked.typed_get::<IfModifiedSince>()) {
        (Some(condition), _) => !condition.precondition_passes(&etag),
        (None, Some(condition)) => !condition.is_modified(time),
        (None, None) => false,
    };
    if has_it {
        return Verdict::NotModified;
    }
    let changed = asked.typed_get::<IfRange>().is_some_and(|range| range.is_modified(Some(&etag), Some(&modified)));
    let Some(range) = asked.get(header::RANGE).filter(|_| !changed) else { return Verdict::Send(None) };
    one_range(range, meta.size)
}

/// A single range of bytes. Anything else is not understood and so ignored, as section 14.2 has it: several ranges at once
/// are only a way to ask for much.
fn one_range(range: &HeaderValue, size: u64) -> Verdict {
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let parse = || {
        let (first, last) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
        let (first, last) = (first.trim(), last.trim());
        match (first.is_empty(), last.is_empty()) {
            (false, false) => Some((number(first)?, number(last)?.checked_add(1)?)).filter(|(from, to)| from < to),
            (false, true) => Some((number(first)?, u64::MAX)),
            (true, false) => Some((size.saturating_sub(number(last)?), if number(last)? == 0 { 0 } else { u64::MAX })),
            (true, true) => None,
        }
    };
    match parse() {
        None => Verdict::Send(None),
        Some((from, to)) if from >= size || to == 0 => Verdict::NoSuchBytes,
        Some((from, to)) => Verdict::Send(Some(from..to.min(size))),
    }
}

fn answer(inner: &Arc<Inner>, method: &Method, asked: &HeaderMap, meta: &Representation, opened: Opened) -> Response {
    let mut headers = meta.headers();
    headers.extend(inner.said_of_store());
    let verdict = judge_conditions(asked, meta);
    let range = match verdict {
        Verdict::Send(range) => range,
        Verdict::NotModified => {
            headers.remove(header::CONTENT_TYPE);
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        Verdict::Other => {
            let detail = format!("the version that is served has the ETag {}", meta.etag.to_str().unwrap_or_default());
            return problem::not_the_version(detail).into_response();
        }
        Verdict::NoSuchBytes => {
            let detail = format!("the document has {} bytes", meta.size);
            let all = format!("bytes */{}", meta.size);
            return problem::no_such_bytes(detail).with(header::CONTENT_RANGE, all).into_response();
        }
    };
    let status = match &range {
        Some(range) => {
            let text = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), meta.size);
            headers.extend(HeaderValue::try_from(text).ok().map(|value| (header::CONTENT_RANGE, value)));
            StatusCode::PARTIAL_CONTENT
        }
        None => StatusCode::OK,
    };
    let range = range.unwrap_or(0..meta.size);
    let length = range.end - range.start;
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let body = match opened {
        _ if method == Method::HEAD => Body::empty(),
        Opened::Bytes(bytes) => {
            let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
            Body::from(bytes.slice(at(range.start)..at(range.end)))
        }
        Opened::Document(name, document) => match document.within(range) {
            Document::InMemory { bytes, .. } => Body::from(bytes),
            streamed => {
                let inner = inner.clone();
                let ended = move |error: Option<&ReadError>| {
                    inner.gave(&name, error.map(|error| Problem::unread(&name, error)).as_ref());
                };
                Body::new(Streamed::new(streamed, length, Box::new(ended)))
            }
        },
    };
    (status, headers, body).into_response()
}
