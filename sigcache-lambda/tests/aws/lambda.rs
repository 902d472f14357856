//! Lambda, as far as a function sees it: the Runtime API, on loopback, with the real program behind it.

use std::{
    collections::HashMap,
    fs::OpenOptions,
    path::Path as FilePath,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{mpsc, oneshot},
};

/// A function: its program runs from its first event on, and ends with this.
pub(crate) struct Lambda {
    events: mpsc::UnboundedSender<Invocation>,
    /// Where its log goes: a file, so that whatever was written before an answer is there with it.
    log: NamedTempFile,
    /// The arguments of the program's start, to start another.
    pub(crate) start: Arc<dyn Fn() + Send + Sync>,
    child: Arc<Mutex<Option<Child>>>,
}

struct Invocation {
    event: String,
    time: Duration,
    answer: oneshot::Sender<Result<Value, Value>>,
}

struct Api {
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    open: Mutex<HashMap<String, oneshot::Sender<Result<Value, Value>>>>,
    failed_init: Mutex<Option<Value>>,
}

impl Lambda {
    /// The program at `binary` as the function `name`.
    pub(crate) async fn new(
        binary: impl Into<std::path::PathBuf>,
        name: &str,
        environment: &[(String, String)],
    ) -> Self {
        let binary = binary.into();
        let (events, received) = mpsc::unbounded_channel();
        let api = Arc::new(Api {
            events: tokio::sync::Mutex::new(received),
            open: Mutex::default(),
            failed_init: Mutex::default(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(api);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut environment = environment.to_vec();
        let mut set = |name: &str, value: &str| environment.push((name.to_owned(), value.to_owned()));
        set("AWS_LAMBDA_RUNTIME_API", &address.to_string());
        set("AWS_LAMBDA_FUNCTION_NAME", name);
        set("AWS_LAMBDA_FUNCTION_VERSION", "1");
        set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
        set("AWS_LAMBDA_LOG_GROUP_NAME", name);
        set("AWS_LAMBDA_LOG_STREAM_NAME", "stream");
        let log = NamedTempFile::new().unwrap();
        let child = Arc::new(Mutex::new(None));
        let (written, running) = (log.path().to_owned(), child.clone());
        let start = Arc::new(move || {
            let mut command = command(&binary);
            command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
            let log = OpenOptions::new().append(true).open(&written).unwrap();
            command.stdin(Stdio::null()).stdout(log).stderr(Stdio::inherit()).kill_on_drop(true);
            *running.lock().unwrap() = Some(command.spawn().unwrap());
        });
        Self { events, log, start, child }
    }

    /// Invokes the function, which has a minute.
    pub(crate) async fn invoke(&self, event: &Value) -> Result<Value, Value> {
        self.invoke_within(event, Duration::from_secs(60)).await
    }

    /// Invokes the function, which has `time`.
    pub(crate) async fn invoke_within(&self, event: &Value, time: Duration) -> Result<Value, Value> {
        self.wake();
        let (answer, answered) = oneshot::channel();
        let invocation = Invocation { event: event.to_string(), time, answer };
        self.events.send(invocation).ok().unwrap();
        let patience = time + Duration::from_secs(5);
        tokio::time::timeout(patience, answered).await.expect("no answer in time").expect("no answer")
    }

    /// Starts the program, unless it runs.
    fn wake(&self) {
        let ended = match &mut *self.child.lock().unwrap() {
            Some(child) => child.try_wait().unwrap().is_some(),
            None => true,
        };
        if ended {
            (self.start)();
        }
    }

    /// Starts the program, which ends by itself.
    pub(crate) async fn start_and_end(&self) {
        (self.start)();
        let child = self.child.lock().unwrap().take();
        assert!(!child.unwrap().wait().await.unwrap().success());
    }

    /// The process of the program.
    pub(crate) fn id(&self) -> u32 {
        self.child.lock().unwrap().as_ref().unwrap().id().unwrap()
    }

    /// The peak of the memory of the program, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// All that it wrote, as text.
    pub(crate) fn logged(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }
}

/// The program itself; or, as `cargo xtask lambda` wants it, what was built of it for another processor, under what runs that
/// here.
fn command(binary: &FilePath) -> Command {
    let name = binary.file_name().unwrap();
    let folder = std::env::var_os("SIGCACHE_FUNCTIONS").map(|folder| FilePath::new(&folder).join(name));
    let program = folder.map_or(binary.to_owned(), |folder| folder.join("bootstrap"));
    let Ok(runner) = std::env::var("SIGCACHE_RUNNER") else { return Command::new(program) };
    let mut words = runner.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg(program);
    command
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let Some(Invocation { event, time, answer }) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = format!("{:032x}", std::ptr::from_ref(&answer) as usize as u128 + nanos());
    api.open.lock().unwrap().insert(id.clone(), answer);
    let deadline = (SystemTime::now() + time).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis().to_string();
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event).into_response()
}

fn nanos() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos()
}

async fn response(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    api.end(&id, Ok(serde_json::from_slice(&body).unwrap()))
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    api.end(&id, Err(serde_json::from_slice(&body).unwrap()))
}

async fn init_error(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    *api.failed_init.lock().unwrap() = serde_json::from_slice(&body).ok();
    StatusCode::ACCEPTED
}

impl Api {
    fn end(&self, id: &str, answer: Result<Value, Value>) -> StatusCode {
        let waiting = self.open.lock().unwrap().remove(id);
        waiting.map_or(StatusCode::NOT_FOUND, |waiting| {
            let _ = waiting.send(answer);
            StatusCode::ACCEPTED
        })
    }
}
