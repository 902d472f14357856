//! The course of a document: its root, its signature, and the digest of all the rest.
//!
//! Where the signature is the first child of the root, as in SAML metadata, its value is verified before anything behind
//! it is read, and it says which canonical form to digest. Where it comes later, as in EU trusted lists, the few forms
//! and digests there are run side by side until it is reached.

use super::{
    c14n::{Canonicalizer, Mode},
    invalid, is_blank,
    profile::{Content, Ids, Name, Place, Profile},
    reader::{Handler, Reader},
    scope::Scope,
    signature::{self, Covering, DS, Surroundings},
    tag::Tag,
    tree::{Builder, Element, malformed},
};
use crate::{
    evidence::Evidence,
    trust::{HashKind, RunningHash, Trust},
    verify::{Finding, Verification, VerifyError, Whole},
};

/// More white space before the signature is no white space that anybody wrote.
const MAX_BLANK_BYTES: usize = 16 * 1024;

/// The digests that are run as long as it is not known which one the signature has.
const HASHES: [HashKind; 3] = [HashKind::Sha256, HashKind::Sha384, HashKind::Sha512];

/// So much of the canonical form is gathered before it is hashed.
const BLOCK_BYTES: usize = 16 * 1024;

/// A running check of one document.
pub(in crate::verify) struct Running {
    reader: Reader,
    document: Document,
}

impl Running {
    pub(in crate::verify) fn new(profile: Profile, trust: &Trust, content: Box<dyn Content>) -> Self {
        let document = Document {
            profile,
            trust: trust.clone(),
            content,
            root: None,
            ids: Vec::new(),
            repeated: false,
            blank: String::new(),
            streams: Vec::new(),
            builder: None,
            covering: None,
        };
        Self { reader: Reader::new(), document }
    }
}

impl Verification for Running {
    fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        self.reader.update(chunk, &mut self.document)
    }

    fn finish(self: Box<Self>, whole: Whole) -> Result<Finding, VerifyError> {
        self.reader.finish()?;
        self.document.finish(whole)
    }
}

struct Document {
    profile: Profile,
    trust: Trust,
    content: Box<dyn Content>,
    root: Option<Root>,
    /// The IDs of the root.
    ids: Vec<Box<str>>,
    /// Another element has one of them too.
    repeated: bool,
    /// The white space between the root's tag and what comes first in it.
    blank: String,
    /// The canonical forms that are digested; none as long as nothing is known of them.
    streams: Vec<Stream>,
    /// The signature, while it is read.
    builder: Option<Builder>,
    /// What the signature says, once it is verified.
    covering: Option<Covering>,
}

struct Root {
    tag: Tag,
    name: Box<str>,
    scope: Scope,
}

/// A canonical form and its digests.
struct Stream {
    mode: Mode,
    canon: Canonicalizer,
    hashes: Vec<(HashKind, RunningHash)>,
}

impl Stream {
    fn new(mode: Mode, kinds: &[HashKind]) -> Self {
        let canon = Canonicalizer::new(mode.clone());
        Self { mode, canon, hashes: kinds.iter().map(|kind| (*kind, kind.start())).collect() }
    }

    fn drain(&mut self, least: usize) {
        let out = self.canon.out();
        if out.len() >= least {
            self.hashes.iter_mut().for_each(|(_, hash)| hash.update(out));
            out.clear();
        }
    }
}

impl Handler for Document {
    fn start(&mut self, tag: &mut Tag, name: &str, depth: usize, scope: &Scope) -> Result<(), VerifyError> {
        if let Some(builder) = &mut self.builder {
            return builder.start(tag.take(), name, scope);
        }
        let full = Name { uri: scope.uri(tag.namespace), local: &tag.local };
        if depth == 1 {
            self.content.start(full, tag, depth)?;
            self.ids = match self.profile.ids {
                Ids::Upper => tag.attribute("ID").into_iter().map(Box::from).collect(),
                Ids::Any => tag.ids().map(Box::from).collect(),
            };
            self.root = Some(Root { tag: tag.take(), name: name.into(), scope: scope.clone() });
            return Ok(());
        }
        if depth == 2 && full == (Name { uri: DS, local: "Signature" }) {
            if self.covering.is_some() {
                return Err(invalid("a second signature of the document"));
            }
            return self.builder.insert(Builder::default()).start(tag.take(), name, scope);
        }
        self.begin_unknown()?;
        if !self.ids.is_empty() && tag.ids().any(|id| self.ids.iter().any(|own| **own == *id)) {
            self.repeated = true;
            self.check_ids()?;
        }
        self.content.start(full, tag, depth)?;
        for stream in &mut self.streams {
            stream.canon.start(tag, name, scope);
            stream.drain(BLOCK_BYTES);
        }
        Ok(())
    }

