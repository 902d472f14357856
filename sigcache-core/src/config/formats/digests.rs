//! The words of the `digests` format.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity};
use crate::{
    config::{build::Build, table::Table},
    verify::Digests,
};

/// The words of this format. It has no `keys` and no `threshold`: the digests are the anchor's, and all of them must fit.
pub(super) const WORDS: &[&str] = &["format", "anchor"];

/// Sets up the verifier.
pub(super) fn set_up(_table: &Table<'_>, _build: &mut Build<'_>) -> Option<Format> {
    Some(Format {
        alike: "digests".to_owned(),
        verifier: Arc::new(Digests::default()),
        files: usize::MAX,
        tells_identity: TellsIdentity::Perhaps,
        certificates: Certificates::AreKeys,
        from_anchor: FromAnchor::Digests,
        // That `keys` is no word here is reported already.
        fit: Box::new(|_, _, _| false),
    })
}
