//! The armor of signatures (RFC 9580, section 6): lines that say what is between them, and base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::verify::VerifyError;

pub(super) const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// What nobody signed, but programs write it.
const HEADERS: &[&str] = &["Version: ", "Comment: ", "Hash: ", "Charset: "];

const MAX_HEADERS: usize = 16;

/// The packets of a signature file, armored or not.
pub(super) fn signature_file(file: &[u8]) -> Result<Vec<u8>, VerifyError> {
    // The first byte of a packet is no ASCII.
    if file.first().is_some_and(|byte| *byte >= 0x80) {
        return Ok(file.to_vec());
    }
    let text = std::str::from_utf8(file).map_err(|_| malformed("something that is neither"))?;
    read(text.trim_ascii().lines(), MAX_HEADERS)
}

/// The packets of an armored block that is all there is in `lines`, with at most so many headers.
pub(super) fn read<'a>(mut lines: impl Iterator<Item = &'a str>, headers: usize) -> Result<Vec<u8>, VerifyError> {
    if lines.next() != Some(BEGIN) {
        return Err(malformed("something that begins otherwise"));
    }
    let mut count = 0;
    loop {
        match lines.next() {
            Some("") => break,
            Some(line) if count < headers && HEADERS.iter().any(|header| line.starts_with(header)) => count += 1,
            Some(_) => return Err(malformed("an armor with other headers than it may have, or none that ends them")),
            None => return Err(malformed("an armor without its end")),
        }
    }
    let mut base64 = String::new();
    let mut checksum = false;
    loop {
        match lines.next() {
            Some(END) => break,
            None => return Err(malformed("an armor without its end")),
            Some(_) if checksum => return Err(malformed("an armor that goes on after its checksum")),
            // It guards against accidents alone, and is no longer to be looked at (RFC 9580, section 6.1).
            Some(line) if line.len() == 5 && line.starts_with('=') => checksum = true,
            Some(line) => base64.push_str(line),
        }
    }
    if lines.next().is_some() {
        return Err(malformed("something behind the armor"));
    }
    STANDARD.decode(base64).map_err(|_| malformed("an armor whose base64 is damaged"))
}

pub(super) fn malformed(found: impl Into<Box<str>>) -> VerifyError {
    VerifyError::malformed_signature("OpenPGP signatures, and nothing else: binary, or in an armor", found)
}
