//! `policy.json`: by which rules the document was accepted, and the keys that may sign it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sigcache_core::{
    Digest, Name, OnExpiry, Replays, Resource, Timestamp,
    config::Config,
    trust::{KeyFile, TrustedKey},
};

const FORMAT: u32 = 1;

/// What `policy.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    format: u32,
    pub(super) resource: Name,
    /// What the document must say that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    /// The `verify` table of the configuration. Files in it are members.
    pub(super) verify: Map<String, Value>,
    /// How many different keys must sign.
    pub(super) threshold: usize,
    pub(super) keys: Vec<File>,
    /// The anchor that named the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) anchor: Option<Name>,
    max_age_seconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_stale_seconds: Option<u64>,
    on_expiry: String,
    replays: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shrink_limit: Option<f64>,
}

/// A key file, as it was configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) id: String,
    /// The member that it is.
    pub(super) file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    revoked: bool,
    /// The keys in it.
    pub(super) keys: Vec<Key>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) fingerprint: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) algorithm: Option<String>,
    /// The member that has it as PEM (SubjectPublicKeyInfo), which openssl reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pem: Option<String>,
}

/// Members by their names.
pub(super) type Members = BTreeMap<String, Vec<u8>>;

/// The policy of `resource`, with the members that it names.
pub(super) fn of(resource: &Resource) -> Result<(Policy, Members)> {
    let rules = &resource.rules;
    let words = rules.words.as_deref().context("its rules do not come from a configuration")?;
    let mut members = Members::new();
    let mut verify: Map<String, Value> = serde_json::from_str(&words.words)?;
    for (number, (name, bytes)) in words.files.iter().enumerate() {
        let member = format!("files/{}", number + 1);
        verify.values_mut().for_each(|value| rename(value, name, &member));
        members.insert(member, bytes.to_vec());
    }
    let mut keys: Vec<(Arc<KeyFile>, Vec<&TrustedKey>)> = Vec::new();
    for key in rules.trust.keys() {
        let file = key.file.clone().map_or_else(|| by_itself(key).map(Arc::new), Ok)?;
        match keys.iter_mut().find(|(other, _)| other.id == file.id) {
            Some((_, alike)) => alike.push(key),
            None => keys.push((file, vec![key])),
        }
    }
    let keys =
        keys.into_iter().enumerate().map(|(number, (file, keys))| describe(number + 1, &file, &keys, &mut members));
    let keys = keys.collect();
    let policy = &rules.policy;
    let policy = Policy {
        format: FORMAT,
        resource: resource.name.clone(),
        identity: policy.identity.as_deref().map(str::to_owned),
        verify,
        threshold: rules.trust.threshold(),
        keys,
        anchor: resource.anchor.clone(),
        max_age_seconds: policy.max_age.as_secs(),
        max_stale_seconds: policy.max_stale.map(|span| span.as_secs()),
        on_expiry: if policy.on_expiry == OnExpiry::Serve { "serve" } else { "withhold" }.to_owned(),
        replays: if policy.replays == Replays::Accept { "accept" } else { "refuse" }.to_owned(),
        shrink_limit: policy.shrink_limit,
    };
    Ok((policy, members))
}

fn rename(value: &mut Value, name: &str, member: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, name, member)),
        Value::String(text) if text == name => *text = member.to_owned(),
        _ => {}
    }
}

/// A key that no file of the configuration has, since an anchor named it.
fn by_itself(key: &TrustedKey) -> Result<KeyFile> {
    let der = key.key.certificate().map(|der| ("CERTIFICATE", der));
    let (label, der) = der
        .or_else(|| key.key.spki_der().map(|der| ("PUBLIC KEY", der)))
        .with_context(|| format!("{} is no key that stands for itself, but a digest that an anchor names", key.id))?;
    let mut file = KeyFile::new(key.id.as_str(), pem(label, der).into_bytes().into());
    (file.not_before, file.not_after, file.revoked) = (key.not_before, key.not_after, key.revoked);
    Ok(file)
}

fn describe(number: usize, file: &KeyFile, keys: &[&TrustedKey], members: &mut Members) -> File {
    let member = format!("keys/{number}.configured");
    members.insert(member.clone(), file.bytes.to_vec());
    let described = keys.iter().enumerate().map(|(index, key)| {
        let several = if keys.len() > 1 { format!("-{}", index + 1) } else { String::new() };
        let pem = key.key.spki_der().map(|der| {
            let member = format!("keys/{number}{several}.pem");
            members.insert(member.clone(), pem("PUBLIC KEY", der).into_bytes());
            member
        });
        Key {
            id: key.id.as_str().to_owned(),
            fingerprint: key.key.fingerprint(),
            algorithm: key.key.algorithm().map(|algorithm| algorithm.to_string()),
            pem,
        }
    });
    File {
        id: file.id.to_string(),
        file: member,
        not_before: file.not_before,
        not_after: file.not_after,
        revoked: file.revoked,
        keys: described.collect(),
    }
}

