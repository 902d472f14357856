//! A store whose requests fail on purpose, one at a time, in every way in which a request can fail.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream, stream::BoxStream};
use object_store::{
    CopyOptions, Error as ObjectError, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result, UploadPart, path::Path,
};

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// An error, and nothing happened.
    NotWritten,
    /// It happened, and an error is the answer.
    Written,
    /// Nothing happened, and a create is told that the object exists, as S3's 409 does.
    NotWrittenButExists,
    /// It happened, and a create is told that the object exists: our own, whose first answer was lost.
    WrittenButExists,
    /// A read ends in the middle with an error; any other request is not carried out.
    Short,
    /// Power is lost before the request: it and every later one is not carried out.
    CrashBefore,
    /// Power is lost after the request: it is carried out, nobody hears of it, and every later one is not carried out.
    CrashAfter,
}

impl How {
    /// All ways.
    pub const ALL: [Self; 7] = [
        Self::NotWritten,
        Self::Written,
        Self::NotWrittenButExists,
        Self::WrittenButExists,
        Self::Short,
        Self::CrashBefore,
        Self::CrashAfter,
    ];

    fn happens(self) -> bool {
        matches!(self, Self::Written | Self::WrittenButExists | Self::CrashAfter)
    }
}

/// An [`ObjectStore`] that passes every request on, except the one that is to fail.
///
/// Counted are put, the beginning, each part, the completion and the abort of an upload, get, list, delete and copy,
/// from 0 since [`rearm`](Faulty::rearm).
pub struct Faulty {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    seen: Vec<String>,
    fault: Option<(usize, How)>,
    meanwhile: Option<(usize, BoxFuture<'static, ()>)>,
    down: bool,
}

/// What becomes of one request.
struct Fate {
    how: Option<How>,
    meanwhile: Option<BoxFuture<'static, ()>>,
}

impl Faulty {
    /// Passes everything on to `inner` until it is armed.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Counts from 0 again, with nothing to fail.
    pub fn rearm(&self) {
        *lock(&self.plan) = Plan::default();
    }

    /// Counts from 0 again; request `number` fails.
    pub fn fail(&self, number: usize, how: How) {
        *lock(&self.plan) = Plan { fault: Some((number, how)), ..Plan::default() };
    }

    /// Counts from 0 again; `other` happens whole just before request `number`.
    pub fn meanwhile(&self, number: usize, other: impl Future<Output = ()> + Send + 'static) {
        *lock(&self.plan) = Plan { meanwhile: Some((number, other.boxed())), ..Plan::default() };
    }

    /// The requests since it was last armed, each in a word or two and with its key.
    pub fn seen(&self) -> Vec<String> {
        lock(&self.plan).seen.clone()
    }
}

fn lock(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

fn meet(plan: &Mutex<Plan>, doing: &str, key: &str) -> Fate {
    let mut plan = lock(plan);
    let number = plan.seen.len();
    plan.seen.push(format!("{doing} {key}"));
    let mut how = plan.fault.filter(|(at, _)| *at == number).map(|(_, how)| how);
    if plan.down {
        how = Some(How::NotWritten);
    }
    plan.down |= matches!(how, Some(How::CrashBefore | How::CrashAfter));
    let meanwhile = match plan.meanwhile.take() {
        Some((at, other)) if at == number => Some(other),
        other => {
            plan.meanwhile = other;
            None
        }
    };
    Fate { how, meanwhile }
}

/// The error that the caller of a failed request sees.
fn broken(key: &str, create: bool, how: How) -> ObjectError {
    let source = "this request was made to fail".into();
    if create && matches!(how, How::NotWrittenButExists | How::WrittenButExists) {
        return ObjectError::AlreadyExists { path: key.to_owned(), source };
    }
    ObjectError::Generic { store: "Faulty", source }
}

impl Fate {
    /// Carries out `request`, or not.
    async fn apply<T>(self, key: &Path, create: bool, request: impl Future<Output = Result<T>>) -> Result<T> {
        if let Some(other) = self.meanwhile {
            other.await;
        }
        let Some(how) = self.how else { return request.await };
        if how.happens() {
            // A request that would have failed anyway fails with its own error: that answer is the true one.
            request.await?;
        }
        Err(broken(key.as_ref(), create, how))
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({:?})", self.inner)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, key: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let create = options.mode == PutMode::Create;
        let fate = meet(&self.plan, if create { "create" } else { "put" }, key.as_ref());
        fate.apply(key, create, self.inner.put_opts(key, payload, options)).await
    }

    async fn put_multipart_opts(&self, key: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let fate = meet(&self.plan, "begin", key.as_ref());
        let inner = fate.apply(key, false, self.inner.put_multipart_opts(key, options)).await?;
        Ok(Box::new(Upload { inner, plan: self.plan.clone(), key: key.clone() }))
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        let fate = meet(&self.plan, "get", key.as_ref());
        if !matches!(fate.how, Some(How::Short)) {
            return fate.apply(key, false, self.inner.get_opts(key, options)).await;
        }
        let mut result = self.inner.get_opts(key, options).await?;
        let (meta, range) = (result.meta.clone(), result.range.clone());
        let whole = result.bytes().await?;
        let half = whole.slice(..whole.len() / 2);
        let cut = [Ok(half), Err(broken(key.as_ref(), false, How::Short))];
        result = GetResult {
            payload: GetResultPayload::Stream(stream::iter(cut).boxed()),
            meta,
            range,
            attributes: Default::default(),
            extensions: Default::default(),
        };
        Ok(result)
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inner, plan) = (self.inner.clone(), self.plan.clone());
        let delete = move |key: Result<Path>| {
            let (inner, plan) = (inner.clone(), plan.clone());
            async move {
                let key = key?;
                let fate = meet(&plan, "delete", key.as_ref());
                fate.apply(&key, false, inner.delete(&key)).await?;
                Ok(key)
            }
        };
        keys.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned().unwrap_or_default();
        let fate = meet(&self.plan, "list", prefix.as_ref());
        let inner = self.inner.clone();
        let start = async move {
            if let Some(other) = fate.meanwhile {
                other.await;
            }
            match fate.how {
                Some(how) => stream::iter([Err(broken(prefix.as_ref(), false, how))]).boxed(),
                None => inner.list(Some(&prefix)),
            }
        };
        stream::once(start).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let key = prefix.cloned().unwrap_or_default();
        let fate = meet(&self.plan, "list", key.as_ref());
        fate.apply(&key, false, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let fate = meet(&self.plan, "copy", to.as_ref());
        fate.apply(to, false, self.inner.copy_opts(from, to, options)).await
    }
}

struct Upload {
    inner: Box<dyn MultipartUpload>,
    plan: Arc<Mutex<Plan>>,
    key: Path,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({})", self.key)
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        let fate = meet(&self.plan, "part", self.key.as_ref());
        let key = self.key.clone();
        // The order of the parts is that of the calls, so the call is made now, and awaited later.
        let part =
            if fate.how.is_none_or(How::happens) { self.inner.put_part(payload) } else { async { Ok(()) }.boxed() };
        Box::pin(async move { fate.apply(&key, false, part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let fate = meet(&self.plan, "complete", self.key.as_ref());
        fate.apply(&self.key, false, self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        let fate = meet(&self.plan, "abort", self.key.as_ref());
        fate.apply(&self.key, false, self.inner.abort()).await
    }
}
