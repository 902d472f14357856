//! The `openpgp` format, against what GnuPG and Sequoia made, and against what an attacker would make of it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, dead_code, reason = "tests")]
#![cfg(all(feature = "openpgp", feature = "checksums"))]

mod certificates;
mod checksums;
mod clear_signed;
#[cfg(feature = "config")]
mod config;
mod debian;
mod detached;
mod differential;
#[cfg(feature = "conformance")]
mod explain;
#[path = "../xml/generate.rs"]
mod generate;
mod gpg;
mod maker;
#[path = "../formats/support.rs"]
mod support;
