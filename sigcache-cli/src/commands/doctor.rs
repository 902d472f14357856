//! `sigcache doctor`

use std::{collections::BTreeMap, time::Instant};

use serde::Serialize;
use sigcache_core::{
    Resource, RunId, Timestamp, anchor, config::Config, fetch::http::HttpFetcher, human_span, store::Shard,
};

use crate::{
    app::{self, nonce},
    args::{Common, DoctorArgs},
    doctor::{
        Asking, Break, Chain, Divided, Event, Link, Row, State, Verdicts, absent_store, ask_sources, check_catalog,
        check_configuration, check_keys, check_runs, check_sources, check_store, check_verification, not_loaded,
        note_certificates, unvouched,
    },
    fault::{Ending, Fault},
    output,
};

/// More rows of one link than this are told in one, where all of them hold.
const TOLD_ALONE: usize = 8;
/// So many broken ones of one link are told.
const TOLD_BROKEN: usize = 20;

#[derive(Serialize)]
struct Diagnosis<'a> {
    at: Timestamp,
    whole: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_broken: Option<First<'a>>,
    links: &'a [Row],
    calendar: Vec<Event>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct First<'a> {
    link: Link,
    of: &'a str,
    #[serde(flatten)]
    broken: &'a Break,
}

pub(crate) async fn run(common: &Common, args: DoctorArgs) -> Result<Ending, Fault> {
    #[cfg(feature = "aws")]
    if let Some(chain) = &args.chain.aws {
        return super::doctor_aws::run(common, chain, &args.chain).await;
    }
    let now = app::now(common);
    let mut chain = Chain::default();
    let file = common.config.display().to_string();
    match Config::load(&common.config, &|name| std::env::var(name).ok()) {
        Err(error) => not_loaded(&mut chain, &file, &error),
        Ok(config) => {
            check_configuration(&mut chain, &file, &config);
            examine(&mut chain, &config, &args, now).await?;
        }
    }
    print(common, &chain, now)?;
    Ok(match chain.first_broken() {
        None => Ending::Good,
        Some((_, broken)) => match broken.exit_code {
            2 => Ending::Misconfigured,
            3 => Ending::StoreFailed,
            _ => Ending::NotGood,
        },
    })
}

/// Everything after the configuration.
async fn examine(chain: &mut Chain, config: &Config, args: &DoctorArgs, now: Timestamp) -> Result<(), Fault> {
    let url = config.store.url.to_string();
    let run = RunId::new(now, nonce()?);
    // The store's rows come after those of the keys, which anchors in the store may name.
    let mut stored = Chain::default();
    let divided = store(&mut stored, config, args.shard.shard, &url, run).await;
    let resources = resources(config, divided.as_deref().unwrap_or_default(), now);
    check_keys(chain, &config.keys, &resources, now, args.within);
    note_certificates(chain, config, &resources, now, args.within);
    chain.rows.append(&mut stored.rows);
    ends(chain, divided.as_deref().unwrap_or_default(), args, now);
    if args.offline {
        for link in Link::ALL.iter().filter(|link| (Link::Resolve..=Link::Verification).contains(*link)) {
            chain.unchecked(*link, "", "it was asked for --offline");
        }
    } else {
        let mine = |resource: &&Resource| args.shard.shard.is_none_or(|shard| anchor::belongs_to(resource, shard));
        let mine: Vec<Resource> = resources.iter().filter(mine).cloned().collect();
        let asking = Asking {
            http: HttpFetcher::new(),
            others: app::fetcher()?,
            at_once: config.concurrency.min(config.per_host),
            now,
            since: Instant::now(),
            within: args.within,
        };
        let sources = ask_sources(&asking, &mine).await;
        let verdicts = match &divided {
            Some(divided) => match check_verification(config, divided, &sources, run).await {
                Ok(verdicts) => verdicts,
                Err(fault) => {
                    let (expected, advice) =
                        ("a run to its end", "run `sigcache sync --dry-run`, and look at what stops it");
                    let broken = Break::new(expected, fault.to_string(), advice).with_exit_code(fault.code);
                    chain.broken(Link::Verification, "a run that writes nothing", broken);
                    Verdicts::none("the run that writes nothing did not come to its end")
                }
            },
            None => Verdicts::none("the store or its catalog cannot be read"),
        };
        unvouched(chain, &verdicts, &sources);
        check_sources(chain, &asking, sources, &verdicts);
    }
    match &divided {
        Some(divided) => check_runs(chain, divided, &resources, now).await,
        None => {
            for link in [Link::LastRun, Link::Copies] {
                chain.unchecked(link, &*url, "the store or its catalog cannot be read");
            }
        }
    }
    Ok(())
}

/// The store, and what is in its catalogs.
async fn store(
    chain: &mut Chain,
    config: &Config,
    asked: Option<Shard>,
    url: &str,
    run: RunId,
) -> Option<Vec<Divided>> {
    let shards = match config.open_existing_store(Shard::WHOLE) {
        Ok(bucket) => check_store(chain, &bucket, url, run).await,
        Err(error) => {
            absent_store(chain, url, &error);
            None
        }
    };
    match shards {
        Some(shards) => check_catalog(chain, config, &shards, asked, url).await,
        None => {
            for link in [Link::Shards, Link::Catalog] {
                chain.unchecked(link, url, Link::Store.is_broken());
            }
            None
        }
    }
}

