//! A web server in front of a folder, which says what time it is for it and can be told what to refuse.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    thread,
};

/// The server. It lives until the process ends.
pub struct Web {
    /// Where it listens.
    pub url: String,
}

/// What it answers to some paths in place of the file.
pub type Refusals = &'static [(&'static str, &'static str)];

impl Web {
    /// Serves what is below `folder`, with this `Date`; `refusals` are paths with their status line, to which headers may
    /// be added.
    pub fn serve(folder: PathBuf, date: &'static str, refusals: Refusals) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let folder = folder.clone();
                // Whoever asks sees a broken connection.
                thread::spawn(move || answer(client, &folder, date, refusals));
            }
        });
        Self { url }
    }
}

fn answer(mut client: TcpStream, folder: &std::path::Path, date: &str, refusals: Refusals) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte)? > 0 {
        head.push(byte[0]);
        // No HTTP begins so, but TLS does.
        if head == [0x16] {
            return client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let refused = refusals.iter().find(|(refused, _)| *refused == path).map(|(_, status)| *status);
    let (status, body) = match (refused, fs::read(folder.join(&path[1..]))) {
        (Some(status), _) => (status, Vec::new()),
        (None, Ok(body)) => ("200 OK", body),
        (None, Err(_)) => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    write!(client, "HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    client.write_all(&body)
}
