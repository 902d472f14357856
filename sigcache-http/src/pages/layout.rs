//! What all pages have in common: their frame, their headers, and how they show what others wrote.

use std::{borrow::Cow, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, OriginalUri},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, Uri, header, request::Parts};
use maud::{DOCTYPE, Markup, html};
use sigcache_core::{Timestamp, human_span, plays_with_terminals};

use super::accept::Form;
use crate::{endpoint::Inner, problem::Problem};

/// Nothing is loaded but our own style, nothing runs, nobody frames it.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'self'; form-action 'self'; \
                      frame-ancestors 'none'";

/// Who asks, in which form, and where.
pub(crate) struct Reader {
    pub(crate) form: Form,
    /// Where the router stands, with a slash at its end.
    base: String,
    /// The first page.
    pub(crate) home: String,
    /// This very page.
    pub(crate) here: String,
}

impl FromRequestParts<Arc<Inner>> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, inner: &Arc<Inner>) -> Result<Self, Infallible> {
        let original = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
        let prefix = prefix(original, &parts.uri);
        let base = format!("{}{prefix}/", inner.options.base);
        // A router that is nested below `/cache` answers there, and not at `/cache/`.
        let home = if prefix.is_empty() { base.clone() } else { base.trim_end_matches('/').to_owned() };
        let here = original.path_and_query().map_or("", |whole| whole.as_str());
        let here = format!("{}/{}", inner.options.base, here.trim_start_matches('/'));
        Ok(Self { form: Form::wanted(&parts.headers), base, home, here })
    }
}

/// What the routers around this one took away from the path. By the real path and not by the pattern of the route, which
/// may have parameters.
fn prefix<'u>(original: &'u Uri, within: &Uri) -> &'u str {
    let whole = original.path();
    let prefix = whole.strip_suffix(within.path()).unwrap_or(whole.trim_end_matches('/'));
    // Two slashes at the beginning would name another host.
    if prefix.starts_with("//") { "" } else { prefix }
}

impl Reader {
    /// A whole page.
    pub(crate) fn page(&self, status: StatusCode, title: &str, main: Markup) -> Response {
        let whole = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { (plain(title)) " – sigcache" }
                    base href=(self.base);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light";
                    link rel="stylesheet" href="style.css";
                }
                body {
                    // With a base, a fragment alone would lead to the first page.
                    a .skip href={ (self.here) "#main" } { "Skip to main content" }
                    header .top {
                        div .width {
                            a .home href=(self.home) { "sigcache" }
                            span .what { "Verified documents, and why each is trusted" }
                        }
                    }
                    main #main .width tabindex="-1" { (main) }
                    footer .bottom {
                        div .width {
                            nav aria-label="For programs" {
                                ul {
                                    li { a href="health" { "Health" } }
                                    li { a href="metrics" { "Metrics" } }
                                    li { a href="openapi.json" { "All paths (OpenAPI)" } }
                                }
                            }
                            p { "The same as JSON: ask for this address with " code { "Accept: application/json" } "." }
                        }
                    }
                }
            }
        };
        let mut response = (status, whole.into_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        one_of_two(response)
    }

    /// The same for programs.
    pub(crate) fn json(value: &impl serde::Serialize) -> Response {
        one_of_two(axum::Json(value).into_response())
    }

    /// A problem, as a page where a page was asked for.
    pub(crate) fn problem(&self, problem: Problem) -> Response {
        if self.form == Form::Json {
            return one_of_two(problem.into_response());
        }
        let title = capital(problem.title());
        let main = html! {
            h1 { (title) }
            p .lead { (plain(problem.detail())) }
            @if let Some((step, reason)) = problem.link() {
                p { "The link that is broken: " strong { (step) } " (" code { (reason) } ")." }
            }
            p { a href=(self.home) { "How every resource stands" } }
        };
        let mut response = self.page(problem.status(), &title, main);
        response.headers_mut().extend(problem.into_headers());
        response
    }
}

/// What every answer of a path with two forms needs.
fn one_of_two(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// The longest text of others that is shown whole, in characters.
const LONGEST: usize = 2000;

/// What servers and stores wrote, so that it can neither turn the writing around nor fill the page; that it is no markup is
/// seen to where it is written into the page.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST && !text.chars().any(plays_with_terminals) {
        return Cow::Borrowed(text);
    }
    let mut kept: String =
        text.chars().take(LONGEST).map(|c| if plays_with_terminals(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// The sentence of a machine with a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A time, to the minute.
pub(crate) fn moment(at: Timestamp) -> Markup {
    let text = at.to_string();
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    html! { time datetime=(text) { (day) " " (rest.get(..5).unwrap_or(rest)) " UTC" } }
}

/// `3 hours ago`
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.since(at) {
        span if span.as_secs() == 0 => "just now".to_owned(),
        span => format!("{} ago", human_span(span)),
    }
}

/// `0 ms`, `20 µs`, `35 ms`, `3 hours`
pub(crate) fn taken(time: Duration) -> String {
    match time.as_micros() {
        0 => "0 ms".to_owned(),
        micros @ 1..1_000 => format!("{micros} µs"),
        micros @ 1_000..10_000_000 => format!("{} ms", micros / 1000),
        _ => human_span(time),
    }
}

/// `1 resource`, `2 resources`
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{} {what}s", grouped(number as u64)) }
}

/// `1,234,567`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `512 bytes`, `1.5 MiB`
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A word for a state, an outcome or the like, with a shape around it. The word says it; the colour only helps.
pub(crate) fn tag(word: &str, mood: Mood) -> Markup {
    html! { strong class={ "tag " (mood.class()) } { (word) } }
}

/// How a word is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    Warning,
    Bad,
}

impl Mood {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_what_was_taken_away() {
        let table = [
            ("/", "/", ""),
            ("/explain/a", "/explain/a", ""),
            ("/cache/", "/", "/cache"),
            ("/cache", "/", "/cache"),
            ("/t/1/explain/a", "/explain/a", "/t/1"),
            ("//evil.example/explain/a", "/explain/a", ""),
        ];
        for (original, within, expected) in table {
            assert_eq!(prefix(&original.parse().unwrap(), &within.parse().unwrap()), expected, "{original}");
        }
    }

    #[test]
    fn what_others_wrote_stays_in_its_place() {
        assert_eq!(plain("a b é"), "a b é");
        assert_eq!(plain("a\u{202e}b\nc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(plain(&"x".repeat(3000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn numbers_read_well() {
        let table = [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_572_864, "1.5 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ];
        for (bytes, text) in table {
            assert_eq!(size(bytes), text);
        }
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
