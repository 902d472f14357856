//! Problem details (RFC 9457): every answer that is an error says what was expected, what was found, and what to do.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sigcache_core::{Failure, Reason, Step, read::ReadError, store::StoreError};
use utoipa::ToSchema;

/// An error as a client gets it, `application/problem+json`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:sigcache:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    kind: &'static str,
    /// The problem in a few words, the same for every occurrence.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened this time, and what to do.
    detail: String,
    /// The first step that did not pass, where it is about a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    step: Option<Step>,
    /// Its reason code (docs/reasons.md).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<Reason>,
    /// What would have passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    expected: Option<Box<str>>,
    /// What was found instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    found: Option<Box<str>>,
    /// Headers that belong to it.
    #[serde(skip)]
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

/// The kinds of problems: code, status, title.
macro_rules! problems {
    ($($name:ident, $code:literal, $status:ident, $title:literal;)*) => {
        $(
            #[doc = $title]
            pub(crate) fn $name(detail: impl Into<String>) -> Problem {
                Problem::new(concat!("urn:sigcache:problem:", $code), StatusCode::$status, $title, detail.into())
            }
        )*
        /// Every code that an answer can have.
        pub const CODES: &[&str] = &[$($code),*];
    };
}

problems! {
    bad_name, "bad-name", BAD_REQUEST, "the path is not the name of a resource";
    bad_request, "bad-request", BAD_REQUEST, "the request cannot be understood";
    unknown_resource, "unknown-resource", NOT_FOUND, "there is no such resource";
    unknown_run, "unknown-run", NOT_FOUND, "there is no report of such a run";
    unknown_path, "unknown-path", NOT_FOUND, "there is nothing at this path";
    never_stored, "never-stored", NOT_FOUND, "no version of the resource has passed every check so far";
    wrong_method, "wrong-method", METHOD_NOT_ALLOWED, "the path does not take this method";
    no_token, "no-token", UNAUTHORIZED, "this call needs a bearer token";
    wrong_token, "wrong-token", UNAUTHORIZED, "the bearer token is not the right one";
    calls_are_off, "calls-are-off", FORBIDDEN, "calls that change something are switched off";
    withheld, "withheld", GONE, "there is a copy, but it may not be served any more";
    not_the_version, "not-the-version", PRECONDITION_FAILED, "the document is not the version that was asked for";
    no_such_bytes, "no-such-bytes", RANGE_NOT_SATISFIABLE, "the document has no such bytes";
    body_too_large, "body-too-large", PAYLOAD_TOO_LARGE, "the body is too large";
    other_run, "other-run", CONFLICT, "another run is under way";
    store_damaged, "store-damaged", INTERNAL_SERVER_ERROR, "what is stored is not what was verified";
    run_failed, "run-failed", INTERNAL_SERVER_ERROR, "the run could not begin";
    crashed, "crashed", INTERNAL_SERVER_ERROR, "the endpoint has an error of its own";
    store_down, "store-down", SERVICE_UNAVAILABLE, "the store does not answer";
    too_slow, "too-slow", REQUEST_TIMEOUT, "the request took too long";
}

impl Problem {
    fn new(kind: &'static str, status: StatusCode, title: &'static str, detail: String) -> Self {
        let (step, reason, expected, found, headers) = (None, None, None, None, Vec::new());
        Self { kind, title, status: status.as_u16(), detail, step, reason, expected, found, headers }
    }

    /// The same with a header.
    pub(crate) fn with(mut self, name: header::HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        self.headers.extend(value.try_into().ok().map(|value| (name, value)));
        self
    }

    /// The same, and how the resource failed.
    pub(crate) fn about(mut self, failure: &Failure) -> Self {
        self.step = Some(failure.step());
        self.reason = Some(failure.reason);
        self.expected = Some(failure.expected.clone());
        self.found = Some(failure.found.clone());
        self
    }

    /// What happened this time.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The problem in a few words.
    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What happened, where the store has something else than it should.
    pub(crate) fn damage(&self) -> Option<String> {
        self.kind.ends_with(":store-damaged").then(|| self.detail.clone())
    }

    /// The step that did not pass, and why, where it is about a resource.
    pub(crate) fn link(&self) -> Option<(Step, Reason)> {
        self.step.zip(self.reason)
    }

    /// The headers that belong to it.
    pub(crate) fn into_headers(self) -> Vec<(header::HeaderName, HeaderValue)> {
        self.headers
    }

    /// A store that failed.
    pub(crate) fn store(error: &StoreError) -> Self {
        if error.is_retryable() {
            return store_down(format!("{}; try again later", error.chain())).with(header::RETRY_AFTER, "10");
        }
        store_damaged(error.chain())
    }

    /// A document that cannot be handed out.
    pub(crate) fn unread(name: &sigcache_core::Name, error: &ReadError) -> Self {
        let failure = match error {
            ReadError::Store(error) => return Self::store(error),
            ReadError::Refused(failure) => failure,
            other => return crashed(other.to_string()),
        };
        let detail = format!("{name}: {failure}; see explain/{name}");
        let problem = match failure.reason {
            // Whether the object was never there or went away from under its receipt.
            Reason::ObjectMissing if failure.found.starts_with("none") => never_stored(detail),
            Reason::ObjectMissing | Reason::ObjectChanged | Reason::ObjectUnreadable => store_damaged(detail),
            _ => withheld(detail),
        };
        problem.about(failure)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}
