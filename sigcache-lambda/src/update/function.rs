//! The update function: from an event to a record of every step.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use lambda_runtime::LambdaEvent;
use object_store::Error as ObjectError;
use serde_json::{Value, json, value::RawValue};
use sigcache_core::{
    Decision, Name, RunId, Timestamp,
    aws::{Action, Aws, AwsError},
    store::{CloudSettings, StoreError},
    trust::{Trust, TrustedKey},
};
use url::Url;

use super::{
    Canary, Known, Link, Log, Outcome, PROBES, Place, RECORD_FORMAT, Record, Release, Step, Why,
    deployment::{Deployment, Progress, State},
    open_releases,
    verification::{Artifact, Verification},
};
use crate::{
    event::{Ask, Event, Upload},
    metrics,
};

/// The calls of the update function beside those to its buckets: what its role must be permitted.
pub const CALLS: &[Action] = &[
    Action::GetFunctionConfiguration,
    Action::UpdateFunctionCode,
    Action::PublishVersion,
    Action::InvokeFunction,
    Action::GetAlias,
    Action::UpdateAlias,
    Action::DescribeAlarms,
    Action::Publish,
];

/// The namespace of its metrics.
pub(super) const NAMESPACE: &str = "Sigcache/Update";

/// How often it is looked whether an update has come to its end.
const LOOK: Duration = Duration::from_millis(500);
/// How often the alarm is looked at while the new version gets a part of the traffic.
const WATCH: Duration = Duration::from_secs(5);
/// So much of an invocation's time is kept to put the alias back and to tell what happened.
const RESERVE: Duration = Duration::from_secs(15);

/// What the environment says cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A variable is missing or cannot be used.
    #[error("the variable {variable} {found}")]
    Variable {
        /// Which one.
        variable: &'static str,
        /// What is wrong with it.
        found: String,
    },
    /// A bucket cannot be opened.
    #[error("the bucket of {variable} cannot be opened")]
    Bucket {
        /// The variable that names it.
        variable: &'static str,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// Nothing can be called.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

/// What the update function works with.
#[derive(Debug, Clone)]
pub struct Settings {
    own_name: String,
    releases: String,
    topic: Option<String>,
    canary: Canary,
    alarm: Option<String>,
    deployment: Deployment,
    verification: Verification,
    log: Log,
}

impl Settings {
    /// What `environment` says: `SIGCACHE_UPLOADS`, `SIGCACHE_RELEASES` (`s3://bucket`), `SIGCACHE_RELEASE_KEYS` (public
    /// keys of minisign, one on each line), `SIGCACHE_FUNCTION`, `SIGCACHE_ALIAS`, and where there is one
    /// `SIGCACHE_RESULT_TOPIC`, `SIGCACHE_CANARY` and `SIGCACHE_CANARY_ALARM`.
    pub fn read(environment: &[(String, String)]) -> Result<Self, SettingsError> {
        let get = |variable: &'static str| {
            let value = environment.iter().find(|(name, _)| name == variable).map(|(_, value)| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let must = |variable: &'static str| {
            get(variable).ok_or(SettingsError::Variable { variable, found: "is not set".to_owned() })
        };
        let bucket = |variable: &'static str| {
            let url = Url::parse(must(variable)?).ok();
            let is_bucket = |url: &Url| url.scheme() == "s3" && url.host_str().is_some() && url.path().len() <= 1;
            url.filter(is_bucket).ok_or(SettingsError::Variable { variable, found: "is not s3://BUCKET".to_owned() })
        };
        let (uploads, releases) = (bucket("SIGCACHE_UPLOADS")?, bucket("SIGCACHE_RELEASES")?);
        let open = |variable, url: &Url| {
            sigcache_core::store::open_objects(url, &CloudSettings::default(), environment)
                .map_err(|source| SettingsError::Bucket { variable, source })
        };
        let store = open_releases(&releases, environment)
            .map_err(|source| SettingsError::Bucket { variable: "SIGCACHE_RELEASES", source })?;
        let function = must("SIGCACHE_FUNCTION")?.to_owned();
        let unfit = |variable, found: String| SettingsError::Variable { variable, found };
        let name = Name::new(&format!("{function}.zip"))
            .map_err(|error| unfit("SIGCACHE_FUNCTION", format!("cannot be used: {error}")))?;
        let canary = get("SIGCACHE_CANARY").unwrap_or_default();
        Ok(Self {
            own_name: get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or("sigcache-update").to_owned(),
            releases: releases.host_str().unwrap_or_default().to_owned(),
            topic: get("SIGCACHE_RESULT_TOPIC").map(str::to_owned),
            canary: canary.parse().map_err(|error| unfit("SIGCACHE_CANARY", format!("cannot be used: {error}")))?,
            alarm: get("SIGCACHE_CANARY_ALARM").map(str::to_owned),
            deployment: Deployment {
                aws: Aws::new(environment, CALLS)?,
                function,
                alias: must("SIGCACHE_ALIAS")?.to_owned(),
            },
            verification: Verification {
                uploads: open("SIGCACHE_UPLOADS", &uploads)?,
                store: Arc::new(store),
                trust: trust(must("SIGCACHE_RELEASE_KEYS")?)?,
                name,
            },
            log: Log::new(open("SIGCACHE_RELEASES", &releases)?),
        })
    }
}

