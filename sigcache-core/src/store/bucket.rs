//! The store over `object_store`: one bucket, or one folder of a disk.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::{Error as ObjectError, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, path::Path};

use super::{
    Catalog, Change, Committed, Download, Layout, Shard, SnapshotKey, Staging, Store, StoreError, Sweep, marks::Listed,
    staging::Upload,
};
use crate::{
    decision::{Failure, Report, RunId},
    name::Name,
    receipt::Receipt,
    time::Timestamp,
};

/// The size of a part of a multipart upload, and of what is put in one request.
pub const PART_SIZE: usize = 8 * 1024 * 1024;

/// Makes what was written survive a power cut, for stores that do not promise that by themselves.
#[async_trait]
pub trait Durability: Send + Sync + fmt::Debug {
    /// Returns when everything written before the call is durable.
    async fn flush(&self) -> Result<(), StoreError>;

    /// Begins to make durable what was written so far and does not wait for it: a later flush then has less to do, and
    /// the disk works while more bytes arrive. A hint; doing nothing is right too.
    fn begin(&self) {}

    /// Remainders of cut-off uploads, last written before `border`, that the store itself does not show; deleted if
    /// `sweep` says so.
    async fn remainders(&self, border: Timestamp, sweep: Sweep) -> Result<Vec<String>, StoreError>;
}

/// Whether plain copies are kept below `latest/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// They are.
    Copies,
    /// They are not: readers use this library or the endpoint.
    Nothing,
}

/// A [`Store`] over any `object_store`.
///
/// Of the store it needs: put, get, list, delete, copy, and a create that fails if the key exists. Nothing is ever
/// overwritten but the plain copies; object attributes are not relied on.
#[derive(Debug)]
pub struct Bucket {
    pub(super) objects: Arc<dyn ObjectStore>,
    /// The same store for snapshots; on a disk the handle that writes through.
    pub(super) commits: Arc<dyn ObjectStore>,
    pub(super) durability: Option<Arc<dyn Durability>>,
    pub(super) layout: Layout,
    pub(super) publish: Publish,
    pub(super) part_size: usize,
    pub(super) parts_at_once: usize,
    /// Whether the store keeps attributes such as the media type beside an object.
    pub(super) attributes: bool,
    /// The largest object, in bytes, that the store copies by itself.
    pub(super) largest_copy: u64,
    requests: Arc<AtomicU64>,
    /// How many of them the last report has told.
    reported: AtomicU64,
    /// The newest snapshot that was read through this.
    seen: AtomicU64,
}

