//! Where a function's settings come from: the bundle, the environment, an object in a bucket; secrets from AWS.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use object_store::{GetOptions, ObjectStore, path::Path as Key};
use serde_json::{Value, json};
use sigcache_core::{
    aws::{Action, Aws, AwsError, Call},
    config::{Config, ConfigError},
    store::CloudSettings,
};
use url::Url;

/// What an environment variable begins with whose value is a secret of Secrets Manager.
const SECRET: &str = "aws-secret:";
/// What one begins with whose value is a parameter of Systems Manager.
const PARAMETER: &str = "aws-ssm:";

/// The calls that settings need, so what a role must be permitted where such references are used.
pub const CALLS: &[Action] = &[Action::GetSecretValue, Action::GetParameter];

/// A configuration is never longer.
const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// Settings that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The configuration is not sound, or cannot be read.
    #[error("the configuration cannot be used")]
    Config(#[from] ConfigError),
    /// The object that holds it cannot be read.
    #[error("the configuration at {url} cannot be read: {found}")]
    Object {
        /// Where it should be.
        url: String,
        /// What was found.
        found: String,
    },
    /// A variable refers to something that cannot be had.
    #[error("the variable {variable} refers to {reference}, which cannot be had")]
    Reference {
        /// The variable.
        variable: String,
        /// What it refers to.
        reference: String,
        /// Why.
        #[source]
        source: AwsError,
    },
    /// A variable cannot be used.
    #[error("the variable {variable} cannot be used: {found}")]
    Variable {
        /// Which one.
        variable: &'static str,
        /// What is wrong with it.
        found: String,
    },
    /// A secret has no such field.
    #[error("the variable {variable} refers to {reference}: {found}")]
    Field {
        /// The variable.
        variable: String,
        /// What it refers to.
        reference: String,
        /// What was found.
        found: &'static str,
    },
}

/// The variables of the environment, with what they refer to in its place.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Looks up what `environment` refers to: `aws-secret:ARN`, `aws-secret:ARN#FIELD` of a secret that is a JSON object,
    /// `aws-ssm:NAME`.
    pub async fn resolve(environment: &[(String, String)]) -> Result<Self, SettingsError> {
        let mut aws: Option<Aws> = None;
        let mut found = BTreeMap::new();
        for (name, value) in environment {
            let value = if value.starts_with(SECRET) || value.starts_with(PARAMETER) {
                let failed =
                    |source| SettingsError::Reference { variable: name.clone(), reference: value.clone(), source };
                let aws = match &mut aws {
                    Some(aws) => aws,
                    None => aws.insert(Aws::new(environment, CALLS).map_err(failed)?),
                };
                look_up(aws, name, value).await?
            } else {
                value.clone()
            };
            found.insert(name.clone(), value);
        }
        Ok(Self(found))
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

async fn look_up(aws: &Aws, variable: &str, value: &str) -> Result<String, SettingsError> {
    let reference = || value.to_owned();
    let failed = |source| SettingsError::Reference { variable: variable.to_owned(), reference: reference(), source };
    let lacks = |found| SettingsError::Field { variable: variable.to_owned(), reference: reference(), found };
    let parsed = |answer: &[u8]| serde_json::from_slice::<Value>(answer).map_err(|_| lacks("the answer is no JSON"));
    if let Some(name) = value.strip_prefix(PARAMETER) {
        let body = json!({"Name": name, "WithDecryption": true});
        let answer = aws.call(&Call::json(Action::GetParameter, "AmazonSSM", "1.1", &body)).await.map_err(failed)?;
        let text = parsed(&answer)?.pointer("/Parameter/Value").and_then(Value::as_str).map(str::to_owned);
        return text.ok_or_else(|| lacks("the answer has no value"));
    }
    let name = value.strip_prefix(SECRET).unwrap_or(value);
    let (id, field) = name.split_once('#').map_or((name, None), |(id, field)| (id, Some(field)));
    let call = Call::json(Action::GetSecretValue, "secretsmanager", "1.1", &json!({"SecretId": id}));
    let answer = aws.call(&call).await.map_err(failed)?;
    let secret = parsed(&answer)?.get("SecretString").and_then(Value::as_str).map(str::to_owned);
    let secret = secret.ok_or_else(|| lacks("the secret is not a text"))?;
    let Some(field) = field else { return Ok(secret) };
    let object: Value = serde_json::from_str(&secret).map_err(|_| lacks("the secret is not a JSON object"))?;
    let text = object.get(field).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| lacks("the secret has no such field, or it is not a text"))
}

