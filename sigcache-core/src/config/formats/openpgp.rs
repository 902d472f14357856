//! The words of the `openpgp` format.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity, keys_span, suffix};
use crate::{
    config::{
        build::Build,
        problem::Problems,
        table::{Table, tick},
    },
    trust::Trust,
    verify::OpenPgp,
};

/// The words of this format.
pub(super) const WORDS: &[&str] = &["suffix", "inline"];

/// What a document may be more than a clear-signed text.
pub(super) const RELEASE: &[&str] = &["deb_release"];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let inline = table.flag("inline", &mut build.problems) == Some(true);
    let deb_release = table.flag("deb_release", &mut build.problems) == Some(true);
    if let (true, Some(suffix)) = (inline, table.get("suffix")) {
        let message = "a clear-signed document has no signature file, and so no `suffix`";
        build.problems.at(suffix.span(), message).expected("one of `inline`, `suffix`");
    }
    if let (true, false, Some(word)) = (deb_release, inline, table.get("deb_release")) {
        let message = "`deb_release` is for clear-signed Release files";
        build.problems.at(word.span(), message).expected("`inline = true` beside it");
        return None;
    }
    let (first, more) = suffix::read(table, Some(".asc"), &mut build.problems)?;
    let verifier = match (inline, deb_release) {
        (true, true) => OpenPgp::deb_release(),
        (true, false) => OpenPgp::inline(),
        (false, _) => more.iter().fold(OpenPgp::new(&first), |verifier, suffix| verifier.with_suffix(suffix)),
    };
    Some(Format {
        alike: format!("{verifier:?}"),
        verifier: Arc::new(verifier),
        // One file holds any number of signatures.
        files: usize::MAX,
        tells_identity: if deb_release { TellsIdentity::Perhaps } else { TellsIdentity::No },
        certificates: Certificates::OpenPgp,
        from_anchor: FromAnchor::Nothing("a JWK is a bare key, and OpenPGP takes certificates"),
        fit: Box::new(fits),
    })
}

/// Every key is a certificate, which says what its keys may do.
fn fits(table: &Table<'_>, trust: &Trust, problems: &mut Problems) -> bool {
    let mut fits = true;
    for trusted in trust.keys().iter().filter(|trusted| !trusted.key.is_openpgp()) {
        let message = format!("{} is not an OpenPGP certificate", tick(trusted.id.as_str()));
        problems.at(keys_span(table), message).expected("certificates as `gpg --export` writes them");
        fits = false;
    }
    fits
}

/// No key is an OpenPGP certificate, with which no other format can do anything.
pub(super) fn are_others(table: &Table<'_>, trust: &Trust, problems: &mut Problems) -> bool {
    let mut others = true;
    for trusted in trust.keys().iter().filter(|trusted| trusted.key.is_openpgp()) {
        let message = format!("{} is an OpenPGP certificate", tick(trusted.id.as_str()));
        problems.at(keys_span(table), message).expected("`format = \"openpgp\"`, or other keys");
        others = false;
    }
    others
}
