//! `POST /sync`: a run, one at a time for each shard; whoever asks for a run that is under way joins it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{FromRequest as _, Request, State},
    response::{IntoResponse as _, Response},
};
use headers::{HeaderMapExt as _, authorization::Bearer};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use sigcache_core::{Name, Report, RunId, run::Selection, store::Shard};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::{
    endpoint::Inner,
    problem::{self, Problem},
};

/// A body must be there within this time: it is the names of some resources.
const SLOWEST_BODY: Duration = Duration::from_secs(10);

/// What to run over.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only these resources; all of the shard by default.
    #[schema(value_type = Option<Vec<String>>)]
    resources: Option<BTreeSet<Name>>,
    /// One of several shards, such as `1/4`; needed where the store has more than one.
    #[schema(value_type = Option<String>)]
    shard: Option<String>,
}

type Outcome = Arc<Result<Report, Problem>>;

/// The runs that are under way.
#[derive(Default)]
pub(crate) struct Flights(Mutex<Vec<Flight>>);

#[derive(Clone)]
struct Flight {
    run: RunId,
    shard: Shard,
    selection: Selection,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Flight {
    async fn outcome(mut self) -> Result<Report, Problem> {
        let ended = self.outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        ended
            .map_or_else(|| Err(problem::crashed("the run ended in an error of the program")), |ended| (*ended).clone())
    }
}

impl Flights {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fetches, verifies, and only then stores.
///
/// Needs the bearer token. Where the same run, or one over everything, is under way, its report is the answer. With
/// `Prefer: respond-async` the answer comes at once and says where the report will be.
#[utoipa::path(
    post,
    path = "/sync",
    request_body(content = inline(Option<Asked>), description = "What to run over; everything without a body"),
    params(("Prefer" = Option<String>, Header, description = "`respond-async` (RFC 7240)")),
    responses(
        (status = 200, description = "The report: everything is as it should be"),
        (status = 202, description = "The run is under way; `Location` says where its report will be"),
        (status = 207, description = "The report: something is kept, withheld or refused"),
        (status = 400, description = "The body cannot be understood", body = Problem),
        (status = 401, description = "No token, or another", body = Problem),
        (status = 403, description = "Such calls are switched off", body = Problem),
        (status = 404, description = "There is no such resource", body = Problem),
        (status = 408, description = "The body did not arrive in time", body = Problem),
        (status = 409, description = "Another run is under way", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 500, description = "The run could not begin, or the store is damaged", body = Problem),
        (status = 503, description = "The store does not answer, or did not keep what came of the run", body = Problem),
    ),
)]
pub(crate) async fn sync(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    // Before anything of the body is waited for.
    authorize(&inner, &headers)?;
    let body = tokio::time::timeout(SLOWEST_BODY, Bytes::from_request(request, &())).await;
    let body = body.map_err(|_| problem::too_slow(format!("the body did not arrive within {SLOWEST_BODY:?}")))?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => problem::body_too_large(rejection.body_text()),
        _ => problem::bad_request(rejection.body_text()),
    })?;
    let asked: Asked = if body.is_empty() {
        Asked::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| problem::bad_request(format!("the body: {error}")))?
    };
    let shard = asked.shard.map(|text| text.parse::<Shard>()).transpose();
    let shard = shard.map_err(|error| problem::bad_request(error.to_string()))?;
    let selection = asked.resources.map_or(Selection::All, Selection::Only);
    let flight = start(&inner, selection, shard).await?;
    let place =
        HeaderValue::try_from(format!("runs/{}", flight.run)).map_err(|error| problem::crashed(error.to_string()))?;
    let prefers = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    // A wish, which need not be met (RFC 7240).
    if inner.options.lives_on && prefers.flat_map(|value| value.split(',')).any(|wish| wish.trim() == "respond-async") {
        let applied = [(header::HeaderName::from_static("preference-applied"), "respond-async")];
        return Ok((StatusCode::ACCEPTED, applied, [(header::LOCATION, place)]).into_response());
    }
    let report = flight.outcome().await?;
    if let Some(failure) = &report.store_failure {
        let detail = format!("run {} ended, and the store did not keep what came of it: {failure}", report.run);
        return Err(problem::store_down(detail).with(header::RETRY_AFTER, "10"));
    }
    let all_good = report.decisions.iter().all(sigcache_core::Decision::is_good);
    let status = if all_good { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Ok((status, [(header::CONTENT_LOCATION, place)], axum::Json(report)).into_response())
}

/// Lets through who has the token.
pub(crate) fn authorize(inner: &Inner, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = &inner.options.token else {
        return Err(problem::calls_are_off("this endpoint was given no token; see docs/endpoint.md"));
    };
    let asking = HeaderValue::from_static("Bearer realm=\"sigcache\"");
    match headers.typed_get::<headers::Authorization<Bearer>>() {
        Some(shown) if token.is(shown.token().as_bytes()) => Ok(()),
        Some(_) => Err(problem::wrong_token("send the token that the endpoint was given").with(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"sigcache\", error=\"invalid_token\""),
        )),
        None => Err(problem::no_token("send `Authorization: Bearer TOKEN`").with(header::WWW_AUTHENTICATE, asking)),
    }
}

/// Runs, or joins the run that is under way, to its end.
pub(crate) async fn run(inner: &Arc<Inner>, selection: Selection, shard: Option<Shard>) -> Result<Report, Problem> {
    start(inner, selection, shard).await?.outcome().await
}

