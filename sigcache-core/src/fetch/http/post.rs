//! Sending something small to a server, within the same rules as getting something from it.

use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use tokio::time::Instant;

use super::{
    super::{FetchError, FetchRequest},
    HttpFetcher, answer, classify,
    connect::{self, Silence},
    header, resolve,
};
use crate::{reason::Reason, time::Timestamp};

impl HttpFetcher {
    /// Posts `body` to the URL of `request`, once. Whatever 2xx is answered is success. A redirect is none: it would send
    /// what is for one server to another. Of the answer only status and headers are read.
    pub async fn post(
        &self,
        request: FetchRequest<'_>,
        media_type: &'static str,
        body: Bytes,
    ) -> Result<(), FetchError> {
        let deadline = connect::after(Instant::now(), request.limits.total);
        let url = request.url;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::new(Reason::UnsupportedScheme, "http or https", url.scheme()));
        }
        let client = self.clients.client(request.access)?;
        resolve::check(url, request.access.addresses, &self.clients.exempt)
            .await
            .map_err(|error| classify::resolve(error, url))?;
        let built = client.post(url.clone()).body(body).build();
        let mut posted = built.map_err(|error| classify::exchange(error, url, None))?;
        posted.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        for (name, secret) in &request.access.headers {
            let (name, value) = header(name, secret)?;
            posted.headers_mut().insert(name, value);
        }
        match connect::headers(client.execute(posted), request.limits, deadline).await {
            Ok(response) => accepted(response.status(), response.headers(), request.now),
            Err(Silence::Failed(error)) => Err(classify::exchange(error, url, self.clients.proxy(url).as_deref())),
            Err(Silence::FirstByte) => Err(request.limits.late(Reason::FirstByteTimeout)),
            Err(Silence::Deadline) => Err(request.limits.late(Reason::DeadlineExceeded)),
        }
    }
}

fn accepted(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Result<(), FetchError> {
    if status.is_success() {
        return Ok(());
    }
    let error = FetchError::new(Reason::HttpStatus, "an answer 2xx", answer::told(status));
    Err(error.with_retry(answer::retry(status, headers, now)).with_status(Some(status.as_u16())))
}
