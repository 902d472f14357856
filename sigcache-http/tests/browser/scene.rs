//! What the browser is shown: a set-up in which much is broken, one in which nothing is, and one whose store is down.

use std::{sync::Arc, time::Duration};

use crate::support::Site;
use object_store::ObjectStoreExt as _;
use sigcache_core::{
    KeyId, Name, OnExpiry, Policy, Report, Resource, Rules,
    anchor::{Anchored, Vouches},
    conformance::{How, Lab, Signer, hours},
    run::Selection,
    trust::{Trust, TrustedKey},
    verify::{Claims, Detached, Pointer},
};

pub(crate) async fn all() -> Vec<(&'static str, Site)> {
    vec![("broken", broken().await), ("well", well().await), ("down", down().await)]
}

/// Documents that state their end, signed by a key that ends too.
fn dated(lab: &Lab) -> Rules {
    let mut claims = Claims::default();
    claims.expires = Some(Pointer::new("/expires").unwrap());
    let mut key: TrustedKey = lab.signer.trusted();
    key.not_after = Some("2027-03-01T00:00:00Z".parse().unwrap());
    Rules::new(Arc::new(Detached::new(".sig").with_claims(claims)), Trust::new(vec![key], 1).unwrap())
}

fn within(max_age: u64, max_stale: Option<u64>, on_expiry: OnExpiry) -> Policy {
    let mut policy = Policy::default();
    (policy.max_age, policy.max_stale, policy.on_expiry) = (hours(max_age), max_stale.map(hours), on_expiry);
    policy
}

fn nobody() -> Rules {
    Rules::new(Arc::new(Detached::new(".sig")), Trust::nobody())
}

fn url(country: &str) -> String {
    format!("https://{country}.example/metadata.xml")
}

async fn run(site: &Site, resources: &[Resource], anchored: &[Anchored]) -> Report {
    let runner = site.lab.runner().with_anchored(anchored.to_vec());
    runner.sync(resources, &Selection::All, site.clock.now(), site.lab.nonce()).await.unwrap()
}

