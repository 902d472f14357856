//! What a signature refers to, and how: `ds:Reference`, its transforms, its digest.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    algorithm::{Form, hash_named},
    signature::DS,
    tree::{Element, malformed},
};
use crate::{trust::HashKind, verify::VerifyError};

/// The namespace of `InclusiveNamespaces`, which is also the name of the algorithm.
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// A list with more prefixes is refused.
const MAX_PREFIXES: usize = 64;

/// A `ds:Reference`.
#[derive(Debug)]
pub(super) struct Reference {
    /// Empty for the whole document, or the ID behind `#`.
    pub(super) target: Target,
    /// Whether the signature itself is left out.
    pub(super) enveloped: bool,
    pub(super) form: Form,
    pub(super) hash: HashKind,
    pub(super) digest: Vec<u8>,
}

/// Where a reference points.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Document,
    Id(Box<str>),
}

impl Reference {
    pub(super) fn read(element: &Element) -> Result<Self, VerifyError> {
        element.only_attributes(&["Id", "URI", "Type"])?;
        let target = match element.tag.attribute("URI") {
            Some("") => Target::Document,
            Some(uri) => match uri.strip_prefix('#') {
                Some(id) if !id.is_empty() && !id.contains(['(', '#', '%']) => Target::Id(id.into()),
                _ => return Err(malformed("a reference to this document: URI=\"\" or \"#ID\"", format!("{uri:?}"))),
            },
            None => return Err(malformed("a reference with a URI", "one without")),
        };
        let elements = element.elements()?;
        let (transforms, digest) = match elements.as_slice() {
            [transforms, digest @ ..] if transforms.is(DS, "Transforms") => (Some(*transforms), digest),
            digest => (None, digest),
        };
        let [method, value] = digest else { return Err(unexpected("DigestMethod and DigestValue", element)) };
        if !method.is(DS, "DigestMethod") || !value.is(DS, "DigestValue") {
            return Err(unexpected("DigestMethod and DigestValue", element));
        }
        let hash = algorithm(method, "SHA-256, SHA-384 or SHA-512", hash_named)?;
        nothing_in(method)?;
        value.only_attributes(&[])?;
        let digest = base64(value)?;
        if digest.len() != hash.size() {
            return Err(malformed(&format!("a digest of {} bytes", hash.size()), format!("{}", digest.len())));
        }
        let (enveloped, form) = match transforms {
            Some(transforms) => read_transforms(transforms)?,
            None => (false, Form::Inclusive10),
        };
        Ok(Self { target, enveloped, form, hash, digest })
    }
}

/// Enveloped signature, then at most one canonical form: any other transform could leave out what a reader reads. Where
/// no form is named it is Canonical XML 1.0 (XML Signature 1.1, section 4.4.3.2).
fn read_transforms(element: &Element) -> Result<(bool, Form), VerifyError> {
    element.only_attributes(&[])?;
    let mut enveloped = false;
    let mut form = None;
    for transform in element.elements()? {
        if !transform.is(DS, "Transform") {
            return Err(unexpected("Transform", element));
        }
        match transform.tag.attribute("Algorithm") {
            Some(ENVELOPED) if !enveloped && form.is_none() => {
                transform.only_attributes(&["Algorithm"])?;
                nothing_in(transform)?;
                enveloped = true;
            }
            _ if form.is_none() => form = Some(read_form(transform)?),
            other => {
                let expected = "enveloped signature, then one canonical form";
                return Err(malformed(expected, format!("{:?} after them", other.unwrap_or_default())));
            }
        }
    }
    Ok((enveloped, form.unwrap_or(Form::Inclusive10)))
}

/// A canonical form as `CanonicalizationMethod` and `Transform` name it.
pub(super) fn read_form(element: &Element) -> Result<Form, VerifyError> {
    let form = algorithm(element, "exclusive or inclusive canonical XML", Form::named)?;
    let Form::Exclusive(_) = form else {
        nothing_in(element)?;
        return Ok(form);
    };
    let elements = element.elements()?;
    let list = match elements.as_slice() {
        [] => return Ok(form),
        [list] if list.is(EXCLUSIVE, "InclusiveNamespaces") => list,
        _ => return Err(unexpected("at most InclusiveNamespaces", element)),
    };
    list.only_attributes(&["PrefixList"])?;
    nothing_in(list)?;
    let list = list.tag.attribute("PrefixList").unwrap_or_default();
    let prefixes: Vec<Box<str>> = list
        .split([' ', '\t', '\n', '\r'])
        .filter(|prefix| !prefix.is_empty())
        .map(|prefix| if prefix == "#default" { "".into() } else { prefix.into() })
        .collect();
    if prefixes.len() > MAX_PREFIXES {
        return Err(malformed(&format!("at most {MAX_PREFIXES} prefixes"), format!("{}", prefixes.len())));
    }
    Ok(Form::Exclusive(prefixes))
}

/// The algorithm that `element` names, if it is one of the `expected`.
pub(super) fn algorithm<T>(
    element: &Element,
    expected: &str,
    named: impl Fn(&str) -> Option<T>,
) -> Result<T, VerifyError> {
    element.only_attributes(&["Algorithm"])?;
    let uri = element.tag.attribute("Algorithm").unwrap_or_default();
    named(uri).ok_or_else(|| malformed(&format!("{expected} in {}", element.name()), format!("{uri:?}")))
}

/// The bytes that `element` holds in base64, with white space as people break lines.
pub(super) fn base64(element: &Element) -> Result<Vec<u8>, VerifyError> {
    let text: Vec<u8> = element.text()?.bytes().filter(|c| !matches!(c, b' ' | b'\t' | b'\n' | b'\r')).collect();
    STANDARD.decode(text).map_err(|error| malformed(&format!("base64 in {}", element.name()), error.to_string()))
}

/// Refuses anything but white space in `element`.
pub(super) fn nothing_in(element: &Element) -> Result<(), VerifyError> {
    if element.elements()?.is_empty() { Ok(()) } else { Err(unexpected("nothing", element)) }
}

/// `element` holds something else.
pub(super) fn unexpected(expected: &str, element: &Element) -> VerifyError {
    let found: Vec<&str> = element.elements().unwrap_or_default().iter().map(|child| child.name()).collect();
    malformed(&format!("{expected} in {}", element.name()), format!("[{}]", found.join(", ")))
}
