//! The words of the `checksums` format.

use std::sync::Arc;

use super::{Certificates, Format, SetUp, TellsIdentity, detached, ending_fault, minisign, signify, ssh};
use crate::{
    config::{
        build::Build,
        table::{Table, Words, quote},
    },
    verify::Checksums,
};

/// The words of this format.
pub(super) const WORDS: &[&str] = &["list", "signature"];

/// The one word of every `signature`. Who may sign stands outside: it is who vouches for the documents.
const SIGNATURE: &[&str] = &["format"];

/// The words of `detached`, where a list is signed so: it is no JSON document with claims.
const DETACHED: &[&str] = &["suffix", "hash", "scheme"];

/// How a list may be signed.
const SIGNATURES: &[(&str, (Words, SetUp))] = &[
    ("detached", (&[SIGNATURE, DETACHED], detached::set_up)),
    ("minisign", (&[SIGNATURE, minisign::WORDS], minisign::set_up)),
    ("signify", (&[SIGNATURE, signify::WORDS], signify::set_up)),
    ("ssh", (&[SIGNATURE, ssh::WORDS], ssh::set_up)),
];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let list = list(table, build);
    let expected = "how the list is signed, such as signature = { format = \"minisign\" }";
    let Some(value) = table.get("signature") else {
        table.lacks(&["signature"], table.span(), expected, &mut build.problems);
        return None;
    };
    let (signature, set_up) = build.format(value, "`signature`", SIGNATURES)?;
    let set_up = set_up?;
    let Format { verifier, alike, files, fit, .. } = set_up(&signature, build)?;
    let list = list?;
    Some(Format {
        alike: format!("checksums {list:?} {alike}"),
        verifier: Arc::new(Checksums::new(&list, verifier)),
        files,
        tells_identity: TellsIdentity::Perhaps,
        certificates: Certificates::AreKeys,
        fit: Box::new(move |table, trust, problems| {
            let signature = table.get("signature").and_then(|value| Table::open_free(value, "`signature`", problems));
            signature.is_some_and(|signature| fit(&signature, trust, problems))
        }),
    })
}

/// Where the list lies from the folder of a document.
fn list(table: &Table<'_>, build: &mut Build<'_>) -> Option<String> {
    let expected = "the name of a file, such as \"SHA256SUMS\", or \"../SHA256SUMS\" for one that lies a folder higher";
    if !table.has("list") {
        table.lacks(&["list"], table.span(), expected, &mut build.problems);
    }
    let (text, place) = table.text("list", &mut build.problems)?;
    // In the store it is an ending of the document's name.
    let fault = ending_fault(&format!(".{}", text.trim_start_matches("../")));
    let Some(fault) = fault else { return Some(text.to_owned()) };
    let message = format!("{} cannot be a `list`: {fault}", quote(text));
    build.problems.at_place(place, message).expected(expected);
    None
}
