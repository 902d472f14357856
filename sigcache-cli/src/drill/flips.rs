//! Where a bit is flipped: in bytes that the signature covers, so that nothing but the signature can notice.
//!
//! A byte of a text becomes another letter or digit, so that base64, hexadecimal numbers, XML and the like stay what they
//! are. Where a format signs only a part of its document, the bit is in that part.

use std::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

/// The positions within a document, each with how it was chosen.
const PLACES: [(usize, &str); 3] = [(1, "near its beginning"), (2, "in its middle"), (3, "near its end")];

/// Twins of a signed document with one bit flipped, each with the place of it.
pub(crate) fn of_document(format: &str, document: &Bytes, is_covered_whole: bool) -> Vec<(String, Bytes)> {
    let all = || std::iter::once(0..document.len()).collect();
    let spans: Vec<_> = if is_covered_whole { all() } else { signed_parts(format, document) };
    let fits = |byte: u8| is_covered_whole || if format == "narinfo" { byte.is_ascii_digit() } else { is_safe(byte) };
    let spans: Vec<Range<usize>> =
        spans.into_iter().filter(|span| document[span.clone()].iter().any(|byte| fits(*byte))).collect();
    let mut twins: Vec<(usize, &str)> = Vec::new();
    for (quarter, place) in PLACES {
        // Of many spans one for each place, of one span a place in it.
        let Some(span) = spans.get((spans.len() * quarter / 4).min(spans.len().saturating_sub(1))) else { break };
        let from = if spans.len() > 2 { span.start } else { span.start + span.len() * quarter / 4 };
        let after = (from..span.end).find(|at| fits(document[*at]));
        let at = after.or_else(|| (span.start..from).rev().find(|at| fits(document[*at])));
        twins.extend(at.filter(|at| twins.iter().all(|(other, _)| other != at)).map(|at| (at, place)));
    }
    twins.into_iter().map(|(at, place)| (format!("byte {at}, {place}"), flipped(document, at))).collect()
}

/// The same signature file with one bit of each of its signatures flipped; `None` if there is nothing to flip.
pub(crate) fn of_companion(file: &Bytes) -> Option<Bytes> {
    let places = match std::str::from_utf8(file) {
        Ok(_) => in_text(file),
        Err(_) => {
            packets(file).unwrap_or_else(|| vec![file.len()]).into_iter().map(|end| end.saturating_sub(2)).collect()
        }
    };
    let mut other = file.to_vec();
    places.iter().for_each(|at| other[*at] ^= 1);
    Some(Bytes::from(other)).filter(|other| other != file)
}

/// In a text a signature is flipped near its end: the last letters of base64 may have bits that mean nothing.
fn in_text(file: &[u8]) -> Vec<usize> {
    let safe_before = |span: Range<usize>| span.rev().find(|at| is_safe(file[*at]));
    // The JSON forms of a JWS have a signature for each signer.
    if file.trim_ascii_start().starts_with(b"{") {
        let word = b"\"signature\"";
        let starts = (0..file.len()).filter(|at| file[*at..].starts_with(word));
        let value = |at: usize| {
            let start = at + word.len() + nth(&file[at + word.len()..], b"\"", 0)? + 1;
            safe_before(start..start + nth(&file[start..], b"\"", 0)?.saturating_sub(6))
        };
        return starts.filter_map(value).collect();
    }
    // A .narinfo beside an archive is signed in some of its fields only.
    let body = field(file, b"NarHash: ").unwrap_or_else(|| body(file));
    let letters: Vec<usize> = body.clone().filter(|at| !file[*at].is_ascii_whitespace()).collect();
    let raw = STANDARD.decode(letters.iter().map(|at| file[*at]).collect::<Vec<u8>>()).ok();
    match raw.as_deref().and_then(packets).filter(|_| file.starts_with(b"-----BEGIN PGP")) {
        // Four letters of base64 are three bytes.
        Some(ends) => ends.into_iter().filter_map(|end| safe_before(body.start..letters[(end - 6) / 3 * 4])).collect(),
        None => safe_before(body.start..body.end.saturating_sub(6).max(body.start)).into_iter().collect(),
    }
}

