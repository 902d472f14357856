//! What the headers of an answer say.

use std::{sync::Arc, time::Duration};

use http_cache_semantics::{CacheOptions, CachePolicy};
use reqwest::{
    StatusCode,
    header::{
        AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG, EXPIRES, HeaderMap, HeaderName,
        HeaderValue, LAST_MODIFIED, LOCATION, PRAGMA, RETRY_AFTER, SET_COOKIE, VARY,
    },
};
use url::Url;

use super::{
    super::{FetchError, FetchRequest, Meta, Part, Retry},
    classify::shown,
};
use crate::{reason::Reason, receipt::Validators, time::Timestamp};

/// The longest entity tag or date to send back; what is longer is not worth its place in every receipt.
const LONGEST_VALIDATOR: usize = 1024;
const LONGEST_CONTENT_TYPE: usize = 200;
/// A source is asked at least this often, whatever it says.
const LONGEST_FRESH: Duration = Duration::from_secs(7 * 24 * 3600);

/// The metadata of a 200 or a 304.
pub(super) fn meta(status: StatusCode, headers: &HeaderMap, length: Option<u64>, request: &FetchRequest<'_>) -> Meta {
    let validator = |name: HeaderName| printable(headers, name, LONGEST_VALIDATOR);
    Meta {
        http_status: Some(status.as_u16()),
        validators: Validators { etag: validator(ETAG), last_modified: validator(LAST_MODIFIED) },
        content_type: printable(headers, CONTENT_TYPE, LONGEST_CONTENT_TYPE),
        fresh_until: fresh_until(headers, request),
        tls_until: None,
        length,
    }
}

/// The metadata of a 304. What it does not repeat stays as it was (RFC 9111, section 4.3.4). The entity tag stays in
/// any case: it belongs to bytes that are here, and a 304 brings none to which another could belong.
pub(super) fn unchanged(headers: &HeaderMap, sent: &Validators, request: &FetchRequest<'_>) -> Meta {
    let mut meta = meta(StatusCode::NOT_MODIFIED, headers, None, request);
    let said = std::mem::take(&mut meta.validators);
    meta.validators.etag = sent.etag.clone().or(said.etag);
    meta.validators.last_modified = said.last_modified.or_else(|| sent.last_modified.clone());
    meta
}

/// The one value of a header, exactly as received, if it is short and printable ASCII.
fn printable(headers: &HeaderMap, name: HeaderName, longest: usize) -> Option<Arc<str>> {
    let value = headers.get(name)?.as_bytes();
    let fine = !value.is_empty() && value.len() <= longest && value.iter().all(|c| (b' '..=b'~').contains(c));
    std::str::from_utf8(value).ok().filter(|_| fine).map(Arc::from)
}

/// Only identity was offered; an encoded body would be verified as what it is not.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), FetchError> {
    for value in headers.get_all(CONTENT_ENCODING) {
        let text = String::from_utf8_lossy(value.as_bytes());
        let identity = |coding: &str| coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity");
        if !text.split(',').all(identity) {
            return Err(FetchError::new(Reason::ContentEncoding, "no content encoding", text.into_owned()));
        }
    }
    Ok(())
}

/// The failure that any status but 200 and 304 is.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, request: &FetchRequest<'_>) -> FetchError {
    let found = told(status);
    let missing = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
    if missing && request.part == Part::Companion {
        return FetchError::new(Reason::CompanionMissing, "a companion", found);
    }
    FetchError::new(Reason::HttpStatus, "200", found).with_retry(retry(status, headers, request.now))
}

/// The status with its usual words.
pub(super) fn told(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// Whether the same request may succeed in a moment, and when.
pub(super) fn retry(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Retry {
    match status.as_u16() {
        408 | 429 | 500 | 502 | 503 | 504 => retry_after(headers, now).map_or(Retry::Yes, Retry::After),
        _ => Retry::No,
    }
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(moment(text)?.since(now))
}

/// What time it was for the server when it answered. A cache in between sends the `Date` that it got from there, and says
/// in `Age` how long ago that was (RFC 9111, section 5.1).
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let age = text(AGE).and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    Some(moment(text(DATE)?)?.plus(Duration::from_secs(age)))
}

fn moment(text: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

/// Where a redirect leads: to HTTP, and never from HTTPS to less.
pub(super) fn redirect(from: &Url, headers: &HeaderMap) -> Result<Url, FetchError> {
    let bad = |found: &str| FetchError::new(Reason::BadRedirect, "a redirect with a usable location", found);
    let location = headers.get(LOCATION).ok_or_else(|| bad("one without a location"))?;
    let location = std::str::from_utf8(location.as_bytes()).map_err(|error| bad("broken text").with_cause(error))?;
    let to = from.join(location).map_err(|error| bad("one that is not a URL").with_cause(error))?;
    let fine = match to.scheme() {
        "https" => true,
        scheme => scheme == "http" && from.scheme() == "http",
    };
    if fine && to.has_host() {
        return Ok(to);
    }
    let expected = if from.scheme() == "https" { "a redirect to https" } else { "a redirect to http or https" };
    Err(FetchError::new(Reason::WeakerRedirect, expected, shown(&to)))
}

/// Until when the answer is fresh (RFC 9111, section 4.2), and only if it says so itself: nothing is guessed from
/// `Last-Modified`.
fn fresh_until(headers: &HeaderMap, request: &FetchRequest<'_>) -> Option<Timestamp> {
    // The usual answer says nothing about it, and this is on the path of every request.
    if !headers.contains_key(CACHE_CONTROL) && !headers.contains_key(EXPIRES) {
        return None;
    }
    let (mut asked, ()) = http::Request::new(()).into_parts();
    // A shared cache treats answers to authorized requests differently (section 3.5); what the secret is matters not.
    if request.access.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(AUTHORIZATION.as_str()))
        || !request.url.username().is_empty()
        || request.url.password().is_some()
    {
        asked.headers.insert(AUTHORIZATION, HeaderValue::from_static("present"));
    }
    let (mut answered, ()) = http::Response::new(()).into_parts();
    for name in [CACHE_CONTROL, EXPIRES, DATE, AGE, VARY, PRAGMA, SET_COOKIE] {
        for value in headers.get_all(&name) {
            // Directives are case-insensitive, but the crate compares them as they are; a directive that it cannot
            // read may have been `no-store`.
            let text = value.to_str().ok()?;
            let value = if name == CACHE_CONTROL { text.to_ascii_lowercase() } else { text.to_owned() };
            answered.headers.append(&name, HeaderValue::try_from(value).ok()?);
        }
    }
    let options = CacheOptions {
        shared: true,
        cache_heuristic: 0.0,
        immutable_min_time_to_live: Duration::ZERO,
        ..Default::default()
    };
    let now = std::time::UNIX_EPOCH + Duration::from_millis(request.now.as_millis().unsigned_abs());
    let policy = CachePolicy::new_options(&asked, &answered, now, options);
    let left = if policy.is_storable() { policy.time_to_live(now) } else { Duration::ZERO };
    (!left.is_zero()).then(|| request.now.plus(left.min(LONGEST_FRESH)))
}
