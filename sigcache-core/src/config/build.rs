//! What is known while a configuration is read, and how equal things are shared.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Read as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    formats::Verify,
    problem::{Place, Problems},
    settings::{AccessSettings, SecretSource, Settings},
    table::quote,
};
use crate::{
    anchor::Anchored,
    evidence::KeyId,
    fetch::{Access, Secret},
    resource::{Resource, Rules},
    trust::TrustedKey,
};

/// Looks up a variable of the environment.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything that decides about a set of rules.
type RulesKey = (Settings, Option<Arc<str>>, Option<Arc<str>>);

/// What is known so far.
pub(super) struct Build<'a> {
    pub(super) problems: Problems,
    /// The folder that relative paths begin at.
    pub(super) folder: PathBuf,
    pub(super) env: Env<'a>,
    pub(super) keys: Vec<TrustedKey>,
    /// Every id of the file and the keys under it; `None` where they could not be read.
    pub(super) key_index: BTreeMap<String, Option<Range<usize>>>,
    /// Whether `[defaults]` has a `verify`, sound or not.
    pub(super) default_verify: bool,
    pub(super) verifies: Vec<Verify>,
    pub(super) verify_index: HashMap<(String, Vec<KeyId>, usize), usize>,
    pub(super) resources: Vec<Resource>,
    /// Where the name of each resource stands.
    pub(super) places: Vec<Place>,
    /// What rests on anchors, with the place where the anchor is named.
    pub(super) anchored: Vec<(Anchored, Place)>,
    pub(super) secrets: HashMap<SecretSource, Secret>,
    files: HashMap<PathBuf, Bytes>,
    /// Lists of names, which nobody needs twice.
    pub(super) lists: Vec<PathBuf>,
    rules: HashMap<RulesKey, Arc<Rules>>,
    access: HashMap<AccessSettings, Arc<Access>>,
}

impl<'a> Build<'a> {
    pub(super) fn new(problems: Problems, folder: PathBuf, env: Env<'a>) -> Self {
        Self {
            problems,
            folder,
            env,
            keys: Vec::new(),
            key_index: BTreeMap::new(),
            default_verify: false,
            verifies: Vec::new(),
            verify_index: HashMap::new(),
            resources: Vec::new(),
            places: Vec::new(),
            anchored: Vec::new(),
            secrets: HashMap::new(),
            files: HashMap::new(),
            lists: Vec::new(),
            rules: HashMap::new(),
            access: HashMap::new(),
        }
    }

    /// The one set of rules for these settings; `None` if they name no valid `verify`.
    pub(super) fn rules(
        &mut self,
        settings: &Settings,
        identity: Option<Arc<str>>,
        set: Option<Arc<str>>,
    ) -> Option<Arc<Rules>> {
        let verify = self.verifies.get(settings.verify?)?;
        let key = (settings.clone(), identity, set);
        if let Some(rules) = self.rules.get(&key) {
            return Some(rules.clone());
        }
        let mut policy = settings.policy();
        (policy.identity, policy.set) = (key.1.clone(), key.2.clone());
        let mut rules = Rules::new(verify.verifier.clone(), verify.signers.trust())
            .with_policy(policy)
            .with_limits(settings.limits());
        rules.words = Some(verify.words.clone());
        rules.content_type = settings.content_type.as_deref().map(Arc::from);
        rules.access = match self.access.get(&settings.access) {
            Some(access) => access.clone(),
            None => {
                let access = Arc::new(self.access(&settings.access));
                self.access.insert(settings.access.clone(), access.clone());
                access
            }
        };
        let rules = Arc::new(rules);
        self.rules.insert(key, rules.clone());
        Some(rules)
    }

    /// The file that is named at `place`, once for all who name it.
    pub(super) fn read_file(&mut self, name: &str, place: &Place, limit: usize) -> Option<Bytes> {
        let path = self.folder.join(name);
        if let Some(bytes) = self.files.get(&path) {
            return Some(bytes.clone());
        }
        let fault = match read_bounded(&path, limit) {
            Ok(Some(bytes)) => {
                let bytes = Bytes::from(bytes);
                self.files.insert(path, bytes.clone());
                return Some(bytes);
            }
            Ok(None) => format!("it is larger than {limit} bytes"),
            Err(error) => error.to_string(),
        };
        let message = format!("the file {} cannot be read: {fault}", quote(&path.display().to_string()));
        self.problems.at_place(place.clone(), message).expected("a path, from the folder of the configuration");
        None
    }

    /// Every file that was read beside the configuration.
    pub(super) fn files_read(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self.files.keys().chain(&self.lists).cloned().collect();
        paths.sort();
        paths
    }

    /// The bytes of a file that [`Build::read_file`] has read.
    pub(super) fn file(&self, path: &Path) -> Option<&Bytes> {
        self.files.get(path)
    }
}

/// All of a file, or `None` if it has more than `limit` bytes.
pub(super) fn read_bounded(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}
