//! The commit: create the next snapshot if nobody else has.
//!
//! "Already exists" is a hint, never proof: with a lost answer our own create comes back as "already exists", and S3's
//! 409 does too although nothing was written. So after every error the key is read back, and the run id in what stands
//! there says whose it is.

use object_store::{Error as ObjectError, ObjectStoreExt as _, PutMode, PutPayload, path::Path};

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
                    if let Ok(keys) = self.snapshots().await {
                        next.read_marks(&keys);
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

    /// Shows that of two creates of one key the second fails. Some servers answer both with success.
    pub(super) async fn probe(&self, run: RunId) -> Result<(), StoreError> {
        let key = self.layout.probe(run);
        let create = async |content: &'static [u8]| {
            self.count(1);
            self.commits.put_opts(&key, PutPayload::from_static(content), PutMode::Create.into()).await
        };
        let verdict = async {
            if let Err(error) = create(b"1").await {
                // Its answer may be all that was lost; if it is not there, the error stands.
                self.load(&key, 16).await.map_err(|_| failed("create", &key, error))?;
            }
            match create(b"2").await {
                // Only a refusal proves anything: a store that ignores conditions can be out of order as well.
                Err(ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. }) => {}
                Err(error) => return Err(failed("create", &key, error)),
                Ok(_) => return Err(StoreError::Unconditional { key: key.to_string() }),
            }
            let content = self.load(&key, 16).await?;
            if content[..] == *b"1" { Ok(()) } else { Err(StoreError::Unconditional { key: key.to_string() }) }
        }
        .await;
        self.clear_probe(&key).await;
        verdict
    }

    async fn clear_probe(&self, key: &Path) {
        self.count(1);
        if let Err(error) = self.objects.delete(key).await {
            tracing::warn!(%key, %error, "the probe could not be deleted; it is harmless");
        }
    }
}
