//! `GET /health` and `GET /ready`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sigcache_core::{Timestamp, human_span, status::Row};
use utoipa::ToSchema;

use crate::{endpoint::Inner, problem::Problem};

/// How everything is, for machines.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `well` or `unwell`.
    status: &'static str,
    /// When it was looked at.
    #[schema(value_type = String)]
    at: Timestamp,
    /// When the last run ended its work, of several shards the one that is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    last_run: Option<Timestamp>,
    /// How many resources there are.
    resources: usize,
    /// Those that are not as they should be, at most 100 of them.
    #[schema(value_type = Vec<Object>)]
    not_good: Vec<Value>,
    /// How many those are.
    not_good_count: usize,
    /// What else is wrong: the store, the schedule, anchors, and parts of the program around the endpoint.
    complaints: BTreeMap<&'static str, String>,
}

type Value = serde_json::Value;

/// So many resources are told one by one.
const TOLD: usize = 100;

/// Whether everything is as it should be.
///
/// Computed from the store when asked, so it is not green while nothing runs any more.
#[utoipa::path(
    get,
    path = "/health",
    responses(
        (status = 200, description = "Everything is fresh", body = Health),
        (status = 503, description = "Something is not; it says what", body = Health),
    ),
)]
pub(crate) async fn health(State(inner): State<Arc<Inner>>) -> Response {
    // Where the store does not answer, what was read last says at least which resources there are.
    let loaded = match inner.shelf.look().await {
        Ok(loaded) => Some(loaded),
        Err(_) => inner.shelf.current().await.ok(),
    };
    let now = inner.now();
    let rows: Vec<Row<'_>> = loaded.iter().flat_map(|loaded| loaded.holdings.rows(now)).collect();
    let bad: Vec<&Row<'_>> = rows.iter().filter(|row| !row.is_good()).collect();
    let complaints = all_complaints(&inner, loaded.as_deref(), now);
    let is_well = bad.is_empty() && complaints.is_empty();
    let told = bad.iter().take(TOLD).map(|row| serde_json::to_value(row).unwrap_or_default());
    let health = Health {
        status: if is_well { "well" } else { "unwell" },
        at: now,
        last_run: loaded.as_deref().and_then(last_run),
        resources: rows.len(),
        not_good: told.collect(),
        not_good_count: bad.len(),
        complaints,
    };
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let no_store = HeaderValue::from_static("no-store");
    (status, [(header::CACHE_CONTROL, no_store)], axum::Json(health)).into_response()
}

/// When a run committed last; of several shards the one that is furthest behind.
pub(crate) fn last_run(loaded: &crate::shelf::Loaded) -> Option<Timestamp> {
    let catalogs = loaded.holdings.catalogs().iter();
    let times = catalogs.map(|(_, catalog)| (catalog.sequence() > 0).then(|| catalog.at()));
    times.min().flatten()
}

/// What is wrong beside the resources.
pub(crate) fn all_complaints(
    inner: &Inner,
    loaded: Option<&crate::shelf::Loaded>,
    now: Timestamp,
) -> BTreeMap<&'static str, String> {
    let mut complaints = inner.complaints();
    if let Some(trouble) = inner.shelf.trouble() {
        let text = format!("unreachable since {}: {}", trouble.since, trouble.problem.detail());
        complaints.insert("store", text);
    }
    if let Some(damage) = inner.damage() {
        complaints.insert("documents", damage);
    }
    if let Some(text) = loaded.and_then(|loaded| without_keys(loaded, now)) {
        complaints.insert("keys", text);
    }
    let broken = loaded.iter().flat_map(|loaded| loaded.holdings.broken());
    let broken: Vec<String> = broken.map(ToString::to_string).collect();
    if !broken.is_empty() {
        complaints.insert("anchors", broken.join("; "));
    }
    if let Some(limit) = inner.options.overdue {
        let last = loaded.and_then(last_run);
        if last.is_none_or(|last| now.since(last) > limit) {
            let found = last
                .map_or("none so far".to_owned(), |last| format!("the last one {} ago", human_span(now.since(last))));
            complaints
                .insert("schedule", format!("a run was expected every {}, and there was {found}", human_span(limit)));
        }
    }
    complaints
}

/// Resources of which too few keys may sign now: their sources can send what they like.
fn without_keys(loaded: &crate::shelf::Loaded, now: Timestamp) -> Option<String> {
    let stuck = |trust: &sigcache_core::trust::Trust| {
        let able = trust.keys().iter().filter(|key| key.may_sign(now).is_ok()).count();
        !trust.keys().is_empty() && able < trust.threshold()
    };
    let mut stuck = loaded.holdings.resources().iter().filter(|resource| stuck(&resource.rules.trust));
    let first = stuck.next()?;
    let keys = first.rules.trust.names();
    let more = match stuck.count() {
        0 => String::new(),
        others => format!(" and of {others} more"),
    };
    Some(format!(
        "no new version of {}{more} can pass: too few of its keys may sign now ({keys}); put the publisher's new key into the configuration",
        first.name
    ))
}

/// Whether documents can be served: the catalog could be read.
#[utoipa::path(
    get,
    path = "/ready",
    responses((status = 200, description = "Ready"), (status = 503, description = "The store does not answer", body = Problem)),
)]
pub(crate) async fn ready(State(inner): State<Arc<Inner>>) -> Result<&'static str, Problem> {
    inner.shelf.current().await.map(|_| "ready\n")
}
