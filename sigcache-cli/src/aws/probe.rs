//! The release that is in service, sent once more through the whole chain.

use std::time::{Duration, Instant, SystemTime};

use sigcache_core::{Name, Timestamp, error_chain, human_span};
use sigcache_lambda::update::{Outcome, PROBES, Release};

use super::{
    Deployed, Findings, First, Followed, Follower, Link, Outside,
    findings::{Held, Unfit},
    last::{is_denied, of_bucket},
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
            return Ok(Err(Unfit::new("a release that can be read", error_chain(&*error), advice)));
        }
    };
    let follower = match Follower::new(outside.log()?, key).await {
        Ok(follower) => follower,
        Err(error) => return Ok(Err(of_bucket(&error))),
    };
    let start = Instant::now();
    let sent = match release.send(&outside.uploads()?, key).await {
        Ok(sent) => sent,
        Err(error) if is_denied(&error) => {
            return Ok(Err(Unfit::lacking("s3:PutObject on the upload bucket, so no probe was sent")));
        }
        Err(error) => {
            let advice = "look whether the upload bucket is there";
            return Ok(Err(Unfit::new("an upload bucket that takes a probe", error.to_string(), advice)));
        }
    };
    let followed = follower.follow(sent.version.as_deref(), start + time, |_| Ok(())).await?;
    Ok(judge(&outside.deployed, followed, before, start, time))
}

fn judge(chain: &Deployed, followed: Followed, before: Option<Link>, start: Instant, time: Duration) -> Held {
    const EXPECTED: &str = "a probe that comes through and changes nothing";
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
                "it lies in s3://{}, and within {} the update function wrote down nothing about it{stopped}",
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sigcache_lambda::update::Record;

    use super::*;
    use crate::doctor::Break;

    fn found(outcome: &str, steps: &serde_json::Value) -> Followed {
        let record: Record = serde_json::from_value(json!({
            "format": 1, "run": "20261124T120000.000Z-0123456789abcdef", "started": "2026-11-24T12:00:00Z", "bucket": "uploads",
            "key": "probe/x.zip", "function": "f", "alias": "live", "outcome": outcome, "steps": steps,
        }))
        .unwrap();
        match record.outcome {
            Outcome::UnderWay => Followed::UnderWay(record.into()),
            _ => Followed::Ended(record.into()),
        }
    }

    #[test]
    fn how_far_a_probe_came() {
        let chain = Deployed::parse(include_bytes!("chain.json")).unwrap();
        let judge = |followed| match judge(&chain, followed, None, Instant::now(), Duration::from_secs(120)) {
            Ok(note) => note,
            Err(Unfit::Broken(Break { found, .. })) => found,
            Err(Unfit::Unknown(because)) => because,
        };
        let at = "2026-11-24T12:00:01Z";
        let event = json!({"link": "event", "at": at, "passed": true, "found": "x"});
        let verify = json!({"link": "verify", "at": at, "passed": false, "reason": "not-verified", "found": "y"});
        let refused = judge(found("refused", &json!([event, verify])));
        assert_eq!(
            refused,
            "it arrived, and then: f: probe/x.zip was refused, nothing was changed; broken link: verify (not-verified): found y"
        );
        let slow = judge(found("under-way", &json!([event])));
        assert_eq!(slow, "it arrived and passed event, and is still under way after 2 minutes");
        // A probe that moves the alias was none.
        let moved = judge(found("moved", &json!([event])));
        assert!(moved.starts_with("it arrived, and then: f: live stands for"), "{moved}");
    }
}
