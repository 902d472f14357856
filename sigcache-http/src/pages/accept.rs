//! Which form of an answer a client wants (RFC 9110, section 12.5.1).

use http::{HeaderMap, header};

/// What the pages can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Html,
    Json,
}

impl Form {
    /// HTML for whoever says that it takes HTML, and takes JSON no more gladly. Everybody else gets JSON: a program that
    /// says nothing, or that it takes anything (`*/*`, as curl does), can do more with that.
    pub(crate) fn wanted(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let ranges: Vec<(String, u16)> = accepted.flat_map(|text| split(text, ',')).filter_map(range).collect();
        let quality = |names: &[&str]| {
            let of = |name: &&str| ranges.iter().find(|(range, _)| range == name).map(|(_, quality)| *quality);
            // The most exact range counts, not the best one.
            names.iter().find_map(of).unwrap_or(0)
        };
        let html = quality(&["text/html", "text/*"]);
        let json = quality(&["application/json", "application/*", "*/*"]);
        if html > 0 && html >= json { Self::Html } else { Self::Json }
    }
}

/// A media range and its quality in thousandths, or nothing where it is not one.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = split(text, ';').into_iter().map(str::trim);
    let name = parts.next().filter(|name| name.contains('/'))?.to_ascii_lowercase();
    let mut quality = 1000;
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        if key.trim().eq_ignore_ascii_case("q") {
            quality = thousandths(value.trim())?;
        }
    }
    Some((name, quality))
}

/// `0`, `0.5`, `1.000`: at most three digits, and not above one.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1") || part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{part:0<3}").parse().ok()?;
    let sum = if whole == "1" { 1000 + part } else { part };
    (sum <= 1000).then_some(sum)
}

/// Splits at `separator` where it stands outside of quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if c == separator && !is_quoted => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn html_is_for_those_who_ask_for_it() {
        const FIREFOX: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
        let table: &[(&[&str], Form)] = &[
            (&[], Form::Json),
            (&["*/*"], Form::Json),
            (&["application/json"], Form::Json),
            (&[FIREFOX], Form::Html),
            (&["text/html"], Form::Html),
            (&["TEXT/HTML"], Form::Html),
            (&["text/*"], Form::Html),
            (&["text/plain"], Form::Json),
            (&["text/html;q=0"], Form::Json),
            (&["text/html;q=0, text/*"], Form::Json),
            (&["text/html;q=0.0, */*"], Form::Json),
            (&["application/json", "text/html"], Form::Html),
            (&["application/json;q=0.9", "text/html"], Form::Html),
            (&["application/json, text/html;q=0.9"], Form::Json),
            (&["application/json ; q=0.5 , text/html ; Q=0.501"], Form::Html),
            (&["*/*, text/html;q=0.9"], Form::Json),
            (&["application/json;q=0.1, */*, text/html;q=0.5"], Form::Html),
            (&["text/html;level=1;q=0.5, application/*;q=0.4"], Form::Html),
            (&["text/plain;x=\", text/html;q=1\""], Form::Json),
            (&["text/plain;x=\"\\\", text/html\""], Form::Json),
            // What cannot be understood says nothing.
            (&["text/html;q=2"], Form::Json),
            (&["text/html;q=0.1234"], Form::Json),
            (&["text/html;q=1.001"], Form::Json),
            (&["text/html;q=-1"], Form::Json),
            (&["html", ",,;q=1,"], Form::Json),
            (&["\u{e4}", "text/html"], Form::Html),
        ];
        for (values, form) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(header::ACCEPT, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            assert_eq!(Form::wanted(&headers), *form, "{values:?}");
        }
    }
}
