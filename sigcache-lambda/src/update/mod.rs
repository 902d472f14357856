//! The update function: an artifact in the upload bucket becomes the version that an alias stands for.
//!
//! The event names an object; that version of it goes through the same pipeline as any resource, with the release key, into
//! the release bucket. From there, where nothing changes any more, Lambda takes the code. Each step is written down before
//! the next one begins, so whoever follows the log sees the first link that is broken.

#[cfg(feature = "runtime")]
mod canary;
#[cfg(feature = "runtime")]
mod deployment;
#[cfg(feature = "runtime")]
mod function;
mod log;
mod record;
mod release;
#[cfg(feature = "runtime")]
mod settings;
#[cfg(feature = "runtime")]
mod steps;
#[cfg(feature = "runtime")]
mod verification;

pub use log::{Known, Log, Place};
pub use record::{Link, Outcome, RECORD_FORMAT, Record, Step, Why};
pub use release::{Release, open_releases};

#[cfg(feature = "runtime")]
pub use canary::{Canary, CanaryError};
#[cfg(feature = "runtime")]
pub use function::UpdateFunction;
#[cfg(feature = "runtime")]
pub use settings::{CALLS, Settings, SettingsError};

/// The folder of the release bucket that is a store of its own: verified artifacts, their receipts, the reports of runs.
pub const STORE: &str = "verified";

/// What a signature is called beside its artifact.
pub const SIGNATURE_SUFFIX: &str = ".minisig";

/// Keys of the upload bucket that begin so are probes: the release that is in service, sent once more.
pub const PROBES: &str = "probe/";
