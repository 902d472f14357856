//! `sigcache allow-rollback`

use anyhow::anyhow;

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
    let report = app.runner()?.allow_rollback(&args.name, args.reason.trim(), app.now, nonce()?).await?;
    let Some(report) = report else {
        return Err(Fault::usage(anyhow!("{} was never synced, so there is nothing to roll back", args.name)));
    };
    if common.quiet && !common.json && report.store_failure.is_none() {
        return Ok(Ending::Good);
    }
    match output::report(common, &report)? {
        // The decision says that a step is now open; that is what was asked for.
        Ending::NotGood => Ok(Ending::Good),
        ending => Ok(ending),
    }
}
