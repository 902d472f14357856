//! The endpoint: what all handlers share, and the routes.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use axum::{Router, extract::State, response::IntoResponse};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sigcache_core::{Name, Report, Timestamp, read::HotSet, run::Selection, store::Shard};
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    health, limits,
    metrics::{self, Metrics},
    pages,
    problem::{self, Problem},
    resources,
    runs::{self, RunLog},
    setup::{Options, Setup},
    shelf::Shelf,
    sync::{self, Flights},
};

/// Verified documents over HTTP, and how everything stands. Cheap to clone; all clones are one endpoint.
#[derive(Clone)]
pub struct Endpoint {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) hot: HotSet,
    pub(crate) flights: Flights,
    pub(crate) metrics: Metrics,
    pub(crate) runs: RunLog,
    complaints: Mutex<BTreeMap<&'static str, String>>,
    /// Documents that the store did not give out as they should be, and what was found.
    damaged: Mutex<BTreeMap<Name, String>>,
}

impl Inner {
    /// Remembers whether the store gave `name` out as it should be, so that the page knows what a client has seen.
    pub(crate) fn gave(&self, name: &Name, problem: Option<&Problem>) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        match problem.map(Problem::damage) {
            Some(Some(text)) => drop(damaged.insert(name.clone(), text)),
            // Another problem says nothing of what is stored.
            Some(None) => {}
            None => drop(damaged.remove(name)),
        }
    }

    /// What is damaged, in one sentence.
    pub(crate) fn damage(&self) -> Option<String> {
        let damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, text) = damaged.first_key_value()?;
        let others = damaged.len() - 1;
        let more = if others > 0 { format!(", and {others} more") } else { String::new() };
        Some(format!("{text}{more}; `sigcache sync --refetch {first}` fetches it anew, `sigcache audit` looks at all"))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    /// What is wrong beside the resources, by the part of the program that says so.
    pub(crate) fn complaints(&self) -> BTreeMap<&'static str, String> {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is wrong with a part of the program, or that nothing is any more.
    pub(crate) fn complain(&self, part: &'static str, complaint: Option<String>) {
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        match complaint {
            // In one line, as everything that is shown of it has one.
            Some(text) => {
                let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                complaints.insert(part, lines.join("; "));
            }
            None => {
                complaints.remove(part);
            }
        }
    }

    /// A header for answers that were made while the store was down.
    pub(crate) fn said_of_store(&self) -> Option<(HeaderName, HeaderValue)> {
        let trouble = self.shelf.trouble()?;
        let value = HeaderValue::try_from(format!("unreachable since {}", trouble.since)).ok()?;
        Some((HeaderName::from_static("sigcache-store"), value))
    }
}

impl Endpoint {
    /// An endpoint for `setup`. Nothing is read before the first request.
    pub fn new(setup: Setup, options: Options) -> Self {
        let shelf = Arc::new(Shelf::new(setup, options.refresh, options.clock.clone()));
        let hot = HotSet::new(options.hot_bytes);
        let (flights, metrics, runs) = (Flights::default(), Metrics::new(), RunLog::default());
        let inner = Inner {
            options,
            shelf,
            hot,
            flights,
            metrics,
            runs,
            complaints: Mutex::default(),
            damaged: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What the store is called that is served; see [`Setup::with_store`].
    pub fn store(&self) -> Arc<str> {
        self.inner.shelf.store()
    }

    /// Serves `setup` from now on. Requests and runs that are under way end with what they began with.
    pub fn replace(&self, setup: Setup) {
        self.inner.shelf.replace(setup);
    }

    /// Says on the status page and in `/health` what is wrong with `part` of the program around the endpoint, such as the
    /// delivery of alerts; `None` when it is well again.
    pub fn complain(&self, part: &'static str, complaint: Option<String>) {
        self.inner.complain(part, complaint);
    }

    /// Runs over `selection` in one shard of the store, or joins the run that does so already. `None` stands for the only
    /// shard; of a store that has more, one must be named.
    pub async fn sync(&self, selection: Selection, shard: Option<Shard>) -> Result<Report, Problem> {
        sync::run(&self.inner, selection, shard).await
    }

    /// The shards of the store.
    pub async fn shards(&self) -> Result<Vec<Shard>, Problem> {
        let loaded = self.inner.shelf.look().await?;
        Ok(loaded.buckets.iter().map(|(shard, _)| *shard).collect())
    }

    /// How everything stands by the newest catalogs, or why they cannot be read.
    pub async fn holdings(&self) -> Result<Arc<sigcache_core::status::Holdings>, Problem> {
        self.inner.shelf.look().await.map(|loaded| loaded.holdings.clone())
    }

    /// What is wrong beside the resources, by the part of the program that says so.
    pub fn complaints(&self) -> BTreeMap<&'static str, String> {
        self.inner.complaints()
    }

    /// When a run committed last; of several shards the one that is furthest behind. `None` before the first one, and where
    /// the store does not answer.
    pub async fn last_run(&self) -> Option<Timestamp> {
        health::last_run(&*self.inner.shelf.look().await.ok()?)
    }

    /// Whether the catalog could be read at least once: the readiness of a service.
    pub async fn is_ready(&self) -> bool {
        self.inner.shelf.current().await.is_ok()
    }

    /// The description of all routes (OpenAPI 3.1), made from the handlers.
    pub fn openapi() -> utoipa::openapi::OpenApi {
        let mut description = routes().into_openapi();
        // The router marks the parameter that takes slashes; a description has no word for that.
        let paths = std::mem::take(&mut description.paths.paths);
        description.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
        description
    }

    /// The routes. Errors are problem details (RFC 9457); every answer has a request id.
    pub fn router(&self) -> Router {
        let (router, _) = routes().split_for_parts();
        let router = router
            .route("/openapi.json", axum::routing::get(openapi))
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method);
        limits::around(router, self.inner.clone()).with_state(self.inner.clone())
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(info(title = "sigcache", description = "Verified documents, and why each is trusted"))]
struct Description;

/// Every route with its description. The name of a resource has slashes, which the description cannot say of a path.
fn routes() -> OpenApiRouter<Arc<Inner>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(pages::index))
        .routes(routes!(pages::style))
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(sync::sync))
        .routes(routes!(runs::report))
        .routes(routes!(resources::document))
        .routes(routes!(pages::resource))
}

async fn openapi() -> impl IntoResponse {
    static DESCRIPTION: LazyLock<Bytes> =
        LazyLock::new(|| serde_json::to_vec(&Endpoint::openapi()).unwrap_or_default().into());
    let kind = (header::CONTENT_TYPE, "application/json");
    ([(header::CACHE_CONTROL, "max-age=3600"), kind], DESCRIPTION.clone())
}

async fn unknown_path(uri: http::Uri) -> Problem {
    problem::unknown_path(format!("{} is none of the paths in openapi.json", uri.path()))
}

async fn wrong_method(State(_): State<Arc<Inner>>, method: http::Method, headers: HeaderMap) -> Problem {
    let _ = headers;
    problem::wrong_method(format!("{method} is not among the methods in the header Allow"))
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("options", &self.inner.options).finish_non_exhaustive()
    }
}
