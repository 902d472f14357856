//! What an endpoint serves, and from where.

use std::{fmt, sync::Arc, time::Duration};

use sigcache_core::{
    Resource, Timestamp,
    anchor::Anchored,
    fetch::Fetcher,
    run::Runner,
    runtime::Tokio,
    store::{Bucket, Shard, StoreError},
    trust::TrustedKey,
};

/// Opens the store for one shard of its names.
pub type OpenStore = Arc<dyn Fn(Shard) -> Result<Bucket, StoreError> + Send + Sync>;

/// What an endpoint serves: resources, what rests on anchors among them, and the store. May be replaced while the endpoint
/// runs, see [`Endpoint::replace`](crate::Endpoint::replace).
#[derive(Clone)]
pub struct Setup {
    pub(crate) resources: Arc<[Resource]>,
    pub(crate) anchored: Arc<[Anchored]>,
    pub(crate) keys: Arc<[TrustedKey]>,
    pub(crate) fetcher: Arc<dyn Fetcher>,
    pub(crate) open: OpenStore,
    /// By which one store is told from another; nothing is known of it where that is empty.
    pub(crate) store: Arc<str>,
    at_once: usize,
    per_host: usize,
    removal_limit: f64,
    #[cfg(feature = "alerts")]
    pub(crate) alerts: Option<Arc<sigcache_core::alert::Alerts>>,
}

impl Setup {
    /// These resources, fetched by `fetcher`, in the store that `open` opens for each of its shards.
    pub fn new(resources: Vec<Resource>, fetcher: Arc<dyn Fetcher>, open: OpenStore) -> Self {
        Self {
            resources: resources.into(),
            anchored: Arc::default(),
            keys: Arc::default(),
            fetcher,
            open,
            store: "".into(),
            at_once: 16,
            per_host: 4,
            removal_limit: 0.5,
            #[cfg(feature = "alerts")]
            alerts: None,
        }
    }

    /// What the store is called, such as its URL. What was read of a store is remembered when another set-up takes the place of
    /// this one with the same store: should it hold less then, it was emptied or set back.
    pub fn with_store(mut self, name: impl Into<Arc<str>>) -> Self {
        self.store = name.into();
        self
    }

    /// Serves what anchors vouch for, too. An anchor must come before what it vouches for.
    pub fn with_anchored(mut self, anchored: Vec<Anchored>) -> Self {
        self.anchored = anchored.into();
        self
    }

    /// Shows when these keys end, also where no resource relies on them now.
    pub fn with_keys(mut self, keys: Vec<TrustedKey>) -> Self {
        self.keys = keys.into();
        self
    }

    /// How many resources a run fetches at once, and how many of them from one host.
    pub fn with_concurrency(mut self, at_once: usize, per_host: usize) -> Self {
        (self.at_once, self.per_host) = (at_once, per_host);
        self
    }

    /// The greatest part (0 to 1) of the resources that one run may take away.
    pub fn with_removal_limit(mut self, limit: f64) -> Self {
        self.removal_limit = limit;
        self
    }

    /// Tells of what is no longer as it should be, after each run. That it cannot be delivered is shown by `/health`.
    #[cfg(feature = "alerts")]
    pub fn with_alerts(mut self, alerts: sigcache_core::alert::Alerts) -> Self {
        self.alerts = Some(Arc::new(alerts)).filter(|alerts| !alerts.is_empty());
        self
    }

    pub(crate) fn runner(&self, bucket: Arc<Bucket>, shard: Shard) -> Runner {
        Runner::new(self.fetcher.clone(), bucket, Arc::new(Tokio::current()))
            .with_shard(shard)
            .with_anchored(self.anchored.iter().cloned())
            .with_concurrency(self.at_once, self.per_host)
            .with_removal_limit(self.removal_limit)
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("resources", &self.resources.len()).finish_non_exhaustive()
    }
}

/// Tells the time; every request is judged by one reading of it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Says how much time there is.
pub type TimeLeft = Arc<dyn Fn() -> Duration + Send + Sync>;

/// How an endpoint behaves.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// What a mutating call must show as bearer token; without one such calls are refused.
    pub token: Option<Token>,
    /// How many bytes of verified documents are kept in memory.
    pub hot_bytes: u64,
    /// For so long a catalog that was read is taken for the newest. `/health` and `/metrics` always look.
    pub refresh: Duration,
    /// Without a run for so long, `/health` says that the schedule is broken.
    pub overdue: Option<Duration>,
    /// The clock.
    pub clock: Clock,
    /// How long a run that begins now may be busy with resources; see
    /// [`Runner::with_time_limit`](sigcache_core::run::Runner::with_time_limit).
    pub time_left: Option<TimeLeft>,
    /// Into how many shards the store is divided, where that is decided elsewhere: a run that would divide it otherwise is
    /// refused, also the first one.
    pub shards: Option<u32>,
    /// Whether the process goes on when it has answered, so that a run may go on too (`Prefer: respond-async`).
    pub lives_on: bool,
    /// The path under which the router stands for its readers, where it cannot know it by itself: the stage of an API
    /// Gateway, or what a proxy takes away. Without a slash at its end.
    pub base: Arc<str>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: None,
            hot_bytes: 64 * 1024 * 1024,
            refresh: Duration::from_secs(10),
            overdue: None,
            clock: Arc::new(|| std::time::SystemTime::now().into()),
            time_left: None,
            shards: None,
            lives_on: true,
            base: "".into(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token, hot_bytes, refresh, overdue, base, lives_on, shards, clock: _, time_left: _ } = self;
        let mut shown = f.debug_struct("Options");
        shown.field("token", &token.is_some()).field("hot_bytes", hot_bytes).field("refresh", refresh);
        shown
            .field("overdue", overdue)
            .field("lives_on", lives_on)
            .field("shards", shards)
            .field("base", base)
            .finish_non_exhaustive()
    }
}

/// A bearer token (RFC 6750). Only its digest is kept, and it is compared in constant time.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// The text cannot be a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token has 16 to 1024 printable ASCII characters without spaces; `openssl rand -hex 32` makes one")]
pub struct TokenError;

impl Token {
    /// Takes `text` as token; white space around it, such as the end of a line in a file, is no part of it.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let fits = (16..=1024).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(digest(text.as_bytes()))).ok_or(TokenError)
    }

    /// Whether `shown` is this token.
    pub fn is(&self, shown: &[u8]) -> bool {
        use subtle::ConstantTimeEq as _;
        // Of the digests, so that not even the length can be measured.
        self.0.ct_eq(&digest(shown)).into()
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
