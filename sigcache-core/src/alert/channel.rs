//! Ways to somebody, and how often each is tried.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use super::notice::Notice;
use crate::{
    decision::printable,
    digest::Digest,
    fetch::Retry,
    runtime::{Runtime, until, within},
};

/// How often it is tried to deliver a message before that is left to the next run.
pub const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// A receiver that asks for a longer pause is left alone until the next run.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The most time for all tries. Much less than the time after which another process takes over.
pub(super) const LONGEST_DELIVERY: Duration = Duration::from_secs(5 * 60);

/// A way to somebody.
#[async_trait]
pub trait Channel: Send + Sync + fmt::Debug {
    /// Delivers `notice`, once, within a minute or so. The same notice may come again, with the same id, where it is not
    /// known that it was delivered. Nothing secret is in it, and nothing secret may be in the error.
    async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError>;

    /// What keeps it from delivering anything, as far as can be seen without delivering.
    fn fault(&self) -> Option<String> {
        None
    }
}

/// A message could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found}")]
pub struct DeliveryError {
    found: String,
    retry: Retry,
}

impl DeliveryError {
    /// This was found, which has nothing secret in it; `retry` says whether another try may help.
    pub fn new(found: &str, retry: Retry) -> Self {
        Self { found: printable(found.into()).into(), retry }
    }
}

/// Delivers within the limits, after as many tries as are allowed. The time is looked at before each step, so that a
/// process that was stopped does not go on after others have taken over.
pub(super) async fn deliver(
    runtime: &dyn Runtime,
    channel: &dyn Channel,
    notice: &Notice,
) -> Result<(), DeliveryError> {
    let end = runtime.elapsed().saturating_add(LONGEST_DELIVERY);
    let late = || Err(DeliveryError::new("nothing was delivered within five minutes", Retry::No));
    until(runtime, end, within(runtime, LONGEST_DELIVERY, tries(runtime, channel, notice)))
        .await
        .flatten()
        .unwrap_or_else(late)
}

async fn tries(runtime: &dyn Runtime, channel: &dyn Channel, notice: &Notice) -> Result<(), DeliveryError> {
    let mut tries = 1;
    loop {
        let Err(error) = channel.deliver(notice).await else { return Ok(()) };
        tracing::warn!(channel = notice.channel, tries, found = error.found, "an alert was not delivered");
        let Some(pause) = pause(notice, tries, error.retry) else { return Err(error) };
        runtime.sleep(pause).await;
        tries += 1;
    }
}

/// How long to wait before the next try, if there is to be one: four times the one before, with jitter.
fn pause(notice: &Notice, tries: u32, retry: Retry) -> Option<Duration> {
    if tries >= TRIES {
        return None;
    }
    let dice = Digest::of(format!("{} {} {tries}", notice.id, notice.channel).as_bytes());
    let jittered =
        FIRST_PAUSE.saturating_mul(4_u32.pow(tries - 1)).mul_f64(0.5 + f64::from(dice.as_bytes()[0]) / 512.0);
    match retry {
        Retry::No => None,
        Retry::After(span) if span > LONGEST_PAUSE => None,
        Retry::After(span) => Some(span.max(jittered)),
        Retry::Yes => Some(jittered),
    }
}
