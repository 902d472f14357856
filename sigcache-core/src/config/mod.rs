//! The configuration: one TOML file that says what to fetch, whom to trust and where to store.
//!
//! Every word of it is explained in `sigcache.example.toml`. Nothing unknown is skipped: a mistyped word could be the
//! one that protects. Everything that is wrong is reported at once, with file, line and column, what was expected and
//! the nearest valid word. Secrets come from the environment (`env:NAME`) and never show in an error.
//!
//! ```
//! use std::path::Path;
//! use sigcache_core::config::Config;
//!
//! let text = "[store]\nurl = \"memory:\"\n[[resource]]\nnmae = \"a\"\n";
//! let error = Config::parse(text, "sigcache.toml", Path::new("."), &|_| None).unwrap_err();
//! assert!(error.to_string().contains("did you mean `name`?"));
//! ```

mod access;
#[cfg(feature = "alerts")]
mod alerts;
mod anchors;
mod build;
mod entries;
mod formats;
mod keys;
mod problem;
mod resources;
mod serve;
mod settings;
mod sources;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod top;
mod units;
mod words;

use std::path::{Path, PathBuf};

use crate::{
    anchor::Anchored,
    resource::Resource,
    store::{Bucket, Shard, StoreError},
    trust::TrustedKey,
};

use store::Missing;

pub use problem::{About, ConfigError, Problem, nearest};
pub use serve::ServeSettings;
pub use store::StoreSettings;
pub use units::duration;

/// A configuration in which everything was found sound.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where to store.
    pub store: StoreSettings,
    /// What to fetch. Resources with equal settings share one set of rules, so that very many of them stay small.
    pub resources: Vec<Resource>,
    /// What rests on anchors among them, each after the anchor that it rests on.
    pub anchored: Vec<Anchored>,
    /// Every key, used or not, with the time in which it may sign.
    pub keys: Vec<TrustedKey>,
    /// How many resources are fetched at once.
    pub concurrency: usize,
    /// How many of them from the same host.
    pub per_host: usize,
    /// The greatest part (0 to 1) of the stored resources that one run may remove because they left the configuration.
    pub removal_limit: f64,
    /// How a service behaves.
    pub serve: ServeSettings,
    /// The files that were read, this one included: where one of them changes, it is to be read again.
    pub files: Vec<PathBuf>,
    /// Who is told when something is not as it should be.
    #[cfg(feature = "alerts")]
    pub alerts: Vec<crate::alert::Route>,
}

impl Config {
    /// Reads the file at `path`, and the files that it names. `env` looks up a variable of the environment.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let bytes = match build::read_bounded(path, resources::MAX_FILE_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let message = format!("a configuration has at most {} bytes", resources::MAX_FILE_BYTES);
                return Err(ConfigError::file(&name, message, None));
            }
            Err(error) => return Err(ConfigError::file(&name, "the configuration cannot be read", Some(error))),
        };
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => {
                let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
                return Err(ConfigError::file(&name, format!("line {line} is not UTF-8"), None));
            }
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut config = Self::parse(text, &name, folder, env)?;
        config.files.push(path.to_owned());
        Ok(config)
    }

    /// Reads `text`, which is called `file_name` in errors. Relative paths in it begin at `folder`.
    pub fn parse(
        text: &str,
        file_name: &str,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        top::read(text, file_name, folder, env)
    }

    /// Opens the store for one shard of the names; a folder is created if it is not there. What is in `memory:` is
    /// new each time, and gone with the returned value.
    pub fn open_store(&self, shard: Shard) -> Result<Bucket, StoreError> {
        self.store.open(shard, Missing::Create)
    }

    /// The same for those who only read: a folder that is not there is an error, and is not created.
    pub fn open_existing_store(&self, shard: Shard) -> Result<Bucket, StoreError> {
        self.store.open(shard, Missing::Refuse)
    }

    /// Who is told when something is not as it should be, and of which store.
    #[cfg(feature = "alerts")]
    pub fn alerts(&self, runtime: std::sync::Arc<dyn crate::runtime::Runtime>) -> crate::alert::Alerts {
        crate::alert::Alerts::new(self.store.url.as_str(), self.alerts.clone(), runtime).with_keys(self.keys.clone())
    }
}
