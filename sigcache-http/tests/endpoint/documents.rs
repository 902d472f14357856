//! `GET /resources/<name>`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use sigcache_core::{Digest, Policy, conformance::hours};

use crate::support::Site;

/// Two documents, one of them below a folder.
async fn site() -> Site {
    let site = Site::new(|lab| vec![lab.resource("flags.json"), lab.resource("tools/list.txt")]);
    site.lab.publish("flags.json", "{\"flags\":[1,2,3]}");
    site.lab.publish("tools/list.txt", "0123456789");
    site.run_beside().await;
    site
}

#[tokio::test]
async fn a_document_comes_with_everything_that_http_can_say_of_it() {
    let site = site().await;
    site.clock.set(30);
    let answer = site.get("/resources/flags.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), "{\"flags\":[1,2,3]}");
    let digest = Digest::of(b"{\"flags\":[1,2,3]}");
    assert_eq!(answer.header("etag"), format!("\"{}\"", sigcache_core::hex(digest.as_bytes())));
    assert_eq!(answer.header("repr-digest"), format!("sha-256=:{}:", STANDARD.encode(digest.as_bytes())));
    assert_eq!(answer.header("content-length"), "17");
    assert_eq!(answer.header("age"), "1800");
    assert_eq!(answer.header("cache-control"), "max-age=10800, must-revalidate, no-transform");
    assert_eq!(answer.header("cache-status"), "sigcache; hit; ttl=9000");
    assert_eq!(answer.header("last-modified"), "Tue, 24 Nov 2026 12:00:00 GMT");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-security-policy"), "sandbox; default-src 'none'");

    let head = site.method(Method::HEAD, "/resources/flags.json").await;
    assert_eq!(head.status, 200);
    assert!(head.body.as_ref().unwrap().is_empty());
    for name in ["etag", "repr-digest", "content-length", "age", "cache-control", "last-modified", "content-type"] {
        assert_eq!(head.header(name), answer.header(name), "{name}");
    }
}

#[tokio::test]
async fn conditions_are_those_of_rfc_9110() {
    let site = site().await;
    let etag = site.get("/resources/tools/list.txt").await.header("etag").to_owned();
    let other = "\"0000\"";
    let table: &[(&[(&str, &str)], u16)] = &[
        (&[("if-none-match", &etag)], 304),
        (&[("if-none-match", "*")], 304),
        (&[("if-none-match", &format!("{other}, W/{etag}"))], 304),
        (&[("if-none-match", other)], 200),
        (&[("if-match", &etag)], 200),
        (&[("if-match", "*")], 200),
        (&[("if-match", other)], 412),
        (&[("if-match", &format!("W/{etag}"))], 412),
        (&[("if-modified-since", "Tue, 24 Nov 2026 12:00:00 GMT")], 304),
        (&[("if-modified-since", "Tue, 24 Nov 2026 11:59:59 GMT")], 200),
        (&[("if-modified-since", "yesterday")], 200),
        (&[("if-unmodified-since", "Tue, 24 Nov 2026 11:59:59 GMT")], 412),
        (&[("if-unmodified-since", "Tue, 24 Nov 2026 12:00:00 GMT")], 200),
        // An entity tag is more exact than a time, and is what counts.
        (&[("if-none-match", other), ("if-modified-since", "Tue, 24 Nov 2026 12:00:00 GMT")], 200),
        (&[("if-match", &etag), ("if-unmodified-since", "Tue, 24 Nov 2026 11:59:59 GMT")], 200),
        // If-Match comes first.
        (&[("if-match", other), ("if-none-match", &etag)], 412),
    ];
    for (headers, status) in table {
        let mut request = http::Request::get("/resources/tools/list.txt");
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let answer = site.ask(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), *status, "{headers:?}");
        match status {
            304 => {
                assert!(answer.body.as_ref().unwrap().is_empty());
                assert_eq!(answer.header("etag"), etag);
                assert!(answer.header("cache-control").starts_with("max-age="));
            }
            412 => drop(answer.problem(412, "not-the-version")),
            _ => assert_eq!(answer.text(), "0123456789"),
        }
    }
}

