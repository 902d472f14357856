//! The files of a store are written by threads of its own.
//!
//! `object_store` would hand each write to the runtime's pool for blocking work. There the hand-over costs about as much
//! as the small file itself: a thread of the pool is woken for it, sleeps again, and of several at once most wait for
//! the lock of the same folder. Few threads with one queue find the next job waiting, and sleep only when none is.

use std::{
    fmt,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::{FutureExt as _, stream::BoxStream};
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, local::LocalFileSystem, path::Path,
};

type Job = Box<dyn FnOnce() + Send>;

/// The files below a folder. What makes or changes small files goes through the threads, everything else as before.
#[derive(Debug)]
pub(super) struct Threads {
    files: Arc<LocalFileSystem>,
    jobs: mpsc::Sender<Job>,
}

impl Threads {
    /// Starts `count` threads; they end when the store is dropped and their queue is empty.
    pub(super) fn start(files: LocalFileSystem, count: usize) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let queue = queue.clone();
            thread::Builder::new().name("sigcache-disk".into()).spawn(move || {
                loop {
                    // The lock is held while waiting for a job, not while doing it.
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    // Its sender is dropped, which tells the one who waits.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })?;
        }
        Ok(Self { files: Arc::new(files), jobs })
    }

    /// What `work` says, done on one of the threads. Outside of any async runtime `object_store` does its work where it
    /// is polled, so the first poll is the last.
    async fn run<T, F>(&self, work: impl FnOnce(Arc<LocalFileSystem>) -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>>,
    {
        let (answer, answered) = oneshot::channel();
        let files = self.files.clone();
        let job = move || {
            let done = work(files).now_or_never().unwrap_or_else(|| Err(lost("work that did not end at once")));
            // The receiver is gone where the whole run was given up.
            let _ = answer.send(done);
        };
        self.jobs.send(Box::new(job)).map_err(|_| lost("the threads of the store have ended"))?;
        answered.await.unwrap_or_else(|_| Err(lost("a thread of the store panicked")))
    }
}

/// Whether both keys are names of one file. Where that cannot be told, no.
fn is_one_file(files: &LocalFileSystem, a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let file = |key: &Path| {
            let metadata = files.path_to_filesystem(key).ok()?.symlink_metadata().ok()?;
            Some((metadata.dev(), metadata.ino()))
        };
        file(a).is_some_and(|one| file(b) == Some(one))
    }
    #[cfg(not(unix))]
    {
        let _ = (files, a, b);
        false
    }
}

fn lost(what: &'static str) -> Error {
    Error::Generic { store: "disk", source: what.into() }
}

impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Threads {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let location = location.clone();
        self.run(|files| async move { files.put_opts(&location, payload, opts).await }).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (from, to) = (from.clone(), to.clone());
        self.run(|files| async move {
            // Where nothing is yet, one hard link does; to replace what is there takes a link beside it and a rename.
            let create = CopyOptions { mode: CopyMode::Create, extensions: options.extensions.clone() };
            match files.copy_opts(&from, &to, create).await {
                // The copy is there already. Of two names of one file the rename would do nothing (POSIX, `rename`), and
                // `object_store` would leave the link beside it for ever.
                Err(Error::AlreadyExists { .. })
                    if options.mode == CopyMode::Overwrite && is_one_file(&files, &from, &to) =>
                {
                    Ok(())
                }
                Err(Error::AlreadyExists { .. }) if options.mode == CopyMode::Overwrite => {
                    files.copy_opts(&from, &to, options).await
                }
                done => done,
            }
        })
        .await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (from, to) = (from.clone(), to.clone());
        self.run(|files| async move { files.rename_opts(&from, &to, options).await }).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;

    use super::*;

    fn store() -> (tempfile::TempDir, Threads) {
        let folder = tempfile::tempdir().unwrap();
        let files = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
        (folder, Threads::start(files, 2).unwrap())
    }

    #[tokio::test]
    async fn a_copy_is_made_and_replaced_and_only_created_when_told() {
        let (folder, store) = store();
        let [from, to] = ["versions/a", "latest/a"].map(Path::from);
        for content in ["one", "two"] {
            store.put(&from, content.into()).await.unwrap();
            store.copy(&from, &to).await.unwrap();
            assert_eq!(store.get(&to).await.unwrap().bytes().await.unwrap(), content);
        }
        // Once more, as after a run that was cut off: it leaves nothing beside it.
        store.copy(&from, &to).await.unwrap();
        let beside: Vec<_> = std::fs::read_dir(folder.path().join("latest")).unwrap().collect();
        assert_eq!(beside.len(), 1, "{beside:?}");
        let again = store.copy_if_not_exists(&from, &to).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
        let absent = store.copy(&Path::from("versions/b"), &to).await;
        assert!(matches!(absent, Err(Error::NotFound { .. })), "{absent:?}");
    }

    #[tokio::test]
    async fn a_thread_that_panics_fails_one_request_and_serves_the_next() {
        let (_folder, store) = store();
        let key = Path::from("a");
        for _ in 0..5 {
            let lost = store.run::<(), std::future::Ready<Result<()>>>(|_| panic!("on purpose")).await;
            assert!(matches!(lost, Err(Error::Generic { .. })), "{lost:?}");
            store.put(&key, "content".into()).await.unwrap();
        }
    }

    #[test]
    fn no_runtime_is_needed() {
        let (_folder, store) = store();
        let key = Path::from("a");
        let mut put = Box::pin(async { store.put(&key, "content".into()).await });
        let waker = futures_util::task::noop_waker();
        let done = loop {
            match put.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
                std::task::Poll::Ready(done) => break done,
                std::task::Poll::Pending => thread::yield_now(),
            }
        };
        done.unwrap();
    }
}
