//! One queue of tasks and one agenda of what is to come, in virtual time: every order is chosen by the dice.
//!
//! An actor is a process: its tasks stop together when it is killed or paused. What it has sent is no part of it; a
//! request on its way arrives whatever became of the sender.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Wake, Waker},
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::{FutureExt as _, future::BoxFuture};
use sigcache_core::{Timestamp, runtime::Runtime};

use crate::dice::Dice;

/// One process.
pub type ActorId = u64;

/// Milliseconds since the beginning of the history.
pub type Millis = u64;

/// One minute.
pub const MINUTE: Millis = 60_000;
/// One hour.
pub const HOUR: Millis = 60 * MINUTE;

/// How long a process that can go on waits for its turn.
const SLOWEST: Millis = 10_000;

/// 2026-11-24T12:00:00Z, where histories begin.
const BEGINNING: i64 = 1_795_521_600_000;

/// The moment so many milliseconds after the beginning.
pub fn at(now: Millis) -> Timestamp {
    Timestamp::from_millis(BEGINNING + now as i64)
}

type Action = Box<dyn FnOnce() + Send>;
type Ready = Arc<Mutex<Vec<u64>>>;

/// The handle that everything in a history has.
#[derive(Clone)]
pub struct Scheduler {
    state: Arc<Mutex<State>>,
    /// Tasks to be polled. Beside the state, since tasks are woken while it is in use.
    ready: Ready,
}

struct State {
    now: Millis,
    dice: Dice,
    numbers: u64,
    agenda: BTreeMap<(Millis, u64), Action>,
    tasks: BTreeMap<u64, Task>,
    actors: BTreeMap<ActorId, Actor>,
    log: Option<Vec<String>>,
}

struct Task {
    actor: ActorId,
    future: BoxFuture<'static, ()>,
    waker: Waker,
}

#[derive(Clone)]
struct Actor {
    name: String,
    paused: bool,
}

