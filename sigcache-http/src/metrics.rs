//! `GET /metrics`: the text form of Prometheus. What is counted is kept; what stands in the catalog is computed when asked.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::header;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use sigcache_core::{Outcome, Reason, Report, Step, Timestamp};

use crate::{
    endpoint::Inner,
    problem::{self, Problem},
    shelf::Loaded,
};

type Gauges<L> = Family<L, Gauge>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfResource {
    resource: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    resource: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLast {
    resource: String,
    outcome: Word<Outcome>,
    step: Word<Step>,
    reason: Word<Reason>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDecision {
    outcome: Word<Outcome>,
    step: Word<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfShard {
    shard: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPart {
    part: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAnswer {
    method: Method,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: &'static str,
}

/// A method that clients use; others are `other`, or anybody could fill the memory with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Method(&'static str);

impl EncodeLabelValue for Method {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

/// A word of the decision log as label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Word<T>(T);

impl<T: fmt::Display> EncodeLabelValue for Word<T> {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.to_string().as_str().encode(encoder)
    }
}

/// What was counted since the process began.
pub(crate) struct Metrics {
    registry: Registry,
    decisions: Family<OfDecision, Counter>,
    runs: Counter,
    store_requests: Counter,
    stored_bytes: Counter,
    run_seconds: Histogram,
    answers: Family<OfAnswer, Counter>,
    answer_seconds: Family<OfRoute, Histogram>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("sigcache");
        let seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 4.0, 9));
        let metrics = Self {
            decisions: Family::default(),
            runs: Counter::default(),
            store_requests: Counter::default(),
            stored_bytes: Counter::default(),
            run_seconds: Histogram::new(exponential_buckets(0.1, 3.0, 9)),
            answers: Family::default(),
            answer_seconds: Family::new_with_constructor(seconds),
            registry: Registry::default(),
        };
        registry.register("decisions", "Decisions of runs, by outcome and step", metrics.decisions.clone());
        registry.register("runs", "Runs that ended", metrics.runs.clone());
        registry.register("store_requests", "Requests of runs to the store", metrics.store_requests.clone());
        let bytes = metrics.stored_bytes.clone();
        registry.register_with_unit("stored", "Bytes of versions that runs stored", Unit::Bytes, bytes);
        let run_seconds = metrics.run_seconds.clone();
        registry.register_with_unit("run_duration", "How long runs took", Unit::Seconds, run_seconds);
        registry.register("http_requests", "Answers, by method, route and status", metrics.answers.clone());
        let text = "Time until an answer began";
        registry.register_with_unit("http_request_duration", text, Unit::Seconds, metrics.answer_seconds.clone());
        Self { registry, ..metrics }
    }

    /// A run ended.
    pub(crate) fn ran(&self, report: &Report) {
        self.runs.inc();
        self.store_requests.inc_by(report.store_requests);
        self.run_seconds.observe(Duration::from_millis(report.duration_ms).as_secs_f64());
        for decision in &report.decisions {
            let labels = OfDecision { outcome: Word(decision.outcome), step: Word(decision.step) };
            self.decisions.get_or_create(&labels).inc();
            if decision.outcome == Outcome::Stored {
                self.stored_bytes.inc_by(decision.bytes.unwrap_or(0));
            }
        }
    }

    /// A request was answered.
    pub(crate) fn answered(&self, method: &str, route: &'static str, status: u16, took: Duration) {
        const METHODS: &[&str] = &["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"];
        let method = Method(METHODS.iter().find(|known| **known == method).copied().unwrap_or("other"));
        self.answers.get_or_create(&OfAnswer { method, route, status }).inc();
        self.answer_seconds.get_or_create(&OfRoute { route }).observe(took.as_secs_f64());
    }
}

/// Age, expiry, state and last outcome of each resource, runs, the store, requests.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Prometheus text", content_type = "text/plain")))]
pub(crate) async fn metrics(State(inner): State<Arc<Inner>>) -> Result<Response, Problem> {
    // The last catalog that could be read is better than no numbers at all; `store_up` tells the difference.
    let loaded = inner.shelf.look().await.ok();
    let mut computed = Registry::with_prefix("sigcache");
    let up = Gauge::<i64>::default();
    up.set(i64::from(loaded.is_some()));
    computed.register("store_up", "Whether the catalog could be read just now", up);
    let hot = Gauge::<i64>::default();
    hot.set(i64::try_from(inner.hot.bytes()).unwrap_or(i64::MAX));
    computed.register_with_unit("hot", "Verified documents in memory", Unit::Bytes, hot);
    let loaded = match loaded {
        Some(loaded) => Some(loaded),
        None => inner.shelf.current().await.ok(),
    };
    let now = inner.now();
    let complaints = Gauges::<OfPart>::default();
    if let Some(loaded) = &loaded {
        of_catalog(&mut computed, loaded, now);
    }
    for part in crate::health::all_complaints(&inner, loaded.as_deref(), now).into_keys() {
        complaints.get_or_create(&OfPart { part }).set(1);
    }
    computed.register("complaint", "1 for each part that something is wrong with", complaints);
    let mut page = String::new();
    let written = text::encode_registry(&mut page, &computed)
        .and_then(|()| text::encode_registry(&mut page, &inner.metrics.registry))
        .and_then(|()| text::encode_eof(&mut page));
    written.map_err(|_| problem::crashed("the metrics could not be written"))?;
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, TYPE), (header::CACHE_CONTROL, "no-store")], page).into_response())
}

