//! From bytes to start tags, text and end tags, within limits.
//!
//! The parser is `rxml`, which has no DTD and no entities to begin with. Four things are done here instead, before it
//! sees the bytes or after: the XML declaration, since it takes only `standalone="yes"`; the ends of lines, since it
//! loses a lone carriage return at the end of an attribute; names and namespaces, since it leaves them to us; and what
//! follows the document element, since it would take a CDATA section or a reference for white space there.

use std::borrow::Cow;

use rxml::{Error, NcName, Options, Parse as _, RawEvent, RawParser, WithOptions as _, error::EndOrError};

use super::{MAX_DEPTH, invalid, is_blank, prolog::Prolog, scope::Scope, tag::Tag};
use crate::verify::VerifyError;

/// A longer attribute value is refused; longer text comes in pieces.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// A longer name is refused.
const MAX_NAME_BYTES: usize = 1024;

/// A start tag with more attributes is refused.
const MAX_ATTRIBUTES: usize = 256;

/// A start tag with more bytes is refused.
const MAX_TAG_BYTES: usize = 256 * 1024;

/// The parser looks for the end of a text in all that it is given, even where it takes only a part: so it is given no
/// more than this at once.
const SLICE: usize = 16 * 1024;

/// What takes the events of a document.
pub(super) trait Handler {
    /// A start tag, opened in `scope`. `depth` is 1 for the document element.
    fn start(&mut self, tag: &mut Tag, name: &str, depth: usize, scope: &Scope) -> Result<(), VerifyError>;
    /// Text; long text in pieces.
    fn text(&mut self, text: &str, depth: usize) -> Result<(), VerifyError>;
    /// The end of an element, which is closed in `scope` already.
    fn end(&mut self, name: &str, depth: usize, scope: &Scope) -> Result<(), VerifyError>;
}

/// The reader of one document.
pub(super) struct Reader {
    prolog: Prolog,
    parser: RawParser,
    /// The last byte was a carriage return, told as a line feed.
    after_return: bool,
    tag: Option<Tag>,
    tag_bytes: usize,
    scope: Scope,
    /// The names of the open elements, one after the other, and where each begins.
    names: String,
    starts: Vec<usize>,
    ended: bool,
}

impl Reader {
    pub(super) fn new() -> Self {
        let options = Options { max_token_length: MAX_TOKEN_BYTES, ..Options::default() };
        Self {
            prolog: Prolog::default(),
            parser: RawParser::with_options(options),
            after_return: false,
            tag: None,
            tag_bytes: 0,
            scope: Scope::default(),
            names: String::new(),
            starts: Vec::new(),
            ended: false,
        }
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, chunk: &[u8], handler: &mut impl Handler) -> Result<(), VerifyError> {
        let (begun, chunk) = self.prolog.skip(chunk)?;
        for slice in std::iter::once(&*begun).chain(chunk.chunks(SLICE)) {
            let lines = self.normalise(slice);
            let mut rest = &*lines;
            while let Some(event) = self.next(&mut rest)? {
                self.take(event, handler)?;
            }
            if self.ended && !is_blank(rest) {
                return Err(invalid("something after the end of the document element"));
            }
        }
        Ok(())
    }

    /// There are no more bytes.
    pub(super) fn finish(&self) -> Result<(), VerifyError> {
        if self.ended { Ok(()) } else { Err(invalid("the end of the bytes before the end of the document")) }
    }