struct Alarm {
    task: u64,
    ready: Ready,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        let mut ready = lock(&self.ready);
        if !ready.contains(&self.task) {
            ready.push(self.task);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scheduler {
    /// Everything in it follows from `seed`. Where `logs`, every event is written down.
    pub fn new(seed: u64, logs: bool) -> Self {
        let state = State {
            now: 0,
            dice: Dice::new(seed),
            numbers: 0,
            agenda: BTreeMap::new(),
            tasks: BTreeMap::new(),
            actors: BTreeMap::new(),
            log: logs.then(Vec::new),
        };
        Self { state: Arc::new(Mutex::new(state)), ready: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The time.
    pub fn now(&self) -> Millis {
        self.state().now
    }

    /// Asks the dice.
    pub fn roll<T>(&self, question: impl FnOnce(&mut Dice) -> T) -> T {
        question(&mut self.state().dice)
    }

    /// Writes an event down, if events are written down at all.
    pub fn log(&self, event: impl FnOnce() -> String) {
        if self.state().log.is_none() {
            return;
        }
        // Outside the lock: to describe an event one may ask who took part.
        let event = event();
        let mut state = self.state();
        let now = state.now;
        if let Some(log) = &mut state.log {
            let (hours, rest) = (now / HOUR, now % HOUR);
            let (minutes, millis) = (rest / MINUTE, rest % MINUTE);
            log.push(format!("{hours:>4}:{minutes:02}:{:02}.{:03}  {}", millis / 1000, millis % 1000, event));
        }
    }

    /// Every event so far.
    pub fn events(&self) -> Vec<String> {
        self.state().log.clone().unwrap_or_default()
    }

    /// A new process.
    pub fn actor(&self, kind: &str) -> ActorId {
        let mut state = self.state();
        state.numbers += 1;
        let id = state.numbers;
        state.actors.insert(id, Actor { name: format!("{kind}-{id}"), paused: false });
        id
    }

    /// What the log calls it.
    pub fn name(&self, actor: ActorId) -> String {
        self.state().actors.get(&actor).map_or_else(|| format!("(dead {actor})"), |actor| actor.name.clone())
    }

    /// Whether it runs, or would if it were not paused.
    pub fn is_alive(&self, actor: ActorId) -> bool {
        self.state().actors.contains_key(&actor)
    }

    /// Ends it, wherever its tasks stand.
    pub fn kill(&self, actor: ActorId) {
        let dropped: Vec<Task> = {
            let mut state = self.state();
            state.actors.remove(&actor);
            let ids: Vec<u64> = state.tasks.iter().filter(|(_, task)| task.actor == actor).map(|(id, _)| *id).collect();
            ids.iter().filter_map(|id| state.tasks.remove(id)).collect()
        };
        // Outside the lock: what a task held may ask for the time while it is dropped.
        drop(dropped);
    }

    /// Stops it for a while; requests that it has sent go on.
    pub fn pause(&self, actor: ActorId, span: Millis) {
        if let Some(actor) = self.state().actors.get_mut(&actor) {
            actor.paused = true;
        }
        let scheduler = self.clone();
        self.after(span, move || scheduler.resume(actor));
    }

    /// Lets it go on.
    pub fn resume(&self, actor: ActorId) {
        if let Some(actor) = self.state().actors.get_mut(&actor) {
            actor.paused = false;
        }
    }

    /// Runs the first task of `actor`, and lets it take its first steps at once: whoever reads a clock and begins is not
    /// stopped in between.
    pub fn begin(&self, actor: ActorId, task: BoxFuture<'static, ()>) {
        if let Some(task) = self.spawn(actor, task) {
            self.poll(task);
        }
    }

    /// Runs `task` as a part of `actor`, if that is still alive.
    fn spawn(&self, actor: ActorId, task: BoxFuture<'static, ()>) -> Option<u64> {
        let mut state = self.state();
        if !state.actors.contains_key(&actor) {
            return None;
        }
        state.numbers += 1;
        let id = state.numbers;
        let waker = Waker::from(Arc::new(Alarm { task: id, ready: self.ready.clone() }));
        state.tasks.insert(id, Task { actor, future: task, waker });
        lock(&self.ready).push(id);
        Some(id)
    }

    /// Puts something on the agenda.
    pub fn after(&self, span: Millis, action: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        state.numbers += 1;
        let key = (state.now + span, state.numbers);
        state.agenda.insert(key, Box::new(action));
    }

    /// Whether nothing is left to be done, ever.
    pub fn is_idle(&self) -> bool {
        !self.is_busy(Millis::MAX)
    }

    /// Whether something is left to be done before `end`.
    fn is_busy(&self, end: Millis) -> bool {
        self.state().agenda.first_key_value().is_some_and(|((time, _), _)| *time <= end) || self.runnable().is_some()
    }

    /// Lets one thing happen that is due by `end`: a task goes on, or the next event of the agenda comes about. False
    /// where there is none.
    pub fn advance(&self, end: Millis) -> bool {
        if !self.is_busy(end) {
            let mut state = self.state();
            state.now = state.now.max(end);
            return false;
        }
        // A process may be slow: now and then something else happens before it goes on.
        let slow = self.roll(|dice| dice.chance(125));
        let due = {
            let state = self.state();
            let soon = end.min(state.now + SLOWEST);
            state.agenda.first_key_value().is_some_and(|((time, _), _)| *time <= soon)
        };
        match self.runnable() {
            Some(task) if !(slow && due) => self.poll(task),
            _ => {
                let next = {
                    let mut state = self.state();
                    let next = state.agenda.pop_first();
                    if let Some(((time, _), _)) = &next {
                        state.now = state.now.max(*time);
                    }
                    next
                };
                if let Some((_, action)) = next {
                    action();
                }
            }
        }
        true
    }

    /// One of the tasks that can go on.
    fn runnable(&self) -> Option<u64> {
        let mut state = self.state();
        let mut ready = lock(&self.ready);
        ready.retain(|task| state.tasks.contains_key(task));
        let running = |task: &u64| !state.actors.get(&state.tasks[task].actor).is_none_or(|actor| actor.paused);
        let able: Vec<u64> = ready.iter().copied().filter(running).collect();
        (!able.is_empty()).then(|| *state.dice.pick(&able))
    }

    fn poll(&self, id: u64) {
        lock(&self.ready).retain(|ready| *ready != id);
        let Some(mut task) = self.state().tasks.remove(&id) else { return };
        let ended = task.future.poll_unpin(&mut Context::from_waker(&task.waker.clone())).is_ready();
        let mut state = self.state();
        if !ended && state.actors.contains_key(&task.actor) {
            state.tasks.insert(id, task);
        }
    }

    /// Waits.
    pub fn sleep(&self, span: Millis) -> BoxFuture<'static, ()> {
        let (send, receive) = oneshot::channel();
        self.after(span, move || {
            let _ = send.send(());
        });
        receive.map(|_| ()).boxed()
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scheduler")
    }
}

/// The runtime that the core has in one process.
#[derive(Debug, Clone)]
pub struct Process {
    /// Where it runs.
    pub scheduler: Scheduler,
    /// Which it is.
    pub actor: ActorId,
}

impl Runtime for Process {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.scheduler.now())
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.scheduler.sleep(span.as_millis() as Millis)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.scheduler.spawn(self.actor, task);
    }
}
