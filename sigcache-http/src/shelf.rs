//! What is served at the moment: the newest catalog that could be read, kept for a while, and kept on while the store is
//! down.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use sigcache_core::{
    Timestamp,
    status::Holdings,
    store::{Bucket, Catalog, Shard, Store as _, StoreError},
};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    problem::{self, Problem},
    setup::{Clock, Setup},
};

/// A reader waits so long for a newer catalog before it gets the one that is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The catalogs of a store as they were at one moment.
pub(crate) struct Loaded {
    pub(crate) setup: Arc<Setup>,
    pub(crate) holdings: Arc<Holdings>,
    /// One for each shard; of a store without catalog the one that it would have.
    pub(crate) buckets: Vec<(Shard, Arc<Bucket>)>,
    /// When it was read.
    pub(crate) at: Timestamp,
    /// The same on the clock that only goes forward.
    pub(crate) since: Instant,
}

impl Loaded {
    /// Any of the buckets: versions and reports are the same through each.
    pub(crate) fn bucket(&self) -> &Arc<Bucket> {
        &self.buckets[0].1
    }
}

/// Why the newest catalog could not be read, and since when.
#[derive(Clone)]
pub(crate) struct Trouble {
    pub(crate) problem: Problem,
    pub(crate) since: Timestamp,
}

/// The newest catalogs that could be read.
pub(crate) struct Shelf {
    refresh: Duration,
    clock: Clock,
    held: RwLock<Held>,
    loading: Mutex<()>,
}

struct Held {
    setup: Arc<Setup>,
    loaded: Option<Arc<Loaded>>,
    trouble: Option<Trouble>,
    /// When it was last tried to read them.
    tried: Option<Instant>,
}

impl Shelf {
    pub(crate) fn new(setup: Setup, refresh: Duration, clock: Clock) -> Self {
        let held = Held { setup: Arc::new(setup), loaded: None, trouble: None, tried: None };
        Self { refresh, clock, held: RwLock::new(held), loading: Mutex::new(()) }
    }

    /// What the store is called.
    pub(crate) fn store(&self) -> Arc<str> {
        self.read().setup.store.clone()
    }

    /// Serves something else from now on. What is under way goes on with what it began with.
    pub(crate) fn replace(&self, setup: Setup) {
        self.change(|held| {
            held.setup = Arc::new(setup);
            held.tried = None;
        });
    }

    /// The catalogs may have changed: the next reader looks.
    pub(crate) fn outdated(&self) {
        self.change(|held| held.tried = None);
    }

