//! An endpoint over a store under the eyes of the referee, with a clock that the test moves.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use sigcache_core::{
    Report, Resource, Timestamp,
    conformance::{Lab, at},
    run::Selection,
    store::Bucket,
};
use sigcache_http::{Endpoint, Options, Setup, Token};
use tower::ServiceExt as _;

use crate::described;

pub(crate) const TOKEN: &str = "correct-horse-battery-staple";

/// Minutes since the beginning of the test; the one clock of an endpoint.
#[derive(Clone, Default)]
pub(crate) struct Minutes(Arc<AtomicI64>);

impl Minutes {
    pub(crate) fn set(&self, minutes: i64) {
        self.0.store(minutes, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(at(0).as_millis() + self.0.load(Ordering::SeqCst) * 60_000)
    }
}

pub(crate) struct Site {
    pub(crate) lab: Lab,
    pub(crate) clock: Minutes,
    pub(crate) resources: Vec<Resource>,
    pub(crate) endpoint: Endpoint,
    pub(crate) router: Router,
}

impl Site {
    /// An endpoint for `resources` of a new lab, which looks for newer catalogs at every request.
    pub(crate) fn new(resources: impl FnOnce(&Lab) -> Vec<Resource>) -> Self {
        Self::with(resources, |options| options)
    }

    pub(crate) fn with(resources: impl FnOnce(&Lab) -> Vec<Resource>, change: impl FnOnce(Options) -> Options) -> Self {
        let lab = Lab::default();
        let resources = resources(&lab);
        let clock = Minutes::default();
        let now = clock.clone();
        let mut options = Options::default();
        options.token = Some(Token::new(TOKEN).unwrap());
        options.refresh = std::time::Duration::ZERO;
        options.clock = Arc::new(move || now.now());
        let setup = Self::setup(&lab, resources.clone());
        let endpoint = Endpoint::new(setup, change(options));
        let router = endpoint.router();
        Self { lab, clock, resources, endpoint, router }
    }

    pub(crate) fn setup(lab: &Lab, resources: Vec<Resource>) -> Setup {
        let objects = lab.faulty.clone();
        let open = Arc::new(move |shard| Ok(Bucket::new(objects.clone()).with_shard(shard)));
        Setup::new(resources, lab.origin.clone(), open)
    }

    /// A run at the time of the clock, beside the endpoint.
    pub(crate) async fn run_beside(&self) -> Report {
        let runner = self.lab.runner();
        runner.sync(&self.resources, &Selection::All, self.clock.now(), self.lab.nonce()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.ask(Request::get(path).header(name, value).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn method(&self, method: Method, path: &str) -> Answer {
        self.ask(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    /// `POST /sync` with the token.
    pub(crate) async fn sync(&self, body: &str) -> Answer {
        let request = Request::post("/sync").header("authorization", format!("Bearer {TOKEN}"));
        self.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().to_string());
        let response: Response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes);
        let body = body.map_err(|error| error.to_string());
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        described::check(&method, &path, &answer);
        answer
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Result<Bytes, String>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone().unwrap().to_vec()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body.as_ref().unwrap()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Asserts that it is a problem of this kind, whole and with its status, and gives its detail.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert!(sigcache_http::CODES.contains(&code), "{code}");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:sigcache:problem:{code}"), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        assert!(!self.header("x-request-id").is_empty());
        problem["detail"].as_str().unwrap().to_owned()
    }
}
