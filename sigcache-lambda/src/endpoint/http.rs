//! Requests of a function URL, of API Gateway (v1 and v2), and of a load balancer.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header};
use lambda_http::{Adapter, LambdaEvent, Request, RequestExt as _, Service as _, request::LambdaRequest};
use lambda_runtime::Context;
use serde_json::{Value, json};
use sigcache_core::Report;
use tower::ServiceExt as _;

use super::Extent;
use crate::Failed;

/// An answer of Lambda has at most 6 MB, and what is not text needs a third more in it. The rest is for headers.
const MAX_BODY_BYTES: u64 = 4_400_000;

/// The answer, and the report of the run that the request asked for, if it did.
pub(super) async fn answer(
    router: Router,
    event: &str,
    context: Context,
) -> Result<(Value, Option<(Report, Extent)>), Failed> {
    let request: LambdaRequest = serde_json::from_str(event).map_err(Failed::event)?;
    let ran: Arc<Mutex<Option<(Report, Extent)>>> = Arc::default();
    let told = ran.clone();
    let service = lambda_http::service_fn(move |request: Request| {
        let (router, told) = (router.clone(), told.clone());
        async move {
            let request = without_stage(request);
            let (asks_for_body, extent) = (request.method() != Method::HEAD, run_of(&request));
            let request = request.map(|body| Body::from(body.as_ref().to_vec()));
            let mut response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            if let Some(extent) = extent {
                let (answer, report) = with_report(response).await;
                response = answer;
                *told.lock().unwrap_or_else(PoisonError::into_inner) = report.map(|report| (report, extent));
            }
            Ok::<Response, Infallible>(if asks_for_body { within_limits(response) } else { response })
        }
    });
    let answered = Adapter::from(service).call(LambdaEvent { payload: request, context }).await;
    let answered = answered.unwrap_or_else(|never| match never {});
    let ran = ran.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok((serde_json::to_value(answered).map_err(Failed::work)?, ran))
}

/// What the run is over that a request asks for; nothing where it asks for none.
fn run_of(request: &Request) -> Option<Extent> {
    if request.method() != Method::POST || !request.uri().path().ends_with("/sync") {
        return None;
    }
    let asked: Value = serde_json::from_slice(request.body().as_ref()).unwrap_or_default();
    Some(if asked.get("resources").is_none_or(Value::is_null) { Extent::Whole } else { Extent::Part })
}

/// The report in an answer, which stays as it is.
async fn with_report(response: Response) -> (Response, Option<Report>) {
    if !response.status().is_success() {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let report = serde_json::from_slice(&bytes).ok();
    (Response::from_parts(parts, Body::from(bytes)), report)
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
