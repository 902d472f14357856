//! The real command against a chain on AWS that an emulator stands for, with the real programs as functions: what
//! `sigcache-lambda/tests/aws` sets up, seen from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "tests"
)]

mod broken;
mod deploy;
mod desk;
#[allow(dead_code, reason = "some of it is for the functions' own tests alone")]
#[path = "../../../sigcache-lambda/tests/aws/front.rs"]
mod front;
#[allow(dead_code, reason = "some of it is for the functions' own tests alone")]
#[path = "../../../sigcache-lambda/tests/aws/lambda.rs"]
mod lambda;
mod probe;
#[path = "../cli/schema_check.rs"]
mod schema_check;
#[allow(dead_code, reason = "the other stores are for other tests")]
#[path = "../../../sigcache-core/tests/stores/servers.rs"]
mod servers;
#[path = "../../../sigcache-lambda/tests/aws/sign.rs"]
mod sign;
#[allow(dead_code, reason = "some of it is for the functions' own tests alone")]
#[path = "../../../sigcache-lambda/tests/aws/world.rs"]
mod world;

/// A function's program, which lies beside the command: both are of one workspace.
fn program(name: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_BIN_EXE_sigcache")).with_file_name(name);
    assert!(path.is_file(), "{} is not built: run `cargo test --workspace`, or build sigcache-lambda", path.display());
    path
}
