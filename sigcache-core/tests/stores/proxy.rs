//! A proxy in front of a server that can lose a request, an answer, or half of one; and that writes down what is asked.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use url::Url;

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection breaks; the server never hears of it.
    Lost,
    /// This status is the answer; the server never hears of it.
    Refused(u16),
    /// The server carries it out; then the connection breaks before its answer.
    AnswerLost,
    /// The server carries it out; this status is the answer.
    AnsweredWrong(u16),
    /// The server carries it out; the connection breaks in the middle of its answer.
    AnswerCut,
}

impl Fault {
    /// One of each kind, with statuses that S3 documents for a contended and a broken server.
    pub(crate) const KINDS: [Self; 5] =
        [Self::Lost, Self::Refused(409), Self::AnswerLost, Self::AnsweredWrong(500), Self::AnswerCut];

    /// The other statuses, for the longer command.
    pub(crate) const OTHERS: [Self; 4] =
        [Self::Refused(500), Self::Refused(503), Self::AnsweredWrong(409), Self::AnsweredWrong(503)];

    fn reaches_the_server(self) -> bool {
        !matches!(self, Self::Lost | Self::Refused(_))
    }
}

#[derive(Default)]
struct Plan {
    seen: Vec<String>,
    fault: Option<(usize, Fault)>,
    /// Every request that begins so fails, from now on.
    always: Option<(&'static str, Fault)>,
    /// Conditions are taken away from requests, from now on.
    unconditional: bool,
}

/// The proxy. It lives until the process ends; nobody asks it any more when its test has ended.
pub(crate) struct Proxy {
    /// Where it listens, with the path of the server's own endpoint.
    pub(crate) endpoint: Url,
    plan: Arc<Mutex<Plan>>,
}

impl Proxy {
    /// Listens in front of `server`. Conditional writes pass one at a time: moto looks whether an object is there, and
    /// then writes it, without a lock between the two.
    pub(crate) fn before(server: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut endpoint = server.clone();
        endpoint.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let upstream = (server.host_str().unwrap().to_owned(), server.port().unwrap());
        let (plan, creates) = (Arc::new(Mutex::new(Plan::default())), Arc::new(Mutex::new(())));
        let shared = plan.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, plan, creates) = (upstream.clone(), shared.clone(), creates.clone());
                // Whoever asks sees the broken connection.
                thread::spawn(move || pass(client, &upstream, &plan, &creates).is_ok());
            }
        });
        Self { endpoint, plan }
    }

    /// Counts from 0 again, with nothing to fail.
    pub(crate) fn rearm(&self) {
        *lock(&self.plan) = Plan::default();
    }

    /// Counts from 0 again; request `number` fails, and if it is repeated, that does not.
    pub(crate) fn fail(&self, number: usize, fault: Fault) {
        *lock(&self.plan) = Plan { fault: Some((number, fault)), ..Plan::default() };
    }

    /// Counts from 0 again; every request whose line begins with `kind` fails.
    pub(crate) fn fail_always(&self, kind: &'static str, fault: Fault) {
        *lock(&self.plan) = Plan { always: Some((kind, fault)), ..Plan::default() };
    }

    /// Counts from 0 again; the server becomes one that does not know conditional writes, and overwrites.
    pub(crate) fn ignore_conditions(&self) {
        *lock(&self.plan) = Plan { unconditional: true, ..Plan::default() };
    }

    /// The requests since it was last armed: method and target.
    pub(crate) fn seen(&self) -> Vec<String> {
        lock(&self.plan).seen.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request on one connection: what is asked next comes on another.
fn pass(client: TcpStream, upstream: &(String, u16), plan: &Mutex<Plan>, creates: &Mutex<()>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut length, mut conditional) = (String::new(), 0, false);
    loop {
        let start = head.len();
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
        let line = head[start..].trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        match line.split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().map_err(io::Error::other)?,
            Some(("transfer-encoding", _)) => return Err(io::Error::other("a body without a length")),
            Some(("if-none-match", "*" | " *")) if lock(plan).unconditional => head.truncate(start),
            Some(("if-none-match", "*" | " *")) => conditional = true,
            Some(("connection", _)) => head.truncate(start),
            _ => {}
        }
    }
    head.truncate(head.len() - 2);
    head.push_str("Connection: close\r\n\r\n");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let fault = meet(plan, head.lines().next().unwrap_or_default());
    let answer = if fault.is_none_or(Fault::reaches_the_server) {
        let _one_at_a_time = conditional.then(|| lock(creates));
        let mut server = TcpStream::connect(upstream)?;
        server.write_all(head.as_bytes())?;
        server.write_all(&body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        answer
    } else {
        Vec::new()
    };
    let mut client = client;
    match fault {
        None => client.write_all(&answer)?,
        Some(Fault::Lost | Fault::AnswerLost) => {}
        Some(Fault::AnswerCut) => client.write_all(&answer[..answer.len().saturating_sub(1).max(answer.len() / 2)])?,
        Some(Fault::Refused(status) | Fault::AnsweredWrong(status)) => {
            write!(client, "HTTP/1.1 {status} Fault\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        }
    }
    client.shutdown(Shutdown::Both)
}

/// Writes the request down and says how it fails.
fn meet(plan: &Mutex<Plan>, line: &str) -> Option<Fault> {
    let mut plan = lock(plan);
    let number = plan.seen.len();
    plan.seen.push(line.trim_end_matches(" HTTP/1.1").to_owned());
    let once = plan.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
    once.or(plan.always.filter(|(kind, _)| line.starts_with(kind)).map(|(_, fault)| fault))
}
