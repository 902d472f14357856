//! A document with all that shows why it is trusted, in one file: to be verified again where there is neither store nor
//! network nor configuration.

mod archive;
mod open;
mod pack;
mod policy;
mod readme;

use sigcache_core::Receipt;

pub(crate) use open::{Refused, open};
pub(crate) use pack::pack;

/// The document itself; a companion has its suffix behind it.
const DOCUMENT: &str = "document";
const DECISION: &str = "decision.json";
const POLICY: &str = "policy.json";
const README: &str = "README.txt";
const RECEIPT: &str = "receipt.json";
const SUMS: &str = "SHA256SUMS";

/// The largest member but for the document. A receipt has the companions and an anchor's document in it.
const LARGEST_MEMBER: u64 = 64 << 20;

/// The time of all members: that of the verification, so that the same document gives the same bundle.
fn time_of(receipt: &Receipt) -> u64 {
    u64::try_from(receipt.verified_at.as_millis() / 1000).unwrap_or(0)
}
