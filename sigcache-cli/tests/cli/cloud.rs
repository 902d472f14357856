//! The real binary on a bucket: moto's S3.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use object_store::{ObjectStore as _, ObjectStoreExt as _, aws::AmazonS3Builder};
use sigcache_core::Digest;
use tokio::runtime::Runtime;

use crate::{
    fake::{Fake, Keep},
    servers::Server,
    support::{Lab, NOON, is, verdict},
};

/// A lab whose store is a bucket.
struct Cloud {
    server: Server,
    lab: Lab,
}

impl Cloud {
    /// Resources at the origin, and a bucket for them; nothing where there is no server.
    fn with(names: &[&str]) -> Option<Self> {
        let cloud = Self { server: Server::moto()?, lab: Lab::new() };
        for name in names {
            cloud.lab.offer(name, format!("{name} 1\n").as_bytes());
        }
        cloud.configure(names, cloud.server.endpoint.as_str(), "bucket");
        Some(cloud)
    }

    fn configure(&self, names: &[&str], endpoint: &str, bucket: &str) {
        self.lab.configure(names, "max_size = \"64MiB\"");
        let text = String::from_utf8(self.lab.read("sigcache.toml")).unwrap();
        let store = format!("url = \"s3://{bucket}/some/root\"\nendpoint = \"{endpoint}\"");
        self.lab.replace("sigcache.toml", text.replace("url = \"file:cache\"", &store));
        self.lab.set_environment(&self.server.environment);
    }

    /// Every version and every plain copy, but for versions that are in `seen` and have not changed since.
    fn objects(&self, seen: &mut BTreeSet<(String, Option<String>)>) -> BTreeMap<String, Vec<u8>> {
        use futures_util::TryStreamExt as _;
        let variables =
            self.server.environment.iter().filter_map(|(name, value)| Some((name.to_lowercase().parse().ok()?, value)));
        let builder = AmazonS3Builder::new().with_bucket_name("bucket").with_endpoint(self.server.endpoint.as_str());
        let builder =
            variables.fold(builder.with_allow_http(true), |builder, (key, value)| builder.with_config(key, value));
        let objects = builder.build().unwrap();
        Runtime::new().unwrap().block_on(async {
            let mut found = BTreeMap::new();
            let listed: Vec<_> = objects.list(Some(&"some/root".into())).try_collect().await.unwrap();
            for meta in listed {
                let key = meta.location.as_ref().strip_prefix("some/root/").unwrap().to_owned();
                let known = key.starts_with("versions/") && !seen.insert((key.clone(), meta.e_tag));
                if known || !key.starts_with("versions/") && !key.starts_with("latest/") {
                    continue;
                }
                // A run that was killed may have a request on its way that deletes.
                let Ok(result) = objects.get(&meta.location).await else { continue };
                found.insert(key, result.bytes().await.unwrap().to_vec());
            }
            found
        })
    }
}

#[test]
fn a_bucket_is_a_store_like_any_other() {
    let Some(Cloud { server: _server, lab }) = Cloud::with(&["a", "b/c"]) else { return };
    // Who only reads does not need a store to be there, and makes none.
    assert!(lab.run(&["status"]).ends(1).contains("never"), "{:?}", lab.run(&["status"]));
    let report = lab.json("report", 0, &["--at", NOON, "sync"]);
    assert_eq!(verdict(&report, "b/c"), is("stored", "done", "first-version"));
    let report = lab.json("report", 0, &["--at", NOON, "sync"]);
    assert_eq!(verdict(&report, "a"), is("unchanged", "done", "not-modified"));
    assert_eq!(report["store_requests"], 4);
    assert_eq!(lab.run_at(NOON, &["get", "b/c"]).ends(0), "b/c 1\n");
    assert!(lab.run_at(NOON, &["explain", "a"]).ends(0).contains("publisher"));
    assert!(lab.run_at(NOON, &["history", "a"]).ends(0).contains("stored"));
    lab.run_at(NOON, &["audit"]).ends(0);
    lab.run_at(NOON, &["gc", "--dry-run"]).ends(0);
    lab.replace("origin/a", "another");
    let report = lab.json("report", 1, &["--at", NOON, "sync"]);
    assert_eq!(verdict(&report, "a"), is("kept", "signature", "signature-mismatch"));
    assert_eq!(lab.run_at(NOON, &["get", "a"]).ends(0), "a 1\n");
}

