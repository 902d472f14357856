//! The release that is in the release bucket, and how anything gets into the upload bucket.

use std::sync::Arc;

use futures_util::StreamExt as _;
use object_store::{Error as ObjectError, ObjectStore, ObjectStoreExt as _, PutResult, path::Path};
use sigcache_core::{
    Name,
    store::{Bucket, CloudSettings, Publish, Store as _, StoreError},
};
use url::Url;

use super::{SIGNATURE_SUFFIX, STORE};

/// The release bucket's store of verified artifacts; none of them lies there as a plain copy.
pub fn open_releases(bucket: &Url, environment: &[(String, String)]) -> Result<Bucket, StoreError> {
    let mut store = bucket.clone();
    store.set_path(STORE);
    let opened = sigcache_core::store::open_cloud(&store, &CloudSettings::default(), environment)?;
    Ok(opened.with_publish(Publish::Nothing))
}

/// An artifact and its signature.
#[derive(Debug, Clone)]
pub struct Release {
    /// The artifact.
    pub artifact: bytes::Bytes,
    /// The file of minisign that belongs to it.
    pub signature: bytes::Bytes,
}

impl Release {
    /// What is in the store as `name` now, if anything is.
    pub async fn current(
        store: &Bucket,
        name: &Name,
    ) -> Result<Option<Self>, Box<dyn std::error::Error + Send + Sync>> {
        let catalog = store.catalog().await?;
        let Some(receipt) = catalog.get(name).and_then(|entry| entry.live().cloned()) else { return Ok(None) };
        let Some(signature) = receipt.companions.first().map(|companion| companion.bytes.clone()) else {
            return Ok(None);
        };
        let mut download = store.read(name, &receipt).await?;
        let mut artifact = Vec::new();
        while let Some(chunk) = download.chunks.next().await {
            artifact.extend_from_slice(&chunk?);
        }
        Ok(Some(Self { artifact: artifact.into(), signature }))
    }

    /// Puts it into the upload bucket: first the signature, then what is signed, whose event begins everything.
    pub async fn send(&self, uploads: &Arc<dyn ObjectStore>, key: &str) -> Result<PutResult, ObjectError> {
        let signature = Path::parse(format!("{key}{SIGNATURE_SUFFIX}"))?;
        uploads.put(&signature, self.signature.clone().into()).await?;
        uploads.put(&Path::parse(key)?, self.artifact.clone().into()).await
    }
}
