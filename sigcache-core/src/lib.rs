//! Fetch signed resources, verify them, and only then store them.

pub mod audit;
#[cfg(feature = "config")]
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decision;
mod digest;
mod entry;
mod error;
mod evidence;
pub mod explain;
pub mod fetch;
pub mod judge;
mod name;
pub mod pipeline;
mod policy;
pub mod read;
mod reason;
mod receipt;
mod resource;
pub mod run;
pub mod runtime;
pub mod store;
mod time;
pub mod trust;
mod verified;
pub mod verify;

pub use decision::{Attempt, Decision, Failure, REPORT_FORMAT, Report, RunId, RunIdError, Timings, Totals};
pub use digest::{Digest, DigestError, Hasher, hex, unhex};
pub use entry::{Entry, Last, Permit, REMEMBERED_VERSIONS, Standing};
pub use error::Error;
pub use evidence::{Evidence, KeyId, Mark};
pub use name::{MAX_NAME_BYTES, Name, NameError};
pub use policy::{OnExpiry, Policy, Replays, Revalidate};
pub use reason::{Outcome, Reason, Step};
pub use receipt::{KeptCompanion, Receipt, Validators};
pub use resource::{NameConflict, Resource, Rules, Urls, check_names};
pub use time::{Timestamp, TimestampError, human_span};
pub use verified::Verified;
