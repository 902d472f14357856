//! The forms of key files. The content of a file says which form it has, not its name.

mod der;
pub(super) mod jwk;
mod pem;

use super::{
    key::{KeyError, MAX_KEY_BYTES, PublicKey},
    known::Known,
};

/// A form: whether a file begins like one, and how it is read. It is decided by its beginning alone: whatever begins so
/// and cannot be read is damaged, and no other form is tried.
type Form = (fn(&[u8]) -> bool, fn(&[u8]) -> Result<Known, KeyError>);

/// The forms, the more particular ones first: a new one is a file here and a line in this table.
const FORMS: &[Form] = &[(jwk::begins, jwk::read), (pem::begins, pem::read), (der::begins, der::read)];

impl PublicKey {
    /// Reads a key file. Its content says which form it has, not its name.
    pub fn parse(file: &[u8]) -> Result<Self, KeyError> {
        if file.len() > MAX_KEY_BYTES {
            return Err(KeyError::TooLarge);
        }
        let form = FORMS.iter().find(|(begins, _)| begins(file));
        let (_, read) = form.ok_or(KeyError::UnknownForm)?;
        read(file).map(Self::from)
    }
}
