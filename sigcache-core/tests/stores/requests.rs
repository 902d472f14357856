//! What is said in the requests to a bucket, as a server sees it that only listens.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use sigcache_core::{
    Report, RunId,
    conformance::{at, block_on},
    store::{CloudSettings, Encryption, Store as _, open_cloud},
};

/// A server that answers everything with success, and the heads of the requests that came.
fn listener() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (endpoint, heads) =
        (format!("http://{}", listener.local_addr().unwrap()), Arc::<Mutex<Vec<String>>>::default());
    let seen = heads.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut lines = BufReader::new(client);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                lines.read_line(&mut line).unwrap();
                let line = line.trim_end().to_ascii_lowercase();
                if let Some(size) = line.strip_prefix("content-length: ") {
                    length = size.parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
                head += &line;
                head.push('\n');
            }
            std::io::copy(&mut lines.by_ref().take(length), &mut std::io::sink()).unwrap();
            seen.lock().unwrap().push(head);
            let answer = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            lines.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (endpoint, heads)
}

#[test]
fn encryption_is_asked_for_as_the_configuration_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let environment = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name.to_owned(), "test".to_owned()));
    let kms = |key: Option<&str>| Some(Encryption::Kms(key.map(str::to_owned)));
    let algorithm = "x-amz-server-side-encryption: ";
    let key = "x-amz-server-side-encryption-aws-kms-key-id: ";
    for (encryption, expected, not) in [
        (None, vec![], vec![algorithm, key]),
        (Some(Encryption::S3), vec![format!("{algorithm}aes256")], vec![key]),
        (kms(None), vec![format!("{algorithm}aws:kms")], vec![key]),
        (kms(Some("a-key")), vec![format!("{algorithm}aws:kms"), format!("{key}a-key")], vec![]),
    ] {
        let (endpoint, heads) = listener();
        let mut settings = CloudSettings::default();
        (settings.endpoint, settings.encryption) = (Some(endpoint.parse().unwrap()), encryption.clone());
        let bucket = open_cloud(&"s3://bucket/root".parse().unwrap(), &settings, &environment).unwrap();
        let mut report = Report::new("sync", RunId::new(at(0), 1), at(0), "1/1", Vec::new());
        block_on(bucket.record(&mut report)).unwrap();
        let heads = heads.lock().unwrap();
        let [head] = heads.as_slice() else { panic!("{heads:#?}") };
        assert!(head.starts_with("put /bucket/root/runs/"), "{head}");
        for line in expected {
            assert!(head.lines().any(|found| found == line), "{encryption:?}: {head}");
        }
        for begin in not {
            assert!(!head.lines().any(|found| found.starts_with(begin)), "{encryption:?}: {head}");
        }
    }
}
