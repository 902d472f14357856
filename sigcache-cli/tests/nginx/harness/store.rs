//! A job that syncs from the site: its configuration, its store, its runs.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::Site;

pub(crate) struct Store<'a> {
    site: &'a Site,
    /// With the configuration; the store is the folder `cache` in it.
    folder: PathBuf,
    env: RefCell<Vec<(String, String)>>,
}

/// What came of one command.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl<'a> Store<'a> {
    /// A job with one resource.
    pub(crate) fn new(site: &'a Site, name: &str, urls: &[String]) -> Self {
        let store = Self::empty(site);
        store.configure("", &resource(name, urls, ""));
        store
    }

    /// A job with one resource that has settings of its own.
    pub(crate) fn with(site: &'a Site, name: &str, urls: &[String], settings: &str) -> Self {
        let store = Self::empty(site);
        store.configure("", &resource(name, urls, settings));
        store
    }

    /// A job without configuration.
    pub(crate) fn empty(site: &'a Site) -> Self {
        let folder = site.path("job");
        fs::create_dir(&folder).unwrap();
        Self { site, folder, env: RefCell::default() }
    }

    /// Writes the configuration. `key` belongs to the publisher's key, `resources` are whole tables.
    pub(crate) fn configure(&self, key: &str, resources: &str) {
        let text = format!(
            "[store]\nurl = \"file:cache\"\n\n[defaults]\nallow_private = true\ntries = 1\nconnect_timeout = \"2s\"\n\
             verify = {{ format = \"detached\", suffix = \".sig\", keys = [\"publisher\"] }}\n\n\
             [keys.publisher]\nfile = \"../publisher.pub.pem\"\n{key}\n\n{resources}"
        );
        fs::write(self.folder.join("sigcache.toml"), text).unwrap();
    }

    pub(crate) fn env(&self, name: &str, value: &str) {
        self.env.borrow_mut().push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("cache")
    }

    pub(crate) fn sync(&self) -> Run {
        self.run(&["sync"])
    }

    /// As if it were another time.
    pub(crate) fn sync_at(&self, at: &str) -> Run {
        self.run(&["--at", at, "sync"])
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigcache"));
        // Nothing of the environment in which the tests run may change what they find.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.env.borrow().iter().map(|(name, value)| (name, value)));
        command.args(["--config", "sigcache.toml", "--json", "--log", "json"]).current_dir(&self.folder);
        command
    }

    /// The exit code of a sync, and the most memory that it had at once, in bytes.
    pub(crate) fn peak_of_sync(&self) -> (Option<i32>, u64) {
        let quiet = || std::process::Stdio::null();
        let mut child = self.command().arg("sync").stdout(quiet()).stderr(quiet()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        loop {
            // The kernel keeps the greatest value, so it does not matter how often it is read.
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak = line.map_or(peak, |line| line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024);
            if let Some(ended) = child.try_wait().unwrap() {
                return (ended.code(), peak);
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command().args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        let json = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}\n{stderr}"));
        Run { code: output.status.code().unwrap(), json, stdout, stderr }
    }

    /// The store holds exactly these documents for readers, each with a signature of the publisher for it, and no byte
    /// anywhere that the publisher did not sign.
    pub(crate) fn store_is(&self, expected: &[(&str, &[u8])]) {
        let mut latest = files(&self.path().join("latest"));
        for (name, bytes) in expected {
            assert!(
                latest.remove(*name).is_some_and(|found| found == *bytes),
                "latest/{name} is not what it should be"
            );
            let signature = latest.remove(&format!("{name}.sig"));
            let fits = signature.is_some_and(|signature| self.site.signatures(bytes).contains(&signature));
            assert!(fits, "latest/{name}.sig is not a signature of latest/{name}");
        }
        assert!(latest.is_empty(), "more in latest than there should be: {:?}", latest.keys());
        for (key, bytes) in files(&self.path().join("versions")) {
            assert!(!self.site.signatures(&bytes).is_empty(), "versions/{key} is nothing that the publisher signed");
        }
        let all = files(&self.path());
        let known = |key: &&String| {
            ["latest/", "versions/", "catalog/", "runs/"].iter().any(|folder| key.starts_with(folder))
                && !key.contains('#')
        };
        let strange: Vec<&String> = all.keys().filter(|key| !known(key)).collect();
        assert!(strange.is_empty(), "remainders in the store: {strange:?}");
    }

    /// Every file of the store.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.path())
    }
}

impl Run {
    /// The exit code, and every decision as `<resource> <outcome> <step> <reason>`.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, decisions: &[&str]) -> &Self {
        assert_eq!(self.decisions(), decisions, "{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn decisions(&self) -> Vec<String> {
        let list = self.json["decisions"].as_array().unwrap_or_else(|| panic!("no report: {}", self.stdout));
        list.iter().map(|decision| said(decision, &["resource", "outcome", "step", "reason"])).collect()
    }

    /// The failed attempts of the only decision, as `<source> <tries> <step> <reason>`.
    pub(crate) fn attempts(&self) -> Vec<String> {
        let list = self.json["decisions"][0]["attempts"].as_array().cloned().unwrap_or_default();
        list.iter().map(|attempt| said(attempt, &["source", "tries", "step", "reason"])).collect()
    }

    /// A member of the only decision.
    pub(crate) fn member(&self, name: &str) -> &Value {
        &self.json["decisions"][0][name]
    }
}

fn said(value: &Value, members: &[&str]) -> String {
    let words = members.iter().map(|member| match &value[*member] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A `[[resource]]`.
pub(crate) fn resource(name: &str, urls: &[String], settings: &str) -> String {
    format!("[[resource]]\nname = {name:?}\nurls = {urls:?}\n{settings}\n\n")
}

/// All files below a folder, by their path from there.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(items) = fs::read_dir(&next) else { continue };
        for item in items {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(folder).unwrap().display().to_string();
                all.insert(key, fs::read(&path).unwrap());
            }
        }
    }
    all
}
