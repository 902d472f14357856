//! Signed XML: documents that the tools of the field signed, and the attacks on them.

#![cfg(feature = "xml")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

#[path = "xml/attacks.rs"]
mod attacks;
#[path = "xml/corpus.rs"]
mod corpus;
#[path = "xml/generate.rs"]
mod generate;
#[path = "xml/good.rs"]
mod good;
#[path = "xml/mutate.rs"]
mod mutate;
#[path = "xml/oracle.rs"]
mod oracle;
#[cfg(feature = "conformance")]
#[path = "xml/pipeline.rs"]
mod pipeline;
