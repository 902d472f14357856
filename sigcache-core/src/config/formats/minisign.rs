//! The words of the `minisign` format.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity, are_ed25519, suffix};
use crate::{
    config::{
        build::Build,
        table::{Table, quote, tick},
    },
    verify::Minisign,
};

/// The words of this format.
pub(super) const WORDS: &[&str] = &["suffix", "legacy", "comment"];

/// What may be asked of the trusted comment.
const PARTS: &[&str] = &["file", "timestamp"];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let suffixes = suffix::read(table, Some(".minisig"), &mut build.problems);
    let legacy = table.flag("legacy", &mut build.problems);
    let mut parts: Vec<&str> = Vec::new();
    for (part, place) in table.list("comment", &mut build.problems).unwrap_or_default() {
        if parts.contains(&part) {
            build.problems.at_place(place, format!("{} stands twice in `comment`", tick(part)));
        } else if PARTS.contains(&part) {
            parts.push(part);
        } else {
            let message = format!("`comment` cannot hold {}", quote(part));
            build.problems.at_place(place, message).one_of(part, PARTS.iter().copied());
        }
    }
    let (first, more) = suffixes?;
    let verifier = Minisign::new(&first);
    let mut verifier = more.iter().fold(verifier, |verifier, suffix| verifier.with_suffix(suffix));
    if legacy == Some(true) {
        verifier = verifier.with_legacy();
    }
    let named = parts.contains(&"file");
    if named {
        verifier = verifier.with_file_in_comment();
    }
    if parts.contains(&"timestamp") {
        verifier = verifier.with_timestamp_in_comment();
    }
    Some(Format {
        alike: format!("{verifier:?}"),
        verifier: Arc::new(verifier),
        files: 1 + more.len(),
        tells_identity: if named { TellsIdentity::Perhaps } else { TellsIdentity::No },
        certificates: Certificates::AreKeys,
        from_anchor: FromAnchor::Keys,
        fit: Box::new(|table, trust, problems| are_ed25519("minisign", table, trust, problems)),
    })
}
