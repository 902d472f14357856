//! The listener, with clients that are slow, many, or never read.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use futures_util::stream;
use sigcache_http::{Connections, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

/// Longer than anything here takes that goes as it should.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than the buffers of two sockets take.
const LARGE: usize = 64 << 20;

struct Server {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Server {
    async fn start(change: impl FnOnce(&mut Connections)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connections = Connections::default();
        change(&mut connections);
        let large = || async {
            let piece = Bytes::from(vec![0; 1 << 20]);
            let pieces = std::iter::repeat_n(piece, LARGE >> 20).map(Ok::<_, std::io::Error>);
            Body::from_stream(stream::iter(pieces))
        };
        let router = Router::new().route("/", get(|| async { "well\n" })).route("/large", get(large));
        let (end, told) = oneshot::channel::<()>();
        let ended = tokio::spawn(serve(listener, router, connections, async {
            let _ = told.await;
        }));
        Self { address, end, ended }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) {
        let _ = self.end.send(());
        tokio::time::timeout(PATIENCE, self.ended).await.expect("it ends").unwrap();
    }
}

/// Everything that comes until the connection ends, which it must.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let read = async {
        let mut piece = vec![0; 1 << 16];
        // A reset is an end too.
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            all.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the connection ends");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_finish_its_headers_is_cut_off() {
    let server = Server::start(|connections| connections.headers = Duration::from_millis(300)).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let mut silent = server.connect().await;
    // Nobody waits for them.
    let mut quick = server.connect().await;
    quick.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut quick).await.ends_with(b"well\n"));
    assert!(!rest(&mut slow).await.starts_with(b"HTTP/1.1 200"));
    rest(&mut silent).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let server = Server::start(|connections| connections.stalled = Duration::from_millis(500)).await;
    let mut stalled = server.connect().await;
    stalled.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    // The answer has begun; before that the connection would be idle, and closed at once.
    stalled.readable().await.unwrap();
    // It is not the sender of the end: that waits for the connection, which therefore was cut off.
    let (address, end) = (server.address, server.end);
    end.send(()).unwrap();
    tokio::time::timeout(PATIENCE, server.ended)
        .await
        .expect("it does not wait for a client that reads nothing")
        .unwrap();
    let got = rest(&mut stalled).await;
    assert!(got.starts_with(b"HTTP/1.1 200") && got.len() < LARGE, "{} bytes", got.len());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_gets_everything() {
    let server = Server::start(|connections| connections.stalled = Duration::from_secs(2)).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let (mut got, mut piece) = (0, vec![0; 8 << 20]);
    loop {
        match slow.read(&mut piece).await.unwrap() {
            0 => break,
            count => got += count,
        }
        tokio::task::yield_now().await;
    }
    assert!(got > LARGE);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_allowed_wait_their_turn() {
    let server = Server::start(|connections| {
        connections.most = 2;
        connections.headers = Duration::from_secs(60);
    })
    .await;
    let (first, second, mut third) = (server.connect().await, server.connect().await, server.connect().await);
    third.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut one = [0; 1];
    let early = tokio::time::timeout(Duration::from_millis(300), third.peek(&mut one)).await;
    assert!(early.is_err(), "the third is served while two are open");
    drop(first);
    assert!(rest(&mut third).await.ends_with(b"well\n"));
    drop(second);
    server.stop().await;
}
