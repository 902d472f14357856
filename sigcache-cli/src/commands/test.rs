//! `sigcache test`

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use sigcache_core::{
    Digest, Entry, Name, Receipt, Resource, Timestamp,
    read::verify_stored,
    store::{Catalog, Shard},
};
use tokio::sync::Semaphore;

use crate::{
    app::{self, App},
    args::{Common, TestArgs},
    drill::{self, Drilled, Happened, Row, Verdict},
    fault::{Ending, Fault},
    output,
    progress::Progress,
};

/// How many resources are tested at once. Most of the time is spent waiting for sources that are slow on purpose.
const AT_ONCE: usize = 16;

/// How many MiB of documents are in memory at once; each is there about three times. A larger one is tested alone.
const MEMORY: u32 = 256;

#[derive(Serialize)]
struct Tests {
    at: Timestamp,
    resources: Vec<Tested>,
    totals: Totals,
    duration_ms: u64,
}

#[derive(Serialize)]
struct Tested {
    resource: Name,
    /// The time by which the twins were judged: that of the command, or when a copy was accepted that now would not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    /// Why it could not be tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    untested: Option<String>,
    twins: Vec<Row>,
}

#[derive(Default, Serialize)]
struct Totals {
    caught: usize,
    failed: usize,
    not_guarded: usize,
    does_not_apply: usize,
    untested: usize,
}

pub(crate) async fn run(common: &Common, args: TestArgs) -> Result<Ending, Fault> {
    let (app, catalogs) = App::with_catalogs(common).await?;
    let app = Arc::new(app);
    let chosen = chosen(all(&app, catalogs), &args.names)?;
    let progress = Arc::new(Progress::new(common, chosen.len()));
    let memory = Arc::new(Semaphore::new(MEMORY as usize));
    let testing = chosen.into_iter().map(|(resource, entry)| {
        let (app, memory, progress) = (app.clone(), memory.clone(), progress.clone());
        tokio::spawn(async move {
            let tested = tested(&app, &memory, resource, entry).await?;
            progress.step(&tested.resource);
            Ok::<_, Fault>(tested)
        })
    });
    // Spawned only when it is its turn.
    let ended: Vec<_> = stream::iter(testing).buffered(AT_ONCE).collect().await;
    progress.finish();
    let mut resources = Vec::new();
    for tested in ended {
        resources.push(tested.map_err(|error| Fault { code: 1, error: error.into() })??);
    }
    tell(common, &app, resources)
}

/// Every resource, also those that anchors vouch for, with what is known of it.
fn all(app: &App, mut catalogs: Vec<(Shard, Catalog)>) -> Vec<(Resource, Option<Entry>)> {
    if catalogs.is_empty() {
        // Nothing was synced so far, and that is to be said of each resource.
        catalogs.push((Shard::WHOLE, Catalog::empty(&Shard::WHOLE.folder())));
    }
    let of_shard = |(shard, catalog): &(Shard, Catalog)| {
        // Every shard has the anchors; each is tested with the one copy in the shard of its name.
        let here = app.resources(catalog).0.into_iter().filter(|resource| shard.holds(&resource.name));
        here.map(|resource| (catalog.get(&resource.name).cloned(), resource)).collect::<Vec<_>>()
    };
    catalogs.iter().flat_map(of_shard).map(|(entry, resource)| (resource, entry)).collect()
}

/// Those that were asked for, or all.
fn chosen(all: Vec<(Resource, Option<Entry>)>, names: &[Name]) -> Result<Vec<(Resource, Option<Entry>)>, Fault> {
    if names.is_empty() {
        return Ok(all);
    }
    let resources: Vec<Resource> = all.iter().map(|(resource, _)| resource.clone()).collect();
    names.iter().try_for_each(|name| app::resource(&resources, name).map(drop))?;
    Ok(all.into_iter().filter(|(resource, _)| names.contains(&resource.name)).collect())
}

