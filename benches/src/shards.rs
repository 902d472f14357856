//! A million resources in 64 shards: what the run of one shard costs in which nothing changed.

use anyhow::{Context as _, Result};
use sigcache_core::{Name, store::Shard};

use crate::{
    cases::Bench,
    measure::{in_mebibytes, median},
    site,
    table::Table,
};

const SHARDS: u32 = 64;

/// So many of them are measured; they differ only in their names.
const MEASURED: usize = 4;

impl Bench {
    /// Some of the shards, stored and then unchanged. Each run reads the whole configuration, with all the names.
    pub(crate) fn shards(&mut self, table: &mut Table) -> Result<()> {
        self.signer.small(&self.site.join("same"), 1)?;
        let names: Vec<String> = (0..self.scaled(1_000_000)).map(site::name).collect();
        let parsed: Vec<Name> = names.iter().map(|name| Name::new(name)).collect::<Result<_, _>>()?;
        let base = format!("{}/same", self.nginx.base());
        let setup = self.setup("shards", &base, &names)?;
        let every = Shard::all(SHARDS).context("a number of shards")?.step_by(SHARDS as usize / MEASURED);
        let (mut seconds, mut first, mut peak, mut requests, mut largest) = (Vec::new(), Vec::new(), 0, 0, 0);
        for shard in every {
            let count = parsed.iter().filter(|name| shard.holds(name)).count();
            first.push(setup.sync_shard(&shard.to_string(), "stored", count)?.usage.seconds);
            let run = setup.sync_shard(&shard.to_string(), "unchanged", count)?;
            seconds.push(run.usage.seconds);
            peak = run.usage.peak.max(peak);
            requests = run.store_requests.max(requests);
            largest = count.max(largest);
        }
        let what = format!("{} resources in {SHARDS} shards, one shard unchanged", names.len());
        let note = format!("of up to {largest} resources; {:.1} s for the first time", median(&first));
        table.row("12", &what, &note, format!("{:.2} s", median(&seconds)), median(&seconds));
        table.row("12", "store requests in a run", "at most 4", requests.to_string(), requests as f64);
        let mib = in_mebibytes(peak);
        table.row("12", "peak memory", "with the names of all shards", format!("{mib:.1} MiB"), mib);
        Ok(())
    }
}
