//! The way from one process to the store: every request arrives some time later, its answer later still, and both can
//! go wrong.
//!
//! docs/simulation.md says which faults there are, and why those.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::{
    FutureExt as _, StreamExt as _, TryStreamExt as _,
    future::{self, BoxFuture},
    stream::{self, BoxStream},
};
use object_store::{
    CopyMode, CopyOptions, Error as ObjectError, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
    path::Path,
};

use crate::{
    dice::Dice,
    disk::{Content, Disk, Mode, exists},
    invariants::snapshot_number,
    scheduler::{ActorId, MINUTE, Millis, Scheduler},
};

/// How often requests fail, in a thousand; it changes during a history.
pub type Weather = Arc<AtomicU64>;

/// An [`ObjectStore`] as one process sees it.
#[derive(Clone)]
pub struct Wire {
    scheduler: Scheduler,
    disk: Disk,
    way: Way,
}

#[derive(Clone)]
enum Way {
    /// Requests take time and may fail.
    Net { actor: ActorId, weather: Weather },
    /// They are answered at once, for those who only look.
    Window,
}

/// What a request does, as far as its faults depend on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nature {
    Read,
    /// A conditional create.
    Create,
    /// Done twice it is as if done once: a write to a key of its own.
    Repeatable,
    /// An unconditional write or deletion of a key that others write too.
    Plain,
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    /// It never arrives; an error is the answer.
    Lost,
    /// It takes effect; an error is the answer.
    Unheard,
    /// An error is the answer; later it takes effect.
    Late(Millis),
    /// It takes effect, is answered, and takes effect once more later: a repetition below the caller.
    Twice(Millis),
    /// A create is told that the key exists, although nothing was written (S3's 409).
    FalselyExists,
    /// A create takes effect and is told that the key exists: a repetition below the caller came second.
    OwnExists,
    /// A read ends in the middle, with an error.
    Cut,
    /// A read ends in the middle and looks whole.
    Short,
}

impl Fate {
    fn of(nature: Nature, weather: u64, dice: &mut Dice) -> Self {
        if !dice.chance(weather) {
            return Self::Fine;
        }
        let later = dice.between(1, 20 * MINUTE);
        match nature {
            Nature::Read => dice.weighted(&[(6, Self::Lost), (3, Self::Cut), (1, Self::Short)]),
            Nature::Create => dice.weighted(&[
                (2, Self::Lost),
                (2, Self::Unheard),
                (2, Self::Late(later)),
                (1, Self::Twice(later)),
                (1, Self::FalselyExists),
                (1, Self::OwnExists),
            ]),
            Nature::Repeatable => {
                dice.weighted(&[(3, Self::Lost), (3, Self::Unheard), (2, Self::Late(later)), (1, Self::Twice(later))])
            }
            Nature::Plain => dice.weighted(&[(3, Self::Lost), (3, Self::Unheard), (2, Self::Late(later))]),
        }
    }
}

impl Wire {
    /// The way of `actor` to the store.
    pub fn new(scheduler: &Scheduler, disk: &Disk, actor: ActorId, weather: &Weather) -> Self {
        let way = Way::Net { actor, weather: weather.clone() };
        Self { scheduler: scheduler.clone(), disk: disk.clone(), way }
    }

    /// A view of the store as it is at this moment.
    pub fn window(scheduler: &Scheduler, disk: &Disk) -> Self {
        Self { scheduler: scheduler.clone(), disk: disk.clone(), way: Way::Window }
    }

