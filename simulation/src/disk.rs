//! What is in the simulated store, and the requests to it at the moment in which they take effect.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use object_store::{Error as ObjectError, ObjectMeta, Result, path::Path};

use crate::scheduler::{ActorId, Millis, at};

/// The store, shared by everybody who has a way to it.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<Content>>);

/// Everything in the store.
#[derive(Default)]
pub struct Content {
    /// What is visible.
    pub objects: BTreeMap<String, Object>,
    uploads: BTreeMap<u64, Upload>,
    numbers: u64,
    /// The snapshot that each process loaded first.
    pub loaded: BTreeMap<ActorId, u64>,
    /// What changed and was not held against the invariants yet.
    pub changes: Vec<Change>,
}

/// One object.
#[derive(Clone)]
pub struct Object {
    /// Its bytes.
    pub bytes: Bytes,
    /// When it was written, by the store's clock.
    pub written: Millis,
}

struct Upload {
    key: String,
    parts: BTreeMap<usize, Bytes>,
}

/// One object became another one, or came, or went.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its key.
    pub key: String,
    /// What was there.
    pub before: Option<Bytes>,
    /// What is there now.
    pub after: Option<Bytes>,
    /// Whether the writer asked for it to happen only if nothing is there.
    pub conditional: bool,
}

/// Whether a write replaces what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Overwrite,
    /// It fails.
    Create,
}

impl Disk {
    /// Everything in it.
    pub fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing is there.
pub fn not_found(key: &str) -> ObjectError {
    ObjectError::NotFound { path: key.to_owned(), source: "no such key".into() }
}

/// Something is there already, or the store says so.
pub fn exists(key: &str) -> ObjectError {
    ObjectError::AlreadyExists { path: key.to_owned(), source: "it exists".into() }
}

impl Content {
    fn meta(key: &str, object: &Object) -> ObjectMeta {
        let written = std::time::UNIX_EPOCH + std::time::Duration::from_millis(at(object.written).as_millis() as u64);
        ObjectMeta {
            location: Path::from(key),
            last_modified: written.into(),
            size: object.bytes.len() as u64,
            e_tag: None,
            version: None,
        }
    }

    fn replace(&mut self, key: &str, after: Option<Bytes>, mode: Mode, now: Millis) {
        let before = match &after {
            Some(bytes) => self.objects.insert(key.to_owned(), Object { bytes: bytes.clone(), written: now }),
            None => self.objects.remove(key),
        };
        let before = before.map(|object| object.bytes);
        if before != after {
            self.changes.push(Change { key: key.to_owned(), before, after, conditional: mode == Mode::Create });
        }
    }

    /// Writes a whole object.
    pub fn put(&mut self, key: &str, bytes: Bytes, mode: Mode, now: Millis) -> Result<()> {
        if mode == Mode::Create && self.objects.contains_key(key) {
            return Err(exists(key));
        }
        self.replace(key, Some(bytes), mode, now);
        Ok(())
    }

    /// Reads a whole object.
    pub fn get(&self, key: &str) -> Result<(Bytes, ObjectMeta)> {
        let object = self.objects.get(key).ok_or_else(|| not_found(key))?;
        Ok((object.bytes.clone(), Self::meta(key, object)))
    }

    /// Deletes an object. It is no error if there is none, as on S3.
    pub fn delete(&mut self, key: &str, now: Millis) -> Result<()> {
        self.replace(key, None, Mode::Overwrite, now);
        Ok(())
    }

    /// Copies an object within the store.
    pub fn copy(&mut self, from: &str, to: &str, mode: Mode, now: Millis) -> Result<()> {
        let (bytes, _) = self.get(from)?;
        self.put(to, bytes, mode, now)
    }

    /// At most `limit` objects below `prefix` with keys behind `after`, in the order of the keys.
    pub fn page(&self, prefix: &str, after: &str, limit: usize) -> Vec<ObjectMeta> {
        let below = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let keys = self.objects.range(below.clone()..).take_while(|(key, _)| key.starts_with(&below));
        keys.filter(|(key, _)| key.as_str() > after).take(limit).map(|(key, object)| Self::meta(key, object)).collect()
    }

    /// Begins an upload in parts.
    pub fn begin(&mut self, key: &str) -> u64 {
        self.numbers += 1;
        self.uploads.insert(self.numbers, Upload { key: key.to_owned(), parts: BTreeMap::new() });
        self.numbers
    }

    fn upload(&mut self, id: u64) -> Result<&mut Upload> {
        self.uploads.get_mut(&id).ok_or_else(|| not_found("the upload"))
    }

    /// Takes one part; the same number again replaces it.
    pub fn part(&mut self, id: u64, number: usize, bytes: Bytes) -> Result<()> {
        self.upload(id)?.parts.insert(number, bytes);
        Ok(())
    }

    /// Makes an object of the first `count` parts. The same request again finds no such upload, as on S3.
    pub fn complete(&mut self, id: u64, count: usize, now: Millis) -> Result<()> {
        let upload = self.upload(id)?;
        if upload.parts.len() < count {
            return Err(not_found("a part of the upload"));
        }
        let whole: Vec<u8> = upload.parts.values().take(count).flat_map(|part| part.iter().copied()).collect();
        let key = upload.key.clone();
        self.uploads.remove(&id);
        self.put(&key, whole.into(), Mode::Overwrite, now)
    }

    /// Forgets an upload.
    pub fn abort(&mut self, id: u64) {
        self.uploads.remove(&id);
    }
}
