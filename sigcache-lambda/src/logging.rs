//! One line of JSON for each thing that happened, on standard output, where CloudWatch takes it from.

use std::io;

use tracing_subscriber::EnvFilter;

/// Logs from now on, as much as `SIGCACHE_LOG` says (`info` by default, such as `sigcache_core=debug`).
pub fn log() {
    let filter = EnvFilter::try_from_env("SIGCACHE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let logging = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(io::stdout);
    // Fails only where logging was begun before.
    let _ = logging.try_init();
}
