//! One run: every resource through the pipeline, one commit, the plain copies, the report.

mod aftermath;
mod anchors;
mod patience;
mod queue;
mod sets;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tracing::{Instrument as _, Span, field::Empty};

use aftermath::Stood;
use anchors::Settled;
use queue::HostQueue;

pub use crate::decision::Observer;
use crate::{
    anchor::{Anchored, belongs_to},
    decision::{Decision, Failure, Report, RunId},
    entry::{Entry, Last, Permit, Standing},
    error::Error,
    fetch::Fetcher,
    judge,
    name::Name,
    pipeline::{Asking, Deadline, Pipeline},
    reason::{Outcome, Reason},
    resource::{Resource, check_names},
    runtime::{self, Runtime},
    store::{Catalog, Change, ChangeKind, LONGEST_PUBLICATION, LONGEST_RUN, Shard, Store, StoreError, Unwritten},
    time::Timestamp,
};

/// Runs over resources. Set up once; every run gets its own id and time.
#[derive(Clone)]
pub struct Runner {
    fetcher: Arc<dyn Fetcher>,
    store: Arc<dyn Store>,
    runtime: Arc<dyn Runtime>,
    observer: Option<Arc<dyn Observer>>,
    anchored: Arc<[Anchored]>,
    shard: Shard,
    at_once: usize,
    per_host: usize,
    removal_limit: f64,
    time_limit: Option<Duration>,
    writes: Writes,
    asking: Asking,
}

/// Which resources a run looks after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them; what the catalog has beyond them left the configuration.
    All,
    /// Only these.
    Only(BTreeSet<Name>),
}

/// Whether a run may change the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It commits what it finds.
    Commit,
    /// It only says what it would do: documents are fetched, verified and judged, and nothing is written.
    DryRun,
}

