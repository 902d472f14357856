//! The release that is in service, sent once more through the whole chain.

use std::time::{Duration, Instant, SystemTime};

use sigcache_core::{Name, Timestamp, human_span};
use sigcache_lambda::update::{Outcome, PROBES, Release};

use super::{
    Findings, First, Followed, Follower, Link, Outside,
    findings::{Held, Unfit},
    last::of_bucket,
};
use crate::fault::Fault;

/// Sends a probe and follows it; a chain of which a link is broken already says which one stopped it.
pub(crate) async fn check(findings: &mut Findings, outside: &Outside, time: Duration) -> Result<(), Fault> {
    let now: Timestamp = SystemTime::now().into();
    let key = format!("{PROBES}{}.zip", now.compact());
    let before = findings.first_broken().map(|First { link, .. }| link);
    let held = send(outside, &key, before, time).await?;
    findings.add(Link::Probe, &key, held);
    Ok(())
}

async fn send(outside: &Outside, key: &str, before: Option<Link>, time: Duration) -> Result<Held, Fault> {
    let chain = &outside.deployed;
    if before.is_some_and(|link| link <= Link::Credentials) {
        return Ok(Err(before.map_or(Unfit::Unknown(String::new()), Unfit::after)));
    }
    let name = Name::new(&format!("{}.zip", chain.endpoint_function)).map_err(Fault::usage)?;
    let release = match Release::current(&outside.releases()?, &name).await {
        Ok(Some(release)) => release,
        Ok(None) => {
            return Ok(Err(Unfit::Unknown("no release was verified yet, so there is nothing to send".to_owned())));
        }
        Err(error) => {
            let advice =
                "look whether the release bucket is there, and whether you may read it (s3:ListBucket, s3:GetObject)";
            return Ok(Err(Unfit::new("a release that can be read", chained(&*error), advice)));
        }
    };
    let follower = match Follower::new(outside.log()?, key).await {
        Ok(follower) => follower,
        Err(error) => return Ok(Err(of_bucket(&error))),
    };
    let start = Instant::now();
    let sent = match release.send(&outside.uploads()?, key).await {
        Ok(sent) => sent,
        Err(object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }) => {
            return Ok(Err(Unfit::lacking("s3:PutObject on the upload bucket, so no probe was sent")));
        }
        Err(error) => {
            let advice = "look whether the upload bucket is there";
            return Ok(Err(Unfit::new("an upload bucket that takes a probe", error.to_string(), advice)));
        }
    };
    let followed = follower.follow(sent.version.as_deref(), start + time, |_| Ok(())).await?;
    Ok(judge(outside, followed, before, start, time))
}

fn judge(outside: &Outside, followed: Followed, before: Option<Link>, start: Instant, time: Duration) -> Held {
    const EXPECTED: &str = "a probe that comes through and changes nothing";
    let chain = &outside.deployed;
    match followed {
        Followed::Ended(record) if record.outcome == Outcome::NothingToDo => {
            let seconds = start.elapsed().as_secs_f64();
            Ok(format!(
                "it came through after {seconds:.1} s, as far as {}",
                record.steps.last().map_or("event", |step| step.link.as_str())
            ))
        }
        Followed::Ended(record) => {
            let advice = "mend the link that is named; docs/deploy.md says what it and the reason mean";
            Err(Unfit::new(EXPECTED, format!("it arrived, and then: {}", record.text()), advice))
        }
        Followed::UnderWay(record) => {
            let passed = record.steps.last().map_or("nothing", |step| step.link.as_str());
            let found = format!("it arrived and passed {passed}, and is still under way after {}", human_span(time));
            Err(Unfit::new(EXPECTED, found, "give it more time with --timeout, or look at the update function's log"))
        }
        Followed::Nothing => {
            let stopped = before.map_or(String::new(), |link| format!("; the link {} is broken", link.as_str()));
            let found = format!(
                "it lies in s3://{}, and within {} no event about it reached the update function{stopped}",
                chain.upload_bucket,
                human_span(time)
            );
            let advice = format!(
                "mend the first broken link; where there is none, look at the log /aws/lambda/{}",
                chain.update_function
            );
            Err(Unfit::new(EXPECTED, found, advice))
        }
    }
}

/// An error with its causes.
fn chained(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
