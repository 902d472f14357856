//! Two mirrors that serve signed documents: new versions come, the mirrors lag, fail and lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::stream;
use sigcache_core::{
    Digest, Reason,
    conformance::Signer,
    fetch::{Body, FetchError, FetchRequest, Fetched, Fetcher, Meta, Retry},
};

use crate::{
    keyed,
    scheduler::{ActorId, HOUR, Millis, Scheduler, at},
    wire::Weather,
};

/// How documents are signed in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// By one hash.
    Keyed,
    /// By P-256, as the format `detached` has it.
    Real,
}

/// The documents of a history.
pub const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Everything that was ever published.
#[derive(Clone)]
pub struct Origin {
    state: Arc<Mutex<State>>,
    signing: Signing,
}

struct State {
    documents: BTreeMap<&'static str, Document>,
    /// What each process was served, as a whole or as what it knew already.
    served: BTreeMap<ActorId, BTreeSet<(String, Digest)>>,
}

#[derive(Default)]
struct Document {
    versions: Vec<Version>,
    mirrors: [Mirror; 2],
}

/// One published version.
#[derive(Clone)]
pub struct Version {
    /// The document.
    pub bytes: Bytes,
    /// The signature over it.
    pub signature: Bytes,
}

#[derive(Default, Clone, Copy)]
struct Mirror {
    serves: usize,
    mood: Mood,
}

/// How a mirror behaves for one document.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It serves the version that it has.
    #[default]
    Good,
    /// Nothing listens.
    Down,
    /// 404.
    Missing,
    /// 500.
    Sick,
    /// One bit of the document is another one.
    Tampered,
    /// The body ends in the middle, with an error.
    Truncated,
    /// The body ends in the middle and looks whole.
    Short,
    /// The signature is that of another document.
    WrongSignature,
    /// It serves an old version, properly signed.
    Frozen,
}

impl Mood {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Good,
        Self::Down,
        Self::Missing,
        Self::Sick,
        Self::Tampered,
        Self::Truncated,
        Self::Short,
        Self::WrongSignature,
        Self::Frozen,
    ];
}

/// Which key signs a document; `c` says nothing of itself, so it has one of its own.
pub fn key_of(name: &str) -> &'static str {
    if name == "c" { "release-c" } else { "release" }
}