    /// What is wrong with the store, if so.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.read().trouble.clone()
    }

    /// The catalogs, at most as old as the refresh interval where the store answers; where it does not, the last ones.
    pub(crate) async fn current(self: &Arc<Self>) -> Result<Arc<Loaded>, Problem> {
        let (loaded, is_due) = {
            let held = self.read();
            let is_due = held.tried.is_none_or(|tried| tried.elapsed() >= self.refresh);
            (held.loaded.clone(), is_due || held.loaded.is_none())
        };
        match loaded {
            Some(loaded) if !is_due => Ok(loaded),
            // Someone is looking already.
            Some(loaded) if self.loading.try_lock().is_err() => Ok(loaded),
            Some(loaded) => {
                let (shelf, asked) = (self.clone(), Instant::now());
                // In a task of its own: a reader who leaves, or has waited long enough, does not end it.
                let look = tokio::spawn(async move { shelf.look_after(asked).await });
                match tokio::time::timeout(PATIENCE, look).await {
                    Ok(Ok(Ok(newer))) => Ok(newer),
                    _ => Ok(loaded),
                }
            }
            None => self.look().await,
        }
    }

    /// The catalogs as they are now, or what the store says.
    pub(crate) async fn look(self: &Arc<Self>) -> Result<Arc<Loaded>, Problem> {
        let (shelf, asked) = (self.clone(), Instant::now());
        let look = tokio::spawn(async move { shelf.look_after(asked).await });
        look.await.unwrap_or_else(|_| Err(problem::crashed("reading the catalog ended in an error of the program")))
    }

    /// The catalogs as they were read after `asked`, by whomever.
    async fn look_after(&self, asked: Instant) -> Result<Arc<Loaded>, Problem> {
        let _one_at_a_time = self.loading.lock().await;
        let (setup, before) = {
            let held = self.read();
            let is_newer = held.tried.is_some_and(|tried| tried >= asked);
            match (&held.loaded, &held.trouble) {
                (_, Some(trouble)) if is_newer => return Err(trouble.problem.clone()),
                (Some(loaded), None) if is_newer => return Ok(loaded.clone()),
                _ => (held.setup.clone(), held.loaded.clone()),
            }
        };
        let (since, at) = (Instant::now(), (self.clock)());
        match load(setup, before, since, at).await {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                self.change(|held| (held.loaded, held.trouble, held.tried) = (Some(loaded.clone()), None, Some(since)));
                Ok(loaded)
            }
            Err(error) => {
                tracing::error!(error = error.chain(), "the catalog cannot be read");
                let problem = Problem::store(&error);
                self.change(|held| {
                    held.tried = Some(since);
                    let since = held.trouble.as_ref().map_or(at, |trouble| trouble.since);
                    held.trouble = Some(Trouble { problem: problem.clone(), since });
                });
                Err(problem)
            }
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        change(&mut self.held.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The newest snapshot of each shard.
fn sequences(loaded: &Loaded) -> Vec<(Shard, u64)> {
    loaded.holdings.catalogs().iter().map(|(shard, catalog)| (*shard, catalog.sequence())).collect()
}

/// Reads what changed since `before`.
async fn load(
    setup: Arc<Setup>,
    before: Option<Arc<Loaded>>,
    since: Instant,
    at: Timestamp,
) -> Result<Loaded, StoreError> {
    let is_known = |before: &&Arc<Loaded>| !setup.store.is_empty() && before.setup.store == setup.store;
    let seen: Vec<(Shard, u64)> = before.iter().filter(is_known).flat_map(|before| sequences(before)).collect();
    let before = before.filter(|before| Arc::ptr_eq(&before.setup, &setup));
    let first = match &before {
        Some(before) => before.bucket().clone(),
        None => Arc::new((setup.open)(Shard::WHOLE)?),
    };
    let mut shards = first.shards().await?;
    if let Some(other) = shards.iter().find(|shard| shard.count() != shards[0].count()) {
        return Err(StoreError::OtherShards { found: *other, asked: shards[0] });
    }
    if shards.is_empty() {
        // Of several shards none can say that it was read before.
        let known = before.iter().flat_map(|before| sequences(before)).chain(seen.iter().copied());
        if let Some(seen) = known.map(|(_, seen)| seen).max().filter(|seen| *seen > 0) {
            return Err(StoreError::WentBack { found: 0, seen });
        }
        shards.push(Shard::WHOLE);
    }
    let mut buckets = Vec::with_capacity(shards.len());
    let mut newest: Vec<(Shard, Option<Catalog>)> = Vec::with_capacity(shards.len());
    let same_shards =
        before.as_ref().filter(|before| before.buckets.iter().map(|(shard, _)| *shard).eq(shards.iter().copied()));
    for (index, shard) in shards.into_iter().enumerate() {
        let (bucket, catalog) = match same_shards {
            Some(before) => {
                let bucket = before.buckets[index].1.clone();
                let newer = bucket.newer_than(&before.holdings.catalogs()[index].1).await?;
                (bucket, newer)
            }
            None => {
                let bucket = Arc::new((setup.open)(shard)?);
                let catalog = bucket.catalog().await?;
                let known = seen.iter().find(|(other, _)| *other == shard).map_or(0, |(_, seen)| *seen);
                if catalog.sequence() < known {
                    return Err(StoreError::WentBack { found: catalog.sequence(), seen: known });
                }
                (bucket, Some(catalog))
            }
        };
        buckets.push((shard, bucket));
        newest.push((shard, catalog));
    }
    let holdings = match same_shards {
        Some(before) if newest.iter().all(|(_, newer)| newer.is_none()) => before.holdings.clone(),
        _ => {
            // Where one shard has no newer catalog there was one before.
            let known = |index: usize| same_shards.map(|before| before.holdings.catalogs()[index].1.clone());
            let catalogs = newest.into_iter().enumerate();
            let catalogs =
                catalogs.filter_map(|(index, (shard, newer))| Some((shard, newer.or_else(|| known(index))?)));
            let (resources, anchored, publish) = (&setup.resources, &setup.anchored, buckets[0].1.publishes());
            Arc::new(Holdings::new(resources, anchored, catalogs.collect(), publish, at))
        }
    };
    Ok(Loaded { setup, holdings, buckets, at, since })
}
