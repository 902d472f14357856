//! The endpoint function: runs on a schedule, from a queue, on request; its deadline; its settings.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{lambda::Lambda, sign::Key, world::World};

fn outcome<'a>(report: &'a Value, name: &str) -> (&'a str, &'a str) {
    let decisions = report["decisions"].as_array().unwrap_or_else(|| panic!("no report: {report}"));
    let decision = decisions.iter().find(|decision| decision["resource"] == name).unwrap();
    (decision["outcome"].as_str().unwrap(), decision["reason"].as_str().unwrap())
}

/// The metrics that a function has written, the newest last.
pub(crate) fn metrics(lambda: &Lambda) -> Vec<Value> {
    let log = lambda.logged();
    let values = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    values.filter(|value| value.get("_aws").is_some()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_of_either_kind_and_whoever_invokes_it_begins_a_run() {
    let Some(world) = World::new().await else { return };
    for name in ["a", "b"] {
        world.sources.offer(name, name.as_bytes(), &world.key);
    }
    let report = world.endpoint.invoke(&json!({"sigcache": "sync"})).await.unwrap();
    assert_eq!(outcome(&report, "a"), ("stored", "first-version"));
    let rule = json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "1", "time": "2026-11-24T12:00:00Z", "region": "eu-west-2",
        "resources": ["arn:aws:events:eu-west-2:1:rule/m"], "detail": {}});
    let report = world.endpoint.invoke(&rule).await.unwrap();
    assert_eq!(outcome(&report, "a").0, "unchanged");
    let report = world.endpoint.invoke(&json!({"sigcache": "sync", "resources": ["b"]})).await.unwrap();
    assert_eq!(report["decisions"].as_array().unwrap().len(), 1);
    // One over some names does not stand for the schedule's.
    assert_eq!(metrics(&world.endpoint).pop().unwrap()["Runs"], 0.0);
    world.endpoint.invoke(&rule).await.unwrap();

    let metrics = metrics(&world.endpoint);
    assert_eq!(metrics.len(), 4);
    let newest = metrics.last().unwrap();
    for (name, value) in
        [("Fresh", 2.0), ("Stale", 0.0), ("Missing", 0.0), ("Failed", 0.0), ("NotReached", 0.0), ("Runs", 1.0)]
    {
        assert_eq!(newest[name], value, "{name}: {newest}");
    }
    assert_eq!((&newest["Function"], &newest["Shard"]), (&json!("sigcache-endpoint"), &json!("1/1")));
    let of_shard = &newest["_aws"]["CloudWatchMetrics"][1];
    assert_eq!(of_shard["Dimensions"], json!([["Function", "Shard"]]));
    assert_eq!(of_shard["Metrics"], json!([{"Name": "Runs", "Unit": "Count"}]));
    // A topic says it as whoever invokes the function does.
    let told = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{\"sigcache\": \"sync\"}"}}]});
    let report = world.endpoint.invoke(&told).await.unwrap();
    assert_eq!(outcome(&report, "a").0, "unchanged");

    for (wrong, told) in [
        (json!({"sigcache": "sync", "shard": "9"}), "shard"),
        (json!({"sigcache": "sync", "resources": ["nobody"]}), "nobody is not among the resources"),
        (json!({"sigcache": "sinc"}), "unknown variant `sinc`"),
        (json!({"sigcache": "sync", "shards": "1/2"}), "unknown field"),
        (json!({"sigcache": "probe"}), "this is the endpoint function"),
        (
            json!({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "x"}, "object": {"key": "k"}}}]}),
            "uploads are for the update function",
        ),
    ] {
        let error = world.endpoint.invoke(&wrong).await.unwrap_err();
        assert!(error["errorMessage"].as_str().unwrap().contains(told), "{wrong}: {error}");
        let kinds = ["UnknownEvent", "NotDone"];
        assert!(kinds.contains(&error["errorType"].as_str().unwrap()), "{error}");
    }
    // Each is told once.
    assert_eq!(world.endpoint.logged().matches("uploads are for the update function").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_verify_is_counted_whatever_becomes_of_the_copy() {
    let Some(world) = World::new().await else { return };
    world.sources.offer("a", b"a", &world.key);
    world.endpoint.invoke(&json!({"sigcache": "sync"})).await.unwrap();
    // `b` is not there at all: that is no document which does not verify.
    let counted = |world: &World| {
        let newest = metrics(&world.endpoint).pop().unwrap();
        (newest["Rejected"].as_f64().unwrap(), newest["Failed"].as_f64().unwrap(), newest["Refused"].as_f64().unwrap())
    };
    assert_eq!(counted(&world), (0.0, 1.0, 1.0));
    // The last good copy of `a` is kept, and somebody should look all the same.
    world.sources.offer("a", b"another", &Key::new(99));
    let report = world.endpoint.invoke(&json!({"sigcache": "sync"})).await.unwrap();
    assert_eq!(outcome(&report, "a").0, "kept");
    assert_eq!(counted(&world), (1.0, 2.0, 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_not_divide_the_store_otherwise_than_the_schedules_do() {
    let Some(world) = World::of_endpoint(&[("SIGCACHE_SHARDS", "2")]).await else { return };
    for name in ["a", "b"] {
        world.sources.offer(name, name.as_bytes(), &world.key);
    }
    let sync = |shard: Option<&str>| match shard {
        Some(shard) => json!({"sigcache": "sync", "shard": shard}),
        None => json!({"sigcache": "sync"}),
    };
    let told = |error: Value| error["errorMessage"].as_str().unwrap().to_owned();
    // Not even the first: all scheduled runs would fail from then on.
    let first = told(world.endpoint.invoke(&sync(None)).await.unwrap_err());
    assert!(first.contains("kept in 2 shards; name one as `shard`, such as \"1/2\""), "{first}");
    let other = told(world.endpoint.invoke(&sync(Some("1/1"))).await.unwrap_err());
    assert!(other.contains("kept in 2 shards, not in 1"), "{other}");
    for shard in ["1/2", "2/2"] {
        let report = world.endpoint.invoke(&sync(Some(shard))).await.unwrap();
        assert_eq!(report["shard"], shard);
        assert_eq!(metrics(&world.endpoint).pop().unwrap()["Shard"], shard);
    }
    let again = told(world.endpoint.invoke(&sync(None)).await.unwrap_err());
    assert!(again.contains("name one as `shard`"), "{again}");

    // What is no number ends the program before its first event, with a line that says so.
    let wrong =
        Lambda::new(env!("CARGO_BIN_EXE_sigcache-endpoint"), "wrong", &[("SIGCACHE_SHARDS", "two")].map(owned)).await;
    wrong.start_and_end().await;
    assert!(wrong.logged().contains("SIGCACHE_SHARDS cannot be used"), "{}", wrong.logged());
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_in_time_and_says_what_it_did_not_come_to() {
    let Some(world) = World::new().await else { return };
    world.sources.offer("a", b"a", &world.key);
    world.sources.hang("b");
    let report = world.endpoint.invoke_within(&json!({"sigcache": "sync"}), Duration::from_secs(7)).await.unwrap();
    assert_eq!(outcome(&report, "a"), ("stored", "first-version"));
    assert_eq!(outcome(&report, "b"), ("refused", "not-reached"));
    let newest = metrics(&world.endpoint).pop().unwrap();
    assert_eq!((&newest["NotReached"], &newest["Failed"]), (&json!(1.0), &json!(1.0)), "{newest}");
    // It told the topic of alerts, too.
    assert!(world.front.seen().iter().any(|action| action == "sns:Publish"), "{:?}", world.front.seen());
    // What was committed is there for everybody.
    let health = world.endpoint.invoke(&json!({"sigcache": "health"})).await.unwrap();
    assert_eq!((&health["ready"], &health["sequence"], &health["not_good"]), (&json!(true), &json!(1), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_queue_are_worked_off_each_by_itself() {
    let Some(world) = World::new().await else { return };
    for name in ["a", "b"] {
        world.sources.offer(name, name.as_bytes(), &world.key);
    }
    let message = |id: &str, body: &str| json!({"messageId": id, "eventSource": "aws:sqs", "body": body});
    let event = json!({"Records": [
        message("m1", r#"{"sigcache": "sync"}"#),
        message("m2", "no json"),
        message("m3", r#"{"sigcache": "sync"}"#),
        message("m4", r#"{"sigcache": "sync", "resources": ["nobody"]}"#),
    ]});
    let answer = world.endpoint.invoke(&event).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m2"}, {"itemIdentifier": "m4"}]}));
    // The same wish was fulfilled once.
    assert_eq!(metrics(&world.endpoint).iter().filter(|line| line["Runs"] == 1.0).count(), 1);
    // Without time nothing is begun, and all come again.
    let answer = world.endpoint.invoke_within(&event, Duration::from_secs(2)).await.unwrap();
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 4, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_fails_the_invocation_and_says_so() {
    let Some(world) = World::new().await else { return };
    world.front.fails("s3:ListBucket", 403, "AccessDenied");
    let error = world.endpoint.invoke(&json!({"sigcache": "sync"})).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("store"), "{error}");
    assert_eq!(metrics(&world.endpoint).pop().unwrap()["Runs"], 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_come_from_a_bucket_and_secrets_from_their_managers() {
    let Some(world) = World::new().await else { return };
    world.sources.offer("c", b"c", &world.key);
    let secret = json!({"Name": "tokens", "SecretString": r#"{"endpoint": "the-token-of-the-endpoint"}"#});
    let ask = |target: &'static str, body: Value| {
        let server = world.front.endpoint.clone();
        async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let service = if target.starts_with("secrets") { "secretsmanager" } else { "ssm" };
            let scope = format!("AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/{service}/aws4_request, Signature=x");
            let request = client.post(server).header("authorization", scope).header("x-amz-target", target);
            let request = request.header("content-type", "application/x-amz-json-1.1").body(body.to_string());
            assert!(request.send().await.unwrap().status().is_success());
        }
    };
    ask("secretsmanager.CreateSecret", secret).await;
    ask("AmazonSSM.PutParameter", json!({"Name": "/release/key", "Value": world.key.public(), "Type": "String"})).await;
    let config = |resource: &str| {
        format!(
            "[store]\nurl = \"s3://store/other\"\n[defaults]\nallow_private = true\n[keys.k]\nline = \"env:KEY\"\n\
             [[resource]]\nname = \"{resource}\"\nurls = [\"{}{resource}\"]\n\
             verify = {{ format = \"minisign\", keys = [\"k\"] }}\n[serve]\ntoken = \"env:TOKEN\"\n",
            world.sources.url
        )
    };
    let bucket = world.bucket("releases");
    let put = |text: String| {
        let bucket = bucket.clone();
        async move { object_store::ObjectStoreExt::put(&*bucket, &"conf/sigcache.toml".into(), text.into()).await.unwrap() }
    };
    put(config("c")).await;
    let environment: Vec<(String, String)> = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", world.front.endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("SIGCACHE_CONFIG", "s3://releases/conf/sigcache.toml"),
        ("KEY", "aws-ssm:/release/key"),
        ("TOKEN", "aws-secret:tokens#endpoint"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let program = env!("CARGO_BIN_EXE_sigcache-endpoint");
    let function = Lambda::new(program, "configured", &environment).await;
    let report = function.invoke(&json!({"sigcache": "sync"})).await.unwrap();
    assert_eq!(outcome(&report, "c"), ("stored", "first-version"));
    let seen = world.front.seen();
    for action in ["secretsmanager:GetSecretValue", "ssm:GetParameter"] {
        assert!(seen.iter().any(|one| one == action), "{action}: {seen:?}");
    }
    assert!(!function.logged().contains("the-token-of-the-endpoint"));

    // A reference that leads nowhere is told, with its name and without a value.
    let mut wrong = environment.clone();
    wrong.push(("OTHER".to_owned(), "aws-secret:tokens#nothing".to_owned()));
    let function = Lambda::new(program, "wrong", &wrong).await;
    let error = function.invoke(&json!({"sigcache": "health"})).await.unwrap_err();
    let text = error["errorMessage"].as_str().unwrap();
    assert!(text.contains("OTHER") && text.contains("no such field"), "{text}");

    // So is a configuration that is not sound.
    put("[store]\nurl = 7\n".to_owned()).await;
    let function = Lambda::new(program, "unsound", &environment).await;
    let error = function.invoke(&json!({"sigcache": "health"})).await.unwrap_err();
    let text = error["errorMessage"].as_str().unwrap();
    assert!(text.contains("s3://releases/conf/sigcache.toml:2:7"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_but_to_the_store_and_the_log() {
    let Some(world) = World::new().await else { return };
    world.sources.offer("a", b"a", &world.key);
    world.sources.offer("b", b"b", &world.key);
    world.endpoint.invoke(&json!({"sigcache": "sync"})).await.unwrap();
    // As on a root that can only be read: no file that the program has open can be written.
    let id = world.endpoint.id();
    for open in std::fs::read_dir(format!("/proc/{id}/fd")).unwrap() {
        let path = open.unwrap().path();
        // Its standard streams are where whoever started it wanted them.
        let is_stream = ["0", "1", "2"].iter().any(|number| path.ends_with(number));
        let Ok(target) =
            std::fs::read_link(path).map_err(drop).and_then(|found| if is_stream { Err(()) } else { Ok(found) })
        else {
            continue;
        };
        let text = target.to_string_lossy();
        assert!(!text.starts_with('/') || text.starts_with("/dev/"), "{text} is open");
    }
    println!("peak memory of a run: {} KiB", world.endpoint.peak_kib());
}
