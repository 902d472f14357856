//! Plain copies below `latest/`, for readers without this library.
//!
//! They follow the catalog and never lead it. Which of them are behind follows from two numbers: the snapshot in which
//! an entry changed last, and the mark of the last snapshot that was published whole.
//!
//! A slow run may put an older copy over a newer one that another run has published and marked. It mends that itself
//! before it ends; should it not come to its end, the mark that it left at its beginning makes the next run do it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use object_store::{Error as ObjectError, ObjectStore, ObjectStoreExt as _, PutPayload, path::Path};

use super::{Bucket, Catalog, SnapshotKey, Staging as _, Store as _, StoreError, bucket::failed, staging::Upload};
use crate::{
    decision::{Failure, RunId},
    digest::Hasher,
    entry::Entry,
    name::Name,
    reason::Reason,
    receipt::Receipt,
    time::Timestamp,
};

/// How many copies are made at once.
const AT_ONCE: usize = 32;

/// So long after its beginning a publication changes nothing more.
pub const LONGEST_PUBLICATION: Duration = Duration::from_secs(3600);

/// What a publication that began this long before another one may have left, it has left: its mark can go once it is
/// mended. That is more than [`LONGEST_PUBLICATION`], since its last requests may be long on their way, and clocks differ:
/// by up to six hours they may. As long as the mark is there, what changed since is only copied once more.
const ABANDONED: Duration = Duration::from_secs(8 * 3600);

impl Bucket {
    pub(super) async fn publish_copies(
        &self,
        catalog: &Catalog,
        at: Timestamp,
    ) -> Result<Vec<(Name, Failure)>, StoreError> {
        let touched = behind(catalog, catalog.published());
        match catalog.run().filter(|_| !touched.is_empty()) {
            None => self.clear_marks(catalog, at).await.map(|()| Vec::new()),
            Some(run) => self.copy_anew(catalog, touched, run.begun_at(at)).await.map(|(failures, _)| failures),
        }
    }

    /// The resources of `catalog` of whose plain copy, or of that of a companion, nothing is there, or something of another
    /// size. It costs a listing; what is in the copies only an audit sees.
    pub async fn missing_copies(&self, catalog: &Catalog) -> Result<Vec<Name>, StoreError> {
        let folder = self.layout.latest_folder();
        let listed: Vec<_> =
            self.objects.list(Some(&folder)).try_collect().await.map_err(|error| failed("list", &folder, error))?;
        self.count((listed.len() as u64).div_ceil(1000).max(1));
        let sizes: HashMap<Path, u64> = listed.into_iter().map(|meta| (meta.location, meta.size)).collect();
        let is_there = |name: &Name, suffix: &str, size| sizes.get(&self.layout.latest(name, suffix)) == Some(&size);
        let missing = catalog.entries().filter(|(name, entry)| {
            entry.live().is_some_and(|receipt| {
                let mut companions = receipt.companions.iter();
                !is_there(name, "", receipt.evidence.size)
                    || !companions.all(|kept| is_there(name, &kept.suffix, kept.bytes.len() as u64))
            })
        });
        Ok(missing.map(|(name, _)| name.clone()).collect())
    }

    /// Makes the plain copies of `names` anew, wrong or right, and those that are behind. `run` began just now. Returns
    /// what could not be copied, and the snapshot that the copies are of. [`LONGEST_PUBLICATION`] after it began nothing
    /// more of it may happen.
    pub(crate) async fn restore_copies(
        &self,
        mut names: BTreeSet<Name>,
        run: RunId,
    ) -> Result<(BTreeMap<Name, Failure>, Catalog), StoreError> {
        let catalog = self.catalog().await?;
        names.extend(behind(&catalog, catalog.published()));
        let (failures, newer) = self.copy_anew(&catalog, names, run).await?;
        Ok((failures.into_iter().collect(), newer.unwrap_or(catalog)))
    }

