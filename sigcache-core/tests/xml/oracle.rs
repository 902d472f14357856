//! `xmlsec1` beside us: whatever we accept, it accepts over the same bytes. (Not the reverse: it takes much more.)

use std::{collections::BTreeMap, path::Path, process::Command};

use sigcache_core::Reason;

use crate::{
    corpus::{folder, read, rows, trust, verifier, verify},
    generate::{Random, document},
    mutate::mutate,
};

/// `xmlsec1`, or none where it is not installed; on a build server that is a failure.
fn xmlsec1() -> Option<()> {
    let installed = Command::new("xmlsec1").arg("--version").output().is_ok_and(|output| output.status.success());
    if !installed {
        assert!(std::env::var_os("CI").is_none(), "xmlsec1 is not installed");
        eprintln!("SKIPPED: xmlsec1 is not installed, so what we accept was not held against it");
    }
    installed.then_some(())
}

/// Debian's xmlsec1 knows neither of them.
fn is_beyond_xmlsec1(file: &str) -> bool {
    file.contains("pss") || file.contains("ed25519")
}

/// The attributes that are IDs; xmlsec1 knows none without a DTD.
const IDS: &[&str] = &[
    "ID urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor",
    "ID urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor",
    "ID urn:example:feed:feed",
    "Id urn:example:feed:feed",
    "id urn:example:feed:feed",
    "ID root",
    "Id http://uri.etsi.org/02231/v2#:TrustServiceStatusList",
    "Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
    "Id http://www.w3.org/2000/09/xmldsig#:KeyInfo",
];

fn accepts(key: &str, files: &[&str], folder: &Path) -> Result<(), String> {
    let mut command = Command::new("xmlsec1");
    // Without what a signature says of its own key: xmlsec1 refuses a certificate there that it cannot read, while to us
    // it is no more than a hint.
    command
        .args(["--verify", "--enabled-key-data", "key-name"])
        .arg("--pubkey-cert-pem")
        .arg(crate::corpus::folder("xml/keys").join(format!("{key}.crt")));
    for id in IDS {
        let (attribute, element) = id.split_once(' ').unwrap();
        command.arg(format!("--id-attr:{attribute}")).arg(element);
    }
    let output = command.args(files).current_dir(folder).output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Asserts that xmlsec1 accepts all of these documents, which are signed with one key.
fn all_accepted(key: &str, documents: &[(String, Vec<u8>)]) {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for (index, (_, document)) in documents.iter().enumerate() {
        let name = format!("{index}.xml");
        std::fs::write(folder.path().join(&name), document).unwrap();
        names.push(name);
    }
    for batch in names.chunks(50) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        if accepts(key, &batch, folder.path()).is_ok() {
            continue;
        }
        for name in batch {
            if let Err(error) = accepts(key, &[name], folder.path()) {
                let (what, document) = &documents[name.trim_end_matches(".xml").parse::<usize>().unwrap()];
                panic!("xmlsec1 refuses {what}:\n{error}\n{}", String::from_utf8_lossy(document));
            }
        }
    }
}

#[test]
fn xmlsec1_accepts_every_good_document_and_every_known_exception() {
    let Some(()) = xmlsec1() else { return };
    let mut by_key: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for row in rows(folder("xml/good.tsv")).into_iter().filter(|row| !is_beyond_xmlsec1(&row[0])) {
        let document = read(folder("xml/good").join(&row[0]));
        by_key.entry(row[2].clone()).or_default().push((row[0].clone(), document));
    }
    for row in rows(folder("xml-attacks/attacks.tsv")).into_iter().filter(|row| row[3] == "accepted") {
        let document = read(folder("xml-attacks/documents").join(&row[0]));
        by_key.entry(row[2].clone()).or_default().push((row[0].clone(), document));
    }
    for (key, documents) in by_key {
        all_accepted(&key, &documents);
    }
}

