//! `sigcache serve`: the endpoint, and a run every hour.

mod reload;
mod schedule;
mod signals;
mod systemd;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use sigcache_core::{
    config::{Config, ServeSettings},
    runtime::Tokio,
    store::{Shard, Store as _},
};
use sigcache_http::{Connections, Endpoint, Options, Setup, Token};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    app,
    args::{Common, ServeArgs},
    fault::{Ending, Fault},
    output,
};

use schedule::Schedule;

pub(crate) async fn run(common: &Common, args: ServeArgs) -> Result<Ending, Fault> {
    if common.at.is_some() {
        return Err(Fault::usage(anyhow::anyhow!("--at is for commands that end: a service goes by the clock")));
    }
    let config = app::load(common)?;
    let settings = args.over(config.serve.clone());
    let (schedule, token) = usable(&settings).map_err(Fault::usage)?;
    // What is wrong with the store is told at once and not to the first client; one that is only down may come back.
    let store = match config.open_store(args.shard.shard.unwrap_or(Shard::WHOLE)) {
        Ok(bucket) => bucket.catalog().await.map(drop),
        Err(error) => Err(error),
    };
    match store {
        Err(error) if !error.is_retryable() => return Err(error.into()),
        Err(error) => output::warning(&format!("the store does not answer, and is tried again: {}", error.chain())),
        Ok(()) => {}
    }
    let mut options = Options::default();
    options.token = token;
    options.hot_bytes = settings.hot_bytes;
    options.refresh = settings.refresh;
    options.overdue = (!args.no_sync).then(|| schedule.overdue());
    options.base = settings.base.as_str().into();
    let endpoint = Endpoint::new(setup(&config)?, options);
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr().map_err(|error| unbound(settings.listen, error))?;
    output::line(&format!("listening on http://{address}/"))?;

    let (end, ended) = watch::channel(false);
    let mut tasks = tokio::task::JoinSet::new();
    let (hangup, reloads) = watch::channel(0_u64);
    tasks.spawn(
        signals::watch(end, hangup).context("signals cannot be received").map_err(|error| Fault { code: 1, error })?,
    );
    let (next_schedule, schedules) = watch::channel(schedule);
    let reload = reload::Reload {
        path: common.config.clone(),
        args: args.clone(),
        started: settings.clone(),
        endpoint: endpoint.clone(),
        schedule: next_schedule,
    };
    tasks.spawn(reload.watch(config.files.clone(), reloads, ended.clone()));
    if !args.no_sync {
        let (quiet, json, shard) = (common.quiet, common.json, args.shard.shard);
        tasks.spawn(schedule::run(
            endpoint.clone(),
            schedules,
            shard,
            schedule::Telling { quiet, json },
            ended.clone(),
        ));
    }
    let mut connections = Connections::default();
    connections.most = settings.connections;
    tasks.spawn(systemd::tell(endpoint.clone(), ended.clone()));
    let mut until = ended.clone();
    sigcache_http::serve(listener, endpoint.router(), connections, async move {
        // The sender lives as long as the process.
        let _ = until.wait_for(|ended| *ended).await;
    })
    .await;
    // A run that is under way commits or leaves nothing that matters; it gets the time of a service that stops.
    let grace = tokio::time::timeout(Duration::from_secs(30), async { while tasks.join_next().await.is_some() {} });
    if grace.await.is_err() {
        output::warning("a run did not come to its end in time and was cut off; the next one finishes what it left");
    }
    Ok(Ending::Good)
}

/// What a service cannot begin without: when to run, and what callers must show.
fn usable(settings: &ServeSettings) -> anyhow::Result<(Schedule, Option<Token>)> {
    let schedule = Schedule::new(settings)?;
    let token = settings.token.as_ref().map(|secret| Token::new(&String::from_utf8_lossy(secret.reveal())));
    let token = token.transpose().context("the token of [serve] cannot be used")?;
    Ok((schedule, token))
}

/// Whether a service could begin with these settings.
pub(crate) fn check(settings: &ServeSettings) -> anyhow::Result<()> {
    usable(settings).map(drop)
}

impl ServeArgs {
    /// The settings of the file, and what the command line says otherwise.
    fn over(&self, settings: ServeSettings) -> ServeSettings {
        let mut settings = settings;
        settings.listen = self.listen.unwrap_or(settings.listen);
        if let Some(every) = self.every {
            (settings.every, settings.cron) = (every, None);
        }
        if let Some(cron) = &self.cron {
            settings.cron = Some(cron.clone());
        }
        settings
    }
}

/// What the configuration says to serve.
fn setup(config: &Config) -> Result<Setup, Fault> {
    let store = config.clone();
    let open = Arc::new(move |shard| store.open_store(shard));
    Ok(Setup::new(config.resources.clone(), app::fetcher()?, open)
        .with_store(config.store.url.as_str())
        .with_anchored(config.anchored.clone())
        .with_keys(config.keys.clone())
        .with_alerts(config.alerts(Arc::new(Tokio::current())))
        .with_concurrency(config.concurrency, config.per_host)
        .with_removal_limit(config.removal_limit))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| unbound(address, error))
}

fn unbound(address: SocketAddr, error: std::io::Error) -> Fault {
    let context = format!("cannot listen at {address}; choose another with --listen or `listen` in [serve]");
    Fault::usage(anyhow::Error::new(error).context(context))
}
