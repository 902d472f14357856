//! The commit: create the next snapshot if nobody else has.
//!
//! "Already exists" is a hint, never proof: with a lost answer our own create comes back as "already exists", and S3's
//! 409 does too although nothing was written. So after every error the key is read back, and the run id in what stands
//! there says whose it is.

use object_store::{PutMode, PutPayload};

use super::{Bucket, Catalog, Change, Committed, SnapshotKey, StoreError, bucket::failed};
use crate::{decision::RunId, time::Timestamp};

/// How often in a row a commit gives way to other runs. With two or three at once that is enough; where there are more,
/// the caller has to wait a while, or all of them would try again and again at the same moments.
const TRIES: u32 = 4;

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
        for number in 0..TRIES {
            let mut next = base;
            let overtaken = next.apply(changes, run, at);
            let Some(mut standing) = self.create_snapshot(&next, run).await? else {
                if number > 0 {
                    // What others have published meanwhile need not be copied once more; the commit stands either way.
                    if let Ok(listed) = self.listed().await {
                        next.read_marks(&listed);
                    }
                }
                return Ok(Committed { catalog: next, overtaken });
            };
            // It is the newest, or nearly: that needs no listing.
            standing.keep_marks(next);
            base = standing;
        }
        Err(StoreError::Contended { tries: TRIES })
    }

    /// `None` if the snapshot now stands, and the one of another run if that does.
    pub(super) async fn create_snapshot(&self, next: &Catalog, run: RunId) -> Result<Option<Catalog>, StoreError> {
        let key = self.layout.catalog(SnapshotKey::Snapshot(next.sequence()));
        let unwritable =
            |error| StoreError::Unavailable { doing: "write", key: key.to_string(), source: Box::new(error) };
        let payload = PutPayload::from(next.encode().map_err(unwritable)?);
        let mut last = None;
        for _ in 0..3 {
            self.count(1);
            let Err(error) = self.commits.put_opts(&key, payload.clone(), PutMode::Create.into()).await else {
                return Ok(None);
            };
            match self.snapshot(next.sequence()).await {
                Ok(standing) => return Ok(Some(standing).filter(|standing| standing.run() != Some(run))),
                Err(read) if read.is_absence() => last = Some(failed("create", &key, error)),
                Err(read) => return Err(read),
            }
        }
        Err(last.unwrap_or(StoreError::Contended { tries: 3 }))
    }
}
