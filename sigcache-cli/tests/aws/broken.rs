//! Each link of the chain broken, from the last to the first, so that what breaks is always the first broken one.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use serde_json::{Value, json};
use sigcache_core::aws::Node;

use crate::desk::Desk;

const PROBE: &str = r#"{"sigcache":"probe"}"#;

/// The links that `doctor --aws` says are broken, and what is told of the first.
async fn broken(desk: &Desk) -> (BTreeSet<String>, Value) {
    let ran = desk.doctor(&["--json"]).await;
    let code = ran.code;
    let told = ran.json(code, "chain");
    let rows = told["links"].as_array().unwrap();
    let broken = rows.iter().filter(|row| row["state"] == "broken").map(|row| row["link"].as_str().unwrap().to_owned());
    let broken: BTreeSet<String> = broken.collect();
    assert_eq!((code, &told["whole"]), (i32::from(!broken.is_empty()), &json!(broken.is_empty())), "{told:#}");
    (broken, told["first_broken"].clone())
}

fn query(service: &'static str, fields: &[(&str, &str)]) -> (&'static str, &'static str, String, String) {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let version = match service {
        "sns" => "2010-03-31",
        "sqs" => "2012-11-05",
        _ => "2010-08-01",
    };
    query.extend_pairs(fields).append_pair("Version", version);
    (service, "POST", "/".to_owned(), query.finish())
}

fn notification(topic: &str, suffix: &str) -> String {
    format!(
        "<NotificationConfiguration><TopicConfiguration><Topic>{topic}</Topic><Event>s3:ObjectCreated:*</Event><Filter>\
         <S3Key><FilterRule><Name>suffix</Name><Value>{suffix}</Value></FilterRule></S3Key></Filter>\
         </TopicConfiguration></NotificationConfiguration>"
    )
}

