//! A folder of the local disk as a store, durable at every commit.
//!
//! A disk does not promise that a finished write survives a power cut. One `fsync` for each file would; so does one
//! `syncfs` for the whole file system just before a commit, however many files there are, and that is what is done.
//! Snapshots, whose existence is the commit, are written through one by one.

mod threads;

#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use object_store::local::LocalFileSystem;

use self::threads::Threads;
use super::{Bucket, Durability, StoreError, Sweep};
use crate::time::Timestamp;

/// A folder, open for as long as the store is used.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    #[cfg(target_os = "linux")]
    folder: Arc<File>,
    /// The same, opened once more for flushes that nobody waits for: an error of the disk is told to each opening once,
    /// so none is lost for the flush that counts.
    #[cfg(target_os = "linux")]
    early: Arc<File>,
    /// Whether such a flush is under way.
    #[cfg(target_os = "linux")]
    begun: Arc<AtomicBool>,
}

/// The folder at `path` as a store; it is created if it is not there.
pub fn open_disk(path: impl Into<PathBuf>) -> Result<Bucket, StoreError> {
    let path = path.into();
    std::fs::create_dir_all(&path).map_err(|error| unavailable("open", &path, error))?;
    open_existing_disk(path)
}

/// The folder at `path` as a store, for those who only read: a folder that is not there is an error, since the path may
/// be mistyped or its disk not mounted.
pub fn open_existing_disk(path: impl Into<PathBuf>) -> Result<Bucket, StoreError> {
    let path = path.into();
    let folder = File::open(&path).and_then(|folder| match folder.metadata()?.is_dir() {
        true => Ok(folder),
        false => Err(io::ErrorKind::NotADirectory.into()),
    });
    let folder = Arc::new(folder.map_err(|error| unavailable("open", &path, error))?);
    // The kernel lets one thread at a time change a folder; more would wait for each other.
    let at_once = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    let handle = |fsync| {
        let handle = LocalFileSystem::new_with_prefix(&path);
        // Empty folders go with their last file, or a resource could never be named as one of them.
        let handle = handle.map(|disk| disk.with_fsync(fsync).with_automatic_cleanup(true));
        let handle = handle.map_err(|error| unavailable("open", &path, io::Error::other(error)))?;
        let threads = Threads::start(handle, at_once).map_err(|error| unavailable("open", &path, error))?;
        Ok(Arc::new(threads))
    };
    let commits = handle(true)?;
    // Where the whole file system cannot be flushed at once, every write goes through by itself.
    let objects = if cfg!(target_os = "linux") { handle(false)? } else { commits.clone() };
    #[cfg(target_os = "linux")]
    let early = Arc::new(File::open(&path).map_err(|error| unavailable("open", &path, error))?);
    #[cfg(target_os = "linux")]
    let disk = Disk { path, folder, early, begun: Arc::default() };
    #[cfg(not(target_os = "linux"))]
    let disk = Disk { path };
    Ok(Bucket::new(objects).with_durability(Arc::new(disk), commits))
}

fn unavailable(doing: &'static str, path: &Path, error: io::Error) -> StoreError {
    StoreError::Unavailable { doing, key: path.display().to_string(), source: Box::new(error) }
}

/// `object_store` writes to `<file>#<number>` and renames; a process that is killed in between leaves that file behind,
/// and listings do not show it.
fn is_remainder(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.rsplit_once('#').is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()))
}

fn remainders(folder: &Path, border: Timestamp, sweep: Sweep, found: &mut Vec<String>) -> io::Result<()> {
    let Some(items) = unless_gone(std::fs::read_dir(folder))? else { return Ok(()) };
    for item in items {
        let item = item?;
        let path = item.path();
        let kind = item.file_type()?;
        if kind.is_dir() {
            remainders(&path, border, sweep, found)?;
        } else if kind.is_file() && is_remainder(&path) {
            let Some(metadata) = unless_gone(item.metadata())? else { continue };
            if Timestamp::from(metadata.modified()?) >= border {
                continue;
            }
            if sweep == Sweep::Delete {
                unless_gone(std::fs::remove_file(&path))?;
            }
            found.push(path.display().to_string());
        }
    }
    Ok(())
}

/// A run beside us renames and deletes while we look.
fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl Durability for Disk {
    async fn remainders(&self, border: Timestamp, sweep: Sweep) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        let walked = remainders(&self.path, border, sweep, &mut found);
        walked.map_err(|error| unavailable("clear", &self.path, error))?;
        found.sort();
        Ok(found)
    }

    #[cfg(target_os = "linux")]
    async fn flush(&self) -> Result<(), StoreError> {
        let folder = self.folder.clone();
        let flush = move || nix::unistd::syncfs(&*folder).map_err(io::Error::from);
        let flushed = match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(flush).await.unwrap_or_else(|error| Err(io::Error::other(error))),
            Err(_) => flush(),
        };
        flushed.map_err(|error| unavailable("flush", &self.path, error))
    }

    #[cfg(target_os = "linux")]
    fn begin(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.begun.swap(true, Ordering::Relaxed) {
            let (early, begun) = (self.early.clone(), self.begun.clone());
            drop(runtime.spawn_blocking(move || {
                let _ = nix::unistd::syncfs(&*early);
                begun.store(false, Ordering::Relaxed);
            }));
        }
    }

    #[cfg(not(target_os = "linux"))]
    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// All files of this machine as an object store, to fetch from.
pub fn local_files() -> Arc<dyn object_store::ObjectStore> {
    Arc::new(LocalFileSystem::new())
}
