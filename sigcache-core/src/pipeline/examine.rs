//! Verifying what is in hand.

use bytes::Bytes;

use crate::{
    decision::Failure,
    evidence::Evidence,
    judge,
    resource::Resource,
    time::Timestamp,
    verify::{Check, Context, VerifyError},
};

/// Verifies bytes that are in hand, for `sigcache verify` and for tests: the same check and the same judgement, without
/// a store. What it gives is evidence, not a [`Verified`](crate::Verified).
pub fn examine(
    resource: &Resource,
    companions: &[Option<Bytes>],
    chunks: impl IntoIterator<Item = std::io::Result<Bytes>>,
    now: Timestamp,
) -> Result<Evidence, ExamineError> {
    let rules = &resource.rules;
    let context =
        Context::new(&resource.name, now, &rules.trust, companions).with_identity(rules.policy.identity.as_deref());
    let refused = |error: VerifyError| ExamineError::Refused(error.into_failure());
    let mut check = Check::begin(&rules.verifier, context).map_err(refused)?;
    for chunk in chunks {
        check.update(&chunk.map_err(ExamineError::Unreadable)?).map_err(refused)?;
    }
    let evidence = check.finish().map_err(refused)?.evidence;
    judge::judge(&evidence, &rules.trust, &rules.policy, None, now).map_err(ExamineError::Refused)?;
    Ok(evidence)
}

/// Bytes in hand were not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExamineError {
    /// They could not be read.
    #[error("the document cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// They were refused.
    #[error("{0}")]
    Refused(Failure),
}
