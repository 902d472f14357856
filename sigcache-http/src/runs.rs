//! Reports of runs: the decision log, as it is in the store.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::header;
use sigcache_core::{Decision, Name, Reason, Report, RunId, Timestamp, Totals, store::StoreError};
use tokio::time::Instant;

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
    pub(crate) command: Arc<str>,
    pub(crate) shard: Arc<str>,
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
            command: report.command.clone(),
            shard: report.shard.clone(),
            started: report.started,
            duration_ms: report.duration_ms,
            totals: report.totals,
            not_good: report.decisions.iter().filter(|decision| !decision.is_good()).count() as u64,
            store_failure: report.store_failure.as_ref().map(ToString::to_string),
        }
    }
}

/// The decisions of one run that were not good.
pub(crate) type Failures = Arc<BTreeMap<Name, Decision>>;

/// Of so many runs these are kept: the newest ones, one for each shard at least where there are not many.
const DETAILED: usize = 16;

/// At most so many of one run and one reason are kept: were it so many of a run, those of a rare reason could be missing.
const MOST_FAILURES: usize = 300;

/// What is known of reports that were read already.
#[derive(Default)]
pub(crate) struct RunLog {
    read: Mutex<Read>,
    /// Several who look at once do not read the same reports.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Read {
    summaries: BTreeMap<RunId, Summary>,
    failures: BTreeMap<RunId, Failures>,
    /// Which reports there are, newest first, and by which reading of the catalog.
    listed: Option<(Instant, Arc<[RunId]>)>,
}

impl RunLog {
    pub(crate) fn note(&self, report: &Report) {
        let mut read = self.lock();
        read.summaries.insert(report.run, Summary::of(report));
        while read.summaries.len() > KEPT {
            read.summaries.pop_first();
        }
        read.failures.insert(report.run, failures(report));
        while read.failures.len() > DETAILED {
            read.failures.pop_first();
        }
    }

    /// The last `count` runs of which there are reports, the newest first.
    pub(crate) async fn last(&self, loaded: &Loaded, count: usize) -> Result<Vec<Summary>, StoreError> {
        let _one_at_a_time = self.reading.lock().await;
        let mut summaries = Vec::new();
        for run in self.list(loaded).await?.iter().take(count) {
            let known = self.lock().summaries.get(run).cloned();
            match known {
                Some(summary) => summaries.push(summary),
                None => {
                    let Some(report) = loaded.bucket().report_if_kept(*run).await? else { continue };
                    summaries.push(Summary::of(&report));
                    self.note(&report);
                }
            }
        }
        Ok(summaries)
    }

    /// The last `count` runs among those that were read already, the newest first.
    pub(crate) fn known(&self, count: usize) -> Vec<Summary> {
        self.lock().summaries.values().rev().take(count).cloned().collect()
    }

    /// What was not good in a run; nothing where its report was cleared away.
    pub(crate) async fn failures(&self, loaded: &Loaded, run: RunId) -> Result<Failures, StoreError> {
        let known = self.lock().failures.get(&run).cloned();
        if let Some(failures) = known {
            return Ok(failures);
        }
        let Some(report) = loaded.bucket().report_if_kept(run).await? else { return Ok(Failures::default()) };
        self.note(&report);
        Ok(failures(&report))
    }

    /// The reports that there are: listed once for each reading of the catalog, since there may be very many.
    async fn list(&self, loaded: &Loaded) -> Result<Arc<[RunId]>, StoreError> {
        let listed = self.lock().listed.clone().filter(|(since, _)| *since == loaded.since);
        if let Some((_, runs)) = listed {
            return Ok(runs);
        }
        let runs: Arc<[RunId]> = loaded.bucket().reports().await?.into();
        self.lock().listed = Some((loaded.since, runs.clone()));
        Ok(runs)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failures(report: &Report) -> Failures {
    let mut kept: BTreeMap<Reason, usize> = BTreeMap::new();
    let bad = report.decisions.iter().filter(|decision| !decision.is_good());
    let some_of_each = bad.filter(|decision| {
        let count = kept.entry(decision.reason).or_default();
        *count += 1;
        *count <= MOST_FAILURES
    });
    Arc::new(some_of_each.map(|decision| (decision.resource.clone(), decision.clone())).collect())
}

/// What a run decided about a resource.
pub(crate) struct Decided {
    pub(crate) run: RunId,
    pub(crate) command: Arc<str>,
    pub(crate) decision: Decision,
}

/// Reports are looked for a resource in so many at a time.
const AT_ONCE: usize = 4;

/// What the last runs decided about a resource, the newest first: up to `count` decisions, from at most `most` reports.
pub(crate) fn decisions(
    loaded: Arc<Loaded>,
    log: &RunLog,
    name: Name,
    count: usize,
    most: usize,
) -> impl Stream<Item = Result<Decided, StoreError>> {
    let (listing, reading) = (loaded.clone(), loaded);
    let listed = async move { log.list(&listing).await };
    let runs = stream::once(listed).map_ok(move |runs| {
        let runs: Vec<RunId> = runs.iter().take(most).copied().collect();
        stream::iter(runs.into_iter().map(Ok))
    });
    let one = move |run| {
        let (loaded, name) = (reading.clone(), name.clone());
        async move {
            let Some(report) = loaded.bucket().report_if_kept(run).await? else { return Ok(None) };
            let command = report.command.clone();
            let found = report.decisions.into_iter().find(|decision| decision.resource == name);
            Ok(found.map(|decision| Decided { run, command, decision }))
        }
    };
    let read = runs.try_flatten().map_ok(one).try_buffered(AT_ONCE);
    read.try_filter_map(|found| std::future::ready(Ok(found))).take(count)
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

#[cfg(test)]
mod tests {
    use super::*;
    use sigcache_core::{Failure, Outcome};

    #[test]
    fn some_failures_of_each_reason_are_kept() {
        let decision = |number: usize, reason| {
            let name = Name::new(&format!("r/{number:05}")).unwrap();
            Decision::failed(name, Outcome::Refused, Failure::new(reason, "x", "y"))
        };
        let mut decisions: Vec<Decision> = (0..2000).map(|number| decision(number, Reason::ConnectTimeout)).collect();
        decisions.push(decision(9999, Reason::SignatureMismatch));
        let started = Timestamp::from_millis(0);
        let report = Report::new("sync", RunId::new(started, 1), started, "0001-of-0001", decisions);
        let kept = failures(&report);
        assert_eq!(kept.len(), MOST_FAILURES + 1);
        assert!(kept.contains_key(&Name::new("r/09999").unwrap()));
    }
}
