//! Fetch signed resources, verify them, and only then store them.
//!
//! The promise: no key in the store ever holds a byte that was not verified, and what is stored is exactly what was
//! verified. [`pipeline`] is the place to start reading: one resource, fetch, verify, judge, seal. [`run`] takes many
//! resources through it and commits once. [`Fetcher`](fetch::Fetcher), [`Verifier`](verify::Verifier) and
//! [`Store`](store::Store) are the traits to implement for sources, formats and stores of your own; [`Verified`] is
//! the proof that a store asks for, and only the pipeline makes one.
//!
//! Without features there is no HTTP client, no TLS and no async runtime: `keys` (public keys, and what verifies with
//! them), `aws-lc` (the faster backend of it), `x509` (certificate paths), one for each signature format (as `detached`,
//! `jws`, `xml`; `openpgp` links an LGPL library, so `config` does not bring it), `http`, `alerts`, `aws`, `disk`, `config`, `tokio` and `conformance` add to it and change nothing.
//!
//! What it does not do: judge whether a document is true, serve anything, or fetch what is not configured.

#![deny(missing_docs)]

mod advice;
#[cfg(feature = "alerts")]
pub mod alert;
pub mod anchor;
pub mod audit;
#[cfg(feature = "aws")]
pub mod aws;
mod chain;
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
#[cfg(feature = "keys")]
mod json;
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
pub mod status;
pub mod store;
mod time;
pub mod trust;
mod verified;
pub mod verify;
mod words;

pub use chain::error_chain;
pub use decision::{
    Attempt, Decision, Failure, REPORT_FORMAT, Report, RunId, RunIdError, Timings, Totals, plays_with_terminals,
};
pub use digest::{Digest, DigestError, Hasher, hex, unhex};
pub use entry::{Entry, Last, Permit, REMEMBERED_VERSIONS, Standing};
pub use error::Error;
pub use evidence::{Evidence, KeyId, Mark, SigningCertificate};
pub use name::{MAX_NAME_BYTES, Name, NameError};
pub use policy::{OnExpiry, Policy, Replays, Revalidate};
pub use reason::{Outcome, Reason, Step};
pub use receipt::{KeptCompanion, Receipt, Validators};
pub use resource::{MAX_ANCHOR_BYTES, NameConflict, Resource, Role, Rules, Urls, VerifyWords, check_names};
pub use time::{Timestamp, TimestampError, human_span};
pub use verified::Verified;

/// The example of the README, compiled.
#[cfg(all(doctest, feature = "detached", feature = "disk", feature = "http"))]
#[doc = include_str!("../../README.md")]
pub struct ReadmeExample;
