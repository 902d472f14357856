//! Verified documents in memory, for those who serve the same ones again and again.

use std::{fmt, ops::Range, sync::Arc};

use bytes::Bytes;
use quick_cache::{OptionsBuilder, Weighter, sync::Cache};

use super::{ReadError, VerifiedRead, served, verify_stored};
use crate::{
    entry::Entry,
    name::Name,
    receipt::Receipt,
    resource::{Resource, Rules},
    store::Store,
    time::Timestamp,
};

/// Into so many parts the set is divided, each with a lock of its own; a document fits into one of them or not at all.
const PARTS: usize = 16;

/// What an entry costs beside the bytes of its document.
const OVERHEAD: u64 = 1024;

/// Verified documents in memory, bounded by their bytes; which of them go when there is no more room is left to the
/// cache (S3-FIFO). Shared between threads.
///
/// A document is given out of memory only for the very receipt and the very rules under which it was verified, and after
/// everything that time or a person may have changed was looked at again: expiry, standing, revoked keys. Where the
/// catalog names another version, or the configuration was read anew, it is read from the store and verified once more.
pub struct HotSet {
    held: Cache<Name, Held, ByBytes>,
}

/// A document and what it was verified under.
#[derive(Clone)]
struct Held {
    receipt: Arc<Receipt>,
    rules: Arc<Rules>,
    bytes: Bytes,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Name, Held> for ByBytes {
    fn weight(&self, name: &Name, held: &Held) -> u64 {
        OVERHEAD + name.as_str().len() as u64 + held.bytes.len() as u64
    }
}

/// A verified document on its way to a reader.
pub enum Document {
    /// All of it is here and verified.
    InMemory {
        /// Why it is trusted.
        receipt: Arc<Receipt>,
        /// The bytes that are wanted of it.
        bytes: Bytes,
    },
    /// It is verified as it passes.
    Streamed(Box<VerifiedRead>),
}

impl HotSet {
    /// A set of at most `capacity` bytes.
    pub fn new(capacity: u64) -> Self {
        // A guess that only sizes its tables.
        let items = usize::try_from(capacity / 16_384).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        let options =
            OptionsBuilder::new().shards(PARTS).estimated_items_capacity(items).weight_capacity(capacity).build();
        let held = match options {
            Ok(options) => Cache::with_options(options, ByBytes, Default::default(), Default::default()),
            // It lacks nothing; and otherwise the library divides it as it sees fit.
            Err(_) => Cache::with_weighter(items, capacity, ByBytes),
        };
        Self { held }
    }

    /// Opens the stored copy of `resource` for reading at `now`, as [`read`](super::read()) does. What is small enough is
    /// read whole and kept; of several callers one asks the store, and the others wait for it.
    pub async fn read(
        &self,
        store: &dyn Store,
        resource: &Resource,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Document, ReadError> {
        let receipt = served(resource, entry, now)?;
        if receipt.evidence.size > self.largest() {
            return Ok(Document::Streamed(Box::new(verify_stored(store, resource, receipt, now).await?)));
        }
        let rules = &resource.rules;
        let holds = |held: &Held| {
            let same = Arc::ptr_eq(&held.receipt, receipt) || held.receipt == *receipt;
            same && Arc::ptr_eq(&held.rules, rules)
        };
        loop {
            match self.held.get_value_or_guard_async(&resource.name).await {
                Ok(held) if holds(&held) => {
                    return Ok(Document::InMemory { receipt: held.receipt, bytes: held.bytes });
                }
                Ok(_) => drop(self.held.remove_if(&resource.name, |held| !holds(held))),
                Err(place) => {
                    let bytes = verify_stored(store, resource, receipt, now).await?.bytes().await?;
                    let held = Held { receipt: receipt.clone(), rules: rules.clone(), bytes: bytes.clone() };
                    // Taken away in the meantime, it is read anew the next time.
                    drop(place.insert(held));
                    return Ok(Document::InMemory { receipt: receipt.clone(), bytes });
                }
            }
        }
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> u64 {
        self.held.weight()
    }

    /// The largest document that it keeps.
    pub fn largest(&self) -> u64 {
        self.held.shard_capacity().saturating_sub(OVERHEAD + crate::name::MAX_NAME_BYTES as u64)
    }
}

impl Document {
    /// The receipt.
    pub fn receipt(&self) -> &Receipt {
        match self {
            Self::InMemory { receipt, .. } => receipt,
            Self::Streamed(read) => read.receipt(),
        }
    }

    /// Hands out these bytes alone, as far as there are any.
    pub fn within(self, range: Range<u64>) -> Self {
        match self {
            Self::InMemory { receipt, bytes } => {
                let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
                let (start, end) = (at(range.start), at(range.end));
                let bytes = bytes.slice(start..end.max(start));
                Self::InMemory { receipt, bytes }
            }
            Self::Streamed(read) => Self::Streamed(Box::new(read.within(range))),
        }
    }

    /// The next bytes, or `None` at the verified end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, ReadError>> {
        match self {
            Self::InMemory { bytes, .. } => Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()).map(Ok),
            Self::Streamed(read) => read.next().await,
        }
    }
}

impl fmt::Debug for HotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HotSet").field("bytes", &self.bytes()).field("largest", &self.largest()).finish_non_exhaustive()
    }
}
