//! Stores in a cloud, held against servers that speak as the clouds do: moto for S3, Azurite for Azure, and a fake of
//! our own for Google.
#![cfg(all(feature = "conformance", feature = "disk", feature = "s3", feature = "gcs", feature = "azure"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod bench;
mod contract;
#[allow(dead_code, reason = "only the command's tests ask how long objects are")]
mod fake;
mod faults;
mod needs;
mod proxy;
mod requests;
mod servers;
mod writers;
