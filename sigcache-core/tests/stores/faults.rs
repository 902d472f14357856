//! Each request of a run fails once on the wire, in every way; and a sound run follows.

use sigcache_core::{
    conformance::block_on,
    store::{Bucket, Store as _},
};

use crate::{
    bench::Bench,
    contract::below_a_new_root,
    fake::{Fake, Keep},
    proxy::{Fault, Proxy},
    servers::Server,
};

const NAMES: [&str; 2] = ["a", "b/large"];

/// Small, so that an upload has several; moto is told to take them.
const PART: usize = 1024;

/// A server, the proxy before it, and a runtime that is entered.
struct Wire {
    server: Server,
    proxy: Proxy,
    runtime: tokio::runtime::Runtime,
}

impl Wire {
    fn to(server: Server) -> Self {
        let proxy = Proxy::before(&server.endpoint);
        Self { server, proxy, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    /// The bucket, on the way over the proxy.
    fn open(&self, root: &str) -> Bucket {
        self.server.open_at(root, &self.proxy.endpoint).with_part_size(PART)
    }
}

/// A store that holds the first of two versions.
fn before(wire: &Wire, root: &str) -> Bench {
    let bench = Bench::new();
    bench.publish("a", "the first document");
    bench.publish("b/large", vec![b'x'; 3 * PART + 1]);
    wire.proxy.rearm();
    let (report, _) = bench.sync(wire.open(root), &NAMES, 0, 1).unwrap();
    assert!(report.is_good(), "{report:?}");
    bench.publish("b/large", vec![b'y'; 4 * PART]);
    bench
}

/// A test for each kind of fault, so that they run side by side: most of their time they wait for the server.
macro_rules! each_request_fails_once_on_s3 {
    ($($name:ident: $fault:expr;)*) => {$(
        #[test]
        fn $name() {
            let Some(server) = Server::moto() else { return };
            each_request_fails_once(&Wire::to(server), &[$fault]);
        }
    )*};
}

each_request_fails_once_on_s3! {
    each_request_is_lost_once_on_s3: Fault::KINDS[0];
    each_request_is_refused_once_on_s3: Fault::KINDS[1];
    each_answer_is_lost_once_on_s3: Fault::KINDS[2];
    each_answer_is_wrong_once_on_s3: Fault::KINDS[3];
    each_answer_is_cut_once_on_s3: Fault::KINDS[4];
}

/// The other statuses, by the longer command.
#[test]
fn each_request_fails_in_other_ways_on_s3() {
    if std::env::var_os("SIGCACHE_LONG").is_none() {
        return;
    }
    let Some(server) = Server::moto() else { return };
    each_request_fails_once(&Wire::to(server), &Fault::OTHERS);
}

fn each_request_fails_once(wire: &Wire, faults: &[Fault]) {
    let _entered = wire.runtime.enter();
    for &fault in faults {
        for number in 0.. {
            let root = format!("{fault:?}/{number}");
            let bench = before(wire, &root);
            wire.proxy.fail(number, fault);
            let disturbed = bench.sync(wire.open(&root), &NAMES, 1, 2);
            let seen = wire.proxy.seen();
            if seen.len() <= number {
                assert!(number >= 10, "{seen:#?}");
                break;
            }
            let place = format!("{fault:?} at {} of {seen:#?}", seen[number]);
            wire.proxy.rearm();
            // Whatever failed, what was good before is served, old or new and whole.
            let sound = wire.open(&root);
            assert_eq!(bench.read(&sound, "a", 1), "the first document", "{place}");
            let large = bench.read(&sound, "b/large", 1);
            let old_or_new = large == vec![b'x'; 3 * PART + 1] || large == vec![b'y'; 4 * PART];
            assert!(old_or_new, "{place}");
            if let Ok((report, _)) = &disturbed {
                let claims_new = report.is_good() && report.store_failure.is_none();
                assert!(!claims_new || large == vec![b'y'; 4 * PART], "{place}");
            }
            // Then one sound run mends all of it.
            let (report, _) = bench.sync(wire.open(&root), &NAMES, 2, 3).unwrap();
            assert!(report.is_good(), "{place}: {report:?}");
            assert_eq!(bench.read(&sound, "b/large", 2), vec![b'y'; 4 * PART], "{place}");
            bench.assert_in_order(sound, &NAMES, 2);
        }
    }
}

/// The longer command runs it; what differs from S3 on the wire is in the contract.
#[test]
fn each_request_fails_once_on_azure() {
    if std::env::var_os("SIGCACHE_LONG").is_none() {
        return;
    }
    let Some(server) = Server::azurite() else { return };
    each_request_fails_once(&Wire::to(server), &Fault::KINDS);
}

#[test]
fn each_request_fails_once_on_google() {
    each_request_fails_once(&Wire::to(Server::gcs(Fake::start(Keep::Bytes).endpoint)), &Fault::KINDS);
}

/// What nobody can commit to is refused before the first commit, in a sentence that says what to do.
#[test]
fn a_server_that_ignores_conditions_is_refused() {
    let Some(server) = Server::moto() else { return };
    let wire = Wire::to(server);
    let _entered = wire.runtime.enter();
    let bench = Bench::new();
    bench.publish("a", "the first document");
    wire.proxy.ignore_conditions();
    let error = bench.sync(wire.open("hostile"), &["a"], 0, 1).map(|(report, _)| report.store_failure);
    let told = format!("{error:?}");
    assert!(told.contains("ignores conditional creates"), "{told}");
    let catalog = block_on(wire.open("hostile").catalog()).unwrap();
    assert_eq!(catalog.sequence(), 0);
}

/// The same of a server that ignores them by itself, by the longer command.
#[test]
fn another_server_that_ignores_conditions_is_refused() {
    let Some(server) = Server::hostile() else { return };
    let wire = Wire::to(server);
    let _entered = wire.runtime.enter();
    let bench = Bench::new();
    bench.publish("a", "the first document");
    let open = || wire.open(&below_a_new_root("hostile"));
    let error = bench.sync(open(), &["a"], 0, 1).map(|(report, _)| report.store_failure);
    let told = format!("{error:?}");
    assert!(told.contains("ignores conditional creates"), "{told}");
    assert_eq!(block_on(open().catalog()).unwrap().sequence(), 0);
}

/// A store that lets nobody in says so at once, and is not asked again and again.
#[test]
fn a_refusal_of_access_is_told_at_once() {
    let Some(server) = Server::moto() else { return };
    let wire = Wire::to(server);
    let _entered = wire.runtime.enter();
    wire.proxy.fail_always("GET", Fault::Refused(403));
    let error = block_on(wire.open("closed").catalog()).unwrap_err();
    assert!(error.chain().contains("403"), "{}", error.chain());
    assert_eq!(wire.proxy.seen().len(), 1);
}

/// What the store itself counts is what a server sees.
#[test]
fn an_unchanged_run_makes_four_requests() {
    for server in [Server::moto(), Server::azurite()].into_iter().flatten() {
        let wire = Wire::to(server);
        let _entered = wire.runtime.enter();
        let bench = Bench::new();
        let names: Vec<String> = (0..50).map(|number| format!("n{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for name in &names {
            bench.publish(name, name.to_string());
        }
        bench.sync(wire.open("four"), &names, 0, 1).unwrap();
        wire.proxy.rearm();
        let (report, counted) = bench.sync(wire.open("four"), &names, 1, 2).unwrap();
        assert!(report.is_good(), "{report:?}");
        let seen = wire.proxy.seen();
        assert!(seen.len() <= 4, "{seen:#?}");
        assert_eq!(counted, seen.len() as u64, "{seen:#?}");
    }
}
