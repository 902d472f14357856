//! What a configuration can say of a bucket in a cloud.

use bytes::Bytes;
use url::Url;

/// How to reach a bucket, beside what its URL and the environment say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloudSettings {
    /// Another server than the cloud's own.
    pub endpoint: Option<Url>,
    /// The region of an S3 bucket; else `AWS_REGION`, else `us-east-1`.
    pub region: Option<String>,
    /// Whether an S3 bucket's name stands in the path of its URLs, not in the host name. Else it does at other
    /// endpoints than Amazon's, and for names with a dot, which no certificate covers.
    pub path_style: Option<bool>,
    /// How S3 is to encrypt what it is given; else as the bucket says.
    pub encryption: Option<Encryption>,
    /// The account of an Azure container; else `AZURE_STORAGE_ACCOUNT_NAME`.
    pub account: Option<String>,
    /// Certificate authorities of the endpoint, beside those of the system: files in PEM.
    pub extra_ca: Vec<Bytes>,
}

/// Encryption at rest by S3 itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// With keys of S3 (SSE-S3, `AES256`).
    S3,
    /// With a key of KMS (SSE-KMS, `aws:kms`); `None` is the account's own for S3.
    Kms(Option<String>),
}
