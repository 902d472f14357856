//! `POST /sync`, one run at a time, and the reports.

use axum::body::Body;
use http::{Method, Request};
use sigcache_core::conformance::{Lab, at};
use sigcache_http::{Options, Token};

use crate::support::{Site, TOKEN};

fn two(lab: &Lab) -> Vec<sigcache_core::Resource> {
    vec![lab.resource("a"), lab.resource("b")]
}

#[tokio::test]
async fn a_run_over_http_is_the_run_of_the_library() {
    let site = Site::new(two);
    site.lab.publish("a", "first");
    site.lab.publish("b", "second");
    let answer = site.sync("").await;
    assert_eq!(answer.status, 200);
    let report = answer.json();
    assert_eq!(report["totals"]["stored"], 2);
    assert_eq!(site.get("/resources/a").await.text(), "first");
    // The same report is in the store, and at the place that the answer names.
    let place = answer.header("content-location").to_owned();
    assert_eq!(place, format!("runs/{}", report["run"].as_str().unwrap()));
    assert_eq!(site.get(&format!("/{place}")).await.json(), report);

    site.lab.origin.status(&Lab::url("b"), 404);
    let answer = site.sync("").await;
    assert_eq!(answer.status, 207);
    let report = answer.json();
    let kept = report["decisions"].as_array().unwrap().iter().find(|decision| decision["resource"] == "b").unwrap();
    assert_eq!((kept["outcome"].as_str(), kept["step"].as_str()), (Some("kept"), Some("http")));
    assert_eq!(site.get("/resources/b").await.text(), "second", "the last good copy is served on");
}

