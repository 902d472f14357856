//! sigcache embedded in a program: the same ten lines as in the README, with a configuration made in code.
//!
//! `cargo run --example embed -- URL PUBLIC_KEY_FILE FOLDER`

use std::sync::Arc;

use sigcache_core::{
    KeyId, Name, Resource, Rules, Timestamp,
    fetch::http::HttpFetcher,
    run::{Runner, Selection},
    runtime::Tokio,
    store::open_disk,
    trust::{PublicKey, Trust, TrustedKey},
    verify::Detached,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(key), Some(folder)) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: embed URL PUBLIC_KEY_FILE FOLDER");
    };
    let key = TrustedKey::new(KeyId::new("publisher"), PublicKey::parse(&std::fs::read(key)?)?);
    let rules = Rules::new(Arc::new(Detached::new(".sig")), Trust::new(vec![key], 1)?);
    let resource = Resource::new(Name::new("document")?, [url.parse()?], Arc::new(rules));

    let store = Arc::new(open_disk(folder)?);
    let runner = Runner::new(Arc::new(HttpFetcher::new()), store, Arc::new(Tokio::current()));
    let now = Timestamp::from(std::time::SystemTime::now());
    let report = runner.sync(&[resource], &Selection::All, now, std::process::id().into()).await?;
    for decision in &report.decisions {
        println!("{decision}");
    }
    Ok(())
}
