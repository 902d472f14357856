//! Where verified bytes go.
//!
//! Write order is the whole of the protocol: bytes under a key that nobody reads, then one catalog snapshot that names
//! them, then the plain copy for readers without this library. Whatever fails in between leaves the snapshot before it
//! as the truth, and the next run finishes or forgets the rest.

mod alerts;
mod bucket;
mod catalog;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod cloud;
mod cloud_settings;
mod commit;
#[cfg(feature = "disk")]
mod disk;
mod gc;
mod layout;
mod marks;
mod probe;
mod publish;
mod reshard;
mod shard;
mod shared;
mod staging;
mod unwritten;

use std::{error::Error as StdError, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::{
    decision::{Failure, Report, RunId},
    name::Name,
    receipt::Receipt,
    time::{Timestamp, human_span},
    verified::Verified,
};

pub use alerts::Settled;
pub use bucket::{Bucket, Durability, PART_SIZE, Publish};
pub use catalog::{Catalog, Change, ChangeKind, Heard, MAX_SNAPSHOT_BYTES, Said};
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub use cloud::{environment, open_cloud, open_objects};
pub use cloud_settings::{CloudSettings, Encryption};
#[cfg(feature = "disk")]
pub use disk::{Disk, local_files, open_disk, open_existing_disk};
pub use gc::{Collected, Keep, LONGEST_RUN, Sweep};
pub use layout::{Layout, SnapshotKey};
pub use marks::Copied;
pub use probe::Ability;
pub use publish::LONGEST_PUBLICATION;
pub use reshard::Resharded;
pub use shard::{Shard, ShardError};
#[cfg(feature = "config")]
pub(crate) use staging::is_media_type;
pub use unwritten::Unwritten;

/// A place that keeps verified objects, and the catalog that says which.
///
/// Implementations may be shared between threads, and several of them, in different processes, may work on the same
/// place at once: [`commit`](Store::commit) is the one step that decides.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// The newest snapshot of the catalog; an empty one where there is none yet.
    async fn catalog(&self) -> Result<Catalog, StoreError>;

    /// Opens an upload of a version of `name` that nobody can see until it is sealed. `id` is unique to this upload.
    /// `content_type` may be kept beside the object, for those who read the bucket without this library; it is the
    /// source's word or the configuration's, and the bytes do not vouch for it.
    async fn stage(&self, name: &Name, id: &str, content_type: Option<&str>) -> Result<Box<dyn Staging>, StoreError>;

    /// Makes `changes` to the catalog in one atomic step, after everything they name is durable.
    ///
    /// `base` is the snapshot that they were decided on. Where another run was faster, they are merged into its
    /// snapshot, resource by resource. On an error either nothing or everything of it became visible; the next run
    /// finds out by loading the catalog. It may be dropped before its end: [`LONGEST_RUN`] after a run began nothing
    /// more of it may happen.
    ///
    /// [`StoreError::Contended`] says that others were faster several times in a row. Then nothing of it became visible
    /// or will, and the caller should wait a while, so that not all of them try at the same moment again, load the
    /// catalog, and commit to that.
    async fn commit(
        &self,
        base: Catalog,
        changes: &[Change],
        run: RunId,
        at: Timestamp,
    ) -> Result<Committed, StoreError>;

    /// Brings the plain copies up to `catalog`, or to a newer snapshot if there is one by now; also those that an
    /// earlier run left behind. Not atomic: each copy is replaced by itself. May be repeated. It begins at `at`, and
    /// [`LONGEST_PUBLICATION`] later nothing more of it may happen: it is dropped wherever it stands.
    ///
    /// Returns the resources whose plain copy could not be brought up, with the reason; a later run tries again.
    async fn publish(&self, catalog: &Catalog, at: Timestamp) -> Result<Vec<(Name, Failure)>, StoreError>;

    /// Opens a stored version. The bytes come as they are in the store: [`crate::read`] checks them.
    async fn read(&self, name: &Name, receipt: &Receipt) -> Result<Download, StoreError>;

    /// Stores a run's report, with the number of requests since the last one, this one included.
    async fn record(&self, report: &mut Report) -> Result<(), StoreError>;
}

/// One upload that nobody can see until it is sealed.
///
/// Dropping it without sealing leaves at most an invisible remainder, which `gc` or a lifecycle rule of the store
/// clears.
#[async_trait]
pub trait Staging: Send {
    /// Takes the next bytes. Memory is bounded by the part size, not by the object.
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError>;

    /// Completes the upload under its version key. Atomic: the whole object is there, or nothing. Refuses if the
    /// number of bytes written is not the number verified.
    async fn seal(self: Box<Self>, proof: &Verified) -> Result<Sealed, StoreError>;

    /// Gives the upload up and clears what it left, as far as that is possible now.
    async fn abort(self: Box<Self>);
}

/// A sealed upload: verified bytes under a version key that no snapshot names yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sealed {
    /// The last part of the version key, for the receipt.
    pub version: Arc<str>,
}

