//! As much of the XML API of Google Cloud Storage, and of S3, as a store asks for, in this process.
//!
//! No emulator of Google's is usable here, and none of S3's can take an object that does not fit into memory. It is a fake
//! by the same hands as what it tests, so it shows that our requests are what we mean, not that Google would take them.
//! Source: <https://cloud.google.com/storage/docs/xml-api/reference-headers>.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use url::Url;

const MODIFIED: &str = "Tue, 24 Nov 2026 12:00:00 GMT";

/// What is kept of what is uploaded in parts.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Keep {
    #[default]
    Bytes,
    /// Its length alone.
    Length,
}

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    length: usize,
    generation: u64,
    content_type: String,
}

#[derive(Default)]
struct Bucket {
    keep: Keep,
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    generation: u64,
}

#[derive(Default)]
struct Upload {
    key: String,
    parts: BTreeMap<u32, Vec<u8>>,
    length: usize,
}

/// The fake. It lives until the process ends.
pub(crate) struct Fake {
    /// Where it listens.
    pub(crate) endpoint: Url,
    bucket: Arc<Mutex<Bucket>>,
}

struct Request {
    method: String,
    key: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    fn xml(body: String) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into_bytes() }
    }

    fn of(object: &Object) -> Self {
        let headers = vec![
            ("ETag", tag(object.generation)),
            ("x-goog-generation", object.generation.to_string()),
            ("Last-Modified", MODIFIED.to_owned()),
            ("Content-Type", object.content_type.clone()),
        ];
        Self { status: 200, headers, body: object.bytes.clone() }
    }
}

fn tag(generation: u64) -> String {
    format!("\"{generation:x}\"")
}

impl Fake {
    /// Starts it on loopback.
    pub(crate) fn start(keep: Keep) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let bucket = Arc::new(Mutex::new(Bucket { keep, ..Bucket::default() }));
        let shared = bucket.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let bucket = shared.clone();
                thread::spawn(move || serve(client, &bucket).is_ok());
            }
        });
        Self { endpoint, bucket }
    }

    /// The length of each object.
    pub(crate) fn lengths(&self) -> BTreeMap<String, usize> {
        let bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.objects.iter().map(|(key, object)| (key.clone(), object.length)).collect()
    }
}

/// One request on one connection.
fn serve(mut client: TcpStream, bucket: &Mutex<Bucket>) -> io::Result<()> {
    let Some(request) = read(&client)? else { return Ok(()) };
    let answer = bucket.lock().unwrap_or_else(PoisonError::into_inner).answer(&request);
    write!(client, "HTTP/1.1 {} Answer\r\nConnection: close\r\n", answer.status)?;
    for (name, value) in &answer.headers {
        write!(client, "{name}: {value}\r\n")?;
    }
    write!(client, "Content-Length: {}\r\n\r\n", answer.body.len())?;
    if request.method != "HEAD" {
        client.write_all(&answer.body)?;
    }
    Ok(())
}

