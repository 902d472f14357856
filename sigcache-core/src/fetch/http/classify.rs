//! What reqwest's errors mean in our words: the step that broke, and whether another try may help.

use std::{error::Error as StdError, io, iter::successors};

use url::Url;

use super::{
    super::{FetchError, Retry},
    connect::ConnectTimedOut,
    resolve::ResolveError,
};
use crate::{reason::Reason, time::human_span};

/// There were no headers, and not because of the time. `proxy` is the one in between, which may be the one at fault.
pub(super) fn exchange(error: reqwest::Error, url: &Url, proxy: Option<&str>) -> FetchError {
    let error = error.without_url();
    let link = Link { https: url.scheme() == "https", connecting: error.is_connect(), unasked: error.is_builder() };
    let (reason, retry, found) = named(&error, link);
    let expected = match (reason, proxy) {
        (Reason::UnsupportedScheme, _) | (_, None) => expected(reason, url),
        // It was the proxy's name that was looked up; the proxy itself resolves the other.
        (Reason::HostNotFound, Some(proxy)) => {
            format!("an address for {proxy}, the proxy of the environment for {}", place(url))
        }
        (_, Some(proxy)) => format!("{}, through {proxy}, the proxy of the environment", expected(reason, url)),
    };
    FetchError::new(reason, expected, found).with_retry(retry).with_cause(error)
}

/// The name of the host leads to no address that may be called.
pub(super) fn resolve(error: ResolveError, url: &Url) -> FetchError {
    let (reason, retry) = resolution(&error);
    FetchError::new(reason, expected(reason, url), deepest(&error)).with_retry(retry).with_cause(error)
}

/// The body broke off.
pub(super) fn body(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let found = format!("it broke off: {}", deepest(&error));
    FetchError::new(Reason::TruncatedBody, "the whole body", found).with_retry(Retry::Yes).with_cause(error)
}

/// The URL without what may be secret in it: user, password and query.
pub(super) fn shown(url: &Url) -> String {
    let query = if url.query().is_some() { "?…" } else { "" };
    format!("{}://{}{}{query}", url.scheme(), place(url), url.path())
}

fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn expected(reason: Reason, url: &Url) -> String {
    let place = place(url);
    match reason {
        Reason::HostNotFound => format!("an address for {place}"),
        Reason::PrivateAddress => format!("a public address for {place}"),
        Reason::CertificateRefused => format!("a trusted certificate for {place}"),
        Reason::TlsFailed => format!("a TLS connection to {place}"),
        Reason::BadResponse => format!("an HTTP answer from {place}"),
        Reason::UnsupportedScheme => "a URL that HTTP can ask for".to_owned(),
        _ => format!("a connection to {place}"),
    }
}

/// How far the exchange was when it broke.
#[derive(Debug, Clone, Copy)]
struct Link {
    https: bool,
    connecting: bool,
    /// The request could not even be written.
    unasked: bool,
}

