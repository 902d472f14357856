//! The HTTP fetcher against a real server in the process that says exactly what each test wants it to.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sigcache_core::{
    Reason, Timestamp, Validators,
    fetch::{
        Access, Addresses, FetchError, FetchRequest, Fetched, Fetcher as _, Limits, Meta, Part, Retry, Secret,
        http::HttpFetcher,
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// One thing that the server does with a connection.
#[derive(Clone)]
enum Act {
    Send(Vec<u8>),
    Wait(u64),
    /// The same bytes until the client hangs up, with a pause of so many milliseconds.
    Forever(&'static [u8], u64),
    /// Breaks the connection instead of closing it.
    Reset,
    /// Says nothing until the client hangs up.
    Hang,
    /// Waits for the next request on the same connection.
    Again,
}

fn say(text: impl Into<Vec<u8>>) -> Act {
    Act::Send(text.into())
}

/// A server: the nth request gets the nth script, later ones the last.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<u32>>,
}

impl Server {
    async fn start(scripts: impl IntoIterator<Item = Vec<Act>>) -> Self {
        Self::with(TcpListener::bind("127.0.0.1:0").await.unwrap(), scripts)
    }

    fn with(listener: TcpListener, scripts: impl IntoIterator<Item = Vec<Act>>) -> Self {
        let port = listener.local_addr().unwrap().port();
        let scripts: Arc<Vec<Vec<Act>>> = Arc::new(scripts.into_iter().collect());
        let (requests, connections) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<u32>>::default());
        let (log, count) = (requests.clone(), connections.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                let (scripts, log) = (scripts.clone(), log.clone());
                tokio::spawn(async move { while serve(&mut stream, &scripts, &log).await.is_some() {} });
            }
        });
        Self { port, requests, connections }
    }

    fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request; `None` when the connection is to be closed.
async fn serve(stream: &mut TcpStream, scripts: &[Vec<Act>], log: &Mutex<Vec<String>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // A TLS handshake has no end that could be seen here, and no second byte is needed to answer it.
        head.push(stream.read_u8().await.ok()?);
        if head[0] == 0x16 {
            break;
        }
    }
    let number = {
        let mut log = log.lock().unwrap();
        log.push(String::from_utf8_lossy(&head).to_ascii_lowercase());
        log.len() - 1
    };
    for act in scripts.get(number).or(scripts.last())? {
        match act {
            Act::Send(bytes) => stream.write_all(bytes).await.ok()?,
            Act::Wait(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Act::Forever(bytes, pause) => loop {
                stream.write_all(bytes).await.ok()?;
                tokio::time::sleep(Duration::from_millis(*pause)).await;
            },
            Act::Reset => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                stream.set_zero_linger().unwrap();
                return None;
            }
            Act::Hang => while stream.read_u8().await.is_ok() {},
            Act::Again => return Some(()),
        }
    }
    None
}

/// What a test asks with.
struct Ask {
    url: Url,
    part: Part,
    limits: Limits,
    access: Access,
    validators: Option<Validators>,
}

const NOW: &str = "2026-11-24T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

impl Ask {
    fn new(url: Url) -> Self {
        let mut access = Access::default();
        access.addresses = Addresses::Any;
        Self { url, part: Part::Document, limits: Limits::default(), access, validators: None }
    }

    fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    fn access(mut self, change: impl FnOnce(&mut Access)) -> Self {
        change(&mut self.access);
        self
    }

    fn known(mut self, etag: Option<&str>, last_modified: Option<&str>) -> Self {
        let mut validators = Validators::default();
        validators.etag = etag.map(Arc::from);
        validators.last_modified = last_modified.map(Arc::from);
        self.validators = Some(validators);
        self
    }

    fn companion(mut self) -> Self {
        self.part = Part::Companion;
        self
    }

    async fn headers(&self, fetcher: &HttpFetcher) -> Result<Fetched, FetchError> {
        let access = Arc::new(self.access.clone());
        let mut request = FetchRequest::new(&self.url, &self.limits, &access, now());
        request.part = self.part;
        request.validators = self.validators.as_ref();
        fetcher.fetch(request).await
    }

    /// The whole answer.
    async fn get(&self) -> Result<(Meta, Vec<u8>), FetchError> {
        match self.headers(&HttpFetcher::direct()).await? {
            Fetched::NotModified(meta) => Ok((meta, b"(not modified)".to_vec())),
            Fetched::Body(body) => {
                let meta = body.meta.clone();
                Ok((meta, body.read().await?.to_vec()))
            }
        }
    }

