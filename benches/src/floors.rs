//! What no implementation can be faster than: the requests alone, the verification alone, the files alone, and the
//! uploads alone.
//!
//! Each runs in a process of their own, as what they are compared with does.

use std::{fs, path::Path, thread, time::Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, stream};
use object_store::{ObjectStoreExt as _, aws::AmazonS3Builder, path::Path as ObjectPath};
use sigcache_core::{
    Hasher,
    trust::{Encoding, PublicKey, Scheme},
    verify::parse_signature,
};

use crate::{moto::CREDENTIALS, site::SMALL};

/// Gets every document and its signature from `base`, 64 resources at once, and drops the bytes.
pub(crate) fn requests(base: &str, names: &Path) -> Result<()> {
    let names = fs::read_to_string(names)?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let get = |url: String| {
        let client = client.clone();
        async move {
            let response = client.get(url).send().await?.error_for_status()?;
            let mut size = 0;
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                size += chunk?.len();
            }
            anyhow::Ok(size)
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let jobs = names.lines().map(|name| {
            let (signature, document) = (get(format!("{base}/{name}.sig")), get(format!("{base}/{name}")));
            let job = async move {
                ensure!(signature.await? > 60 && document.await? == SMALL, "not the file that was served");
                Ok(())
            };
            async { tokio::spawn(job).await? }
        });
        let mut running = stream::iter(jobs).buffer_unordered(64);
        while let Some(done) = running.next().await {
            done?;
        }
        Ok(())
    })
}

/// Writes the files that a first sync leaves for each name, on one thread, and nothing else: a folder with the version,
/// its plain copy as a hard link, and the signature. Prints the seconds.
pub(crate) fn files(folder: &Path, names: &Path) -> Result<()> {
    let names = fs::read_to_string(names)?;
    let (versions, latest) = (folder.join("versions"), folder.join("latest"));
    fs::create_dir_all(&versions)?;
    fs::create_dir_all(&latest)?;
    let (document, signature) = (vec![7; SMALL], [7; 71]);
    let start = Instant::now();
    for name in names.lines() {
        let version = versions.join(name);
        fs::create_dir(&version)?;
        let version = version.join("20261125T120000.000Z-0123456789abcdef");
        fs::write(&version, &document)?;
        fs::hard_link(&version, latest.join(name))?;
        fs::write(latest.join(format!("{name}.sig")), signature)?;
    }
    println!("{}", start.elapsed().as_secs_f64());
    Ok(())
}

/// Puts what a first sync leaves for each name into a bucket, 64 names at once, and nothing else: the version, its plain
/// copy, which the server makes, and the signature. Prints the seconds, reading of the files not included.
pub(crate) fn puts(endpoint: &str, site: &Path, names: &Path) -> Result<()> {
    let names = fs::read_to_string(names)?;
    let mut files = Vec::new();
    for name in names.lines() {
        files.push((name, fs::read(site.join(name))?, fs::read(site.join(format!("{name}.sig")))?));
    }
    let mut builder = AmazonS3Builder::new().with_bucket_name("bucket").with_endpoint(endpoint).with_allow_http(true);
    for (name, value) in CREDENTIALS {
        builder = builder.with_config(name.to_lowercase().parse()?, value);
    }
    let store = &builder.build()?;
    let put = |(name, document, signature): (&str, Vec<u8>, Vec<u8>)| {
        let version = ObjectPath::from(format!("versions/{name}/20261125T120000.000Z-0123456789abcdef"));
        let latest = ObjectPath::from(format!("latest/{name}"));
        let beside = ObjectPath::from(format!("latest/{name}.sig"));
        async move {
            store.put(&version, document.into()).await?;
            store.copy(&version, &latest).await?;
            store.put(&beside, signature.into()).await
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let start = Instant::now();
    runtime.block_on(async {
        let mut running = stream::iter(files).map(put).buffer_unordered(64);
        while let Some(done) = running.next().await {
            done?;
        }
        anyhow::Ok(())
    })?;
    println!("{}", start.elapsed().as_secs_f64());
    Ok(())
}

/// Reads, hashes and verifies every document on two threads. Prints the seconds, reading of the files not included.
pub(crate) fn verification(key: &Path, folder: &Path, names: &Path) -> Result<()> {
    let names = fs::read_to_string(names)?;
    let files =
        names.lines().map(|name| Ok((fs::read(folder.join(name))?, fs::read(folder.join(format!("{name}.sig")))?)));
    let files: Vec<(Vec<u8>, Vec<u8>)> = files.collect::<Result<_>>()?;
    let key = &PublicKey::parse(&fs::read(key)?)?;
    let algorithm = key.algorithm().context("the key is of a known algorithm")?;
    let start = Instant::now();
    let good = thread::scope(|scope| {
        let halves = files.chunks(files.len().div_ceil(2).max(1));
        let threads: Vec<_> = halves
            .map(|half| {
                scope.spawn(move || {
                    half.iter().all(|(document, signature)| {
                        let mut hasher = Hasher::default();
                        hasher.update(document);
                        let digest = hasher.finish();
                        parse_signature(signature, algorithm).is_some_and(|signature| {
                            key.verify_digest(Scheme::EcdsaSha256, Encoding::Fixed, digest.as_bytes(), &signature)
                        })
                    })
                })
            })
            .collect();
        threads.into_iter().all(|thread| thread.join().unwrap_or(false))
    });
    ensure!(good, "a signature does not match");
    println!("{}", start.elapsed().as_secs_f64());
    Ok(())
}