/// The twins of one resource. Only a store that does not answer is an error; anything else is said of the resource.
async fn tested(app: &App, memory: &Semaphore, resource: Resource, entry: Option<Entry>) -> Result<Tested, Fault> {
    let name = resource.name.clone();
    let untested = |why: String, receipt: Option<&Receipt>| Tested {
        resource: name.clone(),
        at: None,
        bytes: receipt.map(|receipt| receipt.evidence.size),
        digest: receipt.map(|receipt| receipt.evidence.digest),
        untested: Some(why),
        twins: Vec::new(),
    };
    let Some(receipt) = entry.as_ref().and_then(Entry::copy) else {
        return Ok(untested(drill::unsynced(&name), None));
    };
    let share = u32::try_from(receipt.evidence.size >> 20).unwrap_or(MEMORY).saturating_add(1).min(MEMORY);
    let _held = memory.acquire_many(share).await.map_err(|error| Fault { code: 1, error: error.into() })?;
    let read = async { verify_stored(&*app.bucket, &resource, receipt, app.now).await?.bytes().await };
    let document = match read.await {
        Ok(document) => document,
        Err(error) if error.failure().is_some() => {
            return Ok(untested(format!("its last good copy does not verify: {error}"), Some(receipt)));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(match drill::drill(&resource, receipt, document, app.now).await {
        Ok(Drilled { at, rows }) => {
            let (bytes, digest) = (Some(receipt.evidence.size), Some(receipt.evidence.digest));
            Tested { resource: name, at: Some(at), bytes, digest, untested: None, twins: rows }
        }
        Err(error) => untested(format!("{error:#}"), Some(receipt)),
    })
}

fn tell(common: &Common, app: &App, resources: Vec<Tested>) -> Result<Ending, Fault> {
    let mut totals = Totals::default();
    for tested in &resources {
        totals.untested += usize::from(tested.untested.is_some());
        for row in &tested.twins {
            *match row.result {
                Verdict::Caught => &mut totals.caught,
                Verdict::Failed => &mut totals.failed,
                Verdict::NotGuarded => &mut totals.not_guarded,
                Verdict::DoesNotApply => &mut totals.does_not_apply,
            } += 1;
        }
    }
    let good = totals.failed + totals.untested == 0;
    let duration_ms = app.elapsed_ms();
    if common.json {
        output::json(&Tests { at: app.now, resources, totals, duration_ms })?;
    } else {
        for tested in &resources {
            print(common, app, tested)?;
        }
        if !common.quiet {
            output::line(&summary(&totals, resources.len(), duration_ms))?;
        }
    }
    Ok(if good { Ending::Good } else { Ending::NotGood })
}

fn print(common: &Common, app: &App, tested: &Tested) -> Result<(), Fault> {
    let name = &tested.resource;
    if let Some(why) = &tested.untested {
        output::line(&format!("{:<14} {name}  {why}", "NOT TESTED"))?;
    }
    if let Some(at) = tested.at.filter(|at| *at != app.now && !common.quiet) {
        output::line(&format!("{:<14} {name}  as of {at}, since it would not be accepted any more", "note"))?;
    }
    for row in tested.twins.iter().filter(|row| !common.quiet || row.result == Verdict::Failed) {
        output::line(&line(name, row))?;
    }
    Ok(())
}

fn line(name: &Name, row: &Row) -> String {
    let verdict = match row.result {
        Verdict::Caught => "ok",
        Verdict::Failed => "FAILED",
        Verdict::NotGuarded => "not guarded",
        Verdict::DoesNotApply => "does not apply",
    };
    let mut line = format!("{verdict:<14} {name}  {}", row.twin);
    if !row.note.is_empty() {
        line += &format!(" ({})", row.note);
    }
    if let Some(expected) = &row.expected {
        line += &format!("  expected {}", expected.in_words());
    }
    match (&row.happened, row.result) {
        (Some(Happened { outcome, step, reason, .. }), Verdict::Caught) => {
            line += &format!("  found {outcome} at {step}: {reason}");
        }
        (Some(Happened { outcome, step, reason, found }), _) => {
            let found = found.as_deref().map(|found| format!(" ({found})")).unwrap_or_default();
            line += &format!("  found {outcome} at {step}: {reason}{found}");
        }
        (None, _) => {}
    }
    if let Some(why) = &row.why {
        line += &format!("  {why}");
    }
    line
}

fn summary(totals: &Totals, resources: usize, duration_ms: u64) -> String {
    let Totals { caught, failed, not_guarded, does_not_apply, untested } = totals;
    let tried = caught + failed;
    let mut text = format!("{tried} twins of {} resources: {caught} caught, {failed} FAILED", resources - untested);
    text += &format!("; {not_guarded} checks that nothing asks for, {does_not_apply} that do not apply");
    if *untested > 0 {
        text += &format!("; {untested} resources NOT TESTED");
    }
    format!("{text}, in {:.1} s", duration_ms as f64 / 1000.0)
}
