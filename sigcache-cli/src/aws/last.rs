//! What the log of updates says of the last one.

use std::time::{Duration, SystemTime};

use object_store::Error as ObjectError;
use sigcache_core::{Timestamp, error_chain};
use sigcache_lambda::update::{Outcome, Record};

use super::{
    Empty, Outside,
    findings::{Held, Unfit},
};

/// A function runs for at most a quarter of an hour.
const LONGEST: Duration = Duration::from_secs(16 * 60);

pub(super) async fn update(outside: &Outside, empty: Empty) -> Held {
    let log = outside.log().map_err(|fault| unread(fault.to_string()))?;
    match log.newest().await {
        Ok(Some(record)) => judge(&record, SystemTime::now().into()),
        Ok(None) if empty == Empty::IsWhole => Ok("there was none yet".to_owned()),
        Ok(None) => {
            let found = "none yet, so that the alias stands for the placeholder, which can only say so";
            Err(Unfit::new("a release that was deployed", found, "deploy the first one: `sigcache deploy`"))
        }
        Err(error) => Err(of_bucket(&error)),
    }
}

fn judge(record: &Record, now: Timestamp) -> Held {
    let (text, started) = (record.text(), record.started);
    let under_way = record.outcome == Outcome::UnderWay && now.since(started) < LONGEST;
    // One that is about something older is dropped as it should be.
    let is_well = (record.outcome.is_good() && record.broken().is_none()) || record.outcome == Outcome::Dropped;
    if is_well || under_way {
        return Ok(format!("{text}, {started}"));
    }
    let advice = "mend what it names and deploy anew; docs/deploy.md says what each link and reason means";
    Err(Unfit::new("a last update that ended well", format!("{text}, {started}"), advice))
}

fn unread(found: String) -> Unfit {
    Unfit::new("a log that can be read", found, "look whether the release bucket is there")
}

/// Why a bucket could not be read.
pub(super) fn of_bucket(error: &ObjectError) -> Unfit {
    match is_denied(error) {
        true => Unfit::lacking("s3:ListBucket or s3:GetObject on the release bucket"),
        false => unread(error.to_string()),
    }
}

/// Whether who asks may not. Of a listing that says only the text, in which the status stands.
pub(crate) fn is_denied(error: &ObjectError) -> bool {
    match error {
        ObjectError::PermissionDenied { .. } | ObjectError::Unauthenticated { .. } => true,
        ObjectError::Generic { source, .. } => {
            let text = error_chain(&**source);
            ["401 Unauthorized", "403 Forbidden"].iter().any(|status| text.contains(status))
        }
        _ => false,
    }
}