    /// Sends one request. `effect` is what it does to the store when it arrives.
    fn request<T: Send + 'static>(
        &self,
        doing: &'static str,
        key: &str,
        nature: Nature,
        effect: impl Fn(&mut Content, Millis) -> Result<T> + Send + Sync + 'static,
    ) -> BoxFuture<'static, (Result<T>, Fate)> {
        let Way::Net { actor, weather } = &self.way else {
            let now = self.scheduler.now();
            return future::ready((effect(&mut self.disk.content(), now), Fate::Fine)).boxed();
        };
        let (actor, weather) = (*actor, weather.load(Ordering::Relaxed));
        let (fate, there, back) = self.scheduler.roll(|dice| {
            let fate = Fate::of(nature, weather, dice);
            let mut latency = || match dice.below(if weather == 0 { 400 } else { 40 }) {
                0 if weather > 0 => dice.between(1, 5 * MINUTE),
                1..4 => dice.between(1, 20_000),
                _ => dice.between(1, 400),
            };
            (fate, latency(), latency())
        });
        let (scheduler, disk, key) = (self.scheduler.clone(), self.disk.clone(), key.to_owned());
        let name = scheduler.name(actor);
        let arrive = {
            let (scheduler, key, name) = (scheduler.clone(), key.clone(), name.clone());
            move |note: &str| {
                // Of a process that was killed some requests had not left yet.
                if !scheduler.is_alive(actor) && scheduler.roll(|dice| dice.chance(500)) {
                    return Err(broken());
                }
                let result = effect(&mut disk.content(), scheduler.now());
                scheduler.log(|| match &result {
                    Ok(_) => format!("{name}: {doing} {key}{note}"),
                    Err(error) => format!("{name}: {doing} {key}{note}: {}", in_a_word(error)),
                });
                result
            }
        };
        let (send, receive) = oneshot::channel();
        let mut send = Some(send);
        let place = key.clone();
        let mut answer = move |span: Millis, scheduler: &Scheduler, result: Result<T>| {
            let Some(send) = send.take() else { return };
            let (logger, name, key) = (scheduler.clone(), name.clone(), key.clone());
            scheduler.after(span, move || {
                if let Err(error) = &result {
                    logger.log(|| format!("{name}: {doing} {key} is answered: {}", in_a_word(error)));
                }
                drop(send.send(result));
            });
        };
        let sender = scheduler.clone();
        match fate {
            Fate::Lost => answer(there + back, &scheduler, Err(broken())),
            Fate::FalselyExists => answer(there + back, &scheduler, Err(exists(&place))),
            Fate::Late(later) => {
                answer(there + back, &scheduler, Err(broken()));
                scheduler.after(there + back + later, move || drop(arrive(", late")));
            }
            Fate::Fine | Fate::Cut | Fate::Short => scheduler.after(there, move || {
                let result = arrive("");
                answer(back, &sender, result);
            }),
            Fate::Twice(later) => scheduler.after(there, move || {
                let result = arrive("");
                answer(back, &sender, result);
                sender.after(later, move || drop(arrive(", once more")));
            }),
            Fate::Unheard => scheduler.after(there, move || {
                let result = arrive(", unheard");
                // A request that would have failed anyway fails with its own error.
                answer(back, &sender, result.and_then(|_| Err(broken())));
            }),
            Fate::OwnExists => scheduler.after(there, move || {
                let result = arrive(", repeated");
                answer(back, &sender, result.and_then(|_| Err(exists(&place))));
            }),
        }
        async move { (receive.await.unwrap_or_else(|_| Err(broken())), fate) }.boxed()
    }

    /// Pages of a listing; each is a request of its own, so that the whole is of no one moment.
    fn pages(&self, prefix: &str) -> BoxStream<'static, Result<ObjectMeta>> {
        let limit = match &self.way {
            Way::Net { .. } => self.scheduler.roll(|dice| *dice.pick(&[2, 5, 1000, 1000, 1000])),
            Way::Window => usize::MAX,
        };
        let (wire, prefix) = (self.clone(), prefix.to_owned());
        let pages = stream::try_unfold(Some(String::new()), move |after| {
            let (wire, prefix) = (wire.clone(), prefix.clone());
            async move {
                let Some(after) = after else { return Ok(None) };
                let page = {
                    let prefix = prefix.clone();
                    move |content: &mut Content, _| Ok(content.page(&prefix, &after, limit))
                };
                let (page, fate) = wire.request("list", &prefix, Nature::Read, page).await;
                let page = page?;
                if matches!(fate, Fate::Cut | Fate::Short) {
                    return Err(broken());
                }
                let next = page.last().filter(|_| page.len() == limit).map(|meta| meta.location.to_string());
                Ok(Some((stream::iter(page.into_iter().map(Ok)), next)))
            }
        });
        pages.try_flatten().boxed()
    }
}

fn broken() -> ObjectError {
    ObjectError::Generic { store: "simulated", source: "the connection broke".into() }
}

fn in_a_word(error: &ObjectError) -> &'static str {
    match error {
        ObjectError::NotFound { .. } => "not found",
        ObjectError::AlreadyExists { .. } => "exists",
        _ => "broken",
    }
}

