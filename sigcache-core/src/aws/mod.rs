//! Calls to the interfaces of AWS, without an SDK: signed by the signer that [`object_store`] signs its requests to S3
//! with, on behalf of whom it finds in the environment, the task or the instance.

mod call;
mod error;
mod xml;

use std::{fmt, str::FromStr as _, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use object_store::{
    ClientOptions,
    aws::{AmazonS3Builder, AmazonS3ConfigKey as Key, AwsAuthorizer, AwsCredentialProvider},
    client::{HttpClient, HttpConnector as _, HttpRequestBody, ReqwestConnector},
};
use url::Url;

use call::Service;
pub use call::{Action, Call};
pub use error::AwsError;
pub use xml::Node;

/// No answer that this project reads is longer; an answer that is, is an error.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// How often a call is made that was throttled or met a server that was not well.
const TRIES: u32 = 6;
/// The pause before the second try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Makes calls in one region, and only those that it was made for.
#[derive(Clone)]
pub struct Aws {
    region: String,
    endpoints: Vec<(String, String)>,
    credentials: AwsCredentialProvider,
    client: HttpClient,
    allowed: &'static [Action],
}

impl Aws {
    /// Calls on behalf of whom `environment` names (`AWS_ACCESS_KEY_ID` and the others that S3 is opened with), in its
    /// `AWS_REGION`. `AWS_ENDPOINT_URL`, and `AWS_ENDPOINT_URL_LAMBDA` and so on for one service, name other servers.
    ///
    /// Any call that is not among `allowed` is an error: this list is what a role must be permitted, no more and no less.
    pub fn new(environment: &[(String, String)], allowed: &'static [Action]) -> Result<Self, AwsError> {
        let mut builder = AmazonS3Builder::new().with_bucket_name("none");
        let (mut region, mut endpoints) = (None, Vec::new());
        for (name, value) in environment.iter().filter(|(name, _)| name.starts_with("AWS_")) {
            if let Some(service) = name.strip_prefix("AWS_ENDPOINT_URL") {
                endpoints.push((service.trim_start_matches('_').to_owned(), value.trim_end_matches('/').to_owned()));
            } else if let Ok(key) = Key::from_str(&name.to_ascii_lowercase()) {
                builder = builder.with_config(key, value);
            }
            match name.as_str() {
                "AWS_REGION" => region = Some(value.clone()),
                "AWS_DEFAULT_REGION" => drop(region.get_or_insert_with(|| value.clone())),
                _ => {}
            }
        }
        let region = region.ok_or(AwsError::NoRegion)?;
        let options = ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(5))
            .with_timeout(Duration::from_secs(70))
            .with_allow_http(endpoints.iter().any(|(_, url)| url.starts_with("http:")));
        let store = builder.with_region(&region).with_client_options(options.clone()).build();
        let store = store.map_err(AwsError::unusable)?;
        let client = ReqwestConnector::default().connect(&options).map_err(AwsError::unusable)?;
        Ok(Self { region, endpoints, credentials: store.credentials().clone(), client, allowed })
    }

    /// Makes a call. One that was throttled, or met a server that was not well, is made again, each time later; every call
    /// of [`Action`] may be.
    pub async fn call(&self, call: &Call) -> Result<Bytes, AwsError> {
        let action = call.action();
        if !self.allowed.contains(&action) {
            return Err(AwsError::NotPlanned { action });
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.once(call).await {
                Err(error) if error.is_retryable() && tries < TRIES => {
                    tracing::debug!(action = action.as_str(), tries, error = %error, "tried again");
                    tokio::time::sleep(FIRST_PAUSE * (1 << (tries - 1))).await;
                }
                ended => return ended,
            }
        }
    }

    async fn once(&self, call: &Call) -> Result<Bytes, AwsError> {
        let action = call.action();
        let service = action.service();
        let broken = |error: &dyn std::error::Error| AwsError::unreachable(action, error);
        let credential = self
            .credentials
            .get_credential()
            .await
            .map_err(|error| AwsError::NoCredentials { action, found: crate::error_chain(&error) })?;
        let url = format!("{}{}", self.endpoint(service), call.path_and_query());
        let url = Url::parse(&url).map_err(|error| broken(&error))?;
        let mut request = Request::builder().method(call.method()).uri(url.as_str());
        for (name, value) in call.headers() {
            request = request.header(*name, value);
        }
        let body = HttpRequestBody::from(call.body().clone());
        let mut request = request.body(body).map_err(|error| broken(&error))?;
        AwsAuthorizer::new(&credential, service.signing_name(), &self.region)
            .try_authorize(&mut request, None)
            .map_err(|error| broken(&error))?;
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        request.headers_mut().insert(header::HOST, HeaderValue::from_str(host).map_err(|error| broken(&error))?);
        let response = self.client.execute(request).await.map_err(|error| broken(&error))?;
        let (parts, body) = response.into_parts();
        let mut answer = Vec::new();
        let mut chunks = body.bytes_stream();
        while let Some(chunk) = futures_util::StreamExt::next(&mut chunks).await {
            answer.extend_from_slice(&chunk.map_err(|error| broken(&error))?);
            if answer.len() > MAX_ANSWER_BYTES {
                return Err(AwsError::Unreadable { action, found: format!("more than {MAX_ANSWER_BYTES} bytes") });
            }
        }
        // A function that ended in an error still answers 200.
        let failed = parts.headers.get("x-amz-function-error").and_then(|value| value.to_str().ok());
        match (parts.status.is_success(), failed) {
            (true, None) => Ok(answer.into()),
            (true, Some(kind)) => Err(AwsError::FunctionFailed { action, kind: kind.into(), answer: told(&answer) }),
            (false, _) => Err(refused(action, parts.status, &parts.headers, &answer)),
        }
    }

    fn endpoint(&self, service: Service) -> String {
        let named = |name: &str| self.endpoints.iter().find(|(of, _)| of == name).map(|(_, url)| url.clone());
        named(service.endpoint_variable()).or_else(|| named("")).unwrap_or_else(|| {
            let suffix = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://{}.{}.{suffix}", service.host(), self.region)
        })
    }
}

/// The error that an answer tells: in XML, in JSON, or in a header.
fn refused(action: Action, status: StatusCode, headers: &http::HeaderMap, answer: &[u8]) -> AwsError {
    let mut code = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut message = None;
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(answer) {
        let text = |names: &[&str]| names.iter().find_map(|name| json.get(*name)?.as_str()).map(str::to_owned);
        code = code.or_else(|| text(&["__type", "code", "Code"]));
        message = text(&["message", "Message"]);
    } else if let Ok(root) = Node::parse(answer) {
        code = code.or_else(|| root.text("Code"));
        message = root.text("Message");
    }
    // `com.amazonaws.…#Code:http://…` and the like.
    let code = code.unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
    let message = message.unwrap_or_else(|| told(answer));
    AwsError::Refused {
        action,
        status: status.as_u16(),
        code,
        message: crate::decision::printable(message.into()).into(),
    }
}

/// As much of an answer as fits into a sentence.
fn told(answer: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(answer).chars().take(300).collect();
    crate::decision::printable(text.into()).into()
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.region).finish_non_exhaustive()
    }
}