fn of_catalog(registry: &mut Registry, loaded: &Loaded, now: Timestamp) {
    let seconds = |time: Timestamp| time.as_millis() / 1000;
    let (confirmed, expiry, bytes) =
        (Gauges::<OfResource>::default(), Gauges::<OfResource>::default(), Gauges::<OfResource>::default());
    let (age, state, good) =
        (Gauges::<OfResource>::default(), Gauges::<OfState>::default(), Gauges::<OfResource>::default());
    let last = Gauges::<OfLast>::default();
    for row in loaded.holdings.rows(now) {
        let resource = || row.resource.as_str().to_owned();
        let label = OfResource { resource: resource() };
        if let Some(checked) = row.checked_at {
            confirmed.get_or_create(&label).set(seconds(checked));
            age.get_or_create(&label).set(i64::try_from(now.since(checked).as_secs()).unwrap_or(i64::MAX));
        }
        if let Some(end) = row.valid_until {
            expiry.get_or_create(&label).set(seconds(end));
        }
        if let Some(size) = row.bytes {
            bytes.get_or_create(&label).set(i64::try_from(size).unwrap_or(i64::MAX));
        }
        good.get_or_create(&label).set(i64::from(row.is_good()));
        state.get_or_create(&OfState { resource: resource(), state: row.standing() }).set(1);
        if let Some(run) = row.last {
            let (outcome, step, reason) = (Word(run.last.outcome), Word(run.step), Word(run.last.reason));
            last.get_or_create(&OfLast { resource: resource(), outcome, step, reason }).set(1);
        }
    }
    registry.register("resource_good", "1 where nothing about the resource needs a person", good);
    registry.register("resource_state", "1 for the state: fresh, stale, expired, withheld or absent", state);
    registry.register("resource_last", "1 for how the last run ended for it", last);
    registry.register_with_unit("resource_age", "Since a source confirmed the copy", Unit::Seconds, age);
    let text = "When a source last confirmed the copy";
    registry.register("resource_confirmed_timestamp_seconds", text, confirmed);
    let text = "The end of the validity that the document states";
    registry.register("resource_expiry_timestamp_seconds", text, expiry);
    registry.register("resource_size_bytes", "The size of the copy", bytes);
    let ran = Gauges::<OfShard>::default();
    for (shard, catalog) in loaded.holdings.catalogs() {
        if catalog.sequence() > 0 {
            ran.get_or_create(&OfShard { shard: shard.to_string() }).set(seconds(catalog.at()));
        }
    }
    registry.register("last_run_timestamp_seconds", "When the last run committed", ran);
}