    /// Returns what could not be copied, and the snapshot that the copies of `ours` are of, if that is newer than
    /// `catalog`.
    async fn copy_anew(
        &self,
        catalog: &Catalog,
        ours: BTreeSet<Name>,
        run: RunId,
    ) -> Result<(Vec<(Name, Failure)>, Option<Catalog>), StoreError> {
        let own = SnapshotKey::Publishing(catalog.published(), run);
        self.mark(own).await?;
        let mut newer: Option<Catalog> = None;
        let (mut again, mut suffixes): (Option<BTreeSet<Name>>, _) = (None, BTreeSet::new());
        loop {
            let current = newer.as_ref().unwrap_or(catalog);
            let names = again.as_ref().unwrap_or(&ours);
            suffixes.extend(names.iter().filter_map(|name| current.get(name)).flat_map(suffixes_of));
            let failures = self.publish_names(current, names).await;
            if !failures.is_empty() {
                return Ok((failures, newer));
            }
            // Another run may have committed and published while we copied; then some of our copies are older than
            // its own, and nobody but us knows which. So we go on until nothing newer is there. What we did not touch is
            // for the others to copy: many runs at once would else copy everything for each other, again and again.
            let newest = self.snapshots().await?.iter().filter_map(SnapshotKey::snapshot).max();
            if newest.is_none_or(|newest| newest <= current.sequence()) {
                self.flush().await?;
                self.mark(SnapshotKey::Published(catalog.sequence())).await?;
                self.remove(&self.layout.catalog(own)).await?;
                return self.clear_marks(catalog, run.time()).await.map(|()| (Vec::new(), newer));
            }
            let head = self.catalog().await?;
            let mut changed = behind(&head, current.sequence());
            changed.retain(|name| ours.contains(name) || lies_beside(name, &ours, &suffixes));
            (again, newer) = (Some(changed), Some(head));
        }
    }

    async fn publish_names(&self, catalog: &Catalog, names: &BTreeSet<Name>) -> Vec<(Name, Failure)> {
        // What goes makes room first: a name may now be a folder where it was a file, or the other way round.
        let mut failures = Vec::new();
        for live in [false, true] {
            let entries = names.iter().filter_map(|name| Some((name, catalog.get(name)?)));
            let entries = entries.filter(|(_, entry)| entry.live().is_some() == live);
            let copies = entries.map(|(name, entry)| self.publish_or_say(catalog, name, entry).boxed());
            let copies: Vec<_> = copies.collect();
            let mut ended = stream::iter(copies).buffer_unordered(AT_ONCE);
            while let Some(failure) = ended.next().await {
                failures.extend(failure);
            }
        }
        failures
    }

    async fn publish_or_say(&self, catalog: &Catalog, name: &Name, entry: &Entry) -> Option<(Name, Failure)> {
        let published = match entry.live() {
            Some(receipt) => self.put_copies(catalog, name, entry, receipt).await,
            None => self.take_copies(catalog, name, entry).await,
        };
        let error = published.err()?;
        let expected = match entry.live() {
            Some(_) => format!("a copy at {}", self.layout.latest(name, "")),
            None => format!("no copy at {}", self.layout.latest(name, "")),
        };
        Some((name.clone(), Failure::new(Reason::PublishFailed, expected, error.chain())))
    }

    async fn take_copies(&self, catalog: &Catalog, name: &Name, entry: &Entry) -> Result<(), StoreError> {
        let Some(receipt) = &entry.receipt else { return Ok(()) };
        // The document goes before its companions: what is left alone in between proves nothing.
        self.remove(&self.layout.latest(name, "")).await?;
        for companion in &receipt.companions {
            self.remove(&self.layout.latest(name, &companion.suffix)).await?;
        }
        self.take_former(catalog, name, entry).await
    }

    /// Takes away the companions of earlier versions, unless another resource has that place by now.
    async fn take_former(&self, catalog: &Catalog, name: &Name, entry: &Entry) -> Result<(), StoreError> {
        for suffix in &entry.former {
            let other = Name::new(&format!("{name}{suffix}")).ok();
            if other.and_then(|other| catalog.get(&other)?.live()).is_none() {
                self.remove(&self.layout.latest(name, suffix)).await?;
            }
        }
        Ok(())
    }

