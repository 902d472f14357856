//! One line of JSON for each thing that happened, on standard output, where CloudWatch takes it from.

use std::io;

use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Logs from now on, as much as `SIGCACHE_LOG` says (`info` by default, such as `sigcache_core=debug`).
pub fn log() {
    // Not the filter that knows fields and spans: regular expressions would be a tenth of the program.
    let wished = std::env::var("SIGCACHE_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = wished.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    // It tells once more what each failed invocation has told already; a panic stands on standard error anyway.
    let filter = filter.with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(io::stdout);
    // Fails only where logging was begun before.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
}

/// What was set up, or the end of the program, with a line of the log that says why.
pub fn begun<T, E: std::error::Error>(setup: Result<T, E>) -> T {
    setup.unwrap_or_else(|error| {
        tracing::error!(error = sigcache_core::error_chain(&error), "the function cannot begin");
        std::process::exit(1)
    })
}
