//! `sigcache allow-rollback`

use anyhow::anyhow;
use sigcache_core::Report;

use crate::{
    app::{App, nonce},
    args::{Common, RollbackArgs},
    fault::{Ending, Fault},
    output,
};

pub(crate) async fn run(common: &Common, args: RollbackArgs) -> Result<Ending, Fault> {
    if args.reason.trim().is_empty() {
        return Err(Fault::usage(anyhow!("--reason must say why going back is right; it is kept in the log")));
    }
    let (app, _, _) = App::about(common, &args.name).await?;
    let (report, fault) = permit(app, &args).await;
    let ending = match report {
        None => None,
        Some(report) if common.quiet && !common.json && report.store_failure.is_none() => Some(Ending::Good),
        Some(report) => Some(match output::report(common, &report)? {
            // The decision says that a step is now open; that is what was asked for.
            Ending::NotGood => Ending::Good,
            ending => ending,
        }),
    };
    match (fault, ending) {
        (Some(fault), _) => Err(fault),
        (None, Some(ending)) => Ok(ending),
        (None, None) => Err(Fault::usage(anyhow!("{} was never synced, so there is nothing to roll back", args.name))),
    }
}

/// What became of it, and what broke, if something did. Every shard has a copy of each anchor, and a permit in one of them
/// would leave the others refusing what it takes; so an anchor has it in all of them.
async fn permit(mut app: App, args: &RollbackArgs) -> (Option<Report>, Option<Fault>) {
    let mut all: Option<Report> = None;
    let shards = match app.shards_of(&args.name).await {
        Ok(shards) => shards,
        Err(fault) => return (None, Some(fault)),
    };
    for shard in shards {
        let one = async {
            app = app.of_shard(shard)?;
            let report = app.runner()?.allow_rollback(&args.name, args.reason.trim(), app.now, nonce()?).await?;
            Ok((app, report))
        };
        let report = match one.await {
            Ok((same, report)) => {
                app = same;
                report
            }
            Err(fault) => return (all, Some(fault)),
        };
        match (&mut all, report) {
            (_, None) => {}
            (all @ None, report) => *all = report,
            (Some(all), Some(report)) => add(all, report),
        }
    }
    (all, None)
}

/// To one report that of another shard; where they say the same it is said once.
fn add(all: &mut Report, other: Report) {
    all.store_failure = all.store_failure.take().or(other.store_failure);
    all.store_requests += other.store_requests;
    all.duration_ms += other.duration_ms;
    let new: Vec<_> = other.decisions.into_iter().filter(|decision| !all.decisions.contains(decision)).collect();
    all.decisions.extend(new);
    all.count();
}
