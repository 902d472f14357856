//! The real command against a real nginx on loopback, plain and TLS, with files that the real openssl signed.
//!
//! Every case says exactly which decision the run makes, and that the store then holds the last good bytes and nothing
//! else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![cfg(target_os = "linux")]

mod cases;
mod harness;
