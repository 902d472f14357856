//! From an upload to the moved alias; and each link broken, and what is said then.

use serde_json::{Value, json};
use sigcache_core::Timestamp;
use sigcache_lambda::update::{Link, Log, Outcome, Place, Record, Why};

use crate::{sign::Key, world::World};

const KEY: &str = "sigcache-endpoint.zip";
const NOON: u64 = 1_795_521_600;

/// The link at which a record broke, and why.
fn broken(record: &Record) -> (Link, Why) {
    let step = record.broken().unwrap_or_else(|| panic!("nothing is broken: {record:?}"));
    (step.link, step.reason.unwrap())
}

fn links(record: &Record) -> Vec<Link> {
    record.steps.iter().map(|step| step.link).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_moves_the_alias_and_every_step_is_written_down() {
    let Some(world) = World::new().await else { return };
    world.upload(KEY, b"the first release", NOON).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "moved", "{answer:#}\n{}", world.update.logged());
    let record = world.record(KEY).await;
    assert_eq!(record.outcome, Outcome::Moved);
    let all = [
        Link::Event,
        Link::Verify,
        Link::UpdateCode,
        Link::Wait,
        Link::Digest,
        Link::PublishVersion,
        Link::Health,
        Link::Alias,
        Link::Announce,
    ];
    assert_eq!(links(&record), all);
    assert!(record.steps.iter().all(|step| step.passed), "{record:#?}");
    assert_eq!((record.from.as_deref(), record.to.as_deref()), (Some("1"), Some("2")));
    assert_eq!(world.alias().await.0, "2");
    // Somebody was told, in a sentence and with the whole record.
    let results = world.results().await;
    assert_eq!(results.len(), 1, "{results:?}");
    let told: Value = serde_json::from_str(&results[0]).unwrap();
    let message = told["Message"].as_str().unwrap();
    assert!(
        message.starts_with("sigcache-endpoint: live stands for version 2, made of sigcache-endpoint.zip"),
        "{message}"
    );
    // The log of the function is JSON, with the metric in it.
    let log = world.update.logged();
    assert!(log.contains(r#""Namespace":"Sigcache/Update""#) && log.contains(r#""Updated":1.0"#), "{log}");
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    // The same once more changes nothing. Lambda then makes no other version, as the emulator does.
    world.front.answers("lambda:PublishVersion", json!({"Version": "2"}));
    world.upload(KEY, b"the first release", NOON).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "nothing-to-do", "{answer:#}");
    assert_eq!(world.alias().await.0, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_may_have_spaces_signs_and_letters_of_any_language() {
    let Some(world) = World::new().await else { return };
    let key = "rel/my fn+1 é%20.zip";
    world.upload(key, b"a release", NOON).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "moved", "{answer:#}");
    assert_eq!(world.record(key).await.key, key);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_by_a_release_key_changes_nothing() {
    let Some(world) = World::new().await else { return };
    let artifact = b"not ours";
    world.upload_signed(KEY, artifact, &Key::new(8).minisign(artifact, NOON)).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "refused", "{answer:#}");
    let record = world.record(KEY).await;
    assert_eq!(broken(&record), (Link::Verify, Why::NotVerified));
    let found = &record.broken().unwrap().found;
    assert!(found.contains("signature"), "{found}");
    assert_eq!(world.alias().await.0, "1");
    assert!(!world.front.seen().iter().any(|action| action.starts_with("lambda:")), "{:?}", world.front.seen());

    // Without a signature it is told what is missing.
    let bucket = world.bucket("uploads");
    object_store::ObjectStoreExt::put(&*bucket, &"other.zip".into(), b"unsigned".to_vec().into()).await.unwrap();
    world.answered().await.unwrap();
    let record = world.record("other.zip").await;
    assert_eq!(broken(&record), (Link::Verify, Why::NotVerified));
    assert!(record.broken().unwrap().found.contains("companion-missing"), "{record:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_artifact_after_a_newer_one_is_refused() {
    let Some(world) = World::new().await else { return };
    world.upload(KEY, b"the newer release", NOON + 60).await;
    world.answered().await.unwrap();
    // Uploaded later, signed earlier.
    world.upload("again.zip", b"the older release", NOON).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "refused", "{answer:#}");
    let record = world.record("again.zip").await;
    assert_eq!(broken(&record), (Link::Verify, Why::NotVerified));
    assert!(record.broken().unwrap().found.contains("older-version"), "{record:#?}");
    assert_eq!(world.alias().await.0, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_twice_or_late_is_dropped() {
    let Some(world) = World::new().await else { return };
    // With the order that AWS tells, which the emulator does not: under a key of which the bucket tells nothing.
    let event = |sequencer: &str| {
        let object = json!({"key": "release", "versionId": "", "sequencer": sequencer});
        let record = json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "uploads"}, "object": object}});
        let message = json!({"Records": [record]}).to_string();
        json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]})
    };
    world.upload("release", b"a release", NOON).await;

    let told = world.update.invoke(&event("0055AED6DCD90281E5")).await.unwrap();
    assert_eq!(told["updates"][0]["outcome"], "moved", "{told:#}");
    for (sequencer, reason) in [("0055AED6DCD90281E5", "duplicate-event"), ("0055AED6DCD90281E4", "out-of-order")] {
        let told = world.update.invoke(&event(sequencer)).await.unwrap();
        assert_eq!(told["updates"][0]["outcome"], "dropped", "{told:#}");
        assert_eq!(told["updates"][0]["steps"][0]["reason"], reason);
    }
    assert_eq!(world.alias().await.0, "2");
    // A longer one is later, as one fills up the shorter.
    world.front.answers("lambda:PublishVersion", json!({"Version": "2"}));
    let told = world.update.invoke(&event("0055AED6DCD90281E501")).await.unwrap();
    assert_eq!(told["updates"][0]["outcome"], "nothing-to-do", "{told:#}");
    // What was written down of an event in its time stays when it comes once more too late.
    let told = world.update.invoke(&event("0055AED6DCD90281E5")).await.unwrap();
    assert_eq!(told["updates"][0]["steps"][0]["reason"], "out-of-order");
    let records = Log::new(world.bucket("releases")).about("release", Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(records.iter().filter(|record| record.outcome == Outcome::Moved).count(), 1, "{records:?}");
}