/// Where each of the packets of an OpenPGP signature file ends (RFC 9580, section 4.2); `None` if it is none.
fn packets(bytes: &[u8]) -> Option<Vec<usize>> {
    const SIGNATURE: u8 = 2;
    let number = |from: usize, length: usize| {
        let bytes = bytes.get(from..from + length)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let (mut at, mut ends) = (0, Vec::new());
    while at < bytes.len() {
        let first = bytes[at];
        let (tag, header, length) = match (first >> 6, number(at + 1, 1)?) {
            (3, short @ ..192) => (first & 63, 2, short),
            (3, long @ 192..224) => (first & 63, 3, ((long - 192) << 8) + number(at + 2, 1)? + 192),
            (3, 255) => (first & 63, 6, number(at + 2, 4)?),
            (2, _) if first & 3 < 3 => (first >> 2 & 15, 1 + (1 << (first & 3)), number(at + 1, 1 << (first & 3))?),
            _ => return None,
        };
        at += header + length;
        // Shorter ones hold no signature.
        if tag != SIGNATURE || length < 16 || at > bytes.len() {
            return None;
        }
        ends.push(at);
    }
    Some(ends).filter(|ends| !ends.is_empty())
}

/// What is left of a document whose signature stands in it, without the signature.
pub(crate) fn unsigned(format: &str, document: &Bytes) -> Option<Bytes> {
    match format {
        "note" => Some(document.slice(..note_text(document)?)),
        "narinfo" => {
            let lines = document.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"Sig: "));
            Some(lines.collect::<Vec<_>>().concat().into())
        }
        "saml-metadata" | "xmldsig" => {
            let signature = super::markup::signature(document)?;
            Some([&document[..signature.start], &document[signature.end..]].concat().into())
        }
        _ => None,
    }
}

/// A letter or digit that with its lowest bit flipped is another one, in hexadecimal and in base64.
fn is_safe(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'b'..=b'e' | b'B'..=b'E')
}

fn flipped(bytes: &Bytes, at: usize) -> Bytes {
    let mut other = bytes.to_vec();
    other[at] ^= 1;
    other.into()
}

/// The parts of a document that its own signature covers.
fn signed_parts(format: &str, document: &[u8]) -> Vec<Range<usize>> {
    let one = match format {
        "jws" => payload(document),
        "note" => note_text(document).map(|end| 0..end),
        "narinfo" => field(document, b"NarHash: sha256:"),
        "signify" => nth(document, b"\n", 1).map(|end| end + 1..document.len()),
        "openpgp" => clear_text(document),
        "saml-metadata" | "xmldsig" => return super::markup::signed_texts(document),
        _ => Some(0..document.len()),
    };
    one.into_iter().collect()
}

/// The payload of a JWS, in its compact or a JSON form.
fn payload(document: &[u8]) -> Option<Range<usize>> {
    if !document.trim_ascii_start().starts_with(b"{") {
        let start = nth(document, b".", 0)? + 1;
        return Some(start..start + nth(&document[start..], b".", 0)?);
    }
    let word = nth(document, b"\"payload\"", 0)? + b"\"payload\"".len();
    let start = word + nth(&document[word..], b"\"", 0)? + 1;
    Some(start..start + nth(&document[start..], b"\"", 0)?)
}

/// The text of a note with the end of its last line: what comes before the last blank line.
fn note_text(document: &[u8]) -> Option<usize> {
    document.windows(2).rposition(|pair| pair == b"\n\n").map(|at| at + 1)
}

/// The value of the line that begins so.
fn field(text: &[u8], begin: &[u8]) -> Option<Range<usize>> {
    let start = if text.starts_with(begin) { 0 } else { nth(text, &[b"\n", begin].concat(), 0)? + 1 };
    let start = start + begin.len();
    Some(start..start + nth(&text[start..], b"\n", 0).unwrap_or(text.len() - start))
}

/// The text of a clear-signed document.
fn clear_text(document: &[u8]) -> Option<Range<usize>> {
    let blank = |pair: &[u8]| nth(document, pair, 0).map(|at| at + pair.len());
    let start = [blank(b"\n\n"), blank(b"\n\r\n")].into_iter().flatten().min()?;
    Some(start..start + nth(&document[start..], b"\n-----BEGIN PGP SIGNATURE", 0)?)
}

/// What is between the lines of an armor, without the checksum that OpenPGP puts before the last one; else all of it.
fn body(text: &[u8]) -> Range<usize> {
    if !text.starts_with(b"-----BEGIN ") {
        return 0..text.trim_ascii_end().len();
    }
    // Fields may stand before the base64, and then a blank line.
    let start =
        [b"\n\n".as_slice(), b"\n\r\n", b"\n"].iter().find_map(|blank| Some(nth(text, blank, 0)? + blank.len()));
    let start = start.unwrap_or(0);
    let end = [b"\n=".as_slice(), b"\n-----END"].iter().find_map(|end| nth(&text[start..], end, 0));
    start..start + end.unwrap_or(text.len() - start)
}

fn nth(bytes: &[u8], wanted: &[u8], number: usize) -> Option<usize> {
    bytes.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted).map(|(at, _)| at).nth(number)
}
