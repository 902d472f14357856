//! A message to an HTTP server.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use url::Url;

use super::{
    channel::{Channel, DeliveryError},
    notice::Notice,
};
use crate::fetch::{Access, FetchError, FetchRequest, Limits, Retry, http::HttpFetcher};

/// What the body of the request is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// The whole message, see `docs/alerts.md`.
    #[default]
    Json,
    /// `{"text": …}`, as Slack and what speaks as it does want it.
    Slack,
}

/// Posts messages to a URL. The URL may have a token in it, so it is shown nowhere.
///
/// The rules of fetching apply: the system's certificate authorities and those of `access`, no private address unless
/// `access` allows it, limits of time. A redirect is not followed, and of the answer nothing but the status is read.
pub struct Webhook {
    url: Url,
    form: Form,
    access: Arc<Access>,
    limits: Limits,
    fetcher: HttpFetcher,
}

impl Webhook {
    /// A webhook at `url`, which is `https` or, for an inner network, `http`.
    pub fn new(url: Url, form: Form, access: Access) -> Self {
        let limits = Limits { total: Duration::from_secs(20), ..Limits::default() };
        Self { url, form, access: Arc::new(access), limits, fetcher: HttpFetcher::new() }
    }

    fn body(&self, notice: &Notice) -> Result<Bytes, DeliveryError> {
        let body = match self.form {
            Form::Json => serde_json::to_vec(notice),
            Form::Slack => serde_json::to_vec(&json!({ "text": escaped(&notice.text()) })),
        };
        body.map(Bytes::from).map_err(|error| DeliveryError::new(&error.to_string(), Retry::No))
    }

    /// The text of `error` without the URL or any part of it.
    fn redacted(&self, error: &FetchError) -> String {
        let url = &self.url;
        let parts = [Some(url.as_str()), url.query(), Some(url.path().trim_start_matches('/')), url.host_str()];
        let parts = parts.into_iter().flatten().filter(|part| part.len() > 1);
        parts.fold(error.to_string(), |text, part| text.replace(part, "…"))
    }
}

/// Names come from outside; in Slack `<!channel>` would call everybody.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("form", &self.form).finish_non_exhaustive()
    }
}

#[async_trait]
impl Channel for Webhook {
    async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let body = self.body(notice)?;
        let request = FetchRequest::new(&self.url, &self.limits, &self.access, notice.at);
        let posted = self.fetcher.post(request, "application/json", body).await;
        posted.map_err(|error| DeliveryError::new(&self.redacted(&error), error.retry()))
    }
}