#[test]
fn a_bucket_that_is_not_there_is_no_empty_store() {
    let Some(cloud) = Cloud::with(&["a"]) else { return };
    cloud.configure(&["a"], cloud.server.endpoint.as_str(), "elsewhere");
    for command in ["sync", "status", "audit"] {
        let told = cloud.lab.run(&[command]).fails(3);
        assert!(told.contains("elsewhere") && told.contains("NoSuchBucket"), "{command}: {told}");
    }
}

/// The largest document of the test, in MiB; more by `SIGCACHE_LARGE`.
const LARGE: usize = 320;

/// Memory is bounded by the parts on their way, not by the document.
#[cfg(target_os = "linux")]
#[test]
fn a_large_document_goes_up_in_less_than_128_mib_of_memory() {
    let mib: usize = std::env::var("SIGCACHE_LARGE").ok().and_then(|text| text.parse().ok()).unwrap_or(LARGE);
    let (fake, lab, length) = (Fake::start(Keep::Length), Lab::new(), mib << 20);
    lab.offer_zeros("large.bin", length);
    let settings = format!("max_size = {length}\ntimeout = \"1h\"");
    lab.configure(&["large.bin"], &settings);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    let store = format!("url = \"s3://bucket/root\"\nendpoint = \"{}\"\npublish = false", fake.endpoint);
    lab.replace("sigcache.toml", text.replace("url = \"file:cache\"", &store));
    let environment = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
    lab.set_environment(&environment.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut child = lab.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let peak = peak_until_the_end(&mut child);
    assert!(child.wait().unwrap().success());
    let lengths = fake.lengths();
    let versions: Vec<usize> =
        lengths.iter().filter(|(key, _)| key.contains("versions/")).map(|(_, length)| *length).collect();
    assert_eq!(versions, [length]);
    println!("{mib} MiB in {} MiB of memory", peak >> 20);
    assert!(peak > 1 << 20, "the peak was not measured");
    assert!(peak < 128 << 20, "{peak} bytes");
}

/// The most memory that it had at once, in bytes. The kernel keeps the greatest value.
fn peak_until_the_end(child: &mut Child) -> u64 {
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.map_or(peak, |line| line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024);
        thread::sleep(Duration::from_millis(1));
    }
    peak
}

/// How often a run is killed; more by `SIGCACHE_KILLS`.
const KILLS: usize = 8;

#[test]
fn a_run_on_a_bucket_that_is_killed_leaves_what_the_next_one_repairs() {
    let names: Vec<String> = (0..20).map(|number| format!("n{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(cloud) = Cloud::with(&names) else { return };
    let kills = std::env::var("SIGCACHE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let document = |name: &str, round: usize| {
        let mut bytes = format!("{name} {round}\n").into_bytes();
        // One goes up in parts.
        bytes.resize(if name == "n07" { 20 << 20 } else { bytes.len() }, b'.');
        bytes
    };
    let (mut signed, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut offer = |round: usize| {
        for name in &names {
            let bytes = document(name, round);
            cloud.lab.offer(name, &bytes);
            // Not the bytes themselves: of hundreds of rounds they would be gigabytes.
            signed.insert(Digest::of(&bytes));
        }
        signed.clone()
    };
    offer(0);
    let start = Instant::now();
    cloud.lab.run(&["sync"]).ends(0);
    let whole = start.elapsed();
    for round in 1..=kills {
        let signed = offer(round);
        let mut child = cloud.lab.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Moments spread over the time that a run takes, in an order that jumps about.
        thread::sleep(whole.mul_f64((round * 7 % kills) as f64 / kills as f64));
        child.kill().unwrap();
        child.wait().unwrap();
        for (key, bytes) in cloud.objects(&mut seen) {
            let document = !key.ends_with(".sig");
            assert!(
                !document || signed.contains(&Digest::of(&bytes)),
                "{key} holds what nobody signed, in round {round}"
            );
        }
        cloud.lab.run(&["sync"]).ends(0);
        cloud.lab.run(&["audit"]).ends(0);
        let objects = cloud.objects(&mut seen);
        for name in &names {
            assert!(objects[&format!("latest/{name}")] == document(name, round), "{name} in round {round}");
        }
    }
}