impl Runner {
    /// A runner with the documented defaults: 16 resources at once, 4 of one host, removal limit one half.
    pub fn new(fetcher: Arc<dyn Fetcher>, store: Arc<dyn Store>, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            fetcher,
            store,
            runtime,
            observer: None,
            anchored: Arc::default(),
            shard: Shard::WHOLE,
            at_once: 16,
            per_host: 4,
            removal_limit: 0.5,
            time_limit: None,
            writes: Writes::Commit,
            asking: Asking::WhatChanged,
        }
    }

    /// Is told of each decision.
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Looks after what anchors vouch for, too. An anchor must come before what it vouches for.
    pub fn with_anchored(mut self, anchored: impl IntoIterator<Item = Anchored>) -> Self {
        self.anchored = anchored.into_iter().collect();
        self
    }

    /// Looks after the names of one shard; the store must be set up for the same one.
    pub fn with_shard(mut self, shard: Shard) -> Self {
        self.shard = shard;
        self
    }

    /// How many resources at once, and how many of them from one host (that of their first URL).
    pub fn with_concurrency(mut self, at_once: usize, per_host: usize) -> Self {
        (self.at_once, self.per_host) = (at_once.max(1), per_host.max(1));
        self
    }

    /// The greatest part (0 to 1) of the resources that one run may take away.
    pub fn with_removal_limit(mut self, limit: f64) -> Self {
        self.removal_limit = limit;
        self
    }

    /// How long a run may be busy with resources. What is not through by then is given up as [`Reason::NotReached`]; what
    /// is through is committed, for which the caller leaves some time. The next run with a limit begins with what was not
    /// reached. By default only the limits of each request count.
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Whether runs may change the store.
    pub fn with_writes(mut self, writes: Writes) -> Self {
        self.writes = writes;
        self
    }

    /// How sources are asked for what is stored already.
    pub fn with_asking(mut self, asking: Asking) -> Self {
        self.asking = asking;
        self
    }

    /// One pass over `resources` at `now`; `nonce` is random.
    ///
    /// An error means that the run could not begin. Later failures of the store are decisions in the report, and
    /// [`Report::store_failure`] says it in a sentence.
    pub async fn sync(
        &self,
        resources: &[Resource],
        selection: &Selection,
        now: Timestamp,
        nonce: u64,
    ) -> Result<Report, Error> {
        self.sync_with_catalog(resources, selection, now, nonce).await.map(|(report, _)| report)
    }

    /// The same, with the catalog that stands after it if it committed: who wants to know how everything stands now
    /// need not ask the store once more.
    pub async fn sync_with_catalog(
        &self,
        resources: &[Resource],
        selection: &Selection,
        now: Timestamp,
        nonce: u64,
    ) -> Result<(Report, Option<Catalog>), Error> {
        let run = RunId::new(now, nonce);
        // At this level, which logs leave out: it is for traces, and events say the same.
        let span = tracing::debug_span!("run", %run, shard = %self.shard);
        self.run(resources, selection, run, now).instrument(span).await
    }

    async fn run(
        &self,
        resources: &[Resource],
        selection: &Selection,
        run: RunId,
        now: Timestamp,
    ) -> Result<(Report, Option<Catalog>), Error> {
        check_names(resources)?;
        let start = self.runtime.elapsed();
        let loaded = self.store.catalog().await;
        let catalog = Arc::new(loaded.map_err(|source| Error::Store { doing: "load the catalog", source })?);
        let mut mine: Vec<&Resource> =
            resources.iter().filter(|resource| self.looks_after(resource, selection)).collect();
        let store: Arc<dyn Store> = match self.writes {
            Writes::Commit => self.store.clone(),
            Writes::DryRun => Arc::new(Unwritten(self.store.clone())),
        };
        let mut pipeline = Pipeline::new(self.fetcher.clone(), store, self.runtime.clone(), run, now);
        pipeline.asking = self.asking;
        if let Some(span) = self.time_limit {
            pipeline.end = Some(Deadline { at: start.saturating_add(span), span });
            // Or those at the end would never have their turn.
            mine.sort_by_key(|resource| !was_left_out(&catalog, &resource.name));
        }
        pipeline.anchored = self.anchored.clone();
        let pipeline = Arc::new(pipeline);
        let (mut decisions, mut changes) = self.process_all(pipeline.clone(), mine, &catalog).await?;
        let rest = Settled { decisions: &mut decisions, changes: &mut changes };
        let vouched = self.process_anchored(&pipeline, resources, selection, &catalog, rest).await?;
        sets::hold_incomplete(&mut decisions, &mut changes, resources.iter().chain(&vouched), &catalog);
        if *selection == Selection::All {
            let decided: BTreeSet<Name> = decisions.iter().map(|decision| decision.resource.clone()).collect();
            let configured = resources.iter().chain(&vouched).map(|resource| &resource.name).chain(&decided);
            let removals = self.removals(configured.collect(), &catalog, run).into_iter().unzip();
            let (gone, taken): (Vec<Decision>, Vec<Change>) = removals;
            decisions.extend(gone);
            changes.extend(taken);
        }
        let mut report = Report::new("sync", run, now, &self.shard.to_string(), decisions);
        let mut committed = None;
        if self.writes == Writes::Commit {
            let catalog = Arc::try_unwrap(catalog).unwrap_or_else(|shared| (*shared).clone());
            committed = self.finish(catalog, changes, &mut report, start).await;
        } else {
            report.command = "sync --dry-run".into();
            report.duration_ms = self.millis_since(start);
        }
        log(&report);
        Ok((report, committed))
    }

    fn looks_after(&self, resource: &Resource, selection: &Selection) -> bool {
        belongs_to(resource, self.shard)
            && match selection {
                Selection::All => true,
                Selection::Only(names) => names.contains(&resource.name),
            }
    }

    /// Records a person's word that the next version of `name` may be older than what was accepted before.
    pub async fn allow_rollback(
        &self,
        name: &Name,
        reason: &str,
        now: Timestamp,
        nonce: u64,
    ) -> Result<Option<Report>, Error> {
        let run = RunId::new(now, nonce);
        let start = self.runtime.elapsed();
        let loaded = self.store.catalog().await;
        let catalog = loaded.map_err(|source| Error::Store { doing: "load the catalog", source })?;
        let Some(entry) = catalog.get(name) else { return Ok(None) };
        let outcome = if entry.live().is_some() { Outcome::Kept } else { Outcome::Withheld };
        let expected = entry.mark.map_or("no version that was replaced before".to_owned(), |mark| mark.to_string());
        let failure = Failure::new(Reason::RollbackAllowed, expected, format!("a person's permit: {reason}"));
        let mut decision = Decision::failed(name.clone(), outcome, failure);
        if let Some(receipt) = &entry.receipt {
            decision = decision.about(receipt);
        }
        let last = Last::new(run, decision.outcome, decision.reason);
        let change = Change::new(name.clone(), Some(entry), ChangeKind::Permit(Permit::new(now, reason)), last);
        let mut report = Report::new("allow-rollback", run, now, &self.shard.to_string(), vec![decision]);
        self.finish(catalog, vec![change], &mut report, start).await;
        log(&report);
        Ok(Some(report))
    }

    /// Every resource through the pipeline, as many at once as allowed, in tasks of their own.
    async fn process_all(
        &self,
        pipeline: Arc<Pipeline>,
        resources: Vec<&Resource>,
        catalog: &Arc<Catalog>,
    ) -> Result<(Vec<Decision>, Vec<Change>), Error> {
        let mut decisions = Vec::with_capacity(resources.len());
        let mut changes = Vec::with_capacity(resources.len());
        let mut queue = HostQueue::new(resources, self.per_host);
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.at_once
                && let Some((host, resource)) = queue.next()
            {
                let (pipeline, catalog) = (pipeline.clone(), catalog.clone());
                let (name, resource) = (resource.name.clone(), resource.clone());
                // Whoever has the answer may take the catalog for his own: the task has let go of it by then.
                let process = async move { decide(&pipeline, &resource, &catalog).await };
                // Another task would not know by itself to which run it belongs.
                let answer = runtime::spawned(&*self.runtime, process.instrument(Span::current()));
                running.push(async move { (host, name, answer.await) });
            }
            let Some((host, name, answer)) = running.next().await else { return Ok((decisions, changes)) };
            queue.done(host);
            let (decision, change) = answer.ok_or(Error::TaskLost(name))?;
            if let Some(observer) = &self.observer {
                observer.decided(&decision);
            }
            decisions.push(decision);
            changes.push(change);
        }
    }

    /// What the catalog has and the configuration has not.
    fn removals(&self, configured: BTreeSet<&Name>, catalog: &Catalog, run: RunId) -> Vec<(Decision, Change)> {
        let present = |entry: &Entry| matches!(entry.standing, Standing::Live | Standing::Withheld);
        let known = catalog.entries().filter(|(_, entry)| present(entry)).count();
        let gone: Vec<_> =
            catalog.entries().filter(|(name, entry)| present(entry) && !configured.contains(name)).collect();
        let verdict = judge::removals(gone.len(), known, self.removal_limit);
        let remove = |(name, entry): (&Name, &Entry)| {
            let (mut decision, kind) = match &verdict {
                Ok(()) => {
                    let decision = Decision::passed(name.clone(), Outcome::Removed, Reason::LeftConfig);
                    (decision, ChangeKind::Remove)
                }
                Err(failure) => (Decision::failed(name.clone(), Outcome::Kept, failure.clone()), ChangeKind::Note),
            };
            if let Some(receipt) = &entry.receipt {
                decision = decision.about(receipt);
            }
            let last = Last::new(run, decision.outcome, decision.reason);
            (decision, Change::new(name.clone(), Some(entry), kind, last))
        };
        gone.into_iter().map(remove).collect()
    }

    /// Commit once, publish, report. What fails here is written into the decisions it concerns. Returns what was
    /// committed.
    async fn finish(
        &self,
        catalog: Catalog,
        changes: Vec<Change>,
        report: &mut Report,
        start: Duration,
    ) -> Option<Catalog> {
        let mut stands = None;
        let before = catalog.sequence();
        let decisive = changes.iter().filter(|change| change.kind.is_decisive());
        let stood: BTreeMap<Name, Stood> =
            decisive.map(|change| (change.name.clone(), Stood::of(catalog.get(&change.name)))).collect();
        let commit = self.commit(catalog, &changes, report);
        match self.until(start + LONGEST_RUN, commit).await {
            Ok(mut committed) => {
                report.sequence = Some(committed.catalog.sequence());
                aftermath::overtaken(report, &committed);
                let now = self.runtime.elapsed();
                let began = report.started.plus(now.saturating_sub(start));
                let publish = self.store.publish(&committed.catalog, began);
                let published = self.until(now + LONGEST_PUBLICATION, publish).await;
                if published.as_ref().is_ok_and(Vec::is_empty) {
                    committed.catalog.was_published();
                }
                let failures = published.unwrap_or_else(|error| {
                    report.store_failure = Some(error.chain().into());
                    let failure = Failure::new(Reason::PublishFailed, "the plain copies up to date", error.chain());
                    let changed = |d: &&Decision| matches!(d.outcome, Outcome::Stored | Outcome::Removed);
                    report.decisions.iter().filter(changed).map(|d| (d.resource.clone(), failure.clone())).collect()
                });
                for (name, failure) in failures {
                    if let Some(decision) = report.decisions.iter_mut().find(|d| d.resource == name) {
                        decision.overrule(decision.outcome, failure);
                    }
                }
                stands = Some(committed.catalog);
            }
            Err(error) => {
                report.sequence = (before > 0).then_some(before);
                aftermath::commit_failed(report, &stood, &error);
            }
        }
        report.count();
        report.duration_ms = self.millis_since(start);
        if let Err(error) = self.store.record(report).await {
            // The decisions stand and are printed and logged; only their copy in the store is missing.
            tracing::error!(run = %report.run, error = error.chain(), "the report could not be stored");
            report.store_failure.get_or_insert_with(|| error.chain().into());
        }
        stands
    }

    async fn until<T>(
        &self,
        end: Duration,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        runtime::until(&*self.runtime, end, work).await.unwrap_or(Err(StoreError::Overdue))
    }

    fn millis_since(&self, start: Duration) -> u64 {
        let span = self.runtime.elapsed().saturating_sub(start);
        u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Whether the last run that looked after it had no time for it.
fn was_left_out(catalog: &Catalog, name: &Name) -> bool {
    catalog.get(name).is_some_and(|entry| entry.last.reason == Reason::NotReached)
}

/// One resource through the pipeline, in a span of its own that says how it ended.
async fn decide(pipeline: &Pipeline, resource: &Resource, catalog: &Catalog) -> (Decision, Change) {
    let span = tracing::debug_span!(
        "resource",
        resource = resource.name.as_str(),
        outcome = Empty,
        step = Empty,
        reason = Empty,
        source = Empty,
        bytes = Empty
    );
    let process = pipeline.process(resource, catalog.get(&resource.name)).instrument(span.clone());
    let (decision, change) = process.await;
    span.record("outcome", decision.outcome.as_str());
    span.record("step", decision.step.as_str());
    span.record("reason", decision.reason.as_str());
    decision.source.as_deref().map(|source| span.record("source", source));
    decision.bytes.map(|bytes| span.record("bytes", bytes));
    (decision, change)
}

/// One structured event for each decision, and one for the run.
fn log(report: &Report) {
    for decision in &report.decisions {
        let (resource, outcome, step, reason) =
            (decision.resource.as_str(), decision.outcome.as_str(), decision.step.as_str(), decision.reason.as_str());
        let (source, expected, found) =
            (decision.source.as_deref(), decision.expected.as_deref(), decision.found.as_deref());
        let run = tracing::field::display(report.run);
        if decision.is_good() {
            tracing::info!(run, resource, outcome, step, reason, source, "decision");
        } else {
            tracing::warn!(run, resource, outcome, step, reason, source, expected, found, "decision");
        }
    }
    let totals = report.totals;
    tracing::info!(
        run = %report.run,
        command = &*report.command,
        stored = totals.stored,
        unchanged = totals.unchanged,
        kept = totals.kept,
        withheld = totals.withheld,
        refused = totals.refused,
        removed = totals.removed,
        duration_ms = report.duration_ms,
        store_requests = report.store_requests,
        "run"
    );
}
