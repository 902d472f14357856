//! What the update function works with, as its environment says.

use std::sync::Arc;

use sigcache_core::{
    Name,
    aws::{Action, Aws, AwsError},
    store::{CloudSettings, StoreError},
    trust::{Trust, TrustedKey},
};
use url::Url;

use super::{Canary, Log, deployment::Deployment, open_releases, verification::Verification};

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
    pub(super) own_name: String,
    /// The bucket whose events count.
    pub(super) uploads: String,
    pub(super) releases: String,
    pub(super) topic: Option<String>,
    pub(super) canary: Canary,
    pub(super) alarm: Option<String>,
    pub(super) deployment: Deployment,
    pub(super) verification: Verification,
    pub(super) log: Log,
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
            uploads: uploads.host_str().unwrap_or_default().to_owned(),
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
                base: uploads,
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
