//! The proof that bytes were verified and judged.

use crate::evidence::Evidence;

/// Proof that a document was verified and passed every policy.
///
/// Only the pipeline makes one, directly after the judgement, and lends it to [`Staging::seal`](crate::store::Staging):
/// nothing else in this library or outside can construct, copy or keep one. So bytes that were not verified cannot be
/// sealed; it does not compile:
///
/// ```compile_fail,E0451
/// # use sigcache_core::{Digest, Evidence, Verified};
/// let evidence = Evidence::new("mine", Digest::of(b"hello"), 5, []);
/// let proof = Verified { evidence };
/// ```
///
/// What anyone may make is evidence, which alone opens nothing:
///
/// ```
/// # use sigcache_core::{Digest, Evidence};
/// let evidence = Evidence::new("mine", Digest::of(b"hello"), 5, []);
/// ```
#[derive(Debug)]
pub struct Verified {
    evidence: Evidence,
}

impl Verified {
    /// The one constructor. Its one caller is the pipeline, after [`judge`](crate::judge::judge) said yes;
    /// `cargo xtask structure` holds that there is no second.
    pub(crate) fn after_judgement(evidence: Evidence) -> Self {
        Self { evidence }
    }

    /// What was established.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}
