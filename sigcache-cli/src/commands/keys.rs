//! `sigcache keygen` and `sigcache sign`

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use serde::Serialize;
use sigcache_core::{Digest, trust::PublicKey};

use crate::{
    app,
    args::{Common, KeygenArgs, SignArgs, SignFormat},
    commands::{private_key::PrivateKey, signature},
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct KeyPair {
    private_key: String,
    public_key: String,
    fingerprint: Digest,
}

pub(crate) fn keygen(common: &Common, args: KeygenArgs) -> Result<Ending, Fault> {
    let with = |suffix: &str| {
        let mut path = args.path.clone().into_os_string();
        path.push(suffix);
        PathBuf::from(path)
    };
    let (private_path, public_path) = (with(".key.pem"), with(if args.minisign { ".pub" } else { ".pub.pem" }));
    let secret = PrivateKey::generate(args.algorithm)?;
    let private = secret.to_pem().map_err(Fault::usage)?;
    let public = if args.minisign { signature::minisign_public(&secret) } else { secret.public_pem() };
    let public = public.map_err(Fault::usage)?;
    let fingerprint = PublicKey::parse(public.as_bytes()).map_err(Fault::usage)?.fingerprint();
    create(&private_path, private.as_ref().as_bytes(), 0o600)?;
    if let Err(fault) = create(&public_path, public.as_bytes(), 0o644) {
        // A private key alone would stand in the way of the next attempt, and nobody has its other half.
        let _ = std::fs::remove_file(&private_path);
        return Err(fault);
    }
    let pair = KeyPair {
        private_key: private_path.display().to_string(),
        public_key: public_path.display().to_string(),
        fingerprint,
    };
    if common.json {
        output::json(&pair)?;
    } else if !common.quiet {
        output::line(&format!("private key  {}  (keep it where only the signer can read it)", pair.private_key))?;
        output::line(&format!("public key   {}  {fingerprint}", pair.public_key))?;
    }
    Ok(Ending::Good)
}

#[derive(Serialize)]
struct Signed {
    signatures: Vec<String>,
}

pub(crate) fn sign(common: &Common, args: SignArgs) -> Result<Ending, Fault> {
    // Without an ending the signature would take the place of the document, with a slash that of another file.
    let suffix = args.suffix.as_deref().unwrap_or(match args.format {
        SignFormat::Detached => ".sig",
        SignFormat::Minisign => ".minisig",
        SignFormat::Jws => ".jws",
    });
    if suffix.is_empty() || suffix.contains(std::path::is_separator) {
        return Err(Fault::usage(anyhow!("--suffix must be an ending without a slash, such as .sig")));
    }
    let key = PrivateKey::read(&args.key)?;
    let mut signed = Signed { signatures: Vec::new() };
    for path in &args.files {
        let signature = File::open(path).map_err(anyhow::Error::from).and_then(|file| match args.format {
            SignFormat::Detached => key.sign_file(file),
            SignFormat::Minisign => signature::minisign(&key, file, path, app::now(common)),
            SignFormat::Jws => signature::jws(&key, file),
        });
        let signature = signature.with_context(|| format!("cannot sign {}", path.display())).map_err(Fault::usage)?;
        let mut beside = path.clone().into_os_string();
        beside.push(suffix);
        let beside = PathBuf::from(beside);
        replace(&beside, &signature)?;
        if !common.json && !common.quiet {
            output::line(&format!("signed  {}  {}", path.display(), beside.display()))?;
        }
        signed.signatures.push(beside.display().to_string());
    }
    if common.json {
        output::json(&signed)?;
    }
    Ok(Ending::Good)
}

/// A new file; an existing key is never overwritten.
fn create(path: &Path, content: &[u8], mode: u32) -> Result<(), Fault> {
    let write = create_new(path, mode).and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    write.with_context(|| format!("cannot create {}", path.display())).map_err(Fault::usage)
}

/// Fails where something has that name already, be it a link that leads elsewhere.
fn create_new(path: &Path, mode: u32) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

/// A whole file or the one before, never half of one.
fn replace(path: &Path, content: &[u8]) -> Result<(), Fault> {
    let mut part = path.to_path_buf().into_os_string();
    part.push(format!(".{}.part", std::process::id()));
    let write = || {
        let mut file = create_new(part.as_ref(), 0o644)?;
        let written = file.write_all(content).and_then(|()| std::fs::rename(&part, path));
        if written.is_err() {
            // Ours, since it was new; nothing more can be done where even this fails.
            let _ = std::fs::remove_file(&part);
        }
        written
    };
    write().with_context(|| format!("cannot write {}", path.display())).map_err(Fault::usage)
}
