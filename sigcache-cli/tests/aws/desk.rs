//! Where somebody sits who deploys: a release key, the file of the chain, and the command.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::world::World;

pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) world: World,
}

/// What a command did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What it printed, after an end with `code`.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self.out
    }

    /// The same as JSON, which is what the schema says.
    #[track_caller]
    pub(crate) fn json(self, code: i32, definition: &str) -> Value {
        let value = serde_json::from_str(&self.ends(code)).unwrap();
        crate::schema_check::check(definition, &value);
        value
    }
}

impl Desk {
    /// In a world in which everything is well; nothing where there is no emulator.
    pub(crate) async fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["release", "other"] {
            let mut keygen = Command::new(env!("CARGO_BIN_EXE_sigcache"));
            keygen.args(["keygen", "--algorithm", "ed25519", "--minisign", name]).current_dir(folder.path());
            assert!(keygen.output().await.unwrap().status.success());
        }
        let public = fs::read_to_string(folder.path().join("release.pub")).unwrap();
        let world = World::with(&[("SIGCACHE_RELEASE_KEYS", &public)]).await?;
        let desk = Self { folder, world };
        let mut chain = desk.world.names.clone();
        chain["release_keys"] = json!([public.lines().nth(1).unwrap()]);
        desk.write("chain.json", chain.to_string());
        Some(desk)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    /// The file of the chain with something else in it.
    pub(crate) fn change(&self, key: &str, value: Value) {
        let text = fs::read_to_string(self.folder.path().join("chain.json")).unwrap();
        let mut chain: Value = serde_json::from_str(&text).unwrap();
        chain[key] = value;
        self.write("chain.json", chain.to_string());
    }

    /// The command, by the way on which calls can fail.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigcache"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.envs(self.world.server.environment.iter().map(|(name, value)| (name, value)));
        // Another region than that of the chain, which counts alone.
        command.env("AWS_REGION", "eu-west-2").env("AWS_ENDPOINT_URL", self.world.front.endpoint.as_str());
        let output = command.output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
        let private = fs::read_to_string(self.folder.path().join("release.key.pem")).unwrap();
        let secret = private.lines().nth(1).unwrap();
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{}\n{}", ran.out, ran.err);
        ran
    }

    /// `doctor --aws` with `further` arguments.
    pub(crate) async fn doctor(&self, further: &[&str]) -> Ran {
        self.run(&[&["doctor", "--aws", "chain.json"], further].concat()).await
    }

    /// Deploys an artifact with this text in it, signed at this minute, with `further` arguments.
    pub(crate) async fn deploy(&self, text: &str, minute: u8, further: &[&str]) -> Ran {
        self.write("release.zip", bundle(text));
        let at = format!("2026-11-24T12:{minute:02}:00Z");
        let mut arguments = vec!["--at", &at, "deploy", "release.zip", "--chain", "chain.json"];
        if !further.contains(&"--key") {
            arguments.extend(["--key", "release.key.pem"]);
        }
        self.run(&[&arguments[..], further].concat()).await
    }
}

/// A zip archive of one file, `bootstrap`, as Lambda takes it: stored as it is, and without the checksum that nobody here reads.
pub(crate) fn bundle(text: &str) -> Vec<u8> {
    const NAME: &[u8] = b"bootstrap";
    let size = u32::try_from(text.len()).unwrap().to_le_bytes();
    // Checksum, both sizes, the length of the name, and of what else there may be.
    let described = [&[0; 4][..], &size, &size, &u16::try_from(NAME.len()).unwrap().to_le_bytes(), &[0, 0]].concat();
    let head = [&b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0"[..], &described, NAME, text.as_bytes()].concat();
    let entry = [&b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0"[..], &described, &[0; 14], NAME].concat();
    let [from, length] = [head.len(), entry.len()].map(|number| u32::try_from(number).unwrap().to_le_bytes());
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &length, &from, &[0, 0]].concat();
    [head, entry, end].concat()
}
