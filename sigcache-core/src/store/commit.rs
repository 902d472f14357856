//! The commit: create the next snapshot if nobody else has.
//!
//! "Already exists" is a hint, never proof: with a lost answer our own create comes back as "already exists", and S3's
//! 409 does too although nothing was written. So after every error the key is read back, and the run id in what stands
//! there says whose it is.

use object_store::{PutMode, PutPayload};

use super::{Bucket, Catalog, Change, Committed, SnapshotKey, Store as _, StoreError, bucket::failed};
use crate::{decision::RunId, time::Timestamp};

/// How often a commit gives way to other runs. Of `n` that commit at the same moment the last gives way `n - 1` times, and
/// more often where it is unlucky.
const TRIES: u32 = 500;

impl Bucket {
    pub(super) async fn commit_changes(
        &self,
        mut base: Catalog,
        changes: &[Change],
        run: RunId,
        at: Timestamp,
    ) -> Result<Committed, StoreError> {
        if base.conditional_create().is_none() {
            self.probe(run).await?;
            base.set_conditional_create(at);
        }
        // What the snapshot is about to name must outlive a power cut before the snapshot can.
        self.flush().await?;
        for _ in 0..TRIES {
            let mut next = base;
            let overtaken = next.apply(changes, run, at);
            if self.create_snapshot(&next, run).await? {
                return Ok(Committed { catalog: next, overtaken });
            }
            drop(next);
            base = self.catalog().await?;
        }
        Err(StoreError::Contended { tries: TRIES })
    }

    /// True if the snapshot now stands, false if another run's does.
    pub(super) async fn create_snapshot(&self, next: &Catalog, run: RunId) -> Result<bool, StoreError> {
        let key = self.layout.catalog(SnapshotKey::Snapshot(next.sequence()));
        let unwritable =
            |error| StoreError::Unavailable { doing: "write", key: key.to_string(), source: Box::new(error) };
        let payload = PutPayload::from(next.encode().map_err(unwritable)?);
        let mut last = None;
        for _ in 0..3 {
            self.count(1);
            let Err(error) = self.commits.put_opts(&key, payload.clone(), PutMode::Create.into()).await else {
                return Ok(true);
            };
            match self.snapshot(next.sequence()).await {
                Ok(standing) => return Ok(standing.run() == Some(run)),
                Err(read) if read.is_absence() => last = Some(failed("create", &key, error)),
                Err(read) => return Err(read),
            }
        }
        Err(last.unwrap_or(StoreError::Contended { tries: 3 }))
    }
}
