//! Buckets of S3, Google Cloud Storage and Azure, and of servers that speak as S3 does.
//!
//! Who may write comes from the environment, by the names that the tools of each cloud use; no credential is ever part
//! of a configuration. All three acknowledge a write only when it is durable, and can create an object only if it is
//! absent; a server that ignores that condition is found out before the first commit.

use std::{ffi::OsString, str::FromStr, sync::Arc, time::Duration};

use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig, path::Path};
use url::Url;

#[cfg(feature = "s3")]
use super::Encryption;
use super::{Bucket, CloudSettings, StoreError};

/// Parts of one upload on their way at once: 48 MiB of memory, with the one being filled and the one that waits.
const PARTS_AT_ONCE: usize = 4;

/// No connection within this time is none.
const CONNECT: Duration = Duration::from_secs(5);

/// An answer that stands still for so long has ended. Not a bound of the whole: a large object takes its time.
const SILENCE: Duration = Duration::from_secs(30);

/// A request that fails is repeated for so long. A run cannot do without its store, and an hourly run has the time; what
/// outlasts this is told to a person.
const PATIENCE: Duration = Duration::from_secs(60);

/// The largest object that S3 copies in one request, in bytes (CopyObject).
#[cfg(feature = "s3")]
const LARGEST_S3_COPY: u64 = 5 << 30;

/// The largest object that Azure copies before it answers, in bytes. A larger copy may still be under way when it does.
#[cfg(feature = "azure")]
const LARGEST_AZURE_COPY: u64 = 256 << 20;

/// The bucket at `url`: `s3://bucket/root`, `gs://bucket/root` or `az://container/root`, where the root may be left out.
/// No request is made yet.
///
/// `environment` holds the credentials, by the names that `object_store` knows: `AWS_…`, `GOOGLE_…` and
/// `SERVICE_ACCOUNT`, or `AZURE_…` and `IDENTITY_ENDPOINT`; [`environment`] is that of the process. What `settings` say
/// goes before it.
///
/// # Panics
///
/// Requests to it panic outside a tokio runtime.
pub fn open_cloud(url: &Url, settings: &CloudSettings, environment: &[(String, String)]) -> Result<Bucket, StoreError> {
    let root = Path::from_url_path(url.path()).map_err(|error| unopened(url, error))?;
    let (objects, largest_copy) = objects(url, settings, environment)?;
    Ok(Bucket::new(objects)
        .with_root(root)
        .with_attributes()
        .with_parts_at_once(PARTS_AT_ONCE)
        .with_largest_copy(largest_copy))
}

/// The objects of the bucket of `url`, whose path is not looked at; the rest as with [`open_cloud`]. For what is no store
/// of this project: a bucket to fetch from.
pub fn open_objects(
    url: &Url,
    settings: &CloudSettings,
    environment: &[(String, String)],
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    objects(url, settings, environment).map(|(objects, _)| objects)
}

/// The variables of this process, without those that are not UTF-8.
pub fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// The variables of a cloud that stand for a setting of its client.
fn variables<'e, K: FromStr>(
    environment: &'e [(String, String)],
    prefix: &'static str,
) -> impl Iterator<Item = (K, &'e str)> {
    let of_cloud = environment.iter().filter(move |(name, _)| name.starts_with(prefix));
    of_cloud.filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value.as_str())))
}

/// The store at `url`, and the largest object that it copies by itself.
fn objects(
    url: &Url,
    settings: &CloudSettings,
    environment: &[(String, String)],
) -> Result<(Arc<dyn ObjectStore>, u64), StoreError> {
    let name =
        url.host_str().filter(|name| !name.is_empty()).ok_or_else(|| unopened(url, "there is no bucket in it"))?;
    let opened: object_store::Result<(Arc<dyn ObjectStore>, u64)> = match url.scheme() {
        #[cfg(feature = "s3")]
        "s3" => s3(name, settings, environment).map(|store| (store, LARGEST_S3_COPY)),
        #[cfg(feature = "gcs")]
        "gs" => gcs(name, settings, environment).map(|store| (store, u64::MAX)),
        #[cfg(feature = "azure")]
        "az" => azure(name, settings, environment).map(|store| (store, LARGEST_AZURE_COPY)),
        _ => return Err(unopened(url, "not supported by this build")),
    };
    opened.map_err(|error| unopened(url, error))
}

fn unopened(url: &Url, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable { doing: "open", key: url.to_string(), source: source.into() }
}

