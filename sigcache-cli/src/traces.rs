//! Traces of runs for a collector that speaks OTLP over HTTP (feature `otel`). What is sent where is said by the variables
//! that OpenTelemetry defines, such as `OTEL_EXPORTER_OTLP_ENDPOINT`; without them nothing is sent.

use std::sync::OnceLock;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

use crate::output;

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Sends spans of this program, and of nothing below it, to the collector that the environment names.
pub(crate) fn layer<S>() -> Option<impl Layer<S>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    if !ENDPOINTS.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return None;
    }
    let exporter = match SpanExporter::builder().with_http().with_protocol(Protocol::HttpJson).build() {
        Ok(exporter) => exporter,
        Err(error) => {
            output::warning(&format!("no traces are sent: {error}"));
            return None;
        }
    };
    let resource = Resource::builder().with_service_name("sigcache").build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("sigcache");
    // This is called once.
    let _ = PROVIDER.set(provider);
    let ours =
        Targets::new().with_target("sigcache", LevelFilter::DEBUG).with_target("sigcache_core", LevelFilter::DEBUG);
    Some(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(ours))
}

/// Waits until what was collected is sent. A collector that does not answer costs a warning and nothing else.
pub(crate) async fn flush() {
    let Some(provider) = PROVIDER.get() else { return };
    // It waits for a thread of its own.
    let flushed = tokio::task::spawn_blocking(|| provider.shutdown()).await;
    if let Ok(Err(error)) = flushed {
        output::warning(&format!("not all traces could be sent: {error}"));
    }
}
