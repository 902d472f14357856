//! What a publisher has: documents, keys, signatures. All of it in a folder that goes away with the test.

use std::{
    cell::RefCell,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::nginx::{self, Nginx};

pub(crate) struct Site {
    folder: TempDir,
    /// What `publisher` signed, each with its signature. Nothing else may ever be in a store.
    signed: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
    /// Goes up with every file that is written: nginx makes entity tags from whole seconds and the length.
    clock: RefCell<SystemTime>,
}

impl Site {
    /// None, said loudly, where nginx or openssl is missing; on a build server that is a failure.
    pub(crate) fn new() -> Option<Self> {
        let openssl = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
        for (program, found) in [("openssl", openssl), ("nginx", nginx::program().is_some())] {
            if !found {
                assert!(std::env::var_os("CI").is_none(), "{program} is not installed");
                skipped(&format!("{program} is not installed, so this test tested nothing"));
                return None;
            }
        }
        let site = Self {
            folder: tempfile::tempdir().unwrap(),
            signed: RefCell::default(),
            clock: RefCell::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
        };
        fs::create_dir(site.path("www")).unwrap();
        site.make_key("publisher");
        Some(site)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A key pair: `NAME.key.pem` and `NAME.pub.pem`.
    pub(crate) fn make_key(&self, name: &str) {
        self.openssl(&format!("ecparam -name prime256v1 -genkey -noout -out {name}.key.pem"));
        self.openssl(&format!("pkey -in {name}.key.pem -pubout -out {name}.pub.pem"));
    }

    /// A signed document, as the publisher puts it out.
    pub(crate) fn publish(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.put(name, bytes);
        self.sign(name, "publisher");
        self.signed.borrow_mut().push((bytes.to_vec(), self.read(&format!("{name}.sig"))));
    }

    /// A signed document of so many zeros, which takes no room on the disk.
    pub(crate) fn publish_zeros(&self, name: &str, length: u64) {
        let path = self.path("www").join(name);
        File::create(&path).unwrap().set_len(length).unwrap();
        self.touch(&path);
        self.sign(name, "publisher");
    }

    /// A file as it is, signed by nobody.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path("www").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        self.touch(&path);
    }

    /// Signs the file as it is now with any key.
    pub(crate) fn sign(&self, name: &str, key: &str) {
        self.openssl(&format!("dgst -sha256 -sign {key}.key.pem -out www/{name}.sig www/{name}"));
        self.touch(&self.path("www").join(format!("{name}.sig")));
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path("www").join(name)).unwrap()
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path("www").join(name)).unwrap();
    }

    /// Serves the site over HTTP; `directives` stand in the `server` block.
    pub(crate) fn serve(&self, directives: &str) -> Nginx {
        Nginx::start(self.folder.path(), "http", directives)
    }

    /// Serves the site over HTTPS, with the certificate `NAME.pem`.
    pub(crate) fn serve_tls(&self, certificate: &str, directives: &str) -> Nginx {
        Nginx::start(self.folder.path(), "https", &format!("{}\n{directives}", self.tls(certificate)))
    }

    /// The same over HTTP/2.
    pub(crate) fn serve_http2(&self, certificate: &str, directives: &str) -> Nginx {
        Nginx::start(self.folder.path(), "h2", &format!("{}\n{directives}", self.tls(certificate)))
    }

    fn tls(&self, certificate: &str) -> String {
        let path = self.path(certificate);
        format!("ssl_certificate {0}.pem; ssl_certificate_key {0}.key;", path.display())
    }

    /// A private authority, `ca.pem`.
    pub(crate) fn make_authority(&self) {
        self.new_key("ca");
        self.openssl("req -x509 -new -key ca.key -out ca.pem -days 30 -subj /CN=authority");
        let config = "[ca]\ndefault_ca = it\n[it]\ndatabase = index.txt\nrand_serial = yes\nnew_certs_dir = .\n\
            default_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = supplied\n";
        fs::write(self.path("ca.conf"), config).unwrap();
        fs::write(self.path("index.txt"), "").unwrap();
    }

    /// A certificate of the authority for `names` (`IP:127.0.0.1`, `DNS:other.example`) until `end` (`YYMMDDHHMMSSZ`).
    pub(crate) fn make_certificate(&self, file: &str, names: &str, end: &str) {
        self.new_key(file);
        self.openssl(&format!("req -new -key {file}.key -out {file}.csr -subj /CN={file}"));
        fs::write(self.path("ca.ext"), format!("subjectAltName = {names}\n")).unwrap();
        self.openssl(&format!(
            "ca -batch -notext -config ca.conf -cert ca.pem -keyfile ca.key -extfile ca.ext -startdate 200101000000Z \
             -enddate {end} -in {file}.csr -out {file}.pem"
        ));
    }

    fn new_key(&self, file: &str) {
        self.openssl(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {file}.key"));
    }

    /// The signatures that the publisher made for exactly these bytes; none if it never signed them.
    pub(crate) fn signatures(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let signed = self.signed.borrow();
        signed.iter().filter(|(document, _)| document == bytes).map(|(_, signature)| signature.clone()).collect()
    }

    fn openssl(&self, command: &str) {
        let run = Command::new("openssl").args(command.split_whitespace()).current_dir(self.folder.path()).output();
        let output = run.unwrap();
        assert!(output.status.success(), "openssl {command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn touch(&self, path: &Path) {
        let mut clock = self.clock.borrow_mut();
        *clock += Duration::from_secs(1);
        File::options().write(true).open(path).unwrap().set_modified(*clock).unwrap();
    }
}

/// Said past the capture of the test runner, which shows nothing of tests that pass.
pub(super) fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
