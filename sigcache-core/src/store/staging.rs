//! One upload: in memory while it fits a part, then as a multipart upload; nobody sees it until it is sealed.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, future::BoxFuture};
use object_store::{
    Attribute, Attributes, MultipartUpload, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    path::Path,
};

use super::{Bucket, Durability, Sealed, Staging, StoreError, bucket::failed};
use crate::verified::Verified;

/// A disk is told to begin whenever so much was written to it, or all of a large upload would wait for the commit.
const FLUSH_EVERY: usize = 128 * 1024 * 1024;

/// Smaller chunks are gathered.
const SMALL_CHUNK: usize = 16 * 1024;

pub(super) struct Upload {
    objects: Arc<dyn ObjectStore>,
    durability: Option<Arc<dyn Durability>>,
    /// Bytes sent in parts since the disk was last told to begin.
    unflushed: usize,
    key: Path,
    version: Arc<str>,
    attributes: Attributes,
    part_size: usize,
    parts_at_once: usize,
    /// Chunks that wait for their part to be full.
    waiting: VecDeque<Bytes>,
    /// Small chunks at the end of what waits.
    small: BytesMut,
    waiting_bytes: usize,
    written: u64,
    parts: Option<Parts>,
}

struct Parts {
    upload: Box<dyn MultipartUpload>,
    /// The parts on their way, the oldest first; with the one that is being filled, they bound the memory.
    in_flight: VecDeque<BoxFuture<'static, object_store::Result<()>>>,
}

impl Upload {
    /// `content_type` is told to a store that keeps such things.
    pub(super) fn new(bucket: &Bucket, key: Path, version: &str, content_type: Option<&str>) -> Self {
        let mut attributes = Attributes::new();
        if let Some(media_type) = content_type.filter(|text| bucket.attributes && is_media_type(text)) {
            attributes.insert(Attribute::ContentType, media_type.to_owned().into());
        }
        Self {
            objects: bucket.objects.clone(),
            durability: bucket.durability.clone(),
            unflushed: 0,
            key,
            version: version.into(),
            attributes,
            part_size: bucket.part_size,
            parts_at_once: bucket.parts_at_once,
            waiting: VecDeque::new(),
            small: BytesMut::new(),
            waiting_bytes: 0,
            written: 0,
            parts: None,
        }
    }

    /// Puts the small chunks behind what waits, as one.
    fn gather(&mut self) {
        if !self.small.is_empty() {
            self.waiting.push_back(self.small.split().freeze());
        }
    }

    /// Takes exactly `bytes` of what waits; parts of equal size, as some stores demand.
    fn take(&mut self, mut bytes: usize) -> PutPayload {
        self.gather();
        self.waiting_bytes -= bytes;
        let mut part = Vec::with_capacity(self.waiting.len());
        while bytes > 0 {
            let Some(mut chunk) = self.waiting.pop_front() else { break };
            if chunk.len() > bytes {
                self.waiting.push_front(chunk.split_off(bytes));
            }
            bytes -= chunk.len();
            part.push(chunk);
        }
        PutPayload::from_iter(part)
    }

    async fn send(&mut self, bytes: usize) -> Result<(), StoreError> {
        let payload = self.take(bytes);
        let parts = match &mut self.parts {
            Some(parts) => parts,
            None => {
                let options = PutMultipartOptions::from(self.attributes.clone());
                let upload = self.objects.put_multipart_opts(&self.key, options).await;
                let upload = upload.map_err(|error| failed("begin to write", &self.key, error))?;
                self.parts.insert(Parts { upload, in_flight: VecDeque::new() })
            }
        };
        parts.settle(self.parts_at_once - 1, &self.key).await?;
        self.unflushed += bytes;
        if let Some(durability) = self.durability.as_ref().filter(|_| self.unflushed >= FLUSH_EVERY) {
            durability.begin();
            self.unflushed = 0;
        }
        let mut part = parts.upload.put_part(payload);
        // Starts it; the rest of it happens while the next bytes arrive.
        match (&mut part).now_or_never() {
            Some(done) => done.map_err(|error| failed("write", &self.key, error)),
            None => {
                parts.in_flight.push_back(part);
                Ok(())
            }
        }
    }

