//! The words of the `signify` format.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity, are_ed25519, suffix};
use crate::{
    config::{build::Build, table::Table},
    verify::Signify,
};

/// The words of this format.
pub(super) const WORDS: &[&str] = &["suffix", "embedded"];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let embedded = table.flag("embedded", &mut build.problems) == Some(true);
    if let (true, Some(suffix)) = (embedded, table.get("suffix")) {
        let message = "an embedded signature has no file, and so no `suffix`";
        build.problems.at(suffix.span(), message).expected("one of `embedded`, `suffix`");
    }
    let (first, more) = suffix::read(table, Some(".sig"), &mut build.problems)?;
    let verifier = match embedded {
        true => Signify::embedded(),
        false => more.iter().fold(Signify::new(&first), |verifier, suffix| verifier.with_suffix(suffix)),
    };
    Some(Format {
        alike: format!("{verifier:?}"),
        verifier: Arc::new(verifier),
        files: 1 + more.len(),
        tells_identity: TellsIdentity::No,
        certificates: Certificates::AreKeys,
        from_anchor: FromAnchor::Keys,
        fit: Box::new(|table, trust, problems| are_ed25519("signify", table, trust, problems)),
    })
}
