//! Fetching over HTTP and HTTPS.
//!
//! Nothing that a server says is trusted here; what these limits are for is that a server, or whoever stands in its
//! place, cannot hold a run up, send it elsewhere, or read what was meant for another server.
//!
//! Proxies are taken from the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), as other programs do;
//! [`HttpFetcher::direct`] ignores them. A proxy may itself be on a private address. **Behind a proxy it is the proxy
//! that resolves names, so the rule of [`Addresses::Public`](super::Addresses) then covers only addresses that stand
//! literally in a URL or a redirect**; what a name may lead to is for the proxy to say.

mod address;
mod answer;
mod body;
mod classify;
mod client;
mod connect;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "alerts")]
mod post;
mod resolve;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{
    Client, Response, StatusCode,
    header::{AUTHORIZATION, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH},
    tls::TlsInfo,
};
use tokio::time::Instant;
use url::Url;

use super::{Access, Body, FetchError, FetchRequest, Fetched, Fetcher, Secret};
use crate::{reason::Reason, receipt::Validators, time::Timestamp};
use client::Clients;
use connect::Silence;

/// Gets `http` and `https` URLs.
///
/// Keeps connections open between requests, so share one among all resources. Needs a tokio runtime with timers and
/// network. What each failure is called is in [`Reason`].
#[derive(Debug)]
pub struct HttpFetcher {
    clients: Clients,
    /// In DER, and when it ends.
    last_certificate: Mutex<(Vec<u8>, Option<Timestamp>)>,
}

impl HttpFetcher {
    /// A fetcher that goes through the proxies that the environment names now.
    pub fn new() -> Self {
        Self { clients: Clients::through_proxies(), last_certificate: Mutex::default() }
    }

    /// A fetcher that uses no proxy, whatever the environment says.
    pub fn direct() -> Self {
        Self { clients: Clients::direct(), last_certificate: Mutex::default() }
    }

    /// Whether the certificates of `access` can be used, and client certificate and key belong together. Asks nobody, so
    /// that a mistake can be told before the first request.
    pub fn check(access: &Access) -> Result<(), FetchError> {
        client::check(access)
    }

    /// Asks as [`Fetcher::fetch`] does, and says what the last server showed of itself; the body is not read. For those
    /// who look for what is wrong with a source.
    pub async fn inspect(&self, request: FetchRequest<'_>) -> Result<Inspection, FetchError> {
        let deadline = connect::after(Instant::now(), request.limits.total);
        let response = self.exchange(&request, deadline).await?;
        let (status, headers) = (response.status(), response.headers());
        if status != StatusCode::OK {
            return Err(answer::refusal(status, headers, &request).with_status(Some(status.as_u16())));
        }
        let shown = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
        Ok(Inspection { date: answer::date(headers), certificate: shown.map(Bytes::copy_from_slice) })
    }

    /// When the certificate ends that the server showed. The last one is kept with its end: most answers come from a server
    /// that was asked just before.
    fn certificate_ends(&self, response: &Response) -> Option<Timestamp> {
        let shown = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate)?;
        let mut last = self.last_certificate.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != shown {
            *last = (shown.to_vec(), end_of(shown));
        }
        last.1
    }

    /// The last answer of the chain that redirects make.
    async fn exchange(&self, request: &FetchRequest<'_>, deadline: Instant) -> Result<Response, FetchError> {
        if !matches!(request.url.scheme(), "http" | "https") {
            return Err(FetchError::new(Reason::UnsupportedScheme, "http or https", request.url.scheme()));
        }
        let mut client = self.clients.client(request.access)?;
        let mut hop = Hop { request, url: request.url.clone(), at_home: true };
        let mut redirects = 0;
        loop {
            let response = self.ask(&client, &hop, deadline).await?;
            let status = response.status();
            if !is_redirect(status) {
                return Ok(response);
            }
            hop.follow(&response, redirects).map_err(|error| error.with_status(Some(status.as_u16())))?;
            if !hop.at_home {
                client = self.clients.stranger(request.access)?;
            }
            redirects += 1;
        }
    }

    /// Asks one server.
    async fn ask(&self, client: &Client, hop: &Hop<'_>, deadline: Instant) -> Result<Response, FetchError> {
        let (request, url) = (hop.request, &hop.url);
        resolve::check(url, request.access.addresses, &self.clients.exempt)
            .await
            .map_err(|error| classify::resolve(error, url))?;
        let asking = hop.write(client)?;
        match connect::headers(asking, request.limits, deadline).await {
            Ok(response) => Ok(response),
            Err(Silence::Failed(error)) => Err(classify::exchange(error, url, self.clients.proxy(url).as_deref())),
            Err(Silence::FirstByte) => Err(request.limits.late(Reason::FirstByteTimeout)),
            Err(Silence::Deadline) => Err(request.limits.late(Reason::DeadlineExceeded)),
        }
    }
}

