//! The words of the `checksums` format.

use std::sync::Arc;

#[cfg(feature = "openpgp")]
use super::openpgp;
use super::{Format, SetUp, TellsIdentity, detached, minisign, signify, ssh, suffix};
use crate::{
    config::{
        build::Build,
        table::{Table, Words},
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
    #[cfg(feature = "openpgp")]
    ("openpgp", (&[SIGNATURE, openpgp::WORDS], openpgp::set_up)),
    ("signify", (&[SIGNATURE, signify::WORDS], signify::set_up)),
    ("ssh", (&[SIGNATURE, ssh::WORDS], ssh::set_up)),
];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let expected = "the name of a file, such as \"SHA256SUMS\", or \"../SHA256SUMS\" for one that lies a folder higher";
    let list = suffix::shared("list", expected, table, &mut build.problems);
    let expected = "how the list is signed, such as signature = { format = \"minisign\" }";
    let Some(value) = table.get("signature") else {
        table.lacks(&["signature"], table.span(), expected, &mut build.problems);
        return None;
    };
    let (signature, set_up) = build.format(value, "`signature`", SIGNATURES)?;
    let set_up = set_up?;
    let Format { verifier, alike, files, certificates, from_anchor, fit, .. } = set_up(&signature, build)?;
    let list = list?;
    Some(Format {
        alike: format!("checksums {list:?} {alike}"),
        verifier: Arc::new(Checksums::new(&list, verifier)),
        files,
        tells_identity: TellsIdentity::Perhaps,
        certificates,
        from_anchor,
        fit: Box::new(move |table, trust, problems| {
            let signature = table.get("signature").and_then(|value| Table::open_free(value, "`signature`", problems));
            signature.is_some_and(|signature| fit(&signature, trust, problems))
        }),
    })
}