fn named(error: &(dyn StdError + 'static), link: Link) -> (Reason, Retry, String) {
    if link.unasked {
        return (Reason::UnsupportedScheme, Retry::No, deepest(error));
    }
    for cause in causes(error) {
        if let Some(resolve) = cause.downcast_ref::<ResolveError>() {
            let (reason, retry) = resolution(resolve);
            return (reason, retry, deepest(resolve));
        }
        if let Some(ConnectTimedOut(limit)) = cause.downcast_ref() {
            return (Reason::ConnectTimeout, Retry::Yes, format!("none within {limit:?}"));
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return match is_about_certificate(tls) {
                true => (Reason::CertificateRefused, Retry::No, certificate(tls)),
                false => (Reason::TlsFailed, Retry::Yes, tls.to_string()),
            };
        }
    }
    let found = deepest(error);
    if !link.connecting {
        return (Reason::BadResponse, Retry::Yes, found);
    }
    // The innermost one: errors from below TLS come wrapped in an `io::Error` of no particular kind.
    let kind = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last().map(io::Error::kind);
    let reason = match kind {
        Some(io::ErrorKind::ConnectionRefused) => Reason::ConnectionRefused,
        Some(io::ErrorKind::TimedOut) => Reason::ConnectTimeout,
        // TCP alone does not end like this before it stands: the other side hung up during the handshake.
        Some(
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
        ) if link.https => Reason::TlsFailed,
        _ => Reason::ConnectFailed,
    };
    (reason, Retry::Yes, found)
}

fn resolution(error: &ResolveError) -> (Reason, Retry) {
    match error {
        ResolveError::Private(_) => (Reason::PrivateAddress, Retry::No),
        ResolveError::NotFound(_) | ResolveError::Empty | ResolveError::Silent(_) => (Reason::HostNotFound, Retry::Yes),
    }
}

fn is_about_certificate(error: &rustls::Error) -> bool {
    use rustls::Error as E;
    matches!(
        error,
        E::InvalidCertificate(_)
            | E::NoCertificatesPresented
            | E::UnsupportedNameType
            | E::InvalidCertRevocationList(_)
    )
}

/// For people: a server that is seven years out of date says so in days, not in seconds since 1970.
fn certificate(error: &rustls::Error) -> String {
    use rustls::CertificateError as C;
    match error {
        rustls::Error::InvalidCertificate(C::ExpiredContext { time, not_after }) => {
            let span = std::time::Duration::from_secs(time.as_secs().saturating_sub(not_after.as_secs()));
            format!("one that expired {} ago", human_span(span))
        }
        rustls::Error::InvalidCertificate(C::UnknownIssuer) => "one from an unknown authority".to_owned(),
        other => other.to_string(),
    }
}

/// The error and everything below it. `io::Error` hides the error that it wraps from `source`, so look inside.
pub(super) fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        let error = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

/// The text of the innermost cause, which is the one that says what happened.
fn deepest(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(error: impl Into<Box<dyn StdError + Send + Sync>>, https: bool, connecting: bool) -> (Reason, Retry) {
        let (reason, retry, _) = named(&io::Error::other(error), Link { https, connecting, unasked: false });
        (reason, retry)
    }

    #[test]
    fn a_certificate_that_is_refused_is_told_from_other_trouble_with_tls() {
        use rustls::{AlertDescription, CertificateError, Error};
        let refused = [
            Error::InvalidCertificate(CertificateError::UnknownIssuer),
            Error::InvalidCertificate(CertificateError::Expired),
            Error::InvalidCertificate(CertificateError::NotValidForName),
            Error::NoCertificatesPresented,
        ];
        for error in refused {
            assert_eq!(reason(io::Error::other(error), true, true), (Reason::CertificateRefused, Retry::No));
        }
        for error in [Error::AlertReceived(AlertDescription::HandshakeFailure), Error::HandshakeNotComplete] {
            assert_eq!(reason(error, true, true), (Reason::TlsFailed, Retry::Yes));
        }
    }

    #[test]
    fn where_it_broke_decides_between_connection_handshake_and_answer() {
        let io = |kind: io::ErrorKind| io::Error::from(kind);
        assert_eq!(reason(io(io::ErrorKind::HostUnreachable), false, true), (Reason::ConnectFailed, Retry::Yes));
        let found = |kind, https, connecting| named(&io(kind), Link { https, connecting, unasked: false }).0;
        assert_eq!(found(io::ErrorKind::ConnectionRefused, true, true), Reason::ConnectionRefused);
        assert_eq!(found(io::ErrorKind::TimedOut, false, true), Reason::ConnectTimeout);
        assert_eq!(found(io::ErrorKind::UnexpectedEof, true, true), Reason::TlsFailed);
        assert_eq!(found(io::ErrorKind::ConnectionReset, false, true), Reason::ConnectFailed);
        assert_eq!(found(io::ErrorKind::ConnectionReset, false, false), Reason::BadResponse);
    }

    #[test]
    fn secrets_in_a_url_are_not_shown() {
        let url = Url::parse("https://user:pass@host.example:8443/a/b?token=abc#frag").unwrap();
        assert_eq!(shown(&url), "https://host.example:8443/a/b?…");
    }
}
