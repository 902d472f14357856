//! Just enough of XML to find what an enveloped signature covers: values and texts outside of the signature. The document
//! was verified before, so it is well formed.

use std::ops::Range;

/// The element of the signature, from its start tag to its end tag.
pub(crate) fn signature(document: &[u8]) -> Option<Range<usize>> {
    let mut begun: Option<(usize, &[u8])> = None;
    let mut at = 0;
    while let Some(tag) = next_tag(document, at) {
        at = tag.end;
        let inner = &document[tag.start + 1..tag.end];
        match begun {
            None if local(name(inner)) == b"Signature" => begun = Some((tag.start, name(inner))),
            Some((start, open)) if inner.strip_prefix(b"/").is_some_and(|inner| name(inner) == open) => {
                return Some(start..tag.end);
            }
            _ => {}
        }
    }
    None
}

/// Texts, and values of attributes that are no IDs and no namespaces, without references to characters.
pub(crate) fn signed_texts(document: &[u8]) -> Vec<Range<usize>> {
    let signature = signature(document).unwrap_or(0..0);
    let (mut spans, mut at) = (Vec::new(), None);
    while let Some(tag) = next_tag(document, at.unwrap_or(0)) {
        // What stands before the first tag is no part of the document.
        spans.extend(at.map(|at| at..tag.start));
        at = Some(tag.end);
        if signature.contains(&tag.start) {
            at = Some(signature.end);
            continue;
        }
        spans.extend(
            values(&document[tag.clone()]).into_iter().map(|span| tag.start + span.start..tag.start + span.end),
        );
    }
    // No references, and no comments: those are not signed.
    spans.retain(|span| !span.is_empty() && !document[span.clone()].iter().any(|byte| matches!(byte, b'&' | b'<')));
    spans
}

/// The next start or end tag. Comments, instructions and declarations are passed over.
fn next_tag(document: &[u8], from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        at = find(document, b"<", at)?;
        let rest = &document[at..];
        let end: &[u8] = match () {
            () if rest.starts_with(b"<!--") => b"-->",
            () if rest.starts_with(b"<![CDATA[") => b"]]>",
            () if rest.starts_with(b"<?") => b"?>",
            () => return Some(at..end_of_tag(document, at)?),
        };
        at = find(document, end, at)? + end.len();
    }
}

/// A `>` may stand in a value.
fn end_of_tag(document: &[u8], start: usize) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in document.iter().enumerate().skip(start) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b'>') => return Some(at + 1),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    None
}

fn values(tag: &[u8]) -> Vec<Range<usize>> {
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(equals) = find(tag, b"=", at) {
        let Some(open) = tag[equals..].iter().position(|byte| matches!(byte, b'"' | b'\'')) else { break };
        let start = equals + open + 1;
        let Some(end) = find(tag, &tag[start - 1..start], start) else { break };
        let before = tag[..equals].trim_ascii_end();
        let begin = before.iter().rposition(u8::is_ascii_whitespace).map_or(0, |blank| blank + 1);
        let attribute = &before[begin..];
        if !attribute.starts_with(b"xmlns") && !local(attribute).eq_ignore_ascii_case(b"id") {
            values.push(start..end);
        }
        at = end + 1;
    }
    values
}

fn name(tag: &[u8]) -> &[u8] {
    let end = tag.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
    &tag[..end.unwrap_or(tag.len())]
}

fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|byte| *byte == b':').next().unwrap_or(name)
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
}
