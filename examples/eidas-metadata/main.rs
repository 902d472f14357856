//! The GOV.UK eIDAS metadata aggregator on sigcache: a signed trust anchor names 28 countries and their keys, and each
//! country signs its own SAML metadata. Then countries and the anchor misbehave.
//!
//! `cargo run --release --example eidas-metadata`

mod countries;
mod signing;
mod story;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use sigcache_core::Report;

use countries::{COUNTRIES, DEAD, SLOW};
use story::{BORROWS, CONFUSES, EXPIRED, GOES_ON, LEAVES, ROTATES, Story, TAMPERED};

const FOLDER: &str = "sigcache-eidas";

/// The most time for a request; in the configuration to copy it is 15 s.
const TIMEOUT: Duration = Duration::from_secs(2);

/// So many decisions that are alike are shown.
const SHOWN: usize = 2;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = Path::new(FOLDER);
    prepare(folder)?;
    println!("Making an authority, a trust anchor and 28 countries …");
    let mut story = Story::begin(folder, TIMEOUT).await?;

    say(&format!("1. First sync. {DEAD} is dead, {SLOW} sends a byte at a time and is given up after {TIMEOUT:?}:"));
    let start = Instant::now();
    let report = story.first().await?;
    show(&story, &report);
    println!("   All of it took {:.1?}.", start.elapsed());

    say(&format!("2. {SLOW} has become quick, nothing else has changed:"));
    let report = story.second().await?;
    show(&story, &report);

    say(&format!(
        "3. {ROTATES} has a new key, in the anchor and in its metadata; {LEAVES} has left the anchor. {BORROWS} serves what \
         DE signed,\n   {CONFUSES} what it signed for its test environment; {TAMPERED} was tampered with on the way; \
         {EXPIRED} has expired:"
    ));
    let report = story.third().await?;
    show(&story, &report);

    say(&format!("4. Somebody put another key for {GOES_ON} into the anchor. {GOES_ON} itself has news:"));
    let report = story.fourth().await?;
    show(&story, &report);

    say("Look at the result with the command itself, for example:");
    let rotated = story.europe.name(ROTATES)?;
    for command in ["status", "keys", "explain trust-anchor.jwt", &format!("explain {rotated}"), "audit"] {
        println!("   cargo run --release -p sigcache-cli -- --config {FOLDER}/sigcache.toml {command}");
    }
    println!("\n   The servers end with this program, so a `sync` now shows what dead ones look like.");
    Ok(())
}

/// A folder of our own; what an earlier run left in it goes, anything else is not touched.
fn prepare(folder: &Path) -> Result<()> {
    if folder.join("sigcache.toml").is_file() && folder.join("keys/eidas-root.pem").is_file() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {FOLDER}"))?;
    }
    fs::create_dir(folder).with_context(|| format!("cannot create {FOLDER}; is something else of that name here?"))
}

fn say(text: &str) {
    println!("\n{text}\n");
}

/// The decisions, the anchor's first, with the country in place of the hexadecimal form of its URL, and without the URL.
fn show(story: &Story, report: &Report) {
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for decision in &report.decisions {
        let named = |country: &&str| story.europe.name(country).is_ok_and(|name| name == decision.resource);
        let Some(country) = COUNTRIES.into_iter().find(named) else {
            lines.insert(0, decision.to_string());
            continue;
        };
        let count = alike.entry(format!("{}, {}", decision.outcome, decision.reason)).or_default();
        *count += 1;
        if *count <= SHOWN {
            let mut decision = decision.clone();
            decision.source = None;
            let shown = decision.to_string().replace(decision.resource.as_str(), &format!("metadata/<{country}>"));
            lines.push(shown);
        }
    }
    for line in lines {
        println!("   {line}");
    }
    for (what, count) in alike.iter().filter(|(_, count)| **count > SHOWN) {
        println!("   … and {} more {what}", count - SHOWN);
    }
}
