//! The forms of key files. The content of a file says which form it has, not its name.

mod allowed_signers;
mod der;
pub(super) mod jwk;
mod minisign;
mod nix;
mod note;
#[cfg(feature = "openpgp")]
mod openpgp;
mod pem;
mod ssh;

use super::{
    TrustedKey,
    key::{KeyError, MAX_KEY_BYTES, PublicKey},
    known::Known,
};
use crate::evidence::KeyId;

/// A form: whether a file begins like one, and how it is read. It is decided by its beginning alone: whatever begins so
/// and cannot be read is damaged, and no other form is tried.
type Form = (fn(&[u8]) -> bool, fn(&[u8]) -> Result<Known, KeyError>);

/// The forms, the more particular ones first: a new one is a file here and a line in this table.
const FORMS: &[Form] = &[
    (jwk::begins, jwk::read),
    (pem::begins, pem::read),
    (minisign::begins, minisign::read),
    (ssh::begins, ssh::read),
    (note::begins, note::read),
    (nix::begins, nix::read),
    (der::begins, der::read),
];

impl PublicKey {
    /// Reads a key file. Its content says which form it has, not its name.
    pub fn parse(file: &[u8]) -> Result<Self, KeyError> {
        if file.len() > MAX_KEY_BYTES {
            return Err(KeyError::TooLarge);
        }
        // It also says when a key may sign, and a key alone has no place for that.
        if allowed_signers::begins(file) {
            return Err(KeyError::AllowedSigners);
        }
        #[cfg(feature = "openpgp")]
        if openpgp::begins(file) {
            let mut keys = openpgp::read(file)?;
            return if keys.len() == 1 { keys.pop().ok_or(KeyError::UnknownForm) } else { Err(KeyError::Keyring) };
        }
        let form = FORMS.iter().find(|(begins, _)| begins(file));
        let (_, read) = form.ok_or(KeyError::UnknownForm)?;
        read(file).map(Self::from)
    }
}

impl TrustedKey {
    /// The keys of a key file: one under this id, without limits in time; or those of an allowed-signers file of
    /// OpenSSH, each with the limits that it has there, under `ID:PRINCIPALS` (and `ID:PRINCIPALS#2` for the second key
    /// of the same principals). With the feature `openpgp` also those of an OpenPGP keyring, which are under
    /// `ID:FINGERPRINT` if there are several.
    pub fn read(id: &str, file: &[u8]) -> Result<Vec<Self>, KeyError> {
        #[cfg(feature = "openpgp")]
        if file.len() <= MAX_KEY_BYTES && openpgp::begins(file) {
            return openpgp::trusted(id, file);
        }
        if file.len() > MAX_KEY_BYTES || !allowed_signers::begins(file) {
            return PublicKey::parse(file).map(|key| vec![Self::new(KeyId::new(id), key)]);
        }
        let mut keys: Vec<Self> = Vec::new();
        for signer in allowed_signers::read(file)? {
            let name = format!("{id}:{}", signer.principals);
            let is_taken = |name: &str| keys.iter().any(|key| key.id.as_str() == name);
            let mut free = name.clone();
            let mut number = 1;
            while is_taken(&free) {
                number += 1;
                free = format!("{name}#{number}");
            }
            let mut key = Self::new(KeyId::new(&free), signer.key);
            (key.not_before, key.not_after) = (signer.valid_after, signer.valid_before);
            keys.push(key);
        }
        Ok(keys)
    }
}
