//! Servers that speak as the clouds do, on loopback, at a port that the system chose, and stopped with the test.

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use object_store::{
    azure::{AzureAccessKey, AzureAuthorizer, AzureCredential},
    client::{HttpRequest, HttpRequestBody},
};
use sigcache_core::store::{Bucket, CloudSettings, open_cloud};
use url::Url;

/// The account that Azurite has, and its key, which everybody knows.
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A server that holds one bucket, named `bucket`.
pub(crate) struct Server {
    /// Stops it in the end.
    _process: Option<Process>,
    /// Where it listens.
    pub(crate) endpoint: Url,
    scheme: &'static str,
    /// Who may write.
    pub(crate) environment: Vec<(String, String)>,
}

impl Server {
    /// S3 by moto; nothing where that is not installed.
    pub(crate) fn moto() -> Option<Self> {
        let mut command = Command::new(find("moto_server")?);
        // Python keeps back what it prints into a pipe.
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("PYTHONUNBUFFERED", "1");
        // S3 itself takes no part below 5 MiB but the last.
        command.env("S3_UPLOAD_PART_MIN_SIZE", "256");
        let (process, endpoint) = Process::start(&mut command, "Running on ");
        let answer = ask(&endpoint, "PUT /bucket HTTP/1.1\r\n");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let environment =
            [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")];
        Some(Self::new(Some(process), endpoint, "s3", &environment))
    }

    /// S3 by the server at `SIGCACHE_S3`, whose bucket is named `bucket` and whose keys are in `AWS_…`; for the longer
    /// command. Nothing where that is one to be refused.
    pub(crate) fn another() -> Option<Self> {
        Self::whatever().filter(|_| env::var_os("SIGCACHE_S3_HOSTILE").is_none())
    }

    /// The same of one that is to be refused, and of no other.
    pub(crate) fn hostile() -> Option<Self> {
        Self::whatever().filter(|_| env::var_os("SIGCACHE_S3_HOSTILE").is_some())
    }

    /// The same of either.
    pub(crate) fn whatever() -> Option<Self> {
        let endpoint: Url = env::var("SIGCACHE_S3").ok()?.parse().unwrap();
        let environment: Vec<(String, String)> = env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect();
        Some(Self { _process: None, endpoint, scheme: "s3", environment })
    }

    /// Azure by Azurite; nothing where that is not installed.
    pub(crate) fn azurite() -> Option<Self> {
        let mut command = Command::new(find("azurite-blob")?);
        command.args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"]);
        command.args(["--skipApiVersionCheck", "--disableTelemetry"]);
        let (process, root) = Process::start(&mut command, "successfully listens on ");
        let endpoint = root.join(ACCOUNT).unwrap();
        create_container(&endpoint);
        let environment = [("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT), ("AZURE_STORAGE_ACCOUNT_KEY", ACCOUNT_KEY)];
        Some(Self::new(Some(process), endpoint, "az", &environment))
    }

    /// Google Cloud Storage by the fake that is at `endpoint`.
    pub(crate) fn gcs(endpoint: Url) -> Self {
        let key = format!(
            r#"{{"gcs_base_url":"{}","disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}}"#,
            endpoint.as_str().trim_end_matches('/')
        );
        Self::new(None, endpoint, "gs", &[("GOOGLE_SERVICE_ACCOUNT_KEY", &key)])
    }

    fn new(process: Option<Process>, endpoint: Url, scheme: &'static str, environment: &[(&str, &str)]) -> Self {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { _process: process, endpoint, scheme, environment }
    }

    /// The URL of what is below `root` in the bucket.
    pub(crate) fn url(&self, root: &str) -> Url {
        format!("{}://bucket/{root}", self.scheme).parse().unwrap()
    }

    /// What is below `root` in the bucket.
    pub(crate) fn open(&self, root: &str) -> Bucket {
        self.open_at(root, &self.endpoint)
    }

    /// The same, on the way over another address.
    pub(crate) fn open_at(&self, root: &str, endpoint: &Url) -> Bucket {
        let mut settings = CloudSettings::default();
        settings.endpoint = Some(endpoint.clone());
        open_cloud(&self.url(root), &settings, &self.environment).unwrap()
    }
}

/// `object_store` creates no containers.
fn create_container(endpoint: &Url) {
    let credential = AzureCredential::AccessKey(AzureAccessKey::try_new(ACCOUNT_KEY).unwrap());
    let uri = format!("{endpoint}/bucket?restype=container");
    let mut request: HttpRequest = http::Request::put(&uri).body(HttpRequestBody::empty()).unwrap();
    request.headers_mut().insert("content-length", 0.into());
    AzureAuthorizer::new(&credential, ACCOUNT).try_authorize(&mut request).unwrap();
    let mut head = format!("PUT {} HTTP/1.1\r\n", request.uri().path_and_query().unwrap());
    for (name, value) in request.headers().iter().filter(|(name, _)| *name != "content-length") {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    let answer = ask(endpoint, &head);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// One request without a body, and the answer to it.
fn ask(server: &Url, head: &str) -> String {
    let (host, port) = (server.host_str().unwrap(), server.port().unwrap());
    let mut connection = TcpStream::connect((host, port)).unwrap();
    write!(connection, "{head}Host: {host}:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// Where a program lies: among those that `cargo xtask test` installs, or on the path. Without it a test is skipped, but
/// not in CI.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        assert!(env::var_os("CI").is_none(), "{program} is not installed");
        eprintln!("SKIPPED: {program} is not installed; `cargo xtask test` installs it");
    }
    found
}

/// A program that is stopped when the test ends, however it ends.
struct Process(Child);

impl Process {
    /// Starts it, and waits until it has said where it listens: after `announces`.
    fn start(command: &mut Command, announces: &str) -> (Self, Url) {
        let both = "exec \"$0\" \"$@\" 2>&1";
        let mut shell = Command::new("sh");
        shell.args(["-c", both]).arg(command.get_program()).args(command.get_args());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut process = Self(shell.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
        let mut printed = BufReader::new(process.0.stdout.take().unwrap());
        let mut lines = String::new();
        loop {
            let start = lines.len();
            let read = printed.read_line(&mut lines).unwrap();
            assert!(read > 0, "it ended before it listened:\n{lines}");
            if let Some((_, address)) = lines[start..].split_once(announces) {
                let address = address.trim().parse().unwrap();
                // It must not be stopped by a pipe that nobody reads.
                thread::spawn(move || std::io::copy(&mut printed, &mut std::io::sink()));
                return (process, address);
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
