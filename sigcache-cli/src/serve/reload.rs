//! Reading the configuration anew, without dropping a request.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use sigcache_core::config::{Config, ServeSettings};
use sigcache_http::Endpoint;
use tokio::sync::watch;

use super::{schedule::Schedule, setup};
use crate::{args::ServeArgs, output};

/// How often it is looked whether a file changed. Notices of the file system do not come from every kind of it.
const LOOK: Duration = Duration::from_secs(2);

pub(super) struct Reload {
    pub(super) path: PathBuf,
    pub(super) args: ServeArgs,
    /// What it began with; some of it cannot change without a restart.
    pub(super) started: ServeSettings,
    pub(super) endpoint: Endpoint,
    pub(super) schedule: watch::Sender<Schedule>,
}

/// What tells one state of a file from another, without reading it.
type Mark = Option<(SystemTime, u64, u64)>;

fn mark(path: &PathBuf) -> Mark {
    use std::os::unix::fs::MetadataExt as _;
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len(), meta.ino()))
}

fn marks(files: &[PathBuf]) -> Vec<Mark> {
    files.iter().map(mark).collect()
}

impl Reload {
    /// Reads the configuration anew at SIGHUP, and when one of its files changed.
    pub(super) async fn watch(
        self,
        mut files: Vec<PathBuf>,
        mut hangups: watch::Receiver<u64>,
        mut ended: watch::Receiver<bool>,
    ) {
        let mut seen = marks(&files);
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK) => false,
                asked = hangups.changed() => asked.is_ok(),
                _ = ended.wait_for(|ended| *ended) => return,
            };
            let found = marks(&files);
            if !asked && found == seen {
                continue;
            }
            seen = found;
            if let Some(read) = self.reload() {
                seen = marks(&read);
                files = read;
            }
        }
    }

    /// Takes over the configuration, if it is sound, and gives the files that it stands in. Else the earlier one stays.
    fn reload(&self) -> Option<Vec<PathBuf>> {
        match self.take_over() {
            Ok(files) => {
                self.endpoint.complain("configuration", None);
                tracing::info!("the configuration was read anew");
                output::warning("the configuration was read anew");
                Some(files)
            }
            Err(error) => {
                let text = format!("{error:#}");
                tracing::error!(error = text, "the configuration was not taken over");
                output::warning(&format!("the configuration was not taken over, the earlier one stays: {text}"));
                let text = format!("it changed and is not sound, so the earlier one is in use: {text}");
                self.endpoint.complain("configuration", Some(text));
                None
            }
        }
    }

    fn take_over(&self) -> anyhow::Result<Vec<PathBuf>> {
        let config = Config::load(&self.path, &|name| std::env::var(name).ok())?;
        let settings = self.args.over(config.serve.clone());
        let schedule = Schedule::new(&settings)?;
        let setup = setup(&config).map_err(|fault| fault.error)?;
        let fixed = |settings: &ServeSettings| {
            let token = settings.token.as_ref().map(|token| token.reveal().to_vec());
            (settings.listen, token, settings.hot_bytes, settings.refresh, settings.connections, settings.base.clone())
        };
        if fixed(&settings) != fixed(&self.started) {
            output::warning("listen, token, hot, refresh, connections and base take effect at the next start");
        }
        let (before, store) = (self.endpoint.store(), config.store.url.as_str());
        if *before != *store {
            let text = format!("the store is {store} now; what is in {before} stays there");
            tracing::warn!(text, "another store");
            output::warning(&text);
        }
        self.endpoint.replace(setup);
        self.schedule.send_replace(schedule);
        Ok(config.files)
    }
}
