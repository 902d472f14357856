//! What runs on AWS, seen from outside: the chain by which a release gets into service, link by link, and the log of
//! updates. Nothing here changes anything but [`probe()`], which sends the release that is in service once more.

mod bundle;
mod deployed;
mod findings;
mod follow;
mod functions;
mod identity;
mod last;
mod link;
mod outside;
mod policy;
mod probe;
mod uploads;
mod watch;

pub(crate) use bundle::check as check_bundle;
pub(crate) use deployed::Deployed;
pub(crate) use findings::{Findings, First, Row};
pub(crate) use follow::{Followed, Follower, unread};
pub(crate) use identity::known as check_credentials;
pub(crate) use last::is_denied;
pub(crate) use link::Link;
pub(crate) use outside::Outside;
pub(crate) use probe::check as probe;

/// Whether a chain into which nothing was deployed so far is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Empty {
    /// It is: the first release is on its way.
    IsWhole,
    /// It is not: its alias stands for what can do nothing.
    IsNot,
}

/// Checks every link, in the order in which a release passes them, and then what watches over the chain.
pub(crate) async fn check(outside: &Outside, empty: Empty) -> Findings {
    let mut findings = Findings::default();
    let chain = &outside.deployed;
    findings.add(Link::Region, &chain.region, identity::region(chain));
    if findings.first_broken().is_none() {
        findings.add(Link::Credentials, "", identity::credentials(outside).await);
    }
    if let Some(First { link, .. }) = findings.first_broken() {
        findings.unchecked_after(link, Link::Probe);
        return findings;
    }
    uploads::check(&mut findings, outside).await;
    functions::check(&mut findings, outside).await;
    watch::check(&mut findings, outside).await;
    findings.add(Link::LastUpdate, &chain.release_bucket, last::update(outside, empty).await);
    findings
}