    async fn error(&self) -> FetchError {
        match self.get().await {
            Err(error) => error,
            Ok((meta, body)) => panic!("no error but {meta:?} and {} bytes", body.len()),
        }
    }

    #[track_caller]
    fn refused(&self, error: &FetchError, reason: Reason, retry: Retry) {
        assert_eq!((error.failure().reason, error.retry()), (reason, retry), "{}: {error}", self.url);
    }

    async fn fails(&self, reason: Reason, retry: Retry) -> FetchError {
        let error = self.error().await;
        self.refused(&error, reason, retry);
        error
    }
}

/// Asks a server that does this, once.
async fn ask(script: impl IntoIterator<Item = Act>) -> Ask {
    Ask::new(Server::start([script.into_iter().collect()]).await.url("/file"))
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

fn ok_with(headers: &str) -> Act {
    say(format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n{headers}\r\n\r\nhello"))
}

fn redirect_to(location: impl std::fmt::Display) -> Vec<Act> {
    vec![say(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))]
}

#[tokio::test]
async fn a_document_comes_with_what_the_server_said_about_it() {
    let headers = "ETag: W/\"a b\"\r\nLast-Modified: Tue, 24 Nov 2026 11:00:00 GMT\r\nContent-Type: text/plain";
    let server = Server::start([vec![ok_with(headers)]]).await;
    let (meta, body) = Ask::new(server.url("/file?x=1")).get().await.unwrap();
    assert_eq!(body, b"hello");
    assert_eq!(meta.http_status, Some(200));
    assert_eq!(meta.length, Some(5));
    assert_eq!(meta.validators.etag.as_deref(), Some("W/\"a b\""));
    assert_eq!(meta.validators.last_modified.as_deref(), Some("Tue, 24 Nov 2026 11:00:00 GMT"));
    assert_eq!(meta.content_type.as_deref(), Some("text/plain"));
    let request = server.requests().remove(0);
    assert!(request.starts_with("get /file?x=1 http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\naccept-encoding: identity\r\n"), "{request}");
    assert!(request.contains(concat!("\r\nuser-agent: sigcache/", env!("CARGO_PKG_VERSION"), "\r\n")), "{request}");
    assert!(!request.contains("if-none-match") && !request.contains("referer"), "{request}");
}

#[tokio::test]
async fn headers_that_are_long_or_not_printable_are_not_kept() {
    let long = format!("ETag: \"{}\"\r\nContent-Type: {}", "e".repeat(1023), "t".repeat(201));
    let (meta, _) = ask([ok_with(&long)]).await.get().await.unwrap();
    assert_eq!((meta.validators.etag, meta.content_type), (None, None));
    let (meta, _) = ask([ok_with("ETag: \"\u{e9}\"\r\nContent-Type: a\tb")]).await.get().await.unwrap();
    assert_eq!((meta.validators.etag, meta.content_type), (None, None));
}

#[cfg(feature = "conformance")]
#[tokio::test]
async fn the_fetcher_contract_holds_over_http() {
    use sigcache_core::conformance::fetcher::{Places, fetcher_contract, silence_contract};
    let whole = || vec![ok_with("etag: \"1\"")];
    let unchanged = vec![say("HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\n\r\n")];
    let missing = vec![say("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")];
    // In the order in which the contract asks.
    let server = Server::start([whole(), whole(), unchanged, whole(), missing]).await;
    let places = Places { document: server.url("/file"), bytes: "hello".into(), missing: server.url("/none") };
    let access = || Ask::new(server.url("/")).access;
    fetcher_contract(&HttpFetcher::direct(), &places, access(), now()).await;
    let asked: Vec<(bool, Option<String>)> = server
        .requests()
        .iter()
        .map(|request| {
            let tag = request.lines().find_map(|line| line.strip_prefix("if-none-match: "));
            (request.starts_with("get /file "), tag.map(str::to_owned))
        })
        .collect();
    let tag = |tag: &str| Some(format!("\"{tag}\""));
    assert_eq!(asked, [(true, None), (true, None), (true, tag("1")), (true, tag("another")), (false, None)]);

    let silent = Server::start([vec![Act::Hang]]).await;
    silence_contract(&HttpFetcher::direct(), &silent.url("/"), access(), now()).await;
}

#[tokio::test]
async fn connections_are_kept_open() {
    let server = Server::start([vec![say(OK), Act::Again]]).await;
    let (fetcher, ask) = (HttpFetcher::direct(), Ask::new(server.url("/file")));
    for _ in 0..5 {
        let Fetched::Body(body) = ask.headers(&fetcher).await.unwrap() else { panic!("no body") };
        assert_eq!(body.read().await.unwrap(), "hello");
    }
    assert_eq!((server.requests().len(), *server.connections.lock().unwrap()), (5, 1));
}

#[tokio::test]
async fn nothing_changed_only_where_something_was_known() {
    let answer = || [say("HTTP/1.1 304 Not Modified\r\netag: \"2\"\r\ncache-control: max-age=60\r\n\r\n")];
    let server = Server::start([answer().to_vec()]).await;
    let (meta, body) = Ask::new(server.url("/")).known(Some("\"1\""), Some("then")).get().await.unwrap();
    assert_eq!(body, b"(not modified)");
    assert_eq!(meta.http_status, Some(304));
    assert_eq!(meta.validators.etag.as_deref(), Some("\"1\""), "the tag of the bytes that are here");
    assert_eq!(meta.validators.last_modified.as_deref(), Some("then"));
    assert_eq!(meta.fresh_until, Some(now().plus(Duration::from_secs(60))));
    let request = server.requests().remove(0);
    assert!(request.contains("if-none-match: \"1\"\r\n") && request.contains("if-modified-since: then\r\n"));

    let error = ask(answer()).await.fails(Reason::BadResponse, Retry::No).await;
    assert_eq!(error.http_status(), Some(304));
    ask(answer()).await.known(None, None).fails(Reason::BadResponse, Retry::No).await;
}

#[tokio::test]
async fn each_status_says_whether_to_try_again() {
    let table = [
        ("201 Created", Retry::No),
        ("204 No Content", Retry::No),
        ("206 Partial Content", Retry::No),
        ("300 Multiple Choices", Retry::No),
        ("403 Forbidden", Retry::No),
        ("404 Not Found", Retry::No),
        ("408 Request Timeout", Retry::Yes),
        ("410 Gone", Retry::No),
        ("429 Too Many Requests", Retry::Yes),
        ("500 Internal Server Error", Retry::Yes),
        ("501 Not Implemented", Retry::No),
        ("502 Bad Gateway", Retry::Yes),
        ("503 Service Unavailable", Retry::Yes),
        ("504 Gateway Timeout", Retry::Yes),
    ];
    for (status, retry) in table {
        let ask = ask([say(format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n"))]).await;
        let error = ask.fails(Reason::HttpStatus, retry).await;
        assert_eq!((&*error.failure().expected, &*error.failure().found), ("200", status));
        assert_eq!(error.http_status(), status[..3].parse().ok());
        assert_eq!(error.is_absence(), status.starts_with("404") || status.starts_with("410"));
    }
}

#[tokio::test]
async fn the_server_may_say_when_to_try_again() {
    let table = [
        ("7", Retry::After(Duration::from_secs(7))),
        ("Tue, 24 Nov 2026 12:01:30 GMT", Retry::After(Duration::from_secs(90))),
        ("Tue, 24 Nov 2026 11:00:00 GMT", Retry::After(Duration::ZERO)),
        ("soon", Retry::Yes),
        ("-1", Retry::Yes),
    ];
    for (value, retry) in table {
        let head = format!("HTTP/1.1 503 Service Unavailable\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n");
        ask([say(head)]).await.fails(Reason::HttpStatus, retry).await;
    }
    let head = "HTTP/1.1 404 Not Found\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n";
    ask([say(head)]).await.fails(Reason::HttpStatus, Retry::No).await;
}

#[tokio::test]
async fn a_companion_that_is_not_there_has_a_code_of_its_own() {
    for status in ["404 Not Found", "410 Gone"] {
        let ask = ask([say(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"))]).await.companion();
        assert!(ask.fails(Reason::CompanionMissing, Retry::No).await.is_absence());
    }
    let ask = ask([say("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")]).await.companion();
    ask.fails(Reason::HttpStatus, Retry::No).await;
}

#[tokio::test]
async fn freshness_is_what_the_source_says_and_nothing_is_guessed() {
    let seconds = |seconds| Some(now().plus(Duration::from_secs(seconds)));
    let week = seconds(7 * 24 * 3600);
    let modified = "last-modified: Mon, 24 Nov 2025 12:00:00 GMT";
    let table = [
        ("cache-control: max-age=60", seconds(60)),
        ("cache-control: Max-Age=60, Public", seconds(60)),
        ("cache-control: max-age=60\r\nage: 20", seconds(40)),
        ("cache-control: max-age=60\r\nage: 18446744073709551615", None),
        ("cache-control: max-age=60, s-maxage=30", seconds(30)),
        ("cache-control: max-age=99999999999", week),
        ("expires: Tue, 24 Nov 2026 12:05:00 GMT\r\ndate: Tue, 24 Nov 2026 12:00:00 GMT", seconds(300)),
        ("expires: 0", None),
        ("cache-control: max-age=0", None),
        ("cache-control: no-store, max-age=60", None),
        ("cache-control: No-Store, max-age=60", None),
        ("cache-control: no-store\u{e9}\r\ncache-control: max-age=60", None),
        ("cache-control: no-cache, max-age=60", None),
        ("cache-control: private, max-age=60", None),
        ("cache-control: max-age=60\r\nvary: *", None),
        ("cache-control: immutable", None),
        ("cache-control: public", None),
        (modified, None),
        ("x: y", None),
    ];
    for (headers, fresh_until) in table {
        let (meta, _) = ask([ok_with(headers)]).await.get().await.unwrap();
        assert_eq!(meta.fresh_until, fresh_until, "{headers}");
    }
    let authorized = |access: &mut Access| access.headers.push(("authorization".into(), Secret::new("x")));
    let (meta, _) = ask([ok_with("cache-control: max-age=60")]).await.access(authorized).get().await.unwrap();
    assert_eq!(meta.fresh_until, None, "RFC 9111, section 3.5");
}

#[tokio::test]
async fn the_byte_limit_holds_against_announced_and_endless_bodies() {
    let small = |limits: &mut Limits| (limits.max_size, limits.max_companion) = (1000, 4);
    ask([say("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n"), Act::Hang])
        .await
        .limits(small)
        .fails(Reason::TooLarge, Retry::No)
        .await;
    let endless = || [say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Act::Forever(b"5\r\nhello\r\n", 0)];
    ask(endless()).await.limits(small).fails(Reason::TooLarge, Retry::No).await;
    let nameless = [say("HTTP/1.1 200 OK\r\n\r\n"), Act::Forever(b"hello", 0)];
    ask(nameless).await.limits(small).fails(Reason::TooLarge, Retry::No).await;
    ask([say(OK)]).await.limits(small).companion().fails(Reason::CompanionTooLarge, Retry::No).await;
}

#[tokio::test]
async fn each_limit_of_time_has_its_own_code() {
    let millis = Duration::from_millis;
    let head = || say("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");

    let start = Instant::now();
    let silent = ask([Act::Hang]).await.limits(|limits| limits.first_byte = millis(200));
    silent.fails(Reason::FirstByteTimeout, Retry::Yes).await;
    // The wrong answer takes the 5 seconds for connecting as well; a busy machine may take some of the right one's time.
    assert!(start.elapsed() < millis(4000), "the time for connecting does not count as well");

    let error = ask([head(), Act::Hang]).await.limits(|limits| limits.idle = millis(200)).error().await;
    assert_eq!(
        (error.failure().reason, error.retry(), error.http_status()),
        (Reason::IdleTimeout, Retry::No, Some(200))
    );

    let drip = || [head(), Act::Forever(b"x", 20)];
    let slow = |limits: &mut Limits| (limits.speed_window, limits.least_bytes) = (millis(200), 1000);
    ask(drip()).await.limits(slow).fails(Reason::TooSlow, Retry::No).await;

    let total = |limits: &mut Limits| limits.total = millis(300);
    ask(drip()).await.limits(total).fails(Reason::DeadlineExceeded, Retry::No).await;
    ask([Act::Hang]).await.limits(total).fails(Reason::DeadlineExceeded, Retry::No).await;
    let flood = [say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Act::Forever(b"5\r\nhello\r\n", 1)];
    ask(flood).await.limits(total).fails(Reason::DeadlineExceeded, Retry::No).await;

    // A handshake that nobody answers: there is no connection before TLS stands.
    let mut ask = ask([Act::Hang]).await.limits(|limits| limits.connect = millis(200));
    ask.url.set_scheme("https").unwrap();
    ask.fails(Reason::ConnectTimeout, Retry::Yes).await;
}

#[tokio::test]
async fn limits_without_end_do_not_overflow() {
    let endless = |limits: &mut Limits| {
        for limit in [&mut limits.connect, &mut limits.first_byte, &mut limits.idle, &mut limits.total] {
            *limit = Duration::MAX;
        }
        limits.speed_window = Duration::MAX;
    };
    let pause = [say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"), Act::Wait(50), say("llo")];
    assert_eq!(ask(pause).await.limits(endless).get().await.unwrap().1, b"hello");
}

#[tokio::test]
async fn a_slow_reader_does_not_make_the_server_look_slow() {
    // Far more than a machine holds between a server and its reader, so that the server waits too. Each pause is longer
    // than the idle limit and the window, and each of these is longer than a busy machine stands still.
    let limit = Duration::from_millis(1500);
    let big = vec![b'x'; 32 * 1024 * 1024];
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", big.len());
    let ask = ask([say(head), Act::Send(big)]).await.limits(|limits| {
        limits.max_size = 32 * 1024 * 1024;
        limits.idle = limit;
        (limits.speed_window, limits.least_bytes) = (limit, 5_000_000);
    });
    let Fetched::Body(mut body) = ask.headers(&HttpFetcher::direct()).await.unwrap() else { panic!("no body") };
    let (mut received, mut pauses) = (0, 0);
    while let Some(chunk) = body.next().await {
        received += chunk.unwrap().len();
        if pauses < 2 {
            pauses += 1;
            tokio::time::sleep(limit + Duration::from_millis(100)).await;
        }
    }
    assert_eq!(received, 32 * 1024 * 1024);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_a_body() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let table = [
        ("short", vec![say(head)]),
        ("reset", vec![say(head), Act::Reset]),
        ("no last chunk", vec![say(chunked)]),
        ("bad chunk size", vec![say(chunked), say("zz\r\nhello\r\n")]),
        ("huge chunk size", vec![say(chunked), say("fffffffffffffffff\r\nhello\r\n")]),
    ];
    for (name, script) in table {
        let ask = ask(script).await;
        let error = ask.fails(Reason::TruncatedBody, Retry::Yes).await;
        assert_eq!(error.http_status(), Some(200), "{name}");
        assert!(std::error::Error::source(&error).is_some(), "{name}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_a_bad_response() {
    let table = [
        say(""),
        say("SSH-2.0-OpenSSH_9.9\r\n\r\n"),
        say("HTTP/1.1 abc\r\n\r\n"),
        say("HTTP/1.1 200 OK\r\nbad header\r\n\r\n"),
        say("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"),
        say("HTTP/1.1 200 OK\r\nx-half"),
        Act::Reset,
    ];
    for act in table {
        ask([act]).await.fails(Reason::BadResponse, Retry::Yes).await;
    }
}

#[tokio::test]
async fn an_encoded_body_is_refused() {
    for coding in ["gzip", "identity, gzip", "br"] {
        let error = ask([ok_with(&format!("content-encoding: {coding}"))]).await;
        let error = error.fails(Reason::ContentEncoding, Retry::No).await;
        assert_eq!(&*error.failure().found, coding);
    }
    let (_, body) = ask([ok_with("content-encoding: Identity")]).await.get().await.unwrap();
    assert_eq!(body, b"hello");
}

#[tokio::test]
async fn redirects_are_followed_so_many_times_and_no_more() {
    let server = Server::start([redirect_to("/a"), redirect_to("b?c"), vec![ok_with("etag: \"1\"")]]).await;
    let (meta, body) = Ask::new(server.url("/dir/file")).known(Some("\"0\""), None).get().await.unwrap();
    assert_eq!((&*body, meta.validators.etag.as_deref()), (&b"hello"[..], Some("\"1\"")));
    let requests = server.requests();
    let lines: Vec<&str> = requests.iter().filter_map(|request| request.lines().next()).collect();
    assert_eq!(lines, ["get /dir/file http/1.1", "get /a http/1.1", "get /b?c http/1.1"]);
    assert!(requests.iter().all(|request| request.contains("if-none-match: \"0\"")));

    let loop_of_one = Server::start([redirect_to("/file?secret=hidden")]).await;
    let error = Ask::new(loop_of_one.url("/file")).fails(Reason::TooManyRedirects, Retry::No).await;
    assert_eq!((loop_of_one.requests().len(), error.http_status()), (4, Some(302)));
    assert!(!error.to_string().contains("hidden"), "{error}");
    let none = Ask::new(loop_of_one.url("/file")).limits(|limits| limits.redirects = 0);
    none.fails(Reason::TooManyRedirects, Retry::No).await;
}

#[tokio::test]
async fn a_redirect_must_lead_somewhere_and_not_away_from_http() {
    for location in ["ftp://example.com/file", "file:///etc/passwd", "data:,x", "gopher://127.0.0.1/"] {
        ask(redirect_to(location)).await.fails(Reason::WeakerRedirect, Retry::No).await;
    }
    for location in ["http://", "http://[::1", "https://host:99999/"] {
        ask(redirect_to(location)).await.fails(Reason::BadRedirect, Retry::No).await;
    }
    ask([say("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n")]).await.fails(Reason::BadRedirect, Retry::No).await;
    let error = ask(redirect_to("ftp://user:secret@example.com/?key=secret")).await.error().await;
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn secrets_stay_with_the_origin_that_they_are_for() {
    let token = |access: &mut Access| access.headers.push(("X-Token".into(), Secret::new("abc")));
    let other = Server::start([vec![say(OK)]]).await;
    let home = Server::start([redirect_to("/second"), redirect_to(other.url("/third"))]).await;
    let mut ask = Ask::new(home.url("/first")).access(token);
    ask.url.set_username("user").unwrap();
    ask.url.set_password(Some("pass")).unwrap();
    assert_eq!(ask.get().await.unwrap().1, b"hello");
    for request in home.requests() {
        assert!(request.contains("x-token: abc\r\n"), "{request}");
        assert!(request.contains("authorization: basic "), "{request}");
    }
    assert_eq!((home.requests().len(), other.requests().len()), (2, 1));
    let request = other.requests().remove(0);
    assert!(!request.contains("x-token") && !request.contains("authorization"), "{request}");

    // There and back again: who was in between chose where to go back to.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home_port = listener.local_addr().unwrap().port();
    let away = Server::start([redirect_to(format!("http://127.0.0.1:{home_port}/admin"))]).await;
    let home = Server::with(listener, [redirect_to(away.url("/")), vec![say(OK)]]);
    assert_eq!(Ask::new(home.url("/")).access(token).get().await.unwrap().1, b"hello");
    let sent: Vec<bool> = home.requests().iter().map(|request| request.contains("x-token")).collect();
    assert_eq!(sent, [true, false]);

    // The name is another origin than the address that it leads to.
    let target = Server::start([vec![say(OK)]]).await;
    let named = Server::start([redirect_to(format!("http://localhost:{}/x", target.port))]).await;
    assert_eq!(Ask::new(named.url("/")).access(token).get().await.unwrap().1, b"hello");
    assert!(!target.requests().remove(0).contains("x-token"));
}

#[tokio::test]
async fn redirects_and_names_do_not_reach_private_addresses() {
    let public = |access: &mut Access| access.addresses = Addresses::Public;
    let server = Server::start([vec![say(OK)]]).await;
    let port = server.port;
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"] {
        let url = format!("http://{host}:{port}/").parse().unwrap();
        let error = Ask::new(url).access(public).fails(Reason::PrivateAddress, Retry::No).await;
        assert_eq!(error.failure().step(), sigcache_core::Step::Resolve);
    }
    assert!(server.requests().is_empty() && *server.connections.lock().unwrap() == 0);
    let url = format!("http://localhost:{port}/").parse().unwrap();
    assert_eq!(Ask::new(url).get().await.unwrap().1, b"hello");
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_told_by_its_step() {
    // At an address of its own, where no other test can take the port in between.
    let free = TcpListener::bind("127.0.98.1:0").await.unwrap().local_addr().unwrap().port();
    for scheme in ["http", "https"] {
        let closed = Ask::new(format!("{scheme}://127.0.98.1:{free}/").parse().unwrap());
        let error = closed.fails(Reason::ConnectionRefused, Retry::Yes).await;
        assert!(std::error::Error::source(&error).is_some());
    }
    let nowhere = Ask::new("http://user:hidden@name.invalid/?token=hidden".parse().unwrap());
    let error = nowhere.fails(Reason::HostNotFound, Retry::Yes).await;
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        assert!(!format!("{error} {error:?}").contains("hidden"), "{error:?}");
        cause = error.source();
    }
    Ask::new("ftp://127.0.0.1/".parse().unwrap()).fails(Reason::UnsupportedScheme, Retry::No).await;

    for answer in [say("HTTP/1.1 400 Bad Request\r\n\r\n"), Act::Reset] {
        let mut plain = ask([answer]).await;
        plain.url.set_scheme("https").unwrap();
        plain.fails(Reason::TlsFailed, Retry::Yes).await;
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_named() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (pem, found) in [("", "no certificate"), ("hello", "no certificate"), (broken, "a broken certificate")] {
        let ask = ask([say(OK)]).await.access(|access| access.extra_ca.push(pem.into()));
        let error = ask.fails(Reason::TlsFailed, Retry::No).await;
        assert_eq!(&*error.failure().found, found);
        assert!(error.failure().expected.contains("extra_ca 1"), "{error}");
    }
    let ask = ask([say(OK)]).await.access(|access| access.client = Some(Secret::new("hidden")));
    let error = ask.fails(Reason::TlsFailed, Retry::No).await;
    assert!(error.to_string().contains("client certificate") && !format!("{error:?}").contains("hidden"), "{error:?}");
}

#[tokio::test]
async fn a_header_that_http_cannot_carry_is_an_error_and_is_not_shown() {
    let ask = ask([say(OK)]).await.access(|access| access.headers.push(("x".into(), Secret::new("hid\nden"))));
    let error = ask.error().await;
    assert_eq!(error.failure().step(), sigcache_core::Step::Config);
    assert!(!format!("{error:?}").contains("den"), "{error:?}");
}

/// Set in a test that was started by itself.
const CHILD: &str = "SIGCACHE_TEST_CHILD";

/// What the parent told, in a test that runs as the child of itself.
fn told() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// The environment belongs to the process, so a test that needs another one runs itself again, and is told `what`.
async fn again(name: &'static str, what: impl ToString, proxies: &[(&str, String)]) {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child.args(["--exact", name]).envs(proxies.iter().cloned()).env(CHILD, what.to_string());
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
}

/// Asks through the proxies of the environment.
async fn ask_around(url: impl AsRef<str>, addresses: Addresses) -> Result<String, FetchError> {
    let ask = Ask::new(url.as_ref().parse().unwrap()).access(|access| access.addresses = addresses);
    match ask.headers(&HttpFetcher::new()).await? {
        Fetched::Body(body) => Ok(String::from_utf8(body.read().await?.to_vec()).unwrap()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_proxy_may_be_on_a_private_address_and_a_resource_on_the_same_host_may_not() {
    if let Some(port) = told() {
        assert_eq!(ask_around("http://upstream.invalid/file", Addresses::Public).await.unwrap(), "hello");
        for host in ["localhost", "127.0.0.1"] {
            let error = ask_around(format!("http://{host}:{port}/"), Addresses::Public).await.unwrap_err();
            assert_eq!(error.failure().reason, Reason::PrivateAddress, "{host}");
        }
        return;
    }
    let proxy = Server::start([vec![say(OK)]]).await;
    let name = "a_proxy_may_be_on_a_private_address_and_a_resource_on_the_same_host_may_not";
    again(name, proxy.port, &[("HTTP_PROXY", format!("http://localhost:{}", proxy.port))]).await;
    let requests = proxy.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0].starts_with("get http://upstream.invalid/file http/1.1"), "{requests:?}");
}

/// A proxy stands between, so that the first answer comes from an allowed name.
#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    if let Some(port) = told() {
        // The last one is resolved here, as no proxy is in between.
        for host in ["127.0.0.1", "[::1]", "169.254.169.254", "localhost"] {
            let error = ask_around(format!("http://upstream.invalid/{host}"), Addresses::Public).await.unwrap_err();
            assert_eq!(error.failure().reason, Reason::PrivateAddress, "{host}: {error}");
            assert_eq!(&*error.failure().expected, format!("a public address for {host}:{port}"));
        }
        return;
    }
    let target = Server::start([vec![say(OK)]]).await;
    let to = |host: &str| redirect_to(format!("http://{host}:{}/", target.port));
    let proxy = Server::start(["127.0.0.1", "[::1]", "169.254.169.254", "localhost"].map(to)).await;
    let proxies = [("HTTP_PROXY", format!("http://127.0.0.1:{}", proxy.port)), ("NO_PROXY", "localhost".to_owned())];
    again("a_redirect_to_a_private_address_is_refused", target.port, &proxies).await;
    let requests = proxy.requests();
    assert!(requests.iter().all(|request| request.starts_with("get http://upstream.invalid/")), "{requests:?}");
    assert_eq!((requests.len(), *target.connections.lock().unwrap()), (4, 0));
}

#[tokio::test]
async fn no_proxy_names_what_is_asked_directly() {
    if let Some(port) = told() {
        assert_eq!(ask_around(format!("http://127.0.0.1:{port}/"), Addresses::Any).await.unwrap(), "hello");
        return;
    }
    let direct = Server::start([vec![say(OK)]]).await;
    let proxy = Server::start([vec![say("HTTP/1.1 502 Bad Gateway\r\n\r\n")]]).await;
    let proxies = [
        ("ALL_PROXY", format!("http://localhost:{}", proxy.port)),
        ("NO_PROXY", "other.invalid, 127.0.0.1".to_owned()),
    ];
    again("no_proxy_names_what_is_asked_directly", direct.port, &proxies).await;
    assert_eq!((direct.requests().len(), proxy.requests().len()), (1, 0));
}

#[tokio::test]
async fn faults_of_a_proxy_are_not_told_as_faults_of_the_source() {
    if let Some(refusing) = told() {
        let table = [
            (
                "http://upstream.invalid/",
                Reason::HostNotFound,
                "an address for proxy.invalid:3128, the proxy of the environment for upstream.invalid".to_owned(),
            ),
            (
                "https://upstream.invalid/",
                Reason::ConnectionRefused,
                format!("a connection to upstream.invalid, through {refusing}, the proxy of the environment"),
            ),
            ("http://direct.invalid/", Reason::HostNotFound, "an address for direct.invalid".to_owned()),
        ];
        for (url, reason, expected) in table {
            let error = ask_around(url, Addresses::Public).await.unwrap_err();
            assert_eq!((error.failure().reason, &*error.failure().expected), (reason, &*expected));
            assert!(!format!("{error} {error:?}").contains("hidden"), "{error:?}");
        }
        assert!(!format!("{:?}", HttpFetcher::new()).contains("hidden"));
        return;
    }
    let refusing = TcpListener::bind("127.0.98.2:0").await.unwrap().local_addr().unwrap();
    let proxies = [
        ("HTTP_PROXY", "http://user:hidden@proxy.invalid:3128".to_owned()),
        ("HTTPS_PROXY", format!("http://user:hidden@{refusing}")),
        ("NO_PROXY", "direct.invalid".to_owned()),
    ];
    again("faults_of_a_proxy_are_not_told_as_faults_of_the_source", refusing, &proxies).await;
}

/// How a tunnel works is tested with a real TLS server behind it; this is how it fails.
#[tokio::test]
async fn a_tunnel_that_fails_names_the_proxy() {
    if let Some(proxy) = told() {
        let fails = async |reason, expected: &str| {
            let error = ask_around("https://upstream.invalid/", Addresses::Public).await.unwrap_err();
            let through = format!("{expected}, through {proxy}, the proxy of the environment");
            assert_eq!((error.failure().reason, &*error.failure().expected), (reason, &*through), "{error}");
        };
        fails(Reason::ConnectFailed, "a connection to upstream.invalid").await;
        fails(Reason::ConnectFailed, "a connection to upstream.invalid").await;
        fails(Reason::TlsFailed, "a TLS connection to upstream.invalid").await;
        return;
    }
    let proxy = Server::start([
        vec![say("HTTP/1.1 403 Forbidden\r\n\r\n")],
        vec![say("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")],
        vec![say("HTTP/1.1 200 Connection established\r\n\r\n"), Act::Again],
        vec![say("not TLS at all")],
    ])
    .await;
    let address = format!("127.0.0.1:{}", proxy.port);
    let proxies = [("HTTPS_PROXY", format!("http://{address}"))];
    again("a_tunnel_that_fails_names_the_proxy", address, &proxies).await;
    let requests = proxy.requests();
    assert_eq!(requests.len(), 4);
    let tunnels = requests[..3].iter().all(|request| request.starts_with("connect upstream.invalid:443 http/1.1\r\n"));
    assert!(tunnels && requests[3].starts_with('\u{16}'), "{requests:?}");
}