/// Those of the configuration, and those that anchors vouch for by what the catalogs have of them.
fn resources(config: &Config, divided: &[Divided], now: Timestamp) -> Vec<Resource> {
    let mut resources = config.resources.clone();
    for one in divided {
        let known = anchor::all(&config.resources, &config.anchored, &one.catalog, now);
        let vouched = known.resources.into_iter().skip(config.resources.len());
        resources.extend(vouched.filter(|resource| one.shard.holds(&resource.name)));
    }
    resources
}

/// Notes when what signed the stored copies ends.
fn ends(chain: &mut Chain, divided: &[Divided], args: &DoctorArgs, now: Timestamp) {
    let copies = divided.iter().flat_map(|one| one.catalog.entries());
    for (name, receipt) in copies.filter_map(|(name, entry)| Some((name, entry.live()?))) {
        for certificate in &*receipt.evidence.certificates {
            let of = format!("{} for {name}", certificate.subject);
            chain.calendar.note("signing-certificate", &of, certificate.valid_until, now, args.within);
            if let Some(end) = certificate.revocation_until {
                chain.calendar.note("revocation-list", &of, end, now, args.within);
            }
        }
    }
}

fn print(common: &Common, chain: &Chain, now: Timestamp) -> Result<(), Fault> {
    let first = chain.first_broken();
    if common.json {
        return output::json(&Diagnosis {
            at: now,
            whole: first.is_none(),
            first_broken: first.map(|(row, broken)| First { link: row.link, of: &row.of, broken }),
            links: &chain.rows,
            calendar: chain.calendar.events(),
            remarks: &chain.remarks,
        });
    }
    rows(&chain.rows, common.quiet)?;
    // What ends some day is as it should be.
    let events = if common.quiet { Vec::new() } else { chain.calendar.events() };
    for event in events {
        let when = if event.past {
            format!("ended {} ago", human_span(now.since(event.at)))
        } else {
            format!("ends in {}", human_span(event.at.since(now)))
        };
        output::line(&format!("calendar     {}  {} {}  {when}", event.at, event.kind, event.of))?;
    }
    for remark in chain.remarks.iter().filter(|_| !common.quiet) {
        output::line(&format!("remark       {remark}"))?;
    }
    match first {
        Some((row, broken)) => {
            let (link, of) = (row.link.as_str(), &row.of);
            let of = if of.is_empty() { String::new() } else { format!(" ({of})") };
            let Break { expected, found, advice, .. } = broken;
            output::line(&format!("The first broken link is {link}{of}: expected {expected}, found {found}; {advice}."))
        }
        None if common.quiet => Ok(()),
        None => {
            let unchecked = chain.rows.iter().filter(|row| matches!(row.state, State::NotChecked { .. })).count();
            output::line(&match unchecked {
                0 => "Every link holds.".to_owned(),
                _ => "Every link that was checked holds.".to_owned(),
            })
        }
    }
}

/// A line for each link of each thing. Of very many things one line says of a link that it holds, or was not checked, and
/// the first of those tell where it is broken.
fn rows(rows: &[Row], quiet: bool) -> Result<(), Fault> {
    let word = |row: &Row| match row.state {
        State::Ok { .. } => "ok",
        State::NotChecked { .. } => "not checked",
        State::Broken(_) => "broken",
    };
    let mut count: BTreeMap<(Link, &str), usize> = BTreeMap::new();
    for row in rows {
        *count.entry((row.link, word(row))).or_default() += 1;
    }
    let of_link =
        |link: Link| -> usize { count.iter().filter(|((other, _), _)| *other == link).map(|(_, count)| count).sum() };
    let mut told: BTreeMap<(Link, &str), usize> = BTreeMap::new();
    for row in rows {
        let (link, state) = (row.link, word(row));
        let rest = match &row.state {
            State::Ok { .. } | State::NotChecked { .. } if quiet => continue,
            State::Ok { note } => note.clone().unwrap_or_default(),
            State::NotChecked { because } => format!("because {because}"),
            State::Broken(broken) => format!("expected {}, found {}", broken.expected, broken.found),
        };
        let broken = matches!(row.state, State::Broken(_));
        let (before, all) = (told.entry((link, state)).or_default(), count[&(link, state)]);
        let text = match *before {
            0 if !broken && of_link(link) > TOLD_ALONE => format!("{all} of them"),
            _ if !broken && of_link(link) > TOLD_ALONE => continue,
            TOLD_BROKEN if broken => format!("{} more", all - TOLD_BROKEN),
            TOLD_BROKEN.. if broken => continue,
            _ => format!("{}  {rest}", row.of),
        };
        *before += 1;
        output::line(format!("{state:11}  {:17}  {text}", link.as_str()).trim_end())?;
    }
    Ok(())
}
