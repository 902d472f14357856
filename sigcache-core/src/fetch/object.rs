//! Fetching from an object store: another team's bucket, a mounted mirror, or a cache that is to be verified again.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use object_store::{Error as ObjectError, GetOptions, ObjectStore, path::Path};
use url::Url;

use super::{Body, FetchError, FetchRequest, Fetched, Fetcher, Meta, Retry};
use crate::{reason::Reason, receipt::Validators};

/// Reads objects below one URL from one object store. The entity tag is the validator.
#[derive(Debug)]
pub struct ObjectFetcher {
    objects: Arc<dyn ObjectStore>,
    base: Url,
}

impl ObjectFetcher {
    /// `base` is the URL of the store's root, such as `file:///srv/mirror/`; only URLs below it can be fetched.
    pub fn new(objects: Arc<dyn ObjectStore>, mut base: Url) -> Self {
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Self { objects, base }
    }

    fn key(&self, url: &Url) -> Option<Path> {
        let same = url.scheme() == self.base.scheme() && url.host() == self.base.host();
        let below = url.path().strip_prefix(self.base.path()).filter(|_| same)?;
        Path::from_url_path(below).ok().filter(|key| !key.as_ref().is_empty())
    }
}

#[async_trait]
impl Fetcher for ObjectFetcher {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let missing =
            |found: String| FetchError::new(Reason::SourceMissing, format!("an object at {}", request.url), found);
        let key = self.key(request.url).ok_or_else(|| missing(format!("a URL that is not below {}", self.base)))?;
        let etag = request.validators.and_then(|known| known.etag.as_deref().map(str::to_owned));
        let options = GetOptions { if_none_match: etag, ..GetOptions::default() };
        let result = match self.objects.get_opts(&key, options).await {
            Ok(result) => result,
            Err(ObjectError::NotModified { .. }) => return Ok(Fetched::NotModified(Meta::default())),
            Err(error @ ObjectError::NotFound { .. }) => return Err(missing("none".to_owned()).with_cause(error)),
            Err(error) => return Err(failed(error)),
        };
        let meta = Meta {
            validators: Validators { etag: result.meta.e_tag.as_deref().map(Arc::from), last_modified: None },
            length: Some(result.meta.size),
            ..Meta::default()
        };
        let chunks = result.into_stream().map_err(failed);
        Ok(Fetched::Body(Body::new(&request, meta, chunks)?))
    }
}

fn failed(error: ObjectError) -> FetchError {
    let found = error.to_string();
    FetchError::new(Reason::SourceFailed, "the object", found).with_retry(Retry::Yes).with_cause(error)
}
