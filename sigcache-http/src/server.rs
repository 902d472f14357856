//! A listener that bears with slow, many and hostile clients.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_io_timeout::TimeoutStream;

/// What the listener allows its clients.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Connections {
    /// So many at once; further ones wait until one of these ends.
    pub most: usize,
    /// The headers of a request must be there within this time, also that of the next one on a connection.
    pub headers: Duration,
    /// A client that takes nothing of its answer for so long is cut off.
    pub stalled: Duration,
    /// Requests that are under way at the end may take so long.
    pub drain: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { most: 1024, headers: seconds(15), stalled: seconds(30), drain: seconds(30) }
    }
}

/// The line and the headers of a request have at most so many bytes; more is answered with 431.
const LARGEST_HEAD: usize = 16 * 1024;

/// Serves `router` on `listener` until `end`, then lets what is under way come to its end.
pub async fn serve(listener: TcpListener, router: Router, connections: Connections, end: impl Future<Output = ()>) {
    let permits = Arc::new(Semaphore::new(connections.most));
    let graceful = GracefulShutdown::new();
    let mut end = pin!(end);
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let permit = permits.clone().acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut end => break,
            accepted = accepted => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                refused(&error).await;
                continue;
            }
        };
        // Without it, it is only slower.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(connections.stalled));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(connections.headers)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection was cut off");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(connections.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that did not come to their end in time were cut off");
    }
}

/// A connection could not be taken. Where the process has no room for more, a short pause lets others end.
async fn refused(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "no further connection can be taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