impl Sealed {
    /// Sealed as `version`.
    pub fn new(version: &str) -> Self {
        Self { version: version.into() }
    }
}

/// A commit that went through.
#[derive(Debug)]
#[non_exhaustive]
pub struct Committed {
    /// The snapshot that stands now.
    pub catalog: Catalog,
    /// Resources for which another run had committed something newer; their change was left out.
    pub overtaken: Vec<Name>,
}

impl Committed {
    /// A commit after which `catalog` stands.
    pub fn new(catalog: Catalog, overtaken: Vec<Name>) -> Self {
        Self { catalog, overtaken }
    }
}

/// Bytes from the store, unchecked.
pub struct Download {
    /// How many bytes the store says there are.
    pub size: u64,
    /// The bytes.
    pub chunks: BoxStream<'static, Result<Bytes, StoreError>>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("size", &self.size).finish_non_exhaustive()
    }
}

/// The store failed, or what is in it is not what it must be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It did not answer, or not as it should. Says nothing about whether a write took place.
    #[error("the store could not {doing} {key}")]
    Unavailable {
        /// What was asked of it.
        doing: &'static str,
        /// The key.
        key: String,
        /// The store's own error.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// There is no such object.
    #[error("{key} is not in the store")]
    NotFound {
        /// The key.
        key: String,
    },
    /// What is there cannot have been written by this program, or was damaged since.
    #[error("{key} in the store is damaged: {detail}")]
    Corrupt {
        /// The key.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
    /// What is there is older than what this process has read there before: the disk is not mounted, the folder was
    /// emptied, or set back. A run would take everything for new.
    #[error(
        "the store holds {}, and snapshot {seen} was read there before: it is not mounted, or was emptied or set back; where that is meant, restart what reads it",
        if *found == 0 { "no snapshot".to_owned() } else { format!("only snapshot {found}") }
    )]
    WentBack {
        /// The newest snapshot that is there; 0 where there is none.
        found: u64,
        /// The newest one that this process has read.
        seen: u64,
    },
    /// Other runs committed first, again and again.
    #[error("other runs committed first {tries} times in a row; are there too many runs at once?")]
    Contended {
        /// How often it was tried.
        tries: u32,
    },
    /// The store let two writers create the same object, so that no commit on it would be safe.
    #[error(
        "this store ignores conditional creates: a second create of {key} succeeded, so two runs would overwrite each other. Use a store with If-None-Match support"
    )]
    Unconditional {
        /// The probe that was created twice.
        key: String,
    },
    /// The names of this store are divided otherwise.
    #[error(
        "this store is kept in {} shards, so it cannot be opened as shard {asked}; use --shard I/{}, or divide it otherwise with `sigcache reshard`",
        found.count(),
        found.count()
    )]
    OtherShards {
        /// One of the shards that are there.
        found: Shard,
        /// The one that was asked for.
        asked: Shard,
    },
    /// The names cannot be divided so.
    #[error("a store has 1 to 9999 shards, not {asked}")]
    ShardCount {
        /// The number that was asked for.
        asked: u32,
    },
    /// The run is under way for so long that what it staged may have been swept.
    #[error(
        "the run took longer than {}, after which nothing may be committed, as gc may have swept what it staged",
        human_span(LONGEST_RUN)
    )]
    Overdue,
    /// What was staged is not as long as what was verified.
    #[error("{staged} bytes were staged but {verified} were verified")]
    Length {
        /// Bytes written to the staging.
        staged: u64,
        /// Bytes verified.
        verified: u64,
    },
}

impl StoreError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Contended { .. } | Self::WentBack { .. })
    }

    /// Whether there is no such object: the only error that means absence.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// The error with its causes in one line, for a decision's `found`.
    pub fn chain(&self) -> String {
        crate::error_chain(self)
    }
}

#[async_trait]
impl<T: Store + ?Sized> Store for Arc<T> {
    async fn catalog(&self) -> Result<Catalog, StoreError> {
        (**self).catalog().await
    }
    async fn stage(&self, name: &Name, id: &str, content_type: Option<&str>) -> Result<Box<dyn Staging>, StoreError> {
        (**self).stage(name, id, content_type).await
    }
    async fn commit(
        &self,
        base: Catalog,
        changes: &[Change],
        run: RunId,
        at: Timestamp,
    ) -> Result<Committed, StoreError> {
        (**self).commit(base, changes, run, at).await
    }
    async fn publish(&self, catalog: &Catalog, at: Timestamp) -> Result<Vec<(Name, Failure)>, StoreError> {
        (**self).publish(catalog, at).await
    }
    async fn read(&self, name: &Name, receipt: &Receipt) -> Result<Download, StoreError> {
        (**self).read(name, receipt).await
    }
    async fn record(&self, report: &mut Report) -> Result<(), StoreError> {
        (**self).record(report).await
    }
}
