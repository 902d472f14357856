//! What most commands need: the configuration, the store, the clock read once.

use std::{
    io,
    sync::Arc,
    time::{Instant, SystemTime},
};

use anyhow::Context as _;
use sigcache_core::{
    Failure, Name, Report, Resource, Timestamp,
    alert::Looked,
    anchor,
    config::Config,
    fetch::{Fetcher, ObjectFetcher, Schemes, http::HttpFetcher},
    run::Runner,
    runtime::Tokio,
    status::Holdings,
    store::{Bucket, Catalog, Shard, Store as _, StoreError},
};

use crate::{args::Common, fault::Fault};

pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) shard: Shard,
    pub(crate) now: Timestamp,
    /// Only to say how long it took.
    start: Instant,
}

impl App {
    /// Reads the configuration and opens the store, which must be there: of a mistyped path, or of a disk that is not
    /// mounted, this would otherwise make an empty store and report on that. Its names must be divided as asked, or they
    /// would seem to be lost.
    pub(crate) async fn open(common: &Common, shard: Option<Shard>) -> Result<Self, Fault> {
        let app = Self::of(common, load(common)?)?;
        let asked = shard.unwrap_or(Shard::WHOLE);
        if let Some(first) = layout(&app.bucket.shards().await?)?.filter(|first| first.count() != asked.count()) {
            return Err(StoreError::OtherShards { found: first, asked }.into());
        }
        app.of_shard(asked)
    }

    /// The same for what is done about one resource, which must be configured or vouched for by an anchor. Its name says
    /// in which shard it is.
    pub(crate) async fn about(common: &Common, name: &Name) -> Result<(Self, Resource, Catalog), Fault> {
        let config = load(common)?;
        if config.anchored.is_empty() {
            resource(&config.resources, name)?;
        }
        let app = Self::of(common, config)?;
        let app = match layout(&app.bucket.shards().await?)? {
            Some(first) => app.of_shard(first.sibling_for(name))?,
            None => app,
        };
        let catalog = app.bucket.catalog().await?;
        let resource = app.resource(name, &catalog)?;
        Ok((app, resource, catalog))
    }

    /// The shards that have a copy of it: all of an anchor, one of anything else.
    pub(crate) async fn shards_of(&self, name: &Name) -> Result<Vec<Shard>, Fault> {
        let is_anchor = self.config.anchored.iter().any(|one| one.anchor == *name);
        let shards = if is_anchor { self.bucket.shards().await? } else { Vec::new() };
        Ok(if shards.is_empty() { vec![self.shard] } else { shards })
    }

    /// The same for what is done about all resources, with the catalog of every shard that has one.
    pub(crate) async fn with_catalogs(common: &Common) -> Result<(Self, Vec<(Shard, Catalog)>), Fault> {
        let mut app = Self::of(common, load(common)?)?;
        let shards = app.bucket.shards().await?;
        layout(&shards)?;
        let mut catalogs = Vec::new();
        for shard in shards {
            app = app.of_shard(shard)?;
            catalogs.push((shard, app.bucket.catalog().await?));
        }
        Ok((app, catalogs))
    }

    /// The same for a run that commits: its folder is created.
    pub(crate) fn create(common: &Common, shard: Option<Shard>) -> Result<Self, Fault> {
        let (config, shard) = (load(common)?, shard.unwrap_or(Shard::WHOLE));
        let bucket = Arc::new(config.open_store(shard)?);
        Ok(Self { config, bucket, shard, now: now(common), start: Instant::now() })
    }

    /// The same, however its names are divided.
    pub(crate) fn whole(common: &Common) -> Result<Self, Fault> {
        Self::of(common, load(common)?)
    }

    fn of(common: &Common, config: Config) -> Result<Self, Fault> {
        let (shard, start) = (Shard::WHOLE, Instant::now());
        let bucket = Arc::new(config.open_existing_store(shard).map_err(unopened)?);
        Ok(Self { config, bucket, shard, now: now(common), start })
    }

    pub(crate) fn of_shard(self, shard: Shard) -> Result<Self, Fault> {
        if shard == self.shard {
            return Ok(self);
        }
        let bucket = Arc::new(self.config.open_existing_store(shard).map_err(unopened)?);
        Ok(Self { bucket, shard, ..self })
    }

    /// What was opened already.
    pub(crate) fn assemble(config: Config, bucket: Arc<Bucket>, shard: Shard, now: Timestamp) -> Self {
        Self { config, bucket, shard, now, start: Instant::now() }
    }

    /// The runner that the configuration describes.
    pub(crate) fn runner(&self) -> Result<Runner, Fault> {
        let runtime = Arc::new(Tokio::current());
        let runner = Runner::new(fetcher()?, self.bucket.clone(), runtime)
            .with_shard(self.shard)
            .with_anchored(self.config.anchored.iter().cloned())
            .with_concurrency(self.config.concurrency, self.config.per_host)
            .with_removal_limit(self.config.removal_limit);
        Ok(runner)
    }

