//! The bounds of a fetch, and what it may use to get in.

use std::{fmt, time::Duration};

use bytes::Bytes;

use super::{FetchError, Retry};
use crate::reason::Reason;

/// The bounds of size and time of a resource. [`Limits::default`] is the documented default of every one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes of a document.
    pub max_size: u64,
    /// The most bytes of a companion.
    pub max_companion: u64,
    /// The most time until there is a connection, TLS included.
    pub connect: Duration,
    /// The most time until the headers of the answer are there, once connected.
    pub first_byte: Duration,
    /// The most time without any byte.
    pub idle: Duration,
    /// The most time for the whole of one request.
    pub total: Duration,
    /// The least number of bytes in each `speed_window`.
    pub least_bytes: u64,
    /// How long a source may be slower than that.
    pub speed_window: Duration,
    /// The most redirects.
    pub redirects: u32,
    /// How often a source is asked before it counts as failed.
    pub tries: u32,
    /// The first pause between tries; each next one is twice as long.
    pub first_pause: Duration,
    /// The longest pause between tries. A server that asks for a longer one is left alone until the next run.
    pub longest_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_size: 10 * 1024 * 1024,
            max_companion: 1024 * 1024,
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            total: Duration::from_secs(60),
            least_bytes: 10 * 1024,
            speed_window: Duration::from_secs(10),
            redirects: 3,
            tries: 3,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// The failure that `reason`, one of the limits of time, is.
    pub(super) fn late(&self, reason: Reason) -> FetchError {
        let (expected, found, retry) = match reason {
            Reason::FirstByteTimeout => (format!("an answer within {:?}", self.first_byte), "none", Retry::Yes),
            Reason::IdleTimeout => (format!("more bytes within {:?}", self.idle), "none", Retry::No),
            Reason::TooSlow => {
                let expected = format!("at least {} bytes in {:?}", self.least_bytes, self.speed_window);
                (expected, "fewer", Retry::No)
            }
            _ => (format!("the whole answer within {:?}", self.total), "only a part of it", Retry::No),
        };
        FetchError::new(reason, expected, found).with_retry(retry)
    }
}

/// What a resource's requests need to get in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// Whether private, loopback and link-local addresses may be called. Off, a source cannot send the fetcher to
    /// machines that only it can reach.
    pub addresses: Addresses,
    /// Certificate authorities (PEM) to trust for TLS beside the system's, at the source's own origin; after a redirect
    /// to another only the system's count.
    pub extra_ca: Vec<Bytes>,
    /// A client certificate and its key (PEM, both in one), for the source's own origin; never shown to another after a
    /// redirect.
    pub client: Option<Secret>,
    /// Headers to send with every request to the source's own origin; never to another after a redirect.
    pub headers: Vec<(String, Secret)>,
}

/// Which addresses may be called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Addresses {
    /// Only those that anyone on the internet can reach.
    #[default]
    Public,
    /// Private, loopback and link-local ones too. Still holds: every byte is verified. Lost: a source can make this
    /// process send requests into the network that it runs in.
    Any,
}

/// A value that never shows in logs, reports or errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends it.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
