//! One reqwest client, with its pool of connections, for each distinct way of getting in.

use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{
    Certificate, Client, ClientBuilder, Identity,
    header::{ACCEPT_ENCODING, HeaderMap, HeaderValue},
    redirect,
};
use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject as _},
    },
};
use url::Url;

use super::{
    super::{Access, FetchError, Secret},
    classify::causes,
    connect::TimedLayer,
    resolve::{self, Resolver},
};
use crate::reason::Reason;

/// The clients made so far.
#[derive(Debug)]
pub(super) struct Clients {
    /// The proxies that the environment names now; none for a fetcher that uses none.
    proxies: Option<Matcher>,
    /// Hosts of proxies, to which the rule about addresses does not apply.
    pub(super) exempt: Arc<[String]>,
    /// A list and not a map: there are as many as there are distinct sets of certificates, seldom more than two.
    made: Mutex<Vec<(Arc<Access>, Client)>>,
}

impl Clients {
    /// Through the proxies that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name.
    pub(super) fn through_proxies() -> Self {
        // What reqwest asks too.
        Self { proxies: Some(Matcher::from_system()), exempt: resolve::proxy_hosts(), made: Mutex::default() }
    }

    /// Through no proxy, whatever the environment says.
    pub(super) fn direct() -> Self {
        Self { proxies: None, exempt: Arc::default(), made: Mutex::default() }
    }

    /// The host and port of the proxy between here and `url`.
    pub(super) fn proxy(&self, url: &Url) -> Option<String> {
        let found = self.proxies.as_ref()?.intercept(&url.as_str().parse().ok()?)?;
        found.uri().authority().map(ToString::to_string)
    }

    /// The client for `access`, made when it is first asked for.
    pub(super) fn client(&self, access: &Arc<Access>) -> Result<Client, FetchError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let known = made
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, access))
            .or_else(|| made.iter().find(|(known, _)| is_alike(known, access)));
        if let Some((_, client)) = known {
            return Ok(client.clone());
        }
        let client = self.build(access)?;
        made.push((access.clone(), client.clone()));
        Ok(client)
    }

    /// The client for servers that the configuration does not name: without certificate, and with the authorities that
    /// everyone trusts. Who chose the next server could otherwise make this one prove to it who it is.
    pub(super) fn stranger(&self, access: &Arc<Access>) -> Result<Client, FetchError> {
        if access.client.is_none() && access.extra_ca.is_empty() {
            return self.client(access);
        }
        self.client(&Arc::new(Access { addresses: access.addresses, ..Access::default() }))
    }

    fn build(&self, access: &Access) -> Result<Client, FetchError> {
        let (authorities, identity) = (authorities(access)?, access.client.as_ref().map(identity).transpose()?);
        let with = |roots| {
            let builder = self.builder(access);
            let builder = match roots {
                Roots::System => builder.tls_certs_merge(authorities.clone()),
                Roots::Extra => builder.tls_certs_only(authorities.clone()),
            };
            identity.iter().cloned().fold(builder, ClientBuilder::identity).build()
        };
        let built = match with(Roots::System) {
            // A bare container has no authorities at all. Then HTTP works, and no server is trusted over HTTPS.
            Err(error) if lacks_authorities(&error) => with(Roots::Extra),
            other => other,
        };
        built.map_err(|error| {
            unusable("the system's certificate authorities", "a TLS setup that cannot be used").with_cause(error)
        })
    }

    fn builder(&self, access: &Access) -> ClientBuilder {
        let identity_only = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        let builder = Client::builder()
            .user_agent(concat!("sigcache/", env!("CARGO_PKG_VERSION")))
            .default_headers(identity_only)
            .redirect(redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            // For `inspect`: until when the server's certificate is valid.
            .tls_info(true)
            .connector_layer(TimedLayer)
            .dns_resolver(Resolver { addresses: access.addresses, exempt: self.exempt.clone() });
        match self.proxies {
            Some(_) => builder,
            None => builder.no_proxy(),
        }
    }
}

/// Whose certificate authorities are trusted.
#[derive(Debug, Clone, Copy)]
enum Roots {
    /// Those of the system, and the extra ones.
    System,
    /// Only the extra ones, if any.
    Extra,
}

/// Whether the system has no authorities. There is no kind for that, but nothing else that can fail so early is general.
fn lacks_authorities(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| matches!(cause.downcast_ref(), Some(rustls::Error::General(_))))
}

/// Whether the certificates of `access` can be used.
pub(super) fn check(access: &Access) -> Result<(), FetchError> {
    authorities(access)?;
    access.client.as_ref().map(identity).transpose().map(drop)
}

/// Whether both get in with the same client. Headers belong to the request.
fn is_alike(one: &Access, other: &Access) -> bool {
    one.addresses == other.addresses && one.extra_ca == other.extra_ca && one.client == other.client
}

/// The extra authorities, each checked here: reqwest would only say that one of them is wrong.
fn authorities(access: &Access) -> Result<Vec<Certificate>, FetchError> {
    let mut all = Vec::new();
    for (index, pem) in access.extra_ca.iter().enumerate() {
        let what = format!("certificate authorities (PEM) in extra_ca {}", index + 1);
        for der in certificates(pem).map_err(|found| unusable(&what, found))? {
            let certificate = Certificate::from_der(&der)
                .map_err(|error| unusable(&what, "a broken certificate").with_cause(error))?;
            RootCertStore::empty()
                .add(der)
                .map_err(|error| unusable(&what, "a broken certificate").with_cause(error))?;
            all.push(certificate);
        }
    }
    Ok(all)
}

/// Every certificate of a text, or what is wrong with it. The causes stay here: they may quote a key beside it.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|_| "broken PEM")?;
    let begun = pem.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
    match all.len() {
        0 if begun == 0 => Err("no certificate"),
        // One that does not end before the next one begins is passed over by the reader.
        read if read < begun => Err("broken PEM"),
        _ => Ok(all),
    }
}

/// The client certificate with its key. Its faults have no causes: those may quote the key.
fn identity(pem: &Secret) -> Result<Identity, FetchError> {
    let fault = |found: &str| unusable("a client certificate and its key (PEM)", found);
    certificates(pem.reveal()).map_err(fault)?;
    match PrivateKeyDer::from_pem_slice(pem.reveal()) {
        Ok(_) => {}
        Err(PemError::NoItemsFound) => return Err(fault("no private key, or only an encrypted one")),
        Err(_) => return Err(fault("broken PEM")),
    }
    let identity = Identity::from_pem(pem.reveal()).map_err(|_| fault("broken PEM"))?;
    // Only a whole client looks at what is in the certificate and the key.
    match Client::builder().tls_certs_only([]).identity(identity.clone()).build() {
        Ok(_) => Ok(identity),
        Err(error) => Err(fault(match causes(&error).find_map(|cause| cause.downcast_ref()) {
            Some(rustls::Error::InvalidCertificate(_)) => "a broken certificate",
            Some(rustls::Error::InconsistentKeys(_)) => "a private key that is not the certificate's",
            _ => "a private key that cannot be used",
        })),
    }
}

fn unusable(expected: &str, found: &str) -> FetchError {
    FetchError::new(Reason::TlsFailed, expected, found)
}
