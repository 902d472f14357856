//! The update function: from an event to a record of every step.

use std::time::{Duration, SystemTime};

use lambda_runtime::LambdaEvent;
use serde_json::{Value, json, value::RawValue};
use sigcache_core::{RunId, Timestamp};

use super::{
    Known, Link, Outcome, PROBES, Place, RECORD_FORMAT, Record, Release, Settings, Why,
    steps::{Broken, Update, failed, of_object, passed},
    verification::Verification,
};
use crate::{
    Failed,
    event::{Ask, Event, Upload},
    metrics,
};

/// The namespace of its metrics.
const NAMESPACE: &str = "Sigcache/Update";

/// The update function, from one invocation to the next.
#[derive(Debug, Clone)]
pub struct UpdateFunction {
    settings: Settings,
}

impl UpdateFunction {
    /// One that works with `settings`.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Answers one event. It fails where Lambda is to deliver the event again.
    pub async fn answer(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Value, Failed> {
        let LambdaEvent { payload, context } = event;
        let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(context.deadline);
        let kind = Event::parse(payload.get()).inspect_err(|error| tracing::error!(%error, "event"));
        match kind.map_err(Failed::event)? {
            Event::Uploads(told) => {
                for other in &told.others {
                    tracing::info!(event = other, "nothing to do");
                }
                let uploads = &self.settings.uploads;
                if let Some(other) = told.uploads.iter().find(|upload| upload.bucket != *uploads) {
                    let text = format!("an event about the bucket {}, and uploads come to {uploads}", other.bucket);
                    tracing::error!(error = text, "event");
                    return Err(Failed::event(text));
                }
                let mut records = Vec::new();
                for upload in told.uploads {
                    records.push(self.update(upload, deadline).await?);
                }
                // One that another invocation is at may have been cut off: its event comes again until it has an end.
                let failed: Vec<String> =
                    records.iter().filter(|record| !record.outcome.is_final()).map(Record::text).collect();
                if !failed.is_empty() {
                    return Err(Failed::work(failed.join("; ")));
                }
                Ok(json!({ "updates": records, "others": told.others }))
            }
            Event::Asked(Ask::Probe {}) => self.probe().await,
            Event::Asked(Ask::Health {}) => Ok(json!({ "ready": true, "version": env!("CARGO_PKG_VERSION") })),
            Event::Asked(Ask::Sync { .. }) | Event::Http | Event::Queue(_) => {
                let text = "this is the update function: it takes what the upload bucket tells its topic, and probes";
                tracing::error!(error = text, "event");
                Err(Failed::event(text))
            }
        }
    }

    /// Sends the release that is in the release bucket through the whole chain.
    async fn probe(&self) -> Result<Value, Failed> {
        let now: Timestamp = SystemTime::now().into();
        let Verification { uploads, store, name, .. } = &self.settings.verification;
        let release = Release::current(store, name).await.map_err(|error| {
            tracing::error!(%error, "the release for a probe cannot be read");
            Failed::work(error)
        })?;
        let Some(release) = release else {
            tracing::info!("there is no release yet, so no probe was sent");
            return Ok(json!({ "sent": null }));
        };
        let key = format!("{PROBES}{}.zip", now.compact());
        let sent = release.send(uploads, &key).await;
        sent.inspect_err(|error| tracing::error!(%error, "the probe cannot be sent")).map_err(Failed::work)?;
        tracing::info!(key, "a probe was sent");
        self.measure(now, "ProbeSent", &key);
        Ok(json!({ "sent": key }))
    }

    fn measure(&self, now: Timestamp, name: &str, key: &str) {
        let words = [("key", key.to_owned())];
        metrics::emit(&metrics::line(NAMESPACE, &self.settings.own_name, now, &[(name, "Count", 1.0)], &words, None));
    }

    async fn update(&self, mut upload: Upload, deadline: SystemTime) -> Result<Record, Failed> {
        let settings = &self.settings;
        let started: Timestamp = SystemTime::now().into();
        let nonce = getrandom::u64().map_err(Failed::work)?;
        let mut record = Record {
            format: RECORD_FORMAT,
            run: RunId::new(started, nonce),
            started,
            ended: None,
            bucket: upload.bucket.clone(),
            key: upload.key.clone(),
            version: None,
            digest: None,
            function: settings.deployment.function.clone(),
            alias: settings.deployment.alias.clone(),
            from: None,
            to: None,
            outcome: Outcome::UnderWay,
            steps: Vec::new(),
        };
        let place = self.place(&mut upload).await;
        record.version.clone_from(&upload.version);
        let place = match place {
            Ok(place) => place,
            Err(error) => {
                // Without a place in order there is nothing to do, and nowhere to write that down.
                let (reason, outcome) = of_object(&error);
                let expected = Some(format!("{} in s3://{}", upload.key, upload.bucket));
                return Ok(self.end_unwritten(record, outcome, reason, expected, error.to_string()));
            }
        };
        match settings.log.take(&place, &record).await {
            Ok(Known::New) => {}
            Ok(Known::Resumed(before)) => {
                tracing::info!(key = upload.key, run = %before.run, "an earlier try is resumed")
            }
            Ok(Known::Taken(before)) => {
                let found = format!("run {} ({})", before.run, before.outcome);
                let (expected, reason) = ("an event that was not worked on before".to_owned(), Why::DuplicateEvent);
                let outcome = if before.outcome.is_final() { Outcome::Dropped } else { Outcome::UnderWay };
                return Ok(self.end_unwritten(record, outcome, reason, Some(expected), found));
            }
            Ok(Known::Newer(newer)) => {
                let expected = Some("an event about the newest upload under this key".to_owned());
                let found = format!("a record of a later one, {newer}");
                let record = self.end_unwritten(record, Outcome::Dropped, Why::OutOfOrder, expected, found);
                settings.log.note(&place, &record).await;
                return Ok(record);
            }
            Err(error) => {
                let (reason, _) = of_object(&error);
                let expected = Some("the log in the release bucket to take a record".to_owned());
                return Ok(self.end_unwritten(record, Outcome::Failed, reason, expected, error.to_string()));
            }
        }
        record.steps.push(passed(Link::Event, format!("{} in s3://{}", upload.key, upload.bucket)));
        let mut update = Update { settings, place, record, deadline };
        if let Err(Broken { outcome, step }) = update.run(&upload, nonce).await {
            update.record.outcome = outcome;
            update.record.steps.push(step);
        }
        update.record.ended = Some(SystemTime::now().into());
        update.announce().await;
        update.write().await;
        self.tell(&update.record);
        Ok(update.record)
    }

    /// Where an event stands among those about its key. An event that tells no order is put by when the object was written,
    /// and then is about the version that is there now.
    async fn place(&self, upload: &mut Upload) -> Result<Place, object_store::Error> {
        if let Some(sequencer) = upload.order() {
            let version = upload.version.as_deref().unwrap_or("unversioned");
            return Ok(Place::new(&upload.key, &format!("s{sequencer}"), version));
        }
        let meta = self.settings.verification.look(upload).await?;
        upload.version = upload.version.take().or(meta.version).filter(|version| version != "null");
        // In a bucket that keeps no versions, what tells two uploads of one second apart.
        let version = upload.version.clone().or(meta.e_tag).unwrap_or_else(|| "unversioned".to_owned());
        let order = format!("t{:020}", meta.last_modified.timestamp_millis());
        Ok(Place::new(&upload.key, &order, version.trim_matches('"')))
    }

    /// Ends an update before its first step: its place in the log is another's, or cannot be had.
    fn end_unwritten(
        &self,
        mut record: Record,
        outcome: Outcome,
        reason: Why,
        expected: Option<String>,
        found: String,
    ) -> Record {
        record.outcome = outcome;
        record.ended = Some(SystemTime::now().into());
        record.steps.push(failed(Link::Event, reason, expected, found));
        self.tell(&record);
        record
    }

    /// What came of it, in the function's log and as a metric.
    fn tell(&self, record: &Record) {
        for step in &record.steps {
            let (link, reason) = (step.link.as_str(), step.reason.map(Why::as_str));
            let (run, found, expected) = (record.run.to_string(), step.found.as_str(), step.expected.as_deref());
            if step.passed {
                tracing::info!(run, link, found, "step");
            } else {
                tracing::error!(run, link, reason, expected, found, "step");
            }
        }
        tracing::info!(run = %record.run, outcome = record.outcome.as_str(), text = record.text(), "update");
        let name = match record.outcome {
            Outcome::NothingToDo if record.key.starts_with(PROBES) => "ProbeArrived",
            Outcome::Moved => "Updated",
            Outcome::RolledBack => "RolledBack",
            Outcome::Failed => "Failed",
            // Nobody uploaded it but this function: most often a release came in between.
            Outcome::Refused if record.key.starts_with(PROBES) => "ProbeRefused",
            Outcome::Refused => "Refused",
            Outcome::NothingToDo | Outcome::Dropped | Outcome::UnderWay => return,
        };
        self.measure(SystemTime::now().into(), name, &record.key);
    }
}