#[cfg(feature = "s3")]
fn s3(
    bucket: &str,
    settings: &CloudSettings,
    environment: &[(String, String)],
) -> object_store::Result<Arc<dyn ObjectStore>> {
    use object_store::{
        ClientConfigKey,
        aws::{AmazonS3Builder, AmazonS3ConfigKey as Key},
    };
    let mut builder = AmazonS3Builder::new();
    for (key, value) in variables(environment, "AWS_") {
        builder = builder.with_config(key, value);
    }
    builder = builder.with_bucket_name(bucket).with_retry(retries());
    let plain = builder.get_config_value(&Key::Client(ClientConfigKey::AllowHttp)).is_some_and(|text| text == "true");
    builder = builder.with_client_options(client(settings, plain)?);
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    let elsewhere = settings.endpoint.is_some()
        || [Key::Endpoint, Key::S3Endpoint].iter().any(|key| builder.get_config_value(key).is_some());
    let path_style = settings.path_style.unwrap_or(elsewhere || bucket.contains('.'));
    builder = builder.with_virtual_hosted_style_request(!path_style);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(address(endpoint, (!path_style).then_some(bucket)));
    }
    if let Some(encryption) = &settings.encryption {
        // This key has a name and no public variant.
        let kind: Key = "aws_server_side_encryption".parse()?;
        builder = match encryption {
            Encryption::S3 => builder.with_config(kind, "AES256"),
            Encryption::Kms(None) => builder.with_config(kind, "aws:kms"),
            Encryption::Kms(Some(id)) => builder.with_sse_kms_encryption(id),
        };
    }
    Ok(Arc::new(builder.build()?))
}

#[cfg(feature = "gcs")]
fn gcs(
    bucket: &str,
    settings: &CloudSettings,
    environment: &[(String, String)],
) -> object_store::Result<Arc<dyn ObjectStore>> {
    use object_store::gcp::GoogleCloudStorageBuilder;
    let mut builder = GoogleCloudStorageBuilder::new();
    if let Some((_, path)) = environment.iter().find(|(name, _)| name == "SERVICE_ACCOUNT") {
        builder = builder.with_service_account_path(path);
    }
    for (key, value) in variables(environment, "GOOGLE_") {
        builder = builder.with_config(key, value);
    }
    builder = builder.with_bucket_name(bucket).with_retry(retries()).with_client_options(client(settings, false)?);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_base_url(&address(endpoint, None));
    }
    Ok(Arc::new(builder.build()?))
}

#[cfg(feature = "azure")]
fn azure(
    container: &str,
    settings: &CloudSettings,
    environment: &[(String, String)],
) -> object_store::Result<Arc<dyn ObjectStore>> {
    use object_store::{
        ClientConfigKey,
        azure::{AzureConfigKey as Key, MicrosoftAzureBuilder},
    };
    let mut builder = MicrosoftAzureBuilder::new();
    for (key, value) in variables(environment, "AZURE_") {
        builder = builder.with_config(key, value);
    }
    if let Some((_, endpoint)) = environment.iter().find(|(name, _)| name == "IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(endpoint);
    }
    builder = builder.with_container_name(container).with_retry(retries());
    let plain = builder.get_config_value(&Key::Client(ClientConfigKey::AllowHttp)).is_some_and(|text| text == "true");
    builder = builder.with_client_options(client(settings, plain)?);
    if let Some(account) = &settings.account {
        builder = builder.with_account(account);
    }
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(address(endpoint, None));
    }
    Ok(Arc::new(builder.build()?))
}

/// The endpoint without a slash at its end; with the bucket as the first label of its host name where that is asked for.
fn address(endpoint: &Url, bucket: Option<&str>) -> String {
    let mut endpoint = endpoint.clone();
    if let (Some(bucket), Some(host)) = (bucket, endpoint.host_str()) {
        let host = format!("{bucket}.{host}");
        // Fails where the host is an address; then the store's own answer says that there is no such bucket.
        let _ = endpoint.set_host(Some(&host));
    }
    endpoint.as_str().trim_end_matches('/').to_owned()
}

/// `plain` allows HTTP without TLS where the environment asks for it; an endpoint of the configuration says so itself.
fn client(settings: &CloudSettings, plain: bool) -> object_store::Result<ClientOptions> {
    let plain = plain || settings.endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http");
    let options = ClientOptions::new().with_allow_http(plain).with_connect_timeout(CONNECT);
    let mut options = options.with_timeout_disabled().with_read_timeout(SILENCE);
    for pem in &settings.extra_ca {
        for certificate in Certificate::from_pem_bundle(pem)? {
            options = options.with_root_certificate(certificate);
        }
    }
    Ok(options)
}

fn retries() -> RetryConfig {
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() };
    RetryConfig { backoff, retry_timeout: PATIENCE, ..RetryConfig::default() }
}
