//! Canonical XML, written as the events come: Exclusive C14N 1.0 with its list of prefixes, Canonical XML 1.0 and 1.1.
//!
//! There are no comments here, so that the forms with and without them are the same. For a whole document 1.0 and 1.1
//! are the same too; they differ in what the top of a part inherits, which the caller adds to its tag.

use super::{
    scope::Scope,
    tag::{Namespace, Tag},
};

/// Which namespace declarations an element is written with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    /// Those in force that no element around it wrote.
    Inclusive,
    /// Only those that its own names use; for the prefixes of this list (empty: the default namespace), as in
    /// `Inclusive`.
    Exclusive(Vec<Box<str>>),
}

/// Writes one canonical form.
pub(super) struct Canonicalizer {
    mode: Mode,
    /// What is written and not taken yet.
    out: Vec<u8>,
    /// The bindings that the open elements wrote, the innermost last.
    written: Vec<u32>,
    /// For each open element, how many of them there were outside it.
    outside: Vec<u32>,
    /// For each binding in scope, whether it is among `written`: then nothing needs to be asked.
    known: Vec<bool>,
    /// The declarations of the tag at hand.
    declared: Vec<u32>,
}

impl Canonicalizer {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            out: Vec::new(),
            written: Vec::new(),
            outside: Vec::new(),
            known: Vec::new(),
            declared: Vec::new(),
        }
    }

    /// Writes a start tag that was opened in `scope`. The first one is the top of what is written.
    pub(super) fn start(&mut self, tag: &Tag, name: &str, scope: &Scope) {
        let is_top = self.outside.is_empty();
        self.outside.push(self.written.len() as u32);
        self.known.resize(scope.len() as usize, false);
        let mode = std::mem::replace(&mut self.mode, Mode::Inclusive);
        match &mode {
            Mode::Inclusive if is_top => scope.in_force().for_each(|binding| self.use_binding(binding, scope)),
            Mode::Inclusive => scope.own().for_each(|binding| self.use_binding(binding, scope)),
            Mode::Exclusive(prefixes) => {
                let names = tag.attributes.iter().map(|attribute| attribute.namespace);
                for namespace in std::iter::once(tag.namespace).chain(names) {
                    if let Namespace::Bound(binding) = namespace {
                        self.use_binding(binding, scope);
                    }
                }
                if !prefixes.is_empty() {
                    let listed = |binding: &u32| prefixes.iter().any(|prefix| **prefix == *scope.prefix(*binding));
                    match is_top {
                        true => scope.in_force().filter(listed).for_each(|binding| self.use_binding(binding, scope)),
                        false => scope.own().filter(listed).for_each(|binding| self.use_binding(binding, scope)),
                    }
                }
            }
        }
        self.mode = mode;
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        self.write_declarations(scope);
        for attribute in &tag.attributes {
            self.out.push(b' ');
            if let Some(prefix) = &attribute.prefix {
                self.out.extend_from_slice(prefix.as_bytes());
                self.out.push(b':');
            }
            self.out.extend_from_slice(attribute.local.as_bytes());
            self.out.extend_from_slice(b"=\"");
            escape(&mut self.out, &attribute.value, in_value);
            self.out.push(b'"');
        }
        self.out.push(b'>');
    }

    /// Writes text.
    pub(super) fn text(&mut self, text: &str) {
        escape(&mut self.out, text, in_text);
    }

    /// Writes the end of an element, which is closed in `scope` already.
    pub(super) fn end(&mut self, name: &str, scope: &Scope) {
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
        let outside = self.outside.pop().unwrap_or_default() as usize;
        for binding in self.written.drain(outside..) {
            self.known[binding as usize] = false;
        }
        self.known.truncate(scope.len() as usize);
    }

    /// What was written since this was asked last. The caller clears it.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Sees to it that this binding is written, unless it is what the elements around say already.
    fn use_binding(&mut self, binding: u32, scope: &Scope) {
        if self.known[binding as usize] {
            return;
        }
        let uri = scope.uri(Namespace::Bound(binding));
        let before = self.written.iter().rev().find(|other| scope.same_prefix(**other, binding));
        let said = before.map_or("", |before| scope.uri(Namespace::Bound(*before)));
        // `xmlns=""` where nothing around says otherwise is never written.
        if said != uri {
            self.declared.push(binding);
        }
        self.known[binding as usize] = true;
        self.written.push(binding);
    }

    fn write_declarations(&mut self, scope: &Scope) {
        self.declared.sort_unstable_by(|a, b| scope.prefix(*a).cmp(scope.prefix(*b)));
        for binding in self.declared.drain(..) {
            self.out.extend_from_slice(b" xmlns");
            let prefix = scope.prefix(binding);
            if !prefix.is_empty() {
                self.out.push(b':');
                self.out.extend_from_slice(prefix.as_bytes());
            }
            self.out.extend_from_slice(b"=\"");
            escape(&mut self.out, scope.uri(Namespace::Bound(binding)), in_value);
            self.out.push(b'"');
        }
    }
}

/// Canonical XML 1.0, section 2.3, text nodes.
fn in_text(byte: u8) -> Option<&'static [u8]> {
    match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'>' => Some(b"&gt;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    }
}

/// Canonical XML 1.0, section 2.3, attribute nodes.
fn in_value(byte: u8) -> Option<&'static [u8]> {
    match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'"' => Some(b"&quot;"),
        b'\t' => Some(b"&#x9;"),
        b'\n' => Some(b"&#xA;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    }
}

/// Writes `text`, each byte as `escaped` says, or as itself.
#[inline(always)]
fn escape(out: &mut Vec<u8>, text: &str, escaped: impl Fn(u8) -> Option<&'static [u8]>) {
    // Most blocks have nothing to escape, and whether one has is quickly seen of all its bytes at once.
    for block in text.as_bytes().chunks(32) {
        if !block.iter().fold(false, |any, byte| any | escaped(*byte).is_some()) {
            out.extend_from_slice(block);
            continue;
        }
        for byte in block {
            match escaped(*byte) {
                Some(escaped) => out.extend_from_slice(escaped),
                None => out.push(*byte),
            }
        }
    }
}

#[cfg(test)]
#[path = "c14n_tests.rs"]
mod tests;
