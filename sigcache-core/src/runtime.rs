//! What the core asks of the program around it: to wait, to run tasks, and to say how long something took.
//!
//! So the core needs no async runtime of its own, and a test can run hours in a moment.

use std::{fmt, future::poll_fn, pin::pin, task::Poll, time::Duration};

use futures_channel::oneshot;
use futures_util::{FutureExt as _, future::BoxFuture};

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

/// Runs `work` beside the caller, who gets its answer; `None` if it panicked. By then what it held is dropped.
pub(crate) fn spawned<T, W>(runtime: &dyn Runtime, work: W) -> impl Future<Output = Option<T>> + Send + use<T, W>
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    let (send, receive) = oneshot::channel();
    runtime.spawn(Box::pin(async move {
        let answer = work.await;
        // The receiver is gone only where the whole run was given up.
        let _ = send.send(answer);
    }));
    async move { receive.await.ok() }
}

/// Drives `work` on as long as it is not later than `end`, and then drops it wherever it stands. The time is looked
/// at before each of its steps: a process that was stopped for a day must not go on where it was.
pub(crate) async fn until<T>(runtime: &dyn Runtime, end: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match runtime.elapsed() > end {
        true => Poll::Ready(None),
        false => work.as_mut().poll(context).map(Some),
    })
    .await
}

/// What `work` comes to, or `None` if it takes longer than `span`.
pub(crate) async fn within<T>(runtime: &dyn Runtime, span: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut timer: Option<BoxFuture<'static, ()>> = None;
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        // Only now: mostly there is nothing to wait for.
        timer.get_or_insert_with(|| runtime.sleep(span)).poll_unpin(context).map(|()| None)
    })
    .await
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
