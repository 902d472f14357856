//! The whole chain: buckets, topics and the control plane of an emulator, and the real programs as functions.

use std::{
    path::PathBuf,
    process::Command,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use serde_json::{Value, json};
use sigcache_core::{Timestamp, store::CloudSettings};
use sigcache_lambda::update::{Log, Record};
use tokio::net::TcpListener;
use url::Url;

use crate::{front::Front, lambda::Lambda, program, servers::Server, sign::Key};

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) front: Front,
    pub(crate) names: Value,
    pub(crate) endpoint: Arc<Lambda>,
    pub(crate) update: Arc<Lambda>,
    pub(crate) key: Key,
    /// What the topic has posted, as the events that Lambda would make of it.
    pub(crate) events: Arc<Mutex<Vec<Value>>>,
    pub(crate) answers: Arc<tokio::sync::Mutex<tokio::sync::mpsc::UnboundedReceiver<Result<Value, Value>>>>,
    pub(crate) sources: Sources,
    /// Whether the topic reaches the function: the emulator delivers whatever policies say.
    pub(crate) delivers: Arc<AtomicBool>,
}

/// Where the endpoint function fetches from.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) url: Url,
    files: Arc<Mutex<std::collections::BTreeMap<String, Vec<u8>>>>,
}

impl Sources {
    async fn start() -> Self {
        let files: Arc<Mutex<std::collections::BTreeMap<String, Vec<u8>>>> = Arc::default();
        let shared = files.clone();
        let serve = move |uri: axum::http::Uri| {
            let shared = shared.clone();
            async move {
                let found = shared.lock().unwrap().get(uri.path()).cloned();
                match found {
                    // It never comes.
                    Some(bytes) if bytes == b"hang" => std::future::pending().await,
                    Some(bytes) => Ok(bytes),
                    None => Err(axum::http::StatusCode::NOT_FOUND),
                }
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().fallback(serve);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, files }
    }

    /// Serves `bytes` as `name`, signed with `key`.
    pub(crate) fn offer(&self, name: &str, bytes: &[u8], key: &Key) {
        let mut files = self.files.lock().unwrap();
        files.insert(format!("/{name}"), bytes.to_vec());
        files.insert(format!("/{name}.minisig"), key.minisign(bytes, 1_795_000_000).into_bytes());
    }

    /// The server takes the request for `name` and never answers.
    pub(crate) fn hang(&self, name: &str) {
        self.files.lock().unwrap().insert(format!("/{name}"), b"hang".to_vec());
    }
}

impl World {
    /// A world in which everything is well; nothing where there is no emulator.
    pub(crate) async fn new() -> Option<Self> {
        Self::with(&[]).await
    }

    /// The same, where the update function has these variables too.
    pub(crate) async fn with(variables: &[(&str, &str)]) -> Option<Self> {
        Self::made(variables, &[]).await
    }

    /// The same, where the endpoint function has these variables too.
    pub(crate) async fn of_endpoint(variables: &[(&str, &str)]) -> Option<Self> {
        Self::made(&[], variables).await
    }

    async fn made(for_update: &[(&str, &str)], for_endpoint: &[(&str, &str)]) -> Option<Self> {
        let server = tokio::task::spawn_blocking(Server::moto).await.unwrap()?;
        let front = Front::before(server.endpoint.clone()).await;
        let bridge = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", bridge.local_addr().unwrap());
        let (answered, answers) = tokio::sync::mpsc::unbounded_channel();
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let delivers = Arc::new(AtomicBool::new(true));
        let hop = Hop { update: Arc::default(), events: events.clone(), answered, delivers: delivers.clone() };
        let behind = hop.update.clone();
        let router = Router::new().route("/", post(hop_over)).with_state(hop);
        // Before the chain is set up: the bucket tells its topic so, and waits until that is told.
        tokio::spawn(async move { axum::serve(bridge, router).await });
        let names = set_up(server.endpoint.as_str(), &address).await;
        let (key, sources) = (Key::new(7), Sources::start().await);

        let mut environment = server.environment.clone();
        let mut set = |name: &str, value: String| environment.push((name.to_owned(), value));
        set("AWS_ENDPOINT_URL", front.endpoint.to_string());
        set("AWS_ALLOW_HTTP", "true".to_owned());
        let name = |key: &str| names[key].as_str().unwrap().to_owned();
        let config = format!(
            "[store]\nurl = \"s3://store\"\n[defaults]\nallow_private = true\ntries = 1\n[keys.k]\nline = \"{}\"\n\
             [[resource]]\nname = \"a\"\nurls = [\"{url}a\"]\nverify = {{ format = \"minisign\", keys = [\"k\"] }}\n\
             [[resource]]\nname = \"b\"\nurls = [\"{url}b\"]\nverify = {{ format = \"minisign\", keys = [\"k\"] }}\n\
             [serve]\ntoken = \"env:TOKEN\"\n[[alert]]\nsns = \"{}\"\n",
            key.public(),
            name("alert_topic"),
            url = sources.url,
        );
        let mut of_endpoint = environment.clone();
        of_endpoint.push(("SIGCACHE_CONFIG_TEXT".to_owned(), config));
        of_endpoint.push(("TOKEN".to_owned(), TOKEN.to_owned()));
        let mut of_update = environment;
        for (variable, value) in [
            ("SIGCACHE_UPLOADS", "s3://uploads".to_owned()),
            ("SIGCACHE_RELEASES", "s3://releases".to_owned()),
            ("SIGCACHE_RELEASE_KEYS", key.public()),
            ("SIGCACHE_FUNCTION", name("endpoint_function")),
            ("SIGCACHE_ALIAS", name("alias")),
            ("SIGCACHE_RESULT_TOPIC", name("result_topic")),
        ] {
            of_update.push((variable.to_owned(), value));
        }
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        of_update.extend(for_update.iter().map(owned));
        of_endpoint.extend(for_endpoint.iter().map(owned));
        let endpoint = Arc::new(Lambda::new(program("sigcache-endpoint"), "sigcache-endpoint", &of_endpoint).await);
        let update = Arc::new(Lambda::new(program("sigcache-update"), "sigcache-update", &of_update).await);
        front.runs(endpoint.clone());
        let _ = behind.set(update.clone());
        let answers = Arc::new(tokio::sync::Mutex::new(answers));
        Some(Self { server, front, names, endpoint, update, key, events, answers, sources, delivers })
    }