/// An invocation that was cut off leaves a record without an end. Its event comes again until there is one: an error as
/// long as somebody may be at it, and from then on the work itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_was_cut_off_is_not_lost() {
    let Some(world) = World::new().await else { return };
    let object = json!({"key": "release", "versionId": "", "sequencer": "01"});
    let event = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "uploads"}, "object": object}}]});
    world.upload("release", b"a release", NOON).await;
    let place = Place::new("release", &format!("s{:0<32}", "01"), "unversioned");
    let log = Log::new(world.bucket("releases"));
    let left = |minutes: u64| {
        let now = Timestamp::from(std::time::SystemTime::now());
        let started = now.minus(std::time::Duration::from_secs(minutes * 60));
        let record = json!({"format": 1, "run": format!("{}-0000000000000001", started.compact()), "started": started,
            "bucket": "uploads", "key": "release", "function": "sigcache-endpoint", "alias": "live",
            "outcome": "under-way", "steps": []});
        serde_json::from_value::<Record>(record).unwrap()
    };
    log.write(&place, &left(2)).await.unwrap();
    let error = world.update.invoke(&event).await.unwrap_err();
    let text = error["errorMessage"].as_str().unwrap();
    assert!(text.contains("is under way; broken link: event (duplicate-event)"), "{text}");
    log.write(&place, &left(17)).await.unwrap();
    let told = world.update.invoke(&event).await.unwrap();
    assert_eq!(told["updates"][0]["outcome"], "moved", "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_told_with_its_name_and_the_event_comes_again() {
    let Some(world) = World::new().await else { return };
    let release = |number: usize| format!("release {number}");
    for (number, (action, link)) in [
        ("lambda:GetAlias", Link::UpdateCode),
        ("lambda:UpdateFunctionCode", Link::UpdateCode),
        ("lambda:PublishVersion", Link::PublishVersion),
        ("lambda:InvokeFunction", Link::Health),
        ("lambda:UpdateAlias", Link::Alias),
    ]
    .into_iter()
    .enumerate()
    {
        world.front.mended();
        world.front.fails(action, 403, "AccessDeniedException");
        let key = format!("{number}.zip");
        world.upload(&key, release(number).as_bytes(), NOON + number as u64).await;
        let error = world.answered().await.unwrap_err();
        assert!(error["errorMessage"].as_str().unwrap().contains(action), "{error}");
        let record = world.record(&key).await;
        assert_eq!(broken(&record), (link, Why::PermissionMissing), "{action}: {record:#?}");
        assert_eq!(record.outcome, Outcome::Failed);
        assert!(record.broken().unwrap().found.contains(action), "{record:#?}");
    }
    // Once the permission is there the event that Lambda delivers again is worked off from where it stood.
    world.front.mended();
    let last = world.events.lock().unwrap().last().unwrap().clone();
    let told = world.update.invoke(&last).await.unwrap();
    assert_eq!(told["updates"][0]["outcome"], "moved", "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_and_a_throttled_interface_are_told_apart() {
    let Some(world) = World::new().await else { return };
    // A few refusals are outwaited.
    world.front.fails_times("lambda:UpdateFunctionCode", 429, "TooManyRequestsException", 3);
    world.upload(KEY, b"release 1", NOON).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "moved", "{answer:#}");

    for (number, (status, code, why)) in [
        (429, "TooManyRequestsException", Why::Throttled),
        (409, "ResourceConflictException", Why::UpdateConflict),
        (412, "PreconditionFailedException", Why::UpdateConflict),
        (404, "ResourceNotFoundException", Why::NotFound),
        (400, "InvalidParameterValueException", Why::CallFailed),
    ]
    .into_iter()
    .enumerate()
    {
        world.front.mended();
        world.front.fails("lambda:UpdateFunctionCode", status, code);
        let key = format!("{number}.zip");
        world.upload(&key, format!("release 2.{number}").as_bytes(), NOON + 1 + number as u64).await;
        world.answered().await.unwrap_err();
        let record = world.record(&key).await;
        assert_eq!(broken(&record), (Link::UpdateCode, why), "{record:#?}");
        assert!(record.broken().unwrap().found.contains(code), "{record:#?}");
    }
    assert_eq!(world.alias().await.0, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_well_is_never_called_by_the_alias() {
    let Some(world) = World::new().await else { return };
    // It answers, and says that it cannot work.
    world.front.answers("lambda:InvokeFunction", json!({"ready": false, "why": "no store"}));
    world.upload(KEY, b"a release", NOON).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "rolled-back", "{answer:#}");
    let record = world.record(KEY).await;
    assert_eq!(broken(&record), (Link::Health, Why::VersionUnhealthy));
    assert!(record.broken().unwrap().found.contains("no store"), "{record:#?}");
    assert_eq!(world.alias().await.0, "1");
    let results = world.results().await;
    assert!(results[0].contains("as before; broken link: health"), "{results:?}");
    assert!(world.update.logged().contains(r#""RolledBack":1.0"#));

    // It never answers: that is found out while there is time to tell.
    world.front.mended();
    world.front.hangs("lambda:InvokeFunction");
    let artifact = b"another release";
    let bucket = world.bucket("uploads");
    for (key, bytes) in [("2.minisig", world.key.minisign(artifact, NOON + 1).into_bytes()), ("2", artifact.to_vec())] {
        object_store::ObjectStoreExt::put(&*bucket, &key.into(), bytes.into()).await.unwrap();
    }
    let event = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "uploads"}, "object": {"key": "2", "sequencer": "01"}}}]});
    let told = world.update.invoke_within(&event, std::time::Duration::from_secs(20)).await.unwrap();
    let found = told["updates"][0]["steps"].as_array().unwrap().iter().find(|step| step["passed"] == false).unwrap();
    assert_eq!((&found["link"], &found["reason"]), (&json!("health"), &json!("version-unhealthy")), "{told:#}");
    assert!(found["found"].as_str().unwrap().starts_with("no answer within"), "{found}");

    // It ends in an error: the real function, which cannot read its configuration's store.
    world.front.mended();
    world.front.fails("s3:ListBucket", 403, "AccessDenied");
    let direct = world.endpoint.invoke(&json!({"sigcache": "health"})).await.unwrap_err();
    assert!(direct["errorMessage"].as_str().unwrap().contains("store"), "{direct}");
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_is_not_the_verified_one_is_not_published() {
    let Some(world) = World::new().await else { return };
    let state = |sha: &str, status: &str| json!({"CodeSha256": sha, "State": "Active", "LastUpdateStatus": status, "LastUpdateStatusReason": "no space"});
    world.front.answers("lambda:UpdateFunctionCode", state("another", "Successful"));
    world.upload("1.zip", b"a release", NOON).await;
    world.answered().await.unwrap();
    let record = world.record("1.zip").await;
    assert_eq!((record.outcome, broken(&record)), (Outcome::RolledBack, (Link::Digest, Why::CodeDiffers)));

    world.front.answers("lambda:UpdateFunctionCode", state("another", "Failed"));
    world.upload("2.zip", b"a release 2", NOON + 1).await;
    world.answered().await.unwrap();
    let record = world.record("2.zip").await;
    assert_eq!((record.outcome, broken(&record)), (Outcome::RolledBack, (Link::Wait, Why::UpdateFailed)));
    assert!(record.broken().unwrap().found.contains("no space"), "{record:#?}");

    // An update that never ends: the invocation does, before Lambda would end it.
    world.front.answers("lambda:UpdateFunctionCode", state("another", "InProgress"));
    world.front.answers("lambda:GetFunctionConfiguration", state("another", "InProgress"));
    let bucket = world.bucket("uploads");
    let artifact = b"a release 3";
    // Under a key of which the bucket tells nothing: the test itself does, with less time.
    let signature = world.key.minisign(artifact, NOON + 2).into_bytes();
    for (key, bytes) in [("3.minisig", signature), ("3", artifact.to_vec())] {
        object_store::ObjectStoreExt::put(&*bucket, &key.into(), bytes.into()).await.unwrap();
    }
    let event = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "uploads"}, "object": {"key": "3", "sequencer": "01"}}}]});
    let error = world.update.invoke_within(&event, std::time::Duration::from_secs(18)).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("out-of-time"), "{error}");
    assert_eq!(world.alias().await.0, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_shares_the_calls_and_an_alarm_puts_the_alias_back() {
    let variables = [("SIGCACHE_CANARY", "10%:1s,50%:1s"), ("SIGCACHE_CANARY_ALARM", "sigcache-runs-missing")];
    let Some(world) = World::with(&variables).await else { return };
    world.upload("1.zip", b"release 1", NOON).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "moved", "{answer:#}");
    let record = world.record("1.zip").await;
    let canaries: Vec<&str> =
        record.steps.iter().filter(|step| step.link == Link::Canary).map(|step| step.found.as_str()).collect();
    assert_eq!(canaries, ["10% of the calls for 1 seconds", "50% of the calls for 1 seconds"]);
    let (version, routing) = world.alias().await;
    assert_eq!(version, "2");
    assert!(!routing.to_string().contains("0.5"), "{routing}");

    let alarm = "SetAlarmState&Version=2010-08-01&AlarmName=sigcache-runs-missing&StateValue=ALARM&StateReason=test";
    world.ask("monitoring", "POST", &format!("/?Action={alarm}"), "").await;
    world.front.answers("cloudwatch:DescribeAlarms", json!("<R><StateValue>ALARM</StateValue></R>"));
    world.upload("2.zip", b"release 2", NOON + 1).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "rolled-back", "{answer:#}");
    let record = world.record("2.zip").await;
    assert_eq!(broken(&record), (Link::Canary, Why::AlarmWentOff));
    let (version, routing) = world.alias().await;
    assert_eq!(version, "2");
    assert!(!routing.to_string().contains("0.1"), "{routing}");

    // An alarm that is not there watches nothing.
    world.front.answers("cloudwatch:DescribeAlarms", json!("<R></R>"));
    world.upload("3.zip", b"release 3", NOON + 2).await;
    world.answered().await.unwrap();
    assert_eq!(broken(&world.record("3.zip").await), (Link::Canary, Why::NotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_goes_the_whole_way_and_changes_nothing() {
    let Some(world) = World::new().await else { return };
    let none = world.update.invoke(&json!({"sigcache": "probe"})).await.unwrap();
    assert_eq!(none["sent"], Value::Null);
    world.upload(KEY, b"a release", NOON).await;
    world.answered().await.unwrap();
    let before = world.front.seen().len();

    let sent = world.update.invoke(&json!({"sigcache": "probe"})).await.unwrap();
    let answer = world.answered().await.unwrap();
    let key = sent["sent"].as_str().unwrap();
    assert!(key.starts_with("probe/"), "{sent}");
    assert_eq!(answer["updates"][0]["outcome"], "nothing-to-do", "{answer:#}");
    let record = world.record(key).await;
    assert_eq!(links(&record), [Link::Event, Link::Verify]);
    let left = object_store::ObjectStoreExt::head(&*world.bucket("uploads"), &key.into()).await;
    assert!(matches!(left, Err(object_store::Error::NotFound { .. })), "{left:?}");
    assert!(!world.front.seen()[before..].iter().any(|action| action.starts_with("lambda:")));
    let log = world.update.logged();
    assert!(log.contains(r#""ProbeSent":1.0"#) && log.contains(r#""ProbeArrived":1.0"#), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_everything_before_it_begins() {
    let Some(world) = World::new().await else { return };
    world.front.fails("s3:PutObject", 403, "AccessDenied");
    world.upload(KEY, b"a release", NOON).await;
    let error = world.answered().await.unwrap_err();
    let text = error["errorMessage"].as_str().unwrap();
    assert!(text.contains("broken link: event (permission-missing)") && text.contains("the log"), "{text}");
    assert_eq!(world.alias().await.0, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_other_kinds_are_refused_and_named() {
    let Some(world) = World::new().await else { return };
    for (event, told) in [
        (json!({"sigcache": "sync"}), "this is the update function"),
        (json!({"what": 1}), "unknown event: an object with [\"what\"]"),
        (json!([1]), "unknown event: a list"),
        (
            json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "store"}, "object": {"key": "k.zip"}}}]}),
            "an event about the bucket store, and uploads come to uploads",
        ),
    ] {
        let error = world.update.invoke(&event).await.unwrap_err();
        assert!(error["errorMessage"].as_str().unwrap().contains(told), "{error}");
    }
    let told =
        world.update.invoke(&json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"})).await;
    assert_eq!(told.unwrap()["others"], json!(["s3:TestEvent"]));
    let well = world.update.invoke(&json!({"sigcache": "health"})).await.unwrap();
    assert_eq!(well["ready"], true);
}
