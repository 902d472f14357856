//! The endpoint of sigcache: verified documents over HTTP, and pages that say how everything stands.
//!
//! [`Endpoint::router`] is an axum `Router` that a service can nest under a path of its own. It serves what the
//! configuration names and nothing else; a request can never supply a URL. Every byte of a document was verified by the
//! keys of today before the last of it leaves. With the feature `server` there is a listener that bears with slow clients.
//!
//! ```
//! use std::sync::Arc;
//! use sigcache_core::{fetch::Schemes, store::Bucket};
//! use sigcache_http::{Endpoint, Options, Setup};
//!
//! # let resources = Vec::new();
//! # let objects: Arc<dyn object_store::ObjectStore> = Arc::new(object_store::memory::InMemory::new());
//! let open = Arc::new(move |shard| Ok(Bucket::new(objects.clone()).with_shard(shard)));
//! let endpoint = Endpoint::new(Setup::new(resources, Arc::new(Schemes::default()), open), Options::default());
//! let service: axum::Router = axum::Router::new().nest("/cache", endpoint.router());
//! ```

#![deny(missing_docs)]

mod body;
mod endpoint;
mod health;
mod limits;
mod metrics;
mod pages;
mod problem;
mod resources;
mod runs;
#[cfg(feature = "server")]
mod server;
mod setup;
mod shelf;
mod sync;

pub use endpoint::Endpoint;
pub use problem::{CODES, Problem};
#[cfg(feature = "server")]
pub use server::{Connections, serve};
pub use setup::{Clock, OpenStore, Options, Setup, TimeLeft, Token, TokenError};
