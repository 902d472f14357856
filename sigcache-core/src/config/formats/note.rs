//! The words of the `note` format.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity, keys_span};
use crate::{
    config::{
        build::Build,
        problem::Problems,
        table::{Table, tick},
    },
    trust::{KeyLabel, Trust},
    verify::Note,
};

/// The words of this format.
pub(super) const WORDS: &[&str] = &["checkpoint"];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let checkpoint = table.flag("checkpoint", &mut build.problems) == Some(true);
    let verifier = if checkpoint { Note::checkpoint() } else { Note::new() };
    Some(Format {
        alike: format!("{verifier:?}"),
        verifier: Arc::new(verifier),
        // All signatures are in the note.
        files: usize::MAX,
        tells_identity: if checkpoint { TellsIdentity::Asked } else { TellsIdentity::No },
        certificates: Certificates::AreKeys,
        from_anchor: FromAnchor::Nothing("a note calls its keys by names, for which a JWK has no place"),
        fit: Box::new(fits),
    })
}

/// Every key has a name, by which alone a note can mean it.
fn fits(table: &Table<'_>, trust: &Trust, problems: &mut Problems) -> bool {
    let mut fits = true;
    for trusted in trust.keys() {
        if !matches!(trusted.key.label(), Some(KeyLabel::Note { .. })) {
            let message = format!("{} is not the key of a note: it has no name", tick(trusted.id.as_str()));
            problems.at(keys_span(table), message).expected("verifier keys of notes: NAME+ID+BASE64");
            fits = false;
        }
    }
    fits
}
