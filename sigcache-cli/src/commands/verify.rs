//! `sigcache verify`

mod bundle;

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use serde::Serialize;
use sigcache_core::{
    Evidence, KeyId, Name, Reason, Resource, Step,
    config::Config,
    explain::of_evidence,
    pipeline::{ExamineError, examine},
    verify::{Companion, Need},
};

use crate::{
    app::{self, App},
    args::{Common, VerifyArgs},
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct Verdict<'a> {
    file: String,
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Why<'a>>,
}

#[derive(Serialize)]
struct Why<'a> {
    step: Step,
    reason: Reason,
    expected: &'a str,
    found: &'a str,
}

pub(crate) async fn run(common: &Common, args: VerifyArgs) -> Result<Ending, Fault> {
    let Some(path) = args.file.clone() else {
        return bundle::run(common, &args);
    };
    let resource = match &args.name {
        Some(name) => {
            let config = app::load(common)?;
            match app::resource(&config.resources, name) {
                Ok(resource) => resource.clone(),
                // Its keys are in the catalog.
                Err(_) if !config.anchored.is_empty() => App::about(common, name).await?.1,
                Err(fault) => return Err(fault),
            }
        }
        None => by_hand(&args, &path)?,
    };
    // First of all the document: what lies beside one that is not there is not what is wrong.
    let open = File::open(&path).with_context(|| format!("cannot open {}", path.display()));
    let chunks = Chunks(open.map_err(Fault::usage)?);
    let companions = companions(&args, &path, &resource)?;
    let file = path.display().to_string();
    match examine(&resource, &companions, chunks, app::now(common)) {
        Ok(evidence) => {
            if common.json {
                output::json(&Verdict { file, verified: true, evidence: Some(&evidence), failure: None })?;
            } else if !common.quiet {
                let keys: Vec<&str> = evidence.signers.iter().map(KeyId::as_str).collect();
                let (size, digest) = (evidence.size, evidence.digest);
                output::line(&format!("verified  {file}  {size} bytes  {digest}  signed by {}", keys.join(", ")))?;
                output::line(&of_evidence(&resource, &evidence))?;
            }
            Ok(Ending::Good)
        }
        Err(ExamineError::Refused(failure)) => {
            if common.json {
                let (step, reason) = (failure.step(), failure.reason);
                let why = Why { step, reason, expected: &failure.expected, found: &failure.found };
                output::json(&Verdict { file, verified: false, evidence: None, failure: Some(why) })?;
            } else {
                output::line(&format!("refused  {file}  {failure}"))?;
            }
            Ok(Ending::NotGood)
        }
        Err(error) => Err(Fault::usage(anyhow::Error::new(error).context(format!("cannot read {file}")))),
    }
}

/// The signature files, as given or beside the document. One that may be missing is `None` where it is; one that was
/// named must be there.
fn companions(args: &VerifyArgs, file: &Path, resource: &Resource) -> Result<Vec<Option<Bytes>>, Fault> {
    let (wanted, limit) = (resource.rules.verifier.companions(), resource.rules.limits.max_companion);
    if !args.signatures.is_empty() {
        if args.signatures.len() != wanted.len() {
            let suffixes: Vec<&str> = wanted.iter().map(|companion| &*companion.suffix).collect();
            let (given, expected) = (args.signatures.len(), wanted.len());
            return Err(Fault::usage(anyhow!(
                "--signature was given {given} times, but this needs {expected} signature files, in this order: {}",
                suffixes.join(", ")
            )));
        }
        return args.signatures.iter().map(|path| Ok(Some(read_small(path, limit)?.into()))).collect();
    }
    let read = |companion: &Companion| {
        let path = match &companion.shared {
            Some(shared) => file.parent().unwrap_or(Path::new("")).join(&**shared),
            None => {
                let mut beside = file.to_owned().into_os_string();
                beside.push(&*companion.suffix);
                PathBuf::from(beside)
            }
        };
        match path.try_exists() {
            Ok(false) if companion.need == Need::Optional => Ok(None),
            _ => Ok(Some(read_small(&path, limit)?.into())),
        }
    };
    wanted.iter().map(read).collect()
}

/// A resource that exists only for this command, written as a configuration has it, so that every format and each of its
/// words is there by the same name, and a mistake is told in the same way.
fn by_hand(args: &VerifyArgs, file: &Path) -> Result<Resource, Fault> {
    let mut text = "store = { url = \"memory:\" }\n".to_owned();
    let mut ids = Vec::new();
    for path in &args.keys {
        let id = toml_text(&path.display().to_string());
        text.push_str(&format!("keys.{id} = {{ file = {id} }}\n"));
        ids.push(id);
    }
    // A list of checksums vouches for a file by its name.
    let named = file.file_name().and_then(|name| name.to_str()).and_then(|name| Name::new(name).ok());
    let name = named.as_ref().map_or("file", Name::as_str);
    text.push_str(&format!("[[resource]]\nname = {}\nurls = [\"https://example.invalid/\"]\n", toml_text(name)));
    if let Some(identity) = &args.identity {
        text.push_str(&format!("identity = {}\n", toml_text(identity)));
    }
    text.push_str(&format!("[resource.verify]\nformat = {}\nkeys = [{}]\n", toml_text(&args.format), ids.join(", ")));
    if args.format == "detached" && !args.words.iter().any(|word| word.trim_start().starts_with("suffix")) {
        text.push_str("suffix = \".sig\"\n");
    }
    for words in &args.words {
        text.push_str(words);
        text.push('\n');
    }
    let config = Config::parse(&text, "--format and --with", Path::new("."), &|_| None).map_err(|error| {
        let identity = args.identity.is_none() && error.problems().iter().any(|p| p.message.contains("no `identity`"));
        let fault = anyhow::Error::new(error);
        Fault::usage(if identity { fault.context("--identity is needed to verify this format by hand") } else { fault })
    })?;
    match <[Resource; 1]>::try_from(config.resources) {
        Ok([resource]) => Ok(resource),
        Err(_) => Err(Fault::usage(anyhow!("--with is for the words of a `verify` alone"))),
    }
}

/// As a basic string of TOML.
pub(crate) fn toml_text(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A file that must be small, read no further than `limit`.
pub(crate) fn read_small(path: &Path, limit: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read {}", path.display())).map_err(Fault::usage)?;
    if bytes.len() as u64 > limit {
        return Err(Fault::usage(anyhow!("{} has more than the {limit} bytes it may have", path.display())));
    }
    Ok(bytes)
}

/// A file in pieces, so that its size does not matter.
struct Chunks(File);

impl Iterator for Chunks {
    type Item = std::io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut buffer = vec![0; 256 * 1024];
        match self.0.read(&mut buffer) {
            Ok(0) => None,
            Ok(length) => {
                buffer.truncate(length);
                Some(Ok(buffer.into()))
            }
            Err(error) => Some(Err(error)),
        }
    }
}