impl Bucket {
    /// Keeps everything at the root of `objects`, in one shard, with plain copies. A write that `objects` has
    /// acknowledged must be durable, as it is on S3, GCS and Azure.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self {
            commits: objects.clone(),
            objects,
            durability: None,
            layout: Layout::new(Path::default(), Shard::WHOLE),
            publish: Publish::Copies,
            part_size: PART_SIZE,
            parts_at_once: 1,
            attributes: false,
            largest_copy: u64::MAX,
            requests: Arc::default(),
            reported: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        }
    }

    /// For stores that acknowledge writes before they are durable: `durability` is asked before each step that relies
    /// on earlier ones, and snapshots are written through `commits`, whose creates are durable when acknowledged.
    pub fn with_durability(mut self, durability: Arc<dyn Durability>, commits: Arc<dyn ObjectStore>) -> Self {
        self.durability = Some(durability);
        self.commits = commits;
        self
    }

    /// Keeps everything below `root`.
    pub fn with_root(mut self, root: Path) -> Self {
        self.layout = Layout::new(root, self.layout.shard());
        self
    }

    /// Looks after one shard of the names.
    pub fn with_shard(mut self, shard: Shard) -> Self {
        self.layout = self.layout.with_shard(shard);
        self
    }

    /// The same store for another shard; requests are counted together.
    pub(super) fn of_shard(&self, shard: Shard) -> Self {
        Self {
            objects: self.objects.clone(),
            commits: self.commits.clone(),
            durability: self.durability.clone(),
            layout: self.layout.clone().with_shard(shard),
            requests: self.requests.clone(),
            reported: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            ..*self
        }
    }

    /// Whether plain copies are kept.
    pub fn with_publish(mut self, publish: Publish) -> Self {
        self.publish = publish;
        self
    }

    /// Another part size, in bytes; S3 takes no part below 5 MiB but the last.
    pub fn with_part_size(mut self, bytes: usize) -> Self {
        self.part_size = bytes.max(1);
        self
    }

    /// How many parts of one upload are on their way at once. An upload holds at most so many and one more in memory.
    pub fn with_parts_at_once(mut self, parts: usize) -> Self {
        self.parts_at_once = parts.max(1);
        self
    }

    /// The store keeps media types beside objects: each version gets that of its source, or of its
    /// [rules](crate::resource::Rules::content_type). Nothing relies on it.
    pub fn with_attributes(mut self) -> Self {
        self.attributes = true;
        self
    }

    /// The store copies no object of more than `bytes` by itself; larger plain copies pass through this process, which
    /// compares their digest.
    pub fn with_largest_copy(mut self, bytes: u64) -> Self {
        self.largest_copy = bytes;
        self
    }

    /// Whether plain copies are kept.
    pub fn publishes(&self) -> Publish {
        self.publish
    }

    /// The keys.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How many requests were made to the store so far. A listing counts once per thousand keys, as S3 counts it.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        match &self.durability {
            Some(durability) => durability.flush().await,
            None => Ok(()),
        }
    }

    /// All of a small object, at most `limit` bytes.
    pub(super) async fn load(&self, key: &Path, limit: u64) -> Result<Bytes, StoreError> {
        self.count(1);
        let result = self.objects.get(key).await.map_err(|error| failed("read", key, error))?;
        if result.meta.size > limit {
            let detail = format!("{} bytes, more than the {limit} it may have", result.meta.size);
            return Err(StoreError::Corrupt { key: key.to_string(), detail });
        }
        result.bytes().await.map_err(|error| failed("read", key, error))
    }

    /// What is in the folder of snapshots, in the order of the numbers.
    pub(super) async fn snapshots(&self) -> Result<Vec<SnapshotKey>, StoreError> {
        Ok(self.listed().await?.into_iter().map(|(key, _)| key).collect())
    }

    /// The same, each with when it was written.
    pub(super) async fn listed(&self) -> Result<Vec<Listed>, StoreError> {
        let folder = self.layout.catalog_folder();
        let mut listed = Vec::new();
        let mut listing = self.objects.list(Some(&folder));
        let mut seen: u64 = 0;
        while let Some(meta) = listing.next().await {
            let meta = meta.map_err(|error| failed("list", &folder, error))?;
            seen += 1;
            let written = Timestamp::from_millis(meta.last_modified.timestamp_millis());
            listed.extend(meta.location.filename().and_then(SnapshotKey::parse).map(|key| (key, written)));
        }
        self.count(seen.div_ceil(1000).max(1));
        listed.sort_unstable();
        Ok(listed)
    }

    /// A catalog of another number of shards holds other names: beside it this one would begin with nothing, know no
    /// mark, and take every version for one that nobody needs.
    pub(super) async fn refuse_other_shards(&self) -> Result<(), StoreError> {
        let shards = self.shards().await?;
        match shards.iter().copied().find(|shard| shard.count() != self.layout.shard().count()) {
            Some(found) => Err(StoreError::OtherShards { found, asked: self.layout.shard() }),
            None => Ok(()),
        }
    }

    /// The newest snapshot, with what the marks beside it say; `None` where there is none yet.
    pub(super) async fn newest(&self) -> Result<Option<Catalog>, StoreError> {
        let listed = self.listed().await?;
        let newest = listed.iter().filter_map(|(key, _)| key.snapshot()).max();
        self.goes_on(newest.unwrap_or(0))?;
        let Some(number) = newest else { return Ok(None) };
        let mut catalog = self.snapshot(number).await?;
        catalog.read_marks(&listed);
        Ok(Some(catalog))
    }

    /// Numbers only rise. Whoever has read one and finds a lower one looks at another store, or at one that was set back.
    fn goes_on(&self, found: u64) -> Result<(), StoreError> {
        let seen = self.seen.fetch_max(found, Ordering::Relaxed);
        if found < seen { Err(StoreError::WentBack { found, seen }) } else { Ok(()) }
    }

    /// One snapshot.
    pub(super) async fn snapshot(&self, number: u64) -> Result<Catalog, StoreError> {
        let key = self.layout.catalog(SnapshotKey::Snapshot(number));
        let bytes = self.load(&key, super::MAX_SNAPSHOT_BYTES).await?;
        Catalog::decode(&bytes, &self.layout.shard().folder(), number)
            .map_err(|detail| StoreError::Corrupt { key: key.to_string(), detail })
    }

    /// The newest snapshot, or `None` where that is still `known`, not written over, and with the same plain copies up to date:
    /// one request then, and nothing is read.
    pub async fn newer_than(&self, known: &Catalog) -> Result<Option<Catalog>, StoreError> {
        let listed = self.listed().await?;
        let newest = listed.iter().filter_map(|(key, _)| key.snapshot()).max();
        self.goes_on(newest.unwrap_or(0))?;
        if newest == Some(known.sequence()) && known.stands_in(&listed) {
            return Ok(None);
        }
        let Some(number) = newest else { return Ok(Some(Catalog::empty(&self.layout.shard().folder()))) };
        let mut catalog = self.snapshot(number).await?;
        catalog.read_marks(&listed);
        Ok(Some(catalog))
    }

    /// The shards that have a catalog here, whichever this bucket looks after: by their number, and of those of one
    /// number in their order.
    pub async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        let folder = self.layout.catalogs_folder();
        self.count(1);
        let listed = self.objects.list_with_delimiter(Some(&folder)).await;
        let listed = listed.map_err(|error| failed("list", &folder, error))?;
        let found = listed.common_prefixes.iter().filter_map(|path| Shard::from_folder(path.filename()?));
        let mut shards: Vec<Shard> = found.collect();
        shards.sort_by_key(|shard| (shard.count(), shard.folder()));
        Ok(shards)
    }

    /// The reports of earlier runs, the newest first.
    pub async fn reports(&self) -> Result<Vec<RunId>, StoreError> {
        let folder = self.layout.runs_folder();
        self.count(1);
        let listed: Vec<_> =
            self.objects.list(Some(&folder)).try_collect().await.map_err(|error| failed("list", &folder, error))?;
        let file = |meta: &object_store::ObjectMeta| {
            meta.location.filename().and_then(|file| file.strip_suffix(".json")?.parse::<RunId>().ok())
        };
        let mut runs: Vec<RunId> = listed.iter().filter_map(file).collect();
        runs.sort_unstable_by(|a, b| b.cmp(a));
        Ok(runs)
    }

    /// One run's report.
    pub async fn report(&self, run: RunId) -> Result<Report, StoreError> {
        let key = self.layout.report(run);
        let bytes = self.load(&key, super::MAX_SNAPSHOT_BYTES).await?;
        let corrupt =
            |error: serde_json::Error| StoreError::Corrupt { key: key.to_string(), detail: error.to_string() };
        serde_json::from_slice(&bytes).map_err(corrupt)
    }
}

