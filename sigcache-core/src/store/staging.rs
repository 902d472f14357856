//! One upload: in memory while it fits a part, then as a multipart upload; nobody sees it until it is sealed.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, future::BoxFuture};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, path::Path};

use super::{Durability, Sealed, Staging, StoreError, bucket::failed};
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
    part_size: usize,
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
    /// The part on its way. One at a time, so that memory is bounded by two parts.
    in_flight: Option<BoxFuture<'static, object_store::Result<()>>>,
}

impl Upload {
    pub(super) fn new(
        objects: Arc<dyn ObjectStore>,
        durability: Option<Arc<dyn Durability>>,
        key: Path,
        version: &str,
        part_size: usize,
    ) -> Self {
        Self {
            objects,
            durability,
            unflushed: 0,
            key,
            version: version.into(),
            part_size,
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
                let upload = self.objects.put_multipart(&self.key).await;
                let upload = upload.map_err(|error| failed("begin to write", &self.key, error))?;
                self.parts.insert(Parts { upload, in_flight: None })
            }
        };
        parts.settle(&self.key).await?;
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
                parts.in_flight = Some(part);
                Ok(())
            }
        }
    }
}

impl Parts {
    async fn settle(&mut self, key: &Path) -> Result<(), StoreError> {
        match self.in_flight.take() {
            Some(part) => part.await.map_err(|error| failed("write", key, error)),
            None => Ok(()),
        }
    }
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
        if self.parts.is_some() {
            let rest = self.waiting_bytes;
            let finish = async {
                self.send(rest).await?;
                if let Some(parts) = &mut self.parts {
                    parts.settle(&self.key).await?;
                    parts.upload.complete().await.map_err(|error| failed("complete", &self.key, error))?;
                }
                Ok(())
            };
            if let Err(error) = finish.await {
                self.abort().await;
                return Err(error);
            }
        } else {
            let payload = self.take(self.waiting_bytes);
            // The key is new with every upload: overwriting can only repeat what this very call wrote before.
            let put = self.objects.put_opts(&self.key, payload, PutMode::Overwrite.into()).await;
            put.map_err(|error| failed("write", &self.key, error))?;
        }
        Ok(Sealed { version: self.version })
    }

    async fn abort(mut self: Box<Self>) {
        if let Some(parts) = &mut self.parts {
            // Nobody can see the parts; `gc` or the store's lifecycle rule clears what stays.
            drop(parts.in_flight.take());
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
        let mut upload = Upload::new(objects, None, Path::from("versions/a/1"), "1", 8 * 1024 * 1024);
        for _ in 0..100_000 {
            upload.write(Bytes::from_static(b"x")).await.unwrap();
            upload.write(Bytes::new()).await.unwrap();
        }
        assert_eq!(upload.waiting_bytes, 100_000);
        assert!(upload.waiting.len() <= 100_000 / SMALL_CHUNK, "{} pieces", upload.waiting.len());
        let payload = upload.take(70_000);
        assert_eq!((payload.content_length(), upload.waiting_bytes), (70_000, 30_000));
    }
}
