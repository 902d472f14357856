//! Telling somebody when things are no longer as they should be, that they still are not, and when they are again.
//!
//! What there is to tell is computed from the catalog and the time; what was told lies in the store, in a numbered chain
//! of small objects. Of several processes that find the same at the same moment one creates the next object of the chain
//! and tells it; the others find that created and do not. So a message is delivered **at least once**, and more than once
//! only where its deliverer died, or lost the store, before it could write down that it was delivered.
//!
//! ```no_run
//! # async fn example(bucket: &sigcache_core::store::Bucket, holdings: &sigcache_core::status::Holdings,
//! #     now: sigcache_core::Timestamp) {
//! use std::sync::Arc;
//! use sigcache_core::{alert::{Alerts, Command, Route, Rules}, runtime::Tokio};
//!
//! let page = Command::new("/usr/local/bin/page", ["--team".to_owned(), "metadata".to_owned()]);
//! let routes = vec![Route::new("pager", Arc::new(page), Rules::default())];
//! let alerts = Alerts::new("s3://bucket/cache", routes, Arc::new(Tokio::current()));
//! let looked = alerts.look(bucket, holdings, now, 42 /* a random number */).await;
//! if let Some(complaint) = looked.complaint() {
//!     eprintln!("{complaint}");
//! }
//! # }
//! ```

mod channel;
mod command;
mod condition;
mod ledger;
mod look;
mod looked;
mod notice;
#[cfg(feature = "aws")]
mod sns;
mod webhook;

use std::{sync::Arc, time::Duration};

use condition::Outlook;
use ledger::Moment;
use look::Look;

pub use channel::{Channel, DeliveryError, TRIES};
pub use command::Command;
pub use condition::{Condition, Conditions, Subject};
pub use looked::{Looked, Sent, Unsent};
pub use notice::{Event, Item, NOTICE_FORMAT, Notice};
#[cfg(feature = "aws")]
pub use sns::Topic;
pub use webhook::{Form, Webhook};

use crate::{decision::RunId, runtime::Runtime, status::Holdings, store::Bucket, time::Timestamp, trust::TrustedKey};

/// When something is told on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// How often it is told again while it lasts.
    pub remind: Duration,
    /// How long before its end a key, a certificate or a document is told.
    pub ahead: Duration,
    /// In so many runs in a row something must be found before it is told.
    pub after: u32,
}

impl Default for Rules {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self { remind: day, ahead: 14 * day, after: 1 }
    }
}

/// A channel with its name and its rules.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Route {
    /// What was told on it is remembered under this name.
    pub name: Arc<str>,
    /// The way to somebody.
    pub channel: Arc<dyn Channel>,
    /// When something is told.
    pub rules: Rules,
}

impl Route {
    /// Tells what `rules` say on `channel`.
    pub fn new(name: &str, channel: Arc<dyn Channel>, rules: Rules) -> Self {
        Self { name: name.into(), channel, rules }
    }
}

/// All channels.
#[derive(Debug, Clone)]
pub struct Alerts {
    store: Arc<str>,
    routes: Arc<[Route]>,
    keys: Arc<[TrustedKey]>,
    overdue: Option<Duration>,
    runtime: Arc<dyn Runtime>,
}

impl Alerts {
    /// Tells on `routes` how things are in `store`, which is what messages call it.
    pub fn new(store: &str, routes: Vec<Route>, runtime: Arc<dyn Runtime>) -> Self {
        Self { store: store.into(), routes: routes.into(), keys: Arc::default(), overdue: None, runtime }
    }

    /// Warns of the ends of these keys too, where no resource relies on them now.
    pub fn with_keys(mut self, keys: Vec<TrustedKey>) -> Self {
        self.keys = keys.into();
        self
    }

    /// Tells when there was no run for so long.
    pub fn with_overdue(mut self, limit: Duration) -> Self {
        self.overdue = Some(limit);
        self
    }

    /// Whether there is anybody to tell.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Looks at how everything in the shard of `bucket` stands by `holdings`, which were loaded just now, and tells what
    /// there is to tell. For the end of each run; `nonce` is random.
    ///
    /// Where there is nothing new to tell, it makes no request to the store.
    pub async fn look(&self, bucket: &Bucket, holdings: &Holdings, now: Timestamp, nonce: u64) -> Looked {
        if self.is_empty() {
            return Looked::default();
        }
        let shard = bucket.layout().shard();
        let outlook = Outlook::new(holdings, &self.keys, shard, self.overdue, now);
        let conditions: Vec<Conditions> =
            self.routes.iter().map(|route| outlook.conditions(route.rules.ahead)).collect();
        let catalog = holdings.catalogs().iter().find(|(other, _)| *other == shard).map(|(_, catalog)| catalog);
        let marks = catalog.map(|catalog| catalog.alerts().clone()).unwrap_or_default();
        let all = self.routes.iter().zip(&conditions).map(|(route, some)| (&*route.name, &route.rules, some));
        let digest = ledger::digest(all);
        let open = conditions.iter().map(Conditions::len).max().unwrap_or(0);
        let nothing = marks.newest == 0 && catalog.is_some() && open == 0;
        let reminders = self.routes.iter().map(|route| route.rules.remind).max().filter(|_| open > 0);
        let longest = reminders.unwrap_or(Duration::MAX);
        if nothing || marks.settled.iter().any(|settled| settled.covers(digest, now, longest)) {
            return Looked { open, ..Looked::default() };
        }
        let moment = Moment { now, sequence: catalog.map_or(0, |catalog| catalog.sequence()) };
        let (run, begun) = (RunId::new(now, nonce), self.runtime.elapsed());
        let look = Look { alerts: self, bucket, conditions, digest, run, moment, begun };
        let mut looked = Looked { open, ..Looked::default() };
        let known = catalog.map(|_| marks.newest);
        if let Err(error) = look.tell(known, &mut looked).await {
            tracing::error!(error = error.chain(), "the state of alerting could not be read or written");
            looked.store_failure = Some(error.chain());
        }
        looked
    }
}