    /// XML 1.0, section 2.11: every end of line is one line feed, before anything else is done.
    fn normalise<'a>(&mut self, slice: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(last) = slice.last() else { return slice.into() };
        let after_return = std::mem::replace(&mut self.after_return, *last == b'\r');
        let slice = if after_return { slice.strip_prefix(b"\n").unwrap_or(slice) } else { slice };
        if !slice.contains(&b'\r') {
            return slice.into();
        }
        let mut lines = Vec::with_capacity(slice.len());
        for (index, byte) in slice.iter().enumerate() {
            match byte {
                b'\r' => lines.push(b'\n'),
                b'\n' if index > 0 && slice[index - 1] == b'\r' => {}
                other => lines.push(*other),
            }
        }
        lines.into()
    }

    fn next(&mut self, rest: &mut &[u8]) -> Result<Option<RawEvent>, VerifyError> {
        if self.ended {
            return Ok(None);
        }
        match self.parser.parse(rest, false) {
            Ok(event) => Ok(event),
            Err(EndOrError::NeedMoreData) => Ok(None),
            Err(EndOrError::Error(error)) => Err(invalid(explain(error))),
        }
    }

    fn take(&mut self, event: RawEvent, handler: &mut impl Handler) -> Result<(), VerifyError> {
        match event {
            RawEvent::ElementHeadOpen(metrics, (prefix, local)) => self.open(prefix, local, metrics.len()),
            RawEvent::Attribute(metrics, (prefix, local), value) => {
                check_name(prefix.as_ref(), &local)?;
                let Some(tag) = &mut self.tag else { return Ok(()) };
                tag.push(prefix, local, value);
                self.tag_bytes += metrics.len();
                if tag.len() > MAX_ATTRIBUTES || self.tag_bytes > MAX_TAG_BYTES {
                    let limits = format!("more than {MAX_ATTRIBUTES} attributes or {MAX_TAG_BYTES} bytes in one tag");
                    return Err(invalid(limits));
                }
                Ok(())
            }
            RawEvent::ElementHeadClose(_) => {
                let Some(tag) = &mut self.tag else { return Ok(()) };
                self.scope.open(tag)?;
                let start = self.starts.last().copied().unwrap_or_default();
                handler.start(tag, &self.names[start..], self.starts.len(), &self.scope)
            }
            RawEvent::Text(_, text) => handler.text(&text, self.starts.len()),
            RawEvent::ElementFoot(_) => {
                self.scope.close();
                let start = self.starts.last().copied().unwrap_or_default();
                handler.end(&self.names[start..], self.starts.len(), &self.scope)?;
                self.names.truncate(start);
                self.starts.pop();
                self.ended = self.starts.is_empty();
                Ok(())
            }
            RawEvent::XmlDeclaration(..) => Err(invalid("a second XML declaration")),
        }
    }

    fn open(&mut self, prefix: Option<NcName>, local: NcName, bytes: usize) -> Result<(), VerifyError> {
        check_name(prefix.as_ref(), &local)?;
        if self.starts.len() >= MAX_DEPTH {
            return Err(invalid(format!("more than {MAX_DEPTH} levels")));
        }
        self.starts.push(self.names.len());
        if let Some(prefix) = &prefix {
            self.names.push_str(prefix.as_str());
            self.names.push(':');
        }
        self.names.push_str(local.as_str());
        self.tag_bytes = bytes;
        match &mut self.tag {
            Some(tag) => tag.restart(prefix, local),
            None => self.tag = Some(Tag::new(prefix, local)),
        }
        Ok(())
    }
}

fn check_name(prefix: Option<&NcName>, local: &NcName) -> Result<(), VerifyError> {
    if local.len() + prefix.map_or(0, |prefix| prefix.len()) > MAX_NAME_BYTES {
        return Err(invalid(format!("a name of more than {MAX_NAME_BYTES} bytes")));
    }
    Ok(())
}

/// What the parser did not take, in words that say what to look for. Unknown ones are its own.
fn explain(error: Error) -> String {
    match error {
        Error::RestrictedXml("comments") => "a comment".to_owned(),
        Error::RestrictedXml("processing instructions") => "a processing instruction".to_owned(),
        Error::RestrictedXml("long name or reference") => {
            format!("a name or value of more than {MAX_TOKEN_BYTES} bytes")
        }
        Error::InvalidSyntax("malformed cdata or comment section start") => "a document type declaration".to_owned(),
        Error::UndeclaredEntity => "an entity that XML itself does not have".to_owned(),
        Error::InvalidUtf8Byte(_) => "bytes that are not UTF-8".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
