//! The words of the `checksums` format.

use std::sync::Arc;

use super::{Format, SetUp, TellsIdentity, detached, minisign, of_other_formats, signify, ssh, suffix};
use crate::{
    config::{build::Build, table::Table},
    verify::Checksums,
};

const WORDS: &[&str] = &["list", "signature"];

/// How a list may be signed.
const SIGNATURES: &[(&str, SetUp)] = &[
    ("detached", detached::set_up),
    ("minisign", minisign::set_up),
    ("signify", signify::set_up),
    ("ssh", ssh::set_up),
];

/// The words of all of them. Who may sign stands outside: it is who vouches for the documents.
const SIGNATURE: &[&str] =
    &["format", "suffix", "hash", "scheme", "comment", "legacy", "embedded", "namespace", "principal"];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    of_other_formats("checksums", WORDS, table, &mut build.problems);
    let expected = "the name of a file, such as \"SHA256SUMS\", or \"../SHA256SUMS\" for one that lies a folder higher";
    let list = suffix::shared("list", expected, table, &mut build.problems);
    let expected = "how the list is signed, such as signature = { format = \"minisign\" }";
    let Some(value) = table.get("signature") else {
        table.lacks(&["signature"], table.span(), expected, &mut build.problems);
        return None;
    };
    let signature = Table::open(value, "`signature`", &[SIGNATURE], &mut build.problems)?;
    if !signature.has("format") {
        signature.lacks(&["format"], value.span(), "one of the formats of a signature", &mut build.problems);
    }
    let set_up = signature.word("format", SIGNATURES, &mut build.problems)?;
    let Format { verifier, alike, files, fit, .. } = set_up(&signature, build)?;
    let list = list?;
    Some(Format {
        alike: format!("checksums {list:?} {alike}"),
        verifier: Arc::new(Checksums::new(&list, verifier)),
        files,
        tells_identity: TellsIdentity::Perhaps,
        fit: Box::new(move |table, trust, problems| {
            let signature = table.get("signature").and_then(|value| Table::open_free(value, "`signature`", problems));
            signature.is_some_and(|signature| fit(&signature, trust, problems))
        }),
    })
}
