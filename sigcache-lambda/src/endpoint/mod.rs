//! The endpoint function: one answer for each kind of event.

mod http;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json, value::RawValue};
use sigcache_core::{
    Decision, Name, Report, Step, Timestamp,
    config::Config,
    error_chain,
    fetch::http::HttpFetcher,
    fetch::{Fetcher, Schemes},
    run::Selection,
    runtime::Tokio,
    store::Shard,
};
use sigcache_http::{Endpoint, Options, Setup, Token};

use crate::{
    Failed,
    event::{Ask, Event, Message},
    metrics,
    settings::{Configuration, SettingsError, Source},
};

/// The variable that says into how many shards the store is divided.
const SHARDS: &str = "SIGCACHE_SHARDS";

/// The namespace of its metrics.
pub const NAMESPACE: &str = "Sigcache";

/// So often at most it is looked whether the configuration has changed.
const LOOK: Duration = Duration::from_secs(30);

/// Of the time of an invocation so much is kept to commit, to publish and to tell what came of it.
const LEAST_RESERVE: Duration = Duration::from_secs(3);
const GREATEST_RESERVE: Duration = Duration::from_secs(60);

/// The endpoint function, from one invocation to the next.
pub struct Function {
    name: String,
    configuration: Configuration,
    looked: Option<Instant>,
    endpoint: Option<Endpoint>,
    /// The routes of that endpoint.
    router: Option<axum::Router>,
    token: Option<Vec<u8>>,
    /// Into how many shards whoever set up the schedules divided the store.
    shards: Option<u32>,
    /// When the invocation ends, in milliseconds since 1970.
    deadline: Arc<AtomicU64>,
}

