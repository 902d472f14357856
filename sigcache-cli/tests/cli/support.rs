//! A folder as origin, a store, a configuration, and the real binary.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::{
    ecdsa::{
        Signature, SigningKey,
        signature::{Signer as _, hazmat::PrehashSigner as _},
    },
    pkcs8::{EncodePublicKey as _, LineEnding},
};
use serde_json::Value;
use sigcache_core::Hasher;
use tempfile::TempDir;

use crate::schema;

/// Every file below a folder with its bytes. Two of them are equal if nothing was changed.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// The verification that a resource has where a test says nothing else.
const DETACHED: &str = r#"verify = { format = "detached", suffix = ".sig", keys = ["publisher"] }"#;

/// A moment at which most tests that need a fixed one begin.
pub const NOON: &str = "2026-11-24T12:00:00Z";

pub struct Lab {
    folder: TempDir,
    key: SigningKey,
    environment: Mutex<Vec<(String, String)>>,
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ran {
    pub fn text(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }

    /// Standard output, after an end with `code`.
    #[track_caller]
    pub fn ends(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.text(), self.err);
        self.text()
    }

    /// Standard error, after an end with `code` and nothing on standard output.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!((self.code, self.text().as_str()), (code, ""), "{}", self.err);
        self.err
    }
}

impl Lab {
    /// A publisher's key and nothing else.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let lab = Self { folder, key, environment: Mutex::default() };
        let public = lab.key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
        fs::write(lab.path("publisher.pub.pem"), public).unwrap();
        lab
    }

    /// Resources that the origin offers in their first version, configured but not synced.
    pub fn with(names: &[&str]) -> Self {
        let lab = Self::new();
        for name in names {
            lab.offer(name, format!("{name} 1\n").as_bytes());
        }
        lab.configure(names, "");
        lab
    }

    /// The same, synced once.
    pub fn synced(names: &[&str]) -> Self {
        let lab = Self::with(names);
        lab.run(&["sync"]).ends(0);
        lab
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub fn read(&self, below: &str) -> Vec<u8> {
        fs::read(self.path(below)).unwrap()
    }

    /// A new file in place of the old one; other links to the old one keep its bytes.
    pub fn replace(&self, below: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.exists() {
            fs::remove_file(&path).unwrap();
        }
        fs::write(path, bytes).unwrap();
    }

    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(bytes);
        signature.to_der().as_bytes().to_vec()
    }

    /// The origin serves `bytes` under `name`, validly signed.
    pub fn offer(&self, name: &str, bytes: &[u8]) {
        self.replace(&format!("origin/{name}"), bytes);
        self.replace(&format!("origin/{name}.sig"), self.sign(bytes));
    }

    /// The same with so many zeros, which take no room on the disk.
    pub fn offer_zeros(&self, name: &str, length: usize) {
        self.replace(&format!("origin/{name}"), "");
        fs::File::options()
            .write(true)
            .open(self.path(&format!("origin/{name}")))
            .unwrap()
            .set_len(length as u64)
            .unwrap();
        let (zeros, mut hasher, mut left) = (vec![0; 1 << 20], Hasher::default(), length);
        while left > 0 {
            let some = left.min(zeros.len());
            hasher.update(&zeros[..some]);
            left -= some;
        }
        let signature: Signature = self.key.sign_prehash(hasher.finish().as_bytes()).unwrap();
        self.replace(&format!("origin/{name}.sig"), signature.to_der().as_bytes());
    }

    pub fn origin(&self) -> String {
        format!("file://{}", self.path("origin").display())
    }

    /// Writes the configuration: `names`, each at the origin, and what holds for all of them.
    pub fn configure(&self, names: &[&str], defaults: &str) {
        let verify = if defaults.contains("verify") { "" } else { DETACHED };
        let mut text = format!(
            "[store]\nurl = \"file:cache\"\n\n[defaults]\ntries = 1\n{defaults}\n{verify}\n\n\
             [keys.publisher]\nfile = \"publisher.pub.pem\"\n"
        );
        for name in names {
            text += &format!("\n[[resource]]\nname = \"{name}\"\nurls = [\"{}/{name}\"]\n", self.origin());
        }
        self.replace("sigcache.toml", text);
    }

    /// What the binary finds in its environment from now on.
    pub fn set_environment(&self, environment: &[(String, String)]) {
        *self.environment.lock().unwrap() = environment.to_vec();
    }

    /// The binary in this folder, with nothing of the environment that could change what it does.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigcache"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SIGCACHE_")) {
            command.env_remove(name);
        }
        command.envs(self.environment.lock().unwrap().iter().cloned());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked"), "{args:?}: {err}");
        Ran { code: output.status.code().unwrap(), out: output.stdout, err }
    }

    /// The same at `time`.
    pub fn run_at(&self, time: &str, args: &[&str]) -> Ran {
        self.run(&[&["--at", time], args].concat())
    }

    /// What a command prints with `--json`, which must be a `definition` of the schema.
    #[track_caller]
    pub fn json(&self, definition: &str, code: i32, args: &[&str]) -> Value {
        let ran = self.run(&[&["--json"], args].concat());
        let value: Value = serde_json::from_slice(&ran.out)
            .unwrap_or_else(|error| panic!("{args:?}: {error}\n{}\n{}", String::from_utf8_lossy(&ran.out), ran.err));
        schema::check(definition, &value);
        assert_eq!(ran.code, code, "{args:?}: {value:#}\n{}", ran.err);
        value
    }

    /// All files of the store.
    pub fn store(&self) -> Tree {
        tree(&self.path("cache"))
    }

    /// The keys below a folder of the store, such as `versions/`.
    pub fn keys(&self, below: &str) -> Vec<String> {
        self.store().into_keys().filter(|key| key.starts_with(below)).collect()
    }

    /// The one key below a folder of the store.
    #[track_caller]
    pub fn key(&self, below: &str) -> String {
        let keys = self.keys(below);
        assert_eq!(keys.len(), 1, "{keys:?}");
        format!("cache/{}", keys[0])
    }
}

