//! SAML metadata (OASIS SAML 2.0 Metadata): an `EntityDescriptor` or `EntitiesDescriptor` with its signature as first
//! child. The signature's profile is that of [`xmldsig`](super::XmlDsig), with the one place that the schema has for it.

use super::{
    Companion, Context, Verification, Verifier, VerifyError,
    xml::{Content, Ids, KeyAlg, Name, Place, Profile, Running, Tag, moment},
};
use crate::{
    digest::Digest,
    evidence::{Evidence, Mark},
};

const FORMAT: &str = "saml-metadata";

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

/// SAML V2.0 Metadata Extensions for Registration and Publication Information Version 1.0.
const PUBLICATION: &str = "urn:oasis:names:tc:SAML:metadata:rpi";

/// The `saml-metadata` format.
///
/// The evidence has the `entityID` (of an `EntitiesDescriptor` the `Name`) as identity, `validUntil` as the end of
/// validity, `mdrpi:PublicationInfo/@creationInstant` as the mark where there is one, and the number of entities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamlMetadata {
    alg: KeyAlg,
}

impl SamlMetadata {
    /// Metadata with nothing to set up.
    pub fn new() -> Self {
        Self::default()
    }

    /// A key that was read from a JWK may sign in every way that its kind has, whatever its `alg` says. For anchors whose
    /// makers write the name of a JOSE algorithm beside each key, while the documents are signed XML. Still holds: who may
    /// sign. Lost: a key that is meant for one padding or hash alone.
    pub fn with_key_alg_ignored(self) -> Self {
        Self { alg: KeyAlg::Ignored }
    }
}

impl Verifier for SamlMetadata {
    fn format(&self) -> &'static str {
        FORMAT
    }

    fn settings(&self) -> Digest {
        Digest::of(match self.alg {
            KeyAlg::Holds => b"",
            KeyAlg::Ignored => b"key alg ignored",
        })
    }

    fn companions(&self) -> Vec<Companion> {
        Vec::new()
    }

    fn in_words(&self, _: &Evidence) -> Option<String> {
        let words =
            "The enveloped signature covers the whole metadata document, and nothing of its KeyInfo was believed.";
        Some(words.to_owned())
    }

    fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
        let profile = Profile { format: FORMAT, place: Place::First, ids: Ids::Upper, alg: self.alg };
        Ok(Box::new(Running::new(profile, context.trust, Box::new(Metadata::default()))))
    }
}

/// What metadata says of itself.
#[derive(Default)]
struct Metadata {
    identity: Option<Box<str>>,
    valid_until: Option<Box<str>>,
    created: Option<Box<str>>,
    entities: u64,
    /// How many of the open elements, from the root on, are `EntitiesDescriptor`.
    groups: usize,
    in_extensions: bool,
    /// There is a second `PublicationInfo`.
    repeated: bool,
}

impl Content for Metadata {
    fn start(&mut self, name: Name<'_>, tag: &Tag, depth: usize) -> Result<(), VerifyError> {
        if depth == self.groups + 1 && name.uri == METADATA {
            match name.local {
                "EntitiesDescriptor" => self.groups += 1,
                "EntityDescriptor" => self.entities += 1,
                _ => {}
            }
        }
        match depth {
            1 if self.groups + self.entities as usize == 0 => {
                let expected = "md:EntityDescriptor or md:EntitiesDescriptor as document element";
                return Err(VerifyError::malformed_document(expected, format!("{} of {:?}", name.local, name.uri)));
            }
            1 => {
                let identity = if self.groups == 1 { "Name" } else { "entityID" };
                self.identity = tag.attribute(identity).map(Box::from);
                self.valid_until = tag.attribute("validUntil").map(Box::from);
            }
            2 => self.in_extensions = name == (Name { uri: METADATA, local: "Extensions" }),
            3 if self.in_extensions && name == (Name { uri: PUBLICATION, local: "PublicationInfo" }) => {
                self.repeated |= self.created.is_some();
                self.created = tag.attribute("creationInstant").map(Box::from);
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, _: &str, _: usize) {}

    fn end(&mut self, depth: usize) {
        self.groups = self.groups.min(depth - 1);
    }

    fn finish(&mut self, evidence: &mut Evidence) -> Result<(), VerifyError> {
        if self.repeated {
            return Err(VerifyError::malformed_document("one mdrpi:PublicationInfo", "more"));
        }
        evidence.identity = self.identity.take().map(Into::into);
        evidence.valid_until = self.valid_until.take().map(|text| moment("validUntil", &text)).transpose()?;
        let created = self.created.take().map(|text| moment("creationInstant", &text)).transpose()?;
        evidence.mark = created.map(Mark::Issued);
        evidence.entries = Some(self.entities);
        Ok(())
    }
}

#[cfg(test)]
#[path = "saml_metadata_tests.rs"]
mod tests;
