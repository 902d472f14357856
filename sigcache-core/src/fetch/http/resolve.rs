//! Names to addresses, and of these only the ones that may be called.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{super::Addresses, address::is_public, connect};

/// There is no address to call.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// The name has no address, or the name server failed.
    #[error("the name does not resolve")]
    NotFound(#[source] io::Error),
    /// The name has an empty list of addresses.
    #[error("the name has no address")]
    Empty,
    /// No name server answered within this time.
    #[error("no name server answered within {0:?}")]
    Silent(Duration),
    /// Every address is one that only this machine or its network can reach.
    #[error("only private addresses, such as {0}")]
    Private(std::net::IpAddr),
}

/// The resolver of a client: the system's answer, less what the policy forbids.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) addresses: Addresses,
    /// Proxies of the environment: whoever set them may well have put them on a private address.
    pub(super) exempt: Arc<[String]>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let exempt = self.exempt.iter().any(|host| host.eq_ignore_ascii_case(name.as_str()));
        let addresses = if exempt { Addresses::Any } else { self.addresses };
        Box::pin(async move {
            let allowed = connect::resolving(lookup(name.as_str(), addresses)).await?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The addresses of `host` that may be called; port 0 lets the client put in that of the URL.
async fn lookup(host: &str, addresses: Addresses) -> Result<Vec<SocketAddr>, ResolveError> {
    let mut found: Vec<SocketAddr> =
        tokio::net::lookup_host((host, 0)).await.map_err(ResolveError::NotFound)?.collect();
    let first = found.first().ok_or(ResolveError::Empty)?.ip();
    if addresses == Addresses::Public {
        found.retain(|address| is_public(address.ip()));
    }
    if found.is_empty() { Err(ResolveError::Private(first)) } else { Ok(found) }
}

/// Checks what the resolver of the client does not see: literal addresses, and resources on the host of a proxy, whose
/// name the resolver lets through.
pub(super) async fn check(url: &Url, addresses: Addresses, exempt: &[String]) -> Result<(), ResolveError> {
    if addresses == Addresses::Any {
        return Ok(());
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(host)) if exempt.iter().any(|proxy| proxy.eq_ignore_ascii_case(host)) => {
            return lookup(host, addresses).await.map(drop);
        }
        _ => return Ok(()),
    };
    if is_public(literal) { Ok(()) } else { Err(ResolveError::Private(literal)) }
}

/// The host names of the proxies that the environment names. Literal addresses never reach the resolver.
pub(super) fn proxy_hosts() -> Arc<[String]> {
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    names.iter().filter_map(|name| host_of_proxy(&std::env::var(name).ok()?)).collect()
}

fn host_of_proxy(value: &str) -> Option<String> {
    let value = value.trim();
    let url = if value.contains("://") { Url::parse(value) } else { Url::parse(&format!("http://{value}")) };
    url.ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_written_with_and_without_a_scheme() {
        for text in
            ["proxy.corp:3128", "http://proxy.corp:3128", "https://user:pass@proxy.corp", " http://proxy.corp/ "]
        {
            assert_eq!(host_of_proxy(text).as_deref(), Some("proxy.corp"), "{text}");
        }
        assert_eq!(host_of_proxy(""), None);
    }
}
