//! `sigcache history`

use serde::Serialize;
use sigcache_core::{Decision, Name, RunId, Timestamp};

use crate::{
    app::App,
    args::{Common, HistoryArgs},
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct History<'a> {
    resource: &'a Name,
    runs: Vec<Run>,
}

#[derive(Serialize)]
struct Run {
    run: RunId,
    command: String,
    started: Timestamp,
    decision: Decision,
}

pub(crate) async fn run(common: &Common, args: HistoryArgs) -> Result<Ending, Fault> {
    let (app, _, _) = App::about(common, &args.name).await?;
    let mut runs = Vec::new();
    for run in app.bucket.reports().await?.into_iter().take(args.runs) {
        let Some(report) = app.bucket.report_if_kept(run).await? else { continue };
        let (started, command) = (report.started, report.command.to_string());
        if let Some(decision) = report.decisions.into_iter().find(|decision| decision.resource == args.name) {
            runs.push(Run { run, command, started, decision });
        }
    }
    if common.json {
        output::json(&History { resource: &args.name, runs })?;
    } else if runs.is_empty() {
        output::line(&format!("No run that is still on record looked at {}.", args.name))?;
    } else {
        for run in &runs {
            output::line(&format!("{}  {}  {}", run.started, run.command, run.decision))?;
        }
    }
    Ok(Ending::Good)
}
