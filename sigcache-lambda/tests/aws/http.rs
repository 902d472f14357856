//! Requests as function URLs, both kinds of API Gateway, and load balancers send them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    endpoint::metrics,
    world::{TOKEN, World},
};

fn function_url(method: &str, path: &str, headers: &Value, body: Option<&str>) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "anonymous", "apiId": "x", "domainName": "x.lambda-url.eu-west-2.on.aws", "domainPrefix": "x",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
            "requestId": "r", "routeKey": "$default", "stage": "$default", "time": "24/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_521_600_000_i64,
        },
        "body": body, "isBase64Encoded": false,
    })
}

fn gateway_v1(path: &str) -> Value {
    json!({
        "resource": "/{proxy+}", "path": path, "httpMethod": "GET", "headers": {"Host": "h"},
        "multiValueHeaders": {"Host": ["h"]}, "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": {"proxy": path}, "stageVariables": null,
        "requestContext": {
            "accountId": "1", "resourceId": "r", "stage": "prod", "requestId": "q", "resourcePath": "/{proxy+}",
            "httpMethod": "GET", "path": format!("/prod{path}"), "apiId": "x", "protocol": "HTTP/1.1",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "t"},
        },
        "body": null, "isBase64Encoded": false,
    })
}

fn load_balancer(path: &str) -> Value {
    json!({
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-2:1:targetgroup/x/y"}},
        "httpMethod": "GET", "path": path, "queryStringParameters": {}, "headers": {"host": "h"},
        "body": "", "isBase64Encoded": false,
    })
}

fn body(answer: &Value) -> Vec<u8> {
    let text = answer["body"].as_str().unwrap_or_default();
    if answer["isBase64Encoded"] == true { STANDARD.decode(text).unwrap() } else { text.as_bytes().to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_router_answers_all_of_them() {
    let Some(world) = World::new().await else { return };
    let bytes = [b"a document \xff\x00 of bytes".as_slice(), &[7; 100]].concat();
    world.sources.offer("a", &bytes, &world.key);
    world.sources.offer("b", b"b", &world.key);
    // A call that changes something needs the token, here as everywhere.
    let refused = world.endpoint.invoke(&function_url("POST", "/sync", &json!({}), None)).await.unwrap();
    assert_eq!(refused["statusCode"], 401, "{refused}");
    let token = json!({"authorization": format!("Bearer {TOKEN}"), "prefer": "respond-async"});
    let synced = world.endpoint.invoke(&function_url("POST", "/sync", &token, None)).await.unwrap();
    // Whoever asks waits: when a function has answered, nothing goes on.
    assert_eq!(synced["statusCode"], 200, "{synced}");
    // Alarms end by it, as by a run of the schedule.
    let counted = |world: &World| {
        let all = metrics(&world.endpoint);
        (all.len(), all.last().unwrap()["Fresh"].clone(), all.last().unwrap()["Runs"].clone())
    };
    assert_eq!(counted(&world), (1, json!(2.0), json!(1.0)));
    let one = function_url("POST", "/sync", &token, Some(r#"{"resources": ["a"]}"#));
    assert_eq!(world.endpoint.invoke(&one).await.unwrap()["statusCode"], 200);
    assert_eq!(counted(&world), (2, json!(2.0), json!(0.0)));
    let report: Value = serde_json::from_slice(&body(&synced)).unwrap();
    assert_eq!(report["totals"]["stored"], 2);

    for event in [
        function_url("GET", "/resources/a", &json!({}), None),
        gateway_v1("/resources/a"),
        load_balancer("/resources/a"),
    ] {
        let answer = world.endpoint.invoke(&event).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{answer}");
        assert_eq!(body(&answer), bytes, "{event}");
        let headers = answer["headers"].as_object().unwrap();
        let many = answer["multiValueHeaders"].as_object();
        let has_tag = headers.contains_key("etag") || many.is_some_and(|many| many.contains_key("etag"));
        assert!(has_tag, "{answer}");
    }
    let balanced = world.endpoint.invoke(&load_balancer("/health")).await.unwrap();
    assert_eq!(balanced["statusCode"], 200, "{balanced}");
    let page = world.endpoint.invoke(&function_url("GET", "/", &json!({"accept": "text/html"}), None)).await.unwrap();
    assert!(String::from_utf8(body(&page)).unwrap().contains("<h1"), "{page}");
    let unknown = world.endpoint.invoke(&function_url("GET", "/nothing", &json!({}), None)).await.unwrap();
    assert_eq!(unknown["statusCode"], 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_no_answer_can_hold_is_told_and_comes_in_ranges() {
    let Some(world) = World::new().await else { return };
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    world.sources.offer("a", &bytes, &world.key);
    world.sources.offer("b", b"b", &world.key);
    world.endpoint.invoke(&json!({"sigcache": "sync"})).await.unwrap();
    let whole = world.endpoint.invoke(&function_url("GET", "/resources/a", &json!({}), None)).await.unwrap();
    assert_eq!(whole["statusCode"], 501, "{}", whole["statusCode"]);
    assert!(String::from_utf8(body(&whole)).unwrap().contains("ask for ranges"), "{whole}");
    let head = world.endpoint.invoke(&function_url("HEAD", "/resources/a", &json!({}), None)).await.unwrap();
    assert_eq!(head["statusCode"], 200, "{head}");
    let mut found = Vec::new();
    for range in ["bytes=0-2999999", "bytes=3000000-"] {
        let part = function_url("GET", "/resources/a", &json!({"range": range}), None);
        let part = world.endpoint.invoke(&part).await.unwrap();
        assert_eq!(part["statusCode"], 206);
        found.extend(body(&part));
    }
    assert!(found == bytes);
}