fn schedule(name: &str, state: &str, target: &str, asked: &str) -> (&'static str, &'static str, String, String) {
    let body = json!({
        "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "State": state,
        "Target": {"Arn": target, "RoleArn": "arn:aws:iam::123456789012:role/role", "Input": asked},
    });
    ("scheduler", "PUT", format!("/schedules/{name}"), body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_link_is_named_by_the_doctor_and_by_deploy() {
    let Some(desk) = Desk::new().await else { return };
    let world = &desk.world;
    // Terraform has made all of it, and what the alias stands for can do nothing.
    let (all, first) = broken(&desk).await;
    assert_eq!(all, BTreeSet::from(["last-update".to_owned()]));
    assert!(first["found"].as_str().unwrap().starts_with("none yet"), "{first:#}");
    desk.deploy("the first", 0, &[]).await.ends(0);
    assert_eq!(broken(&desk).await, (BTreeSet::new(), Value::Null));
    let text = desk.doctor(&[]).await.ends(0);
    assert!(text.ends_with("Every link holds.\n"), "{text}");
    assert_eq!(desk.doctor(&["--quiet"]).await.ends(0), "");

    // The last update was refused: what was signed by somebody else came another way.
    world.answered().await.unwrap();
    world.upload("stranger.zip", b"PK not ours", 1_795_521_600).await;
    world.answered().await.unwrap();
    let alias = "arn:aws:lambda:us-east-1:123456789012:function:sigcache-endpoint:live";
    let update = "arn:aws:lambda:us-east-1:123456789012:function:sigcache-update";
    let (topic, results, queue) = (
        world.name("update_topic"),
        world.name("result_topic"),
        world.names["dead_letter_queues"][0].as_str().unwrap(),
    );
    let alarm = "sigcache-runs-missing";
    let functions = "/2015-03-31/functions";
    let other = json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish",
        "Resource": topic, "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::another"}}}]});
    let subscriptions = world
        .ask("sns", "POST", "/", &query("sns", &[("Action", "ListSubscriptionsByTopic"), ("TopicArn", &topic)]).3)
        .await;
    let subscriptions = Node::parse(subscriptions.as_str().unwrap().as_bytes()).unwrap();
    let ours =
        subscriptions.all("member").into_iter().find(|one| one.text("Protocol").as_deref() == Some("lambda")).unwrap();
    let subscription = ours.text("SubscriptionArn").unwrap();
    let lambda = |method: &'static str, path: String, body: &str| ("lambda", method, path, body.to_owned());
    let notify = |body: String| ("s3", "PUT", "/uploads?notification".to_owned(), body);

    let cases = [
        ("last-update", "broken link: verify (not-verified)", None),
        (
            "alarms",
            "switched off",
            Some(query("monitoring", &[("Action", "DisableAlarmActions"), ("AlarmNames.member.1", alarm)])),
        ),
        (
            "alarms",
            "ALARM",
            Some(query(
                "monitoring",
                &[("Action", "SetAlarmState"), ("AlarmName", alarm), ("StateValue", "ALARM"), ("StateReason", "x")],
            )),
        ),
        (
            "alarms",
            "no such alarm",
            Some(query("monitoring", &[("Action", "DeleteAlarms"), ("AlarmNames.member.1", alarm)])),
        ),
        (
            "alarms",
            "nobody",
            Some(query(
                "sns",
                &[("Action", "Unsubscribe"), ("SubscriptionArn", world.names["alarm_subscription"].as_str().unwrap())],
            )),
        ),
        (
            "dead-letters",
            "1",
            Some(query("sqs", &[("Action", "SendMessage"), ("QueueUrl", queue), ("MessageBody", "x")])),
        ),
        ("probe-schedule", "the input sync", Some(schedule("sigcache-probe", "ENABLED", update, "sync"))),
        ("probe-schedule", alias, Some(schedule("sigcache-probe", "ENABLED", alias, PROBE))),
        ("schedules", "1/3", Some(schedule("sigcache-sync", "ENABLED", alias, r#"{"sigcache":"sync","shard":"1/3"}"#))),
        ("schedules", update, Some(schedule("sigcache-sync", "ENABLED", update, r#"{"sigcache":"sync"}"#))),
        ("schedules", "DISABLED", Some(schedule("sigcache-sync", "DISABLED", alias, "{}"))),
        ("alias", "no such alias", Some(lambda("DELETE", format!("{functions}/sigcache-endpoint/aliases/live"), ""))),
        ("endpoint-function", "no such function", Some(lambda("DELETE", format!("{functions}/sigcache-endpoint"), ""))),
        (
            "concurrency",
            "0",
            Some(lambda(
                "PUT",
                "/2017-10-31/functions/sigcache-update/concurrency".to_owned(),
                r#"{"ReservedConcurrentExecutions":0}"#,
            )),
        ),
        (
            "invoke-permission",
            "no policy",
            Some(lambda("DELETE", format!("{functions}/sigcache-update/policy/topic"), "")),
        ),
        (
            "subscription",
            "those of http",
            Some(query("sns", &[("Action", "Unsubscribe"), ("SubscriptionArn", &subscription)])),
        ),
        (
            "topic-policy",
            "arn:aws:s3:::another",
            Some(query(
                "sns",
                &[
                    ("Action", "SetTopicAttributes"),
                    ("TopicArn", &topic),
                    ("AttributeName", "Policy"),
                    ("AttributeValue", &other.to_string()),
                ],
            )),
        ),
        ("notification", "the suffix \".tar\"", Some(notify(notification(&topic, ".tar")))),
        ("notification", &results, Some(notify(notification(&results, ".zip")))),
        (
            "notification",
            "no notification to a topic",
            Some(notify("<NotificationConfiguration xmlns=\"x\"/>".to_owned())),
        ),
    ];
    let mut so_far = BTreeSet::new();
    // The emulator delivers whatever policies say.
    world.delivers.store(false, Ordering::SeqCst);
    for (minute, (link, found, call)) in (0..).zip(cases) {
        if let Some((service, method, path, body)) = call {
            let answer = world.ask(service, method, &path, &body).await.to_string();
            assert!(!answer.contains("Error"), "{link}: {answer}");
        }
        so_far.insert(link.to_owned());
        let (all, first) = broken(&desk).await;
        assert_eq!(first["link"], link, "{first:#}");
        assert!(first["found"].as_str().unwrap().contains(found), "{link}: expected {found}: {first:#}");
        assert_eq!(all, so_far, "{link}");

        let sentence = desk.doctor(&["--quiet"]).await.ends(1).lines().last().unwrap().to_owned();
        assert!(sentence.starts_with(&format!("The first broken link is {link} (")), "{sentence}");
        let deployed = desk.deploy(link, minute, &["--timeout", "1s"]).await.ends(1);
        assert!(deployed.ends_with(&format!("within 1 second. {sentence}\n")), "{sentence}\n{deployed}");
    }

    let deployed = desk.deploy("release", 59, &["--timeout", "1s", "--json"]).await.json(1, "deploy");
    let first = &deployed["first_broken"]["link"];
    assert_eq!((first, &deployed["good"], deployed.get("record")), (&json!("notification"), &json!(false), None));

    world.ask("sns", "POST", "/", &query("sns", &[("Action", "DeleteTopic"), ("TopicArn", &topic)]).3).await;
    let (all, _) = broken(&desk).await;
    assert!(all.contains("topic") && !all.contains("topic-policy") && !all.contains("subscription"), "{all:?}");
    // Before everything else: who asks, and where. Nothing can be said of the rest then.
    world.front.fails("sts:GetCallerIdentity", 403, "InvalidClientTokenId");
    let (all, first) = broken(&desk).await;
    assert_eq!((all.len(), &first["link"]), (1, &json!("credentials")), "{all:?}");
    assert!(first["found"].as_str().unwrap().contains("InvalidClientTokenId"), "{first:#}");
    world.front.answers("sts:GetCallerIdentity", json!("<R><Account>1</Account><Arn>arn:aws:iam::1:root</Arn></R>"));
    world.front.fails_times("sts:GetCallerIdentity", 403, "InvalidClientTokenId", 0);
    let (_, first) = broken(&desk).await;
    assert_eq!((&first["link"], &first["found"]), (&json!("credentials"), &json!("arn:aws:iam::1:root")));
    desk.change("region", "eu-west-2".into());
    let (all, first) = broken(&desk).await;
    assert_eq!((all.len(), &first["link"]), (1, &json!("region")), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_cannot_run_is_named() {
    let Some(desk) = Desk::new().await else { return };
    desk.deploy("release", 0, &[]).await.ends(0);
    let chain = |value: &str| {
        json!({"SIGCACHE_FUNCTION": value, "SIGCACHE_ALIAS": "live",
        "SIGCACHE_UPLOADS": "s3://uploads/", "SIGCACHE_RELEASES": "s3://releases"})
    };
    let state = |value: &str| json!({"State": "Active", "Environment": {"Variables": chain(value)}});
    desk.world.front.answers("lambda:GetFunctionConfiguration", state("sigcache-endpoint"));
    assert_eq!(broken(&desk).await, (BTreeSet::new(), Value::Null));
    desk.world.front.answers("lambda:GetFunctionConfiguration", state("another"));
    let (_, first) = broken(&desk).await;
    assert_eq!((&first["link"], &first["found"]), (&json!("update-function"), &json!("\"another\"")));
    let zero = r#"{"ReservedConcurrentExecutions":0}"#;
    desk.world.front.mended();
    let path = "/2017-10-31/functions/sigcache-endpoint/concurrency";
    desk.world.ask("lambda", "PUT", path, zero).await;
    let (_, first) = broken(&desk).await;
    assert_eq!((&first["link"], &first["of"]), (&json!("concurrency"), &json!("sigcache-endpoint")));
    desk.world.ask("lambda", "DELETE", path, "").await;
    for (state, found) in [
        (json!({"State": "Failed", "StateReason": "no role"}), "Failed: no role"),
        (
            json!({"State": "Active", "LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no image"}),
            "Failed: no image",
        ),
    ] {
        desk.world.front.answers("lambda:GetFunctionConfiguration", state);
        let (_, first) = broken(&desk).await;
        assert_eq!((&first["link"], &first["found"]), (&json!("update-function"), &json!(found)));
    }
    desk.world.front.mended();
    desk.world.ask("lambda", "DELETE", "/2015-03-31/functions/sigcache-update", "").await;
    let (all, first) = broken(&desk).await;
    assert_eq!((all.len(), &first["link"]), (1, &json!("update-function")), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_somebody_lacks_is_no_broken_link() {
    let Some(desk) = Desk::new().await else { return };
    desk.deploy("release", 0, &[]).await.ends(0);
    for (action, links) in [
        ("s3:GetBucketNotification", &["notification"][..]),
        ("sns:GetTopicAttributes", &["topic", "topic-policy"]),
        ("sns:ListSubscriptionsByTopic", &["subscription", "alarms"]),
        ("lambda:GetPolicy", &["invoke-permission"]),
        ("lambda:GetFunctionConfiguration", &["update-function", "endpoint-function", "alias"]),
        ("lambda:GetFunctionConcurrency", &["concurrency", "concurrency"]),
        ("lambda:GetAlias", &["alias"]),
        ("scheduler:GetSchedule", &["schedules", "probe-schedule"]),
        ("sqs:GetQueueAttributes", &["dead-letters"]),
        ("cloudwatch:DescribeAlarms", &["alarms"]),
        ("s3:ListBucket", &["last-update"]),
    ] {
        desk.world.front.mended();
        desk.world.front.fails(action, 403, "AccessDenied");
        let told = desk.doctor(&["--json"]).await.json(0, "chain");
        let rows = told["links"].as_array().unwrap();
        let unknown: Vec<&Value> = rows.iter().filter(|row| row["state"] == "not-checked").collect();
        let found: Vec<&str> = unknown.iter().map(|row| row["link"].as_str().unwrap()).collect();
        assert_eq!(found, links, "{action}");
        for row in unknown {
            let because = row["because"].as_str().unwrap();
            assert!(because.starts_with(&format!("you lack the permission {action}")), "{because}");
        }
        let text = desk.doctor(&[]).await.ends(0);
        let last = format!("Every link that was checked holds; {} could not be checked.\n", links.len());
        assert!(text.ends_with(&last), "{text}");
    }
}

/// What the policy for those who look permits, in all of its parts.
fn permitted() -> BTreeSet<String> {
    let text = include_str!("../../../infra/terraform/policies/doctor.json.tftpl");
    let services = ["s3", "lambda", "sns", "sqs", "cloudwatch", "scheduler"];
    let is_action = |text: &&str| text.split_once(':').is_some_and(|(service, _)| services.contains(&service));
    text.split('"').filter(is_action).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_calls_what_its_policy_permits_and_nothing_else() {
    let Some(desk) = Desk::new().await else { return };
    desk.deploy("release 1", 0, &[]).await.ends(0);
    let before = desk.world.front.seen().len();
    desk.doctor(&[]).await.ends(0);
    let mut seen: BTreeSet<String> = desk.world.front.seen().into_iter().skip(before).collect();
    // Nobody needs a permission for that.
    assert!(seen.remove("sts:GetCallerIdentity"));
    assert_eq!(seen, permitted());
}
