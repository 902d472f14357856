//! What a service manager says by signals.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Sets `end` at SIGTERM or SIGINT, and counts SIGHUP in `hangup`.
pub(super) fn watch(
    end: watch::Sender<bool>,
    hangup: watch::Sender<u64>,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang.recv() => hangup.send_modify(|count| *count += 1),
            }
        }
        end.send_replace(true);
    })
}
