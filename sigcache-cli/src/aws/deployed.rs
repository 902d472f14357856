//! What Terraform says of a chain: `terraform output -json chain`.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde::Deserialize;
use serde_json::Value;
use sigcache_core::{Digest, trust::TrustedKey};

use crate::{commands::read_small, fault::Fault};

/// The names of everything in the chain.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Deployed {
    pub(crate) region: String,
    pub(crate) endpoint_function: String,
    pub(crate) alias: String,
    pub(crate) update_function: String,
    pub(crate) upload_bucket: String,
    pub(crate) release_bucket: String,
    pub(crate) update_topic: String,
    pub(crate) alarm_topic: String,
    pub(crate) schedules: Vec<String>,
    pub(crate) schedule_group: String,
    pub(crate) probe_schedule: Option<String>,
    pub(crate) dead_letter_queues: Vec<String>,
    pub(crate) alarms: Vec<String>,
    pub(crate) release_keys: Vec<String>,
}

/// What the file must have, also what is not looked at: one without it is of another version.
const KEYS: &[&str] = &[
    "region",
    "endpoint_function",
    "alias",
    "update_function",
    "store_bucket",
    "upload_bucket",
    "release_bucket",
    "update_topic",
    "result_topic",
    "alert_topic",
    "alarm_topic",
    "schedules",
    "schedule_group",
    "probe_schedule",
    "dead_letter_queues",
    "alarms",
    "release_keys",
];

/// Such a file is a few kilobytes.
const MAX_BYTES: u64 = 1 << 20;

impl Deployed {
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        let text = read_small(path, MAX_BYTES)?;
        Self::parse(&text).with_context(|| format!("cannot use {} as a chain", path.display())).map_err(Fault::usage)
    }

    pub(super) fn parse(text: &[u8]) -> anyhow::Result<Self> {
        const HINT: &str = "it must be what `terraform output -json chain` prints";
        let value: Value = serde_json::from_slice(text).context(HINT)?;
        let Some(object) = value.as_object() else { return Err(anyhow!("not an object; {HINT}")) };
        let missing: Vec<&str> = KEYS.iter().copied().filter(|key| !object.contains_key(*key)).collect();
        if !missing.is_empty() {
            return Err(anyhow!("{} missing; {HINT}", missing.join(", ")));
        }
        serde_json::from_value(value).context(HINT)
    }

    /// A part of the topic's ARN: `arn:PARTITION:sns:REGION:ACCOUNT:NAME`.
    fn of_topic(&self, part: usize) -> &str {
        self.update_topic.split(':').nth(part).unwrap_or_default()
    }

    pub(super) fn topic_region(&self) -> &str {
        self.of_topic(3)
    }

    pub(super) fn account(&self) -> &str {
        self.of_topic(4)
    }

    pub(super) fn function_arn(&self, function: &str) -> String {
        format!("arn:{}:lambda:{}:{}:function:{function}", self.of_topic(1), self.region, self.account())
    }

    pub(super) fn alias_arn(&self) -> String {
        format!("{}:{}", self.function_arn(&self.endpoint_function), self.alias)
    }

    pub(super) fn upload_bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.of_topic(1), self.upload_bucket)
    }

    /// The fingerprints of the keys that may sign a release.
    pub(crate) fn release_fingerprints(&self) -> Result<Vec<Digest>, Fault> {
        let mut prints = Vec::new();
        for (number, key) in self.release_keys.iter().enumerate() {
            let read = TrustedKey::read("release", key.trim().as_bytes());
            let read = read.with_context(|| format!("release key {} of the chain cannot be read", number + 1));
            prints.extend(read.map_err(Fault::usage)?.iter().map(|key| key.key.fingerprint()));
        }
        Ok(prints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_what_is_more_is_left() {
        let whole: Value = serde_json::from_slice(include_bytes!("chain.json")).unwrap();
        let mut whole = whole.as_object().unwrap().clone();
        let parse =
            |map: &serde_json::Map<String, Value>| Deployed::parse(Value::Object(map.clone()).to_string().as_bytes());
        assert_eq!(parse(&whole).unwrap().probe_schedule, None);
        for key in KEYS {
            let mut part = whole.clone();
            part.remove(*key);
            let error = format!("{:#}", parse(&part).unwrap_err());
            assert!(error.starts_with(&format!("{key} missing; it must be what `terraform output")), "{error}");
        }
        whole.insert("alarms".to_owned(), "x".into());
        assert!(format!("{:#}", parse(&whole).unwrap_err()).contains("expected a sequence"));
        for other in ["[]", "1", "", "{"] {
            assert!(Deployed::parse(other.as_bytes()).is_err(), "{other}");
        }
    }
}