/// As openssl writes it (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

impl Policy {
    /// Sets the resource up as the configuration did of which it was made. What it names is looked up in `members` alone.
    pub(super) fn resource(&self, members: &Members) -> Result<Resource> {
        ensure!(self.format == FORMAT, "policy.json has format {}, and this program knows only {FORMAT}", self.format);
        let folder = tempfile::tempdir().context("no room for the keys to be read from")?;
        // Each member is written at most once, or a small bundle could fill the disk.
        let mut named = BTreeSet::new();
        let mut once = |member: &str| {
            ensure!(named.insert(member.to_owned()), "policy.json names {member:?} twice");
            Ok(())
        };
        let mut text = "store = { url = \"memory:\" }\n".to_owned();
        let mut ids = Vec::new();
        for (number, key) in self.keys.iter().enumerate() {
            let file = format!("key-{number}");
            once(&key.file)?;
            put(folder.path(), &file, &key.file, members)?;
            let id = quoted(&key.id);
            text.push_str(&format!("[keys.{id}]\nfile = \"{file}\"\nrevoked = {}\n", key.revoked));
            for (word, moment) in [("not_before", key.not_before), ("not_after", key.not_after)] {
                if let Some(moment) = moment {
                    text.push_str(&format!("{word} = \"{moment}\"\n"));
                }
            }
            ids.push(id);
        }
        let name = quoted(self.resource.as_str());
        text.push_str(&format!("[[resource]]\nname = {name}\nurls = [\"https://example.invalid/\"]\n"));
        if let Some(identity) = &self.identity {
            text.push_str(&format!("identity = {}\n", quoted(identity)));
        }
        text.push_str(&format!("[resource.verify]\nkeys = [{}]\nthreshold = {}\n", ids.join(", "), self.threshold));
        for (word, value) in &self.verify {
            ensure!(!["keys", "anchor", "threshold"].contains(&word.as_str()), "policy.json says twice who signs");
            // Nothing but a member may be read as a file.
            let value = if word == "crl" { &files(value, folder.path(), members, &mut once)? } else { value };
            text.push_str(&format!("{} = {}\n", quoted(word), toml(value)?));
        }
        let config = Config::parse(&text, "policy.json", folder.path(), &|_| None)
            .map_err(|error| anyhow!("policy.json cannot be used: {error}"))?;
        match <[Resource; 1]>::try_from(config.resources) {
            Ok([resource]) => Ok(resource),
            Err(_) => bail!("policy.json cannot be used: it describes no resource"),
        }
    }
}

fn files(value: &Value, folder: &Path, members: &Members, once: &mut impl FnMut(&str) -> Result<()>) -> Result<Value> {
    let names = value.as_array().context("policy.json has a `crl` that is no list")?;
    let copy = |(number, name): (usize, &Value)| {
        let (file, name) = (format!("file-{number}"), name.as_str().unwrap_or_default());
        once(name)?;
        put(folder, &file, name, members)?;
        Ok(Value::String(file))
    };
    names.iter().enumerate().map(copy).collect::<Result<Vec<Value>>>().map(Value::Array)
}

fn put(folder: &Path, file: &str, member: &str, members: &Members) -> Result<()> {
    let bytes = members.get(member).with_context(|| format!("policy.json names {member:?}, which is not in it"))?;
    std::fs::write(folder.join(file), bytes).context("no room for the keys to be read from")
}

/// As a value of TOML.
fn toml(value: &Value) -> Result<String> {
    Ok(match value {
        Value::String(text) => quoted(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Result<Vec<_>>>()?.join(", ")),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                ensure!(key != "crl", "policy.json has a `crl` where none belongs");
                Ok(format!("{} = {}", quoted(key), toml(value)?))
            };
            format!("{{ {} }}", entries.iter().map(entry).collect::<Result<Vec<_>>>()?.join(", "))
        }
        Value::Null => bail!("policy.json has a word without a value"),
    })
}

/// As a basic string of TOML.
fn quoted(text: &str) -> String {
    crate::commands::toml_text(text)
}