fn nature_of(key: &str) -> Nature {
    if key.starts_with("latest/") { Nature::Plain } else { Nature::Repeatable }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

fn written() -> PutResult {
    PutResult { e_tag: None, version: None, extensions: Default::default() }
}

#[async_trait]
impl ObjectStore for Wire {
    async fn put_opts(&self, key: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let (mode, doing) = match options.mode {
            PutMode::Create => (Mode::Create, "create"),
            _ => (Mode::Overwrite, "put"),
        };
        let nature = if mode == Mode::Create { Nature::Create } else { nature_of(key.as_ref()) };
        let (bytes, text) = (Bytes::from(payload), key.to_string());
        let effect = move |content: &mut Content, now| content.put(&text, bytes.clone(), mode, now);
        self.request(doing, key.as_ref(), nature, effect).await.0.map(|()| written())
    }

    async fn put_multipart_opts(&self, key: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let text = key.to_string();
        let effect = move |content: &mut Content, _| Ok(content.begin(&text));
        let (id, _) = self.request("begin", key.as_ref(), Nature::Repeatable, effect).await;
        Ok(Box::new(Upload { wire: self.clone(), key: key.to_string(), id: id?, parts: 0 }))
    }

    async fn get_opts(&self, key: &Path, _: GetOptions) -> Result<GetResult> {
        let text = key.to_string();
        let actor = match &self.way {
            Way::Net { actor, .. } => Some(*actor),
            Way::Window => None,
        };
        let effect = move |content: &mut Content, _| {
            if let (Some(actor), Some(number)) = (actor, snapshot_number(&text)) {
                content.loaded.entry(actor).or_insert(number);
            }
            content.get(&text)
        };
        let (answer, fate) = self.request("get", key.as_ref(), Nature::Read, effect).await;
        let (bytes, meta) = answer?;
        let half = bytes.slice(..bytes.len() / 2);
        let chunks = match fate {
            Fate::Cut => vec![Ok(half), Err(broken())],
            Fate::Short => vec![Ok(half)],
            _ => vec![Ok(bytes)],
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::iter(chunks).boxed()),
            range: 0..meta.size,
            meta,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let wire = self.clone();
        let deleted = keys.then(move |key| {
            let wire = wire.clone();
            async move {
                let key = key?;
                let text = key.to_string();
                let effect = move |content: &mut Content, now| content.delete(&text, now);
                wire.request("delete", key.as_ref(), nature_of(key.as_ref()), effect).await.0?;
                Ok(key)
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.pages(prefix.map_or("", |prefix| prefix.as_ref()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        let all: Vec<ObjectMeta> = self.pages(prefix.as_ref()).try_collect().await?;
        let (mut common_prefixes, mut objects) = (Vec::new(), Vec::new());
        for meta in all {
            let mut parts = meta.location.prefix_match(&prefix).into_iter().flatten();
            match (parts.next(), parts.next()) {
                (Some(folder), Some(_)) => common_prefixes.push(prefix.clone().join(folder)),
                _ => {
                    drop(parts);
                    objects.push(meta);
                }
            }
        }
        common_prefixes.dedup();
        Ok(ListResult { common_prefixes, objects, extensions: Default::default() })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mode = if options.mode == CopyMode::Create { Mode::Create } else { Mode::Overwrite };
        let (source, target) = (from.to_string(), to.to_string());
        let effect = move |content: &mut Content, now| content.copy(&source, &target, mode, now);
        self.request("copy to", to.as_ref(), nature_of(to.as_ref()), effect).await.0
    }
}

struct Upload {
    wire: Wire,
    key: String,
    id: u64,
    parts: usize,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({})", self.key)
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        let (id, number, bytes) = (self.id, self.parts, Bytes::from(payload));
        self.parts += 1;
        let effect = move |content: &mut Content, _| content.part(id, number, bytes.clone());
        self.wire.request("part of", &self.key, Nature::Repeatable, effect).map(|(answer, _)| answer).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (id, count) = (self.id, self.parts);
        let effect = move |content: &mut Content, now| content.complete(id, count, now);
        self.wire.request("complete", &self.key, Nature::Plain, effect).await.0.map(|()| written())
    }

    async fn abort(&mut self) -> Result<()> {
        let id = self.id;
        let effect = move |content: &mut Content, _| {
            content.abort(id);
            Ok(())
        };
        self.wire.request("abort", &self.key, Nature::Repeatable, effect).await.0
    }
}