/// The release keys, any of which may sign.
fn trust(lines: &str) -> Result<Trust, SettingsError> {
    let unfit = |found: String| SettingsError::Variable { variable: "SIGCACHE_RELEASE_KEYS", found };
    let mut keys = Vec::new();
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("untrusted comment:"));
    for (number, line) in lines.enumerate() {
        let read = TrustedKey::read(&format!("release-{}", number + 1), line.as_bytes());
        keys.extend(read.map_err(|error| unfit(format!("cannot be used: line {}: {error}", number + 1)))?);
    }
    Trust::new(keys, 1).map_err(|error| unfit(format!("cannot be used: {error}")))
}

/// The update function, from one invocation to the next.
#[derive(Debug, Clone)]
pub struct UpdateFunction {
    settings: Settings,
}

/// The end of an update that did not pass all steps.
struct Broken {
    outcome: Outcome,
    step: Step,
}

/// An update under way.
struct Update<'a> {
    settings: &'a Settings,
    place: Place,
    record: Record,
    deadline: SystemTime,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl UpdateFunction {
    /// One that works with `settings`.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Answers one event. It fails where Lambda is to deliver the event again.
    pub async fn answer(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Value, Failed> {
        let LambdaEvent { payload, context } = event;
        let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(context.deadline);
        match Event::parse(payload.get()).inspect_err(|error| tracing::error!(%error, "event"))? {
            Event::Uploads(told) => {
                for other in &told.others {
                    tracing::info!(event = other, "nothing to do");
                }
                let mut records = Vec::new();
                for upload in &told.uploads {
                    records.push(self.update(upload, deadline).await?);
                }
                let failed: Vec<String> =
                    records.iter().filter(|record| record.outcome == Outcome::Failed).map(Record::text).collect();
                if !failed.is_empty() {
                    return Err(failed.join("; ").into());
                }
                Ok(json!({ "updates": records, "others": told.others }))
            }
            Event::Asked(Ask::Probe {}) => self.probe().await,
            Event::Asked(Ask::Health {}) => Ok(json!({ "ready": true, "version": env!("CARGO_PKG_VERSION") })),
            Event::Asked(Ask::Sync { .. }) | Event::Http | Event::Queue(_) => {
                let text = "this is the update function: it takes what the upload bucket tells its topic, and probes";
                tracing::error!(error = text, "event");
                Err(text.into())
            }
        }
    }

    /// Sends the release that is in the release bucket through the whole chain.
    async fn probe(&self) -> Result<Value, Failed> {
        let now: Timestamp = SystemTime::now().into();
        let Verification { uploads, store, name, .. } = &self.settings.verification;
        let release = Release::current(store, name).await.inspect_err(|error| {
            tracing::error!(%error, "the release for a probe cannot be read");
        })?;
        let Some(release) = release else {
            tracing::info!("there is no release yet, so no probe was sent");
            return Ok(json!({ "sent": null }));
        };
        let key = format!("{PROBES}{}.zip", now.compact());
        let sent = release.send(uploads, &key).await;
        sent.inspect_err(|error| tracing::error!(%error, "the probe cannot be sent"))?;
        tracing::info!(key, "a probe was sent");
        self.measure(now, "ProbeSent", &key);
        Ok(json!({ "sent": key }))
    }

    fn measure(&self, now: Timestamp, name: &str, key: &str) {
        let words = [("key", key.to_owned())];
        metrics::emit(&metrics::line(NAMESPACE, &self.settings.own_name, now, &[(name, "Count", 1.0)], &words));
    }

    async fn update(&self, upload: &Upload, deadline: SystemTime) -> Result<Record, Failed> {
        let settings = &self.settings;
        let started: Timestamp = SystemTime::now().into();
        let nonce = getrandom::u64()?;
        let mut record = Record {
            format: RECORD_FORMAT,
            run: RunId::new(started, nonce),
            started,
            ended: None,
            bucket: upload.bucket.clone(),
            key: upload.key.clone(),
            version: upload.version.clone(),
            digest: None,
            function: settings.deployment.function.clone(),
            alias: settings.deployment.alias.clone(),
            from: None,
            to: None,
            outcome: Outcome::UnderWay,
            steps: Vec::new(),
        };
        let version = upload.version.as_deref().unwrap_or("unversioned");
        let place = match upload.order() {
            Some(sequencer) => Ok(Place::new(&upload.key, &format!("s{sequencer}"), version)),
            None => settings
                .verification
                .written(upload)
                .await
                .map(|written| Place::new(&upload.key, &format!("t{:020}", written.as_millis()), version)),
        };
        let place = match place {
            Ok(place) => place,
            Err(error) => {
                // Without a place in order there is nothing to do, and nowhere to write that down.
                let (reason, outcome) = of_object(&error);
                let expected = Some(format!("{} in s3://{}", upload.key, upload.bucket));
                return Ok(self.end_unwritten(record, outcome, reason, expected, error.to_string()).await);
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
                return Ok(self.end_unwritten(record, Outcome::Dropped, reason, Some(expected), found).await);
            }
            Ok(Known::Newer(newer)) => {
                let mut update = Update { settings, place, record, deadline };
                let expected = "an event about the newest upload under this key";
                update.fail(
                    Link::Event,
                    Why::OutOfOrder,
                    expected,
                    format!("a record of a later one, {newer}"),
                    Outcome::Dropped,
                );
                update.write().await;
                self.tell(&update.record);
                return Ok(update.record);
            }
            Err(error) => {
                let (reason, _) = of_object(&error);
                let expected = Some("the log in the release bucket to take a record".to_owned());
                return Ok(self.end_unwritten(record, Outcome::Failed, reason, expected, error.to_string()).await);
            }
        }
        record.steps.push(passed(Link::Event, format!("{} in s3://{}", upload.key, upload.bucket)));
        let mut update = Update { settings, place, record, deadline };
        if let Err(Broken { outcome, step }) = update.run(upload, nonce).await {
            update.record.outcome = outcome;
            update.record.steps.push(step);
        }
        update.record.ended = Some(SystemTime::now().into());
        update.announce().await;
        update.write().await;
        self.tell(&update.record);
        Ok(update.record)
    }

    /// Ends an update of which nothing can or may be written down but in the log of the function.
    async fn end_unwritten(
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
            Outcome::RolledBack | Outcome::Failed => "RolledBack",
            Outcome::Refused => "Refused",
            Outcome::NothingToDo | Outcome::Dropped | Outcome::UnderWay => return,
        };
        self.measure(SystemTime::now().into(), name, &record.key);
    }
}