impl Function {
    /// A function as `environment` describes it. Nothing is read before the first event.
    pub fn new(environment: &[(String, String)]) -> Result<Self, SettingsError> {
        let source = Source::of(environment);
        let name = environment.iter().find(|(key, _)| key == "AWS_LAMBDA_FUNCTION_NAME");
        let shards = environment.iter().find(|(key, _)| key == SHARDS).map(|(_, text)| match text.parse::<u32>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(SettingsError::Variable { variable: SHARDS, found: format!("{text:?} is no number of shards") }),
        });
        Ok(Self {
            name: name.map_or("sigcache-endpoint".to_owned(), |(_, name)| name.clone()),
            configuration: Configuration::new(source, environment.to_vec())?,
            looked: None,
            endpoint: None,
            router: None,
            token: None,
            shards: shards.transpose()?,
            deadline: Arc::default(),
        })
    }

    /// Answers one event.
    pub async fn answer(&mut self, event: LambdaEvent<Box<RawValue>>) -> Result<Value, Failed> {
        let LambdaEvent { payload, context } = event;
        self.deadline.store(context.deadline, Ordering::Relaxed);
        let kind = Event::parse(payload.get()).inspect_err(|error| tracing::error!(%error, "event"));
        let kind = kind.map_err(Failed::event)?;
        let endpoint = self.endpoint().await.map_err(|error| {
            let text = error_chain(&error);
            tracing::error!(error = text, "the function cannot work");
            Failed::settings(text)
        })?;
        match kind {
            Event::Http => {
                // Made once: it describes itself, which takes as long as many answers.
                let router = self.router.get_or_insert_with(|| endpoint.router()).clone();
                let (answer, ran) = http::answer(router, payload.get(), context).await?;
                if let Some((report, extent)) = ran {
                    self.measure(&endpoint, Some(&report), None, extent).await;
                }
                Ok(answer)
            }
            Event::Asked(ask) => {
                let answer = self.act(&endpoint, ask).await;
                answer.inspect_err(|error| tracing::error!(%error, "the invocation failed")).map_err(Failed::work)
            }
            Event::Queue(messages) => Ok(self.work_off(&endpoint, messages, &context).await),
            Event::Uploads(_) => {
                let text = "uploads are for the update function; this is the endpoint function";
                tracing::error!(error = text, "event");
                Err(Failed::event(text))
            }
        }
    }

    /// The endpoint, set up by the configuration as it is now. One that cannot be used does not take the place of one
    /// that could.
    async fn endpoint(&mut self) -> Result<Endpoint, SettingsError> {
        if let (Some(endpoint), true) = (&self.endpoint, self.looked.is_some_and(|looked| looked.elapsed() < LOOK)) {
            return Ok(endpoint.clone());
        }
        self.looked = Some(Instant::now());
        match (self.configuration.read().await, &self.endpoint) {
            (Ok(None), Some(endpoint)) => {
                endpoint.complain("configuration", None);
                Ok(endpoint.clone())
            }
            (Ok(Some(config)), before) => {
                let token = config.serve.token.as_ref().map(|token| token.reveal().to_vec());
                let endpoint = match before {
                    Some(endpoint) if token == self.token => {
                        endpoint.replace(setup(&config));
                        endpoint.complain("configuration", None);
                        endpoint.clone()
                    }
                    // Who may call is no part of what can be replaced.
                    _ => {
                        self.router = None;
                        self.begin(&config)
                    }
                };
                tracing::info!(resources = config.resources.len(), "the configuration was read");
                self.token = token;
                self.endpoint = Some(endpoint.clone());
                Ok(endpoint)
            }
            (Err(error), Some(endpoint)) => {
                let text = error_chain(&error);
                tracing::error!(error = text, "the configuration was not taken over, the earlier one stays");
                endpoint.complain("configuration", Some(format!("it cannot be used, so the earlier one is: {text}")));
                Ok(endpoint.clone())
            }
            (Err(error), None) => Err(error),
            // It has not changed, and yet there is nothing that stands on it: it is read anew.
            (Ok(None), None) => Err(SettingsError::Object { url: "the configuration".into(), found: "nothing".into() }),
        }
    }

    fn begin(&self, config: &Config) -> Endpoint {
        let token = config.serve.token.as_ref().map(|secret| Token::new(&String::from_utf8_lossy(secret.reveal())));
        let (token, unfit) = match token.transpose() {
            Ok(token) => (token, None),
            Err(error) => {
                (None, Some(format!("the token of [serve] cannot be used, so that nobody may call: {error}")))
            }
        };
        if let Some(text) = &unfit {
            tracing::error!(error = text, "token");
        }
        let mut options = self.options(config);
        options.token = token;
        let endpoint = Endpoint::new(setup(config), options);
        endpoint.complain("token", unfit);
        endpoint
    }

    fn options(&self, config: &Config) -> Options {
        let deadline = self.deadline.clone();
        let mut options = Options::default();
        options.shards = self.shards;
        options.hot_bytes = config.serve.hot_bytes;
        options.refresh = config.serve.refresh;
        options.base = config.serve.base.as_str().into();
        // When it has answered, nothing of it runs any more.
        options.lives_on = false;
        options.time_left = Some(Arc::new(move || for_resources(deadline.load(Ordering::Relaxed))));
        options
    }

    async fn act(&self, endpoint: &Endpoint, ask: Ask) -> Result<Value, String> {
        match ask {
            Ask::Sync { shard, resources } => {
                let report = self.sync(endpoint, shard, resources).await?;
                serde_json::to_value(&report).map_err(|error| error.to_string())
            }
            Ask::Health {} => health(endpoint).await,
            Ask::Probe {} => Err("probes are sent by the update function; this is the endpoint function".to_owned()),
        }
    }

    /// A run. It has failed where it could not begin, or the store did not keep what came of it; what sources do is told
    /// by the report, the metrics and the alerts.
    async fn sync(
        &self,
        endpoint: &Endpoint,
        shard: Option<String>,
        resources: Option<Vec<String>>,
    ) -> Result<Report, String> {
        let asked = shard.map(|text| text.parse::<Shard>()).transpose();
        let shard = asked.map_err(|error| format!("the run cannot begin: {error}"))?;
        let names = resources.map(|names| names.iter().map(|name| Name::new(name)).collect::<Result<_, _>>());
        let selection = names.transpose().map_err(|error| error.to_string())?.map_or(Selection::All, Selection::Only);
        let extent = if selection == Selection::All { Extent::Whole } else { Extent::Part };
        let report = endpoint.sync(selection, shard).await.map_err(|problem| problem.to_string());
        self.measure(endpoint, report.as_ref().ok(), shard, extent).await;
        match report {
            Ok(report) => match &report.store_failure {
                Some(failure) => Err(format!("the run ended, and the store failed: {failure}")),
                None => Ok(report),
            },
            Err(error) => Err(error),
        }
    }

    /// Tells the metrics of a run, or that there was none.
    async fn measure(&self, endpoint: &Endpoint, report: Option<&Report>, shard: Option<Shard>, extent: Extent) {
        let holdings = endpoint.holdings().await.ok();
        metrics::emit(&measured(&self.name, report, holdings.as_deref(), shard, extent, now()));
    }

    /// What a queue holds, one after the other; the same wish only once. What failed comes back to the queue.
    async fn work_off(&self, endpoint: &Endpoint, messages: Vec<Message>, context: &Context) -> Value {
        let mut done: Vec<(Ask, bool)> = Vec::new();
        let mut failed = Vec::new();
        for message in messages {
            let passed = match message.asks {
                Err(error) => {
                    tracing::error!(message = message.id, %error, "a message cannot be understood");
                    false
                }
                Ok(ask) => match done.iter().find(|(other, _)| *other == ask) {
                    Some((_, passed)) => *passed,
                    // A run that has no time would find nothing but that.
                    None if for_resources(context.deadline).is_zero() => {
                        tracing::error!(message = message.id, "there was no time left for it");
                        false
                    }
                    None => {
                        let ended = self.act(endpoint, ask.clone()).await;
                        if let Err(error) = &ended {
                            tracing::error!(message = message.id, error, "a message was not worked off");
                        }
                        done.push((ask, ended.is_ok()));
                        ended.is_ok()
                    }
                },
            };
            if !passed {
                failed.push(json!({ "itemIdentifier": message.id }));
            }
        }
        json!({ "batchItemFailures": failed })
    }
}