async fn start(inner: &Arc<Inner>, selection: Selection, shard: Option<Shard>) -> Result<Flight, Problem> {
    let loaded = inner.shelf.look().await?;
    let shards: Vec<Shard> = loaded.buckets.iter().map(|(shard, _)| *shard).collect();
    if let Selection::Only(names) = &selection
        && let Some(unknown) = names.iter().find(|name| loaded.holdings.find(name).is_none())
    {
        return Err(problem::unknown_resource(format!("{unknown} is not among the resources of this endpoint")));
    }
    if let Some(count) = inner.options.shards {
        divided_so(count, shard, loaded.holdings.sequence() == 0)?;
    }
    let chosen = match (shard, &selection, shards.as_slice()) {
        (None, _, [only]) => *only,
        // The shard of a name is known.
        (None, Selection::Only(names), [first, ..]) if !names.is_empty() => {
            let mut of_each = names.iter().map(|name| first.sibling_for(name));
            let first = of_each.next().unwrap_or(*first);
            if of_each.any(|other| other != first) {
                return Err(problem::bad_request(
                    "these resources are in several shards; ask for each shard by itself",
                ));
            }
            first
        }
        (None, ..) => {
            let detail =
                format!("the store has {} shards; name one as `shard`, such as \"{}\"", shards.len(), shards[0]);
            return Err(problem::bad_request(detail));
        }
        (Some(asked), _, [first, ..]) if loaded.holdings.sequence() > 0 && asked.count() != first.count() => {
            return Err(problem::bad_request(format!(
                "the store is kept in {} shards, not in {}",
                first.count(),
                asked.count()
            )));
        }
        (Some(asked), ..) => asked,
    };
    let nonce = getrandom::u64().map_err(|error| problem::run_failed(format!("no random numbers: {error}")))?;
    let now = inner.now();
    let known = loaded.buckets.iter().find(|(shard, _)| *shard == chosen).map(|(_, bucket)| bucket.clone());
    let bucket = match known {
        Some(bucket) => bucket,
        // The first run of a shard; the commit refuses one that does not fit the store.
        None => Arc::new((loaded.setup.open)(chosen).map_err(|error| Problem::store(&error))?),
    };
    let mut flights = inner.flights.lock();
    if let Some(flight) = flights.iter().find(|flight| flight.shard == chosen) {
        if flight.selection == selection || flight.selection == Selection::All {
            return Ok(flight.clone());
        }
        return Err(problem::other_run(format!(
            "run {} looks after other resources; ask again when it ended",
            flight.run
        ))
        .with(header::RETRY_AFTER, "10"));
    }
    let (send, outcome) = watch::channel(None);
    let flight = Flight { run: RunId::new(now, nonce), shard: chosen, selection: selection.clone(), outcome };
    flights.push(flight.clone());
    drop(flights);
    let inner = inner.clone();
    // A task of its own: who asked may leave, the run goes on.
    tokio::spawn(async move {
        let mut runner = loaded.setup.runner(bucket.clone(), chosen);
        if let Some(left) = &inner.options.time_left {
            runner = runner.with_time_limit(left());
        }
        let setup = loaded.setup.clone();
        let work = async move { runner.sync_with_catalog(&setup.resources, &selection, now, nonce).await };
        let outcome = match tokio::spawn(work).await {
            Ok(Ok((report, catalog))) => {
                #[cfg(feature = "alerts")]
                if let Some(catalog) = catalog {
                    tell(&inner, &loaded.setup, &bucket, (chosen, catalog)).await;
                }
                #[cfg(not(feature = "alerts"))]
                drop(catalog);
                inner.complain(
                    "run",
                    report.store_failure.as_ref().map(|text| {
                        format!("run {} ended, and the store did not keep what came of it: {text}", report.run)
                    }),
                );
                inner.metrics.ran(&report);
                inner.runs.note(&report);
                Ok(report)
            }
            Ok(Err(error)) => {
                let problem = unbegun(&error);
                inner.complain("run", Some(format!("a run could not begin: {}", problem.detail())));
                Err(problem)
            }
            Err(_) => Err(problem::crashed("the run ended in an error of the program")),
        };
        inner.flights.lock().retain(|flight| flight.shard != chosen);
        inner.shelf.outdated();
        send.send_replace(Some(Arc::new(outcome)));
    });
    Ok(flight)
}

/// Refuses a run that would divide the store otherwise than into `count` shards: the first one decides, and all that is set up
/// for another division fails from then on.
fn divided_so(count: u32, asked: Option<Shard>, is_first: bool) -> Result<(), Problem> {
    match asked {
        Some(asked) if u64::from(count) != u64::from(asked.count()) => {
            Err(problem::bad_request(format!("the store is to be kept in {count} shards, not in {}", asked.count())))
        }
        None if count > 1 && is_first => Err(problem::bad_request(format!(
            "the store is to be kept in {count} shards; name one as `shard`, such as \"1/{count}\""
        ))),
        _ => Ok(()),
    }
}

/// Tells what is no longer as it should be by the catalog that the run left. Whether that could be delivered is a matter of
/// health, not of the run.
#[cfg(feature = "alerts")]
async fn tell(
    inner: &Inner,
    setup: &crate::setup::Setup,
    bucket: &sigcache_core::store::Bucket,
    catalog: (Shard, sigcache_core::store::Catalog),
) {
    let Some(alerts) = &setup.alerts else { return };
    let (now, publish) = (inner.now(), bucket.publishes());
    let holdings = sigcache_core::status::Holdings::new(&setup.resources, &setup.anchored, vec![catalog], publish, now);
    let complaint = match getrandom::u64() {
        Ok(nonce) => alerts.look(bucket, &holdings, now, nonce).await.complaint(),
        Err(error) => Some(format!("no random numbers: {error}")),
    };
    inner.complain("alerts", complaint);
}

fn unbegun(error: &sigcache_core::Error) -> Problem {
    match error {
        sigcache_core::Error::Store { source, .. } => Problem::store(source),
        other => problem::run_failed(sigcache_core::error_chain(other)),
    }
}
