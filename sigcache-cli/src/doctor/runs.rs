//! What runs left behind: when the last one committed, and whether the plain copies followed.

use std::time::Duration;

use sigcache_core::{
    Name, Resource, Timestamp, human_span,
    store::{Copied, Publish, StoreError},
};

use super::{Break, Chain, Divided, Link, few};

/// Clocks may differ by so much.
pub(super) const SKEW: Duration = Duration::from_secs(300);

/// Checks the last run of each shard, and its plain copies.
pub(crate) async fn check(chain: &mut Chain, shards: &[Divided], resources: &[Resource], now: Timestamp) {
    let shortest = resources.iter().map(|resource| resource.rules.policy.max_age).min();
    for one in shards {
        last_run(chain, one, shortest, now).await;
    }
    for one in shards {
        copies(chain, one, now).await;
    }
}

async fn last_run(chain: &mut Chain, one: &Divided, shortest: Option<Duration>, now: Timestamp) {
    let of = format!("shard {}", one.shard);
    let Some(shortest) = shortest else {
        return chain.fine(Link::LastRun, of, "there is nothing to fetch");
    };
    let expected = format!("a run within {}, the shortest max_age", human_span(shortest));
    let catalog = &one.catalog;
    if catalog.sequence() == 0 {
        let advice = "if runs were here before, look whether the store is mounted and whole; if not, run `sigcache sync` for it and set up the schedule";
        return chain.broken(Link::LastRun, of, Break::new(expected, "none ever", advice));
    }
    if catalog.at() > now.plus(SKEW) {
        let found = format!("one at {}, {} from now", catalog.at(), human_span(catalog.at().since(now)));
        let advice = "set the clock of this machine, or of the one that runs the job";
        return chain.broken(Link::LastRun, of, Break::new(expected, found, advice));
    }
    let age = now.since(catalog.at());
    if age <= shortest {
        return chain.fine(Link::LastRun, of, format!("{} ago", human_span(age)));
    }
    let span = human_span(age);
    // A run that could not commit leaves its report all the same.
    let newest = one.bucket.reports().await.ok().and_then(|runs| runs.into_iter().next());
    let newest = newest.filter(|run| run.time() > catalog.at());
    let failed = match newest {
        Some(run) => one.bucket.report_if_kept(run).await.ok().flatten().and_then(|report| report.store_failure),
        None => None,
    };
    let broken = match (newest, failed) {
        (Some(run), Some(failure)) => {
            let found = format!("none that committed for {span}; the one at {} failed: {failure}", run.time());
            Break::new(expected, found, "mend what it failed at; the next run commits what it finds then")
        }
        _ => {
            let found = format!("no run for {span}, the schedule is broken");
            Break::new(expected, found, "look at the timer or cron job that runs `sigcache sync`, and at its log")
        }
    };
    chain.broken(Link::LastRun, of, broken);
}

async fn copies(chain: &mut Chain, one: &Divided, now: Timestamp) {
    let of = format!("shard {}", one.shard);
    if one.bucket.publishes() == Publish::Nothing {
        return chain.fine(Link::Copies, of, "none are kept");
    }
    let cut_off = one.catalog.publication_cut_off(now);
    let copied = |name| one.catalog.copied(name, now);
    let under_way = one.catalog.entries().find_map(|(name, _)| match copied(name) {
        Copied::UnderWay(since) => Some(since),
        _ => None,
    });
    let behind = one.catalog.entries().filter(|(name, _)| copied(name) == Copied::Behind);
    let behind: Vec<&str> = behind.map(|(name, _)| name.as_str()).collect();
    if let Some(since) = under_way {
        return chain.fine(Link::Copies, of, format!("a run has been at them since {since}"));
    }
    let names = few(&behind);
    let found = match (cut_off, behind.is_empty()) {
        (None, true) => match one.bucket.missing_copies(&one.catalog).await {
            Ok(missing) if missing.is_empty() => return chain.ok(Link::Copies, of),
            Ok(missing) => {
                let missing: Vec<&str> = missing.iter().map(Name::as_str).collect();
                let found = format!("nothing, or something of another size, for {}", few(&missing));
                let advice = "run `sigcache audit --repair`, and find out who takes or changes what is below latest/";
                return chain.broken(Link::Copies, of, Break::new("a plain copy of each document", found, advice));
            }
            Err(error) => return chain.broken(Link::Copies, of, unlisted(&error)),
        },
        (None, false) => format!("those of {names} behind"),
        (Some(since), true) => format!("the mark of a publication that began at {since} and never ended"),
        (Some(since), false) => {
            format!("the mark of a publication that began at {since} and never ended, with {names} behind")
        }
    };
    let advice = "run `sigcache sync`, which copies them again, or `sigcache audit --repair`";
    chain.broken(Link::Copies, of, Break::new("plain copies of the newest versions", found, advice));
}

fn unlisted(error: &StoreError) -> Break {
    let advice = "let this user list what is below latest/, and look at the store's own log";
    Break::new("a listing of the plain copies", error.chain(), advice).with_exit_code(3)
}
