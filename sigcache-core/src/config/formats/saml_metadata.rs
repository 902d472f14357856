//! The `saml-metadata` format, which has no words of its own.

use std::sync::Arc;

use super::{Format, Identity};
use crate::{
    config::{build::Build, table::Table},
    trust::TrustedKey,
    verify::SamlMetadata,
};

/// Sets up the verifier.
pub(super) fn set_up(_: &Table<'_>, _: &mut Build<'_>) -> Option<Format> {
    Some(Format {
        verifier: Arc::new(SamlMetadata::new()),
        alike: "saml-metadata".to_owned(),
        files: 1,
        identity: Identity::Optional,
        fit: Box::new(|_, _, _| true),
        bind: TrustedKey::within_certificate,
    })
}
