//! The pages for people, and the same for programs.

mod accept;
mod calendar;
mod faults;
mod find;
mod history;
mod index;
mod layout;
mod resource;
mod table;
mod timeline;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use http::{StatusCode, header};
use serde::Serialize;
use sigcache_core::{Decision, Entry, Name, RunId, Timestamp, explain::explain, status::Row};
use tokio::time::{Instant, timeout_at};

use crate::{
    endpoint::Inner,
    health::all_complaints,
    problem::{self, Problem},
    resources::name_of,
    runs::{self, Decided, Failures},
    shelf::Loaded,
};
use accept::Form;
use layout::Reader;
use timeline::Recent;

/// A page waits so long for reports. It is for somebody who looks because something is wrong, the store perhaps.
const PATIENCE: Duration = Duration::from_secs(2);

/// So many runs are asked what they say of the failures that are shown.
const MOST_RUNS: usize = 8;

/// The history of a resource has so many runs, from at most so many reports for each shard.
const HISTORY: usize = 20;
const MOST_REPORTS: usize = 200;

/// What `sigcache status --json` says, too.
#[derive(Serialize)]
struct Status<'l> {
    at: Timestamp,
    sequence: u64,
    resources: Vec<Row<'l>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    broken_anchors: Vec<String>,
}

/// What `sigcache explain --json` says, too.
#[derive(Serialize)]
struct Explanation<'l> {
    resource: &'l Name,
    text: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'l Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

/// How every resource stands.
///
/// A page where `Accept` asks for `text/html`, otherwise JSON as `sigcache status --json` has it.
#[utoipa::path(
    get,
    path = "/",
    params(
        ("state" = Option<String>, Query, description = "Of the page: only resources in this state"),
        ("q" = Option<String>, Query, description = "Of the page: only resources with this in their name"),
        ("page" = Option<usize>, Query, description = "Of the page: which hundred of them"),
    ),
    responses(
        (status = 200, description = "A page, or JSON by `Accept` (docs/output.schema.json)"),
        (status = 503, description = "The store does not answer, and never did", body = Problem),
    ),
)]
pub(crate) async fn index(
    State(inner): State<Arc<Inner>>,
    reader: Reader,
    asked: Result<Query<find::Asked>, QueryRejection>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let loaded = match inner.shelf.current().await {
        Ok(loaded) => loaded,
        Err(problem) => return reader.problem(problem),
    };
    let now = inner.now();
    let mut response = match reader.form {
        Form::Json => {
            let (sequence, resources) = (loaded.holdings.sequence(), loaded.holdings.rows(now).collect());
            let broken_anchors = loaded.holdings.broken().iter().map(ToString::to_string).collect();
            Reader::json(&Status { at: now, sequence, resources, broken_anchors })
        }
        Form::Html => {
            let complaints = all_complaints(&inner, Some(&loaded), now);
            let mut index = index::Index::new(&loaded, now, &asked, &reader, complaints);
            let until = Instant::now() + PATIENCE;
            index.recent = recent(&inner, &loaded, until).await;
            index.failures = failures(&inner, &loaded, &index.runs_of_interest(), until).await;
            index.trouble = inner.shelf.trouble();
            reader.page(StatusCode::OK, &index.headline(), index.page())
        }
    };
    response.headers_mut().extend(inner.said_of_store());
    response
}

/// Why a resource is trusted, and what the last runs did about it.
///
/// A page where `Accept` asks for `text/html`, otherwise JSON as `sigcache explain --json` has it.
#[utoipa::path(
    get,
    path = "/explain/{*name}",
    params(("name" = String, Path, description = "The name of a resource; may have slashes")),
    responses(
        (status = 200, description = "A page, or JSON by `Accept` (docs/output.schema.json)"),
        (status = 400, description = "Not a name", body = Problem),
        (status = 404, description = "Unknown", body = Problem),
        (status = 503, description = "The store does not answer, and never did", body = Problem),
    ),
)]
pub(crate) async fn resource(
    State(inner): State<Arc<Inner>>,
    reader: Reader,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    match explained(&inner, &reader, path).await {
        Ok(response) => response,
        Err(problem) => reader.problem(problem),
    }
}

