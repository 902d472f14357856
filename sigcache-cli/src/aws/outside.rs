//! Calls that look and change nothing.

use std::sync::Arc;

use http::Method;
use object_store::ObjectStore;
use serde_json::Value;
use sigcache_core::{
    aws::{Action, Aws, AwsError, Call, Node},
    store::{Bucket, CloudSettings},
};
use sigcache_lambda::update::{self, Log};
use url::Url;

use super::{Deployed, findings::unreadable};
use crate::fault::Fault;

/// The calls beside those to the buckets; `infra/terraform/policies/doctor.json.tftpl` permits them.
const CALLS: &[Action] = &[
    Action::GetCallerIdentity,
    Action::GetBucketNotification,
    Action::GetTopicAttributes,
    Action::ListSubscriptionsByTopic,
    Action::GetPolicy,
    Action::GetFunctionConfiguration,
    Action::GetFunctionConcurrency,
    Action::GetAlias,
    Action::GetSchedule,
    Action::GetQueueAttributes,
    Action::DescribeAlarms,
];

/// A chain, and what asks about it.
pub(crate) struct Outside {
    pub(crate) deployed: Deployed,
    environment: Vec<(String, String)>,
    aws: Aws,
}

impl Outside {
    /// Looks at `deployed` on behalf of whom the environment names, in the region of the chain whatever the environment
    /// says of regions.
    pub(crate) fn new(deployed: Deployed) -> Result<Self, Fault> {
        let mut environment = sigcache_core::store::environment();
        environment.retain(|(name, _)| name != "AWS_REGION" && name != "AWS_DEFAULT_REGION");
        environment.push(("AWS_REGION".to_owned(), deployed.region.clone()));
        if environment.iter().any(|(name, value)| name == "AWS_ENDPOINT_URL" && value.starts_with("http://")) {
            environment.push(("AWS_ALLOW_HTTP".to_owned(), "true".to_owned()));
        }
        let aws = Aws::new(&environment, CALLS).map_err(Fault::usage)?;
        Ok(Self { deployed, environment, aws })
    }

    fn url(bucket: &str) -> Result<Url, Fault> {
        Url::parse(&format!("s3://{bucket}")).map_err(Fault::usage)
    }

    fn objects(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, Fault> {
        Ok(sigcache_core::store::open_objects(&Self::url(bucket)?, &CloudSettings::default(), &self.environment)?)
    }

    pub(crate) fn uploads(&self) -> Result<Arc<dyn ObjectStore>, Fault> {
        self.objects(&self.deployed.upload_bucket)
    }

    /// The log of updates.
    pub(crate) fn log(&self) -> Result<Log, Fault> {
        self.objects(&self.deployed.release_bucket).map(Log::new)
    }

    /// The store of verified releases.
    pub(super) fn releases(&self) -> Result<Bucket, Fault> {
        Ok(update::open_releases(&Self::url(&self.deployed.release_bucket)?, &self.environment)?)
    }

    pub(super) async fn json(&self, call: &Call) -> Result<Value, AwsError> {
        let answer = self.aws.call(call).await?;
        serde_json::from_slice(&answer).map_err(|error| unreadable(call.action(), error))
    }

    pub(super) async fn xml(&self, call: &Call) -> Result<Node, AwsError> {
        let answer = self.aws.call(call).await?;
        Node::parse(&answer).map_err(|found| unreadable(call.action(), found))
    }

    /// How a function stands, or one of its versions.
    pub(super) async fn function(&self, function: &str, version: Option<&str>) -> Result<Value, AwsError> {
        let qualifier = version.map_or(String::new(), |version| format!("?Qualifier={}", Call::encoded(version)));
        let path = format!("/2015-03-31/functions/{}/configuration{qualifier}", Call::encoded(function));
        self.json(&Call::rest(Action::GetFunctionConfiguration, Method::GET, path)).await
    }
}