/// What is written, in small pieces: one large buffer would be grown by copying, and could not take the place of the
/// many small things that were given up before.
#[derive(Default)]
struct Pieces {
    full: Vec<Bytes>,
    open: Vec<u8>,
}

impl Pieces {
    const SIZE: usize = 4096;

    fn payload(mut self) -> PutPayload {
        self.full.push(self.open.into());
        PutPayload::from_iter(self.full)
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.capacity() == 0 {
            self.open = Vec::with_capacity(Self::SIZE);
        }
        let taken = bytes.len().min(Self::SIZE - self.open.len());
        self.open.extend_from_slice(&bytes[..taken]);
        if self.open.len() == Self::SIZE {
            self.full.push(std::mem::take(&mut self.open).into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `object_store` said, as our own error.
pub(super) fn failed(doing: &'static str, key: &Path, error: ObjectError) -> StoreError {
    match error {
        ObjectError::NotFound { .. } => StoreError::NotFound { key: key.to_string() },
        error => StoreError::Unavailable { doing, key: key.to_string(), source: Box::new(error) },
    }
}

#[async_trait]
impl Store for Bucket {
    async fn catalog(&self) -> Result<Catalog, StoreError> {
        match self.newest().await? {
            Some(catalog) => Ok(catalog),
            None => {
                self.refuse_other_shards().await?;
                Ok(Catalog::empty(&self.layout.shard().folder()))
            }
        }
    }

    async fn stage(&self, name: &Name, id: &str, content_type: Option<&str>) -> Result<Box<dyn Staging>, StoreError> {
        Ok(Box::new(Upload::new(self, self.layout.version(name, id), id, content_type)))
    }

    async fn commit(
        &self,
        base: Catalog,
        changes: &[Change],
        run: RunId,
        at: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.commit_changes(base, changes, run, at).await
    }

    async fn publish(&self, catalog: &Catalog, at: Timestamp) -> Result<Vec<(Name, Failure)>, StoreError> {
        match self.publish {
            Publish::Copies => self.publish_copies(catalog, at).await,
            Publish::Nothing => Ok(Vec::new()),
        }
    }

    async fn read(&self, name: &Name, receipt: &Receipt) -> Result<Download, StoreError> {
        self.open(&self.layout.stored(name, receipt)).await
    }

    async fn record(&self, report: &mut Report) -> Result<(), StoreError> {
        self.count(1);
        // A bucket may live for many runs.
        let all = self.requests();
        report.store_requests = all - self.reported.swap(all, Ordering::Relaxed).min(all);
        let key = self.layout.report(report.run);
        let mut pieces = Pieces::default();
        serde_json::to_writer(&mut pieces, report).map_err(|error| StoreError::Unavailable {
            doing: "write",
            key: key.to_string(),
            source: Box::new(error),
        })?;
        let put = self.commits.put_opts(&key, pieces.payload(), PutMode::Overwrite.into()).await;
        put.map(|_| ()).map_err(|error| failed("write", &key, error))
    }
}

impl Bucket {
    /// Opens any object.
    pub(crate) async fn open(&self, key: &Path) -> Result<Download, StoreError> {
        self.count(1);
        let result = self.objects.get(key).await.map_err(|error| failed("read", key, error))?;
        let size = result.meta.size;
        let key = key.clone();
        let chunks = result.into_stream().map_err(move |error| failed("read", &key, error)).boxed();
        Ok(Download { size, chunks })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn pieces_are_what_was_written() {
        for length in [0, 1, Pieces::SIZE - 1, Pieces::SIZE, Pieces::SIZE + 1, 3 * Pieces::SIZE + 7] {
            let written: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut pieces = Pieces::default();
            for part in written.chunks(1000) {
                pieces.write_all(part).unwrap();
            }
            let payload = pieces.payload();
            assert_eq!(payload.content_length(), length);
            assert_eq!(Bytes::from(payload), written);
        }
    }
}
