//! A server for the faults that nginx cannot be made to have. It answers byte for byte what a test says.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
};

pub(crate) struct Raw {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Raw {
    /// Gives every connection to `answer`, with the path that it asks for, in a thread of its own.
    pub(crate) fn serve(answer: impl Fn(&str, TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let (answer, end) = (Arc::new(answer), ended.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let answer = answer.clone();
                thread::spawn(move || connection(stream, &*answer));
            }
        });
        Self { address, ended }
    }

    /// Answers the document `name` with `answer`, everything else as a well-behaved server does from `files`.
    pub(crate) fn only(
        name: &'static str,
        files: Vec<(&'static str, Vec<u8>)>,
        answer: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> Self {
        Self::serve(move |path, mut stream| {
            head(&mut stream);
            if path == format!("/{name}") {
                return answer(stream);
            }
            // What the other side does not want any more need not arrive.
            let _ = match files.iter().find(|(name, _)| path == format!("/{name}")) {
                Some((_, bytes)) => stream.write_all(&whole(bytes)),
                None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            };
        })
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

/// A sound answer.
pub(crate) fn whole(bytes: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
    [head.as_bytes(), bytes].concat()
}

/// Reads the first line only. A socket that is closed with something unread in it is reset, which is how a test that
/// wants that gets it; who does not calls [`head`].
fn connection(mut stream: TcpStream, answer: &(dyn Fn(&str, TcpStream) + Send + Sync)) {
    let line = read_to(&mut stream, b"\r\n");
    if let Some(path) = line.split(' ').nth(1) {
        answer(path, stream);
    }
}

/// Reads the rest of a request, after its first line.
pub(crate) fn head(stream: &mut TcpStream) {
    read_to(stream, b"\r\n\r\n");
}

/// Waits for the other side to hang up.
pub(crate) fn hold(mut stream: TcpStream) {
    while stream.read(&mut [0; 64]).is_ok_and(|bytes| bytes > 0) {}
}

fn read_to(stream: &mut TcpStream, end: &[u8]) -> String {
    let (mut all, mut byte) = (Vec::new(), [0]);
    while !all.ends_with(end) && stream.read(&mut byte).is_ok_and(|bytes| bytes > 0) {
        all.push(byte[0]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// An address at which nobody listens, nor ever will: each call has a host of its own.
pub(crate) fn refused() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(2);
    let host = Ipv4Addr::new(127, 0, 99, NEXT.fetch_add(1, Ordering::SeqCst));
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap()
}
