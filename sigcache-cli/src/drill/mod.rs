//! The fault kit: twins of a resource's last good copy, each broken at one step, and whether that very step catches it.
//!
//! Nothing here decides about trust. What decides is the run of the core, with the rules of the configuration; here it is
//! given something to decide about, and is held against what it must say.

mod flips;
mod keys;
mod markup;
mod origin;
mod scratch;
mod twins;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Result;
use bytes::Bytes;
use serde::Serialize;
use sigcache_core::{Name, Outcome, Reason, Receipt, Resource, Step, Timestamp, fetch::http::HttpFetcher};
use tokio::net::TcpSocket;
use url::Url;

use origin::Origin;
use scratch::Scratch;
use twins::{Good, Kind, Plan, Source, Twins, within_the_process};

/// A run that has not ended by then never will.
const LONGEST_TWIN: Duration = Duration::from_secs(60);

/// Longer than the 63 bytes that a part of a name may have, so that it cannot even be asked for.
const NO_NAME: &str = "a-name-that-has-more-than-the-sixty-three-letters-that-one-can-have.invalid";

/// What came of one twin.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) twin: &'static str,
    /// What is broken about it.
    pub(crate) what: &'static str,
    /// Which variant, and what was shortened for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
    pub(crate) result: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<Expected>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) happened: Option<Happened>,
    /// Why there is no such twin, or what is wrong beside the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Caught by the step that it is for, and the good copy stands.
    Caught,
    /// Not so.
    Failed,
    /// There is no check to try: the configuration or the document has none.
    NotGuarded,
    /// There is nothing that could be broken so.
    DoesNotApply,
}

/// What must come of a twin: this outcome, for one of these reasons.
#[derive(Debug, Serialize)]
pub(crate) struct Expected {
    pub(crate) outcome: Outcome,
    pub(crate) reasons: &'static [Reason],
}

impl Expected {
    /// Each with its step.
    pub(crate) fn in_words(&self) -> String {
        let reasons = self.reasons.iter().map(|reason| format!("{}: {reason}", reason.step()));
        format!("{} at {}", self.outcome, reasons.collect::<Vec<_>>().join(" or "))
    }
}

/// What did.
#[derive(Debug, Serialize)]
pub(crate) struct Happened {
    pub(crate) outcome: Outcome,
    pub(crate) step: Step,
    pub(crate) reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) found: Option<Box<str>>,
}

/// What came of the twins of a resource.
#[derive(Debug)]
pub(crate) struct Drilled {
    /// At which time they were tried.
    pub(crate) at: Timestamp,
    pub(crate) rows: Vec<Row>,
}

/// Tries all twins of the copy of `resource` that is `document`, with `receipt` in the user's store. They are tried at
/// `now` or, if the copy would not be accepted any more, at the time when it was.
pub(crate) async fn drill(resource: &Resource, receipt: &Receipt, document: Bytes, now: Timestamp) -> Result<Drilled> {
    let origin = Origin::start().await?;
    // Bound, so that nobody else listens there, and not listening.
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let nobody = socket.local_addr()?;

    let from_private = resource.rules.access.addresses;
    let mut resource = resource.clone();
    let path = resource.urls().first().map_or_else(|| "/".to_owned(), |url| url.path().to_owned());
    resource.rules = Arc::new(within_the_process(&resource.rules, origin.secret()));
    let resource = at(&resource, &format!("http://{}", origin.address()), &path)?;
    origin.set(twins::site(&resource, &document, receipt));
    let fetcher = Arc::new(HttpFetcher::direct());
    let mut refusal = None;
    for time in [now, receipt.verified_at] {
        let scratch = Scratch::new(fetcher.clone());
        let decision = scratch.run(&resource, None, time).await?;
        if decision.outcome != Outcome::Stored || decision.digest != Some(receipt.evidence.digest) {
            refusal = refusal.or(Some(decision));
            continue;
        }
        let receipt = scratch.receipt(&resource).await?;
        let good = Good { resource, from_private, document, receipt, at: time };
        let places = Places { origin, nobody, path };
        return Ok(Drilled { at: time, rows: all(&good, &scratch, &places).await });
    }
    let found = refusal.map_or_else(String::new, |decision| decision.to_string());
    anyhow::bail!("the stored copy itself is not accepted, neither now nor as of when it was: {found}")
}

/// Where the twins are.
struct Places {
    origin: Origin,
    nobody: SocketAddr,
    path: String,
}

