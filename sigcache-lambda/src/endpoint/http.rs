//! Requests of a function URL, of API Gateway (v1 and v2), and of a load balancer.

use std::convert::Infallible;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header};
use lambda_http::{Adapter, LambdaEvent, Request, RequestExt as _, Service as _, request::LambdaRequest};
use lambda_runtime::Context;
use serde_json::{Value, json};
use sigcache_http::Endpoint;
use tower::ServiceExt as _;

use crate::Failed;

/// An answer of Lambda has at most 6 MB, and what is not text needs a third more in it. The rest is for headers.
const MAX_BODY_BYTES: u64 = 4_400_000;

pub(super) async fn answer(endpoint: &Endpoint, event: &str, context: Context) -> Result<Value, Failed> {
    let request: LambdaRequest = serde_json::from_str(event).map_err(Failed::event)?;
    let router = endpoint.router();
    let service = lambda_http::service_fn(move |request: Request| {
        let router = router.clone();
        async move {
            let request = without_stage(request).map(|body| Body::from(body.as_ref().to_vec()));
            let asks_for_body = request.method() != Method::HEAD;
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            Ok::<Response, Infallible>(if asks_for_body { within_limits(response) } else { response })
        }
    });
    let answered = Adapter::from(service).call(LambdaEvent { payload: request, context }).await;
    let answered = answered.unwrap_or_else(|never| match never {});
    serde_json::to_value(answered).map_err(Failed::work)
}

/// A gateway puts the name of its stage before the path, which no route knows.
fn without_stage(mut request: Request) -> Request {
    let (uri, path) = (request.uri(), request.raw_http_path());
    let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
    if uri.path().len() > path.len()
        && path.starts_with('/')
        && uri.path().ends_with(path)
        && let Ok(uri) = format!("{path}{query}").parse()
    {
        *request.uri_mut() = uri;
    }
    request
}

/// Lambda would answer in its own words, which say nothing, where an answer is too long.
fn within_limits(response: Response) -> Response {
    let length =
        response.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let Some(length) = length.filter(|length| *length > MAX_BODY_BYTES) else { return response };
    let detail = format!(
        "this document has {length} bytes, and a function answers with at most {MAX_BODY_BYTES}: ask for ranges, as with \
         `Range: bytes=0-4194303`, or read it from the bucket"
    );
    let problem = json!({
        "type": "urn:sigcache:problem:too-large-for-function",
        "title": "the document is larger than a function can answer with",
        "status": 501,
        "detail": detail,
    });
    let kind = HeaderValue::from_static("application/problem+json");
    (StatusCode::NOT_IMPLEMENTED, [(header::CONTENT_TYPE, kind)], problem.to_string()).into_response()
}