    /// Tells those who want to know how everything stands by `catalog`, which a run has just committed. `None` where there
    /// is nobody to tell, or the run did not get so far: then its exit code says so, and nobody could know who was told.
    pub(crate) async fn alert(&self, catalog: Option<Catalog>) -> Result<Option<Looked>, Fault> {
        let alerts = self.config.alerts(Arc::new(Tokio::current()));
        let Some(catalog) = catalog.filter(|_| !alerts.is_empty()) else { return Ok(None) };
        let (config, now) = (&self.config, self.now.plus(self.start.elapsed()));
        let catalogs = vec![(self.shard, catalog)];
        let holdings = Holdings::new(&config.resources, &config.anchored, catalogs, self.bucket.publishes(), now);
        Ok(Some(alerts.look(&self.bucket, &holdings, now, nonce()?).await))
    }

    /// Time and requests of a run that stores no report and so did not count them.
    pub(crate) fn measure(&self, report: &mut Report) {
        report.duration_ms = self.elapsed_ms();
        report.store_requests = self.bucket.requests();
    }

    /// How long the command has taken so far.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.start.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }

    /// All resources, with those that rest on anchors by what `catalog` has of them; and why anchors vouch for nothing.
    pub(crate) fn resources(&self, catalog: &Catalog) -> (Vec<Resource>, Vec<Failure>) {
        let known = anchor::all(&self.config.resources, &self.config.anchored, catalog, self.now);
        (known.resources.into_iter().chain(known.unvouched).collect(), known.broken)
    }

    /// A resource of the configuration or one that an anchor vouches for, or an error that names the nearest one.
    pub(crate) fn resource(&self, name: &Name, catalog: &Catalog) -> Result<Resource, Fault> {
        let (resources, broken) = self.resources(catalog);
        match (resource(&resources, name), broken.first()) {
            (Ok(resource), _) => Ok(resource.clone()),
            // Perhaps it is one of those that nobody can name now.
            (Err(fault), Some(broken)) => Err(Fault { code: 1, error: fault.error.context(broken.to_string()) }),
            (Err(fault), None) => Err(fault),
        }
    }
}

/// The first of the shards, if they divide the names in one way. Of two ways nobody can say which is the truth.
fn layout(shards: &[Shard]) -> Result<Option<Shard>, Fault> {
    let first = shards.first().copied();
    if shards.iter().any(|shard| Some(shard.count()) != first.map(Shard::count)) {
        let folders: Vec<String> = shards.iter().map(|shard| format!("catalog/{}", shard.folder())).collect();
        return Err(Fault::usage(anyhow::anyhow!(
            "this store was divided into shards in more than one way: {}. `sigcache reshard --to N` makes one of them, and loses nothing",
            folders.join(", ")
        )));
    }
    Ok(first)
}

/// A store that is not there, told to somebody who may not have synced yet.
fn unopened(error: StoreError) -> Fault {
    let StoreError::Unavailable { key, source, .. } = &error else { return error.into() };
    if source.downcast_ref::<io::Error>().map(io::Error::kind) != Some(io::ErrorKind::NotFound) {
        return error.into();
    }
    let error = anyhow::anyhow!(
        "the store {key} is not there: nothing was synced to it yet (the first `sigcache sync` creates it), or the path \
         is not the right one, or its disk is not mounted"
    );
    Fault { code: 3, error }
}

pub(crate) fn load(common: &Common) -> Result<Config, Fault> {
    Ok(Config::load(&common.config, &|name| std::env::var(name).ok())?)
}

pub(crate) fn resource<'a>(resources: &'a [Resource], name: &Name) -> Result<&'a Resource, Fault> {
    let find = resources.iter().find(|resource| resource.name == *name);
    find.ok_or_else(|| {
        let names: Vec<&str> = resources.iter().map(|resource| resource.name.as_str()).collect();
        let nearest = sigcache_core::config::nearest(name.as_str(), &names);
        let hint = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
        Fault::usage(anyhow::anyhow!("{name} is not a resource of the configuration{hint}"))
    })
}

/// The one time of this command.
pub(crate) fn now(common: &Common) -> Timestamp {
    common.at.unwrap_or_else(|| SystemTime::now().into())
}

/// A random number that tells this run from all others.
pub(crate) fn nonce() -> Result<u64, Fault> {
    let mut bytes = [0; 8];
    let filled = getrandom::fill(&mut bytes).map_err(anyhow::Error::from);
    filled.context("the system gave no random numbers").map_err(|error| Fault { code: 1, error })?;
    Ok(u64::from_le_bytes(bytes))
}

/// For every scheme that a source may have.
pub(crate) fn fetcher() -> Result<Arc<dyn Fetcher>, Fault> {
    let http = Arc::new(HttpFetcher::new());
    let mut schemes = Schemes::default().with("http", http.clone()).with("https", http);
    let root = url::Url::parse("file:///").map_err(Fault::usage)?;
    let disk = sigcache_core::store::local_files();
    schemes = schemes.with("file", Arc::new(ObjectFetcher::new(disk, root).with_runtime(Arc::new(Tokio::current()))));
    Ok(Arc::new(schemes))
}
