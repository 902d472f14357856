//! The artifact through the pipeline: that version of it, with the release key, into the release bucket.

use std::{sync::Arc, time::Duration};

use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, path::Path};
use sigcache_core::{
    Decision, Digest, Name, Resource, Rules, Timestamp,
    fetch::{Fetcher, Limits, ObjectFetcher},
    run::{Runner, Selection},
    runtime::Tokio,
    store::Bucket,
    trust::Trust,
    verify::Minisign,
};
use url::Url;

use super::SIGNATURE_SUFFIX;
use crate::event::Upload;

/// The largest code that Lambda takes from a bucket, zipped (50 MB is the limit of a direct upload; of a bucket it is that
/// of the unzipped code, 250 MB).
const MAX_ARTIFACT_BYTES: u64 = 250 << 20;

/// What verification has in hand.
#[derive(Debug, Clone)]
pub(super) struct Verification {
    pub(super) uploads: Arc<dyn ObjectStore>,
    /// The URL of that bucket.
    pub(super) base: Url,
    pub(super) store: Arc<Bucket>,
    pub(super) trust: Trust,
    /// What the artifact is called in the release bucket: whatever its key is.
    pub(super) name: Name,
}

/// An artifact that passed.
pub(super) struct Artifact {
    pub(super) digest: Digest,
    /// Its key in the release bucket, where it does not change.
    pub(super) key: String,
}

impl Verification {
    /// What the bucket knows of an upload.
    pub(super) async fn look(&self, upload: &Upload) -> Result<ObjectMeta, object_store::Error> {
        let options = GetOptions { version: upload.version.clone(), head: true, ..GetOptions::default() };
        Ok(self.uploads.get_opts(&Path::parse(&upload.key)?, options).await?.meta)
    }

    /// Takes the artifact through the pipeline; what came of it, and where it is now.
    pub(super) async fn run(
        &self,
        upload: &Upload,
        now: Timestamp,
        nonce: u64,
    ) -> Result<(Decision, Option<Artifact>), sigcache_core::Error> {
        let mut url = self.base.clone();
        // Each part by itself, so that whatever stands in a key stays in its path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(upload.key.split('/'));
        }
        let runtime = Arc::new(Tokio::current());
        let fetcher: Arc<dyn Fetcher> = Arc::new(
            ObjectFetcher::new(self.uploads.clone(), self.base.clone())
                .with_version(upload.version.clone())
                .with_runtime(runtime.clone()),
        );
        let mut limits = Limits::default();
        (limits.max_size, limits.total) = (MAX_ARTIFACT_BYTES, Duration::from_secs(300));
        let verifier = Minisign::new(SIGNATURE_SUFFIX).with_timestamp_in_comment();
        let rules = Rules::new(Arc::new(verifier), self.trust.clone()).with_limits(limits);
        let resource = Resource::new(self.name.clone(), [url], Arc::new(rules));
        let runner = Runner::new(fetcher, self.store.clone(), runtime);
        let (report, catalog) =
            runner.sync_with_catalog(&[resource], &Selection::Only([self.name.clone()].into()), now, nonce).await?;
        let decision = report.decisions.into_iter().next();
        let decision = decision.ok_or_else(|| sigcache_core::Error::TaskLost(self.name.clone()))?;
        let catalog = match catalog {
            Some(catalog) => catalog,
            None => return Ok((decision, None)),
        };
        let receipt = catalog.get(&self.name).and_then(|entry| entry.live().cloned());
        let artifact = receipt.filter(|_| decision.is_good()).map(|receipt| Artifact {
            digest: receipt.evidence.digest,
            key: self.store.layout().stored(&self.name, &receipt).to_string(),
        });
        Ok((decision, artifact))
    }

    /// Takes a probe away that has come back.
    pub(super) async fn take_away(&self, key: &str) -> Result<(), object_store::Error> {
        self.uploads.delete(&Path::parse(format!("{key}{SIGNATURE_SUFFIX}"))?).await?;
        self.uploads.delete(&Path::parse(key)?).await
    }
}
