//! When the next run begins, and the runs.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use croner::Cron;
use sigcache_core::{Report, Timestamp, config::ServeSettings, human_span, run::Selection, store::Shard};
use sigcache_http::Endpoint;
use tokio::sync::watch;

use crate::{args::Common, output};

/// A run that could not begin is tried again after this time.
const AGAIN: Duration = Duration::from_secs(60);

/// Nobody sleeps longer than this without a look at the clock: it may have been set, or the machine suspended.
const NAP: Duration = Duration::from_secs(30);

/// When runs begin.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    when: When,
    jitter: Duration,
}

#[derive(Debug, Clone)]
enum When {
    Every(Duration),
    Cron(Box<Cron>),
}

impl Schedule {
    /// The schedule of the settings.
    pub(super) fn new(settings: &ServeSettings) -> Result<Self> {
        let when = match &settings.cron {
            None => When::Every(settings.every),
            Some(line) => {
                let cron: Cron = line.parse().with_context(|| {
                    format!(
                        "`{}` is not a line of cron such as \"17 * * * *\" (minute, hour, day, month, weekday)",
                        line.escape_debug()
                    )
                })?;
                When::Cron(Box::new(cron))
            }
        };
        let schedule = Self { when, jitter: settings.jitter };
        if schedule.next(None, SystemTime::now().into()).is_none() {
            bail!("the line of cron names no time that will ever come");
        }
        Ok(schedule)
    }

    /// When the next run is to begin, by when the last one did.
    fn next(&self, last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match &self.when {
            // A time in the future was written by a clock that was wrong.
            When::Every(every) => Some(last.filter(|last| *last <= now).map_or(now, |last| last.plus(*every).max(now))),
            When::Cron(cron) => {
                let at = chrono::DateTime::from_timestamp_millis(now.as_millis())?;
                let next = cron.find_next_occurrence(&at, false).ok()?;
                Some(Timestamp::from_millis(next.timestamp_millis()))
            }
        }
    }

    /// After this time without a run the schedule is broken.
    pub(super) fn overdue(&self) -> Duration {
        let span = match &self.when {
            When::Every(every) => *every,
            When::Cron(_) => {
                let now: Timestamp = SystemTime::now().into();
                let first = self.next(None, now);
                let second = first.and_then(|first| self.next(None, first));
                first.zip(second).map_or(Duration::from_secs(3600), |(first, second)| second.since(first))
            }
        };
        span * 2 + self.jitter
    }
}

/// What is printed of runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling {
    pub(super) quiet: bool,
    pub(super) json: bool,
}

/// Runs until the end, each time when the schedule says so.
pub(super) async fn run(
    endpoint: Endpoint,
    mut schedules: watch::Receiver<Schedule>,
    shard: Option<Shard>,
    telling: Telling,
    mut ended: watch::Receiver<bool>,
) {
    let mut last = endpoint.last_run().await;
    let mut failed = false;
    loop {
        let schedule = schedules.borrow_and_update().clone();
        let now: Timestamp = SystemTime::now().into();
        let wished = if failed { Some(now.plus(AGAIN)) } else { schedule.next(last, now) };
        // The first run after a start is at once, if it is due: somebody may be waiting for it.
        let jitter = if last.is_none() || failed { Duration::ZERO } else { by_chance(schedule.jitter) };
        let at = wished.unwrap_or(now.plus(AGAIN)).plus(jitter);
        if !sleep_until(at, &mut schedules, &mut ended).await {
            if *ended.borrow() {
                return;
            }
            failed = false;
            continue;
        }
        last = Some(SystemTime::now().into());
        failed = !once(&endpoint, shard, telling).await;
    }
}

/// Sleeps until then; `false` if the schedule changed or the end came first.
async fn sleep_until(
    at: Timestamp,
    schedules: &mut watch::Receiver<Schedule>,
    ended: &mut watch::Receiver<bool>,
) -> bool {
    loop {
        let now: Timestamp = SystemTime::now().into();
        let left = at.since(now);
        if left.is_zero() {
            return !*ended.borrow();
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(NAP)) => {}
            changed = schedules.changed() => if changed.is_ok() { return false },
            _ = ended.wait_for(|ended| *ended) => return false,
        }
    }
}

/// A run in each shard. Says whether every one of them could begin.
async fn once(endpoint: &Endpoint, shard: Option<Shard>, telling: Telling) -> bool {
    let shards = match shard {
        Some(shard) => vec![shard],
        None => match endpoint.shards().await {
            Ok(shards) => shards,
            Err(problem) => {
                output::warning(&format!("no run, and tried again in {}: {problem}", human_span(AGAIN)));
                return false;
            }
        },
    };
    let mut all_began = true;
    for shard in shards {
        match endpoint.sync(Selection::All, Some(shard)).await {
            Ok(report) => tell(&report, telling),
            Err(problem) => {
                output::warning(&format!(
                    "no run of shard {shard}, and tried again in {}: {problem}",
                    human_span(AGAIN)
                ));
                all_began = false;
            }
        }
    }
    all_began
}

/// The report as `sync` prints it. That it cannot be printed stops no service.
fn tell(report: &Report, telling: Telling) {
    let common = Common { quiet: telling.quiet, json: telling.json, ..Common::default() };
    let _ = output::report(&common, report);
}

fn by_chance(most: Duration) -> Duration {
    let share = getrandom::u32().unwrap_or_default();
    most.mul_f64(f64::from(share) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(change: impl FnOnce(&mut ServeSettings)) -> Schedule {
        let mut settings = ServeSettings::default();
        change(&mut settings);
        Schedule::new(&settings).unwrap()
    }

    #[test]
    fn the_next_run_is_one_interval_after_the_last() {
        let hourly = schedule(|_| {});
        let now = at("2026-11-24T12:00:00Z");
        let table = [
            // Nothing was synced yet; or too long ago, while this did not run.
            (None, "2026-11-24T12:00:00Z"),
            (Some("2026-11-24T09:00:00Z"), "2026-11-24T12:00:00Z"),
            // A restart does not begin the hour anew.
            (Some("2026-11-24T11:40:00Z"), "2026-11-24T12:40:00Z"),
            // A clock that was ahead wrote this.
            (Some("2027-01-01T00:00:00Z"), "2026-11-24T12:00:00Z"),
        ];
        for (last, next) in table {
            assert_eq!(hourly.next(last.map(at), now), Some(at(next)), "{last:?}");
        }
        assert_eq!(hourly.overdue(), Duration::from_secs(2 * 3600 + 60));
    }

    #[test]
    fn a_line_of_cron_is_read_in_utc() {
        let cron = schedule(|settings| settings.cron = Some("17 */6 * * *".into()));
        assert_eq!(cron.next(None, at("2026-11-24T12:17:00Z")), Some(at("2026-11-24T18:17:00Z")));
        assert_eq!(cron.next(None, at("2026-11-24T18:16:59Z")), Some(at("2026-11-24T18:17:00Z")));
        assert_eq!(cron.overdue(), Duration::from_secs(12 * 3600 + 60));
        for line in ["", "hourly", "61 * * * *", "* * *", "0 0 31 2 *"] {
            let mut settings = ServeSettings::default();
            settings.cron = Some(line.into());
            assert!(Schedule::new(&settings).is_err(), "{line}");
        }
    }
}
