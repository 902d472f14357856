//! `/health`, `/ready` and `/metrics`: computed when asked.

use std::{sync::Arc, time::Duration};

use sigcache_core::{
    Policy,
    conformance::{How, Lab, hours},
    verify::{Claims, Detached, Pointer},
};

use crate::support::Site;

fn one(lab: &Lab) -> Vec<sigcache_core::Resource> {
    let mut policy = Policy::default();
    policy.max_age = hours(2);
    vec![lab.resource_with("a", lab.rules().with_policy(policy))]
}

#[tokio::test]
async fn it_cannot_be_green_when_nothing_runs_any_more() {
    let site = Site::with(one, |mut options| {
        options.overdue = Some(Duration::from_secs(90 * 60));
        options
    });
    let before = site.get("/health").await;
    assert_eq!(before.status, 503);
    assert!(before.json()["complaints"]["schedule"].as_str().unwrap().contains("none so far"), "{}", before.text());
    assert_eq!(before.json()["not_good"][0]["state"], "absent");

    site.lab.publish("a", "first");
    site.run_beside().await;
    let well = site.get("/health").await;
    assert_eq!((well.status.as_u16(), well.json()["status"].as_str()), (200, Some("well")));
    // Nothing happens but that time passes.
    site.clock.set(91);
    let overdue = site.get("/health").await;
    assert_eq!(overdue.status, 503);
    assert!(overdue.json()["complaints"]["schedule"].as_str().unwrap().contains("1 hour"), "{}", overdue.text());
    assert_eq!(overdue.json()["not_good_count"], 0);
    site.clock.set(121);
    let stale = site.get("/health").await.json();
    assert_eq!((stale["not_good_count"].as_u64(), stale["not_good"][0]["state"].as_str()), (Some(1), Some("stale")));
}

#[tokio::test]
async fn a_store_that_is_down_is_told_and_documents_are_served_on() {
    let site = Site::new(one);
    site.lab.publish("a", "first");
    site.run_beside().await;
    assert_eq!(site.get("/resources/a").await.text(), "first");
    assert_eq!(site.get("/ready").await.status, 200);
    site.lab.faulty.fail(0, How::CrashBefore);
    site.clock.set(10);
    let served = site.get("/resources/a").await;
    assert_eq!((served.status.as_u16(), served.text().as_str()), (200, "first"));
    assert_eq!(served.header("age"), "600");
    assert!(served.header("sigcache-store").starts_with("unreachable since 2026-11-24T12:10"), "{served:?}");
    let health = site.get("/health").await;
    assert_eq!(health.status, 503);
    assert!(
        health.json()["complaints"]["store"].as_str().unwrap().starts_with("unreachable since"),
        "{}",
        health.text()
    );
    assert!(site.get("/metrics").await.text().contains("sigcache_store_up 0\n"));
    site.lab.faulty.rearm();
    assert_eq!(site.get("/health").await.status, 200);
    assert!(site.get("/resources/a").await.header("sigcache-store").is_empty());
}

#[tokio::test]
async fn an_endpoint_that_never_saw_its_store_is_not_ready() {
    let site = Site::new(one);
    site.lab.faulty.fail(0, How::CrashBefore);
    site.get("/ready").await.problem(503, "store-down");
    site.get("/resources/a").await.problem(503, "store-down");
    let health = site.get("/health").await;
    assert_eq!((health.status.as_u16(), health.json()["status"].as_str()), (503, Some("unwell")));
    assert!(health.json()["complaints"]["store"].as_str().unwrap().contains("could not list"), "{}", health.text());
}

#[tokio::test]
async fn parts_of_the_program_around_it_can_complain() {
    let site = Site::new(one);
    site.lab.publish("a", "first");
    site.run_beside().await;
    site.endpoint.complain("alerts", Some("the webhook answers 500".into()));
    let health = site.get("/health").await;
    assert_eq!(
        (health.status.as_u16(), &health.json()["complaints"]["alerts"]),
        (503, &"the webhook answers 500".into())
    );
    assert!(site.get("/metrics").await.text().contains("sigcache_complaint{part=\"alerts\"} 1\n"));
    site.endpoint.complain("alerts", None);
    assert_eq!(site.get("/health").await.status, 200);
}

#[tokio::test]
async fn metrics_say_of_each_resource_and_of_runs_how_they_ended() {
    let site = Site::new(one);
    site.lab.publish("a", "first");
    site.sync("").await;
    site.lab.origin.status(&Lab::url("a"), 500);
    site.clock.set(30);
    site.sync("").await;
    site.get("/resources/a").await;
    site.get("/resources/%2e%2e").await;
    let metrics = site.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    let text = metrics.text();
    for line in [
        "sigcache_resource_age_seconds{resource=\"a\"} 1800",
        "sigcache_resource_good{resource=\"a\"} 0",
        "sigcache_resource_state{resource=\"a\",state=\"fresh\"} 1",
        "sigcache_resource_last{resource=\"a\",outcome=\"kept\",step=\"http\",reason=\"http-status\"} 1",
        "sigcache_resource_size_bytes{resource=\"a\"} 5",
        "sigcache_decisions_total{outcome=\"stored\",step=\"done\"} 1",
        "sigcache_decisions_total{outcome=\"kept\",step=\"http\"} 1",
        "sigcache_runs_total 2",
        "sigcache_stored_bytes_total 5",
        "sigcache_store_up 1",
        "sigcache_last_run_timestamp_seconds{shard=\"1/1\"} 1795523400",
        "sigcache_http_requests_total{method=\"GET\",route=\"/resources/{*name}\",status=\"200\"} 1",
        "sigcache_http_requests_total{method=\"GET\",route=\"/resources/{*name}\",status=\"400\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

/// Every metric that the alert rules and the dashboard ask for, so that none of them waits for something that never comes.
#[tokio::test]
async fn the_rules_and_the_dashboard_name_metrics_that_there_are() {
    let site = Site::new(|lab| {
        let mut claims = Claims::default();
        claims.expires = Some(Pointer::new("/expires").unwrap());
        let mut rules = lab.rules();
        rules.verifier = Arc::new(Detached::new(".sig").with_claims(claims));
        vec![lab.resource_with("a", rules)]
    });
    site.lab.publish("a", r#"{"expires":"2026-12-24T12:00:00Z"}"#);
    assert_eq!(site.sync("").await.status, 200);
    site.endpoint.complain("alerts", Some("for the test".into()));
    let text = site.get("/metrics").await.text();
    let infra = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra");
    let mut named = std::collections::BTreeSet::new();
    for file in ["prometheus/sigcache.rules.yml", "grafana/sigcache.json"] {
        let file = std::fs::read_to_string(infra.join(file)).unwrap();
        let words = file.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        named.extend(words.filter(|word| word.starts_with("sigcache_")).map(str::to_owned));
    }
    assert!(named.len() > 10, "{named:?}");
    for name in &named {
        let family = name.trim_end_matches("_total").trim_end_matches("_bucket");
        assert!(text.contains(&format!("# TYPE {family} ")), "{name} is no metric:\n{text}");
    }
}
