//! A cache, hosts that look after it, and somebody who is told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use serde_json::Value;
use sigcache_core::{
    Resource, Timestamp,
    alert::{Alerts, Channel, DeliveryError, Looked, Notice, Route, Rules},
    conformance::{Lab, TestRuntime, at, block_on},
    fetch::Retry,
    run::Selection,
    status::Holdings,
    store::{Bucket, Publish, Shard, Store as _},
};

/// Somebody who keeps what he is told.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    got: Mutex<Vec<Value>>,
    /// So many of the next deliveries fail.
    pub(crate) failures: AtomicU32,
    /// The next deliverer dies before it can deliver.
    pub(crate) deaths: AtomicU32,
    /// How often anybody tried.
    pub(crate) tries: AtomicU32,
}

fn take(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl Channel for Inbox {
    async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        assert!(!take(&self.deaths), "the deliverer dies");
        if take(&self.failures) {
            return Err(DeliveryError::new("nobody listens", Retry::Yes));
        }
        self.got.lock().unwrap().push(serde_json::to_value(notice).unwrap());
        Ok(())
    }
}

impl Inbox {
    /// What came since the last time.
    pub(crate) fn empty(&self) -> Vec<Value> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }

    /// The same, each thing as `event name`.
    pub(crate) fn told(&self) -> Vec<String> {
        let items = self.empty().into_iter().flat_map(|notice| notice["items"].as_array().unwrap().clone());
        items.map(|item| format!("{} {}", item["event"].as_str().unwrap(), item["name"].as_str().unwrap())).collect()
    }
}

/// One resource, `a`, that can be broken and mended, and whoever is told of it.
pub(crate) struct World {
    pub(crate) lab: Arc<Lab>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) rules: Rules,
}

impl World {
    /// Synced once, at hour 0.
    pub(crate) fn new() -> Self {
        let lab = Lab::default();
        lab.publish("a", "a document");
        let world = Self { lab: Arc::new(lab), inbox: Arc::default(), rules: Rules::default() };
        assert_eq!(world.run(0), Looked::default());
        world
    }

    pub(crate) fn breaks(&self) {
        self.lab.origin.down(&Lab::url("a"));
    }

    pub(crate) fn mends(&self) {
        self.lab.publish("a", "a document");
    }

    pub(crate) fn resources(&self) -> Vec<Resource> {
        vec![self.lab.resource("a")]
    }

    pub(crate) fn alerts(&self) -> Alerts {
        let route = Route::new("operations", self.inbox.clone(), self.rules.clone());
        alerts(vec![route])
    }

    /// One run of a host, and its look; `hours` after the beginning.
    pub(crate) fn run(&self, hours: i64) -> Looked {
        self.run_with(&self.alerts(), hours)
    }

    pub(crate) fn run_with(&self, alerts: &Alerts, hours: i64) -> Looked {
        let bucket = self.lab.sound_bucket();
        let runner = self.lab.runner_on(bucket.clone());
        let resources = self.resources();
        let ran = runner.sync_with_catalog(&resources, &Selection::All, at(hours), self.lab.nonce());
        let catalog = block_on(ran).unwrap().1.unwrap();
        let holdings = Holdings::new(&resources, &[], vec![(Shard::WHOLE, catalog)], Publish::Copies, at(hours));
        block_on(alerts.look(&bucket, &holdings, at(hours), self.lab.nonce()))
    }

    /// A run without a look; and what the store holds after it.
    pub(crate) fn holdings(&self, hours: i64) -> Holdings {
        self.lab.faulty.rearm();
        self.lab.sync(&self.resources(), hours);
        self.loaded(at(hours))
    }

    /// What the store holds, read anew.
    pub(crate) fn loaded(&self, now: Timestamp) -> Holdings {
        let catalog = block_on(self.lab.sound_bucket().catalog()).unwrap();
        Holdings::new(&self.resources(), &[], vec![(Shard::WHOLE, catalog)], Publish::Copies, now)
    }

    /// A look of another host, without a run before it.
    pub(crate) fn look(&self, bucket: &Bucket, now: Timestamp) -> Looked {
        block_on(self.alerts().look(bucket, &self.loaded(now), now, self.lab.nonce()))
    }

    /// The objects of alerting that are in the store, by the ends of their names.
    pub(crate) fn states(&self) -> Vec<String> {
        let all = self.lab.referee.objects("catalog/");
        let names = all.keys().filter_map(|key| key.rsplit('/').next());
        names.filter(|name| name.contains(".alerts")).map(str::to_owned).collect()
    }
}

pub(crate) fn alerts(routes: Vec<Route>) -> Alerts {
    Alerts::new("memory:", routes, Arc::new(TestRuntime::default()))
}