/// How much time there is for resources, of what is left until `deadline` (milliseconds since 1970).
fn for_resources(deadline: u64) -> Duration {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(deadline).saturating_sub(since_1970);
    left.saturating_sub((left / 5).clamp(LEAST_RESERVE, GREATEST_RESERVE))
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

/// What the configuration says to serve. There is no disk that lasts, so no scheme of files.
fn setup(config: &Config) -> Setup {
    let http = Arc::new(HttpFetcher::new());
    let fetcher: Arc<dyn Fetcher> = Arc::new(Schemes::default().with("http", http.clone()).with("https", http));
    let store = config.clone();
    Setup::new(config.resources.clone(), fetcher, Arc::new(move |shard| store.open_store(shard)))
        .with_store(config.store.url.as_str())
        .with_anchored(config.anchored.clone())
        .with_keys(config.keys.clone())
        .with_alerts(config.alerts(Arc::new(Tokio::current())))
        .with_concurrency(config.concurrency, config.per_host)
        .with_removal_limit(config.removal_limit)
}

/// Whether this function can work: its configuration is sound and the store answers. Whether all documents are fresh is
/// told too, and is no matter of the function: with a source down, a new version is as well as the old one.
async fn health(endpoint: &Endpoint) -> Result<Value, String> {
    let holdings = endpoint.holdings().await.map_err(|problem| problem.to_string())?;
    let now = now();
    let not_good = holdings.rows(now).filter(|row| !row.is_good()).count();
    Ok(json!({
        "ready": true,
        "version": env!("CARGO_PKG_VERSION"),
        "resources": holdings.resources().len(),
        "not_good": not_good,
        "sequence": holdings.sequence(),
        "complaints": endpoint.complaints(),
    }))
}

/// The metrics of a run.
fn measured(
    function: &str,
    report: Option<&Report>,
    holdings: Option<&sigcache_core::status::Holdings>,
    shard: Option<Shard>,
    extent: Extent,
    now: Timestamp,
) -> String {
    const COUNT: &str = "Count";
    let mut numbers: Vec<(&str, &str, f64)> = Vec::new();
    let mut words = Vec::new();
    let number = |count: usize| u32::try_from(count).map_or(f64::MAX, f64::from);
    if let Some(holdings) = holdings {
        let rows: Vec<_> = holdings.rows(now).collect();
        let standing = |word: &str| number(rows.iter().filter(|row| row.standing() == word).count());
        let oldest = rows.iter().filter_map(|row| row.checked_at).map(|at| now.since(at).as_secs_f64());
        numbers.extend([
            ("Fresh", COUNT, standing("fresh")),
            ("Stale", COUNT, standing("stale")),
            ("Expired", COUNT, standing("expired") + standing("withheld")),
            ("Missing", COUNT, standing("absent")),
            ("OldestAgeSeconds", "Seconds", oldest.fold(0.0, f64::max)),
        ]);
    }
    if let Some(report) = report {
        let count = |reason| number(report.decisions.iter().filter(|one| one.reason == reason).count());
        let failed = report.decisions.iter().filter(|decision| !decision.is_good()).count();
        numbers.extend([
            ("Failed", COUNT, number(failed)),
            ("Refused", COUNT, number(usize::try_from(report.totals.refused).unwrap_or(usize::MAX))),
            ("Rejected", COUNT, number(report.decisions.iter().filter(|one| was_rejected(one)).count())),
            ("NotReached", COUNT, count(sigcache_core::Reason::NotReached)),
            ("StoreRequests", COUNT, number(usize::try_from(report.store_requests).unwrap_or(usize::MAX))),
            ("DurationMs", "Milliseconds", number(usize::try_from(report.duration_ms).unwrap_or(usize::MAX))),
        ]);
        words.push(("run", report.run.to_string()));
    }
    // That a run over everything ended, whatever it found: the alarm on its absence is the one that sees a schedule that is
    // broken, and a run over some names by hand must not hide that.
    let ended = extent == Extent::Whole && report.is_some_and(|report| report.store_failure.is_none());
    numbers.push(("Runs", COUNT, if ended { 1.0 } else { 0.0 }));
    // Each shard has a schedule of its own, and the others do not make up for it.
    let shard = match report {
        Some(report) => report.shard.to_string(),
        None => shard.unwrap_or(Shard::WHOLE).to_string(),
    };
    metrics::line(NAMESPACE, function, now, &numbers, &words, Some((&shard, &["Runs"])))
}

/// What a run was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Everything in its shard.
    Whole,
    /// Some names.
    Part,
}

/// Whether a source gave something, and it was not what it should be; whatever became of the copy.
fn was_rejected(decision: &Decision) -> bool {
    let verified = [Step::Parse, Step::Signature, Step::Key, Step::Identity, Step::Rollback];
    !decision.is_good() && verified.contains(&decision.step)
}
