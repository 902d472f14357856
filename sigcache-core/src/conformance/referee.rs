//! A store in memory that fails the test on its own when a rule of the layout is broken.

use std::{
    collections::BTreeMap,
    fmt,
    io::{Read as _, Write as _},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream::BoxStream};
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
    memory::InMemory, path::Path,
};

use super::rules::{Book, Mode};
use crate::{digest::Digest, store::Catalog};

/// An [`ObjectStore`] in memory that knows the rules of the layout (at an empty root) and panics, with a sentence, at
/// the request that breaks one:
///
/// - only bytes that the test declared with [`allow`](Referee::allow) ever lie below `versions/` and `latest/`;
/// - what lies below `versions/` is never overwritten with other bytes;
/// - a snapshot is created conditionally, with the next number, and names only versions that exist as it says;
/// - a mark never falls without a permit;
/// - a plain copy only ever holds what a committed snapshot names for it;
/// - nothing that the newest snapshot serves is deleted, nor that snapshot, unless others know all of it;
/// - an upload is completed only after each of its parts was acknowledged, and all but the last are of one size.
///
/// A panic may be swallowed where the request runs in a task of its own. So the violation is kept as well:
/// [`assert_clean`](Referee::assert_clean) fails on it, and so does dropping the referee.
pub struct Referee {
    court: Arc<Court>,
}

struct Court {
    inner: InMemory,
    book: Mutex<Book>,
}

impl Default for Referee {
    fn default() -> Self {
        Self { court: Arc::new(Court { inner: InMemory::new(), book: Mutex::default() }) }
    }
}

impl Referee {
    /// Declares `bytes` as properly signed, or as a signature.
    pub fn allow(&self, bytes: &[u8]) {
        self.court.book().allowed.insert(Digest::of(bytes));
    }

    /// Panics if a rule was broken so far.
    pub fn assert_clean(&self) {
        let violations = self.court.book().violations.clone();
        assert!(violations.is_empty(), "the referee saw: {violations:#?}");
    }

    /// How many requests there were, of all kinds.
    pub fn requests(&self) -> u64 {
        self.court.book().requests.values().sum()
    }

    /// How many requests there were of each kind: `put`, `get`, `list`, `delete`, `copy`, `begin`, `part`, `complete`,
    /// `abort`.
    pub fn requests_by_kind(&self) -> BTreeMap<&'static str, u64> {
        self.court.book().requests.clone()
    }

    /// Everything in the store below `prefix`.
    pub fn objects(&self, prefix: &str) -> BTreeMap<String, Bytes> {
        let book = self.court.book();
        let below = book.objects.iter().filter(|(key, _)| key.starts_with(prefix));
        below.map(|(key, bytes)| (key.clone(), bytes.clone())).collect()
    }

    /// The newest snapshot of the whole, if there is one.
    pub fn newest(&self) -> Option<Catalog> {
        self.court.book().newest.get("0001-of-0001").cloned()
    }

    /// Writes `bytes` past all rules, as an attacker with access to the bucket would.
    pub fn tamper(&self, key: &str, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let put = self.court.inner.put(&Path::from(key), PutPayload::from(bytes.clone())).now_or_never();
        put.expect("memory answers at once").expect("memory takes everything");
        self.court.book().objects.insert(key.to_owned(), bytes);
    }

    /// Deletes past all rules.
    pub fn tamper_delete(&self, key: &str) {
        let deleted = self.court.inner.delete(&Path::from(key)).now_or_never();
        deleted.expect("memory answers at once").expect("memory deletes everything");
        self.court.book().objects.remove(key);
    }

    /// Edits the newest snapshot past all rules, as JSON.
    pub fn tamper_catalog(&self, edit: impl FnOnce(&mut serde_json::Value)) {
        let catalogs = self.objects("catalog/");
        let newest = catalogs.iter().rfind(|(key, _)| key.ends_with(".json.gz"));
        let (key, packed) = newest.expect("there is a snapshot");
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut text).expect("the snapshot unpacks");
        let mut json = serde_json::from_slice(&text).expect("the snapshot is JSON");
        edit(&mut json);
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(json.to_string().as_bytes()).expect("memory takes everything");
        self.tamper(key, packer.finish().expect("memory takes everything"));
    }
}

