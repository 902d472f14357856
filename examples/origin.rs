//! An origin on loopback that serves signed documents, and misbehaves when told to.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use sigcache_core::Digest;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A running origin. It stops when it is dropped.
pub struct Origin {
    /// Where it listens.
    pub address: SocketAddr,
    site: Arc<Site>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Site {
    files: Mutex<HashMap<String, File>>,
    /// How many requests came so far.
    asked: watch::Sender<usize>,
    /// No answer begins before so many came.
    gate: Mutex<usize>,
}

#[derive(Clone)]
struct File {
    body: Bytes,
    pace: Pace,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Usual,
    /// A byte at a time, and never the last one.
    Slow,
}

impl Origin {
    /// Starts one on a port that is free.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let site: Arc<Site> = Arc::default();
        let served = site.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                // A client that goes away in the middle is its own affair.
                tokio::spawn(async move { answer(stream, &served).await });
            }
        });
        Ok(Self { address, site, task })
    }

    /// Serves `content` at `/name` from now on.
    pub fn put(&self, name: &str, content: impl Into<Bytes>) {
        self.serve(name, content.into(), Pace::Usual);
    }

    /// Serves `content` at `/name` from now on, a byte at a time, and never the last one.
    pub fn put_slow(&self, name: &str, content: impl Into<Bytes>) {
        self.serve(name, content.into(), Pace::Slow);
    }

    /// Answers nothing more until `requests` more of them are waiting: who asks one after the other gets no answer.
    pub fn gate(&self, requests: usize) {
        *lock(&self.site.gate) = *self.site.asked.borrow() + requests;
    }

    fn serve(&self, name: &str, body: Bytes, pace: Pace) {
        lock(&self.site.files).insert(format!("/{name}"), File { body, pace });
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(stream: TcpStream, site: &Site) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    // More than 16 KiB of headers is nobody that we know.
    let mut lines = BufReader::new(read.take(16 * 1024)).lines();
    let request = lines.next_line().await?.unwrap_or_default();
    let mut known = None;
    while let Some(line) = lines.next_line().await?.filter(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("if-none-match")
        {
            known = Some(value.trim().to_owned());
        }
    }
    let gate = *lock(&site.gate);
    let mut asked = site.asked.subscribe();
    site.asked.send_modify(|asked| *asked += 1);
    // The sender is part of the site, so there is no error.
    let _ = asked.wait_for(|asked| *asked >= gate).await;

    let path = request.split(' ').nth(1).unwrap_or_default();
    let file = lock(&site.files).get(path).cloned();
    let pace = file.as_ref().map_or(Pace::Usual, |file| file.pace);
    let (status, etag, body) = match file {
        None => ("404 Not Found", String::new(), Bytes::new()),
        Some(File { body, .. }) => {
            let etag = format!("\"{}\"", &Digest::of(&body).hex()[..16]);
            let same = known.as_deref() == Some(&*etag);
            if same { ("304 Not Modified", etag, Bytes::new()) } else { ("200 OK", etag, body) }
        }
    };
    let tag = if etag.is_empty() { String::new() } else { format!("ETag: {etag}\r\n") };
    let head = format!("HTTP/1.1 {status}\r\n{tag}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    write.write_all(head.as_bytes()).await?;
    if pace == Pace::Slow && !body.is_empty() {
        for byte in &body[..body.len() - 1] {
            write.write_all(&[*byte]).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        return Ok(());
    }
    write.write_all(&body).await?;
    write.shutdown().await
}
