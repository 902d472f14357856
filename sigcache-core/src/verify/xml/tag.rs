//! A start tag.

use rxml::NcName;

/// The namespace of an element or attribute: a binding of the [`Scope`](super::scope::Scope) that resolved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    /// No namespace.
    None,
    /// That of the prefix `xml`, which nobody declares.
    Xml,
    /// The binding of this number.
    Bound(u32),
}

/// `xmlns="…"` or `xmlns:prefix="…"`.
#[derive(Debug, Clone)]
pub(super) struct Declaration {
    pub(super) prefix: Option<NcName>,
    pub(super) uri: String,
}

/// Any other attribute, its value normalised.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) prefix: Option<NcName>,
    pub(super) local: NcName,
    pub(super) value: String,
    pub(super) namespace: Namespace,
}

/// A start tag. The namespaces are filled in, and the attributes sorted, when a scope opens it.
#[derive(Debug, Clone)]
pub(in crate::verify) struct Tag {
    pub(super) prefix: Option<NcName>,
    pub(super) local: NcName,
    pub(super) namespace: Namespace,
    pub(super) declarations: Vec<Declaration>,
    pub(super) attributes: Vec<Attribute>,
}

impl Tag {
    pub(super) fn new(prefix: Option<NcName>, local: NcName) -> Self {
        Self { prefix, local, namespace: Namespace::None, declarations: Vec::new(), attributes: Vec::new() }
    }

    /// Makes this the tag of another element, in the memory of the last one.
    pub(super) fn restart(&mut self, prefix: Option<NcName>, local: NcName) {
        (self.prefix, self.local, self.namespace) = (prefix, local, Namespace::None);
        self.declarations.clear();
        self.attributes.clear();
    }

    /// This tag, to keep. What is left has no attributes.
    pub(super) fn take(&mut self) -> Self {
        let empty = Self { namespace: self.namespace, ..Self::new(self.prefix.clone(), self.local.clone()) };
        std::mem::replace(self, empty)
    }

    /// Takes the next attribute as the parser tells it.
    pub(super) fn push(&mut self, prefix: Option<NcName>, local: NcName, value: String) {
        match prefix {
            None if local == "xmlns" => self.declarations.push(Declaration { prefix: None, uri: value }),
            Some(prefix) if prefix == "xmlns" => {
                self.declarations.push(Declaration { prefix: Some(local), uri: value });
            }
            prefix => self.attributes.push(Attribute { prefix, local, value, namespace: Namespace::None }),
        }
    }

    /// How many attributes it has, declarations among them.
    pub(super) fn len(&self) -> usize {
        self.declarations.len() + self.attributes.len()
    }

    /// The value of the attribute of this name in no namespace.
    pub(in crate::verify) fn attribute(&self, name: &str) -> Option<&str> {
        let of_that_name = |attribute: &&Attribute| attribute.prefix.is_none() && attribute.local == name;
        self.attributes.iter().find(of_that_name).map(|attribute| attribute.value.as_str())
    }

    /// The values that say which element this is: every attribute that anybody takes for an ID.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let is_id = |attribute: &&Attribute| match attribute.namespace {
            Namespace::None => matches!(attribute.local.as_str(), "ID" | "Id" | "id"),
            Namespace::Xml => attribute.local == "id",
            Namespace::Bound(_) => false,
        };
        self.attributes.iter().filter(is_id).map(|attribute| attribute.value.as_str())
    }
}