impl Court {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, kind: &'static str) {
        *self.book().requests.entry(kind).or_default() += 1;
    }

    /// Holds a request against the rules.
    fn rule(&self, verdict: std::result::Result<(), String>) {
        if let Err(sentence) = verdict {
            self.book().violations.push(sentence.clone());
            panic!("the referee: {sentence}");
        }
    }

    /// Makes a whole object visible, if the rules allow it; `write` is the request to the memory inside.
    fn write<T>(&self, key: &Path, bytes: Bytes, mode: Mode, write: impl Future<Output = Result<T>>) -> Result<T> {
        // Rules and write under one lock, so that what was judged is what happens.
        let mut book = self.book();
        let verdict = book.before_write(key.as_ref(), &bytes, mode);
        if verdict.is_err() {
            drop(book);
            self.rule(verdict);
            unreachable!("a broken rule panics");
        }
        let answer = write.now_or_never().expect("memory answers at once")?;
        book.after_write(key.as_ref(), bytes);
        Ok(answer)
    }
}

impl Drop for Court {
    fn drop(&mut self) {
        let violations = std::mem::take(&mut self.book().violations);
        if !violations.is_empty() && !std::thread::panicking() {
            panic!("the referee saw: {violations:#?}");
        }
    }
}

impl fmt::Debug for Referee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Referee")
    }
}

impl fmt::Display for Referee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Referee")
    }
}

#[async_trait]
impl ObjectStore for Referee {
    async fn put_opts(&self, key: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.court.count("put");
        let mode = match options.mode {
            PutMode::Create => Mode::Create,
            PutMode::Overwrite => Mode::Overwrite,
            PutMode::Update(_) => panic!("the referee: {key} was updated conditionally, which not every store can"),
        };
        let bytes = Bytes::from(payload.clone());
        self.court.write(key, bytes, mode, self.court.inner.put_opts(key, payload, options))
    }

    async fn put_multipart_opts(&self, key: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.court.count("begin");
        let inner = self.court.inner.put_multipart_opts(key, options).await?;
        let (court, key) = (self.court.clone(), key.clone());
        Ok(Box::new(Upload { inner, court, key, parts: Vec::new(), acknowledged: Arc::default() }))
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.court.count("get");
        self.court.inner.get_opts(key, options).await
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let court = self.court.clone();
        let judged = keys.map(move |key| {
            let key = key?;
            court.count("delete");
            let verdict = court.book().before_delete(key.as_ref());
            court.rule(verdict);
            court.book().after_delete(key.as_ref());
            Ok(key)
        });
        self.court.inner.delete_stream(judged.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.court.count("list");
        self.court.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.court.count("list");
        self.court.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.court.count("copy");
        let bytes = self.court.inner.get(from).await?.bytes().await?;
        let mode = if options.mode == CopyMode::Create { Mode::Create } else { Mode::Overwrite };
        self.court.write(to, bytes, mode, self.court.inner.copy_opts(from, to, options))
    }
}

struct Upload {
    inner: Box<dyn MultipartUpload>,
    court: Arc<Court>,
    key: Path,
    parts: Vec<Bytes>,
    acknowledged: Arc<AtomicUsize>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({})", self.key)
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        self.court.count("part");
        self.parts.push(payload.clone().into());
        let (part, acknowledged) = (self.inner.put_part(payload), self.acknowledged.clone());
        Box::pin(async move {
            part.await?;
            acknowledged.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.court.count("complete");
        let key = &self.key;
        let sizes: Vec<usize> = self.parts.iter().map(Bytes::len).collect();
        if self.acknowledged.load(Ordering::SeqCst) != sizes.len() {
            self.court.rule(Err(format!("{key} was completed before each of its parts was acknowledged")));
        }
        let (last, others) = sizes.split_last().unwrap_or((&0, &[]));
        if others.iter().any(|size| *size != others[0] || size < last) {
            self.court.rule(Err(format!("the parts of {key} differ in size: {sizes:?}")));
        }
        let whole = Bytes::from(self.parts.concat());
        self.court.write(key, whole, Mode::Overwrite, self.inner.complete())
    }

    async fn abort(&mut self) -> Result<()> {
        self.court.count("abort");
        self.inner.abort().await
    }
}
