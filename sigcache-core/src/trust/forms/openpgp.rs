//! OpenPGP certificates (RFC 9580): one, or a keyring of several; armored or not.

use sequoia_openpgp::{Cert, cert::CertParser, parse::Parse as _};

use crate::{
    evidence::KeyId,
    trust::{
        TrustedKey,
        key::{KeyError, PublicKey},
        known::damaged,
        openpgp::public_key,
    },
};

const FORM: &str = "OpenPGP certificate";

const ARMOR: &[u8] = b"-----BEGIN PGP ";

/// An armor, or a packet that holds a primary key, public or private, as its header says in the old form or the new.
pub(super) fn begins(file: &[u8]) -> bool {
    file.trim_ascii_start().starts_with(ARMOR) || matches!(file, [0x94..=0x9b | 0xc5 | 0xc6, ..])
}

/// The certificates, in the order of the file. There is at least one, and none that cannot be read.
pub(super) fn read(file: &[u8]) -> Result<Vec<PublicKey>, KeyError> {
    certificates(file)?.into_iter().map(public_key).collect()
}

/// The certificate under `id`, or those of a keyring under `ID:FINGERPRINT`.
pub(super) fn trusted(id: &str, file: &[u8]) -> Result<Vec<TrustedKey>, KeyError> {
    let certificates = certificates(file)?;
    let alone = certificates.len() == 1;
    let trusted = |cert: Cert| {
        let id = if alone { id.to_owned() } else { format!("{id}:{}", cert.fingerprint()) };
        // What the certificate says of its end is asked when it counts: to check it costs more than most documents do, and
        // a keyring holds many that signed nothing.
        Ok(TrustedKey::new(KeyId::new(&id), public_key(cert)?))
    };
    certificates.into_iter().map(trusted).collect()
}

fn certificates(file: &[u8]) -> Result<Vec<Cert>, KeyError> {
    let file = if file.trim_ascii_start().starts_with(ARMOR) { file.trim_ascii_start() } else { file };
    let parsed = CertParser::from_bytes(file).map_err(|error| damaged(FORM, error))?;
    let certificates: Vec<Cert> = parsed.collect::<Result<_, _>>().map_err(|error| damaged(FORM, error))?;
    if certificates.iter().any(Cert::is_tsk) {
        return Err(KeyError::PrivateKey);
    }
    if certificates.is_empty() { Err(damaged(FORM, "no certificate in it")) } else { Ok(certificates) }
}
