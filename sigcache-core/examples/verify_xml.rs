//! Verifies signed XML files in hand, and says how long each took and the most memory that the process had.
//!
//! `verify_xml saml-metadata|xmldsig|trusted-list KEY FILE…`; KEY is a PEM or DER public key or certificate.

use std::{fs::File, io::Read as _, time::Instant};

use sigcache_core::{
    Evidence, KeyId, Name, Timestamp,
    trust::{PublicKey, Trust, TrustedKey},
    verify::{Check, Context, SamlMetadata, Verifier, XmlDsig},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [format, key, files @ ..] = arguments.as_slice() else {
        return Err("verify_xml saml-metadata|xmldsig|trusted-list KEY FILE…".into());
    };
    let verifier: Box<dyn Verifier> = match format.as_str() {
        "saml-metadata" => Box::new(SamlMetadata::new()),
        "xmldsig" => Box::new(XmlDsig::new()),
        "trusted-list" => Box::new(XmlDsig::trusted_list()),
        other => return Err(format!("no format {other}").into()),
    };
    let key = TrustedKey::new(KeyId::new("key"), PublicKey::parse(&std::fs::read(key)?)?);
    let trust = Trust::new(vec![key], 1)?;
    for path in files {
        let start = Instant::now();
        let answer = verify(&verifier, &trust, path)?;
        let took = start.elapsed();
        match answer {
            Ok(evidence) => println!("{path}: {evidence:?}"),
            Err(failure) => println!("{path}: REFUSED {failure}"),
        }
        println!("{path}: {:.3} ms, at most {} of memory", took.as_secs_f64() * 1e3, peak());
    }
    Ok(())
}

/// Reads the file as the pipeline does, in pieces.
fn verify(
    verifier: &dyn Verifier,
    trust: &Trust,
    path: &str,
) -> Result<Result<Evidence, Box<dyn std::error::Error>>, Box<dyn std::error::Error>> {
    let name = Name::new("document")?;
    let now = Timestamp::from(std::time::SystemTime::now());
    let mut check = match Check::begin(verifier, Context::new(&name, now, trust, &[])) {
        Ok(check) => check,
        Err(error) => return Ok(Err(error.into())),
    };
    let mut file = File::open(path)?;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(check.finish().map(|finding| finding.evidence).map_err(Into::into));
        }
        if let Err(error) = check.update(&chunk[..read]) {
            return Ok(Err(error.into()));
        }
    }
}

/// The high-water mark of the resident memory, where the system tells it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "?".to_owned(), |line| line.trim().to_owned())
}
