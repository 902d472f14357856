//! What every request passes: an id, limits, a clear answer for what goes wrong, and one line in the log.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, header};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{endpoint::Inner, problem};

/// The largest body that is read: the names of a sync.
const LARGEST_BODY: usize = 256 * 1024;

/// An answer must begin within this time. A run may take longer: who does not want to wait asks for the answer at once.
const SLOWEST_ANSWER: Duration = Duration::from_secs(30);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the limits around all routes.
pub(crate) fn around(router: Router<Arc<Inner>>, inner: Arc<Inner>) -> Router<Arc<Inner>> {
    router
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CatchPanicLayer::custom(|_| {
            problem::crashed("the handler ended in an error of the program").into_response()
        }))
        .layer(middleware::from_fn_with_state(inner, pass))
}

/// The way of one request.
async fn pass(State(inner): State<Arc<Inner>>, mut request: Request, next: Next) -> Response {
    let started = tokio::time::Instant::now();
    let id = request_id(&request);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let may_be_long = method == http::Method::POST;
    let answer = next.run(request);
    let mut response = if may_be_long {
        answer.await
    } else {
        match tokio::time::timeout(SLOWEST_ANSWER, answer).await {
            Ok(response) => response,
            Err(_) => problem::too_slow("no answer within 30 seconds").into_response(),
        }
    };
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let status = response.status();
    // The path within the router, without what a name would add: few different ones.
    let route = route.as_deref().map_or("none", within);
    inner.metrics.answered(method.as_str(), route, status.as_u16(), started.elapsed());
    let id = id.to_str().unwrap_or_default();
    tracing::info!(%method, path, status = status.as_u16(), id, micros = started.elapsed().as_micros() as u64, "request");
    response
}

/// The last part of a route, which is the same wherever the router is nested.
fn within(route: &str) -> &'static str {
    const ROUTES: &[&str] = &[
        "/resources/{*name}",
        "/explain/{*name}",
        "/runs/{run}",
        "/health",
        "/ready",
        "/metrics",
        "/sync",
        "/openapi.json",
        "/style.css",
    ];
    ROUTES.iter().find(|known| route.ends_with(**known)).copied().unwrap_or("/")
}

/// The id that the client gave, where it is one, or a new one.
fn request_id(request: &Request) -> HeaderValue {
    let given = request.headers().get(REQUEST_ID).filter(|id| {
        let bytes = id.as_bytes();
        (8..=128).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    });
    let made = || {
        let text = format!("{:016x}", getrandom::u64().unwrap_or_default());
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("none"))
    };
    given.cloned().unwrap_or_else(made)
}
