//! Following the log of updates, from an upload to the end of what it began.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};

use object_store::Error as ObjectError;
use sigcache_core::{RunId, Timestamp};
use sigcache_lambda::update::{Log, Outcome, Record, Step};

use super::is_denied;
use crate::fault::Fault;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(500);

/// The clock here and that of the function may differ by so much; S3 itself refuses calls that are further off.
const MARGIN: Duration = Duration::from_secs(30 * 60);

/// What is looked out for: a record about a key that was not there before.
pub(crate) struct Follower {
    log: Log,
    key: String,
    since: Timestamp,
    known: BTreeSet<RunId>,
}

/// How far it came in the time.
pub(crate) enum Followed {
    /// To an end, or it failed and is tried again.
    Ended(Box<Record>),
    /// It is still under way.
    UnderWay(Box<Record>),
    /// There is no record: the event did not arrive.
    Nothing,
}

impl Follower {
    /// Before something is uploaded as `key`. Who may not read the log learns that here, when nothing has begun.
    pub(crate) async fn new(log: Log, key: &str) -> Result<Self, ObjectError> {
        let since = Timestamp::from(SystemTime::now()).minus(MARGIN);
        let known = log.about(key, since).await?.into_iter().map(|record| record.run).collect();
        Ok(Self { log, key: key.to_owned(), since, known })
    }

    /// Follows what the upload of `version` began, and tells each step once.
    pub(crate) async fn follow(
        &self,
        version: Option<&str>,
        deadline: Instant,
        mut tell: impl FnMut(&Step) -> Result<(), Fault>,
    ) -> Result<Followed, Fault> {
        let is_ours = |record: &Record| match (version, record.version.as_deref()) {
            (Some(ours), Some(of_record)) => ours == of_record,
            _ => !self.known.contains(&record.run),
        };
        let mut told: Option<(RunId, usize)> = None;
        loop {
            let records = self.log.about(&self.key, self.since).await.map_err(unread)?;
            let record = records.into_iter().rfind(is_ours);
            if let Some(record) = &record {
                // Another run that took over begins anew.
                let before = told.as_ref().filter(|(run, _)| *run == record.run).map_or(0, |(_, steps)| *steps);
                record.steps.iter().skip(before).try_for_each(&mut tell)?;
                told = Some((record.run, record.steps.len()));
            }
            match record {
                Some(record) if record.outcome != Outcome::UnderWay => return Ok(Followed::Ended(record.into())),
                record if Instant::now() >= deadline => {
                    return Ok(record.map_or(Followed::Nothing, |record| Followed::UnderWay(record.into())));
                }
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }
}

/// The log is in a bucket, and that cannot be read.
pub(crate) fn unread(error: ObjectError) -> Fault {
    let text = match is_denied(&error) {
        true => {
            "you lack the permission s3:ListBucket or s3:GetObject on the release bucket, where the log of updates is"
        }
        false => "the log of updates in the release bucket cannot be read",
    };
    Fault { code: 3, error: anyhow::Error::new(error).context(text) }
}
