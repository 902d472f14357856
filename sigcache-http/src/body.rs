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
    ended: Ended,
}

/// Is told how a document ended that was read to its end: of any other nothing is known.
pub(crate) type Ended = Box<dyn Fn(Option<&ReadError>) + Send>;

impl Streamed {
    pub(crate) fn new(document: Document, length: u64, ended: Ended) -> Self {
        let chunks = futures_util::stream::unfold(document, |mut document| async move {
            let chunk = document.next().await?;
            Some((chunk, document))
        });
        Self { chunks: chunks.boxed(), left: length, ended }
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
        match &chunk {
            Some(Ok(bytes)) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                // Nobody asks for more than was announced; the last byte comes only when all was verified.
                if self.left == 0 {
                    (self.ended)(None);
                }
            }
            Some(Err(error)) => {
                tracing::error!(error = %error, "a document was cut off while it was served");
                (self.ended)(Some(error));
            }
            None => {}
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
