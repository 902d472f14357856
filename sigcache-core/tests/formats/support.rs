//! What the tests of all formats need.

use std::{fs, path::PathBuf, process::Command};

use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};
use sigcache_core::{
    Evidence, Failure, KeyId, Name, Reason, Timestamp,
    trust::{PublicKey, Trust, TrustedKey},
    verify::{Check, Context, Finding, Verifier, VerifyError},
};

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tools").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).unwrap()
}

/// What the tools signed.
pub(crate) fn document() -> Vec<u8> {
    fixture("document")
}

/// Trust in these key files, under the ids `k1`, `k2` …
pub(crate) fn trust(files: &[&[u8]], threshold: usize) -> Trust {
    let key = |(index, file): (usize, &&[u8])| {
        TrustedKey::new(KeyId::new(&format!("k{}", index + 1)), PublicKey::parse(file).unwrap())
    };
    Trust::new(files.iter().enumerate().map(key).collect(), threshold).unwrap()
}

/// A document on its way to a verifier.
pub(crate) struct Case<'a> {
    pub(crate) verifier: &'a dyn Verifier,
    pub(crate) trust: &'a Trust,
    pub(crate) name: &'a str,
    pub(crate) identity: Option<&'a str>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(verifier: &'a dyn Verifier, trust: &'a Trust) -> Self {
        Self { verifier, trust, name: "some/folder/document", identity: None }
    }

    pub(crate) fn named(self, name: &'a str) -> Self {
        Self { name, ..self }
    }

    pub(crate) fn identity(self, identity: &'a str) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// What is found, which must not depend on how the document is cut.
    pub(crate) fn find(&self, companions: &[Option<&[u8]>], document: &[u8]) -> Result<Finding, Failure> {
        let whole = self.in_chunks(companions, document, usize::MAX);
        for size in [1, 3, 64, 1000] {
            assert_eq!(self.in_chunks(companions, document, size), whole, "in chunks of {size}");
        }
        whole
    }

    /// The same in one piece, for what is large.
    pub(crate) fn find_at_once(&self, companions: &[Option<&[u8]>], document: &[u8]) -> Result<Finding, Failure> {
        self.in_chunks(companions, document, usize::MAX)
    }

    fn in_chunks(&self, companions: &[Option<&[u8]>], document: &[u8], size: usize) -> Result<Finding, Failure> {
        let name = Name::new(self.name).unwrap();
        let companions: Vec<Option<Bytes>> = companions.iter().map(|file| file.map(Bytes::copy_from_slice)).collect();
        let context = Context::new(&name, Timestamp::from_millis(0), self.trust, &companions);
        let run = || {
            let mut check = Check::begin(self.verifier, context.with_identity(self.identity))?;
            for chunk in document.chunks(size) {
                check.update(chunk)?;
            }
            check.finish()
        };
        run().map_err(VerifyError::into_failure)
    }

    #[track_caller]
    pub(crate) fn good(&self, companion: &[u8], document: &[u8]) -> Evidence {
        let found = self.find(&[Some(companion)], document);
        found.unwrap_or_else(|failure| panic!("refused: {failure}")).evidence
    }

    #[track_caller]
    pub(crate) fn refused(&self, companion: &[u8], document: &[u8]) -> Failure {
        match self.find(&[Some(companion)], document) {
            Err(failure) => failure,
            Ok(finding) => panic!("accepted: {:?}", finding.evidence),
        }
    }

    #[track_caller]
    pub(crate) fn reason(&self, companion: &[u8], document: &[u8]) -> Reason {
        self.refused(companion, document).reason
    }
}

/// The ids of those who signed.
pub(crate) fn signers(evidence: &Evidence) -> Vec<&str> {
    evidence.signers.iter().map(KeyId::as_str).collect()
}

/// A key pair of our own, for what the tools cannot be made to sign.
pub(crate) fn own_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn sign(seed: u8, message: &[u8]) -> [u8; 64] {
    own_key(seed).sign(message).to_bytes()
}

pub(crate) fn public(seed: u8) -> [u8; 32] {
    own_key(seed).verifying_key().to_bytes()
}

/// Whether a program is there; on a build server it must be.
pub(crate) fn installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{program} is not installed");
        eprintln!("SKIPPED: {program} is not installed, so what it makes today was not tested");
    }
    found
}

/// Runs a script in a folder of its own, which is given back.
pub(crate) fn script(lines: &str, files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let output = Command::new("bash").args(["-euc", lines]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{lines}: {}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// Holds a verifier against the contract of all verifiers.
#[cfg(feature = "conformance")]
pub(crate) fn contract(case: &Case<'_>, foreign: &Trust, companions: &[&[u8]], document: &[u8]) {
    use sigcache_core::conformance::verifier::{Strict, Vector, verifier_contract};
    let vector = Vector {
        name: Name::new(case.name).unwrap(),
        document: Bytes::copy_from_slice(document),
        companions: companions.iter().map(|file| Some(Bytes::copy_from_slice(file))).collect(),
        trust: case.trust.clone(),
        foreign: foreign.clone(),
        now: Timestamp::from_millis(0),
    };
    // Comments and the ends of lines mean nothing.
    verifier_contract(case.verifier, &vector, Strict::Document);
}
