//! Clear-signed texts (RFC 9580, section 7).
//!
//! The whole file is one block, and there is one way to write it, so that nothing in the file passes for text that was
//! not signed: no line before or behind the block, `Hash` as the only header and none in the armor of the signature, no
//! white space at the end of a line and no carriage return (neither is signed), and a dash before those lines alone that
//! need one.

use super::armor;
use crate::verify::VerifyError;

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// Those that a signature may say it is over. Which of them are good enough is decided by the signature itself.
const HASHES: &[&str] = &["SHA1", "RIPEMD160", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512"];

const MAX_HEADERS: usize = 8;

/// The two parts of a clear-signed text.
pub(super) struct ClearSigned {
    /// What was signed, its lines divided by line feeds.
    pub(super) text: Vec<u8>,
    /// The packets of the signatures.
    pub(super) signature: Vec<u8>,
}

pub(super) fn read(document: &[u8]) -> Result<ClearSigned, VerifyError> {
    let mut lines = document.split(|byte| *byte == b'\n');
    if lines.next() != Some(BEGIN) {
        return Err(malformed("something else in the first line"));
    }
    headers(&mut lines)?;
    let mut text = Vec::new();
    let mut first = true;
    loop {
        let line = lines.next().ok_or_else(|| malformed("no signature"))?;
        if line == armor::BEGIN.as_bytes() {
            break;
        }
        if !std::mem::take(&mut first) {
            text.push(b'\n');
        }
        text.extend_from_slice(unescaped(line)?);
    }
    let mut block = vec![armor::BEGIN];
    for line in lines {
        block.push(std::str::from_utf8(line).map_err(|_| malformed("a signature that is not text"))?);
    }
    // The file may end in one line feed.
    if block.last() == Some(&"") {
        block.pop();
    }
    let signature = armor::read(block.into_iter(), 0).map_err(|error| malformed(&error.failure().found))?;
    Ok(ClearSigned { text, signature })
}

/// Those before the text, and the empty line that ends them.
fn headers<'a>(lines: &mut impl Iterator<Item = &'a [u8]>) -> Result<(), VerifyError> {
    for _ in 0..=MAX_HEADERS {
        let line = lines.next().ok_or_else(|| malformed("no text"))?;
        if line.is_empty() {
            return Ok(());
        }
        let hashes = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("Hash: "));
        let hashes = hashes.ok_or_else(|| malformed("a header that is not `Hash`"))?;
        if !hashes.split(',').all(|hash| HASHES.contains(&hash.strip_prefix(' ').unwrap_or(hash))) {
            return Err(malformed("a `Hash` that names no hash"));
        }
    }
    Err(malformed("more headers"))
}

/// A line of the text as it was signed.
fn unescaped(line: &[u8]) -> Result<&[u8], VerifyError> {
    if line.contains(&b'\r') {
        return Err(malformed("a carriage return in the text"));
    }
    if line.ends_with(b" ") || line.ends_with(b"\t") {
        return Err(malformed("a line of the text that ends in white space, which nobody signs"));
    }
    match line.strip_prefix(b"- ") {
        // So that mail programs leave it alone.
        Some(escaped) if escaped.starts_with(b"-") || escaped.starts_with(b"From ") => Ok(escaped),
        Some(_) => Err(malformed("a line of the text with a dash before it that it does not need")),
        None if line.starts_with(b"-") => Err(malformed("a line of the text without the dash before it that it needs")),
        None => Ok(line),
    }
}

pub(super) fn malformed(found: &str) -> VerifyError {
    VerifyError::malformed_document("one clear-signed text and nothing else", found)
}