#[tokio::test]
async fn only_these_resources_and_only_those_that_are_known() {
    let site = Site::new(two);
    site.lab.publish("a", "first");
    site.lab.publish("b", "second");
    let answer = site.sync(r#"{"resources":["b"]}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["decisions"].as_array().unwrap().len(), 1);
    site.get("/resources/a").await.problem(404, "never-stored");
    let detail = site.sync(r#"{"resources":["c"]}"#).await.problem(404, "unknown-resource");
    assert!(detail.starts_with("c is not among"), "{detail}");
    for body in
        ["{", "[]", "3", r#"{"resource":["a"]}"#, r#"{"resources":["../a"]}"#, r#"{"url":"http://evil.example"}"#]
    {
        site.sync(body).await.problem(400, "bad-request");
    }
    site.sync(r#"{"shard":"0/3"}"#).await.problem(400, "bad-request");
    let long = format!(r#"{{"resources":["{}"]}}"#, "a".repeat(300_000));
    site.sync(&long).await.problem(413, "body-too-large");
}

/// A body that never comes is not waited for without the token, and with it no longer than ten seconds.
#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let site = Site::new(two);
    let never = || Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    let without = site.ask(Request::post("/sync").body(never()).unwrap()).await;
    without.problem(401, "no-token");
    let request = Request::post("/sync").header("authorization", format!("Bearer {TOKEN}"));
    site.ask(request.body(never()).unwrap()).await.problem(408, "too-slow");
}

#[tokio::test]
async fn nobody_without_the_token_changes_anything() {
    let site = Site::new(two);
    let ask = |authorization: Option<String>| {
        let mut request = Request::post("/sync");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        request.body(Body::empty()).unwrap()
    };
    let none = site.ask(ask(None)).await;
    none.problem(401, "no-token");
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"sigcache\"");
    let wrong = [
        format!("Bearer {TOKEN}x"),
        format!("Bearer {}", &TOKEN[..TOKEN.len() - 1]),
        "Bearer x".to_owned(),
        format!("Bearer {}", TOKEN.to_uppercase()),
    ];
    for value in wrong {
        let answer = site.ask(ask(Some(value.clone()))).await;
        answer.problem(401, "wrong-token");
        assert!(answer.header("www-authenticate").contains("invalid_token"), "{value}");
    }
    // What is no bearer token at all is none.
    site.ask(ask(Some(format!("Basic {TOKEN}")))).await.problem(401, "no-token");
    site.method(Method::GET, "/sync").await.problem(405, "wrong-method");
    assert_eq!(site.lab.origin.requests(), 0);

    let closed = Site::with(two, |mut options: Options| {
        options.token = None;
        options
    });
    closed.sync("").await.problem(403, "calls-are-off");
    assert_eq!(closed.lab.origin.requests(), 0);
}

#[test]
fn a_token_that_could_be_guessed_or_sent_wrongly_is_refused() {
    for text in [
        "",
        "short",
        "fifteen-letters",
        "with a space in the middle",
        "with-umlaut-\u{fc}-0123456789",
        &"x".repeat(1025),
    ] {
        assert!(Token::new(text).is_err(), "{text}");
    }
    let token = Token::new("0123456789abcdef\n").unwrap();
    assert!(token.is(b"0123456789abcdef") && !token.is(b"0123456789abcdef\n") && !token.is(b""));
    assert_eq!(format!("{token:?}"), "Token");
}

#[tokio::test]
async fn who_asks_while_a_run_is_under_way_joins_it() {
    let site = Site::new(two);
    site.lab.publish("a", "first");
    site.lab.publish("b", "second");
    // The calls are polled one after the other: each of them has begun before the first run can end.
    let calls = (0..20).map(|_| site.sync(""));
    let answers = futures_util::future::join_all(calls).await;
    let runs: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.json()["run"].as_str().unwrap().to_owned()).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(site.lab.origin.requests(), 4, "each document and each signature was asked for once");
    // The next one is a run of its own.
    assert!(!runs.contains(site.sync("").await.json()["run"].as_str().unwrap()));
}

#[tokio::test]
async fn who_does_not_want_to_wait_is_told_where_the_report_will_be() {
    let site = Site::new(two);
    site.lab.publish("a", "first");
    site.lab.publish("b", "second");
    let request = Request::post("/sync").header("authorization", format!("Bearer {TOKEN}"));
    let request = request.header("prefer", "respond-async, wait=5").body(Body::empty()).unwrap();
    let answer = site.ask(request).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("preference-applied"), "respond-async");
    let place = answer.header("location").to_owned();
    // Joining it is a way to wait for its end.
    let joined = site.sync("").await;
    let first = site.get(&format!("/{place}")).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.json()["totals"]["stored"], 2);
    assert!(joined.status.is_success());
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_503_and_loses_nothing() {
    let site = Site::new(two);
    site.lab.publish("a", "first");
    site.lab.publish("b", "second");
    assert_eq!(site.sync("").await.status, 200);
    site.lab.faulty.fail(0, sigcache_core::conformance::How::CrashBefore);
    let down = site.sync("").await;
    down.problem(503, "store-down");
    assert_eq!(down.header("retry-after"), "10");
}

#[tokio::test]
async fn a_store_of_several_shards_is_asked_shard_by_shard() {
    let site = Site::new(|lab| (0..8).map(|number| lab.resource(&format!("r{number}"))).collect());
    for number in 0..8 {
        site.lab.publish(&format!("r{number}"), format!("document {number}"));
    }
    for shard in ["1/2", "2/2"] {
        assert_eq!(site.sync(&format!(r#"{{"shard":"{shard}"}}"#)).await.status, 200);
    }
    for number in 0..8 {
        assert_eq!(site.get(&format!("/resources/r{number}")).await.text(), format!("document {number}"));
    }
    let detail = site.sync("").await.problem(400, "bad-request");
    assert!(detail.contains("2 shards"), "{detail}");
    // The shard of a name is known.
    assert_eq!(site.sync(r#"{"resources":["r3"]}"#).await.status, 200);
    site.sync(r#"{"resources":["r0","r1","r2","r3","r4","r5","r6","r7"]}"#).await.problem(400, "bad-request");
    // Another division would begin with nothing.
    let detail = site.sync(r#"{"shard":"1/3"}"#).await.problem(400, "bad-request");
    assert!(detail.contains("2 shards, not in 3"), "{detail}");
}

#[tokio::test]
async fn reports_of_runs_that_never_were() {
    let site = Site::new(two);
    site.lab.publish("a", "first");
    site.run_beside().await;
    site.get("/runs/latest").await.problem(404, "unknown-run");
    let other = sigcache_core::RunId::new(at(99), 7);
    site.get(&format!("/runs/{other}")).await.problem(404, "unknown-run");
}
