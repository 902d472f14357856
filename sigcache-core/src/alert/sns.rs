//! A message to a topic of Amazon SNS.

use async_trait::async_trait;
use serde_json::json;

use super::{
    channel::{Channel, DeliveryError},
    notice::Notice,
};
use crate::{
    aws::{Action, Aws, AwsError, Call},
    fetch::Retry,
};

/// The longest subject, in characters.
const MAX_SUBJECT: usize = 99;

/// Publishes messages to a topic: the text for those who read mail, and all of it as JSON for programs.
#[derive(Debug)]
pub struct Topic {
    arn: String,
    aws: Result<Aws, AwsError>,
}

impl Topic {
    /// What [`Topic`] calls, so what its role must be permitted.
    pub const CALLS: &[Action] = &[Action::Publish];

    /// The topic with this name (`arn:aws:sns:REGION:ACCOUNT:NAME`), on behalf of whom `environment` names. What is wrong
    /// with that is told when there is something to deliver.
    pub fn new(arn: &str, environment: &[(String, String)]) -> Self {
        let region = arn.split(':').nth(3).unwrap_or_default();
        let mut environment = environment.to_vec();
        // The topic says where it is, whatever the environment says of where this program is.
        environment.retain(|(name, _)| name != "AWS_REGION");
        environment.push(("AWS_REGION".to_owned(), region.to_owned()));
        Self { arn: arn.to_owned(), aws: Aws::new(&environment, Self::CALLS) }
    }

    /// Whether `text` names a topic.
    pub fn is_arn(text: &str) -> bool {
        let parts: Vec<&str> = text.split(':').collect();
        matches!(parts.as_slice(), ["arn", _, "sns", region, account, name]
            if !region.is_empty() && !account.is_empty() && !name.is_empty())
    }
}

#[async_trait]
impl Channel for Topic {
    async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let text = notice.text();
        let subject: String = text.lines().next().unwrap_or("sigcache").chars().filter(char::is_ascii).collect();
        let subject: String = subject.chars().filter(|c| !c.is_control()).take(MAX_SUBJECT).collect();
        let unwritten = |error: serde_json::Error| DeliveryError::new(&error.to_string(), Retry::No);
        let whole = serde_json::to_string(notice).map_err(unwritten)?;
        let message = json!({ "default": whole, "email": text, "sms": subject }).to_string();
        let fields = [
            ("TopicArn", self.arn.as_str()),
            ("Subject", &subject),
            ("MessageStructure", "json"),
            ("Message", &message),
        ];
        let aws = self.aws.as_ref().map_err(|error| DeliveryError::new(&error.to_string(), Retry::No))?;
        let published = aws.call(&Call::form(Action::Publish, "2010-03-31", &fields)).await;
        published.map(drop).map_err(|error| {
            let retry = if error.is_retryable() { Retry::Yes } else { Retry::No };
            DeliveryError::new(&error.to_string(), retry)
        })
    }
}
