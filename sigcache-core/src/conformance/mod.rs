//! Contract suites for implementors of [`Fetcher`](crate::fetch::Fetcher), [`Verifier`](crate::verify::Verifier) and
//! [`Store`](crate::store::Store), and what they are made of: a store that is the referee, faults, a scripted source.
//!
//! Everything here is for tests: it panics where a contract is broken, and says which rule it was. Nothing sleeps,
//! nothing listens, and the same test always takes the same steps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken contract must fail the test")]

mod faults;
pub mod fetcher;
mod lab;
mod referee;
mod rules;
mod runtime;
mod scripted;
pub mod store;
pub mod verifier;

pub use faults::{Faulty, How};
pub use lab::{EntryPicture, Lab, State, at, expect, hours};
pub use referee::Referee;
pub use runtime::{TestRuntime, block_on};
pub use scripted::{Origin, Signer};