impl Origin {
    /// An origin that has not published anything.
    pub fn new(signing: Signing) -> Self {
        let documents = NAMES.iter().map(|name| (*name, Document::default())).collect();
        Self { state: Arc::new(Mutex::new(State { documents, served: BTreeMap::new() })), signing }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes the next version of `name` at `now`, which is valid for `valid` where it says so. The mirrors do not
    /// have it yet.
    pub fn publish(&self, name: &'static str, now: Millis, valid: Millis, filler: u64) -> Version {
        let mut state = self.state();
        let document = state.documents.entry(name).or_default();
        let number = document.versions.len() as u64 + 1;
        let seconds = |time: Millis| at(time).as_millis() / 1000;
        let bytes = match name {
            "a" => format!(r#"{{"name":"a","version":{number},"filler":"{filler:x}"}}"#),
            "b" => format!(r#"{{"name":"b","version":{number},"expires":{}}}"#, seconds(now + valid)),
            "c" => format!("document c, {number}, {filler:x}"),
            _ => format!(
                r#"{{"name":"d","issued":{},"filler":"{:0>2900}"}}"#,
                seconds(now) + number as i64,
                format!("{filler:x}")
            ),
        };
        let bytes = Bytes::from(bytes);
        let signature = match self.signing {
            Signing::Keyed => keyed::sign(key_of(name), &bytes),
            Signing::Real => Signer::new(key_of(name)).sign(&bytes),
        };
        let version = Version { bytes, signature };
        document.versions.push(version.clone());
        version
    }

    /// One mirror gets the newest version of `name`.
    pub fn catch_up(&self, name: &str, mirror: usize) {
        if let Some(document) = self.state().documents.get_mut(name) {
            document.mirrors[mirror].serves = document.versions.len() - 1;
        }
    }

    /// One mirror behaves so for `name`.
    pub fn set_mood(&self, name: &str, mirror: usize, mood: Mood) {
        if let Some(document) = self.state().documents.get_mut(name) {
            document.mirrors[mirror].mood = mood;
        }
    }

    /// The newest version.
    pub fn newest(&self, name: &str) -> Option<Version> {
        self.state().documents.get(name)?.versions.last().cloned()
    }

    /// Whether one process was served both of these.
    pub fn served_together(&self, one: (&str, Digest), other: (&str, Digest)) -> bool {
        let [one, other] = [one, other].map(|(name, digest)| (name.to_owned(), digest));
        self.state().served.values().any(|served| served.contains(&one) && served.contains(&other))
    }

    fn answer(&self, request: &FetchRequest<'_>, actor: ActorId) -> Result<Fetched, FetchError> {
        let path = request.url.path().trim_start_matches('/');
        let mirror = usize::from(request.url.host_str() == Some("two.example"));
        let (name, is_signature) = path.strip_suffix(".sig").map_or((path, false), |name| (name, true));
        let mut state = self.state();
        let missing = || FetchError::new(Reason::HttpStatus, "200", "404").with_status(Some(404));
        let document = state.documents.get(name).ok_or_else(missing)?;
        let Mirror { serves, mood } = document.mirrors[mirror];
        let shown = if mood == Mood::Frozen { serves / 2 } else { serves };
        let version = document.versions.get(shown).ok_or_else(missing)?;
        let mut bytes = if is_signature { version.signature.clone() } else { version.bytes.clone() };
        let mut cut = false;
        match mood {
            Mood::Good | Mood::Frozen => {}
            Mood::Down => {
                let error = FetchError::new(Reason::ConnectionRefused, "a connection", "nothing that listens");
                return Err(error.with_retry(Retry::Yes));
            }
            Mood::Missing => return Err(missing()),
            Mood::Sick => {
                let error = FetchError::new(Reason::HttpStatus, "200", "500");
                return Err(error.with_status(Some(500)).with_retry(Retry::Yes));
            }
            Mood::Tampered => {
                let mut other = bytes.to_vec();
                let middle = other.len() / 2;
                other[middle] ^= 1;
                bytes = other.into();
            }
            Mood::Truncated => {
                bytes = bytes.slice(..bytes.len() / 2);
                cut = true;
            }
            Mood::Short => bytes = bytes.slice(..bytes.len() / 2),
            Mood::WrongSignature if is_signature => bytes = document.versions[0].bytes.slice(..10),
            Mood::WrongSignature => {}
        }
        let mut meta = Meta::default();
        meta.http_status = Some(200);
        let digest = Digest::of(&bytes);
        let tag: Arc<str> = digest.hex()[..16].into();
        state.served.entry(actor).or_default().insert((path.to_owned(), digest));
        if !cut && request.validators.is_some_and(|validators| validators.etag.as_ref() == Some(&tag)) {
            meta.http_status = Some(304);
            meta.validators.etag = Some(tag);
            return Ok(Fetched::NotModified(meta));
        }
        meta.validators.etag = Some(tag);
        let mut chunks: Vec<_> = bytes.chunks(1000).map(|chunk| Ok(bytes.slice_ref(chunk))).collect();
        if cut {
            let broken = FetchError::new(Reason::TruncatedBody, "the whole body", "a broken connection");
            chunks.push(Err(broken.with_status(Some(200)).with_retry(Retry::Yes)));
        }
        Ok(Fetched::Body(Body::new(request, meta, stream::iter(chunks))?))
    }
}

/// The way of one process to the mirrors.
pub struct Route {
    /// Which process.
    pub actor: ActorId,
    /// Where it runs.
    pub scheduler: Scheduler,
    /// To whom.
    pub origin: Origin,
    /// How often it breaks.
    pub weather: Weather,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Route")
    }
}

#[async_trait]
impl Fetcher for Route {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let weather = self.weather.load(Ordering::Relaxed);
        let (span, breaks) = self.scheduler.roll(|dice| {
            let span = if dice.chance(20) { dice.between(1, HOUR / 60) } else { dice.between(1, 300) };
            (span, dice.chance(weather))
        });
        let (send, receive) = oneshot::channel();
        self.scheduler.after(span, move || {
            let _ = send.send(());
        });
        let _ = receive.await;
        if breaks {
            return Err(FetchError::new(Reason::FirstByteTimeout, "an answer", "none").with_retry(Retry::Yes));
        }
        let answer = self.origin.answer(&request, self.actor);
        self.scheduler.log(|| {
            let name = self.scheduler.name(self.actor);
            let url = request.url;
            match &answer {
                Ok(Fetched::NotModified(_)) => format!("{name}: {url} did not change"),
                Ok(Fetched::Body(_)) => format!("{name}: {url} answers"),
                Err(error) => format!("{name}: {url} fails: {}", error.failure().reason),
            }
        });
        answer
    }
}
