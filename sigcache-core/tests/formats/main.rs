//! The formats whose signatures are a few lines of text, against what their own tools made, and against what an attacker
//! would make of it.
//!
//! The fixtures are in `tests/data/tools`; its README says how they were made.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]
#![cfg(all(
    feature = "minisign",
    feature = "signify",
    feature = "ssh",
    feature = "checksums",
    feature = "note",
    feature = "narinfo"
))]

mod checksums;
#[cfg(feature = "config")]
mod config;
mod minisign;
mod narinfo;
mod note;
#[cfg(feature = "conformance")]
mod pipeline;
mod signify;
mod ssh;
mod support;
