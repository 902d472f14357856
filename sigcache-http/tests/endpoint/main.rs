//! The endpoint as its clients see it, with the clock, the source and the store in the hands of the test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod described;
mod documents;
mod health;
mod pages;
mod runs;
mod support;
