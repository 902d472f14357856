//! What a function was invoked with.
//!
//! Events are told apart by what they say of themselves, and only what is needed of each is read: emulators leave out what
//! AWS sends, and AWS adds to it.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// What a function was invoked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A request from a function URL, an API Gateway or a load balancer.
    Http,
    /// What is to be done, from a schedule, a topic, or whoever invoked the function.
    Asked(Ask),
    /// Messages of a queue, each by itself.
    Queue(Vec<Message>),
    /// Objects that were created in a bucket, with what else was told beside them.
    Uploads(Uploads),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "sigcache", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// A run.
    Sync {
        /// Of one of several shards, such as `1/4`.
        #[serde(default)]
        shard: Option<String>,
        /// Only over these resources.
        #[serde(default)]
        resources: Option<Vec<String>>,
    },
    /// Whether everything is as it should be.
    Health {},
    /// Send the release that is in service through the whole chain once more.
    Probe {},
}

/// A message of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// By which the queue knows it.
    pub id: String,
    /// What it asks for, or why that cannot be understood.
    pub asks: Result<Ask, UnknownEvent>,
}

/// What a bucket told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uploads {
    /// The objects that were created.
    pub uploads: Vec<Upload>,
    /// What was told beside them and needs nothing done: that the notification was set up, that an object was deleted.
    pub others: Vec<String>,
}

/// An object that was created in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version, in a bucket that keeps versions.
    pub version: Option<String>,
    /// By which events about one key are put in order; see [`order`](Self::order).
    pub sequencer: Option<String>,
}

impl Upload {
    /// The sequencer, so that a text comparison puts events of one key in order: AWS says to compare such hexadecimal
    /// numbers from the left, the shorter one filled with zeros.
    pub fn order(&self) -> Option<String> {
        self.sequencer.as_ref().map(|text| format!("{text:0<32}").to_ascii_uppercase())
    }
}

/// An event that this function does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown event: {found}; the endpoint function takes HTTP requests, schedules, and {{\"sigcache\": \"sync\"}} by a queue, a \
     topic or a call, the update function what a bucket says to a topic and {{\"sigcache\": \"probe\"}}, both \
     {{\"sigcache\": \"health\"}}"
)]
pub struct UnknownEvent {
    found: String,
}

impl UnknownEvent {
    fn new(found: impl fmt::Display) -> Self {
        Self { found: found.to_string().chars().filter(|c| !c.is_control()).take(300).collect() }
    }
}

impl Event {
    /// Tells what kind of event this is.
    pub fn parse(json: &str) -> Result<Self, UnknownEvent> {
        let value: Value =
            serde_json::from_str(json).map_err(|error| UnknownEvent::new(format!("no JSON: {error}")))?;
        let Some(object) = value.as_object() else { return Err(UnknownEvent::new(told(&value))) };
        if object.contains_key("sigcache") {
            return Ask::parse(&value).map(Self::Asked);
        }
        if let Some(context) = object.get("requestContext").and_then(Value::as_object) {
            let known = ["http", "elb", "httpMethod"].iter().any(|key| context.contains_key(*key));
            return known.then_some(Self::Http).ok_or_else(|| UnknownEvent::new(told(&value)));
        }
        if let Some(records) = object.get("Records").and_then(Value::as_array) {
            return records_of(records, &value);
        }
        if is_test(&value) {
            return Ok(Self::Uploads(Uploads { others: vec!["s3:TestEvent".to_owned()], ..Uploads::default() }));
        }
        if object.get("source").and_then(Value::as_str) == Some("aws.events") {
            return scheduled(&value).map(Self::Asked);
        }
        Err(UnknownEvent::new(told(&value)))
    }
}

impl Ask {
    fn parse(value: &Value) -> Result<Self, UnknownEvent> {
        // Through a text, since what serde says of a tag then names the line and the word.
        serde_json::from_str(&value.to_string()).map_err(UnknownEvent::new)
    }
}

/// A rule of EventBridge asks for a run; its `detail` may say more.
fn scheduled(value: &Value) -> Result<Ask, UnknownEvent> {
    match value.get("detail").filter(|detail| detail.get("sigcache").is_some()) {
        Some(detail) => Ask::parse(detail),
        None => Ok(Ask::Sync { shard: None, resources: None }),
    }
}