pub fn tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    collect(folder, "", &mut tree);
    tree
}

fn collect(folder: &Path, prefix: &str, tree: &mut Tree) {
    let Ok(items) = fs::read_dir(folder) else { return };
    for item in items {
        let item = item.unwrap();
        let key = format!("{prefix}{}", item.file_name().to_str().unwrap());
        if item.file_type().unwrap().is_dir() {
            collect(&item.path(), &format!("{key}/"), tree);
        } else {
            tree.insert(key, fs::read(item.path()).unwrap());
        }
    }
}

/// The decision about `name` in a report.
#[track_caller]
pub fn decision<'a>(report: &'a Value, name: &str) -> &'a Value {
    let decisions = report["decisions"].as_array().unwrap();
    let find = decisions.iter().find(|decision| decision["resource"] == name);
    find.unwrap_or_else(|| panic!("nothing about {name} in {report:#}"))
}

/// Outcome, step and reason of a decision.
#[track_caller]
pub fn verdict(report: &Value, name: &str) -> (String, String, String) {
    let decision = decision(report, name);
    let word = |key: &str| decision[key].as_str().unwrap().to_owned();
    (word("outcome"), word("step"), word("reason"))
}

/// What [`verdict`] should be.
pub fn is(outcome: &str, step: &str, reason: &str) -> (String, String, String) {
    (outcome.to_owned(), step.to_owned(), reason.to_owned())
}

/// The one JWK Set of these keys, as an anchor holds it.
pub fn jwk_set(keys: &[&SigningKey]) -> String {
    let jwk = |key: &&SigningKey| {
        let point = key.verifying_key().to_sec1_point(false);
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = (coordinate(point.x().unwrap()), coordinate(point.y().unwrap()));
        format!(r#"{{"kty":"EC","crv":"P-256","kid":"{x}","x":"{x}","y":"{y}"}}"#)
    };
    format!(r#"{{"keys":[{}]}}"#, keys.iter().map(jwk).collect::<Vec<_>>().join(","))
}
