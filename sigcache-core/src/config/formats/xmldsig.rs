//! The words of the `xmldsig` format.

use std::sync::Arc;

use super::{Format, Identity};
use crate::{
    config::{build::Build, table::Table},
    trust::TrustedKey,
    verify::XmlDsig,
};

pub(super) const WORDS: &[&str] = &["content"];

/// Sets up a verifier for one kind of document.
type Kind = (fn() -> XmlDsig, Identity);

/// What the document may be known to be.
const CONTENTS: &[(&str, Kind)] = &[("trusted-list", (XmlDsig::trusted_list, Identity::Optional))];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let (verifier, identity) = match table.has("content") {
        true => table.word("content", CONTENTS, &mut build.problems)?,
        false => (XmlDsig::new as fn() -> XmlDsig, Identity::Unsaid),
    };
    let verifier = verifier();
    Some(Format {
        alike: format!("{verifier:?}"),
        verifier: Arc::new(verifier),
        files: 1,
        identity,
        fit: Box::new(|_, _, _| true),
        bind: TrustedKey::within_certificate,
    })
}
