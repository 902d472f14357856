//! Where the time until the headers goes: names, connecting, waiting for the server.
//!
//! reqwest has one timer for connecting per client and none for the first byte. Both limits belong to a request here,
//! and the second begins where the first ends, so a layer around the connector tells each request how far it is.

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::{super::Limits, resolve::ResolveError};

type BoxError = Box<dyn StdError + Send + Sync>;

tokio::task_local! {
    static EXCHANGE: Arc<Exchange>;
}

/// Why there were no headers.
#[derive(Debug)]
pub(super) enum Silence<E> {
    /// The exchange itself failed.
    Failed(E),
    /// Connected, and then nothing for as long as the limit.
    FirstByte,
    /// The time for the whole request is over.
    Deadline,
}

/// No connection within this time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct ConnectTimedOut(pub(super) Duration);

/// How far one request is.
#[derive(Debug)]
struct Exchange {
    connect: Duration,
    stage: Mutex<Stage>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Waiting for the answer since then.
    Asked(Instant),
    /// Connecting since then.
    Connecting(Instant),
    /// A name server is being asked.
    Resolving(Instant),
}

impl Exchange {
    fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// When the first byte must be there at the latest. While there is no connection the connector has its own timer.
    fn first_byte_due(&self, limits: &Limits) -> Instant {
        match self.stage() {
            Stage::Asked(since) => after(since, limits.first_byte),
            Stage::Connecting(since) | Stage::Resolving(since) => {
                after(after(since, limits.connect), limits.first_byte)
            }
        }
    }
}

/// `span` after `start`; a limit too long for the clock is no limit.
pub(super) fn after(start: Instant, span: Duration) -> Instant {
    const ERA: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    start.checked_add(span.min(ERA)).unwrap_or(start)
}

/// Runs `exchange` until the headers are there, within the limits for that.
pub(super) async fn headers<T, E>(
    exchange: impl Future<Output = Result<T, E>>,
    limits: &Limits,
    deadline: Instant,
) -> Result<T, Silence<E>> {
    let state = Arc::new(Exchange { connect: limits.connect, stage: Mutex::new(Stage::Asked(Instant::now())) });
    let mut exchange = pin!(EXCHANGE.scope(state.clone(), exchange));
    let mut timer = pin!(tokio::time::sleep_until(deadline.min(state.first_byte_due(limits))));
    poll_fn(|context| {
        if let Poll::Ready(outcome) = exchange.as_mut().poll(context) {
            return Poll::Ready(outcome.map_err(Silence::Failed));
        }
        while timer.as_mut().poll(context).is_ready() {
            let (now, due) = (Instant::now(), state.first_byte_due(limits));
            if now >= deadline {
                return Poll::Ready(Err(Silence::Deadline));
            }
            if now >= due {
                return Poll::Ready(Err(Silence::FirstByte));
            }
            timer.as_mut().reset(deadline.min(due));
        }
        Poll::Pending
    })
    .await
}

/// Notes that a name is being resolved, so that a silent name server is not told as a silent host.
pub(super) async fn resolving<T>(resolution: impl Future<Output = T>) -> T {
    let exchange = EXCHANGE.try_with(Arc::clone).ok();
    let began = Instant::now();
    if let Some(exchange) = &exchange {
        exchange.enter(Stage::Resolving(began));
    }
    let outcome = resolution.await;
    if let Some(exchange) = &exchange {
        exchange.enter(Stage::Connecting(began));
    }
    outcome
}

/// Puts [`Timed`] around reqwest's connector.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimedLayer;

impl<S> Layer<S> for TimedLayer {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed(inner)
    }
}

/// A connector that keeps to the limit of the request for which it connects.
#[derive(Debug, Clone)]
pub(super) struct Timed<S>(S);

impl<S, Target> Service<Target> for Timed<S>
where
    S: Service<Target, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let connecting = self.0.call(target);
        let Ok(exchange) = EXCHANGE.try_with(Arc::clone) else {
            return Box::pin(connecting);
        };
        exchange.enter(Stage::Connecting(Instant::now()));
        // The pool may finish this in a task of its own when another connection becomes free first.
        let connecting = EXCHANGE.scope(exchange.clone(), connecting);
        Box::pin(async move {
            let outcome = tokio::time::timeout(exchange.connect, connecting).await;
            let stage = exchange.stage();
            exchange.enter(Stage::Asked(Instant::now()));
            match (outcome, stage) {
                (Ok(outcome), _) => outcome,
                (Err(_), Stage::Resolving(_)) => Err(ResolveError::Silent(exchange.connect).into()),
                (Err(_), _) => Err(ConnectTimedOut(exchange.connect).into()),
            }
        })
    }
}
