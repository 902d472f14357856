//! Events as AWS and its emulators send them, from files that have their forms.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use sigcache_lambda::{
    Event,
    event::{Ask, Upload, Uploads},
};

macro_rules! event {
    ($name:literal) => {
        Event::parse(include_str!(concat!("events/", $name, ".json")))
    };
}

fn upload(key: &str, version: Option<&str>, sequencer: Option<&str>) -> Upload {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Upload { bucket: "uploads".into(), key: key.into(), version: owned(version), sequencer: owned(sequencer) }
}

fn uploads(uploads: Vec<Upload>) -> Event {
    Event::Uploads(Uploads { uploads, others: Vec::new() })
}

const VERSION: Option<&str> = Some("096fKKXTRTtl3on89fVO.nfljtsv6qko");
const SEQUENCER: Option<&str> = Some("0065F1A2B3C4D5E6F7");

#[test]
fn what_a_bucket_tells_is_read_in_every_form() {
    let one = |key, version, sequencer| Ok(uploads(vec![upload(key, version, sequencer)]));
    assert_eq!(event!("upload-aws"), one("sigcache-endpoint.zip", VERSION, SEQUENCER));
    assert_eq!(event!("upload-aws-odd-key"), one("rel/my fn+1 é%20.zip", VERSION, SEQUENCER));
    assert_eq!(event!("upload-moto"), one("rel/my fn+1.zip", None, None));
    assert_eq!(event!("upload-localstack"), one("rel/my fn+1.zip", None, SEQUENCER));
    assert_eq!(event!("upload-direct"), one("sigcache-endpoint.zip", VERSION, SEQUENCER));
    let two = vec![upload("a.zip", VERSION, Some("01")), upload("b.zip", VERSION, Some("02"))];
    assert_eq!(event!("upload-two"), Ok(uploads(two)));
}

#[test]
fn what_needs_nothing_done_is_no_error() {
    let others = |text: &str| Ok(Event::Uploads(Uploads { uploads: Vec::new(), others: vec![text.to_owned()] }));
    assert_eq!(event!("test-event"), others("s3:TestEvent"));
    assert_eq!(event!("test-event-direct"), others("s3:TestEvent"));
    assert_eq!(event!("upload-deleted"), others("ObjectRemoved:DeleteMarkerCreated of sigcache-endpoint.zip"));
}

#[test]
fn schedules_and_wishes() {
    let sync = |shard: Option<&str>, resources: Option<Vec<String>>| {
        Ok(Event::Asked(Ask::Sync { shard: shard.map(str::to_owned), resources }))
    };
    assert_eq!(event!("schedule-rule"), sync(None, None));
    assert_eq!(event!("schedule-rule-shard"), sync(Some("1/4"), None));
    assert_eq!(event!("scheduler"), sync(Some("1/4"), None));
    assert_eq!(event!("direct-resources"), sync(None, Some(vec!["a".into(), "b/c".into()])));
    assert_eq!(event!("scheduler-probe"), Ok(Event::Asked(Ask::Probe {})));
    assert_eq!(event!("direct-health"), Ok(Event::Asked(Ask::Health {})));
    let Ok(Event::Queue(messages)) = event!("queue") else { panic!("not a queue") };
    assert_eq!(messages[0].asks, Ok(Ask::Sync { shard: None, resources: None }));
    assert!(messages[1].asks.as_ref().unwrap_err().to_string().contains("no JSON"));
}

#[test]
fn requests_of_every_kind() {
    assert_eq!(event!("http-function-url"), Ok(Event::Http));
    assert_eq!(event!("http-gateway-v1"), Ok(Event::Http));
    assert_eq!(event!("http-load-balancer"), Ok(Event::Http));
}

#[test]
fn a_topic_may_ask_as_whoever_invokes_the_function_does() {
    let topic = |message: &str| {
        let message = serde_json::Value::from(message);
        Event::parse(&format!(
            "{{\"Records\": [{{\"EventSource\": \"aws:sns\", \"Sns\": {{\"Message\": {message}}}}}]}}"
        ))
    };
    let all = Event::Asked(Ask::Sync { shard: None, resources: None });
    assert_eq!(topic(r#"{"sigcache": "sync"}"#), Ok(all));
    let told = topic(r#"{"sigcache": "sinc"}"#).unwrap_err().to_string();
    assert!(told.contains("unknown variant `sinc`"), "{told}");
}

#[test]
fn what_nobody_knows_is_told_by_what_it_looks_like() {
    for (found, told) in [
        (event!("unknown-websocket"), "an object with [\"isBase64Encoded\", \"requestContext\"]"),
        (event!("unknown-dynamodb"), "records of [\"aws:dynamodb\"]"),
        (event!("unknown-topic"), "a message of a topic: an object with [\"hello\"]"),
        (event!("unknown-word"), "unknown variant `sinc`"),
        (event!("unknown-key"), "a key that is not text when decoded"),
        (Event::parse(""), "no JSON"),
        (Event::parse("{\"Records\": []}"), "records of []"),
        (Event::parse("{\"Records\": [{\"eventSource\": \"aws:s3\", \"s3\": {}}]}"), "cannot be read: missing field"),
        (Event::parse("7"), "unknown event: 7"),
    ] {
        let text = found.unwrap_err().to_string();
        assert!(text.contains(told), "{text}");
        assert!(text.contains("the endpoint function takes HTTP requests, schedules"), "{text}");
    }
}

#[test]
fn sequencers_are_compared_from_the_left() {
    let order = |text: &str| upload("k", None, Some(text)).order().unwrap();
    assert!(order("0055AED6DCD90281E5") > order("0055AED6DCD90281E4"));
    assert!(order("0055AED6DCD90281E501") > order("0055AED6DCD90281E5"));
    assert_eq!(order("00ab"), order("00AB"));
    assert!(upload("k", None, None).order().is_none());
}
