//! What every store must do, on each server.

use std::{cell::Cell, sync::Arc};

use sigcache_core::{conformance::store::store_contract, store::Bucket};

use crate::{
    fake::{Fake, Keep},
    proxy::Proxy,
    servers::Server,
};

/// S3 takes no smaller part but the last.
const S3_PART: usize = 5 << 20;

/// A root that no earlier test has used, on a server that is not ours alone.
pub(crate) fn below_a_new_root(root: &str) -> String {
    format!("{}/{root}", std::process::id())
}

/// The contract, below a root of its own for each part of it. Requests need a runtime, and the contract waits on this
/// thread: so the runtime is entered here, and works on threads of its own.
fn contract(part_size: usize, open: impl Fn(&str) -> Bucket) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let count = Cell::new(0);
    store_contract(part_size, || {
        count.set(count.get() + 1);
        Arc::new(open(&format!("contract/{}", count.get())).with_part_size(part_size))
    });
}

#[test]
fn the_contract_on_s3() {
    let Some(server) = Server::moto() else { return };
    let proxy = Proxy::before(&server.endpoint);
    contract(S3_PART, |root| server.open_at(root, &proxy.endpoint));
}

/// Its conditional writes are atomic, so there is no proxy before it.
#[test]
fn the_contract_on_another_s3() {
    let Some(server) = Server::another() else { return };
    contract(S3_PART, |root| server.open(&below_a_new_root(root)));
}

#[test]
fn the_contract_on_azure() {
    let Some(server) = Server::azurite() else { return };
    contract(1024, |root| server.open(root));
}

#[test]
fn the_contract_on_google() {
    let server = Server::gcs(Fake::start(Keep::Bytes).endpoint);
    contract(1024, |root| server.open(root));
}
