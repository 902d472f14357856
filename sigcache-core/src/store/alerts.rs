//! Where the state of alerting lies: a numbered chain of small objects beside the snapshots, each created only if nobody
//! else has. They are in the folder of the snapshots because that is listed by every run anyway: so a run learns for
//! nothing which of them is the newest, and that nothing about it is to be done.

use std::{fmt, str::FromStr};

use super::SnapshotKey;
use crate::time::Timestamp;

/// A note that the newest state of alerting needs nothing: as long as what there is to alert about has this digest, and
/// until then. A hint in the name of an empty object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Settled {
    /// Until then nothing is due.
    pub until: Timestamp,
    /// Of what there is to alert about, and to whom.
    pub digest: u64,
}

impl fmt::Display for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.until.compact(), self.digest)
    }
}

impl FromStr for Settled {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (time, digest) = text.split_once('-').ok_or(())?;
        let until = Timestamp::from_compact(time).ok_or(())?;
        let settled = Self { until, digest: u64::from_str_radix(digest, 16).map_err(|_| ())? };
        // One note has one form.
        if settled.to_string() == text { Ok(settled) } else { Err(()) }
    }
}

/// What a listing said about the state of alerting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AlertMarks {
    /// The number of the newest state; 0 where there is none.
    pub(crate) newest: u64,
    /// What is noted about it.
    pub(crate) settled: Vec<Settled>,
}

impl AlertMarks {
    pub(crate) fn of<'a>(keys: impl Iterator<Item = &'a SnapshotKey> + Clone) -> Self {
        let newest = keys.clone().filter_map(SnapshotKey::alerts).max().unwrap_or(0);
        let settled = keys.filter_map(|key| match key {
            SnapshotKey::AlertsSettled(number, settled) if *number == newest => Some(*settled),
            _ => None,
        });
        Self { newest, settled: settled.collect() }
    }
}

/// Talking to the store about it.
#[cfg(feature = "alerts")]
mod requests {
    use bytes::Bytes;
    use object_store::{ObjectStore, PutMode, PutPayload};

    use super::{
        super::{Bucket, SnapshotKey, StoreError, bucket::failed},
        AlertMarks, Settled,
    };

    /// More than the state of a million conditions would be a mistake.
    const MAX_BYTES: u64 = 256 * 1024 * 1024;

    impl Bucket {
        /// What is there now.
        pub(crate) async fn alert_marks(&self) -> Result<AlertMarks, StoreError> {
            self.snapshots().await.map(|keys| AlertMarks::of(keys.iter()))
        }

        /// One state.
        pub(crate) async fn alerts(&self, number: u64) -> Result<Bytes, StoreError> {
            self.load(&self.layout.catalog(SnapshotKey::Alerts(number)), MAX_BYTES).await
        }

        /// Creates a state if nobody else has created one of this number. True if it stands now, false if another one
        /// does; `bytes` must be unlike those of anybody else. As with snapshots, "already exists" proves nothing, so what
        /// stands there is read.
        pub(crate) async fn create_alerts(&self, number: u64, bytes: Bytes) -> Result<bool, StoreError> {
            let key = self.layout.catalog(SnapshotKey::Alerts(number));
            let mut last = None;
            for _ in 0..3 {
                self.count(1);
                let payload = PutPayload::from(bytes.clone());
                let Err(error) = self.commits.put_opts(&key, payload, PutMode::Create.into()).await else {
                    return Ok(true);
                };
                match self.alerts(number).await {
                    Ok(standing) => return Ok(standing == bytes),
                    Err(read) if read.is_absence() => last = Some(failed("create", &key, error)),
                    Err(read) => return Err(read),
                }
            }
            Err(last.unwrap_or(StoreError::Contended { tries: 3 }))
        }

        /// Notes that the state of this number needs nothing.
        pub(crate) async fn settle_alerts(&self, number: u64, settled: Settled) -> Result<(), StoreError> {
            let key = self.layout.catalog(SnapshotKey::AlertsSettled(number, settled));
            self.count(1);
            let put = ObjectStore::put_opts(&*self.commits, &key, PutPayload::new(), Default::default()).await;
            put.map(|_| ()).map_err(|error| failed("write", &key, error))
        }
    }
}