impl Default for HttpFetcher {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Fetcher for HttpFetcher {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let deadline = connect::after(Instant::now(), request.limits.total);
        let response = self.exchange(&request, deadline).await?;
        let status = response.status();
        let tls_until = self.certificate_ends(&response);
        let mut fetched = conclude(response, &request, deadline);
        match &mut fetched {
            Ok(Fetched::Body(body)) => body.meta.tls_until = tls_until,
            Ok(Fetched::NotModified(meta)) => meta.tls_until = tls_until,
            Err(_) => {}
        }
        fetched.map_err(|error| error.with_status(Some(status.as_u16())))
    }
}

/// When a certificate in DER ends.
#[cfg(feature = "keys")]
fn end_of(der: &[u8]) -> Option<Timestamp> {
    let key = crate::trust::PublicKey::parse(der).ok()?;
    key.certificate_validity().map(|(_, end)| end)
}

/// Nothing here can read one.
#[cfg(not(feature = "keys"))]
fn end_of(_der: &[u8]) -> Option<Timestamp> {
    None
}

/// What a server showed of itself with an answer that was as it should be.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Inspection {
    /// What time it was for the server, by its `Date`.
    pub date: Option<Timestamp>,
    /// Its certificate in DER, over HTTPS.
    pub certificate: Option<Bytes>,
}

/// One request of the chain that redirects make.
#[derive(Debug)]
struct Hop<'a> {
    request: &'a FetchRequest<'a>,
    url: Url,
    /// Whether every request so far went to the origin that the configuration names. Secrets are for it alone; a chain
    /// that left it once may come back with a URL that someone else chose.
    at_home: bool,
}

impl Hop<'_> {
    /// The request with its headers. Validators go along on every hop: the tags of a mirror are those of the server
    /// to which it redirects.
    fn write(&self, client: &Client) -> Result<impl Future<Output = reqwest::Result<Response>> + use<>, FetchError> {
        // A user and a password in the URL become an `Authorization` header here.
        let mut request =
            client.get(self.url.clone()).build().map_err(|error| classify::exchange(error, &self.url, None))?;
        let headers = request.headers_mut();
        if self.at_home {
            for (name, secret) in &self.request.access.headers {
                let (name, value) = header(name, secret)?;
                // Two of these would be one too many.
                match name == AUTHORIZATION {
                    true => drop(headers.insert(name, value)),
                    false => drop(headers.append(name, value)),
                }
            }
        }
        let known = self.request.validators.cloned().unwrap_or_default();
        for (name, value) in [(IF_NONE_MATCH, known.etag), (IF_MODIFIED_SINCE, known.last_modified)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        Ok(client.execute(request))
    }

    /// Goes where the answer points to, if it may.
    fn follow(&mut self, response: &Response, redirects: u32) -> Result<(), FetchError> {
        let limit = self.request.limits.redirects;
        let mut to = answer::redirect(&self.url, response.headers())?;
        if redirects >= limit {
            let found = format!("one more, to {}", classify::shown(&to));
            return Err(FetchError::new(Reason::TooManyRedirects, format!("at most {limit} redirects"), found));
        }
        self.at_home &= is_same_origin(&to, self.request.url);
        let (user, password) = match self.at_home {
            true => (self.request.url.username(), self.request.url.password()),
            false => ("", None),
        };
        // Neither can fail for a URL with a host, and `redirect` lets no other through.
        let written = to.set_username(user).and_then(|()| to.set_password(password));
        written.map_err(|()| FetchError::new(Reason::BadRedirect, "a redirect to a host", "one without"))?;
        self.url = to;
        Ok(())
    }
}

fn header(name: &str, secret: &Secret) -> Result<(HeaderName, HeaderValue), FetchError> {
    let unusable = |found: &str| {
        FetchError::new(Reason::UnsupportedScheme, format!("a header {name:?} that HTTP can carry"), found)
    };
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|error| unusable("a bad name").with_cause(error))?;
    let mut value =
        HeaderValue::from_bytes(secret.reveal()).map_err(|error| unusable("a bad value").with_cause(error))?;
    value.set_sensitive(true);
    Ok((header, value))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// What the last answer of the chain comes to.
fn conclude(response: Response, request: &FetchRequest<'_>, deadline: Instant) -> Result<Fetched, FetchError> {
    let (status, headers) = (response.status(), response.headers());
    match status {
        StatusCode::OK => {
            answer::check_encoding(headers)?;
            let meta = answer::meta(status, headers, response.content_length(), request);
            let chunks = body::Timed::new(response.bytes_stream(), request.limits, deadline, status.as_u16());
            Body::new(request, meta, chunks).map(Fetched::Body)
        }
        StatusCode::NOT_MODIFIED => match request.validators.filter(|sent| !Validators::is_empty(sent)) {
            Some(sent) => Ok(Fetched::NotModified(answer::unchanged(headers, sent, request))),
            None => Err(FetchError::new(Reason::BadResponse, "a body, as nothing is known yet", "304 Not Modified")),
        },
        _ => Err(answer::refusal(status, headers, request)),
    }
}
