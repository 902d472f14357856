//! What can stop a whole run, as opposed to one resource of it.

use crate::store::StoreError;

/// A run could not be carried through. What stands in the store is as good as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be read or written.
    #[error("the store failed while the run tried to {doing}")]
    Store {
        /// What the run was doing.
        doing: &'static str,
        /// The store's own error.
        #[source]
        source: StoreError,
    },
    /// Two resources need the same place in the store.
    #[error("the resources do not fit into one store")]
    Names(#[from] crate::NameConflict),
    /// A resource's task ended without an answer, which is a defect of this library or of a verifier from outside.
    #[error("the task for {0} ended without an answer (it panicked)")]
    TaskLost(crate::Name),
}

impl Error {
    /// Whether the same run may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store { source, .. } => source.is_retryable(),
            Self::Names(_) | Self::TaskLost(_) => false,
        }
    }
}