fn passed(link: Link, found: String) -> Step {
    Step { link, at: SystemTime::now().into(), passed: true, reason: None, expected: None, found }
}

fn failed(link: Link, reason: Why, expected: Option<String>, found: String) -> Step {
    Step { link, at: SystemTime::now().into(), passed: false, reason: Some(reason), expected, found }
}

/// Why a bucket did not give or take something, and whether it may later.
fn of_object(error: &ObjectError) -> (Why, Outcome) {
    match error {
        ObjectError::NotFound { .. } => (Why::NotFound, Outcome::Refused),
        ObjectError::PermissionDenied { .. } | ObjectError::Unauthenticated { .. } => {
            (Why::PermissionMissing, Outcome::Failed)
        }
        _ => (Why::CallFailed, Outcome::Failed),
    }
}

/// Why AWS did not do something. All of it may be mended, so the event comes again, and at last to the dead letters.
fn of_call(error: &AwsError) -> Why {
    let conflict = ["ResourceConflict", "PreconditionFailed"];
    match error {
        _ if error.is_denied() => Why::PermissionMissing,
        _ if error.code().is_some_and(|code| conflict.iter().any(|word| code.contains(word))) => Why::UpdateConflict,
        _ if error.is_throttled() => Why::Throttled,
        _ if error.is_absence() => Why::NotFound,
        _ => Why::CallFailed,
    }
}

