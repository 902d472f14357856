//! What one process does in one look: claim, tell, write down.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;

use super::{
    Alerts, Conditions, DeliveryError, Item, Looked, Notice, Sent, Unsent, channel,
    ledger::{FORMAT, Lease, Ledger, Moment, Plan, State},
};
use crate::{
    decision::RunId,
    fetch::Retry,
    store::{Bucket, Settled, StoreError},
    time::Timestamp,
};

/// How often a look gives way to other processes that write down what they told.
const TRIES_TO_WRITE: u32 = 50;

/// What one process does in one look.
pub(super) struct Look<'a> {
    pub(super) alerts: &'a Alerts,
    pub(super) bucket: &'a Bucket,
    pub(super) conditions: Vec<Conditions>,
    pub(super) digest: u64,
    pub(super) run: RunId,
    pub(super) moment: Moment,
    pub(super) begun: Duration,
}

/// What a look has to tell, by the number of the route.
type Items = BTreeMap<usize, Vec<Item>>;

impl Look<'_> {
    /// Claims what there is to tell, tells it, and writes down how that ended. `newest` is the number of the newest state
    /// as far as is known.
    pub(super) async fn tell(&self, newest: Option<u64>, looked: &mut Looked) -> Result<(), StoreError> {
        let mut newest = newest;
        for _ in 0..TRIES_TO_WRITE {
            let (number, before) = self.load(newest).await?;
            let (mut claim, items) = self.plan(&before, looked);
            let is_same = claim.channels == before.channels;
            if items.is_empty() && is_same {
                return self.settle(number, &before).await;
            }
            claim.run = Some(self.run);
            if !self.create(number + 1, &claim).await? {
                // Somebody else was faster; what he claimed is his to tell.
                newest = None;
                continue;
            }
            if items.is_empty() {
                return self.settle(number + 1, &claim).await;
            }
            let ended = self.deliver(&claim, &items, looked).await;
            return self.record(number + 1, claim, &items, &ended).await;
        }
        Err(StoreError::Contended { tries: TRIES_TO_WRITE })
    }

    /// The newest state. One of that number may have been swept, if it is known from an old listing.
    async fn load(&self, newest: Option<u64>) -> Result<(u64, State), StoreError> {
        if let Some(number) = newest {
            match self.read(number).await {
                Err(error) if error.is_absence() => {}
                other => return other.map(|state| (number, state)),
            }
        }
        let number = self.bucket.alert_marks().await?.newest;
        self.read(number).await.map(|state| (number, state))
    }

    async fn read(&self, number: u64) -> Result<State, StoreError> {
        if number == 0 {
            return Ok(State::default());
        }
        let bytes = self.bucket.alerts(number).await?;
        let damaged = |detail| StoreError::Corrupt { key: format!("the state of alerting {number}"), detail };
        match serde_json::from_slice::<State>(&bytes) {
            Ok(state) if state.format > FORMAT => {
                Err(damaged(format!("format {}, but this program knows only {FORMAT}", state.format)))
            }
            Ok(state) => Ok(state),
            // Better to tell everything again than nothing ever more.
            Err(error) => {
                tracing::warn!(number, %error, "the state of alerting is damaged; everything is told again");
                Ok(State::default())
            }
        }
    }

    /// The state with what is known now, and with a lease on each channel that there is something to tell on.
    fn plan(&self, before: &State, looked: &mut Looked) -> (State, Items) {
        let (mut state, mut items) = (before.clone(), Items::new());
        looked.waiting.clear();
        (state.format, state.at) = (FORMAT, self.moment.now);
        for (index, (route, conditions)) in self.alerts.routes.iter().zip(&self.conditions).enumerate() {
            let ledger = before.channels.get(&*route.name).cloned().unwrap_or_default();
            match ledger.plan(conditions, &route.rules, self.moment) {
                Plan::Waiting => looked.waiting.push(route.name.to_string()),
                Plan::Tell(mut ledger, some) => {
                    if !some.is_empty() {
                        ledger.lease = Some(Lease { run: self.run, at: self.moment.now });
                        items.insert(index, some);
                    }
                    if ledger != Ledger::default() || before.channels.contains_key(&*route.name) {
                        state.channels.insert(route.name.to_string(), ledger);
                    }
                }
            }
        }
        (state, items)
    }

    /// On all channels at once. Returns what was found where it could not be delivered.
    async fn deliver(&self, claim: &State, items: &Items, looked: &mut Looked) -> BTreeMap<usize, Option<String>> {
        let shard = self.bucket.layout().shard().to_string();
        let sending = items.iter().map(async |(index, some)| {
            let route = &self.alerts.routes[*index];
            let (open, about) = (self.conditions[*index].len(), (&*self.alerts.store, shard.clone()));
            let notice = Notice::new((self.run, self.moment.now), about, &route.name, open, some.clone());
            // What took long before this is not forgiven: by now another process may have taken over.
            let left = self.alerts.runtime.elapsed().saturating_sub(self.begun) < channel::LONGEST_DELIVERY;
            let ended = match left {
                true => channel::deliver(&*self.alerts.runtime, &*route.channel, &notice).await.err(),
                false => Some(DeliveryError::new("the claim took too long", Retry::No)),
            };
            (*index, notice.kind, ended.map(|error| error.to_string()))
        });
        let mut found = BTreeMap::new();
        for (index, kind, failed) in join_all(sending).await {
            let name = self.alerts.routes[index].name.to_string();
            match &failed {
                None => {
                    tracing::info!(channel = name, kind, items = items[&index].len(), "an alert was delivered");
                    looked.sent.push(Sent::new(name, kind, &items[&index]));
                }
                Some(found) => {
                    let failing = claim.channels.get(&name).and_then(|ledger| ledger.failing.as_ref());
                    let since = failing.map_or(self.moment.now, |failing| failing.since);
                    looked.unsent.push(Unsent { channel: name, since, found: found.clone() });
                }
            }
            found.insert(index, failed);
        }
        found
    }

    /// Writes down how it ended, and gives the leases back. What another process took over meanwhile is its own.
    async fn record(
        &self,
        number: u64,
        claim: State,
        items: &Items,
        ended: &BTreeMap<usize, Option<String>>,
    ) -> Result<(), StoreError> {
        let (mut number, mut state) = (number, claim);
        for _ in 0..TRIES_TO_WRITE {
            for (index, failed) in ended {
                let Some(ledger) = state.channels.get_mut(&*self.alerts.routes[*index].name) else { continue };
                if ledger.lease.as_ref().is_none_or(|lease| lease.run != self.run) {
                    continue;
                }
                *ledger = match failed {
                    None => ledger.delivered(&items[index], self.moment.now),
                    Some(found) => ledger.undelivered(found.clone(), self.moment.now),
                };
            }
            (state.run, state.at) = (Some(self.run), self.moment.now);
            if self.create(number + 1, &state).await? {
                return self.settle(number + 1, &state).await;
            }
            (number, state) = self.load(None).await?;
        }
        Err(StoreError::Contended { tries: TRIES_TO_WRITE })
    }

    async fn create(&self, number: u64, state: &State) -> Result<bool, StoreError> {
        let text = serde_json::to_vec(state).map_err(|error| StoreError::Unavailable {
            doing: "write",
            key: "the state of alerting".to_owned(),
            source: Box::new(error),
        })?;
        self.bucket.create_alerts(number, Bytes::from(text)).await
    }

    /// If nothing is left to do, notes until when: until then a run that finds the same need not even look here.
    async fn settle(&self, number: u64, state: &State) -> Result<(), StoreError> {
        let quiet = Ledger::default();
        let until = self
            .alerts
            .routes
            .iter()
            .map(|route| state.channels.get(&*route.name).unwrap_or(&quiet).settled_until(&route.rules));
        let until: Option<Vec<Timestamp>> = until.collect();
        match until.and_then(|all| all.into_iter().min()) {
            Some(until) if number > 0 => {
                self.bucket.settle_alerts(number, Settled { until, digest: self.digest }).await
            }
            _ => Ok(()),
        }
    }
}
