//! The four runs of the example.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Result, ensure};
use sigcache_core::{
    Report, Timestamp,
    config::Config,
    fetch::{Schemes, http::HttpFetcher},
    run::{Runner, Selection},
    runtime::Tokio,
    store::Shard,
};

use crate::countries::{Europe, SLOW};

const CONFIGURATION: &str = include_str!("sigcache.toml");

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The country whose key the anchor replaces.
pub(crate) const ROTATES: &str = "SE";
/// The country that serves what another one signed.
pub(crate) const BORROWS: &str = "FR";
/// The country that serves the metadata of its test environment, under the same key.
pub(crate) const CONFUSES: &str = "EE";
/// The country on the way from which something was changed.
pub(crate) const TAMPERED: &str = "ES";
/// The country that serves metadata whose validUntil has passed.
pub(crate) const EXPIRED: &str = "PT";
/// The country that the anchor does not name any more.
pub(crate) const LEAVES: &str = "EL";
/// The country that has news while the anchor is broken.
pub(crate) const GOES_ON: &str = "FI";

/// A cache and the world around it.
pub(crate) struct Story {
    pub(crate) europe: Europe,
    pub(crate) configuration: PathBuf,
    now: Timestamp,
}

impl Story {
    /// Writes the configuration of the cache into `folder`, for a world in which everything was just published. No
    /// request may take longer than `timeout`.
    pub(crate) async fn begin(folder: &Path, timeout: Duration) -> Result<Self> {
        let now = Timestamp::from(SystemTime::now());
        let europe = Europe::new(now.plus(30 * DAY)).await?;
        fs::create_dir_all(folder.join("keys"))?;
        fs::write(folder.join("keys/eidas-root.pem"), &europe.authority.pem)?;
        let configuration = folder.join("sigcache.toml");
        fs::write(&configuration, for_loopback(&europe.anchor(), timeout)?)?;
        Ok(Self { europe, configuration, now })
    }

    /// One country is dead and one is slow. No country answers before all that are there were asked.
    pub(crate) async fn first(&mut self) -> Result<Report> {
        self.europe.gate();
        self.sync().await
    }

    /// The slow one has become quick, and nothing else has changed.
    pub(crate) async fn second(&mut self) -> Result<Report> {
        self.europe.publish(SLOW)?;
        self.sync().await
    }

    /// A new key, a country that left, and four that serve what they should not.
    pub(crate) async fn third(&mut self) -> Result<Report> {
        let europe = &mut self.europe;
        europe.next_edition();
        europe.rotate(ROTATES)?;
        europe.publish(ROTATES)?;
        europe.serve(BORROWS, europe.current("DE")?);
        europe.serve(CONFUSES, europe.metadata(CONFUSES, "https://test.example/metadata", self.now.plus(DAY))?);
        europe.serve(TAMPERED, europe.current(TAMPERED)?.replace("/sso\"", "/evil\""));
        europe.serve(EXPIRED, europe.metadata(EXPIRED, &europe.url(EXPIRED), self.now.minus(DAY))?);
        europe.leave(LEAVES);
        europe.publish_anchor()?;
        self.sync().await
    }

    /// Somebody tampers with the anchor; a country has news.
    pub(crate) async fn fourth(&mut self) -> Result<Report> {
        self.europe.next_edition();
        self.europe.tamper_with_anchor(GOES_ON)?;
        self.europe.publish(GOES_ON)?;
        self.sync().await
    }

    async fn sync(&mut self) -> Result<Report> {
        let config = Config::load(&self.configuration, &|name| std::env::var(name).ok())?;
        let store = Arc::new(config.open_store(Shard::WHOLE)?);
        // The servers are on loopback, where no proxy of the environment could find them.
        let fetcher = Schemes::default().with("http", Arc::new(HttpFetcher::direct()));
        let runner = Runner::new(Arc::new(fetcher), store, Arc::new(Tokio::current()))
            .with_anchored(config.anchored)
            .with_concurrency(config.concurrency, config.per_host)
            .with_removal_limit(config.removal_limit);
        // Runs are told apart by their time and this number.
        let nonce = self.now.as_millis().unsigned_abs();
        self.now = self.now.plus(Duration::from_secs(1));
        Ok(runner.sync(&config.resources, &Selection::All, self.now, nonce).await?)
    }
}

/// The configuration of this folder, with what is different for servers on one's own machine.
fn for_loopback(anchor: &str, timeout: Duration) -> Result<String> {
    let mut text = CONFIGURATION.to_owned();
    let changes = [
        ("https://trust-anchor.example.gov.uk/eidas", anchor.to_owned()),
        ("per_host = 4", "per_host = 64    # all countries of the example are on one host".to_owned()),
        ("timeout = \"15s\"", format!("timeout = \"{}ms\"\nallow_private = true", timeout.as_millis())),
    ];
    for (before, after) in changes {
        ensure!(text.matches(&format!("\n{before}")).count() + text.matches(&format!("\"{before}\"")).count() == 1);
        text = text.replacen(before, &after, 1);
    }
    Ok(text)
}
