//! A door for the fuzzer: what is read in the headers of an answer, without a server to send them.

use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use super::{
    super::{FetchError, FetchRequest, Meta, Retry},
    answer,
};

/// Everything that the headers say, whatever the status would make of it.
#[derive(Debug)]
pub struct Said {
    /// Validators, media type and freshness.
    pub meta: Meta,
    /// Where a redirect would lead.
    pub redirect: Result<Url, FetchError>,
    /// When to try again after a 503.
    pub retry: Retry,
    /// Whether the body may be encoded.
    pub encoding: Result<(), FetchError>,
}

/// Reads `head`, a header on each line, as that of an answer to `request`. What HTTP itself would refuse is left out.
pub fn read(head: &[u8], request: &FetchRequest<'_>) -> Said {
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(&line[colon + 1..]));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    Said {
        meta: answer::meta(StatusCode::OK, &headers, None, request),
        redirect: answer::redirect(request.url, &headers),
        retry: answer::refusal(StatusCode::SERVICE_UNAVAILABLE, &headers, request).retry(),
        encoding: answer::check_encoding(&headers),
    }
}
