//! `sigcache gc`

use std::time::Duration;

use serde::Serialize;
use sigcache_core::store::{Collected, Keep, Sweep};

use crate::{
    app::App,
    args::{Common, GcArgs},
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct Gc<'a> {
    dry_run: bool,
    #[serde(flatten)]
    collected: &'a Collected,
}

pub(crate) async fn run(common: &Common, args: GcArgs) -> Result<Ending, Fault> {
    let app = App::open(common, args.shard.shard).await?;
    let mut keep = Keep::default();
    keep.snapshots = args.keep;
    keep.span = Duration::from_secs(args.hours.saturating_mul(3600));
    keep.reports = Duration::from_secs(args.report_days.saturating_mul(86_400));
    let sweep = if args.dry_run { Sweep::List } else { Sweep::Delete };
    let collected = app.bucket.gc(&keep, app.now, sweep).await?;
    if common.json {
        output::json(&Gc { dry_run: args.dry_run, collected: &collected })?;
        return Ok(Ending::Good);
    }
    let verb = if args.dry_run { "would take away" } else { "took away" };
    let groups = [&collected.snapshots, &collected.versions, &collected.reports, &collected.remainders];
    if !common.quiet {
        for key in groups.into_iter().flatten() {
            output::line(&format!("{verb} {key}"))?;
        }
        output::line(&format!(
            "{verb} {} snapshots and marks, {} versions, {} reports, {} remainders; {} versions stay",
            collected.snapshots.len(),
            collected.versions.len(),
            collected.reports.len(),
            collected.remainders.len(),
            collected.versions_kept
        ))?;
    }
    Ok(Ending::Good)
}