    /// Makes the object that it is.
    pub(super) async fn complete(mut self: Box<Self>) -> Result<(), StoreError> {
        if self.parts.is_none() {
            let payload = self.take(self.waiting_bytes);
            // The key of a version is new with every upload, so overwriting can only repeat what this very call wrote.
            let options = PutOptions { attributes: self.attributes, ..PutMode::Overwrite.into() };
            let put = self.objects.put_opts(&self.key, payload, options).await;
            return put.map(|_| ()).map_err(|error| failed("write", &self.key, error));
        }
        let finish = async {
            self.send(self.waiting_bytes).await?;
            if let Some(parts) = &mut self.parts {
                parts.settle(0, &self.key).await?;
                parts.upload.complete().await.map_err(|error| failed("complete", &self.key, error))?;
            }
            Ok(())
        };
        let finished = finish.await;
        if finished.is_err() {
            self.abort().await;
        }
        finished
    }
}

impl Parts {
    /// Waits until at most `left` parts are on their way.
    async fn settle(&mut self, left: usize, key: &Path) -> Result<(), StoreError> {
        while self.in_flight.len() > left {
            let Some(part) = self.in_flight.pop_front() else { break };
            part.await.map_err(|error| failed("write", key, error))?;
        }
        Ok(())
    }
}

/// Whether this can stand in a header as it is: `type/subtype`, then perhaps parameters, all printable ASCII (RFC 9110,
/// section 8.3.1). Some clients panic at anything else, and what a source sends is anybody's text.
pub(crate) fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c))
    };
    let printable = text.bytes().all(|c| matches!(c, b' '..=b'~')) && text.trim() == text;
    printable && essence.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

#[async_trait]
impl Staging for Upload {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        self.written += chunk.len() as u64;
        self.waiting_bytes += chunk.len();
        if chunk.len() < SMALL_CHUNK {
            // One by one they would cost more memory than they carry bytes, and a server decides how small they are.
            self.small.extend_from_slice(&chunk);
        } else {
            self.gather();
            self.waiting.push_back(chunk);
        }
        if self.small.len() >= SMALL_CHUNK {
            self.gather();
        }
        while self.waiting_bytes > self.part_size {
            self.send(self.part_size).await?;
        }
        Ok(())
    }

    async fn seal(mut self: Box<Self>, proof: &Verified) -> Result<Sealed, StoreError> {
        let verified = proof.evidence().size;
        if self.written != verified {
            let error = StoreError::Length { staged: self.written, verified };
            self.abort().await;
            return Err(error);
        }
        let version = self.version.clone();
        self.complete().await?;
        Ok(Sealed { version })
    }

    async fn abort(mut self: Box<Self>) {
        if let Some(parts) = &mut self.parts {
            // Nobody can see the parts; `gc` or the store's lifecycle rule clears what stays.
            parts.in_flight.clear();
            if let Err(error) = parts.upload.abort().await {
                tracing::warn!(key = %self.key, %error, "an aborted upload could not be cleared");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn attack_endless_small_chunks_do_not_cost_more_than_their_bytes() {
        let objects = Arc::new(InMemory::new());
        let bucket = Bucket::new(objects);
        let mut upload = Upload::new(&bucket, Path::from("versions/a/1"), "1", None);
        for _ in 0..100_000 {
            upload.write(Bytes::from_static(b"x")).await.unwrap();
            upload.write(Bytes::new()).await.unwrap();
        }
        assert_eq!(upload.waiting_bytes, 100_000);
        assert!(upload.waiting.len() <= 100_000 / SMALL_CHUNK, "{} pieces", upload.waiting.len());
        let payload = upload.take(70_000);
        assert_eq!((payload.content_length(), upload.waiting_bytes), (70_000, 30_000));
    }

    #[test]
    fn only_what_may_stand_in_a_header_is_a_media_type() {
        for good in ["text/plain", "application/samlmetadata+xml", "text/html; charset=utf-8", "a/b;c=\"d e\""] {
            assert!(is_media_type(good), "{good}");
        }
        let bad =
            ["", "text", "text/", "/plain", "te xt/plain", "text/pl\u{e4}in", "text/plain; a=\u{e4}", "a/b\r\nX: y"];
        for bad in bad.into_iter().chain([" text/plain", "text/plain ", "a/b/c", "text/plain;\u{7f}"]) {
            assert!(!is_media_type(bad), "{bad:?}");
        }
    }
}