    pub(crate) fn name(&self, key: &str) -> String {
        self.names[key].as_str().unwrap().to_owned()
    }

    /// A bucket, on the way that nothing fails on.
    pub(crate) fn bucket(&self, name: &str) -> Arc<dyn ObjectStore> {
        let mut settings = CloudSettings::default();
        settings.endpoint = Some(self.server.endpoint.clone());
        let url = Url::parse(&format!("s3://{name}")).unwrap();
        sigcache_core::store::open_objects(&url, &settings, &self.server.environment).unwrap()
    }

    /// Uploads `artifact` and before it its signature; the topic then posts to the function.
    pub(crate) async fn upload(&self, key: &str, artifact: &[u8], time: u64) {
        self.upload_signed(key, artifact, &self.key.minisign(artifact, time)).await;
    }

    pub(crate) async fn upload_signed(&self, key: &str, artifact: &[u8], signature: &str) {
        let bucket = self.bucket("uploads");
        let put = |key: String, bytes: Vec<u8>| {
            let bucket = bucket.clone();
            async move { bucket.put(&Path::parse(key).unwrap(), bytes.into()).await.unwrap() }
        };
        put(format!("{key}.minisig"), signature.as_bytes().to_vec()).await;
        put(key.to_owned(), artifact.to_vec()).await;
    }

    /// The next answer of the update function to what the topic posted.
    pub(crate) async fn answered(&self) -> Result<Value, Value> {
        let mut answers = self.answers.lock().await;
        tokio::time::timeout(Duration::from_secs(60), answers.recv()).await.expect("an answer in time").unwrap()
    }

    /// The newest record about `key`.
    pub(crate) async fn record(&self, key: &str) -> Record {
        let log = Log::new(self.bucket("releases"));
        log.about(key, Timestamp::from_millis(0)).await.unwrap().pop().expect("a record")
    }

    /// The version for which the alias stands, and how it shares its calls.
    pub(crate) async fn alias(&self) -> (String, Value) {
        let path = "/2015-03-31/functions/sigcache-endpoint/aliases/live";
        let answer = self.ask("lambda", "GET", path, "").await;
        (answer["FunctionVersion"].as_str().unwrap().to_owned(), answer["RoutingConfig"].clone())
    }

    /// A call to the emulator itself.
    pub(crate) async fn ask(&self, service: &str, method: &str, path: &str, body: &str) -> Value {
        let url = format!("{}{path}", self.server.endpoint.as_str().trim_end_matches('/'));
        let scope = format!("AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, Signature=x");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.request(method.parse().unwrap(), url).header("authorization", scope);
        if body.starts_with("Action=") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let request = request.body(body.to_owned());
        let answer = request.send().await.unwrap();
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    /// What the topic of results has told so far, taken from its queue.
    pub(crate) async fn results(&self) -> Vec<String> {
        let url = Url::parse(&self.name("results_queue")).unwrap();
        let body = format!("Action=ReceiveMessage&Version=2012-11-05&MaxNumberOfMessages=10&QueueUrl={url}");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, Signature=x";
        let request = client.post(self.server.endpoint.clone()).header("authorization", scope);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let text = request.send().await.unwrap().text().await.unwrap();
        let root = sigcache_core::aws::Node::parse(text.as_bytes()).unwrap();
        root.all("Body").iter().map(|body| body.text.clone()).collect()
    }
}

pub(crate) const TOKEN: &str = "a-token-that-is-long-enough";

#[derive(Clone)]
struct Hop {
    update: Arc<OnceLock<Arc<Lambda>>>,
    events: Arc<Mutex<Vec<Value>>>,
    answered: tokio::sync::mpsc::UnboundedSender<Result<Value, Value>>,
    delivers: Arc<AtomicBool>,
}

/// The last hop, as Lambda does it: the message of the topic becomes a record of an event.
async fn hop_over(State(hop): State<Hop>, body: Bytes) {
    if !hop.delivers.load(Ordering::SeqCst) {
        return;
    }
    let message: Value = serde_json::from_slice(&body).unwrap();
    let event = json!({"Records": [{"EventVersion": "1.0", "EventSource": "aws:sns", "Sns": message}]});
    // What is told when the notification is set up goes this way too, and needs no answer here.
    let is_test = message["Message"].as_str().unwrap_or_default().contains("s3:TestEvent");
    hop.events.lock().unwrap().push(event.clone());
    let Some(update) = hop.update.get().cloned().filter(|_| !is_test) else { return };
    tokio::spawn(async move {
        let answer = update.invoke(&event).await;
        let _ = hop.answered.send(answer);
    });
}

async fn set_up(endpoint: &str, bridge: &str) -> Value {
    let server = crate::servers::find("moto_server").unwrap();
    let python = std::fs::canonicalize(server).unwrap().with_file_name("python");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sigcache-lambda/tests/aws/setup.py");
    let mut command = Command::new(python);
    command.arg(script).args([endpoint, bridge]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