    fn text(&mut self, text: &str, depth: usize) -> Result<(), VerifyError> {
        if let Some(builder) = &mut self.builder {
            return builder.text(text);
        }
        if self.streams.is_empty() && is_blank(text.as_bytes()) && self.blank.len() + text.len() <= MAX_BLANK_BYTES {
            self.blank.push_str(text);
            return Ok(());
        }
        self.begin_unknown()?;
        self.content.text(text, depth);
        for stream in &mut self.streams {
            stream.canon.text(text);
            stream.drain(BLOCK_BYTES);
        }
        Ok(())
    }

    fn end(&mut self, name: &str, depth: usize, scope: &Scope) -> Result<(), VerifyError> {
        if let Some(builder) = &mut self.builder {
            return match builder.end() {
                Some(signature) => self.signed(&signature),
                None => Ok(()),
            };
        }
        self.begin_unknown()?;
        self.content.end(depth);
        for stream in &mut self.streams {
            stream.canon.end(name, scope);
            stream.drain(BLOCK_BYTES);
        }
        Ok(())
    }
}

impl Document {
    /// The signature is complete.
    fn signed(&mut self, element: &Element) -> Result<(), VerifyError> {
        self.builder = None;
        let Some(root) = &self.root else { return Ok(()) };
        let around = Surroundings { root: &root.tag, scope: &root.scope, ids: &self.ids };
        let covering = signature::verify(element, &around, &self.trust, self.profile.alg)?;
        let mode = covering.form.mode();
        if self.streams.is_empty() {
            self.begin(vec![Stream::new(mode, &[covering.hash])]);
        } else {
            self.streams.retain(|stream| stream.mode == mode);
            self.streams.iter_mut().for_each(|stream| stream.hashes.retain(|(kind, _)| *kind == covering.hash));
            if self.streams.is_empty() {
                let expected = "no PrefixList where the signature is not the first child";
                return Err(malformed(expected, "a PrefixList"));
            }
        }
        self.covering = Some(covering);
        self.check_ids()
    }

    /// Something comes before the signature.
    fn begin_unknown(&mut self) -> Result<(), VerifyError> {
        if !self.streams.is_empty() {
            return Ok(());
        }
        if self.profile.place == Place::First {
            return Err(no_signature("a ds:Signature as first child of the document element"));
        }
        let modes = [Mode::Exclusive(Vec::new()), Mode::Inclusive];
        self.begin(modes.map(|mode| Stream::new(mode, &HASHES)).into());
        Ok(())
    }

    fn begin(&mut self, streams: Vec<Stream>) {
        self.streams = streams;
        let Some(root) = &self.root else { return };
        for stream in &mut self.streams {
            stream.canon.start(&root.tag, &root.name, &root.scope);
            stream.canon.text(&self.blank);
        }
    }

    /// Where the signature names the root by an ID, no other element may have it: a reader who looks for the ID would
    /// find either.
    fn check_ids(&self) -> Result<(), VerifyError> {
        match &self.covering {
            Some(Covering { id: Some(_), .. }) if self.repeated => {
                Err(invalid("the ID of the document element on another element"))
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self, whole: Whole) -> Result<Finding, VerifyError> {
        let expected = "a ds:Signature as child of the document element";
        let covering = self.covering.ok_or_else(|| no_signature(expected))?;
        let mut digests = self.streams.into_iter().flat_map(|mut stream| {
            stream.drain(0);
            stream.hashes
        });
        // Only the one form and digest that the signature names are left.
        let digest = digests.next().map(|(_, hash)| hash.finish());
        if digest.is_none_or(|digest| digest.as_bytes() != covering.digest) {
            return Err(VerifyError::mismatch(&self.trust));
        }
        let mut evidence = Evidence::new(self.profile.format, whole.digest, whole.size, covering.signers);
        self.content.finish(&mut evidence)?;
        Ok(Finding::new(evidence))
    }
}

fn no_signature(expected: &str) -> VerifyError {
    VerifyError::malformed_document(expected, "none")
}
