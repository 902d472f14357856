//! The documents of `tests/vectors`, and how they are verified.

use std::path::PathBuf;

use sigcache_core::{
    Evidence, Failure, KeyId, Name, Timestamp,
    trust::{PublicKey, Trust, TrustedKey},
    verify::{Check, Context, SamlMetadata, Verifier, XmlDsig},
};

pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

pub(crate) fn read(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of a table behind its head.
pub(crate) fn rows(path: PathBuf) -> Vec<Vec<String>> {
    let text = String::from_utf8(read(path)).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

pub(crate) fn verifier(format: &str) -> Box<dyn Verifier> {
    match format {
        "saml-metadata" => Box::new(SamlMetadata::new()),
        "xmldsig" => Box::new(XmlDsig::new()),
        "trusted-list" => Box::new(XmlDsig::trusted_list()),
        other => panic!("no format {other}"),
    }
}

/// Trust in the keys of these names.
pub(crate) fn trust(names: &[&str]) -> Trust {
    let keys = names.iter().map(|name| {
        let file = read(folder("xml/keys").join(format!("{name}.crt")));
        TrustedKey::new(KeyId::new(name), PublicKey::parse(&file).unwrap()).within_certificate()
    });
    Trust::new(keys.collect(), 1).unwrap()
}

/// When the documents are verified: within the validity of all of them.
pub(crate) fn now() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn verify(
    verifier: &dyn Verifier,
    trust: &Trust,
    document: &[u8],
    chunk: usize,
) -> Result<Evidence, Failure> {
    let name = Name::new("document").unwrap();
    let context = Context::new(&name, now(), trust, &[]);
    let refused = |error: sigcache_core::verify::VerifyError| error.into_failure();
    let mut check = Check::begin(verifier, context).map_err(refused)?;
    for bytes in document.chunks(chunk) {
        check.update(bytes).map_err(refused)?;
    }
    let evidence = check.finish().map_err(refused)?.evidence;
    trust.judge(&evidence, now())?;
    Ok(evidence)
}
