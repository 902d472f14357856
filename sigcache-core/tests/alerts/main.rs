//! Who is told what, when, and how often, whatever fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod chain;
mod channels;
mod course;
mod ends;
mod faults;
mod support;