fn records_of(records: &[Value], whole: &Value) -> Result<Event, UnknownEvent> {
    let source = |record: &Value| {
        let named = record.get("eventSource").or_else(|| record.get("EventSource"));
        named.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let sources: Vec<String> = records.iter().map(source).collect();
    let all = |kind: &str| !sources.is_empty() && sources.iter().all(|source| source == kind);
    if all("aws:sqs") {
        let messages: Result<Vec<Message>, _> = records.iter().map(Message::read).collect();
        return messages.map(Event::Queue);
    }
    let mut told_by_bucket = Uploads::default();
    if all("aws:sns") {
        // A topic gives its messages one by one.
        if let [record] = records
            && let Some(text) = record.pointer("/Sns/Message").and_then(Value::as_str)
            && let Ok(asked) = serde_json::from_str::<Value>(text)
            && asked.get("sigcache").is_some()
        {
            return Ask::parse(&asked).map(Event::Asked);
        }
        for record in records {
            let message = record.pointer("/Sns/Message").and_then(Value::as_str);
            let message = message.ok_or_else(|| UnknownEvent::new("a record of a topic without Sns.Message"))?;
            told_by_bucket.add_text(message)?;
        }
        return Ok(Event::Uploads(told_by_bucket));
    }
    if all("aws:s3") {
        told_by_bucket.add_records(records)?;
        return Ok(Event::Uploads(told_by_bucket));
    }
    Err(UnknownEvent::new(format!("records of {sources:?} in {}", told(whole))))
}

impl Message {
    fn read(record: &Value) -> Result<Self, UnknownEvent> {
        let text = |key: &str| record.get(key).and_then(Value::as_str);
        let id = text("messageId").ok_or_else(|| UnknownEvent::new("a message of a queue without messageId"))?;
        let asks = match serde_json::from_str::<Value>(text("body").unwrap_or_default()) {
            Ok(body) if body.get("source").and_then(Value::as_str) == Some("aws.events") => scheduled(&body),
            Ok(body) => Ask::parse(&body),
            Err(error) => Err(UnknownEvent::new(format!("a message that is no JSON: {error}"))),
        };
        Ok(Self { id: id.to_owned(), asks })
    }
}

impl Uploads {
    /// What a bucket says of itself to a topic, as text.
    fn add_text(&mut self, text: &str) -> Result<(), UnknownEvent> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| UnknownEvent::new(format!("a message that is no JSON: {error}")))?;
        if is_test(&value) {
            self.others.push("s3:TestEvent".to_owned());
            return Ok(());
        }
        match value.get("Records").and_then(Value::as_array) {
            Some(records) => self.add_records(records),
            None => Err(UnknownEvent::new(format!("a message of a topic: {}", told(&value)))),
        }
    }

    fn add_records(&mut self, records: &[Value]) -> Result<(), UnknownEvent> {
        #[derive(Deserialize)]
        struct Record {
            #[serde(rename = "eventName", default)]
            name: String,
            s3: S3,
        }
        #[derive(Deserialize)]
        struct S3 {
            bucket: Bucket,
            object: Object,
        }
        #[derive(Deserialize)]
        struct Bucket {
            name: String,
        }
        #[derive(Deserialize)]
        struct Object {
            key: String,
            #[serde(rename = "versionId", default)]
            version: Option<String>,
            #[serde(default)]
            sequencer: Option<String>,
        }
        for record in records {
            let record = Record::deserialize(record)
                .map_err(|error| UnknownEvent::new(format!("a record of a bucket that cannot be read: {error}")))?;
            let (object, bucket) = (record.s3.object, record.s3.bucket.name);
            let key = decoded(&object.key)
                .ok_or_else(|| UnknownEvent::new(format!("a key that is not text when decoded: {}", object.key)))?;
            // Rules name it with `s3:` before, the events themselves without.
            if record.name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
                let version = object.version.filter(|version| !version.is_empty() && version != "null");
                self.uploads.push(Upload { bucket, key, version, sequencer: object.sequencer });
            } else {
                self.others.push(format!("{} of {key}", record.name));
            }
        }
        Ok(())
    }
}

/// Keys are encoded as in a form: `+` is a space, `%XX` a byte.
fn decoded(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, behind @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                rest = behind;
            }
            (b'%', _) => return None,
            (plain, _) => bytes.push(*plain),
        }
    }
    String::from_utf8(bytes).ok()
}

/// What S3 sends when a notification is set up.
fn is_test(value: &Value) -> bool {
    value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent")
}

/// What is seen of an event that nobody knows: its keys, not its values, in which anything may be.
fn told(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let keys: Vec<&str> = object.keys().map(String::as_str).take(20).collect();
            format!("an object with {keys:?}")
        }
        Value::Array(_) => "a list".to_owned(),
        Value::String(_) => "a text".to_owned(),
        other => other.to_string(),
    }
}