fn read(client: &TcpStream) -> io::Result<Option<Request>> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header =
        |line: &String| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers: BTreeMap<String, String> = lines[1..].iter().filter_map(header).collect();
    let mut first = lines[0].split(' ');
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let url = Url::parse(&format!("http://gcs{target}")).map_err(io::Error::other)?;
    let (_, key) = url.path()[1..].split_once('/').unwrap_or_default();
    let mut body = vec![0; headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let query = url.query_pairs().into_owned().collect();
    Ok(Some(Request { method: method.to_owned(), key: decoded(key), query, headers, body }))
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Bucket {
    fn answer(&mut self, request: &Request) -> Answer {
        let upload = request.query.get("uploadId");
        match (request.method.as_str(), upload) {
            ("GET", _) if request.key.is_empty() => self.list(&request.query),
            ("GET" | "HEAD", _) => self.get(request),
            ("PUT", Some(upload)) => self.put_part(upload, request),
            ("PUT", None) => self.put(request),
            ("POST", Some(upload)) => self.complete(upload),
            ("POST", None) => self.begin(request),
            ("DELETE", Some(upload)) => Answer::empty(if self.uploads.remove(upload).is_some() { 204 } else { 404 }),
            ("DELETE", None) => Answer::empty(if self.objects.remove(&request.key).is_some() { 204 } else { 404 }),
            _ => Answer::empty(405),
        }
    }

    fn store(&mut self, key: &str, bytes: Vec<u8>, length: usize, content_type: &str) -> Answer {
        self.generation += 1;
        let object = Object { bytes, length, generation: self.generation, content_type: content_type.to_owned() };
        let answer = Answer { body: Vec::new(), ..Answer::of(&object) };
        self.objects.insert(key.to_owned(), object);
        answer
    }

    fn put(&mut self, request: &Request) -> Answer {
        let here = self.objects.get(&request.key).map_or(0, |object| object.generation);
        let expected = request.headers.get("x-goog-if-generation-match");
        let absent = request.headers.get("if-none-match").is_some_and(|tags| tags == "*");
        if expected.is_some_and(|expected| *expected != here.to_string()) || (absent && here != 0) {
            return Answer::empty(412);
        }
        let Some(source) = request.headers.get("x-goog-copy-source") else {
            let content_type = request.headers.get("content-type").map_or("", String::as_str);
            return self.store(&request.key, request.body.clone(), request.body.len(), content_type);
        };
        let (_, source) = source.split_once('/').unwrap_or_default();
        match self.objects.get(&decoded(source)).cloned() {
            Some(object) => self.store(&request.key, object.bytes, object.length, &object.content_type),
            None => Answer::empty(404),
        }
    }

    fn get(&self, request: &Request) -> Answer {
        let Some(object) = self.objects.get(&request.key) else { return Answer::empty(404) };
        if request.headers.get("if-none-match").is_some_and(|tags| *tags == tag(object.generation)) {
            return Answer::empty(304);
        }
        Answer::of(object)
    }

    fn list(&self, query: &BTreeMap<String, String>) -> Answer {
        let prefix = query.get("prefix").map_or("", String::as_str);
        let (mut keys, mut folders) = (Vec::new(), Vec::new());
        for (key, object) in self.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
            match key[prefix.len()..].split_once('/').filter(|_| query.contains_key("delimiter")) {
                Some((folder, _)) => folders.push(format!("{prefix}{folder}/")),
                None => keys.push((key, object)),
            }
        }
        folders.dedup();
        let mut xml = "<ListBucketResult>".to_owned();
        for (key, object) in keys {
            let (key, size, tag) = (escaped(key), object.length, tag(object.generation));
            let modified = "2026-11-24T12:00:00.000Z";
            xml += &format!(
                "<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>{modified}</LastModified><ETag>{tag}</ETag></Contents>"
            );
        }
        for folder in folders {
            xml += &format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escaped(&folder));
        }
        Answer::xml(xml + "</ListBucketResult>")
    }

    fn begin(&mut self, request: &Request) -> Answer {
        self.generation += 1;
        let id = format!("upload-{}", self.generation);
        self.uploads.insert(id.clone(), Upload { key: request.key.clone(), ..Upload::default() });
        Answer::xml(format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"))
    }

    fn put_part(&mut self, upload: &str, request: &Request) -> Answer {
        let number = request.query.get("partNumber").and_then(|number| number.parse().ok());
        let (Some(upload), Some(number)) = (self.uploads.get_mut(upload), number) else { return Answer::empty(404) };
        if self.keep == Keep::Bytes {
            upload.parts.insert(number, request.body.clone());
        }
        upload.length += request.body.len();
        Answer { headers: vec![("ETag", tag(number.into()))], ..Answer::empty(200) }
    }

    fn complete(&mut self, upload: &str) -> Answer {
        let Some(upload) = self.uploads.remove(upload) else { return Answer::empty(404) };
        let bytes = upload.parts.into_values().flatten().collect();
        let answer = self.store(&upload.key, bytes, upload.length, "");
        let xml = "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>";
        Answer { body: xml.into(), ..answer }
    }
}