/// The same resource at another place.
fn at(resource: &Resource, server: &str, path: &str) -> Result<Resource> {
    let mut url = Url::parse(server)?;
    url.set_path(path);
    let mut moved = Resource::new(resource.name.clone(), [url], resource.rules.clone());
    moved.anchor = resource.anchor.clone();
    Ok(moved)
}

async fn all(good: &Good, scratch: &Scratch, places: &Places) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in twins::kinds() {
        let (twin, what) = (kind.name, kind.what);
        let row = |result, why| Row { twin, what, note: String::new(), result, expected: None, happened: None, why };
        match kind.twins(good) {
            Twins::NotGuarded(why) => rows.push(row(Verdict::NotGuarded, Some(why))),
            Twins::None(why) => rows.push(row(Verdict::DoesNotApply, Some(why))),
            Twins::Variants(plans) => {
                for plan in plans {
                    rows.push(tried(kind, good, &plan, scratch, places).await);
                }
            }
        }
    }
    rows
}

/// Tries one twin.
async fn tried(kind: &Kind, good: &Good, plan: &Plan, scratch: &Scratch, places: &Places) -> Row {
    let ended = tokio::time::timeout(LONGEST_TWIN, attempt(good, plan, scratch, places)).await;
    let ended = ended.unwrap_or_else(|_| Err(anyhow::anyhow!("the run has not ended after {LONGEST_TWIN:?}")));
    let reasons = plan.reasons.filter(|_| !plan.is_for_readers).unwrap_or(kind.demands);
    let expected = Expected { outcome: plan.outcome, reasons };
    let (happened, why) = match ended {
        Ok((happened, why)) => (Some(happened), why),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    let is_expected =
        |happened: &Happened| happened.outcome == expected.outcome && expected.reasons.contains(&happened.reason);
    let as_expected = happened.as_ref().is_some_and(is_expected);
    let result = if as_expected && why.is_none() { Verdict::Caught } else { Verdict::Failed };
    let (twin, what, note) = (kind.name, kind.what, plan.note.clone());
    Row { twin, what, note, result, expected: Some(expected), happened, why }
}

/// Runs over the twin in a store of its own, and says what happened, and what is wrong beside that.
async fn attempt(good: &Good, plan: &Plan, scratch: &Scratch, places: &Places) -> Result<(Happened, Option<String>)> {
    let scratch = scratch.copy();
    if let Some(newer) = &plan.newer {
        scratch.replace(&good.resource, newer.clone(), good.at).await?;
    }
    let before = scratch.before(&good.resource).await?;
    places.origin.set(plan.site.clone());
    let server = match plan.source {
        Source::Origin => format!("http://{}", places.origin.address()),
        Source::Nobody => format!("http://{}", places.nobody),
        Source::Nowhere => format!("http://{NO_NAME}"),
    };
    let mut resource = at(&good.resource, &server, &places.path)?;
    resource.rules = Arc::new(plan.rules.clone());
    resource.name = plan.name.clone().unwrap_or_else(|| good.resource.name.clone());
    let beside = plan.beside.clone().map(|name| {
        let dead = at(&resource, &format!("http://{}", places.nobody), &places.path)?;
        Ok::<_, anyhow::Error>(Resource { name, ..dead })
    });
    let decision = scratch.run(&resource, beside.transpose()?, plan.now).await?;
    let is_served = plan.outcome != Outcome::Withheld;
    let damage = scratch.damage(&good.resource, &good.receipt, &good.document, &before, is_served).await?;
    let mut happened =
        Happened { outcome: decision.outcome, step: decision.step, reason: decision.reason, found: decision.found };
    let mut why = damage.map(|damage| format!("the last good copy does not stand: {damage}"));
    if plan.is_for_readers {
        if plan.reasons.is_some_and(|reasons| !reasons.contains(&happened.reason)) {
            why = why.or(Some(format!("the run before the reader came ended with {}", happened.reason)));
        }
        match scratch.refusal(&resource, plan.now).await? {
            Some(reason) => (happened.step, happened.reason, happened.found) = (reason.step(), reason, None),
            None => why = why.or(Some("a reader gets the copy".to_owned())),
        }
    }
    Ok((happened, why))
}

/// What is said of a resource that could not be tested.
pub(crate) fn unsynced(name: &Name) -> String {
    format!("nothing of it is stored yet: run `sigcache sync {name}` first")
}

#[cfg(test)]
mod tests;
