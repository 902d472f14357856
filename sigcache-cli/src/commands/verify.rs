//! `sigcache verify`

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use serde::Serialize;
use sigcache_core::{
    Evidence, KeyId, Name, Reason, Resource, Rules, Step,
    pipeline::{ExamineError, examine},
    trust::{MAX_KEY_BYTES, PublicKey, Trust, TrustedKey},
    verify::{Companion, Detached, Need},
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
        None => with_keys(&args.keys)?,
    };
    let companions = companions(&args, &resource)?;
    let open = File::open(&args.file).with_context(|| format!("cannot open {}", args.file.display()));
    let chunks = Chunks(open.map_err(Fault::usage)?);
    let file = args.file.display().to_string();
    match examine(&resource, &companions, chunks, app::now(common)) {
        Ok(evidence) => {
            if common.json {
                output::json(&Verdict { file, verified: true, evidence: Some(&evidence), failure: None })?;
            } else if !common.quiet {
                let keys: Vec<&str> = evidence.signers.iter().map(KeyId::as_str).collect();
                let (size, digest) = (evidence.size, evidence.digest);
                output::line(&format!("verified  {file}  {size} bytes  {digest}  signed by {}", keys.join(", ")))?;
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
fn companions(args: &VerifyArgs, resource: &Resource) -> Result<Vec<Option<Bytes>>, Fault> {
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
            Some(shared) => args.file.parent().unwrap_or(Path::new("")).join(&**shared),
            None => {
                let mut beside = args.file.clone().into_os_string();
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

/// A resource that exists only for this command: these keys, any one of them.
fn with_keys(files: &[PathBuf]) -> Result<Resource, Fault> {
    let mut keys = Vec::new();
    for path in files {
        let bytes = read_small(path, MAX_KEY_BYTES as u64)?;
        let key = PublicKey::parse(&bytes).with_context(|| format!("cannot use {} as a key", path.display()));
        keys.push(TrustedKey::new(KeyId::new(&path.display().to_string()), key.map_err(Fault::usage)?));
    }
    let trust = Trust::new(keys, 1).map_err(Fault::usage)?;
    let name = Name::new("file").map_err(Fault::usage)?;
    Ok(Resource::new(name, [], Arc::new(Rules::new(Arc::new(Detached::new(".sig")), trust))))
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
