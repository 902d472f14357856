//! Fetching from object stores: in memory, from the disk, and from some that say nothing.

#![cfg(all(feature = "conformance", feature = "disk"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{future::Future, sync::Arc, time::Duration};

use object_store::{
    ObjectStore, ObjectStoreExt as _,
    limit::LimitStore,
    memory::InMemory,
    path::Path,
    throttle::{ThrottleConfig, ThrottledStore},
};
use sigcache_core::{
    Reason,
    conformance::{
        at,
        fetcher::{Places, fetcher_contract, silence_contract},
    },
    fetch::{Access, FetchError, FetchRequest, Fetched, Fetcher as _, Limits, ObjectFetcher, Retry},
    runtime::Tokio,
    store::local_files,
};
use url::Url;

/// Nothing here may wait for ever, whatever the machine has to do beside it.
async fn soon<T>(task: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), task).await.expect("it waits for ever")
}

fn fetcher(objects: impl ObjectStore, base: &str) -> ObjectFetcher {
    ObjectFetcher::new(Arc::new(objects), base.parse().unwrap()).with_runtime(Arc::new(Tokio::current()))
}

async fn read(fetcher: &ObjectFetcher, url: &Url, limits: &Limits) -> Result<bytes::Bytes, FetchError> {
    let access = Arc::new(Access::default());
    match fetcher.fetch(FetchRequest::new(url, limits, &access, at(0))).await? {
        Fetched::Body(body) => body.read().await,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_fetcher_contract_of_an_object_store() {
    let objects = InMemory::new();
    objects.put(&Path::from("folder/document"), "a document".into()).await.unwrap();
    let url = |name: &str| format!("memory:///{name}").parse().unwrap();
    let places = Places { document: url("folder/document"), bytes: "a document".into(), missing: url("other") };
    soon(fetcher_contract(&fetcher(objects, "memory:///"), &places, Access::default(), at(0))).await;
}

#[tokio::test]
async fn the_fetcher_contract_of_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a document");
    // More than one chunk.
    let bytes = vec![b'x'; 100_000];
    std::fs::write(&path, &bytes).unwrap();
    let places = Places {
        document: Url::from_file_path(&path).unwrap(),
        bytes: bytes.into(),
        missing: Url::from_file_path(folder.path().join("other")).unwrap(),
    };
    let root = "file:///".parse().unwrap();
    let fetcher = ObjectFetcher::new(local_files(), root).with_runtime(Arc::new(Tokio::current()));
    soon(fetcher_contract(&fetcher, &places, Access::default(), at(0))).await;
}

#[tokio::test]
async fn a_store_that_says_nothing_is_given_up() {
    // Nobody ever gets one of no permits.
    let fetcher = fetcher(LimitStore::new(InMemory::new(), 0), "memory:///");
    soon(silence_contract(&fetcher, &"memory:///a".parse().unwrap(), Access::default(), at(0))).await;
}

#[tokio::test]
async fn a_body_that_stops_moving_is_given_up() {
    let millis = Duration::from_millis;
    let objects = InMemory::new();
    objects.put(&Path::from("a"), vec![b'x'; 1000].into()).await.unwrap();
    let config = ThrottleConfig { wait_get_per_byte: Duration::from_secs(3600), ..ThrottleConfig::default() };
    let fetcher = fetcher(ThrottledStore::new(objects, config), "memory:///");
    let url = "memory:///a".parse().unwrap();
    let with = |change: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    let table = [
        (with(&|limits| limits.idle = millis(100)), Reason::IdleTimeout),
        (with(&|limits| limits.total = millis(100)), Reason::DeadlineExceeded),
        (with(&|limits| limits.speed_window = millis(100)), Reason::TooSlow),
    ];
    for (limits, reason) in table {
        let error = soon(read(&fetcher, &url, &limits)).await.unwrap_err();
        assert_eq!((error.failure().reason, error.retry()), (reason, Retry::No), "{error}");
    }
}

#[tokio::test]
async fn limits_without_end_do_not_overflow() {
    let objects = InMemory::new();
    objects.put(&Path::from("a"), "hello".into()).await.unwrap();
    let config = ThrottleConfig { wait_get_per_byte: Duration::from_millis(10), ..ThrottleConfig::default() };
    let mut limits = Limits::default();
    for limit in [&mut limits.connect, &mut limits.first_byte, &mut limits.idle, &mut limits.total] {
        *limit = Duration::MAX;
    }
    limits.speed_window = Duration::MAX;
    let fetcher = fetcher(ThrottledStore::new(objects, config), "memory:///");
    assert_eq!(soon(read(&fetcher, &"memory:///a".parse().unwrap(), &limits)).await.unwrap(), "hello");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_not_a_file_is_refused_before_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(&pipe, folder.path().join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    // Without a runtime, so that only the look before can help.
    let fetcher = ObjectFetcher::new(local_files(), "file:///".parse().unwrap());
    let limits = Limits::default();
    for path in [pipe, folder.path().join("link"), folder.path().join("socket"), "/dev/zero".into()] {
        let url = Url::from_file_path(&path).unwrap();
        let error = soon(read(&fetcher, &url, &limits)).await.unwrap_err();
        assert_eq!((error.failure().reason, error.retry()), (Reason::SourceFailed, Retry::No), "{}", path.display());
        assert!(error.failure().found.starts_with("not a regular file"), "{error}");
    }
    let error = read(&fetcher, &Url::from_file_path(folder.path()).unwrap(), &limits).await.unwrap_err();
    assert_eq!(error.failure().reason, Reason::SourceMissing, "a folder is no object");
}
