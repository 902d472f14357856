//! An origin on loopback that serves signed documents, and misbehaves when told to.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use sigcache_core::Digest;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A running origin. It stops when it is dropped.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    files: Arc<Mutex<HashMap<String, Bytes>>>,
    task: JoinHandle<()>,
}

impl Origin {
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let files: Arc<Mutex<HashMap<String, Bytes>>> = Arc::default();
        let served = files.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                // A client that goes away in the middle is its own affair.
                tokio::spawn(async move { answer(stream, &served).await });
            }
        });
        Ok(Self { address, files, task })
    }

    /// Serves `content` at `/name` from now on.
    pub(crate) fn put(&self, name: &str, content: impl Into<Bytes>) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("/{name}"), content.into());
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(stream: TcpStream, files: &Mutex<HashMap<String, Bytes>>) -> io::Result<()> {
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
    let path = request.split(' ').nth(1).unwrap_or_default();
    let file = files.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
    let (status, etag, body) = match file {
        None => ("404 Not Found", String::new(), Bytes::new()),
        Some(body) => {
            let etag = format!("\"{}\"", &Digest::of(&body).hex()[..16]);
            let same = known.as_deref() == Some(&*etag);
            if same { ("304 Not Modified", etag, Bytes::new()) } else { ("200 OK", etag, body) }
        }
    };
    let tag = if etag.is_empty() { String::new() } else { format!("ETag: {etag}\r\n") };
    let head = format!("HTTP/1.1 {status}\r\n{tag}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    write.write_all(head.as_bytes()).await?;
    write.write_all(&body).await?;
    write.shutdown().await
}
