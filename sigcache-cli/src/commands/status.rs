//! `sigcache status`

use serde::Serialize;
use sigcache_core::{
    Name, Step, Timestamp, human_span,
    status::{Holdings, Row},
};

use crate::{
    app::{self, App},
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
    /// Anchors whose document cannot be verified or read: nobody vouches for what rests on them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    broken_anchors: Vec<String>,
}

pub(crate) async fn run(common: &Common, names: &[Name]) -> Result<Ending, Fault> {
    let (app, catalogs) = App::with_catalogs(common).await?;
    let (config, now) = (&app.config, app.now);
    let holdings = Holdings::new(&config.resources, &config.anchored, catalogs, app.bucket.publishes(), now);
    names.iter().try_for_each(|name| app::resource(holdings.resources(), name).map(drop))?;
    let rows = holdings.rows(now).filter(|row| names.is_empty() || names.contains(row.resource));
    let rows: Vec<Row<'_>> = rows.collect();
    let good = rows.iter().all(Row::is_good) && holdings.broken().is_empty();
    if common.json {
        let broken_anchors = holdings.broken().iter().map(ToString::to_string).collect();
        output::json(&Status { at: now, sequence: holdings.sequence(), resources: rows, broken_anchors })?;
    } else {
        print(&rows, now, common.quiet)?;
        for failure in holdings.broken() {
            output::line(&format!("Nothing can rest on this anchor now: {failure}"))?;
        }
    }
    Ok(if good { Ending::Good } else { Ending::NotGood })
}

fn print(rows: &[Row<'_>], now: Timestamp, quiet: bool) -> Result<(), Fault> {
    let shown = rows.iter().filter(|row| !quiet || !row.is_good());
    let width = rows.iter().map(|row| row.resource.as_str().len()).max().unwrap_or(0).max(8);
    if !quiet {
        output::line(&format!(
            "{:width$}  {:8}  {:25}  {:>10}  {:16}  LAST RUN",
            "RESOURCE", "STATE", "CONFIRMED", "BYTES", "KEYS"
        ))?;
    }
    for row in shown {
        let confirmed = row.checked_at.map_or("never".to_owned(), |at| format!("{} ago", human_span(now.since(at))));
        let bytes = row.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        let copy = match row.publishing_since {
            _ if !row.published => ", but its plain copy is behind".to_owned(),
            Some(since) => format!(", a run has been at its plain copy since {since}"),
            None => String::new(),
        };
        let last = row.last.as_ref().map_or("never".to_owned(), |run| match run.step {
            Step::Done => format!("{} ({}){copy}", run.last.outcome, run.last.reason),
            step => format!("{} at step {step} ({})", run.last.outcome, run.last.reason),
        });
        let keys: Vec<&str> = row.keys.iter().map(|id| id.as_str()).collect();
        output::line(&format!(
            "{:width$}  {:8}  {confirmed:25}  {bytes:>10}  {:16}  {last}",
            row.resource.as_str(),
            row.standing(),
            keys.join(",")
        ))?;
    }
    Ok(())
}
