//! `sigcache status`

use serde::Serialize;
use sigcache_core::{
    Digest, Entry, Last, Name, Resource, Standing, Step, Timestamp, human_span,
    judge::{self, State},
};

use crate::{
    app::App,
    args::Common,
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct Status<'a> {
    at: Timestamp,
    /// Of several shards the highest.
    sequence: u64,
    resources: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    resource: &'a Name,
    /// fresh, stale, expired, or absent.
    state: &'static str,
    served: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    keys: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<LastRun>,
}

impl Row<'_> {
    fn is_good(&self) -> bool {
        self.served && self.state == "fresh" && self.last.as_ref().is_some_and(|last| last.step == Step::Done)
    }
}

#[derive(Serialize)]
struct LastRun {
    #[serde(flatten)]
    last: Last,
    step: Step,
}

pub(crate) async fn run(common: &Common) -> Result<Ending, Fault> {
    let (app, catalogs) = App::with_catalogs(common).await?;
    let entry = |name: &Name| catalogs.iter().find(|(shard, _)| shard.holds(name))?.1.get(name);
    let rows: Vec<Row<'_>> =
        app.config.resources.iter().map(|resource| row(resource, entry(&resource.name), app.now)).collect();
    let good = rows.iter().all(Row::is_good);
    if common.json {
        let sequence = catalogs.iter().map(|(_, catalog)| catalog.sequence()).max().unwrap_or(0);
        output::json(&Status { at: app.now, sequence, resources: rows })?;
    } else {
        print(&rows, app.now, common.quiet)?;
    }
    Ok(if good { Ending::Good } else { Ending::NotGood })
}

fn row<'a>(resource: &'a Resource, entry: Option<&'a Entry>, now: Timestamp) -> Row<'a> {
    let rules = &resource.rules;
    let copy = entry.and_then(|entry| {
        let present = matches!(entry.standing, Standing::Live | Standing::Withheld);
        entry.receipt.as_ref().filter(|_| present)
    });
    let checked_at = entry.and_then(|entry| entry.checked_at).filter(|_| copy.is_some());
    let state = copy.map(|receipt| judge::state(receipt, checked_at, &rules.trust, &rules.policy, now));
    Row {
        resource: &resource.name,
        state: state.as_ref().map_or("absent", State::as_str),
        // A copy that was withheld comes back with the next run that finds nothing wrong, not by a milder rule alone.
        served: state.is_some_and(|state| state.may_be_served(&rules.policy))
            && entry.is_some_and(|entry| entry.standing == Standing::Live),
        checked_at,
        valid_until: copy.and_then(|receipt| receipt.evidence.valid_until),
        bytes: copy.map(|receipt| receipt.evidence.size),
        digest: copy.map(|receipt| receipt.evidence.digest),
        keys: copy.map(|r| r.evidence.signers.iter().map(|id| id.as_str()).collect()).unwrap_or_default(),
        last: entry.map(|entry| LastRun { last: entry.last, step: entry.last.reason.step() }),
    }
}

fn print(rows: &[Row<'_>], now: Timestamp, quiet: bool) -> Result<(), Fault> {
    let shown = rows.iter().filter(|row| !quiet || !row.is_good());
    let width = rows.iter().map(|row| row.resource.as_str().len()).max().unwrap_or(0).max(8);
    if !quiet {
        output::line(&format!(
            "{:width$}  {:7}  {:25}  {:>10}  {:16}  LAST RUN",
            "RESOURCE", "STATE", "CONFIRMED", "BYTES", "KEYS"
        ))?;
    }
    for row in shown {
        let confirmed = row.checked_at.map_or("never".to_owned(), |at| format!("{} ago", human_span(now.since(at))));
        let bytes = row.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        let last = row.last.as_ref().map_or("never".to_owned(), |run| match run.step {
            Step::Done => format!("{} ({})", run.last.outcome, run.last.reason),
            step => format!("{} at step {step} ({})", run.last.outcome, run.last.reason),
        });
        let state = if row.served || row.state == "absent" { row.state } else { "withheld" };
        output::line(&format!(
            "{:width$}  {state:7}  {confirmed:25}  {bytes:>10}  {:16}  {last}",
            row.resource.as_str(),
            row.keys.join(",")
        ))?;
    }
    Ok(())
}
