//! Reports of runs: the decision log, as it is in the store.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::header;
use sigcache_core::{Decision, Name, Report, RunId, Timestamp, Totals, store::StoreError};

use crate::{
    endpoint::Inner,
    problem::{self, Problem},
    shelf::Loaded,
};

/// So many summaries are kept: a report never changes, and some days of hours are looked at again and again.
const KEPT: usize = 512;

/// A run in one line.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) run: RunId,
    pub(crate) command: String,
    pub(crate) shard: String,
    pub(crate) started: Timestamp,
    pub(crate) duration_ms: u64,
    pub(crate) totals: Totals,
    pub(crate) not_good: u64,
    pub(crate) store_failure: Option<String>,
}

impl Summary {
    fn of(report: &Report) -> Self {
        Self {
            run: report.run,
            command: report.command.to_string(),
            shard: report.shard.to_string(),
            started: report.started,
            duration_ms: report.duration_ms,
            totals: report.totals,
            not_good: report.decisions.iter().filter(|decision| !decision.is_good()).count() as u64,
            store_failure: report.store_failure.as_ref().map(ToString::to_string),
        }
    }
}

/// Summaries of reports that were read already.
#[derive(Default)]
pub(crate) struct RunLog(Mutex<BTreeMap<RunId, Summary>>);

impl RunLog {
    pub(crate) fn note(&self, report: &Report) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(report.run, Summary::of(report));
        while kept.len() > KEPT {
            kept.pop_first();
        }
    }

    fn known(&self, run: RunId) -> Option<Summary> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&run).cloned()
    }

    /// The last `count` runs of which there are reports, the newest first.
    pub(crate) async fn last(&self, loaded: &Loaded, count: usize) -> Result<Vec<Summary>, StoreError> {
        let mut summaries = Vec::new();
        for run in loaded.bucket().reports().await?.into_iter().take(count) {
            match self.known(run) {
                Some(summary) => summaries.push(summary),
                None => {
                    let Some(report) = loaded.bucket().report_if_kept(run).await? else { continue };
                    summaries.push(Summary::of(&report));
                    self.note(&report);
                }
            }
        }
        Ok(summaries)
    }
}

/// What the last `count` runs decided about a resource, the newest first.
pub(crate) async fn decisions(
    loaded: &Loaded,
    name: &Name,
    count: usize,
) -> Result<Vec<(RunId, String, Decision)>, StoreError> {
    let mut decisions = Vec::new();
    for run in loaded.bucket().reports().await?.into_iter().take(count) {
        let Some(report) = loaded.bucket().report_if_kept(run).await? else { continue };
        let command = report.command.to_string();
        let found = report.decisions.into_iter().find(|decision| decision.resource == *name);
        decisions.extend(found.map(|decision| (run, command, decision)));
    }
    Ok(decisions)
}

/// The report of one run.
#[utoipa::path(
    get,
    path = "/runs/{run}",
    params(("run" = String, Path, description = "The id of a run, such as 20261124T120000.000Z-0123456789abcdef")),
    responses(
        (status = 200, description = "Every decision of the run (docs/output.schema.json)"),
        (status = 404, description = "There is no such report", body = Problem),
        (status = 503, description = "The store does not answer", body = Problem),
    ),
)]
pub(crate) async fn report(State(inner): State<Arc<Inner>>, Path(run): Path<String>) -> Result<Response, Problem> {
    let parsed: RunId = run.parse().map_err(|error| problem::unknown_run(format!("{error}")))?;
    let loaded = inner.shelf.current().await?;
    let report = loaded.bucket().report_if_kept(parsed).await.map_err(|error| Problem::store(&error))?;
    let Some(report) = report else {
        return Err(problem::unknown_run(format!("{parsed}: the run is under way, or its report was cleared away")));
    };
    Ok(([(header::CACHE_CONTROL, "max-age=3600")], axum::Json(report)).into_response())
}
