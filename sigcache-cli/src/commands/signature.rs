//! What `sign` writes for minisign and for JWS, and what `keygen` writes for minisign.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Result, anyhow};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use blake2::{Blake2b512, Digest as _};
use ed25519_dalek::{Signer as _, SigningKey};
use sigcache_core::{Digest, Timestamp};

use super::private_key::PrivateKey;

/// A public key as `minisign -G` writes it.
pub(super) fn minisign_public(key: &PrivateKey) -> Result<String> {
    let key = of_minisign(key)?;
    let number = number(key);
    let line = STANDARD.encode([b"Ed", &number[..], key.verifying_key().as_bytes()].concat());
    Ok(format!("untrusted comment: minisign public key {:016X}\n{line}\n", u64::from_le_bytes(number)))
}

/// A signature file as `minisign -S` writes it: over the BLAKE2b hash of the document, and once more over that signature
/// with the comment.
pub(super) fn minisign(key: &PrivateKey, mut document: impl Read, path: &Path, now: Timestamp) -> Result<Vec<u8>> {
    let key = of_minisign(key)?;
    let (mut hasher, mut buffer) = (Blake2b512::new(), vec![0; 256 * 1024]);
    loop {
        match document.read(&mut buffer)? {
            0 => break,
            length => hasher.update(&buffer[..length]),
        }
    }
    let signature = key.sign(&hasher.finalize()).to_bytes();
    let name = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.contains(char::is_control));
    let name = name.ok_or_else(|| anyhow!("a signed comment cannot hold this file's name"))?;
    let comment = format!("timestamp:{}\tfile:{name}\thashed", now.as_millis() / 1000);
    let global = key.sign(&[&signature[..], comment.as_bytes()].concat()).to_bytes();
    let line = STANDARD.encode([b"ED", &number(key)[..], &signature].concat());
    let global = STANDARD.encode(global);
    let file = format!(
        "untrusted comment: signature from a sigcache secret key\n{line}\ntrusted comment: {comment}\n{global}\n"
    );
    Ok(file.into_bytes())
}

/// The document in a compact JWS (RFC 7515, section 7.1).
pub(super) fn jws(key: &PrivateKey, mut document: File) -> Result<Vec<u8>> {
    let mut payload = Vec::new();
    document.read_to_end(&mut payload)?;
    let header = format!("{{\"alg\":\"{}\"}}", key.jose_algorithm());
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = key.sign_jose(token.as_bytes())?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token.into_bytes())
}

fn of_minisign(key: &PrivateKey) -> Result<&SigningKey> {
    key.ed25519().ok_or_else(|| anyhow!("minisign signs with Ed25519; make a key with keygen --algorithm ed25519"))
}

/// What minisign draws by lot and keeps in the secret key's file. A PEM file has no room for it, so it follows from the
/// public key: the same key has the same number always.
fn number(key: &SigningKey) -> [u8; 8] {
    let mut number = [0; 8];
    number.copy_from_slice(&Digest::of(key.verifying_key().as_bytes()).as_bytes()[..8]);
    number
}