impl Update<'_> {
    fn pass(&mut self, link: Link, found: impl Into<String>) {
        self.record.steps.push(passed(link, found.into()));
    }

    fn fail(&mut self, link: Link, reason: Why, expected: &str, found: String, outcome: Outcome) {
        self.record.outcome = outcome;
        self.record.ended = Some(SystemTime::now().into());
        self.record.steps.push(failed(link, reason, Some(expected.to_owned()), found));
    }

    /// Writes down how far it has come. Where that fails the update goes on: the function's own log has it too.
    async fn write(&self) {
        if let Err(error) = self.settings.log.write(&self.place, &self.record).await {
            tracing::error!(run = %self.record.run, %error, "the record of this update cannot be written");
        }
    }

    fn time_left(&self) -> Duration {
        let left = self.deadline.duration_since(SystemTime::now()).unwrap_or_default();
        left.saturating_sub(RESERVE)
    }

    async fn run(&mut self, upload: &Upload, nonce: u64) -> Result<(), Broken> {
        let (decision, artifact) = self.verify(upload, nonce).await?;
        self.record.digest = Some(artifact.digest);
        let digest = artifact.digest;
        self.pass(Link::Verify, format!("{} ({}), sha256 {digest}", decision.outcome, decision.reason));
        self.write().await;
        let is_probe = upload.key.starts_with(PROBES);
        if is_probe && decision.outcome == sigcache_core::Outcome::Unchanged {
            self.record.outcome = Outcome::NothingToDo;
            if let Err(error) = self.settings.verification.take_away(&upload.key).await {
                // It expires by itself.
                tracing::warn!(key = upload.key, %error, "the probe cannot be taken away");
            }
            return Ok(());
        }
        let want = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest.as_bytes());
        let deployment = &self.settings.deployment;
        let alias = deployment.alias().await.map_err(|error| called(Link::UpdateCode, &error))?;
        self.record.from = Some(alias.function_version.clone());
        self.change_code(&artifact, &want).await?;
        self.write().await;
        // Where neither code nor settings have changed since the last version, Lambda gives that one.
        let published = self.settings.deployment.publish(&want, &format!("sha256 {digest}")).await;
        let version = published.map_err(|error| called(Link::PublishVersion, &error))?;
        if version == alias.function_version {
            self.record.to = Some(version.clone());
            self.pass(Link::PublishVersion, format!("version {version}, which {} stands for", self.record.alias));
            self.record.outcome = Outcome::NothingToDo;
            return Ok(());
        }
        self.record.to = Some(version.clone());
        self.pass(Link::PublishVersion, format!("version {version}"));
        self.write().await;
        self.check_health(&version).await?;
        self.write().await;
        self.move_alias(&alias.function_version, &version, alias.revision_id).await
    }

    /// The artifact through the pipeline.
    async fn verify(&self, upload: &Upload, nonce: u64) -> Result<(Decision, Artifact), Broken> {
        let expected = Some("an artifact that passes every step of verification".to_owned());
        let run = self.settings.verification.run(upload, self.record.started, nonce).await;
        let (decision, artifact) = match run {
            Ok(ended) => ended,
            Err(error) => {
                let step = failed(Link::Verify, Why::CallFailed, expected, error.to_string());
                return Err(Broken { outcome: Outcome::Failed, step });
            }
        };
        if let Some(artifact) = artifact {
            return Ok((decision, artifact));
        }
        use sigcache_core::{Reason, Step as CoreStep};
        let ours = matches!(decision.step, CoreStep::Stage | CoreStep::Commit | CoreStep::Publish | CoreStep::ReadBack);
        // What a source could not give now it may give later; what it gave and was refused stays so.
        let later = ours || matches!(decision.reason, Reason::SourceFailed | Reason::NotReached) || decision.is_good();
        let (outcome, reason) = match later {
            true => (Outcome::Failed, Why::CallFailed),
            false => (Outcome::Refused, Why::NotVerified),
        };
        Err(Broken { outcome, step: failed(Link::Verify, reason, expected, decision.to_string()) })
    }

    /// Gives the function the verified code, and sees that it has that and no other.
    async fn change_code(&mut self, artifact: &Artifact, want: &str) -> Result<(), Broken> {
        let deployment = &self.settings.deployment;
        let state = deployment.state(None).await.map_err(|error| called(Link::UpdateCode, &error))?;
        let state = if state.code_sha256 == want {
            self.pass(Link::UpdateCode, "the function has this code already");
            state
        } else {
            let updated = deployment.update(&self.settings.releases, &artifact.key, state.revision_id.as_deref()).await;
            let state = updated.map_err(|error| called(Link::UpdateCode, &error))?;
            self.pass(Link::UpdateCode, format!("s3://{}/{}", self.settings.releases, artifact.key));
            state
        };
        self.write().await;
        let state = self.settled(None, state).await?;
        self.pass(Link::Wait, "the update was successful");
        if state.code_sha256 != want {
            let expected = Some(format!("code with the SHA-256 {want}"));
            let step = failed(Link::Digest, Why::CodeDiffers, expected, state.code_sha256);
            return Err(Broken { outcome: Outcome::RolledBack, step });
        }
        self.pass(Link::Digest, format!("SHA-256 {want}"));
        Ok(())
    }

    /// Waits until the function, or a version of it, is as it will be.
    async fn settled(&self, version: Option<&str>, mut state: State) -> Result<State, Broken> {
        let expected = Some("a successful update".to_owned());
        loop {
            match state.progress() {
                Progress::Done => return Ok(state),
                Progress::Failed(found) => {
                    let step = failed(Link::Wait, Why::UpdateFailed, expected, found);
                    return Err(Broken { outcome: Outcome::RolledBack, step });
                }
                Progress::Pending if self.time_left().is_zero() => {
                    let found = "an update that is still under way".to_owned();
                    let step = failed(Link::Wait, Why::OutOfTime, expected, found);
                    return Err(Broken { outcome: Outcome::Failed, step });
                }
                Progress::Pending => tokio::time::sleep(LOOK).await,
            }
            state = self.settings.deployment.state(version).await.map_err(|error| called(Link::Wait, &error))?;
        }
    }

    /// Asks the new version, which nobody calls yet, whether it can work.
    async fn check_health(&mut self, version: &str) -> Result<(), Broken> {
        let deployment = &self.settings.deployment;
        let state = deployment.state(Some(version)).await.map_err(|error| called(Link::Health, &error))?;
        self.settled(Some(version), state).await?;
        let unhealthy = |found: String| Broken {
            outcome: Outcome::RolledBack,
            step: failed(Link::Health, Why::VersionUnhealthy, Some("the answer {\"ready\": true}".to_owned()), found),
        };
        match deployment.health(version).await {
            Ok(answer) if answer.get("ready") == Some(&Value::Bool(true)) => {
                self.pass(Link::Health, format!("version {version} answers {answer}"));
                Ok(())
            }
            Ok(answer) => Err(unhealthy(answer.to_string())),
            Err(error @ (AwsError::FunctionFailed { .. } | AwsError::Unreadable { .. })) => {
                Err(unhealthy(error.to_string()))
            }
            Err(error) => Err(called(Link::Health, &error)),
        }
    }

    /// Lets the alias stand for the new version, where that is wanted for a part of the calls first.
    async fn move_alias(&mut self, from: &str, to: &str, revision: Option<String>) -> Result<(), Broken> {
        let (settings, mut revision) = (self.settings, revision);
        // An alias that stands for what changes all the time cannot share its calls with a version.
        if from != to && from != "$LATEST" {
            for (part, time) in &settings.canary.0 {
                let pointed = settings.deployment.point(from, Some((to, *part)), revision.as_deref()).await;
                revision = pointed.map_err(|error| called(Link::Canary, &error))?.revision_id;
                if let Err(broken) = self.watch(*time).await {
                    return Err(self.put_back(from, broken).await);
                }
                self.pass(Link::Canary, format!("{part}% of the calls for {} seconds", time.as_secs()));
                self.write().await;
            }
        }
        let moved = settings.deployment.point(to, None, revision.as_deref()).await;
        let alias = match moved {
            Ok(alias) => alias,
            Err(error) => return Err(self.put_back(from, called(Link::Alias, &error)).await),
        };
        if alias.function_version != to {
            let expected = Some(format!("{} to stand for version {to}", self.record.alias));
            let step =
                failed(Link::Alias, Why::UpdateConflict, expected, format!("version {}", alias.function_version));
            return Err(Broken { outcome: Outcome::Failed, step });
        }
        self.pass(Link::Alias, format!("{} stands for version {to}, before for {from}", self.record.alias));
        self.record.outcome = Outcome::Moved;
        Ok(())
    }

    /// Watches the alarm for so long.
    async fn watch(&self, time: Duration) -> Result<(), Broken> {
        let end = SystemTime::now() + time;
        let went_off = |reason, found: String| Broken {
            outcome: Outcome::RolledBack,
            step: failed(Link::Canary, reason, Some("an alarm that is silent".to_owned()), found),
        };
        loop {
            if let Some(name) = &self.settings.alarm {
                match self.settings.deployment.alarm(name).await {
                    Ok(Some(state)) if state == "ALARM" => {
                        return Err(went_off(Why::AlarmWentOff, format!("{name} is in the state {state}")));
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => return Err(went_off(Why::NotFound, format!("no alarm called {name}"))),
                    Err(error) => return Err(called(Link::Canary, &error)),
                }
            }
            let left = end.duration_since(SystemTime::now()).unwrap_or_default();
            if left.is_zero() {
                return Ok(());
            }
            if self.time_left().is_zero() {
                return Err(went_off(Why::OutOfTime, "the time of the invocation was over".to_owned()));
            }
            tokio::time::sleep(left.min(WATCH)).await;
        }
    }

    /// Lets the alias stand for the version before, and for it alone; whatever it stands for now.
    async fn put_back(&mut self, from: &str, broken: Broken) -> Broken {
        match self.settings.deployment.point(from, None, None).await {
            Ok(_) => Broken {
                outcome: if broken.outcome == Outcome::Failed { Outcome::Failed } else { Outcome::RolledBack },
                ..broken
            },
            Err(error) => {
                self.record.steps.push(broken.step);
                let expected = Some(format!("{} to stand for version {from} again", self.record.alias));
                Broken {
                    outcome: Outcome::Failed,
                    step: failed(Link::Alias, of_call(&error), expected, error.to_string()),
                }
            }
        }
    }

    /// Tells the topic of results how it ended.
    async fn announce(&mut self) {
        let Some(topic) = &self.settings.topic else { return };
        // A probe that arrives is no news; the alarm sees one that does not.
        if self.record.outcome == Outcome::NothingToDo {
            return;
        }
        let text = self.record.text();
        let told = match serde_json::to_string_pretty(&self.record) {
            Ok(record) => self.settings.deployment.announce(topic, &text, &format!("{text}\n\n{record}")).await,
            Err(_) => self.settings.deployment.announce(topic, &text, &text).await,
        };
        match told {
            Ok(()) => self.pass(Link::Announce, topic.clone()),
            Err(error) => {
                let step = failed(Link::Announce, of_call(&error), Some(topic.clone()), error.to_string());
                self.record.steps.push(step);
            }
        }
    }
}

/// A call that did not pass: the event comes again.
fn called(link: Link, error: &AwsError) -> Broken {
    let action = match error {
        AwsError::Refused { action, .. } => format!("{action} to succeed"),
        _ => "the call to succeed".to_owned(),
    };
    Broken { outcome: Outcome::Failed, step: failed(link, of_call(error), Some(action), error.to_string()) }
}
