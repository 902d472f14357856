//! What the core asks of the program around it: to wait, to run tasks, and to say how long something took.
//!
//! So the core needs no async runtime of its own, and a test can run hours in a moment.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;

/// Waiting, tasks and a stopwatch.
pub trait Runtime: Send + Sync + fmt::Debug {
    /// Time since some fixed moment, never falling. Only differences of it are used, and only to report them and to
    /// bound waiting; nothing is judged by it.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;

    /// Runs `task` beside the caller. A task that panics must not take the caller with it.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// The tokio runtime that the caller runs in.
#[cfg(feature = "tokio")]
#[derive(Debug, Clone)]
pub struct Tokio {
    handle: tokio::runtime::Handle,
    start: std::time::Instant,
}

#[cfg(feature = "tokio")]
impl Tokio {
    /// The runtime of the current task.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, as [`tokio::runtime::Handle::current`] does.
    pub fn current() -> Self {
        Self { handle: tokio::runtime::Handle::current(), start: std::time::Instant::now() }
    }
}

#[cfg(feature = "tokio")]
impl Runtime for Tokio {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(self.handle.spawn(task));
    }
}
