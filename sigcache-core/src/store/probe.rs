//! Trying a store out with one small object of a name of its own, which is taken away again.

use futures_util::TryStreamExt as _;
use object_store::{Error as ObjectError, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload, path::Path};

use super::{Bucket, StoreError, bucket::failed};
use crate::decision::RunId;

/// What is in the probe; the second create of it brings other bytes.
const CONTENT: &[u8] = b"1";

/// What a store must be able to do, in the order in which [`Bucket::try_out`] asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ability {
    /// To create an object that is not there.
    Create,
    /// To refuse to create it a second time.
    CreateOnce,
    /// To list it.
    List,
    /// To give back what was put there.
    Read,
    /// To delete it.
    Delete,
}

impl Ability {
    /// All of them, in that order.
    pub const ALL: &[Self] = &[Self::Create, Self::CreateOnce, Self::List, Self::Read, Self::Delete];
}

impl Bucket {
    /// Does with a probe what runs do with other objects, below a name that nothing else here reads (`probe/<run>`), and
    /// takes it away. Says of one ability after the other whether the store has it, and ends with the first that it has
    /// not; the probe is then deleted all the same, as far as that can be done.
    pub async fn try_out(&self, run: RunId) -> Vec<(Ability, Result<(), StoreError>)> {
        let key = self.layout.probe(run);
        let mut results = Vec::new();
        for ability in Ability::ALL {
            let result = match ability {
                Ability::Create => self.create_probe(&key).await,
                Ability::CreateOnce => self.refuse_probe(&key).await,
                Ability::List => self.list_probe(&key).await,
                Ability::Read => self.read_probe(&key).await,
                Ability::Delete => self.delete_probe(&key).await,
            };
            let failed = result.is_err();
            results.push((*ability, result));
            if failed {
                if *ability != Ability::Delete {
                    // Also where it could not be created: the answer may be all that was lost.
                    let _ = self.delete_probe(&key).await;
                }
                break;
            }
        }
        results
    }

    /// Shows that of two creates of one key the second fails. Some servers answer both with success.
    pub(super) async fn probe(&self, run: RunId) -> Result<(), StoreError> {
        let key = self.layout.probe(run);
        let verdict = async {
            self.create_probe(&key).await?;
            self.refuse_probe(&key).await?;
            self.read_probe(&key).await
        }
        .await;
        if let Err(error) = self.delete_probe(&key).await {
            tracing::warn!(%key, error = error.chain(), "the probe could not be deleted; it is harmless");
        }
        verdict
    }

    async fn put_probe(&self, key: &Path, content: &'static [u8]) -> Result<(), ObjectError> {
        self.count(1);
        self.commits.put_opts(key, PutPayload::from_static(content), PutMode::Create.into()).await.map(drop)
    }

    async fn create_probe(&self, key: &Path) -> Result<(), StoreError> {
        let Err(error) = self.put_probe(key, CONTENT).await else { return Ok(()) };
        // Its answer may be all that was lost; if it is not there, the error stands.
        self.load(key, 16).await.map(drop).map_err(|_| failed("create", key, error))
    }

    async fn refuse_probe(&self, key: &Path) -> Result<(), StoreError> {
        match self.put_probe(key, b"2").await {
            // Only a refusal proves anything: a store that ignores conditions can be out of order as well.
            Err(ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. }) => Ok(()),
            Err(error) => Err(failed("create", key, error)),
            Ok(()) => Err(StoreError::Unconditional { key: key.to_string() }),
        }
    }

    async fn list_probe(&self, key: &Path) -> Result<(), StoreError> {
        let folder = self.layout.probes_folder();
        self.count(1);
        let listed: Result<Vec<_>, _> = self.objects.list(Some(&folder)).try_collect().await;
        let listed = listed.map_err(|error| failed("list", &folder, error))?;
        if listed.iter().any(|meta| meta.location == *key) {
            return Ok(());
        }
        let source = "the listing lacks what was created a moment ago".into();
        Err(StoreError::Unavailable { doing: "list", key: key.to_string(), source })
    }

    async fn read_probe(&self, key: &Path) -> Result<(), StoreError> {
        // Other bytes are those of the second create, which took place although it was refused.
        let content = self.load(key, 16).await?;
        if content[..] == *CONTENT { Ok(()) } else { Err(StoreError::Unconditional { key: key.to_string() }) }
    }

    async fn delete_probe(&self, key: &Path) -> Result<(), StoreError> {
        self.count(1);
        match self.objects.delete(key).await {
            Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("delete", key, error)),
        }
    }
}
