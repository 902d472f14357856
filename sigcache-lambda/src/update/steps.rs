//! The steps of one update, each written down before the next one begins.

use std::time::{Duration, SystemTime};

use object_store::Error as ObjectError;
use serde_json::Value;
use sigcache_core::{Decision, aws::AwsError};

use super::{
    Link, Outcome, PROBES, Place, Record, Settings, Step, Why,
    deployment::{Progress, State},
    verification::Artifact,
};
use crate::event::Upload;

/// How often it is looked whether an update has come to its end.
const LOOK: Duration = Duration::from_millis(500);
/// How often the alarm is looked at while the new version gets a part of the traffic.
const WATCH: Duration = Duration::from_secs(5);
/// A version that can work says so within this time.
const LONGEST_HEALTH: Duration = Duration::from_secs(60);
/// So much of an invocation's time is kept to put the alias back and to tell what happened.
const RESERVE: Duration = Duration::from_secs(15);

/// The end of an update that did not pass all steps.
pub(super) struct Broken {
    pub(super) outcome: Outcome,
    pub(super) step: Step,
}

/// An update under way.
pub(super) struct Update<'a> {
    pub(super) settings: &'a Settings,
    pub(super) place: Place,
    pub(super) record: Record,
    pub(super) deadline: SystemTime,
}

pub(super) fn passed(link: Link, found: String) -> Step {
    Step { link, at: SystemTime::now().into(), passed: true, reason: None, expected: None, found }
}

pub(super) fn failed(link: Link, reason: Why, expected: Option<String>, found: String) -> Step {
    Step { link, at: SystemTime::now().into(), passed: false, reason: Some(reason), expected, found }
}

/// Why a bucket did not give or take something, and whether it may later.
pub(super) fn of_object(error: &ObjectError) -> (Why, Outcome) {
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

    /// Writes down how far it has come. Where that fails the update goes on: the function's own log has it too.
    pub(super) async fn write(&self) {
        if let Err(error) = self.settings.log.write(&self.place, &self.record).await {
            tracing::error!(run = %self.record.run, %error, "the record of this update cannot be written");
        }
    }

    fn time_left(&self) -> Duration {
        let left = self.deadline.duration_since(SystemTime::now()).unwrap_or_default();
        left.saturating_sub(RESERVE)
    }

    pub(super) async fn run(&mut self, upload: &Upload, nonce: u64) -> Result<(), Broken> {
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
        let patience = self.time_left().min(LONGEST_HEALTH);
        let Ok(answered) = tokio::time::timeout(patience, deployment.health(version)).await else {
            return Err(unhealthy(format!("no answer within {} seconds", patience.as_secs())));
        };
        match answered {
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
    pub(super) async fn announce(&mut self) {
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