/// What a bucket said, without the page that it said it with.
fn brief(error: &object_store::Error) -> String {
    let text = error.to_string();
    let words = text.split("<?xml").next().unwrap_or_default();
    words.trim_end().trim_end_matches(':').chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Where the configuration stands.
#[derive(Debug, Clone)]
pub enum Source {
    /// In a file, which came with the function.
    File(PathBuf),
    /// In the environment.
    Text(String),
    /// In an object of a bucket.
    Object(Url),
}

impl Source {
    /// Where `environment` says that it stands: `SIGCACHE_CONFIG_TEXT` is it, `SIGCACHE_CONFIG` is where it is. Without
    /// either it is `sigcache.toml` in the bundle.
    pub fn of(environment: &[(String, String)]) -> Self {
        let get = |name: &str| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if let Some(text) = get("SIGCACHE_CONFIG_TEXT") {
            return Self::Text(text.to_owned());
        }
        let place = get("SIGCACHE_CONFIG").unwrap_or("sigcache.toml");
        match Url::parse(place) {
            Ok(url) if url.scheme() == "s3" => Self::Object(url),
            _ => Self::File(bundle(environment).join(place)),
        }
    }
}

/// Where the function's own files are.
pub fn bundle(environment: &[(String, String)]) -> PathBuf {
    let root = environment.iter().find(|(key, _)| key == "LAMBDA_TASK_ROOT").map(|(_, value)| PathBuf::from(value));
    root.unwrap_or_else(|| PathBuf::from("."))
}

/// Reads a configuration, and again where it has changed.
pub struct Configuration {
    source: Source,
    environment: Vec<(String, String)>,
    object: Option<(Arc<dyn ObjectStore>, Key)>,
    etag: Option<String>,
}

impl Configuration {
    /// That of `source`, read on behalf of whom `environment` names.
    pub fn new(source: Source, environment: Vec<(String, String)>) -> Result<Self, SettingsError> {
        let object = match &source {
            Source::Object(url) => {
                let unusable = |found: String| SettingsError::Object { url: url.to_string(), found };
                let mut root = url.clone();
                root.set_path("");
                let objects = sigcache_core::store::open_objects(&root, &CloudSettings::default(), &environment);
                let key = Key::from_url_path(url.path()).map_err(|error| unusable(error.to_string()))?;
                Some((objects.map_err(|error| unusable(error.chain()))?, key))
            }
            Source::File(_) | Source::Text(_) => None,
        };
        Ok(Self { source, environment, object, etag: None })
    }

    /// The configuration, if it was not read yet or has changed since. Paths in it begin in the bundle.
    pub async fn read(&mut self) -> Result<Option<Config>, SettingsError> {
        let (etag, text) = match &self.object {
            Some((objects, key)) => match self.changed(objects, key).await? {
                Some((etag, text)) => (etag, Some(text)),
                None => return Ok(None),
            },
            None if self.etag.is_some() => return Ok(None),
            // What came with the function does not change while it runs.
            None => (Some("as deployed".to_owned()), None),
        };
        let variables = Variables::resolve(&self.environment).await?;
        let (env, folder) = (|name: &str| variables.get(name), bundle(&self.environment));
        let config = match (&self.source, text) {
            (Source::Object(url), text) => Config::parse(&text.unwrap_or_default(), url.as_str(), &folder, &env)?,
            (Source::Text(text), _) => Config::parse(text, "SIGCACHE_CONFIG_TEXT", &folder, &env)?,
            (Source::File(path), _) => Config::load(path, &env)?,
        };
        self.etag = etag;
        Ok(Some(config))
    }

    /// The text of the object and its entity tag, where that is another than before.
    async fn changed(
        &self,
        objects: &Arc<dyn ObjectStore>,
        key: &Key,
    ) -> Result<Option<(Option<String>, String)>, SettingsError> {
        let Source::Object(url) = &self.source else { return Ok(None) };
        let unread = |found: String| SettingsError::Object { url: url.to_string(), found };
        let options = GetOptions { if_none_match: self.etag.clone(), ..GetOptions::default() };
        let got = match objects.get_opts(key, options).await {
            Ok(got) => got,
            Err(object_store::Error::NotModified { .. }) => return Ok(None),
            Err(error) => return Err(unread(brief(&error))),
        };
        if got.meta.size > MAX_CONFIG_BYTES {
            return Err(unread(format!("it has {} bytes, more than {MAX_CONFIG_BYTES}", got.meta.size)));
        }
        let etag = got.meta.e_tag.clone();
        let bytes = got.bytes().await.map_err(|error| unread(brief(&error)))?;
        let text = String::from_utf8(bytes.into()).map_err(|_| unread("it is not UTF-8".to_owned()))?;
        Ok(Some((etag, text)))
    }
}
