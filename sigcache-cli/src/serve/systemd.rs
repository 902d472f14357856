//! What systemd wants to know (sd_notify(3)). Without systemd nobody listens.

use std::time::Duration;

use sd_notify::NotifyState;
use sigcache_http::Endpoint;
use tokio::sync::watch;

use crate::output;

/// Says that the service is ready once the catalog could be read, shows that it lives, and says when it stops.
pub(super) async fn tell(endpoint: Endpoint, mut ended: watch::Receiver<bool>) {
    let mut ready = false;
    let watchdog = sd_notify::watchdog_enabled().map(|limit| limit / 2);
    loop {
        if !ready && endpoint.is_ready().await {
            say(&[NotifyState::Ready]);
            ready = true;
        }
        if watchdog.is_some() {
            say(&[NotifyState::Watchdog]);
        }
        let pause = match (ready, watchdog) {
            (true, None) => Duration::MAX,
            (true, Some(pause)) => pause,
            (false, pause) => pause.unwrap_or(Duration::MAX).min(Duration::from_secs(1)),
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = ended.wait_for(|ended| *ended) => break,
        }
    }
    say(&[NotifyState::Stopping]);
}

fn say(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        output::warning(&format!("systemd could not be told: {error}"));
    }
}
