//! The pages as a person has them: a real Chromium in front of the real listener.
//!
//! `check.mjs` drives the browser: nothing scrolls sideways on a telephone, axe finds nothing, the keyboard reaches
//! everything, no script is needed and nothing is loaded from elsewhere. What it saw is left in the target folder as
//! pictures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[allow(dead_code, reason = "what it describes is tested with the endpoint")]
#[path = "../endpoint/described.rs"]
mod described;
mod scene;
#[allow(dead_code, reason = "the other tests need more of it")]
#[path = "../endpoint/support.rs"]
mod support;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sigcache_http::{Connections, serve};
use tokio::{net::TcpListener, sync::oneshot};

/// Where a program lies.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// What the test needs: a browser, node, and the packages that `cargo xtask test` puts into the target folder. Nothing, said
/// loudly, where one is missing; on a build server that is a failure.
fn tools() -> Option<(PathBuf, PathBuf, PathBuf)> {
    let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("tools/puppeteer/node_modules");
    let packages = packages.is_dir().then_some(packages);
    let found = [("chromium", find("chromium")), ("node", find("node")), ("puppeteer-core with axe-core", packages)];
    for (what, found) in &found {
        if found.is_none() {
            assert!(env::var_os("CI").is_none(), "{what} is not installed; `cargo xtask servers` does it");
            eprintln!(
                "SKIPPED: {what} is not installed, so this test tested nothing; `cargo xtask servers` installs it"
            );
            return None;
        }
    }
    let [chromium, node, packages] = found;
    Some((chromium.1?, node.1?, packages.1?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_can_use_the_pages() {
    let Some((chromium, node, packages)) = tools() else { return };
    let scenes = scene::all().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Each below a path of its own, so that no link can count on the root.
    let router = scenes
        .iter()
        .fold(axum::Router::new(), |router, (name, site)| router.nest(&format!("/{name}"), site.router.clone()));
    let (end, ended) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(listener, router, Connections::default(), async { drop(ended.await) }));

    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&pictures).unwrap();
    let mut check = Command::new(node);
    check.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/check.mjs"));
    check.arg(chromium).arg(packages).arg(format!("http://{address}")).arg(&pictures);
    let output = tokio::task::spawn_blocking(move || check.stdin(Stdio::null()).output()).await.unwrap().unwrap();
    end.send(()).unwrap();
    served.await.unwrap();
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}\n{errors}\nthe pictures are in {}", pictures.display());
    // A script that checks nothing succeeds too.
    assert!(printed.lines().filter(|line| line.starts_with("checked ")).count() >= 20, "{printed}");
}
