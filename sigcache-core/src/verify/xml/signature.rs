//! The strict reading of `ds:Signature`, and whether a trusted key made it.

use super::{
    algorithm::{Form, scheme_named},
    key_info,
    profile::KeyAlg,
    reference::{Reference, Target, algorithm, base64, nothing_in, read_form, unexpected},
    scope::Scope,
    tag::Tag,
    tree::{Element, canonical, malformed},
    xades,
};
use crate::{
    evidence::KeyId,
    trust::{Encoding, HashKind, PublicKey, Scheme, Trust},
    verify::VerifyError,
};

/// The namespace of XML Signature.
pub(super) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

/// A longer signature value is refused: that of an RSA key of 16,384 bits has 2,048 bytes.
const MAX_VALUE_BYTES: usize = 2048;

/// What a verified signature says of the document: how to canonicalise and digest it, and what must come out.
pub(super) struct Covering {
    pub(super) form: Form,
    pub(super) hash: HashKind,
    pub(super) digest: Vec<u8>,
    /// The ID by which it names the document element.
    pub(super) id: Option<Box<str>>,
    /// The keys that made the signature; at least one.
    pub(super) signers: Vec<KeyId>,
}

/// The document around a signature.
pub(super) struct Surroundings<'a> {
    /// The start tag of the document element.
    pub(super) root: &'a Tag,
    /// Its namespaces, and no others.
    pub(super) scope: &'a Scope,
    /// Its IDs.
    pub(super) ids: &'a [Box<str>],
}

/// Reads the signature, verifies its value with the keys of `trust`, and only then what it digests in itself.
pub(super) fn verify(
    element: &Element,
    around: &Surroundings<'_>,
    trust: &Trust,
    alg: KeyAlg,
) -> Result<Covering, VerifyError> {
    let parts = Parts::read(element)?;
    let info = SignedInfo::read(parts.info)?;
    let value = base64(parts.value)?;
    if value.len() > MAX_VALUE_BYTES {
        return Err(malformed(&format!("a signature of at most {MAX_VALUE_BYTES} bytes"), format!("{}", value.len())));
    }
    let (covering, beside) = assign(info.references, around, &parts)?;
    unique_ids(element, &covering, &beside)?;

    let canonical = |form: &Form, path: &[&Element]| canonical(form, around.root, around.scope, path);
    let signed = canonical(&info.form, &[element, parts.info])?;
    // ECDSA values are r and s one after the other (RFC 9231, section 2.3.6), never DER.
    let made = |key: &PublicKey| match alg {
        KeyAlg::Holds => key.verify_message(info.scheme, Encoding::Fixed, &signed, &value),
        KeyAlg::Ignored => key.matches_message(info.scheme, Encoding::Fixed, &signed, &value),
    };
    let makers = trust.keys().iter().filter(|trusted| made(&trusted.key));
    let signers: Vec<KeyId> = makers.map(|trusted| trusted.id.clone()).collect();
    if signers.is_empty() {
        return Err(stranger(&parts.certificates, trust));
    }
    for (reference, part) in &beside {
        let bytes = canonical(&reference.form, &part.path)?;
        if reference.hash.of(&bytes).as_bytes() != reference.digest {
            return Err(VerifyError::mismatch(trust));
        }
    }
    let id = match covering.target {
        Target::Document => None,
        Target::Id(id) => Some(id),
    };
    Ok(Covering { form: covering.form, hash: covering.hash, digest: covering.digest, id, signers })
}

/// The children of a signature element.
struct Parts<'a> {
    info: &'a Element,
    value: &'a Element,
    certificates: Vec<Vec<u8>>,
    /// What may be signed beside the document: KeyInfo, if it has an Id, and the signed properties of XAdES.
    key_info: Option<Part<'a>>,
    properties: Option<Part<'a>>,
}

/// A part of the signature that a reference may name.
#[derive(Clone)]
struct Part<'a> {
    id: &'a str,
    /// The way to it, from the signature element on.
    path: Vec<&'a Element>,
}

impl<'a> Parts<'a> {
    fn read(element: &'a Element) -> Result<Self, VerifyError> {
        element.only_attributes(&["Id"])?;
        let elements = element.elements()?;
        let expected = "SignedInfo, SignatureValue, KeyInfo at most, and one Object at most";
        let ([info, value], rest) = elements.split_first_chunk().ok_or_else(|| unexpected(expected, element))?;
        let (key_info, rest) = match rest.split_first() {
            Some((key_info, rest)) if key_info.is(DS, "KeyInfo") => (Some(*key_info), rest),
            _ => (None, rest),
        };
        let object = match rest {
            [] => None,
            [object] if object.is(DS, "Object") => Some(*object),
            _ => return Err(unexpected(expected, element)),
        };
        if !info.is(DS, "SignedInfo") || !value.is(DS, "SignatureValue") {
            return Err(unexpected(expected, element));
        }
        value.only_attributes(&["Id"])?;
        let certificates = key_info.map(key_info::read).transpose()?.unwrap_or_default();
        let key_info =
            key_info.and_then(|part| Some(Part { id: part.tag.attribute("Id")?, path: vec![element, part] }));
        let properties = object.map(|object| xades::read(object, element.tag.attribute("Id"))).transpose()?;
        let properties = properties.map(|found| Part { id: found.id, path: [&[element], &found.path[..]].concat() });
        Ok(Self { info, value, certificates, key_info, properties })
    }
}

