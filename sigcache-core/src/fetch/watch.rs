//! The limits of time for a source that has no timers of its own.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _, future::BoxFuture, stream, stream::BoxStream};

use super::{FetchError, Limits};
use crate::{reason::Reason, runtime::Runtime};

/// One request, and how long it has been going on.
#[derive(Debug)]
pub(super) struct Watch {
    runtime: Arc<dyn Runtime>,
    limits: Limits,
    start: Duration,
}

impl Watch {
    /// The request begins now.
    pub(super) fn start(runtime: Arc<dyn Runtime>, limits: &Limits) -> Self {
        let start = runtime.elapsed();
        Self { runtime, limits: limits.clone(), start }
    }

    /// Waits for the answer to begin. Such a source does not say when it is connected, so it has both times.
    pub(super) async fn answer<T>(&self, opening: impl Future<Output = T>) -> Result<T, FetchError> {
        let (left, first) = (self.left(), self.limits.connect.saturating_add(self.limits.first_byte));
        match self.wait(left.min(first), opening).await {
            Some(answer) => Ok(answer),
            None if left <= first => Err(self.limits.late(Reason::DeadlineExceeded)),
            None => Err(self.limits.late(Reason::FirstByteTimeout)),
        }
    }

    /// Watches over a body. As with HTTP, a reader that is slow itself must not make the source look slow: only the time
    /// in which it waits for bytes counts, except for the whole time, which counts always.
    pub(super) fn body(
        self,
        chunks: impl Stream<Item = Result<Bytes, FetchError>> + Send + 'static,
    ) -> impl Stream<Item = Result<Bytes, FetchError>> + Send + 'static {
        let moving = Moving { watch: self, chunks: chunks.boxed(), window: Duration::ZERO, received: 0 };
        stream::unfold(Some(moving), async |moving| moving?.next().await)
    }

    fn left(&self) -> Duration {
        self.limits.total.saturating_sub(self.runtime.elapsed().saturating_sub(self.start))
    }

    /// What `task` comes to, or `None` if it takes longer than `span`.
    async fn wait<T>(&self, span: Duration, task: impl Future<Output = T>) -> Option<T> {
        let mut task = pin!(task);
        let mut timer: Option<BoxFuture<'static, ()>> = None;
        poll_fn(|context| {
            if let Poll::Ready(done) = task.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            // Only now: mostly there is nothing to wait for.
            timer.get_or_insert_with(|| self.runtime.sleep(span)).poll_unpin(context).map(|()| None)
        })
        .await
    }
}

/// A body that must keep moving.
struct Moving {
    watch: Watch,
    chunks: BoxStream<'static, Result<Bytes, FetchError>>,
    /// Time waited, and bytes received, in the current window of the least speed.
    window: Duration,
    received: u64,
}

impl Moving {
    /// The next bytes, with what is left to come, or the error that ends the body.
    async fn next(mut self) -> Option<(Result<Bytes, FetchError>, Option<Self>)> {
        let limits = self.watch.limits.clone();
        let mut idle = Duration::ZERO;
        loop {
            let left = self.watch.left();
            let window = limits.speed_window.saturating_sub(self.window);
            let span = left.min(limits.idle.saturating_sub(idle)).min(window);
            let began = self.watch.runtime.elapsed();
            let arrived = self.watch.wait(span, self.chunks.next()).await;
            let waited = match arrived {
                Some(_) => self.watch.runtime.elapsed().saturating_sub(began).min(span),
                None => span,
            };
            idle += waited;
            self.window += waited;
            let chunk = match arrived {
                Some(None) => return None,
                Some(Some(Err(error))) => return Some((Err(error), None)),
                Some(Some(Ok(chunk))) => Some(chunk),
                None => None,
            };
            self.received = self.received.saturating_add(chunk.as_ref().map_or(0, Bytes::len) as u64);
            let late = match chunk {
                None if span == left => Some(Reason::DeadlineExceeded),
                _ if self.watch.left().is_zero() => Some(Reason::DeadlineExceeded),
                None if idle >= limits.idle => Some(Reason::IdleTimeout),
                _ => self.is_too_slow().then_some(Reason::TooSlow),
            };
            match (late, chunk) {
                (Some(late), _) => return Some((Err(limits.late(late)), None)),
                (None, Some(chunk)) => return Some((Ok(chunk), Some(self))),
                (None, None) => {}
            }
        }
    }

    /// Ends the window if it is over, and says whether too little came in it.
    fn is_too_slow(&mut self) -> bool {
        let limits = &self.watch.limits;
        if self.window < limits.speed_window {
            return false;
        }
        let slow = self.received < limits.least_bytes;
        self.window = Duration::ZERO;
        self.received = 0;
        slow
    }
}
