//! Why a stored object is trusted.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    evidence::{Evidence, KeyId},
    name::Name,
    time::Timestamp,
};

/// What a source said about its answer, to be sent back with the next request (RFC 9110, section 13).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Validators {
    /// `ETag`, exactly as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<Arc<str>>,
    /// `Last-Modified`, exactly as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<Arc<str>>,
}

impl Validators {
    /// Neither of the two: such a request is not conditional.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// A companion as it was when the object was verified, so that the signature can be checked again from the store alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeptCompanion {
    /// What is appended to the name of the resource, such as `.sig`.
    pub suffix: Arc<str>,
    /// The bytes, as received.
    #[serde(with = "as_base64")]
    pub bytes: Bytes,
}

impl KeptCompanion {
    /// Keeps `bytes` as the companion with this suffix.
    pub fn new(suffix: &str, bytes: Bytes) -> Self {
        Self { suffix: suffix.into(), bytes }
    }
}

/// Why an object is trusted: what was verified, from where, with what, when, and where it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The last part of the object's key below `versions/<name>/`.
    pub version: Arc<str>,
    /// The URL that the bytes came from.
    pub source: Arc<str>,
    /// When they were verified.
    pub verified_at: Timestamp,
    /// What the verification established.
    pub evidence: Evidence,
    /// The fingerprints of the keys that signed, in the order of [`Evidence::signers`]: an id can be given to another
    /// key later. Where the trusted key is a certificate, they are of the key of it that signed.
    pub keys: Arc<[Digest]>,
    /// The [settings](crate::verify::Verifier::settings) of the verifier that accepted it.
    pub settings: Digest,
    /// The signature files and other companions that it needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<KeptCompanion>,
    /// What to send with the next request to the same source.
    #[serde(default, skip_serializing_if = "Validators::is_empty")]
    pub validators: Validators,
    /// The media type that the configuration or else the source gave, where it is printable ASCII.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Arc<str>>,
    /// The document itself, where it is an anchor: others rest on it, and to read it costs no request.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_optional_base64")]
    pub document: Option<Bytes>,
    /// The anchor that vouched for the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Name>,
}

impl Receipt {
    /// The keys that signed: their ids then, and what they were.
    pub fn signers(&self) -> impl Iterator<Item = (&KeyId, Option<Digest>)> {
        let keys = self.keys.iter().copied().map(Some).chain(std::iter::repeat(None));
        self.evidence.signers.iter().zip(keys)
    }
}

mod as_optional_base64 {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::as_base64::serialize(bytes, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
        #[derive(Deserialize)]
        struct Text(#[serde(with = "super::as_base64")] Bytes);
        Ok(Option::<Text>::deserialize(deserializer)?.map(|text| text.0))
    }
}

mod as_base64 {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        // In just the room it needs: there may be very many of them.
        STANDARD.decode(text).map(|bytes| Bytes::from(bytes.into_boxed_slice())).map_err(D::Error::custom)
    }
}
