//! Fetching from an object store: another team's bucket, a mounted mirror, or a cache that is to be verified again.

use std::{fs, io, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use object_store::{Error as ObjectError, GetOptions, ObjectStore, path::Path};
use url::Url;

use super::{Body, FetchError, FetchRequest, Fetched, Fetcher, Meta, Part, Retry, watch::Watch};
use crate::{reason::Reason, receipt::Validators, runtime::Runtime};

/// Reads objects below one URL from one object store. The entity tag is the validator.
///
/// The limits of time hold with a runtime ([`ObjectFetcher::with_runtime`]): the core has no timers of its own.
#[derive(Debug)]
pub struct ObjectFetcher {
    objects: Arc<dyn ObjectStore>,
    base: Url,
    runtime: Option<Arc<dyn Runtime>>,
    version: Option<String>,
}

impl ObjectFetcher {
    /// `base` is the URL of the store's root, such as `file:///srv/mirror/`; only URLs below it can be fetched.
    pub fn new(objects: Arc<dyn ObjectStore>, mut base: Url) -> Self {
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Self { objects, base, runtime: None, version: None }
    }

    /// Keeps to the limits of time with this runtime's clock; without one a store that falls silent is waited for.
    pub fn with_runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Fetches documents in this version, which the store gave them; what lies beside them is fetched as it is now.
    pub fn with_version(mut self, version: Option<String>) -> Self {
        self.version = version;
        self
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
        let version = self.version.clone().filter(|_| request.part == Part::Document);
        let options = GetOptions { if_none_match: etag, version, ..GetOptions::default() };
        let watch = self.runtime.clone().map(|runtime| Watch::start(runtime, request.limits));
        let opening = async {
            only_a_file(request.url).await?;
            Ok(self.objects.get_opts(&key, options).await)
        };
        let answer = match &watch {
            Some(watch) => watch.answer(opening).await?,
            None => opening.await,
        };
        let result = match answer? {
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
        let body = match watch {
            Some(watch) => Body::new(&request, meta, watch.body(chunks)),
            None => Body::new(&request, meta, chunks),
        };
        body.map(Fetched::Body)
    }
}

/// Refuses what is not a file before it is opened. A pipe that nobody writes to holds whoever opens it, and a thread
/// that is held so outlives every limit and keeps the program from ending; a device has no end.
async fn only_a_file(url: &Url) -> Result<(), FetchError> {
    let Some(path) = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten() else { return Ok(()) };
    // What cannot be looked at is told by the store, which knows absence from failure; folders it has none.
    match kind(path).await {
        Ok(kind) if !kind.is_file() && !kind.is_dir() => {
            Err(FetchError::new(Reason::SourceFailed, "a file", "not a regular file, but a pipe, socket or device"))
        }
        _ => Ok(()),
    }
}

/// What is at `path`. A file system that hangs holds a thread, not the tasks beside this one.
async fn kind(path: PathBuf) -> io::Result<fs::FileType> {
    let look = move || fs::metadata(path).map(|found| found.file_type());
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        return runtime.spawn_blocking(look).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    }
    look()
}

fn failed(error: ObjectError) -> FetchError {
    let found = error.to_string();
    FetchError::new(Reason::SourceFailed, "the object", found).with_retry(Retry::Yes).with_cause(error)
}
