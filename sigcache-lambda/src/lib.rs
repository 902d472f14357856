//! sigcache on AWS Lambda.
//!
//! Two programs. The *endpoint function* is the endpoint of `sigcache serve` behind a function URL, API Gateway or a load
//! balancer, and the runs of a schedule, of a queue, or of whoever invokes it: [`Event`] tells these apart. The *update
//! function* puts a new version of the endpoint function into service once its signature was verified: [`update`] begins
//! there. Neither has an SDK in it; see [`sigcache_core::aws`].

#![deny(missing_docs)]

#[cfg(feature = "runtime")]
pub mod endpoint;
pub mod event;
#[cfg(feature = "runtime")]
mod failed;
#[cfg(feature = "runtime")]
mod logging;
#[cfg(feature = "runtime")]
mod metrics;
#[cfg(feature = "runtime")]
pub mod settings;
pub mod update;

pub use event::{Event, UnknownEvent};
#[cfg(feature = "runtime")]
pub use failed::Failed;
#[cfg(feature = "runtime")]
pub use logging::{begun, log};
