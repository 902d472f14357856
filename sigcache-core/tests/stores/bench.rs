//! A source, a signer, and runs over whatever store.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sigcache_core::{
    Error, Name, Report, Resource, Rules, Timestamp,
    audit::Auditor,
    conformance::{Origin, Signer, TestRuntime, at, block_on},
    read,
    run::{Runner, Selection},
    runtime::{Runtime, Tokio},
    store::{Bucket, Store as _},
    verify::Detached,
};

pub(crate) struct Bench {
    origin: Arc<Origin>,
    signer: Signer,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { origin: Arc::default(), signer: Signer::new("release") }
    }

    pub(crate) fn publish(&self, name: &str, document: impl Into<Bytes>) {
        let document = document.into();
        let url = format!("https://a.example/{name}");
        self.origin.serve(&(url.clone() + ".sig"), self.signer.sign(&document));
        self.origin.serve(&url, document);
    }

    pub(crate) fn resource(&self, name: &str) -> Resource {
        let rules = Rules::new(Arc::new(Detached::new(".sig")), self.signer.trust());
        let url = format!("https://a.example/{name}").parse().unwrap();
        Resource::new(Name::new(name).unwrap(), [url], Arc::new(rules))
    }

    /// A run, and how many requests it made to the store.
    pub(crate) fn sync(&self, bucket: Bucket, names: &[&str], hours: i64, nonce: u64) -> Result<(Report, u64), Error> {
        self.run(bucket, names, &Selection::All, at(hours), nonce, Arc::new(TestRuntime::default()))
    }

    /// A run for these alone, whatever else is in the store, by a clock that is so many minutes ahead. Where it waits, it
    /// does wait: others are at work meanwhile.
    pub(crate) fn sync_some(
        &self,
        bucket: Bucket,
        names: &[&str],
        hours: i64,
        minutes: usize,
        nonce: u64,
    ) -> Result<(Report, u64), Error> {
        let only = names.iter().map(|name| Name::new(name).unwrap()).collect();
        let now = at(hours).plus(Duration::from_secs(60 * minutes as u64));
        self.run(bucket, names, &Selection::Only(only), now, nonce, Arc::new(Tokio::current()))
    }

    fn run(
        &self,
        bucket: Bucket,
        names: &[&str],
        selection: &Selection,
        now: Timestamp,
        nonce: u64,
        runtime: Arc<dyn Runtime>,
    ) -> Result<(Report, u64), Error> {
        let bucket = Arc::new(bucket);
        let runner = Runner::new(self.origin.clone(), bucket.clone(), runtime);
        let resources: Vec<Resource> = names.iter().map(|name| self.resource(name)).collect();
        let report = block_on(runner.sync(&resources, selection, now, nonce))?;
        Ok((report, bucket.requests()))
    }

    /// Reads one resource back, verified.
    pub(crate) fn read(&self, bucket: &Bucket, name: &str, hours: i64) -> Bytes {
        let resource = self.resource(name);
        block_on(async {
            let catalog = bucket.catalog().await.unwrap();
            let entry = catalog.get(&resource.name).unwrap();
            read::read(bucket, &resource, entry, at(hours)).await.unwrap().bytes().await.unwrap()
        })
    }

    /// Panics unless everything in the store is what it should be, the plain copies too.
    #[track_caller]
    pub(crate) fn assert_in_order(&self, bucket: Bucket, names: &[&str], hours: i64) {
        let resources: Vec<Resource> = names.iter().map(|name| self.resource(name)).collect();
        let auditor = Auditor::new(Arc::new(bucket), Arc::new(TestRuntime::default()));
        let report = block_on(auditor.audit(&resources, at(hours), 7)).unwrap();
        assert!(report.is_good(), "{:#?}", report.decisions);
        assert_eq!(report.decisions.len(), names.len());
    }
}
