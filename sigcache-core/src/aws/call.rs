//! The calls that this project makes, each with the permission that it needs.

use std::fmt;

use bytes::Bytes;
use http::Method;
use url::form_urlencoded;

/// An interface of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Lambda.
    Lambda,
    /// Simple Notification Service.
    Sns,
    /// Simple Queue Service.
    Sqs,
    /// CloudWatch.
    CloudWatch,
    /// Secrets Manager.
    SecretsManager,
    /// Systems Manager, for its parameters.
    Ssm,
    /// Simple Storage Service, beside what a store does there.
    S3,
    /// EventBridge Scheduler.
    Scheduler,
    /// Security Token Service.
    Sts,
}

impl Service {
    /// The name by which signatures call it.
    pub(super) fn signing_name(self) -> &'static str {
        match self {
            Self::CloudWatch => "monitoring",
            other => other.host(),
        }
    }

    pub(super) fn host(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
            Self::CloudWatch => "monitoring",
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
            Self::S3 => "s3",
            Self::Scheduler => "scheduler",
            Self::Sts => "sts",
        }
    }

    /// What stands behind `AWS_ENDPOINT_URL_` for it.
    pub(super) fn endpoint_variable(self) -> &'static str {
        match self {
            Self::Lambda => "LAMBDA",
            Self::Sns => "SNS",
            Self::Sqs => "SQS",
            Self::CloudWatch => "CLOUDWATCH",
            Self::SecretsManager => "SECRETS_MANAGER",
            Self::Ssm => "SSM",
            Self::S3 => "S3",
            Self::Scheduler => "SCHEDULER",
            Self::Sts => "STS",
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $service:ident $text:literal,)+) => {
        /// What is asked of AWS, by the name of the permission that it needs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Action { $($(#[$doc])* $variant,)+ }

        impl Action {
            /// The permission, as a policy says it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Action::$variant => $text,)+ }
            }

            pub(super) fn service(self) -> Service {
                match self { $(Action::$variant => Service::$service,)+ }
            }
        }
    };
}

actions! {
    /// Where a function stands: its state, its code's SHA-256, its last update.
    GetFunctionConfiguration = Lambda "lambda:GetFunctionConfiguration",
    /// Other code for a function.
    UpdateFunctionCode = Lambda "lambda:UpdateFunctionCode",
    /// The code as it is now becomes a version that does not change.
    PublishVersion = Lambda "lambda:PublishVersion",
    /// A call of the function.
    InvokeFunction = Lambda "lambda:InvokeFunction",
    /// Which version an alias stands for.
    GetAlias = Lambda "lambda:GetAlias",
    /// Another version for an alias.
    UpdateAlias = Lambda "lambda:UpdateAlias",
    /// Who may invoke a function.
    GetPolicy = Lambda "lambda:GetPolicy",
    /// How many invocations of a function there may be at once.
    GetFunctionConcurrency = Lambda "lambda:GetFunctionConcurrency",
    /// A message to a topic.
    Publish = Sns "sns:Publish",
    /// A topic, with who may publish to it.
    GetTopicAttributes = Sns "sns:GetTopicAttributes",
    /// Who gets what is published.
    ListSubscriptionsByTopic = Sns "sns:ListSubscriptionsByTopic",
    /// How many messages wait in a queue.
    GetQueueAttributes = Sqs "sqs:GetQueueAttributes",
    /// Alarms and their states.
    DescribeAlarms = CloudWatch "cloudwatch:DescribeAlarms",
    /// A secret.
    GetSecretValue = SecretsManager "secretsmanager:GetSecretValue",
    /// A parameter.
    GetParameter = Ssm "ssm:GetParameter",
    /// What a bucket tells whom.
    GetBucketNotification = S3 "s3:GetBucketNotification",
    /// A schedule.
    GetSchedule = Scheduler "scheduler:GetSchedule",
    /// On whose behalf calls are made; nobody lacks the permission for it.
    GetCallerIdentity = Sts "sts:GetCallerIdentity",
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One call. Every call here may be made again where it is not known what came of it.
#[derive(Debug, Clone)]
pub struct Call {
    action: Action,
    method: Method,
    path_and_query: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Call {
    /// A request of the REST kind; `path` begins with a slash and is encoded already, see [`encoded`](Self::encoded).
    pub fn rest(action: Action, method: Method, path: impl Into<String>) -> Self {
        Self { action, method, path_and_query: path.into(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A request of the older kind: a form with `Action` and `Version`, and XML as answer.
    pub fn form(action: Action, version: &str, fields: &[(&str, &str)]) -> Self {
        let name = action.as_str().rsplit(':').next().unwrap_or_default();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", name).append_pair("Version", version);
        form.extend_pairs(fields);
        let call = Self::rest(action, Method::POST, "/").with_body(form.finish());
        call.with_header("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned())
    }

    /// A request of the kind that has its name in a header, and JSON both ways.
    pub fn json(action: Action, target: &str, version: &str, body: &serde_json::Value) -> Self {
        let name = action.as_str().rsplit(':').next().unwrap_or_default();
        Self::rest(action, Method::POST, "/")
            .with_header("x-amz-target", format!("{target}.{name}"))
            .with_header("content-type", format!("application/x-amz-json-{version}"))
            .with_body(body.to_string())
    }

    /// With a body.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With a header; its name is in small letters.
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A part of a path, with everything encoded that could end it: an ARN has colons.
    pub fn encoded(part: &str) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let encode = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        part.bytes().map(encode).collect()
    }

    /// What is asked.
    pub fn action(&self) -> Action {
        self.action
    }

    pub(super) fn method(&self) -> Method {
        self.method.clone()
    }

    pub(super) fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    pub(super) fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    pub(super) fn body(&self) -> &Bytes {
        &self.body
    }
}
