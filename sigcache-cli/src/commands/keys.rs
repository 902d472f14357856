//! `sigcache keygen` and `sigcache sign`

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner as _},
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding},
};
use serde::Serialize;
use sigcache_core::{Digest, Hasher, trust::PublicKey};

use crate::{
    args::{Common, KeygenArgs, SignArgs},
    commands::verify::read_small,
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
    let (private_path, public_path) = (with(".key.pem"), with(".pub.pem"));
    let secret = random_key()?;
    let private = secret.to_pkcs8_pem(LineEnding::LF).map_err(|error| Fault::usage(anyhow!("{error}")))?;
    let public =
        secret.public_key().to_public_key_pem(LineEnding::LF).map_err(|error| Fault::usage(anyhow!("{error}")))?;
    let fingerprint = PublicKey::parse(public.as_bytes()).map_err(Fault::usage)?.fingerprint();
    create(&private_path, private.as_bytes(), 0o600)?;
    create(&public_path, public.as_bytes(), 0o644)?;
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

fn random_key() -> Result<SecretKey, Fault> {
    loop {
        let mut bytes = [0; 32];
        let filled = getrandom::fill(&mut bytes).map_err(anyhow::Error::from);
        filled.context("the system gave no random numbers").map_err(|error| Fault { code: 1, error })?;
        // Out of range about once in four thousand million times.
        if let Ok(key) = SecretKey::from_slice(&bytes) {
            return Ok(key);
        }
    }
}

#[derive(Serialize)]
struct Signed {
    signatures: Vec<String>,
}

pub(crate) fn sign(common: &Common, args: SignArgs) -> Result<Ending, Fault> {
    // Without an ending the signature would take the place of the document, with a slash that of another file.
    if args.suffix.is_empty() || args.suffix.contains(std::path::is_separator) {
        return Err(Fault::usage(anyhow!("--suffix must be an ending without a slash, such as .sig")));
    }
    let pem = read_small(&args.key, sigcache_core::trust::MAX_KEY_BYTES as u64)?;
    let pem = String::from_utf8(pem).map_err(|_| Fault::usage(anyhow!("{} is not a PEM file", args.key.display())))?;
    let key = private_key(&pem).with_context(|| format!("cannot use {} to sign", args.key.display()));
    let key = SigningKey::from(key.map_err(Fault::usage)?);
    let mut signed = Signed { signatures: Vec::new() };
    for path in &args.files {
        let digest = digest(path)?;
        let signature: Signature =
            key.sign_prehash(digest.as_bytes()).map_err(|error| Fault::usage(anyhow!("cannot sign: {error}")))?;
        let mut beside = path.clone().into_os_string();
        beside.push(&args.suffix);
        let beside = PathBuf::from(beside);
        replace(&beside, signature.to_der().as_bytes())?;
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

/// PKCS#8 or SEC 1, the two forms that openssl writes; its `ecparam` puts the curve's name in front.
fn private_key(pem: &str) -> anyhow::Result<SecretKey> {
    const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----";
    if let Some(at) = pem.find(SEC1) {
        return SecretKey::from_sec1_pem(&pem[at..]).map_err(|error| anyhow!("{error}"));
    }
    SecretKey::from_pkcs8_pem(pem).map_err(|error| anyhow!("not a P-256 private key (PEM): {error}"))
}

fn digest(path: &Path) -> Result<Digest, Fault> {
    let read = || -> std::io::Result<Digest> {
        let mut file = File::open(path)?;
        let (mut hasher, mut buffer) = (Hasher::default(), vec![0; 256 * 1024]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                length => hasher.update(&buffer[..length]),
            }
        }
    };
    read().with_context(|| format!("cannot read {}", path.display())).map_err(Fault::usage)
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