#[test]
fn whatever_is_accepted_of_random_mutations_xmlsec1_accepts_too() {
    let Some(()) = xmlsec1() else { return };
    let rows: Vec<Vec<String>> =
        rows(folder("xml/good.tsv")).into_iter().filter(|row| !is_beyond_xmlsec1(&row[0])).collect();
    let mut taken: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    // More of them with `SIGCACHE_MUTATIONS`, for a machine that has the time.
    let mutations = std::env::var("SIGCACHE_MUTATIONS").map_or(4_000, |count| count.parse().unwrap());
    for seed in 0..mutations {
        let mut random = Random::new(seed);
        let row = &rows[random.below(rows.len())];
        let original = read(folder("xml/good").join(&row[0]));
        let mutant = mutate(&mut random, &original);
        if mutant == original {
            continue;
        }
        let chunk = 1 + random.below(4000);
        let answer = match verify(&verifier(&row[1]), &trust(&[&row[2]]), &mutant, chunk) {
            Ok(_) => {
                taken.entry(row[2].clone()).or_default().push((format!("{} {seed}", row[0]), mutant));
                "accepted".to_owned()
            }
            Err(failure) => failure.reason.to_string(),
        };
        *answers.entry(answer).or_default() += 1;
    }
    // Mutations that are never accepted, or always, would show nothing.
    let expected = ["accepted", Reason::MalformedDocument.as_str(), Reason::MalformedSignature.as_str()];
    for answer in expected.into_iter().chain([Reason::SignatureMismatch.as_str()]) {
        let count = answers.get(answer).copied().unwrap_or_default();
        assert!(count as u64 > mutations / 50, "{answers:?}");
    }
    eprintln!("answers to {mutations} mutations: {answers:?}");
    for (key, documents) in taken {
        all_accepted(&key, &documents);
    }
}

#[test]
fn what_xmlsec1_signs_of_random_documents_is_accepted() {
    let Some(()) = xmlsec1() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let keys = folder("xml/keys");
    for seed in 0..80 {
        let mut random = Random::new(seed);
        let (form, prefixes) = (random.pick(FORMS), random.pick(&["", "a", "a b #default", "ab abcdefgh abcdefgi é"]));
        let (info_form, info_prefixes) = (random.pick(FORMS), random.pick(&["", "#default ds", "b"]));
        let is_last = random.one_in(2);
        let element = |name: &str, form: &str, prefixes: &str| match form.contains("exc")
            && !prefixes.is_empty()
            && !(is_last && name == "Transform")
        {
            true => format!(
                "<ds:{name} Algorithm='{form}'><InclusiveNamespaces xmlns='http://www.w3.org/2001/10/xml-exc-c14n#' PrefixList='{prefixes}'/></ds:{name}>"
            ),
            false => format!("<ds:{name} Algorithm='{form}'/>"),
        };
        let uri = random.pick(&["", "#_i"]);
        let signature = format!(
            "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:SignedInfo>{}<ds:SignatureMethod Algorithm='http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256'/>\
             <ds:Reference URI='{uri}'><ds:Transforms><ds:Transform Algorithm='http://www.w3.org/2000/09/xmldsig#enveloped-signature'/>{}</ds:Transforms>\
             <ds:DigestMethod Algorithm='{}'/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>",
            element("CanonicalizationMethod", info_form, info_prefixes),
            element("Transform", form, prefixes),
            random.pick(&[
                "http://www.w3.org/2001/04/xmlenc#sha256",
                "http://www.w3.org/2001/04/xmldsig-more#sha384",
                "http://www.w3.org/2001/04/xmlenc#sha512"
            ]),
        );
        let (first, last) = if is_last { ("", &*signature) } else { (&*signature, "") };
        // With xml:base above it, Canonical XML 1.1 of a part is refused.
        let template = document(seed, "root", " ID='_i'", first, last).replace("xml:base", "xml:other");
        std::fs::write(scratch.path().join("in.xml"), &template).unwrap();
        let mut command = Command::new("xmlsec1");
        command.args(["--sign", "--privkey-pem"]).arg(keys.join("ec-p256.key"));
        // The root may have a default namespace of its own, by which the ID must be told.
        let namespace = root_namespace(&template);
        let root = if namespace.is_empty() { "root".to_owned() } else { format!("{namespace}:root") };
        command.args(["--id-attr:ID", &root, "--output", "out.xml", "in.xml"]);
        let output = command.current_dir(scratch.path()).output().unwrap();
        assert!(output.status.success(), "{}\n{template}", String::from_utf8_lossy(&output.stderr));
        let signed = read(scratch.path().join("out.xml"));
        let answer = verify(&verifier("xmldsig"), &trust(&["ec-p256"]), &signed, 1 + random.below(5000));
        assert!(answer.is_ok(), "{seed}: {answer:?}\n{}", String::from_utf8_lossy(&signed));
    }
}

const FORMS: &[&str] = &[
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2006/12/xml-c14n11",
];

fn root_namespace(document: &str) -> &str {
    let tag = &document[document.find("<root").unwrap()..];
    let tag = &tag[..tag.find('>').unwrap()];
    tag.split_once("xmlns=\"").and_then(|(_, rest)| rest.split_once('"')).map_or("", |(uri, _)| uri)
}
