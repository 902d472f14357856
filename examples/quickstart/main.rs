//! sigcache in one minute: an origin serves signed documents, sigcache takes them in; then the origin misbehaves, and
//! sigcache says what it refused, at which step, and that the last good copies stand.
//!
//! `cargo run --release --example quickstart`

use std::{fs, path::Path, sync::Arc, time::SystemTime};

use anyhow::{Context as _, Result};
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    elliptic_curve::Generate as _,
    pkcs8::{EncodePublicKey as _, LineEnding},
};
use sigcache_core::{
    Report,
    config::Config,
    fetch::{Schemes, http::HttpFetcher},
    run::{Runner, Selection},
    runtime::Tokio,
    store::Shard,
};
use sigcache_examples::origin::Origin;

const FOLDER: &str = "sigcache-quickstart";

#[tokio::main]
async fn main() -> Result<()> {
    let folder = Path::new(FOLDER);
    prepare(folder)?;
    let publisher = SigningKey::from(SecretKey::generate());
    let main_origin = Origin::start().await.context("cannot start the origin on loopback")?;
    let other_origin = Origin::start().await.context("cannot start the second origin on loopback")?;
    let serve = |origin: &Origin, name: &str, document: &str| {
        let signature: Signature = publisher.sign(document.as_bytes());
        origin.put(name, document.to_owned());
        origin.put(&format!("{name}.sig"), signature.to_der().as_bytes().to_vec());
    };
    write_configuration(folder, &publisher, &main_origin, &other_origin)?;

    say("1. The origin serves four signed documents. First sync:");
    serve(&main_origin, "flags.json", r#"{"document":"flags","version":7,"flags":{"new-login":true}}"#);
    serve(&main_origin, "rates.csv", "currency,rate\nEUR,1.17\nUSD,1.27\n");
    serve(&main_origin, "notice.txt", "All services are running.\n");
    serve(&other_origin, "contacts.txt", "On call: 020 7946 0000\n");
    show(&sync(folder).await?);

    say("2. Nothing changed. The origin is asked, and answers so:");
    show(&sync(folder).await?);

    say(
        "3. Now the origin misbehaves: an older flags.json, still validly signed; a tampered rates.csv; the server of\n   contacts.txt is dead. Only notice.txt is a real update:",
    );
    serve(&main_origin, "flags.json", r#"{"document":"flags","version":6,"flags":{"new-login":false}}"#);
    main_origin.put("rates.csv", "currency,rate\nEUR,1.17\nUSD,9.99\n");
    serve(&main_origin, "notice.txt", "Planned maintenance on Sunday.\n");
    drop(other_origin);
    show(&sync(folder).await?);

    say("4. The last good copies stand:");
    for name in ["flags.json", "rates.csv", "notice.txt", "contacts.txt"] {
        let path = folder.join("cache/latest").join(name);
        let copy = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        println!("   {FOLDER}/cache/latest/{name}: {}", copy.lines().last().unwrap_or_default());
    }

    say("Look at the result with the command itself, for example:");
    for command in
        ["status", "explain rates.csv", "explain flags.json", "history flags.json", "get notice.txt", "audit"]
    {
        println!("   cargo run --release -p sigcache-cli -- --config {FOLDER}/sigcache.toml {command}");
    }
    println!("\n   The origin ends with this program, so a `sync` now shows what a dead origin looks like.");
    Ok(())
}

/// A folder of our own; what an earlier quickstart left in it goes, anything else is not touched.
fn prepare(folder: &Path) -> Result<()> {
    if folder.join("sigcache.toml").is_file() && folder.join("publisher.pub.pem").is_file() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {FOLDER}"))?;
    }
    fs::create_dir(folder).with_context(|| format!("cannot create {FOLDER}; is something else of that name here?"))
}

fn write_configuration(folder: &Path, publisher: &SigningKey, main: &Origin, other: &Origin) -> Result<()> {
    let public = publisher.verifying_key().to_public_key_pem(LineEnding::LF)?;
    fs::write(folder.join("publisher.pub.pem"), public).context("cannot write the public key")?;
    let (main, other) = (main.address, other.address);
    let text = format!(
        r#"# Written by the quickstart. Every key with its default is in sigcache.example.toml.

[store]
url = "file:cache"

[defaults]
allow_private = true          # the origin of this example is on loopback
verify = {{ format = "detached", suffix = ".sig", keys = ["publisher"] }}

[keys.publisher]
file = "publisher.pub.pem"

[[resource]]
name = "flags.json"
urls = ["http://{main}/flags.json"]
identity = "flags"
verify = {{ format = "detached", suffix = ".sig", keys = ["publisher"], claims = {{ identity = "/document", version = "/version" }} }}

[[resource]]
name = "rates.csv"
urls = ["http://{main}/rates.csv"]

[[resource]]
name = "notice.txt"
urls = ["http://{main}/notice.txt"]

[[resource]]
name = "contacts.txt"
urls = ["http://{other}/contacts.txt"]
"#
    );
    fs::write(folder.join("sigcache.toml"), text).context("cannot write the configuration")
}

async fn sync(folder: &Path) -> Result<Report> {
    let config = Config::load(&folder.join("sigcache.toml"), &|name| std::env::var(name).ok())?;
    let store = Arc::new(config.open_store(Shard::WHOLE)?);
    // The origin is on loopback, where no proxy of the environment could find it.
    let fetcher = Schemes::default().with("http", Arc::new(HttpFetcher::direct()));
    let runner = Runner::new(Arc::new(fetcher), store, Arc::new(Tokio::current()));
    let nonce = u64::from_le_bytes(SecretKey::generate().to_bytes()[..8].try_into()?);
    Ok(runner.sync(&config.resources, &Selection::All, SystemTime::now().into(), nonce).await?)
}

fn say(text: &str) {
    println!("\n{text}\n");
}

fn show(report: &Report) {
    for decision in &report.decisions {
        println!("   {decision}");
    }
}
