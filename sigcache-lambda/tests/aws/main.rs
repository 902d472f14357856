//! The functions as AWS would run them: the real programs behind the Runtime API, and the services of an emulator.
//!
//! The emulator stores functions and runs none, so the last hop, from the topic to the function, is made by the test, as is
//! the invocation of a new version. It accepts keys that are not there and ignores revisions, so such answers are put in by
//! a proxy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod chain;
mod endpoint;
mod front;
mod http;
mod lambda;
mod permissions;
#[allow(dead_code, reason = "the other stores are for other tests")]
#[path = "../../../sigcache-core/tests/stores/servers.rs"]
mod servers;
mod sign;
#[allow(dead_code, reason = "some of it is for the tests of the command")]
mod world;

/// A function's program.
fn program(name: &str) -> std::path::PathBuf {
    match name {
        "sigcache-endpoint" => env!("CARGO_BIN_EXE_sigcache-endpoint").into(),
        _ => env!("CARGO_BIN_EXE_sigcache-update").into(),
    }
}
