//! The words of the `narinfo` format.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity, are_ed25519, suffix};
use crate::{
    config::{build::Build, table::Table},
    verify::Narinfo,
};

/// The words of this format.
pub(super) const WORDS: &[&str] = &["narinfo"];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let verifier = match table.has("narinfo") {
        true => {
            let expected = "where the .narinfo lies from the folder of the archive, such as \"../HASH.narinfo\"";
            Narinfo::of_archive(&suffix::shared("narinfo", expected, table, &mut build.problems)?)
        }
        false => Narinfo::new(),
    };
    Some(Format {
        alike: format!("{verifier:?}"),
        verifier: Arc::new(verifier),
        // All signatures are in the file.
        files: usize::MAX,
        tells_identity: TellsIdentity::Perhaps,
        certificates: Certificates::AreKeys,
        from_anchor: FromAnchor::Keys,
        fit: Box::new(|table, trust, problems| are_ed25519("Nix", table, trust, problems)),
    })
}
