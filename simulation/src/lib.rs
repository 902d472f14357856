//! Whole histories of a store on one seeded scheduler with virtual time: several writers, readers, a changing origin,
//! gc, audit, crashes and clocks that jump, on a network that fails by the seed. After every event everything that
//! must hold is checked; a seed replays exactly.
//!
//! Read [`invariants`] for what must hold, [`history`] for what happens, and docs/simulation.md for what is assumed of
//! a store and what the simulation cannot see.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a history that cannot go on must fail")]

pub mod dice;
pub mod disk;
pub mod history;
pub mod invariants;
pub mod keyed;
pub mod origin;
pub mod scheduler;
pub mod wire;

pub use history::{Broken, Logs, Summary, replay, run};
