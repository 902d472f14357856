//! The real binary, with a local folder as origin: what it prints, how it ends, and what it leaves in the store.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, unreachable_pub, reason = "tests")]

mod alerts;
mod anchors;
mod cloud;
mod doctor;
mod drill;
mod export;
#[path = "../../../sigcache-core/tests/stores/fake.rs"]
mod fake;
mod flows;
mod hostile;
mod keys;
mod kill;
#[allow(dead_code, reason = "some of its faults are for the core alone")]
#[path = "../../../sigcache-core/tests/stores/proxy.rs"]
mod proxy;
mod schema;
mod schema_check;
mod serve;
#[allow(dead_code, reason = "some of its servers are for the core alone")]
#[path = "../../../sigcache-core/tests/stores/servers.rs"]
mod servers;
mod streams;
mod support;
#[cfg(feature = "otel")]
mod traces;
mod web;
