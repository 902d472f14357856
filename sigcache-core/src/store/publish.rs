//! Plain copies below `latest/`, for readers without this library.
//!
//! They follow the catalog and never lead it. Which of them are behind follows from two numbers: the snapshot in which
//! an entry changed last, and the mark of the last snapshot that was published whole.

use std::collections::BTreeSet;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use object_store::{Error as ObjectError, ObjectStore, ObjectStoreExt as _, PutPayload, path::Path};

use super::{Bucket, Catalog, SnapshotKey, Store as _, StoreError, bucket::failed};
use crate::{decision::Failure, entry::Entry, name::Name, reason::Reason};

/// How many copies are made at once.
const AT_ONCE: usize = 32;

impl Bucket {
    pub(super) async fn publish_copies(&self, catalog: &Catalog) -> Result<Vec<(Name, Failure)>, StoreError> {
        let published = catalog.published();
        let behind = |catalog: &Catalog| {
            let changed = catalog.entries().filter(|(_, entry)| entry.changed_in > published);
            changed.map(|(name, _)| name.clone()).collect::<BTreeSet<Name>>()
        };
        let mut touched = behind(catalog);
        if touched.is_empty() {
            return Ok(Vec::new());
        }
        let mut newer: Option<Catalog> = None;
        loop {
            let current = newer.as_ref().unwrap_or(catalog);
            let failures = self.publish_names(current, &touched).await;
            if !failures.is_empty() {
                return Ok(failures);
            }
            // Another run may have committed and published while we copied; then some of our copies are older than
            // its own, and nobody but us knows which. So we go on until nothing newer is there.
            let head = self.catalog().await?;
            if head.sequence() <= current.sequence() {
                self.mark_published(current.sequence()).await?;
                return Ok(Vec::new());
            }
            touched.extend(behind(&head));
            newer = Some(head);
        }
    }

    async fn publish_names(&self, catalog: &Catalog, names: &BTreeSet<Name>) -> Vec<(Name, Failure)> {
        let mut copies = Vec::new();
        for name in names {
            if let Some(entry) = catalog.get(name) {
                copies.push(self.publish_or_say(name, entry).boxed());
            }
        }
        stream::iter(copies).buffer_unordered(AT_ONCE).filter_map(async |failure| failure).collect().await
    }

    async fn publish_or_say(&self, name: &Name, entry: &Entry) -> Option<(Name, Failure)> {
        let error = self.publish_entry(name, entry).await.err()?;
        let expected = format!("a copy at {}", self.layout.latest(name, ""));
        Some((name.clone(), Failure::new(Reason::PublishFailed, expected, error.chain())))
    }

    async fn publish_entry(&self, name: &Name, entry: &Entry) -> Result<(), StoreError> {
        let Some(receipt) = &entry.receipt else { return Ok(()) };
        let latest = self.layout.latest(name, "");
        if entry.live().is_none() {
            // The document goes before its companions: what is left alone in between proves nothing.
            self.remove(&latest).await?;
            for companion in &receipt.companions {
                self.remove(&self.layout.latest(name, &companion.suffix)).await?;
            }
            return Ok(());
        }
        let version = self.layout.stored(name, receipt);
        self.count(1);
        self.objects.copy(&version, &latest).await.map_err(|error| failed("copy", &version, error))?;
        for companion in &receipt.companions {
            let key = self.layout.latest(name, &companion.suffix);
            self.count(1);
            let put = self.objects.put(&key, PutPayload::from(companion.bytes.clone())).await;
            put.map_err(|error| failed("write", &key, error))?;
        }
        Ok(())
    }

    pub(super) async fn remove(&self, key: &Path) -> Result<(), StoreError> {
        self.count(1);
        match self.objects.delete(key).await {
            // Some stores say that what is not there cannot be deleted.
            Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("delete", key, error)),
        }
    }

    async fn mark_published(&self, sequence: u64) -> Result<(), StoreError> {
        self.flush().await?;
        let key = self.layout.catalog(SnapshotKey::Published(sequence));
        self.count(1);
        let put = ObjectStore::put_opts(&*self.commits, &key, PutPayload::new(), Default::default()).await;
        put.map(|_| ()).map_err(|error| failed("write", &key, error))
    }
}