/// Everything at once: each state, each kind of end, gaps, a store that failed, an anchor, a second source.
async fn broken() -> Site {
    let vouches = Vouches::Entries { name: "metadata/{url_hex}".into(), identity: None, rules: Arc::new(nobody()) };
    let anchored = vec![Anchored::new(Name::new("trust-anchor.jwk").unwrap(), vouches)];
    let site = Site::with(
        |lab| {
            let late = |max_age, max_stale, then| lab.rules().with_policy(within(max_age, max_stale, then));
            let mut mirrored = lab.resource("config/limits-of-requests-by-country-and-by-day-of-the-week.json");
            let other = "https://mirror-with-a-rather-long-name.b.example/limits.json?edition=full&language=en"
                .parse()
                .unwrap();
            mirrored = Resource::new(
                mirrored.name.clone(),
                [other].into_iter().chain(mirrored.urls()),
                mirrored.rules.clone(),
            );
            let mut resources = vec![
                lab.resource_with("trust-anchor.jwk", lab.rules().as_anchor()),
                lab.resource_with("flags.json", dated(lab)),
                lab.resource_with("prices/eu.json", late(2, None, OnExpiry::Withhold)),
                lab.resource_with("prices/us.json", late(2, Some(4), OnExpiry::Withhold)),
                lab.resource_with("prices/uk.json", late(2, Some(4), OnExpiry::Serve)),
                lab.resource("never/served.bin"),
                lab.resource("tools/unsigned.tar"),
                mirrored,
            ];
            resources.extend((0..120).map(|number| lab.resource(&format!("many/{number:03}.txt"))));
            resources
        },
        |mut options| {
            options.overdue = Some(Duration::from_secs(90 * 60));
            options
        },
    );
    let lab = &site.lab;
    for resource in &site.resources {
        let url = resource.urls().last().unwrap().to_string();
        let document = format!("{{\"expires\":\"2026-12-05T08:00:00Z\",\"name\":\"{}\"}}", resource.name);
        lab.origin.serve(&(url.clone() + ".sig"), lab.sign(document.as_bytes()));
        lab.origin.serve(&url, document);
    }
    let countries = ["xa", "xb"].map(|country| Signer::new(country).jwk(&url(country)));
    lab.publish("trust-anchor.jwk", format!("{{\"keys\":[{}]}}", countries.join(",")));
    for country in ["xa", "xb"] {
        let signature = Signer::new(country).sign(country.as_bytes());
        lab.referee.allow(country.as_bytes());
        lab.referee.allow(&signature);
        lab.origin.serve(&url(country), country.as_bytes().to_vec());
        lab.origin.serve(&(url(country) + ".sig"), signature);
    }
    lab.origin.status(&Lab::url("never/served.bin"), 404);
    lab.origin.serve(&Lab::url("tools/unsigned.tar.sig"), "not a signature");
    for hour in 0..56 {
        // Somebody stopped the schedule for a while.
        if (30..34).contains(&hour) {
            continue;
        }
        site.clock.set(hour * 60);
        match hour {
            12 => lab.origin.down(&Lab::url("many/003.txt")),
            15 => lab.publish("many/003.txt", "back again"),
            51 => ["eu", "us", "uk"].iter().for_each(|land| lab.origin.down(&Lab::url(&format!("prices/{land}.json")))),
            53 => lab.origin.serve(&url("xb"), "not what the country signed"),
            _ => {}
        }
        lab.faulty.rearm();
        // What was never good came late.
        let is_new = |name: &str| name.starts_with("never") || name.starts_with("tools");
        let known: Vec<Resource> =
            site.resources.iter().filter(|one| hour >= 49 || !is_new(one.name.as_str())).cloned().collect();
        if hour == 40 {
            lab.publish("many/005.txt", "a new version, whose commit fails");
            lab.faulty.fail(3, How::CrashBefore);
        }
        let report = run(&site, &known, &anchored).await;
        assert_eq!(report.store_failure.is_some(), hour == 40, "hour {hour}");
        if hour == 40 {
            // As by a run that could write at least that.
            let key = format!("runs/{}/{}.json", report.started.day_folder(), report.run);
            lab.referee.put(&key.into(), serde_json::to_vec(&report).unwrap().into()).await.unwrap();
        }
    }
    lab.faulty.rearm();
    let setup = Site::setup(lab, site.resources.clone()).with_anchored(anchored);
    let mut retired = Signer::new("retired").trusted();
    retired.not_after = Some("2026-10-01T00:00:00Z".parse().unwrap());
    retired.id = KeyId::new("retired-2026");
    site.endpoint.replace(setup.with_keys(vec![retired]));
    site.endpoint.complain("alerts", Some("the mail server refused the last message".to_owned()));
    site
}

/// Nothing is wrong.
async fn well() -> Site {
    let site = Site::new(|lab| vec![lab.resource_with("flags.json", dated(lab)), lab.resource("tools/list.txt")]);
    site.lab.publish("flags.json", "{\"expires\":\"2027-12-05T08:00:00Z\"}");
    site.lab.publish("tools/list.txt", "list");
    for hour in 0..50 {
        site.clock.set(hour * 60);
        run(&site, &site.resources, &[]).await;
    }
    site
}

/// The store went down after the first look.
async fn down() -> Site {
    let site = Site::new(|lab| vec![lab.resource("flags.json"), lab.resource("tools/list.txt")]);
    site.lab.publish("flags.json", "flags");
    site.lab.publish("tools/list.txt", "list");
    for hour in 0..5 {
        site.clock.set(hour * 60);
        run(&site, &site.resources, &[]).await;
    }
    assert_eq!(site.get_with("/", "accept", "text/html").await.status, 200);
    site.lab.faulty.rearm();
    site.lab.faulty.fail(0, How::CrashBefore);
    site.clock.set(5 * 60);
    site
}
