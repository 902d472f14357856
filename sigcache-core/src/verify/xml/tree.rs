//! The signature element as a small tree, and the canonical form of parts of it.

use std::sync::Arc;

use super::{
    algorithm::Form,
    c14n::Canonicalizer,
    is_blank,
    scope::Scope,
    tag::{Attribute, Namespace, Tag},
};
use crate::verify::VerifyError;

/// A signature element with more text, names and values than this is refused, each element and attribute counted with
/// what it takes in memory.
const MAX_SIGNATURE_BYTES: usize = 1024 * 1024;

/// What an element takes beside its name.
const ELEMENT_BYTES: usize = 256;

/// What an attribute takes beside its value.
const ATTRIBUTE_BYTES: usize = 96;

/// An element of the signature.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) uri: Arc<str>,
    name: Box<str>,
    children: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Element(Element),
    Text(String),
}

/// What was expected in a signature element, and what was there instead.
pub(super) fn malformed(expected: &str, found: impl Into<Box<str>>) -> VerifyError {
    VerifyError::malformed_signature(expected, found)
}

impl Element {
    /// Whether it has this name.
    pub(super) fn is(&self, uri: &str, local: &str) -> bool {
        self.tag.local == local && *self.uri == *uri
    }

    /// How to call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The elements in it; between them there may only be white space.
    pub(super) fn elements(&self) -> Result<Vec<&Element>, VerifyError> {
        let mut elements = Vec::new();
        for child in &self.children {
            match child {
                Node::Element(element) => elements.push(element),
                Node::Text(text) if is_blank(text.as_bytes()) => {}
                Node::Text(_) => return Err(malformed("only elements", format!("text in {}", self.name))),
            }
        }
        Ok(elements)
    }

    /// The text in it; there may be no elements.
    pub(super) fn text(&self) -> Result<&str, VerifyError> {
        match self.children.as_slice() {
            [] => Ok(""),
            [Node::Text(text)] => Ok(text),
            _ => Err(malformed("only text", format!("elements in {}", self.name))),
        }
    }

    /// Refuses attributes other than those of these names, in no namespace.
    pub(super) fn only_attributes(&self, names: &[&str]) -> Result<(), VerifyError> {
        let is_known = |attribute: &&Attribute| {
            attribute.namespace == Namespace::None && names.contains(&attribute.local.as_str())
        };
        match self.tag.attributes.iter().find(|attribute| !is_known(attribute)) {
            None => Ok(()),
            Some(other) => Err(malformed(
                "only attributes that belong there",
                format!("{:?} in {}", other.local.as_str(), self.name),
            )),
        }
    }

    /// Walks over this element and all below it.
    pub(super) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Element)) {
        visit(self);
        for child in &self.children {
            if let Node::Element(element) = child {
                element.walk(visit);
            }
        }
    }

    fn write(&self, mut tag: Tag, canon: &mut Canonicalizer, scope: &mut Scope) -> Result<(), VerifyError> {
        scope.open(&mut tag)?;
        canon.start(&tag, &self.name, scope);
        for child in &self.children {
            match child {
                Node::Element(element) => element.write(element.tag.clone(), canon, scope)?,
                Node::Text(text) => canon.text(text),
            }
        }
        scope.close();
        canon.end(&self.name, scope);
        Ok(())
    }
}

/// The canonical form of the last element of `path`, which leads there from the signature element. `root` has the
/// attributes of the document element, which is open in `scope`.
pub(super) fn canonical(form: &Form, root: &Tag, scope: &Scope, path: &[&Element]) -> Result<Vec<u8>, VerifyError> {
    let Some((top, ancestors)) = path.split_last() else { return Ok(Vec::new()) };
    let mut scope = scope.clone();
    let mut tag = top.tag.clone();
    if *form == Form::Inclusive10 || *form == Form::Inclusive11 {
        let outer = std::iter::once(root).chain(ancestors.iter().map(|element| &element.tag));
        inherit(&mut tag, outer, *form == Form::Inclusive11)?;
    }
    for ancestor in ancestors {
        scope.open(&mut ancestor.tag.clone())?;
    }
    let mut canon = Canonicalizer::new(form.mode());
    top.write(tag, &mut canon, &mut scope)?;
    Ok(std::mem::take(canon.out()))
}

/// The top of a part inherits the attributes of the prefix `xml`: in Canonical XML 1.0 all of them (section 2.4), in 1.1
/// not `xml:id`, and `xml:base` by rules (section 2.4) that nobody needs here.
fn inherit<'a>(tag: &mut Tag, outer: impl Iterator<Item = &'a Tag>, is_11: bool) -> Result<(), VerifyError> {
    let mut inherited: Vec<&Attribute> = Vec::new();
    for attribute in outer.flat_map(|tag| &tag.attributes).filter(|attribute| attribute.namespace == Namespace::Xml) {
        if is_11 && attribute.local == "base" {
            return Err(malformed("Canonical XML 1.1 of a part of a document without xml:base", "xml:base above it"));
        }
        if is_11 && attribute.local != "lang" && attribute.local != "space" {
            continue;
        }
        inherited.retain(|other| other.local != attribute.local);
        inherited.push(attribute);
    }
    let has =
        |tag: &Tag, local: &str| tag.attributes.iter().any(|own| own.namespace == Namespace::Xml && own.local == local);
    for attribute in inherited {
        if !has(tag, &attribute.local) {
            tag.attributes.push(attribute.clone());
        }
    }
    Ok(())
}

/// Builds the tree from events.
#[derive(Default)]
pub(super) struct Builder {
    open: Vec<Element>,
    bytes: usize,
}

impl Builder {
    pub(super) fn start(&mut self, tag: Tag, name: &str, scope: &Scope) -> Result<(), VerifyError> {
        let declarations = tag.declarations.iter().map(|declaration| declaration.uri.len());
        let values = tag.attributes.iter().map(|attribute| attribute.value.len() + attribute.local.len());
        let values = declarations.chain(values).map(|bytes| bytes + ATTRIBUTE_BYTES).sum::<usize>();
        self.count(ELEMENT_BYTES + name.len() + values)?;
        let uri = scope.shared_uri(tag.namespace);
        self.open.push(Element { tag, uri, name: name.into(), children: Vec::new() });
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), VerifyError> {
        self.count(text.len())?;
        let Some(element) = self.open.last_mut() else { return Ok(()) };
        match element.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ => element.children.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }

    /// The end of an element: all of the signature if it was the outermost.
    pub(super) fn end(&mut self) -> Option<Element> {
        let element = self.open.pop()?;
        match self.open.last_mut() {
            None => Some(element),
            Some(parent) => {
                parent.children.push(Node::Element(element));
                None
            }
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), VerifyError> {
        self.bytes += bytes;
        if self.bytes > MAX_SIGNATURE_BYTES {
            return Err(malformed(&format!("a signature of at most {MAX_SIGNATURE_BYTES} bytes"), "a larger one"));
        }
        Ok(())
    }
}