async fn explained(
    inner: &Arc<Inner>,
    reader: &Reader,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let name = name_of(path)?;
    let loaded = inner.shelf.current().await?;
    let now = inner.now();
    let unknown = || problem::unknown_resource(format!("{name} is not among the resources of this endpoint"));
    let (resource, entry) = loaded.holdings.find(&name).ok_or_else(unknown)?;
    let until = Instant::now() + PATIENCE;
    let mut response = match reader.form {
        Form::Json => {
            let decision = match entry {
                Some(entry) => Some(last(inner, &loaded, &name, entry, until).await),
                None => None,
            };
            let text = explain(resource, entry, decision.as_ref(), now);
            Reader::json(&Explanation { resource: &resource.name, text, entry, decision })
        }
        Form::Html => {
            let (history, incomplete) = history(inner, &loaded, &name, until).await;
            let of_last =
                |entry: &Entry| history.iter().find(|one| one.run == entry.last.run).map(|one| one.decision.clone());
            let last = match entry {
                Some(entry) => match of_last(entry) {
                    Some(decision) => Some(decision),
                    None => Some(last(inner, &loaded, &name, entry, until).await),
                },
                None => None,
            };
            let row = loaded.holdings.row(&name, now).ok_or_else(unknown)?;
            let page = resource::Page {
                loaded: &loaded,
                resource,
                entry,
                row,
                last,
                history,
                incomplete,
                now,
                home: &reader.home,
            };
            reader.page(StatusCode::OK, name.as_str(), page.page())
        }
    };
    response.headers_mut().extend(inner.said_of_store());
    Ok(response)
}

/// The style of the pages.
#[utoipa::path(get, path = "/style.css", responses((status = 200, description = "CSS", content_type = "text/css")))]
pub(crate) async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("style.css")).into_response()
}

/// The last runs, as far as they can be read in time; what is late is there for the next who looks.
async fn recent(inner: &Arc<Inner>, loaded: &Arc<Loaded>, until: Instant) -> Recent {
    let number = timeline::reports(loaded.buckets.len());
    if inner.shelf.trouble().is_some() {
        // Nobody waits for a store of which it is known that it does not answer.
        let why = "The store does not answer, so newer runs may be missing.".to_owned();
        return Recent::new(inner.runs.known(number), Some(why), inner.options.overdue);
    }
    let reading = {
        let (inner, loaded) = (inner.clone(), loaded.clone());
        tokio::spawn(async move { inner.runs.last(&loaded, number).await })
    };
    let (runs, why) = match timeout_at(until, reading).await {
        Ok(Ok(Ok(runs))) => (runs, None),
        Ok(Ok(Err(error))) => (
            inner.runs.known(number),
            Some(format!("The reports cannot be read, so the newest may be missing: {}.", error.chain())),
        ),
        Ok(Err(_)) => {
            (inner.runs.known(number), Some("Reading the reports ended in an error of the program.".to_owned()))
        }
        Err(_) => {
            (inner.runs.known(number), Some("The reports are still being read; ask again for all of them.".to_owned()))
        }
    };
    Recent::new(runs, why, inner.options.overdue)
}

/// What `runs` say of what was not good in them, as far as it can be read in time.
async fn failures(inner: &Inner, loaded: &Loaded, runs: &[RunId], until: Instant) -> BTreeMap<RunId, Failures> {
    let mut failures = BTreeMap::new();
    for run in runs.iter().take(MOST_RUNS) {
        // Of a report that cannot be read the catalog still knows step and reason.
        if let Ok(Ok(found)) = timeout_at(until, inner.runs.failures(loaded, *run)).await {
            failures.insert(*run, found);
        }
    }
    failures
}

/// What the last run decided about a resource; without its report what the catalog knows of that.
async fn last(inner: &Inner, loaded: &Loaded, name: &Name, entry: &Entry, until: Instant) -> Decision {
    let run = entry.last.run;
    let failed = entry.last.reason.step() != sigcache_core::Step::Done;
    let read = async {
        if failed && let Some(decision) = inner.runs.failures(loaded, run).await.ok()?.get(name) {
            return Some(decision.clone());
        }
        let report = loaded.bucket().report_if_kept(run).await.ok()??;
        report.decisions.into_iter().find(|decision| decision.resource == *name)
    };
    let found = timeout_at(until, read).await.ok().flatten();
    found.unwrap_or_else(|| Decision::passed(name.clone(), entry.last.outcome, entry.last.reason))
}

/// The history of a resource, and why it is not whole, where it is not.
async fn history(inner: &Inner, loaded: &Arc<Loaded>, name: &Name, until: Instant) -> (Vec<Decided>, Option<String>) {
    let most = (HISTORY * loaded.buckets.len()).min(MOST_REPORTS);
    let mut decisions = std::pin::pin!(runs::decisions(loaded.clone(), &inner.runs, name.clone(), HISTORY, most));
    let mut history = Vec::new();
    loop {
        match timeout_at(until, decisions.next()).await {
            Ok(None) => return (history, None),
            Ok(Some(Ok(one))) => history.push(one),
            Ok(Some(Err(error))) => return (history, Some(format!("The reports cannot be read: {}.", error.chain()))),
            Err(_) => return (history, Some("Older reports could not be read in time.".to_owned())),
        }
    }
}
