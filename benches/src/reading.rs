//! Reading back: out of memory and out of the store, verified, beside nginx that serves the same files and checks nothing.

use std::{fs, path::Path, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, stream};
use sigcache_core::{
    KeyId, Name, Resource, Rules, Timestamp,
    read::{HotSet, read},
    store::{Store as _, open_existing_disk},
    trust::{PublicKey, Trust, TrustedKey},
    verify::Detached,
};

use crate::{
    cases::{Bench, itself, seconds},
    measure::{self, median},
    site::SMALL,
    table::Table,
};

impl Bench {
    /// 10,000 documents of 4 KiB. There is no HTTP in our own rows: they are what an endpoint could give at most.
    pub(crate) fn reading(&mut self, table: &mut Table) -> Result<()> {
        let names = self.small_files()?;
        let (count, base) = (names.len(), self.nginx.base());
        let setup = self.setup("reading", &base, &names)?;
        setup.sync("stored", count)?;
        let all = self.names("reading.txt", &names)?;
        let mut rates: [Vec<f64>; 3] = Default::default();
        for round in 1..=self.rounds {
            println!("  round {round} of {}", self.rounds);
            for (rates, from) in rates.iter_mut().zip(["hot", "store"]) {
                let taken = seconds(itself("floor-reads")?.arg(from).arg(setup.folder()).arg(&all))?;
                rates.push(count as f64 / taken);
            }
            // Each document and its signature.
            let usage = measure::run(itself("floor-requests")?.arg(&base).arg(&all))?;
            rates[2].push(2.0 * count as f64 / usage.seconds);
        }
        let [hot, store, nginx] = rates.map(|values| median(&values));
        for (name, note, rate) in [
            ("documents of 4 KiB out of the hot set", "in the process, 2 threads", hot),
            ("the same out of the store, verified", "in the process, 2 threads, in the page cache", store),
            ("nginx, to a client beside it", "over HTTP, nothing checked", nginx),
        ] {
            table.row("13", name, note, format!("{rate:.0} reads/s"), rate);
        }
        Ok(())
    }
}

/// Reads each document of the store in `folder` once; out of memory if `from` is `hot`. Prints the seconds.
pub(crate) fn reads(from: &str, folder: &Path, names: &Path) -> Result<()> {
    let key = TrustedKey::new(KeyId::new("bench"), PublicKey::parse(&fs::read(folder.join("key.pem"))?)?);
    let rules = Arc::new(Rules::new(Arc::new(Detached::new(".sig")), Trust::new(vec![key], 1)?));
    let resource = |name: &str| Ok(Arc::new(Resource::new(Name::new(name)?, [], rules.clone())));
    let resources: Vec<Arc<Resource>> = fs::read_to_string(names)?.lines().map(resource).collect::<Result<_>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let now = Timestamp::from(std::time::SystemTime::now());
    runtime.block_on(async {
        let bucket = Arc::new(open_existing_disk(folder.join("store"))?);
        let (catalog, set) = (Arc::new(bucket.catalog().await?), Arc::new(HotSet::new(1 << 30)));
        let hot = from == "hot";
        let one = |resource: Arc<Resource>| {
            let (bucket, catalog, set) = (bucket.clone(), catalog.clone(), set.clone());
            let work = async move {
                let entry = catalog.get(&resource.name).context("the catalog does not know a name")?;
                let mut size = 0;
                if hot {
                    let mut document = set.read(&*bucket, &resource, entry, now).await?;
                    while let Some(chunk) = document.next().await {
                        size += chunk?.len();
                    }
                } else {
                    size = read(&*bucket, &resource, entry, now).await?.bytes().await?.len();
                }
                ensure!(size == SMALL, "not the document that was stored");
                Ok(())
            };
            async { tokio::spawn(work).await? }
        };
        let every = async || {
            let mut running = stream::iter(resources.iter().cloned().map(&one)).buffer_unordered(64);
            while let Some(done) = running.next().await {
                done?;
            }
            anyhow::Ok(())
        };
        if hot {
            every().await?;
        }
        let start = Instant::now();
        every().await?;
        println!("{}", start.elapsed().as_secs_f64());
        Ok(())
    })
}
