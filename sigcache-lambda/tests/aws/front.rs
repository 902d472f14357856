//! What stands between the functions and the emulator: it passes calls on, writes them down, fails as it is told, and runs
//! the function where the emulator has none that runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::lambda::Lambda;

/// What is answered in the place of the emulator.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    status: u16,
    code: &'static str,
    /// How often; `None` for ever.
    times: Option<u32>,
}

/// The proxy; its clones are one.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) endpoint: Url,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: Url,
    client: reqwest::Client,
    seen: Mutex<Vec<String>>,
    faults: Mutex<BTreeMap<String, Fault>>,
    hanging: Mutex<BTreeSet<String>>,
    /// Answers in the place of those of the emulator, by the call.
    answers: Mutex<BTreeMap<String, Value>>,
    function: Mutex<Option<Arc<Lambda>>>,
}

impl Front {
    pub(crate) async fn before(upstream: Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let inner = Arc::new(Inner {
            upstream,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            seen: Mutex::default(),
            faults: Mutex::default(),
            hanging: Mutex::default(),
            answers: Mutex::default(),
            function: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, inner }
    }

    /// This function is run when one is invoked.
    pub(crate) fn runs(&self, function: Arc<Lambda>) {
        *self.inner.function.lock().unwrap() = Some(function);
    }

    /// `action` is answered with an error from now on; of a bucket alone as `ACTION in BUCKET`.
    pub(crate) fn fails(&self, action: &str, status: u16, code: &'static str) {
        self.inner.faults.lock().unwrap().insert(action.to_owned(), Fault { status, code, times: None });
    }

    /// `action` is answered with an error so often.
    pub(crate) fn fails_times(&self, action: &str, status: u16, code: &'static str, times: u32) {
        self.inner.faults.lock().unwrap().insert(action.to_owned(), Fault { status, code, times: Some(times) });
    }

    /// `action` is answered so from now on.
    pub(crate) fn answers(&self, action: &str, answer: Value) {
        self.inner.answers.lock().unwrap().insert(action.to_owned(), answer);
    }

    /// `action` is never answered from now on.
    pub(crate) fn hangs(&self, action: &str) {
        self.inner.hanging.lock().unwrap().insert(action.to_owned());
    }

    /// Nothing fails any more.
    pub(crate) fn mended(&self) {
        self.inner.faults.lock().unwrap().clear();
        self.inner.answers.lock().unwrap().clear();
        self.inner.hanging.lock().unwrap().clear();
    }

    /// The permissions that were needed so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.inner.seen.lock().unwrap().clone()
    }
}

/// The permission that a call needs.
fn action(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> String {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let service = header("authorization").split('/').nth(3).unwrap_or("s3").to_owned();
    let named = |service: &str, name: &str| format!("{service}:{name}");
    let text = String::from_utf8_lossy(body);
    match service.as_str() {
        "sts" => named(&service, "GetCallerIdentity"),
        "sns" | "monitoring" => {
            let name = text.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default();
            named(if service == "sns" { "sns" } else { "cloudwatch" }, name)
        }
        "secretsmanager" | "ssm" | "sqs" => {
            named(&service, header("x-amz-target").rsplit('.').next().unwrap_or_default())
        }
        "scheduler" => named("scheduler", "GetSchedule"),
        "lambda" => {
            let path = uri.path();
            let name = match (method.as_str(), path.rsplit('/').next().unwrap_or_default()) {
                ("GET", "configuration") => "GetFunctionConfiguration",
                ("PUT", "code") => "UpdateFunctionCode",
                ("POST", "versions") => "PublishVersion",
                ("POST", "invocations") => "InvokeFunction",
                ("GET", "policy") => "GetPolicy",
                ("GET", "concurrency") => "GetFunctionConcurrency",
                ("GET", _) if path.contains("/aliases/") => "GetAlias",
                ("PUT", _) if path.contains("/aliases/") => "UpdateAlias",
                _ => path,
            };
            named("lambda", name)
        }
        _ => {
            let query = uri.query().unwrap_or_default();
            let name = match method.as_str() {
                "GET" if query.contains("notification") => "GetBucketNotification",
                "GET" if query.contains("list-type") => "ListBucket",
                "GET" | "HEAD" if query.contains("versionId") => "GetObjectVersion",
                "GET" | "HEAD" => "GetObject",
                "DELETE" if query.contains("uploadId") => "AbortMultipartUpload",
                "DELETE" => "DeleteObject",
                _ => "PutObject",
            };
            named("s3", name)
        }
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let action = action(&parts.method, &parts.uri, &parts.headers, &body);
    inner.seen.lock().unwrap().push(action.clone());
    let hangs = inner.hanging.lock().unwrap().contains(&action);
    if hangs {
        std::future::pending::<()>().await;
    }
    let bucket = parts.uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    if let Some(fault) = inner.fault(&action).or_else(|| inner.fault(&format!("{action} in {bucket}"))) {
        return failure(&fault);
    }
    let answer = inner.answers.lock().unwrap().get(&action).cloned();
    if let Some(answer) = answer {
        return match answer {
            Value::String(text) => text.into_response(),
            json => axum::Json(json).into_response(),
        };
    }
    if action == "lambda:InvokeFunction" {
        return inner.invoke(&body).await;
    }
    inner.forward(parts.method, &parts.uri, parts.headers, body).await
}

fn failure(fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap();
    let body = json!({"Type": "User", "message": "as the test wants it", "Message": "as the test wants it"});
    (status, [("x-amzn-errortype", fault.code)], axum::Json(body)).into_response()
}

impl Inner {
    fn fault(&self, action: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let fault = faults.get_mut(action)?;
        match &mut fault.times {
            Some(0) => None,
            Some(times) => {
                *times -= 1;
                Some(fault.clone())
            }
            None => Some(fault.clone()),
        }
    }

    async fn invoke(&self, body: &[u8]) -> Response {
        let function = self.function.lock().unwrap().clone().expect("a function to run");
        let event = serde_json::from_slice(body).unwrap();
        match function.invoke(&event).await {
            Ok(answer) => axum::Json(answer).into_response(),
            Err(error) => ([("x-amz-function-error", "Unhandled")], axum::Json(error)).into_response(),
        }
    }

    async fn forward(&self, method: Method, uri: &Uri, mut headers: HeaderMap, body: Bytes) -> Response {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", self.upstream.as_str().trim_end_matches('/'));
        headers.remove("host");
        headers.remove("content-length");
        let answer = self.client.request(method, url).headers(headers).body(body).send().await;
        let Ok(answer) = answer else { return StatusCode::BAD_GATEWAY.into_response() };
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        let Ok(body) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
        headers.remove("transfer-encoding");
        headers.remove("connection");
        let mut response = Response::new(Body::from(body));
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        response
    }
}
