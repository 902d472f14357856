//! The body of an answer that is verified as it passes.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream::BoxStream};
use http_body::{Body, Frame, SizeHint};
use sigcache_core::read::{Document, ReadError};

/// The chunks of a document. Its last chunk waits until signature and digest held for the whole; where they do not, the
/// body ends with an error, the connection is cut, and the client has less than `Content-Length` said.
pub(crate) struct Streamed {
    chunks: BoxStream<'static, Result<Bytes, ReadError>>,
    left: u64,
}

impl Streamed {
    pub(crate) fn new(document: Document, length: u64) -> Self {
        let chunks = futures_util::stream::unfold(document, |mut document| async move {
            let chunk = document.next().await?;
            if let Err(error) = &chunk {
                tracing::error!(error = %error, "a document was cut off while it was served");
            }
            Some((chunk, document))
        });
        Self { chunks: chunks.boxed(), left: length }
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = ReadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReadError>>> {
        let chunk = std::task::ready!(self.chunks.as_mut().poll_next(context));
        Poll::Ready(chunk.map(|chunk| {
            chunk.map(|bytes| {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                Frame::data(bytes)
            })
        }))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
