//! One line of JSON for each thing that happened, on standard output, where CloudWatch takes it from.

use std::io;

use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Logs from now on, as much as `SIGCACHE_LOG` says (`info` by default, such as `sigcache_core=debug`).
pub fn log() {
    // Not the filter that knows fields and spans: regular expressions would be a tenth of the program.
    let wished = std::env::var("SIGCACHE_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = wished.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(io::stdout);
    // Fails only where logging was begun before.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
}
