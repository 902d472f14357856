//! The namespaces in scope, and what Namespaces in XML 1.0 asks of names.

use std::sync::Arc;

use super::{
    invalid,
    tag::{Declaration, Namespace, Tag},
};
use crate::verify::VerifyError;

/// More declarations than this in scope at once are refused.
const MAX_BINDINGS: usize = 512;

/// More bytes of prefixes and namespace names than this in scope at once are refused.
const MAX_BINDING_BYTES: usize = 64 * 1024;

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The declarations of all open elements, the innermost last.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    bindings: Vec<Binding>,
    bytes: usize,
    /// For each open element, how many bindings there were outside it.
    outside: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Binding {
    key: u64,
    prefix: Box<str>,
    uri: Arc<str>,
}

/// The first seven bytes of a prefix and its length: one comparison tells nearly all prefixes apart.
fn key(prefix: &str) -> u64 {
    let mut bytes = [0; 8];
    let known = prefix.len().min(7);
    bytes[..known].copy_from_slice(&prefix.as_bytes()[..known]);
    bytes[7] = u8::try_from(prefix.len()).unwrap_or(u8::MAX);
    u64::from_le_bytes(bytes)
}

impl Scope {
    /// Opens an element: takes its declarations in, resolves its names, and sorts its attributes as C14N asks, by
    /// namespace and name.
    pub(super) fn open(&mut self, tag: &mut Tag) -> Result<(), VerifyError> {
        let outside = self.bindings.len();
        self.outside.push(outside as u32);
        for declaration in &tag.declarations {
            self.declare(declaration, outside)?;
        }
        tag.namespace = self.resolve(tag.prefix.as_deref().map(|prefix| prefix.as_str()))?;
        for attribute in &mut tag.attributes {
            attribute.namespace = match &attribute.prefix {
                // An attribute without prefix is in no namespace, whatever the default is.
                None => Namespace::None,
                Some(prefix) => self.resolve(Some(prefix.as_str()))?,
            };
        }
        if tag.attributes.len() > 1 {
            let name = |index: usize| (self.uri(tag.attributes[index].namespace), tag.attributes[index].local.as_str());
            let sorted = (1..tag.attributes.len()).all(|index| name(index - 1) < name(index));
            if !sorted {
                let bindings = &self.bindings;
                tag.attributes.sort_unstable_by(|a, b| {
                    (uri(bindings, a.namespace), a.local.as_str()).cmp(&(uri(bindings, b.namespace), b.local.as_str()))
                });
                let name = |index: usize| (self.uri(tag.attributes[index].namespace), &tag.attributes[index].local);
                if (1..tag.attributes.len()).any(|index| name(index - 1) == name(index)) {
                    return Err(invalid("an attribute that stands twice"));
                }
            }
        }
        Ok(())
    }

    /// Closes the innermost element.
    pub(super) fn close(&mut self) {
        let outside = self.outside.pop().unwrap_or_default() as usize;
        for binding in self.bindings.drain(outside..) {
            self.bytes -= binding.prefix.len() + binding.uri.len();
        }
    }

    fn declare(&mut self, declaration: &Declaration, outside: usize) -> Result<(), VerifyError> {
        let prefix = declaration.prefix.as_deref().map_or("", |prefix| prefix.as_str());
        let uri = declaration.uri.as_str();
        let key = key(prefix);
        if self.bindings[outside..].iter().any(|binding| binding.is(key, prefix)) {
            return Err(invalid("a namespace prefix that is declared twice in one tag"));
        }
        match (prefix, uri) {
            ("xml", XML) => return Ok(()), // allowed, says nothing, and C14N never writes it
            ("xml" | "xmlns", _) | (_, XML | XMLNS) => return Err(invalid("a reserved namespace that is declared")),
            ("", "") => {}
            _ if !is_absolute(uri) => {
                return Err(invalid(format!("the namespace name {uri:?}, which is no absolute URI")));
            }
            _ => {}
        }
        self.bytes += prefix.len() + uri.len();
        self.bindings.push(Binding { key, prefix: prefix.into(), uri: uri.into() });
        if self.bindings.len() > MAX_BINDINGS || self.bytes > MAX_BINDING_BYTES {
            return Err(invalid("more namespaces in scope than any document needs"));
        }
        Ok(())
    }

    fn resolve(&self, prefix: Option<&str>) -> Result<Namespace, VerifyError> {
        let name = prefix.unwrap_or_default();
        let key = key(name);
        match self.bindings.iter().rposition(|binding| binding.is(key, name)) {
            Some(index) => Ok(Namespace::Bound(index as u32)),
            None if name.is_empty() => Ok(Namespace::None),
            None if name == "xml" => Ok(Namespace::Xml),
            None => Err(invalid(format!("the namespace prefix {name:?}, which is not declared"))),
        }
    }

    /// The name of a namespace.
    pub(super) fn uri(&self, namespace: Namespace) -> &str {
        uri(&self.bindings, namespace)
    }

    /// The name of a namespace, to keep.
    pub(super) fn shared_uri(&self, namespace: Namespace) -> Arc<str> {
        match namespace {
            Namespace::Bound(index) => self.bindings[index as usize].uri.clone(),
            other => self.uri(other).into(),
        }
    }

    /// The prefix of a binding; empty for the default namespace.
    pub(super) fn prefix(&self, binding: u32) -> &str {
        &self.bindings[binding as usize].prefix
    }

    /// Whether two bindings are of the same prefix.
    pub(super) fn same_prefix(&self, a: u32, b: u32) -> bool {
        let (a, b) = (&self.bindings[a as usize], &self.bindings[b as usize]);
        a.is(b.key, &b.prefix)
    }

    /// The bindings that the innermost element declares.
    pub(super) fn own(&self) -> std::ops::Range<u32> {
        self.outside.last().copied().unwrap_or_default()..self.len()
    }

    /// The bindings that are in force, one for each prefix.
    pub(super) fn in_force(&self) -> impl Iterator<Item = u32> {
        let hidden = |index: u32| (index + 1..self.len()).any(|inner| self.same_prefix(index, inner));
        (0..self.len()).filter(move |index| !hidden(*index))
    }

    /// How many bindings there are.
    pub(super) fn len(&self) -> u32 {
        self.bindings.len() as u32
    }
}

fn uri(bindings: &[Binding], namespace: Namespace) -> &str {
    match namespace {
        Namespace::None => "",
        Namespace::Xml => XML,
        Namespace::Bound(index) => &bindings[index as usize].uri,
    }
}

impl Binding {
    fn is(&self, key: u64, prefix: &str) -> bool {
        self.key == key && (prefix.len() < 8 || *self.prefix == *prefix)
    }
}

/// C14N must refuse relative namespace names (section 1.3). Beyond that, only the plain characters of a URI (RFC 3986)
/// pass. `&` does not: a widely used implementation does not escape it where the specification says so.
fn is_absolute(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let scheme_is_sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c));
    scheme_is_sound
        && rest.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~:/?#@!$'()*+,;=".contains(&c))
        && rest.bytes().filter(|c| *c == b'#').count() <= 1
}