/// What is signed: how, and what it refers to.
struct SignedInfo {
    form: Form,
    scheme: Scheme,
    references: Vec<Reference>,
}

impl SignedInfo {
    fn read(element: &Element) -> Result<Self, VerifyError> {
        element.only_attributes(&["Id"])?;
        let elements = element.elements()?;
        let expected = "CanonicalizationMethod, SignatureMethod and one to three References";
        let ([form, method], references) = elements.split_first_chunk().ok_or_else(|| unexpected(expected, element))?;
        let known = form.is(DS, "CanonicalizationMethod")
            && method.is(DS, "SignatureMethod")
            && references.iter().all(|reference| reference.is(DS, "Reference"));
        if !known || !(1..=3).contains(&references.len()) {
            return Err(unexpected(expected, element));
        }
        let scheme = algorithm(method, "ECDSA or RSA with SHA-256, SHA-384 or SHA-512, or Ed25519", scheme_named)?;
        nothing_in(method)?;
        let form = read_form(form)?;
        let references = references.iter().map(|reference| Reference::read(reference)).collect::<Result<_, _>>()?;
        Ok(Self { form, scheme, references })
    }
}

/// Which reference is the one to the document, and which part of the signature each of the others names.
fn assign<'a>(
    references: Vec<Reference>,
    around: &Surroundings<'_>,
    parts: &Parts<'a>,
) -> Result<(Reference, Vec<(Reference, Part<'a>)>), VerifyError> {
    let part_of = |reference: &Reference| match &reference.target {
        Target::Document => None,
        Target::Id(id) => parts.key_info.iter().chain(&parts.properties).find(|part| *part.id == **id).cloned(),
    };
    let mut covering = None;
    let mut beside: Vec<(Reference, Part<'a>)> = Vec::new();
    for reference in references {
        let is_new = match part_of(&reference) {
            None => covering.replace(reference).is_none(),
            Some(part) => {
                let is_new = beside.iter().all(|(_, other)| other.id != part.id);
                beside.push((reference, part));
                is_new
            }
        };
        if !is_new {
            let expected = "one reference to the document, and one to each part of the signature at most";
            return Err(malformed(expected, "another reference"));
        }
    }
    let covering = covering.ok_or_else(|| malformed("a reference to the document", "none"))?;
    if let Target::Id(id) = &covering.target
        && !around.ids.contains(id)
    {
        return Err(malformed("a reference to the document element", format!("one to \"#{id}\"")));
    }
    if !covering.enveloped || beside.iter().any(|(reference, _)| reference.enveloped) {
        return Err(malformed("enveloped signature in the reference to the document, and only there", "otherwise"));
    }
    if let Some(properties) = &parts.properties
        && beside.iter().all(|(_, part)| part.id != properties.id)
    {
        return Err(malformed("an Object that is signed", "one that no reference names"));
    }
    Ok((covering, beside))
}

/// An ID that a reference uses must name one element. The document around the signature is held against it elsewhere.
fn unique_ids(element: &Element, covering: &Reference, beside: &[(Reference, Part<'_>)]) -> Result<(), VerifyError> {
    let document = match &covering.target {
        Target::Document => None,
        Target::Id(id) => Some((&**id, 0)),
    };
    // The document element is not in the signature; a part of it is, once.
    let names = document.into_iter().chain(beside.iter().map(|(_, part)| (part.id, 1)));
    for (name, expected) in names {
        let mut found = 0;
        element.walk(&mut |element| found += element.tag.ids().filter(|id| *id == name).count());
        if found != expected {
            return Err(malformed("an ID for each element that is referred to", "the same ID on another element"));
        }
    }
    Ok(())
}

/// No trusted key made the signature. Where it comes with certificates, and none of them is of a trusted key, that is
/// said: the publisher may have changed the key.
fn stranger(certificates: &[Vec<u8>], trust: &Trust) -> VerifyError {
    let named: Vec<PublicKey> = certificates.iter().filter_map(|der| PublicKey::parse(der).ok()).collect();
    let is_trusted = |key: &PublicKey| trust.keys().iter().any(|own| own.key.fingerprint() == key.fingerprint());
    match named.first() {
        Some(key) if named.len() == certificates.len() && !named.iter().any(is_trusted) => {
            VerifyError::unknown_key(trust, format!("a certificate of another key, {}", key.fingerprint()))
        }
        _ => VerifyError::mismatch(trust),
    }
}
