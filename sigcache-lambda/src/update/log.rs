//! Where records of updates are kept: below `updates/` of the release bucket, one folder for each key of the upload bucket.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt as _;
use object_store::{Error as ObjectError, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, path::Path};
use sigcache_core::Timestamp;

use super::record::Record;

/// An update that has not ended after so long never will: a function runs for at most a quarter of an hour.
const LONGEST: Duration = Duration::from_secs(16 * 60);

/// A record is never longer.
const MAX_RECORD_BYTES: u64 = 1 << 20;

/// The records of a release bucket.
#[derive(Debug, Clone)]
pub struct Log(Arc<dyn ObjectStore>);

/// What a record is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    folder: Path,
    order: String,
    version: String,
}

/// What the log has of an event.
#[derive(Debug)]
pub enum Known {
    /// Nothing: now it has its first record.
    New,
    /// A record that came to no end, whose place was taken over.
    Resumed(Box<Record>),
    /// Somebody worked on it to the end, or does so now.
    Taken(Box<Record>),
    /// A later event about the same key was worked on.
    Newer(String),
}

impl Place {
    /// That of the object `key` in `version`, which stands at `order` among those of its key.
    pub fn new(key: &str, order: &str, version: &str) -> Self {
        Self { folder: folder(key), order: order.to_owned(), version: version.to_owned() }
    }

    fn path(&self) -> Path {
        self.folder.clone().join(format!("{}-{}.json", self.order, self.version))
    }
}

/// The folder of a key, in which it is one part whatever stands in it.
fn folder(key: &str) -> Path {
    Path::from_iter(["updates", &key.replace('/', "=")])
}

impl Log {
    /// The log in the bucket that these objects are in.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self(objects)
    }

    /// Takes the place of an event for `record`, unless somebody has it.
    pub async fn take(&self, place: &Place, record: &Record) -> Result<Known, ObjectError> {
        // Not behind the place itself: of one order there may be several versions where a store tells no sequence.
        let after = place.folder.clone().join(format!("{}.", place.order));
        let mut newer = self.0.list_with_offset(Some(&place.folder), &after);
        if let Some(newer) = newer.try_next().await? {
            return Ok(Known::Newer(newer.location.filename().unwrap_or_default().to_owned()));
        }
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.0.put_opts(&place.path(), encode(record).into(), create).await {
            Ok(_) => Ok(Known::New),
            Err(ObjectError::AlreadyExists { .. }) => {
                let known = self.read(&place.path()).await?;
                let given_up = record.started.since(known.started) > LONGEST;
                if known.outcome.is_final() || (known.outcome == super::Outcome::UnderWay && !given_up) {
                    return Ok(Known::Taken(Box::new(known)));
                }
                self.write(place, record).await?;
                Ok(Known::Resumed(Box::new(known)))
            }
            Err(error) => Err(error),
        }
    }

    /// Writes down an event that came too late, unless it was worked on in its time. That it came is told elsewhere too, so
    /// where this fails nothing is lost.
    pub async fn note(&self, place: &Place, record: &Record) {
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.0.put_opts(&place.path(), encode(record).into(), create).await {
            Ok(_) | Err(ObjectError::AlreadyExists { .. }) => {}
            Err(error) => tracing::error!(run = %record.run, %error, "the record of a late event cannot be written"),
        }
    }

    /// Writes down how far it has come.
    pub async fn write(&self, place: &Place, record: &Record) -> Result<(), ObjectError> {
        self.0.put(&place.path(), encode(record).into()).await.map(drop)
    }

    /// The records about `key` that began at or after `since`, the oldest first.
    pub async fn about(&self, key: &str, since: Timestamp) -> Result<Vec<Record>, ObjectError> {
        let mut found: Vec<Record> = Vec::new();
        let listed: Vec<_> = self.0.list(Some(&folder(key))).try_collect().await?;
        // By its clock the store wrote none of these earlier than they began; clocks differ, by less than this.
        let margin = Duration::from_secs(15 * 60);
        for object in listed {
            let written = Timestamp::from_millis(object.last_modified.timestamp_millis());
            if written.plus(margin) < since {
                continue;
            }
            let record = self.read(&object.location).await?;
            if record.started >= since {
                found.push(record);
            }
        }
        found.sort_by_key(|record| record.started);
        Ok(found)
    }

    /// The newest record of all, if there is one.
    pub async fn newest(&self) -> Result<Option<Record>, ObjectError> {
        let listed: Vec<_> = self.0.list(Some(&Path::from("updates"))).try_collect().await?;
        match listed.iter().max_by_key(|object| object.last_modified) {
            Some(object) => self.read(&object.location).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read(&self, path: &Path) -> Result<Record, ObjectError> {
        let got = self.0.get(path).await?;
        let unread = |found: String| ObjectError::Generic { store: "the log of updates", source: found.into() };
        if got.meta.size > MAX_RECORD_BYTES {
            return Err(unread(format!("{path} has {} bytes", got.meta.size)));
        }
        serde_json::from_slice(&got.bytes().await?).map_err(|error| unread(format!("{path}: {error}")))
    }
}

fn encode(record: &Record) -> Vec<u8> {
    // A record is made of texts and numbers, which are always JSON.
    serde_json::to_vec_pretty(record).unwrap_or_default()
}
