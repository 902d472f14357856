//! `sigcache keys`

use std::collections::BTreeMap;

use serde::Serialize;
use sigcache_core::{Digest, KeyId, Name, Reason, Resource, Timestamp, human_span, trust::TrustedKey};

use crate::{
    app::{self, App},
    args::Common,
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct Keys<'a> {
    at: Timestamp,
    keys: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    key: &'a KeyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    fingerprint: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<Shown>,
    /// valid, revoked, expired, or not-yet-valid.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_from: Option<&'a str>,
    resources: Vec<&'a Name>,
}

/// What the tools of the file's own kind show of the key.
#[derive(Serialize)]
struct Shown {
    kind: &'static str,
    text: String,
}

pub(crate) async fn run(common: &Common) -> Result<Ending, Fault> {
    let config = app::load(common)?;
    let (now, configured) = (app::now(common), config.keys.clone());
    let mut resources = config.resources.clone();
    if !config.anchored.is_empty() {
        // What anchors name stands in the catalogs, once there are any.
        let (app, catalogs) = App::with_catalogs(common).await?;
        for (shard, catalog) in &catalogs {
            let (all, broken) = app.resources(catalog);
            let vouched = all.into_iter().skip(config.resources.len());
            resources.extend(vouched.filter(|resource| shard.holds(&resource.name)));
            for failure in broken {
                output::warning(&format!("the keys of this anchor cannot be listed: {failure}"));
            }
        }
    }
    let rows = rows(&configured, &resources, now);
    // A key that may sign no more is right where enough others may: that is how keys are changed.
    let enough = |resource: &Resource| {
        let trust = &resource.rules.trust;
        trust.keys().iter().filter(|key| key.may_sign(now).is_ok()).count() >= trust.threshold()
    };
    let good = resources.iter().all(enough);
    if common.json {
        output::json(&Keys { at: now, keys: rows })?;
    } else {
        print(&rows, now, common.quiet)?;
    }
    Ok(if good { Ending::Good } else { Ending::NotGood })
}

/// Every configured key, used or not, and after them those that anchors name.
fn rows<'a>(configured: &'a [TrustedKey], resources: &'a [Resource], now: Timestamp) -> Vec<Row<'a>> {
    let mut index: BTreeMap<(&KeyId, Digest), usize> = BTreeMap::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut add = |rows: &mut Vec<Row<'a>>, key: &'a TrustedKey| -> usize {
        *index.entry((&key.id, key.key.fingerprint())).or_insert_with(|| {
            rows.push(row(key, now));
            rows.len() - 1
        })
    };
    for key in configured {
        add(&mut rows, key);
    }
    for resource in resources {
        // What an anchor says of digests is no key.
        for key in resource.rules.trust.keys().iter().filter(|key| key.key.as_digest().is_none()) {
            let at = add(&mut rows, key);
            rows[at].resources.push(&resource.name);
            rows[at].narrow(key, now);
        }
    }
    rows
}

impl Row<'_> {
    /// Some formats let a key sign only while its certificate is valid: what counts is what those who rely on it hold.
    fn narrow(&mut self, key: &TrustedKey, now: Timestamp) {
        let ends = key.ends().filter(|end| self.not_after.is_none_or(|known| *end < known));
        if ends.is_some() {
            self.not_after = ends;
        }
        self.not_before = self.not_before.max(key.not_before);
        if self.state == "valid" {
            self.state = state(key, now);
        }
    }
}

fn state(key: &TrustedKey, now: Timestamp) -> &'static str {
    match key.may_sign(now).map_err(|failure| failure.reason) {
        Ok(()) => "valid",
        Err(Reason::KeyRevoked) => "revoked",
        Err(Reason::KeyNotYetValid) => "not-yet-valid",
        Err(_) => "expired",
    }
}

fn row(key: &TrustedKey, now: Timestamp) -> Row<'_> {
    Row {
        key: &key.id,
        algorithm: key.key.algorithm().map(|algorithm| algorithm.to_string()),
        fingerprint: key.key.fingerprint(),
        shown: key.key.shown().map(|(kind, text)| Shown { kind, text }),
        state: state(key, now),
        not_before: key.not_before,
        not_after: key.ends(),
        read_from: key.origin.as_deref(),
        resources: Vec::new(),
    }
}

fn print(rows: &[Row<'_>], now: Timestamp, quiet: bool) -> Result<(), Fault> {
    let width = rows.iter().map(|row| row.key.as_str().len()).max().unwrap_or(0).max(3);
    if !quiet {
        output::line(&format!("{:width$}  {:13}  {:11}  {:20}  RELIED ON BY", "KEY", "STATE", "ALGORITHM", "UNTIL"))?;
    }
    for row in rows.iter().filter(|row| !quiet || row.state != "valid") {
        let until = row.not_after.map_or("no end".to_owned(), |end| end.to_string());
        let relying = match row.resources.as_slice() {
            [] => "nothing".to_owned(),
            few @ ([_] | [_, _] | [_, _, _]) => few.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "),
            many => format!("{} resources", many.len()),
        };
        let algorithm = row.algorithm.as_deref().unwrap_or("-");
        output::line(&format!("{:width$}  {:13}  {algorithm:11}  {until:20}  {relying}", row.key.as_str(), row.state))?;
        if !quiet {
            let from = row.read_from.unwrap_or("-");
            output::line(&format!("{:width$}  {}  read from {from}", "", row.fingerprint))?;
            if let Some(Shown { kind, text }) = &row.shown {
                output::line(&format!("{:width$}  {kind} {text}", ""))?;
            }
        }
    }
    let relied = rows.iter().filter(|row| !row.resources.is_empty());
    let next =
        relied.filter_map(|row| Some((row.not_after.filter(|end| *end >= now)?, row))).min_by_key(|(end, _)| *end);
    match next {
        Some((end, row)) if !quiet => output::line(&format!(
            "The next of them to expire is {}, at {end}, in {}.",
            row.key,
            human_span(end.since(now))
        )),
        _ => Ok(()),
    }
}