    async fn put_copies(
        &self,
        catalog: &Catalog,
        name: &Name,
        entry: &Entry,
        receipt: &Receipt,
    ) -> Result<(), StoreError> {
        let latest = self.layout.latest(name, "");
        let version = self.layout.stored(name, receipt);
        if receipt.evidence.size > self.largest_copy {
            self.carry(&version, &latest, receipt).await?;
        } else {
            self.count(1);
            self.objects.copy(&version, &latest).await.map_err(|error| failed("copy", &version, error))?;
        }
        for companion in &receipt.companions {
            let key = self.layout.latest(name, &companion.suffix);
            self.count(1);
            let put = self.objects.put(&key, PutPayload::from(companion.bytes.clone())).await;
            put.map_err(|error| failed("write", &key, error))?;
        }
        self.take_former(catalog, name, entry).await
    }

    /// Copies what the store does not copy by itself. Here the bytes pass by, so they are compared.
    async fn carry(&self, version: &Path, latest: &Path, receipt: &Receipt) -> Result<(), StoreError> {
        let mut download = self.open(version).await?;
        let mut copy = Box::new(Upload::new(self, latest.clone(), &receipt.version, receipt.content_type.as_deref()));
        let mut hasher = Hasher::default();
        let expected = (receipt.evidence.size, receipt.evidence.digest);
        let carried = async {
            let mut size = 0;
            while let Some(chunk) = download.chunks.next().await {
                let chunk = chunk?;
                hasher.update(&chunk);
                size += chunk.len() as u64;
                copy.write(chunk).await?;
            }
            Ok((size, hasher.finish()) == expected)
        };
        let error = match carried.await {
            Ok(true) => return copy.complete().await,
            Ok(false) => {
                let detail = "not the bytes that were verified".to_owned();
                StoreError::Corrupt { key: version.to_string(), detail }
            }
            Err(error) => error,
        };
        copy.abort().await;
        Err(error)
    }

    pub(super) async fn remove(&self, key: &Path) -> Result<(), StoreError> {
        self.count(1);
        match self.objects.delete(key).await {
            // Some stores say that what is not there cannot be deleted.
            Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
            // On a disk: below what is a file by now there is nothing.
            Err(error) if is_below_a_file(&error) => Ok(()),
            Err(error) => Err(failed("delete", key, error)),
        }
    }

    async fn mark(&self, mark: SnapshotKey) -> Result<(), StoreError> {
        let key = self.layout.catalog(mark);
        self.count(1);
        let put = ObjectStore::put_opts(&*self.commits, &key, PutPayload::new(), Default::default()).await;
        put.map(|_| ()).map_err(|error| failed("write", &key, error))
    }

    /// Clears the marks of runs that did not end, now that what they may have left is mended.
    async fn clear_marks(&self, catalog: &Catalog, at: Timestamp) -> Result<(), StoreError> {
        for mark in catalog.unfinished() {
            let SnapshotKey::Publishing(_, run) = mark else { continue };
            if at.since(run.time()) >= ABANDONED {
                self.remove(&self.layout.catalog(*mark)).await?;
            }
        }
        Ok(())
    }
}

/// What changed after the snapshot of this number, whose plain copies were right.
fn behind(catalog: &Catalog, published: u64) -> BTreeSet<Name> {
    let changed = catalog.entries().filter(|(_, entry)| entry.changed_in > published);
    changed.map(|(name, _)| name.clone()).collect()
}

/// Where companions of a resource lie or lay.
fn suffixes_of(entry: &Entry) -> impl Iterator<Item = Arc<str>> {
    let companions = entry.receipt.iter().flat_map(|receipt| &receipt.companions);
    companions.map(|kept| kept.suffix.clone()).chain(entry.former.iter().cloned())
}

/// Whether the plain copy of `name` lies where a companion of one of `ours` lay.
fn lies_beside(name: &Name, ours: &BTreeSet<Name>, suffixes: &BTreeSet<Arc<str>>) -> bool {
    let document = |suffix: &Arc<str>| Name::new(name.as_str().strip_suffix(&**suffix)?).ok();
    suffixes.iter().filter_map(document).any(|document| ours.contains(&document))
}

fn is_below_a_file(error: &ObjectError) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotADirectory) {
            return true;
        }
        cause = error.source();
    }
    false
}