#[tokio::test]
async fn a_range_gives_these_bytes_of_the_whole_verified_document() {
    let site = site().await;
    let table = [
        ("bytes=0-3", 206, "0123", "bytes 0-3/10"),
        ("bytes=4-", 206, "456789", "bytes 4-9/10"),
        ("bytes=-3", 206, "789", "bytes 7-9/10"),
        ("bytes=-100", 206, "0123456789", "bytes 0-9/10"),
        ("bytes=8-100", 206, "89", "bytes 8-9/10"),
        ("bytes=9-9", 206, "9", "bytes 9-9/10"),
        ("bytes=0-18446744073709551614", 206, "0123456789", "bytes 0-9/10"),
        // What is not one range of bytes is not understood, and so ignored.
        ("bytes=0-1,3-4", 200, "0123456789", ""),
        ("bytes=4-2", 200, "0123456789", ""),
        ("bytes=a-b", 200, "0123456789", ""),
        ("bytes=-", 200, "0123456789", ""),
        ("bytes=+1-2", 200, "0123456789", ""),
        ("bytes=0-18446744073709551615", 200, "0123456789", ""),
        ("lines=0-1", 200, "0123456789", ""),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=10-12", 416, "", "bytes */10"),
        ("bytes=-0", 416, "", "bytes */10"),
    ];
    for (range, status, body, content_range) in table {
        let answer = site.get_with("/resources/tools/list.txt", "range", range).await;
        assert_eq!(answer.status.as_u16(), status, "{range}");
        assert_eq!(answer.header("content-range"), content_range, "{range}");
        match status {
            416 => drop(answer.problem(416, "no-such-bytes")),
            _ => {
                assert_eq!(answer.text(), body, "{range}");
                assert_eq!(answer.header("content-length"), body.len().to_string(), "{range}");
            }
        }
    }
    // A range of another version is not wanted.
    let ranged = |condition: &str| {
        let request = http::Request::get("/resources/tools/list.txt").header("range", "bytes=0-3");
        request.header("if-range", condition).body(axum::body::Body::empty()).unwrap()
    };
    let etag = site.get("/resources/tools/list.txt").await.header("etag").to_owned();
    assert_eq!(site.ask(ranged(&etag)).await.status, 206);
    assert_eq!(site.ask(ranged("\"0000\"")).await.status, 200);
}

#[tokio::test]
async fn the_receipt_and_the_signature_lie_beside_the_document() {
    let site = site().await;
    let receipt = site.get("/resources/tools/list.txt/receipt").await;
    assert_eq!(receipt.status, 200);
    assert_eq!(receipt.json()["evidence"]["signers"][0], "release");
    let signature = site.get("/resources/tools/list.txt.sig").await;
    assert_eq!(signature.status, 200);
    assert_eq!(signature.body.unwrap(), site.lab.sign(b"0123456789"));
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let site = Site::new(|lab| vec![lab.resource("a"), lab.resource("b")]);
    site.get("/resources/a").await.problem(404, "never-stored");
    site.lab.publish("a", "first");
    site.run_beside().await;
    assert_eq!(site.get("/resources/a").await.text(), "first");
    let detail = site.get("/resources/b").await.problem(404, "never-stored");
    assert!(detail.contains("explain/b"), "{detail}");
    site.get("/resources/b/receipt").await.problem(404, "never-stored");
    site.get("/resources/c").await.problem(404, "unknown-resource");
    site.get("/resources/a.asc").await.problem(404, "unknown-resource");
    site.get("/resources/a/receipt/receipt").await.problem(404, "unknown-resource");
    site.get("/nothing").await.problem(404, "unknown-path");
    for path in ["%2e%2e/etc/passwd", "..%2fcatalog", "a%00b", "%2e%2e%2f%2e%2e%2fx", "a//b", ".hidden", "%ff", "a%20b"]
    {
        site.get(&format!("/resources/{path}")).await.problem(400, "bad-name");
    }
    let refused = site.method(Method::DELETE, "/resources/a").await;
    refused.problem(405, "wrong-method");
    assert_eq!(refused.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn a_stale_copy_is_served_and_said_and_an_expired_one_is_gone() {
    let site = Site::new(|lab| {
        let mut policy = Policy::default();
        (policy.max_age, policy.max_stale) = (hours(1), Some(hours(2)));
        vec![lab.resource_with("a", lab.rules().with_policy(policy))]
    });
    site.lab.publish("a", "first");
    site.run_beside().await;
    site.clock.set(90);
    let stale = site.get("/resources/a").await;
    assert_eq!(stale.status, 200);
    assert_eq!(stale.header("cache-control"), "max-age=3600, must-revalidate, no-transform");
    assert_eq!(stale.header("age"), "5400");
    assert_eq!(stale.header("cache-status"), "sigcache; hit; ttl=-1800; detail=stale");
    site.clock.set(121);
    let gone = site.get("/resources/a").await;
    gone.problem(410, "withheld");
    assert_eq!(gone.json()["reason"], "copy-expired");
    assert_eq!(gone.json()["step"], "expiry");
    // Its signature goes with it.
    site.get("/resources/a.sig").await.problem(410, "withheld");
}
