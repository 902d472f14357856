//! What the example shows, asserted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod countries;
mod signing;
mod story;

use std::{fs, time::Duration};

use anyhow::Result;
use sigcache_core::{Decision, Outcome, Reason, Report};

use countries::{COUNTRIES, DEAD, SLOW};
use story::{BORROWS, CONFUSES, EXPIRED, GOES_ON, LEAVES, ROTATES, Story, TAMPERED};

#[track_caller]
fn decided<'r>(story: &Story, report: &'r Report, country: &str, outcome: Outcome, reason: Reason) -> &'r Decision {
    let name = story.europe.name(country).unwrap();
    let decision = report.decisions.iter().find(|decision| decision.resource == name).unwrap();
    assert_eq!((decision.outcome, decision.reason), (outcome, reason), "{country}: {decision}");
    decision
}

#[track_caller]
fn anchor(report: &Report, outcome: Outcome, reason: Reason) {
    let decision = report.decisions.iter().find(|decision| decision.resource.as_str() == "trust-anchor.jwt").unwrap();
    assert_eq!((decision.outcome, decision.reason), (outcome, reason), "{decision}");
}

fn count(report: &Report, outcome: Outcome, reason: Reason) -> usize {
    report.decisions.iter().filter(|decision| (decision.outcome, decision.reason) == (outcome, reason)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_historic_instance() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut story = Story::begin(folder.path(), Duration::from_secs(3)).await?;
    let copy = |story: &Story, country: &str| {
        let hexadecimal: String = story.europe.url(country).bytes().map(|byte| format!("{byte:02x}")).collect();
        fs::read_to_string(folder.path().join("cache/latest/metadata").join(hexadecimal)).ok()
    };

    // No country answered before all were asked: had the run gone from one to the next, it would have stored none.
    let report = story.first().await?;
    anchor(&report, Outcome::Stored, Reason::FirstVersion);
    assert_eq!(count(&report, Outcome::Stored, Reason::FirstVersion), 1 + 26, "{report:?}");
    decided(&story, &report, DEAD, Outcome::Refused, Reason::ConnectionRefused);
    decided(&story, &report, SLOW, Outcome::Refused, Reason::DeadlineExceeded);
    assert_eq!(report.decisions.len(), 1 + COUNTRIES.len());
    for country in ["AT", "DE", "IE", "IT"] {
        assert!(copy(&story, country).is_some_and(|copy| copy.contains(&story.europe.url(country))), "{country}");
    }
    // RSA PKCS#1 signs the same always, so the very bytes are known.
    assert_eq!(copy(&story, "IE"), Some(story.europe.current("IE")?));
    assert_eq!((copy(&story, DEAD), copy(&story, SLOW)), (None, None));
    assert_eq!(fs::read_dir(folder.path().join("cache/latest/metadata"))?.count(), 26);

    let report = story.second().await?;
    anchor(&report, Outcome::Unchanged, Reason::NotModified);
    decided(&story, &report, SLOW, Outcome::Stored, Reason::FirstVersion);
    decided(&story, &report, DEAD, Outcome::Refused, Reason::ConnectionRefused);
    assert_eq!(count(&report, Outcome::Unchanged, Reason::NotModified), 1 + 26);

    let before = [BORROWS, CONFUSES, TAMPERED, EXPIRED].map(|country| copy(&story, country));
    let report = story.third().await?;
    anchor(&report, Outcome::Stored, Reason::NewVersion);
    decided(&story, &report, ROTATES, Outcome::Stored, Reason::NewVersion);
    decided(&story, &report, LEAVES, Outcome::Removed, Reason::LeftConfig);
    decided(&story, &report, BORROWS, Outcome::Kept, Reason::KeyUnknown);
    decided(&story, &report, CONFUSES, Outcome::Kept, Reason::IdentityMismatch);
    decided(&story, &report, TAMPERED, Outcome::Kept, Reason::SignatureMismatch);
    decided(&story, &report, EXPIRED, Outcome::Kept, Reason::DocumentExpired);
    let after = [BORROWS, CONFUSES, TAMPERED, EXPIRED].map(|country| copy(&story, country));
    assert!(before == after && after.iter().all(Option::is_some), "the last good copies stand");
    assert_eq!(copy(&story, LEAVES), None);
    assert!(copy(&story, ROTATES).is_some_and(|copy| copy.contains("ID=\"_SE-1\"")));

    let report = story.fourth().await?;
    anchor(&report, Outcome::Kept, Reason::SignatureMismatch);
    decided(&story, &report, GOES_ON, Outcome::Stored, Reason::NewVersion);
    decided(&story, &report, "AT", Outcome::Unchanged, Reason::NotModified);
    decided(&story, &report, TAMPERED, Outcome::Kept, Reason::SignatureMismatch);
    assert!(copy(&story, GOES_ON).is_some_and(|copy| copy.contains("ID=\"_FI-2\"")));
    Ok(())
}
