//! The words of the formats `saml-metadata` and `xmldsig`.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity};
use crate::{
    config::{build::Build, table::Table},
    verify::{SamlMetadata, Verifier as _, XmlDsig},
};

/// The words of `saml-metadata`; what there is to know the document says.
pub(super) const SAML_METADATA: &[&str] = &["key_alg"];

/// The words of `xmldsig`.
pub(super) const XMLDSIG: &[&str] = &["profile"];

type Make = fn() -> XmlDsig;

/// What a signed XML document is known to be.
const PROFILES: &[(&str, Make)] = &[("any", XmlDsig::new), ("trusted-list", XmlDsig::trusted_list)];

type Change = fn(SamlMetadata) -> SamlMetadata;

/// What the `alg` of a key means for signed XML.
const KEY_ALGS: &[(&str, Change)] = &[("hold", |verifier| verifier), ("ignore", SamlMetadata::with_key_alg_ignored)];

/// Sets up the verifier of SAML metadata.
pub(super) fn saml_metadata(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let verifier = match table.has("key_alg") {
        true => table.word("key_alg", KEY_ALGS, &mut build.problems)?(SamlMetadata::new()),
        false => SamlMetadata::new(),
    };
    Some(Format {
        alike: format!("saml-metadata {}", verifier.settings()),
        verifier: Arc::new(verifier),
        files: 1,
        tells_identity: TellsIdentity::Asked,
        certificates: Certificates::BoundKeys,
        from_anchor: FromAnchor::Keys,
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
        from_anchor: FromAnchor::Keys,
        fit: Box::new(|_, _, _| true),
    })
}
