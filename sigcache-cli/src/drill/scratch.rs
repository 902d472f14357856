//! The store in which the twins are tried: in memory, with the good copy in it, and gone with this value.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use object_store::{ObjectStoreExt as _, memory::InMemory, path::Path};
use sigcache_core::{
    Decision, Last, Outcome, Reason, Receipt, Resource, RunId, Standing, Timestamp,
    fetch::Fetcher,
    read::{self, ReadError, verify_stored},
    run::{Runner, Selection},
    runtime::Tokio,
    store::{Bucket, Change, ChangeKind, Heard, Layout, Shard, Store as _},
};

/// A store with the good copy of one resource.
pub(crate) struct Scratch {
    objects: Arc<InMemory>,
    bucket: Arc<Bucket>,
    fetcher: Arc<dyn Fetcher>,
    /// No two runs have one id.
    runs: Arc<AtomicU64>,
}

/// What a twin must leave as it was.
pub(crate) struct Before {
    receipt: Arc<Receipt>,
}

impl Scratch {
    pub(crate) fn new(fetcher: Arc<dyn Fetcher>) -> Self {
        Self::over(Arc::new(InMemory::new()), fetcher, Arc::default())
    }

    fn over(objects: Arc<InMemory>, fetcher: Arc<dyn Fetcher>, runs: Arc<AtomicU64>) -> Self {
        let bucket = Arc::new(Bucket::new(objects.clone()));
        Self { objects, bucket, fetcher, runs }
    }

    /// Another store with the same in it.
    pub(crate) fn copy(&self) -> Self {
        Self::over(Arc::new(self.objects.fork()), self.fetcher.clone(), self.runs.clone())
    }

    /// A run over this resource, and over one `beside` it, by the runner that `sync` has.
    pub(crate) async fn run(&self, resource: &Resource, beside: Option<Resource>, now: Timestamp) -> Result<Decision> {
        let runner = Runner::new(self.fetcher.clone(), self.bucket.clone(), Arc::new(Tokio::current()));
        let resources: Vec<Resource> = [resource.clone()].into_iter().chain(beside).collect();
        let only = Selection::Only(resources.iter().map(|resource| resource.name.clone()).collect());
        let report = runner.sync(&resources, &only, now, self.number()).await?;
        if let Some(failure) = report.store_failure {
            return Err(anyhow!("the scratch store failed: {failure}"));
        }
        let own = report.decisions.into_iter().find(|decision| decision.resource == resource.name);
        own.context("a run without a decision")
    }

    /// The receipt of the copy that is here.
    pub(crate) async fn receipt(&self, resource: &Resource) -> Result<Arc<Receipt>> {
        let catalog = self.bucket.catalog().await?;
        let entry = catalog.get(&resource.name).and_then(|entry| entry.receipt.clone());
        entry.context("no receipt in the scratch store")
    }

    /// Remembers another version as the newest one, as a run that had found it would have.
    pub(crate) async fn replace(&self, resource: &Resource, newer: Receipt, now: Timestamp) -> Result<()> {
        let base = self.bucket.catalog().await?;
        let run = RunId::new(now, self.number());
        let kind = ChangeKind::Store { receipt: Arc::new(newer), heard: Heard::default() };
        let last = Last::new(run, Outcome::Stored, Reason::NewVersion);
        let change = Change::new(resource.name.clone(), base.get(&resource.name), kind, last);
        self.bucket.commit(base, &[change], run, now).await?;
        Ok(())
    }

    /// What is here before a twin is tried.
    pub(crate) async fn before(&self, resource: &Resource) -> Result<Before> {
        Ok(Before { receipt: self.receipt(resource).await? })
    }

    /// What is wrong with the good copy after a twin was tried: the catalog must name the version that it named, the
    /// object must be the one that was stored, and the plain copy must be there for as long as the copy is served.
    pub(crate) async fn damage(
        &self,
        good: &Resource,
        stored: &Receipt,
        document: &Bytes,
        before: &Before,
        is_served: bool,
    ) -> Result<Option<String>> {
        let catalog = self.bucket.catalog().await?;
        let Some(entry) = catalog.get(&good.name) else { return Ok(Some("the catalog forgot it".to_owned())) };
        if entry.receipt.as_ref() != Some(&before.receipt) {
            return Ok(Some("the catalog names another version".to_owned()));
        }
        let standing = if is_served { Standing::Live } else { Standing::Withheld };
        if entry.standing != standing {
            return Ok(Some(format!("it stands as {:?}, not as {standing:?}", entry.standing)));
        }
        let read = async { verify_stored(&*self.bucket, good, stored, stored.verified_at).await?.bytes().await };
        match read.await {
            Ok(bytes) if bytes == *document => {}
            Ok(_) => return Ok(Some("it reads as other bytes".to_owned())),
            Err(error) => return Ok(Some(format!("it cannot be read: {error}"))),
        }
        let latest = Layout::new(Path::default(), Shard::WHOLE).latest(&good.name, "");
        let plain = match self.objects.get(&latest).await {
            Ok(found) => Some(found.bytes().await?),
            Err(_) => None,
        };
        Ok(match (plain, is_served) {
            (Some(plain), true) if plain == *document => None,
            (Some(_), true) => Some("its plain copy has other bytes".to_owned()),
            (None, true) => Some("its plain copy is gone".to_owned()),
            (Some(_), false) => Some("its plain copy is still there".to_owned()),
            (None, false) => None,
        })
    }

    /// Why a reader does not get the copy at `now`, if so.
    pub(crate) async fn refusal(&self, resource: &Resource, now: Timestamp) -> Result<Option<Reason>> {
        let catalog = self.bucket.catalog().await?;
        let entry = catalog.get(&resource.name).context("no entry in the scratch store")?;
        match read::read(&*self.bucket, resource, entry, now).await {
            Ok(_) => Ok(None),
            Err(ReadError::Refused(failure)) => Ok(Some(failure.reason)),
            Err(error) => Err(error.into()),
        }
    }

    fn number(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::Relaxed)
    }
}
