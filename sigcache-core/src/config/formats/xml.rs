//! The words of the formats `saml-metadata` and `xmldsig`.

use std::sync::Arc;

use super::{Certificates, Format, TellsIdentity};
use crate::{
    config::{build::Build, table::Table},
    verify::{SamlMetadata, Verifier as _, XmlDsig},
};

/// The words of `saml-metadata`: none, the document says everything.
pub(super) const SAML_METADATA: &[&str] = &[];

/// The words of `xmldsig`.
pub(super) const XMLDSIG: &[&str] = &["profile"];

type Make = fn() -> XmlDsig;

/// What a signed XML document is known to be.
const PROFILES: &[(&str, Make)] = &[("any", XmlDsig::new), ("trusted-list", XmlDsig::trusted_list)];

/// Sets up the verifier of SAML metadata.
pub(super) fn saml_metadata(_: &Table<'_>, _: &mut Build<'_>) -> Option<Format> {
    let verifier = SamlMetadata::new();
    Some(Format {
        alike: format!("saml-metadata {}", verifier.settings()),
        verifier: Arc::new(verifier),
        files: 1,
        tells_identity: TellsIdentity::Asked,
        certificates: Certificates::BoundKeys,
        fit: Box::new(|_, _, _| true),
    })
}

/// Sets up the verifier of any signed XML.
pub(super) fn xmldsig(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let make = match table.has("profile") {
        true => table.word("profile", PROFILES, &mut build.problems)?,
        false => XmlDsig::new,
    };
    let verifier = make();
    Some(Format {
        alike: format!("xmldsig {}", verifier.settings()),
        tells_identity: if verifier == XmlDsig::new() { TellsIdentity::No } else { TellsIdentity::Asked },
        verifier: Arc::new(verifier),
        files: 1,
        certificates: Certificates::BoundKeys,
        fit: Box::new(|_, _, _| true),
    })
}
