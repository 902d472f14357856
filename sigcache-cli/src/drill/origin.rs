//! The origin of the twins: a server on loopback, in this process, that misbehaves as it is told.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use sigcache_core::hex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// Longer requests are none of ours.
const LONGEST_REQUEST: usize = 64 * 1024;

/// So many zeros come after the end of what must end. A fetch that has no limit ends all the same, with other bytes.
const ENDLESS_BYTES: usize = 256 * 1024;

/// Between two bytes of what drips.
const DRIP: Duration = Duration::from_millis(10);

/// So long it keeps a connection on which nothing comes. Limits that are tried are far below; a fetch without one is not
/// held up for ever, and ends in another way.
const GIVES_UP: Duration = Duration::from_secs(5);

/// What the origin answers to a request for one path.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// These bytes, as they should be.
    Whole(Bytes),
    /// This status and nothing else.
    Status(u16),
    /// A redirect to there.
    Redirect(String),
    /// These bytes, said to be compressed.
    Encoded(Bytes),
    /// Something that is not HTTP.
    Garbage,
    /// The announcement of so many bytes, of which none comes.
    Announced(u64),
    /// These bytes but for the last one, which is announced too.
    Cut(Bytes),
    /// These bytes without an announcement, and then more.
    Endless(Bytes),
    /// Nothing, though the connection stays.
    Silent,
    /// These bytes but for the last one, and then nothing, though the connection stays.
    Stalled(Bytes),
    /// The same a byte at a time.
    Dripping(Bytes),
}

/// What is answered, by path; all else is 404.
pub(crate) type Site = BTreeMap<String, Answer>;

/// The header by which the origin knows whom it is there for.
pub(crate) const PASS: &str = "x-sigcache-test";

/// A server; it ends when it is dropped. It answers who knows its secret: anybody on this machine can call it, and not all
/// documents are for anybody.
pub(crate) struct Origin {
    address: SocketAddr,
    secret: String,
    site: Arc<Mutex<Site>>,
    serving: JoinHandle<()>,
}

impl Origin {
    pub(crate) async fn start() -> Result<Self> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).context("the system gave no random numbers")?;
        let secret = hex(&secret);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on loopback")?;
        let address = listener.local_addr()?;
        let site = Arc::new(Mutex::new(Site::new()));
        let (shared, pass) = (site.clone(), Arc::<str>::from(format!("{PASS}: {secret}\r\n")));
        let serving = tokio::spawn(async move {
            // Dropped with this task, and its connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (site, pass) = (shared.clone(), pass.clone());
                connections.spawn(async move {
                    // A client that has gone away is what most of these answers are for.
                    let _ = serve(stream, &site, &pass).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, secret, site, serving })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// From now on it answers so.
    pub(crate) fn set(&self, site: Site) {
        *self.site.lock().unwrap_or_else(PoisonError::into_inner) = site;
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One request and its answer; the connection is not used again, so that no twin sees what another one left.
async fn serve(mut stream: TcpStream, site: &Mutex<Site>, pass: &str) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 || request.len() > LONGEST_REQUEST {
            return Ok(());
        }
    }
    if !String::from_utf8_lossy(&request).contains(pass) {
        return send(&mut stream, Answer::Status(403)).await;
    }
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let path = String::from_utf8_lossy(line).split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = site.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
    send(&mut stream, answer.unwrap_or(Answer::Status(404))).await?;
    stream.shutdown().await
}

async fn send(stream: &mut TcpStream, answer: Answer) -> io::Result<()> {
    let ok = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\nconnection: close\r\n\r\n").into_bytes();
    let sized = |length: u64| ok(&format!("content-length: {length}"));
    match answer {
        Answer::Whole(bytes) => {
            stream.write_all(&sized(bytes.len() as u64)).await?;
            stream.write_all(&bytes).await
        }
        Answer::Status(status) => {
            let head = format!("HTTP/1.1 {status} so\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await
        }
        Answer::Redirect(to) => {
            let head = format!("HTTP/1.1 302 so\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await
        }
        Answer::Encoded(bytes) => {
            stream.write_all(&ok(&format!("content-encoding: gzip\r\ncontent-length: {}", bytes.len()))).await?;
            stream.write_all(&bytes).await
        }
        Answer::Garbage => stream.write_all(b"220 ready when you are\r\n").await,
        Answer::Announced(length) => stream.write_all(&sized(length)).await,
        Answer::Cut(bytes) => {
            stream.write_all(&sized(bytes.len() as u64)).await?;
            stream.write_all(without_last(&bytes)).await
        }
        Answer::Endless(bytes) => {
            stream.write_all(&ok("transfer-encoding: chunked")).await?;
            chunk(stream, &bytes).await?;
            chunk(stream, &vec![0; ENDLESS_BYTES]).await?;
            stream.write_all(b"0\r\n\r\n").await
        }
        Answer::Silent => {
            tokio::time::sleep(GIVES_UP).await;
            Ok(())
        }
        Answer::Stalled(bytes) => {
            stream.write_all(&sized(bytes.len() as u64)).await?;
            stream.write_all(without_last(&bytes)).await?;
            tokio::time::sleep(GIVES_UP).await;
            Ok(())
        }
        Answer::Dripping(bytes) => {
            stream.set_nodelay(true)?;
            stream.write_all(&sized(bytes.len() as u64)).await?;
            for byte in without_last(&bytes) {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(DRIP).await;
            }
            tokio::time::sleep(GIVES_UP).await;
            Ok(())
        }
    }
}

fn without_last(bytes: &[u8]) -> &[u8] {
    bytes.split_last().map_or(bytes, |(_, rest)| rest)
}

async fn chunk(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(()); // an empty chunk would be the last one
    }
    stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
    stream.write_all(bytes).await?;
    stream.write_all(b"\r\n").await
}
