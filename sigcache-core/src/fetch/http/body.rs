//! The limits of time while the body arrives.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use super::{
    super::{FetchError, Limits},
    classify,
    connect::after,
};
use crate::reason::Reason;

/// A body that must keep moving.
///
/// A reader that is slow itself, because its store is, must not make the server look slow: for the idle limit and the
/// least speed only that time counts in which the reader was waiting for bytes. The total time counts always.
pub(super) struct Timed<S> {
    chunks: Option<Pin<Box<S>>>,
    limits: Limits,
    deadline: Instant,
    status: u16,
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when the reader has been waiting.
    waiting: Option<Instant>,
    /// Time waited since the last byte.
    idle: Duration,
    /// Time waited, and bytes received, in the current window of the least speed.
    window: Duration,
    received: u64,
}

impl<S> Timed<S> {
    /// Watches over `chunks`; everything must be there by `deadline`.
    pub(super) fn new(chunks: S, limits: &Limits, deadline: Instant, status: u16) -> Self {
        Self {
            chunks: Some(Box::pin(chunks)),
            limits: limits.clone(),
            deadline,
            status,
            timer: None,
            waiting: None,
            idle: Duration::ZERO,
            window: Duration::ZERO,
            received: 0,
        }
    }

    /// Adds the time since the reader began to wait.
    fn count(&mut self, now: Instant) {
        if let Some(since) = self.waiting.take() {
            let waited = now.saturating_duration_since(since);
            self.idle += waited;
            self.window += waited;
        }
    }

    /// Ends the window if it is over, and says whether enough came in it.
    fn is_too_slow(&mut self) -> bool {
        if self.window < self.limits.speed_window {
            return false;
        }
        let slow = self.received < self.limits.least_bytes;
        self.window = Duration::ZERO;
        self.received = 0;
        slow
    }

    /// The limit that is broken now although nothing arrived.
    fn broken(&mut self) -> Option<FetchError> {
        if self.idle >= self.limits.idle {
            return Some(self.limits.late(Reason::IdleTimeout));
        }
        self.is_too_slow().then(|| self.limits.late(Reason::TooSlow))
    }

    /// The next moment at which a limit may be broken.
    fn due(&self, now: Instant) -> Instant {
        let idle = after(now, self.limits.idle.saturating_sub(self.idle));
        let window = after(now, self.limits.speed_window.saturating_sub(self.window));
        self.deadline.min(idle).min(window)
    }

    fn fail(&mut self, error: FetchError) -> Poll<Option<Result<Bytes, FetchError>>> {
        // Dropping what is left of the body ends the request.
        self.chunks = None;
        Poll::Ready(Some(Err(error.with_status(Some(self.status)))))
    }
}

impl<S: Stream<Item = Result<Bytes, reqwest::Error>>> Stream for Timed<S> {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let Some(chunks) = &mut this.chunks else {
                return Poll::Ready(None);
            };
            let arrived = chunks.as_mut().poll_next(context);
            let now = Instant::now();
            this.count(now);
            if now >= this.deadline && !matches!(arrived, Poll::Ready(None)) {
                let late = this.limits.late(Reason::DeadlineExceeded);
                return this.fail(late);
            }
            match arrived {
                Poll::Ready(Some(Ok(chunk))) => {
                    this.idle = Duration::ZERO;
                    this.received = this.received.saturating_add(chunk.len() as u64);
                    if this.is_too_slow() {
                        let late = this.limits.late(Reason::TooSlow);
                        return this.fail(late);
                    }
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Poll::Ready(Some(Err(error))) => return this.fail(classify::body(error)),
                Poll::Ready(None) => {
                    this.chunks = None;
                    return Poll::Ready(None);
                }
                Poll::Pending => {}
            }
            if let Some(late) = this.broken() {
                return this.fail(late);
            }
            this.waiting = Some(now);
            let due = this.due(now);
            let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(context));
        }
    }
}
