//! Many writers of one store at once, each with a connection of its own, on servers whose conditional creates are atomic.

use std::{
    env,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use sigcache_core::{
    Name,
    conformance::block_on,
    store::{Bucket, Store as _},
};

use crate::{bench::Bench, contract::below_a_new_root, servers::Server};

fn number(variable: &str, default: usize) -> usize {
    env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// All of them work on a resource of their own and on one that they share; each of their clocks is some minutes off.
fn many_writers(open: impl Fn() -> Bucket + Sync) {
    let (writers, rounds) = (number("SIGCACHE_WRITERS", 6), number("SIGCACHE_ROUNDS", 3));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let (bench, barrier) = (Bench::new(), Barrier::new(writers));
    let (start, requests) = (Instant::now(), AtomicU64::new(0));
    let names: Vec<String> = (0..writers).map(|writer| format!("of-{writer}")).collect();
    for round in 0..rounds {
        bench.publish("shared", format!("shared, {round}"));
        thread::scope(|scope| {
            for (writer, name) in names.iter().enumerate() {
                let (bench, barrier, open, handle, requests) = (&bench, &barrier, &open, runtime.handle(), &requests);
                scope.spawn(move || {
                    let _entered = handle.enter();
                    bench.publish(name, format!("{name}, {round}"));
                    let nonce = (round * writers + writer) as u64;
                    barrier.wait();
                    let ended = bench.sync_some(open(), &[name, "shared"], round as i64, writer, nonce);
                    let (report, made) = ended.unwrap();
                    requests.fetch_add(made, Ordering::Relaxed);
                    assert!(report.is_good() && report.store_failure.is_none(), "{report:#?}");
                });
            }
        });
        let store = open();
        let catalog = block_on(store.catalog()).unwrap();
        assert_eq!(catalog.sequence(), ((round + 1) * writers) as u64, "every commit stands");
        for name in names.iter().map(String::as_str).chain(["shared"]) {
            assert!(catalog.get(&Name::new(name).unwrap()).unwrap().live().is_some(), "{name}");
            assert_eq!(bench.read(&store, name, round as i64), format!("{name}, {round}"), "in round {round}");
        }
        let all: Vec<&str> = names.iter().map(String::as_str).chain(["shared"]).collect();
        bench.assert_in_order(store, &all, round as i64);
    }
    let requests = requests.into_inner();
    println!(
        "{writers} writers, {rounds} rounds: {:.1} s, {requests} requests, {:.1} for each run",
        start.elapsed().as_secs_f64(),
        requests as f64 / (writers * rounds) as f64,
    );
}

#[test]
fn many_writers_on_azure_lose_nothing() {
    let Some(server) = Server::azurite() else { return };
    many_writers(|| server.open("writers"));
}

#[test]
fn many_writers_on_another_s3_lose_nothing() {
    let Some(server) = Server::another() else { return };
    many_writers(|| server.open(&below_a_new_root("writers")));
}

#[test]
fn many_writers_on_disk_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    many_writers(|| sigcache_core::store::open_disk(folder.path()).unwrap());
}
