//! What is written down of each update: every step, and of the first one that did not pass, why.

use serde::{Deserialize, Serialize};
use sigcache_core::{Digest, RunId, Timestamp, words};

/// The version of the record's JSON.
pub const RECORD_FORMAT: u32 = 1;

words! {
    /// The links of the chain, in the order in which an artifact passes them.
    Link {
        /// The event is neither one that was worked on already nor about something older.
        Event = "event",
        /// The artifact is signed by a release key and newer than the last one; now it is in the release bucket.
        Verify = "verify",
        /// The function has other code.
        UpdateCode = "update-code",
        /// That has come to its end.
        Wait = "wait",
        /// The code is the one that was verified.
        Digest = "digest",
        /// It is a version that does not change.
        PublishVersion = "publish-version",
        /// The version answers that it can work.
        Health = "health",
        /// It gets a part of the traffic, while the alarm is watched.
        Canary = "canary",
        /// The alias stands for the version.
        Alias = "alias",
        /// It was told what came of it.
        Announce = "announce",
    }
}

words! {
    /// How an update ended.
    Outcome {
        /// It is under way.
        UnderWay = "under-way",
        /// The alias stands for the new version.
        Moved = "moved",
        /// The alias stood for this very code already.
        NothingToDo = "nothing-to-do",
        /// The event was dropped: it was worked on already, or is about something older.
        Dropped = "dropped",
        /// The artifact was refused: nothing was changed.
        Refused = "refused",
        /// The alias stands, or stands again, for the version before.
        RolledBack = "rolled-back",
        /// It could not be carried out now; Lambda delivers the event again.
        Failed = "failed",
    }
}

words! {
    /// Why a step did not pass: a stable code.
    Why {
        /// The event was worked on before.
        DuplicateEvent = "duplicate-event",
        /// An event about a newer upload under the same key was worked on before.
        OutOfOrder = "out-of-order",
        /// The artifact did not pass a step of verification; which one stands beside it.
        NotVerified = "not-verified",
        /// The role of the update function lacks a permission.
        PermissionMissing = "permission-missing",
        /// There is no such function, alias, version or alarm.
        NotFound = "not-found",
        /// AWS had too many calls, also after several tries.
        Throttled = "throttled",
        /// Somebody else changes the function at the same moment.
        UpdateConflict = "update-conflict",
        /// AWS did not carry the call out.
        CallFailed = "call-failed",
        /// Lambda could not take the code over.
        UpdateFailed = "update-failed",
        /// The time of the invocation was over first.
        OutOfTime = "out-of-time",
        /// The function has other code than was verified.
        CodeDiffers = "code-differs",
        /// The version does not answer that it can work.
        VersionUnhealthy = "version-unhealthy",
        /// The alarm went off.
        AlarmWentOff = "alarm-went-off",
    }
}

impl Outcome {
    /// Whether no more is done about the event.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::UnderWay | Self::Failed)
    }

    /// Whether all is as the uploader wanted it.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Moved | Self::NothingToDo)
    }
}

/// One step of one update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// Which one.
    pub link: Link,
    /// When it ended.
    pub at: Timestamp,
    /// Whether it passed.
    pub passed: bool,
    /// Why it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Why>,
    /// What would have passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found.
    pub found: String,
}

/// An update: from an event to the alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// [`RECORD_FORMAT`].
    pub format: u32,
    /// The run that verified the artifact; its report is in the release bucket, too.
    pub run: RunId,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The upload bucket.
    pub bucket: String,
    /// The key of the artifact in it.
    pub key: String,
    /// The version of the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The SHA-256 of the artifact, once it was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The function.
    pub function: String,
    /// Its alias.
    pub alias: String,
    /// The version for which the alias stood before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version of the new code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Every step so far.
    pub steps: Vec<Step>,
}

impl Record {
    /// The first step that did not pass.
    pub fn broken(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.passed)
    }

    /// It in a sentence.
    pub fn text(&self) -> String {
        let Self { key, function, alias, outcome, .. } = self;
        let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
        let mut text = match outcome {
            Outcome::Moved => format!("{function}: {alias} stands for version {}, made of {key}", version(&self.to)),
            Outcome::NothingToDo => format!("{function}: {alias} stands for {key} already"),
            Outcome::RolledBack => format!("{function}: {alias} stands for version {} as before", version(&self.from)),
            Outcome::UnderWay => format!("{function}: the update to {key} is under way"),
            Outcome::Dropped => format!("{function}: the event about {key} was dropped"),
            Outcome::Refused => format!("{function}: {key} was refused, nothing was changed"),
            Outcome::Failed => format!("{function}: the update to {key} failed and is tried again"),
        };
        if let Some(step) = self.broken() {
            let reason = step.reason.map_or(String::new(), |reason| format!(" ({reason})"));
            let expected = step.expected.as_ref().map_or(String::new(), |expected| format!("expected {expected}, "));
            text = format!("{text}; broken link: {}{reason}: {expected}found {}", step.link, step.found);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that begin the rows of the table below `heading`.
    fn rows(heading: &str) -> Vec<&'static str> {
        let lines = include_str!("../../../docs/deploy.md").lines().skip_while(|line| *line != heading).skip(1);
        let table = lines.take_while(|line| !line.starts_with("## "));
        table.filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(word, _)| word).collect()
    }

    #[test]
    fn the_page_and_the_schema_have_exactly_these_words() {
        let outcomes: Vec<&str> = Outcome::ALL.iter().map(|word| word.as_str()).collect();
        let links: Vec<&str> = Link::ALL.iter().map(|word| word.as_str()).collect();
        let reasons: Vec<&str> = Why::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(rows("## The log of updates"), outcomes);
        assert_eq!(rows("## The links"), links);
        assert_eq!(rows("## The reasons"), reasons);
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/output.schema.json")).unwrap_or_default();
        let update = &schema["$defs"]["update"]["properties"];
        let step = &update["steps"]["items"]["properties"];
        assert_eq!(update["outcome"]["enum"], serde_json::json!(outcomes));
        assert_eq!(step["link"]["enum"], serde_json::json!(links));
        assert_eq!(step["reason"]["enum"], serde_json::json!(reasons));
    }

    /// One that nothing could bring about would only be something more to read.
    #[test]
    fn each_reason_and_each_outcome_comes_out_of_a_test_of_the_chain() {
        let tests = include_str!("../../tests/aws/chain.rs");
        for why in Why::ALL {
            let found = tests.contains(&format!("Why::{why:?}")) || tests.contains(&format!("\"{why}\""));
            assert!(found, "{why}");
        }
        for outcome in Outcome::ALL.iter().filter(|outcome| **outcome != Outcome::UnderWay) {
            let found = tests.contains(&format!("Outcome::{outcome:?}")) || tests.contains(&format!("\"{outcome}\""));
            assert!(found, "{outcome}");
        }
    }
}
