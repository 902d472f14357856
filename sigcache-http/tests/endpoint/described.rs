//! The OpenAPI description: every answer that any test here gets must be in it.

use std::sync::LazyLock;

use http::Method;
use serde_json::Value;
use sigcache_http::Endpoint;

use crate::support::{Answer, Site};

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(Endpoint::openapi()).unwrap());

/// The template of the description that a path is of.
fn template(path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or_default();
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    // A name has slashes, which no description can say of a parameter; it is always the last one.
    paths.keys().map(String::as_str).find(|template| match template.split_once('{') {
        Some((before, _)) => path.len() > before.len() && path.starts_with(before),
        None => *template == path,
    })
}

/// Panics unless this answer to this request is described, and its body is what is described.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let Some(template) = template(path) else {
        // Below `/t/` is a router that is nested into another one.
        let is_other = path == "/openapi.json" || path.starts_with("/t/");
        assert!(is_other || answer.status == 404, "{path} is not described: {answer:?}");
        return;
    };
    let verb = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let operation = &DESCRIPTION["paths"][template][&verb];
    if operation.is_null() {
        assert_eq!(answer.status, 405, "{method} {path} is not described: {answer:?}");
        return;
    }
    let response = &operation["responses"][answer.status.as_str()];
    assert!(!response.is_null(), "{} of {method} {path} is not described: {answer:?}", answer.status);
    let schema = &response["content"]["application/json"]["schema"]["$ref"];
    if let (Some(reference), Ok(body)) = (schema.as_str(), &answer.body)
        && method != Method::HEAD
        && answer.header("content-type").contains("json")
    {
        let document = serde_json::json!({ "$ref": reference, "components": DESCRIPTION["components"] });
        let body: Value = serde_json::from_slice(body).unwrap();
        let validator = jsonschema::validator_for(&document).unwrap();
        let faults: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{method} {path}: {faults:?} in {body}");
    }
}

#[tokio::test]
async fn the_description_is_served_and_names_every_route_with_its_methods() {
    let site = Site::new(|lab| vec![lab.resource("a")]);
    let served = site.get("/openapi.json").await;
    assert_eq!(served.json(), *DESCRIPTION);
    let mut described: Vec<String> = Vec::new();
    for (path, operations) in DESCRIPTION["paths"].as_object().unwrap() {
        for (verb, operation) in operations.as_object().unwrap() {
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{verb} {path}");
            described.push(format!("{} {path}", verb.to_uppercase()));
        }
    }
    described.sort();
    let expected = [
        "GET /",
        "GET /explain/{name}",
        "GET /health",
        "GET /metrics",
        "GET /ready",
        "GET /resources/{name}",
        "GET /runs/{run}",
        "GET /style.css",
        "POST /sync",
    ];
    assert_eq!(described, expected);
}
