//! The calls by which a function gets other code. Each says what it found; what follows from that is decided elsewhere.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sigcache_core::aws::{Action, Aws, AwsError, Call, Node};

/// A function, and the alias by which it is called.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub(super) aws: Aws,
    pub(super) function: String,
    pub(super) alias: String,
}

/// Where the function stands.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct State {
    pub(super) code_sha256: String,
    pub(super) revision_id: Option<String>,
    state: Option<String>,
    state_reason: Option<String>,
    last_update_status: Option<String>,
    last_update_status_reason: Option<String>,
}

/// Whether an update has come to its end.
pub(super) enum Progress {
    Done,
    Pending,
    Failed(String),
}

impl State {
    pub(super) fn progress(&self) -> Progress {
        let why = |status: &str, reason: &Option<String>| match reason {
            Some(reason) => format!("{status}: {reason}"),
            None => status.to_owned(),
        };
        match (self.last_update_status.as_deref(), self.state.as_deref()) {
            (Some(status @ "Failed"), _) => Progress::Failed(why(status, &self.last_update_status_reason)),
            (_, Some(state @ "Failed")) => Progress::Failed(why(state, &self.state_reason)),
            (Some("InProgress"), _) | (_, Some("Pending")) => Progress::Pending,
            _ => Progress::Done,
        }
    }
}

/// What an alias stands for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Alias {
    pub(super) function_version: String,
    #[serde(default)]
    pub(super) revision_id: Option<String>,
}

impl Deployment {
    fn path(&self, rest: &str) -> String {
        format!("/2015-03-31/functions/{}{rest}", Call::encoded(&self.function))
    }

    /// How the function stands, or one of its versions.
    pub(super) async fn state(&self, version: Option<&str>) -> Result<State, AwsError> {
        let qualifier = version.map_or(String::new(), |version| format!("?Qualifier={}", Call::encoded(version)));
        let path = self.path(&format!("/configuration{qualifier}"));
        self.read(&Call::rest(Action::GetFunctionConfiguration, Method::GET, path)).await
    }

    /// Gives the function the code at `key` in `bucket`, unless somebody changed the function since `revision`.
    pub(super) async fn update(&self, bucket: &str, key: &str, revision: Option<&str>) -> Result<State, AwsError> {
        let body = json!({"S3Bucket": bucket, "S3Key": key, "Publish": false, "RevisionId": revision});
        self.read(&Call::rest(Action::UpdateFunctionCode, Method::PUT, self.path("/code")).with_body(body.to_string()))
            .await
    }

    /// Makes a version of the code with this SHA-256 (base64), and of no other; its number.
    pub(super) async fn publish(&self, sha256: &str, description: &str) -> Result<String, AwsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Published {
            version: String,
        }
        let body = json!({"CodeSha256": sha256, "Description": description});
        let call = Call::rest(Action::PublishVersion, Method::POST, self.path("/versions")).with_body(body.to_string());
        let published: Published = self.read(&call).await?;
        Ok(published.version)
    }

    /// What a version answers when it is asked how it is.
    pub(super) async fn health(&self, version: &str) -> Result<Value, AwsError> {
        let path = self.path(&format!("/invocations?Qualifier={}", Call::encoded(version)));
        let call = Call::rest(Action::InvokeFunction, Method::POST, path)
            .with_header("x-amz-invocation-type", "RequestResponse".to_owned())
            .with_body(json!({"sigcache": "health"}).to_string());
        self.read(&call).await
    }

    pub(super) async fn alias(&self) -> Result<Alias, AwsError> {
        let path = self.path(&format!("/aliases/{}", Call::encoded(&self.alias)));
        self.read(&Call::rest(Action::GetAlias, Method::GET, path)).await
    }

    /// Lets the alias stand for `version`, and for a part of the calls for another one; unless somebody changed it since
    /// `revision`.
    pub(super) async fn point(
        &self,
        version: &str,
        part: Option<(&str, u32)>,
        revision: Option<&str>,
    ) -> Result<Alias, AwsError> {
        let weights =
            part.map_or_else(|| json!({}), |(other, hundredths)| json!({other: f64::from(hundredths) / 100.0}));
        let body = json!({
            "FunctionVersion": version,
            "RoutingConfig": {"AdditionalVersionWeights": weights},
            "RevisionId": revision,
        });
        let path = self.path(&format!("/aliases/{}", Call::encoded(&self.alias)));
        self.read(&Call::rest(Action::UpdateAlias, Method::PUT, path).with_body(body.to_string())).await
    }

    /// The state of an alarm: `OK`, `ALARM` or `INSUFFICIENT_DATA`; `None` where there is none of that name.
    pub(super) async fn alarm(&self, name: &str) -> Result<Option<String>, AwsError> {
        let fields = [("AlarmNames.member.1", name)];
        let answer = self.aws.call(&Call::form(Action::DescribeAlarms, "2010-08-01", &fields)).await?;
        let root =
            Node::parse(&answer).map_err(|found| AwsError::Unreadable { action: Action::DescribeAlarms, found })?;
        Ok(root.text("StateValue"))
    }

    pub(super) async fn announce(&self, topic: &str, subject: &str, message: &str) -> Result<(), AwsError> {
        let subject: String = subject.chars().filter(|c| c.is_ascii() && !c.is_control()).take(99).collect();
        let fields = [("TopicArn", topic), ("Subject", subject.as_str()), ("Message", message)];
        self.aws.call(&Call::form(Action::Publish, "2010-03-31", &fields)).await.map(drop)
    }

    async fn read<T: for<'de> Deserialize<'de>>(&self, call: &Call) -> Result<T, AwsError> {
        let answer = self.aws.call(call).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| AwsError::Unreadable { action: call.action(), found: error.to_string() })
    }
}
