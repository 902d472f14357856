//! `sigcache status`

use serde::Serialize;
use sigcache_core::{
    Digest, Entry, Failure, Last, Name, Resource, Standing, Step, Timestamp, human_span,
    judge::{self, State},
    store::Publish,
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
    /// Anchors whose document cannot be verified or read: nobody vouches for what rests on them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    broken_anchors: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    resource: &'a Name,
    /// fresh, stale, expired, or absent.
    state: &'static str,
    served: bool,
    /// Whether the plain copy is up to date, where plain copies are kept.
    published: bool,
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
        self.served
            && self.published
            && self.state == "fresh"
            && self.last.as_ref().is_some_and(|last| last.step == Step::Done)
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
    let keeps_copies = app.bucket.publishes() == Publish::Copies;
    let mut broken: Vec<Failure> = Vec::new();
    let mut resources = app.config.resources.clone();
    for (shard, catalog) in &catalogs {
        let (all, failures) = app.resources(catalog);
        let vouched = all.into_iter().skip(app.config.resources.len());
        resources.extend(vouched.filter(|resource| shard.holds(&resource.name)));
        broken.extend(failures.into_iter().filter(|failure| !broken.contains(failure)).collect::<Vec<_>>());
    }
    let mut rows: Vec<Row<'_>> = Vec::new();
    for resource in &resources {
        let name = &resource.name;
        let catalog = catalogs.iter().find(|(shard, _)| shard.holds(name)).map(|(_, catalog)| catalog);
        let published = !keeps_copies || catalog.is_none_or(|catalog| catalog.is_published(name));
        rows.push(row(resource, catalog.and_then(|catalog| catalog.get(name)), published, app.now));
    }
    let good = rows.iter().all(Row::is_good) && broken.is_empty();
    if common.json {
        let sequence = catalogs.iter().map(|(_, catalog)| catalog.sequence()).max().unwrap_or(0);
        let broken = broken.iter().map(ToString::to_string).collect();
        output::json(&Status { at: app.now, sequence, resources: rows, broken_anchors: broken })?;
    } else {
        print(&rows, app.now, common.quiet)?;
        for failure in &broken {
            output::line(&format!("Nothing can rest on this anchor now: {failure}"))?;
        }
    }
    Ok(if good { Ending::Good } else { Ending::NotGood })
}

fn row<'a>(resource: &'a Resource, entry: Option<&'a Entry>, published: bool, now: Timestamp) -> Row<'a> {
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
        published,
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
            "{:width$}  {:8}  {:25}  {:>10}  {:16}  LAST RUN",
            "RESOURCE", "STATE", "CONFIRMED", "BYTES", "KEYS"
        ))?;
    }
    for row in shown {
        let confirmed = row.checked_at.map_or("never".to_owned(), |at| format!("{} ago", human_span(now.since(at))));
        let bytes = row.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        let last = row.last.as_ref().map_or("never".to_owned(), |run| match run.step {
            Step::Done if !row.published => {
                format!("{} ({}), but its plain copy is behind", run.last.outcome, run.last.reason)
            }
            Step::Done => format!("{} ({})", run.last.outcome, run.last.reason),
            step => format!("{} at step {step} ({})", run.last.outcome, run.last.reason),
        });
        let state = if row.served || row.state == "absent" { row.state } else { "withheld" };
        output::line(&format!(
            "{:width$}  {state:8}  {confirmed:25}  {bytes:>10}  {:16}  {last}",
            row.resource.as_str(),
            row.keys.join(",")
        ))?;
    }
    Ok(())
}
