//! Bundles: what is in them, that they verify where there is nothing else, and that nothing in them can be changed.

use std::{fs, path::Path, process::Command};

use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Lab, NOON, Tree, jwk_set};

const LATER: &str = "2026-11-24T12:30:00Z";

/// A lab with nothing in it but the bundle of `name`, as somebody has it who got only that.
fn elsewhere(lab: &Lab, name: &str) -> Lab {
    lab.run_at(LATER, &["export", name, "-o", "a.tar"]).ends(0);
    let other = Lab::new();
    other.replace("a.tar", lab.read("a.tar"));
    other
}

fn synced(names: &[&str]) -> Lab {
    let lab = Lab::with(names);
    lab.run_at(NOON, &["sync"]).ends(0);
    lab
}

#[track_caller]
fn refuses(lab: &Lab, args: &[&str], why: &str) {
    let verdict = lab.json("bundle", 1, &[&["--at", LATER, "verify", "--bundle", "a.tar"], args].concat());
    assert_eq!(verdict["verified"], false);
    let told = format!("{} {}", verdict["refused"], verdict["failure"]);
    assert!(told.contains(why), "{why} in {told}");
}

/// The members of a bundle, unpacked by tar.
fn unpack(bytes: &[u8]) -> Tree {
    let folder = tempfile::tempdir().unwrap();
    unpack_to(bytes, folder.path());
    crate::support::tree(&folder.path().join("in"))
}

fn unpack_to(bytes: &[u8], folder: &Path) {
    fs::write(folder.join("a.tar"), bytes).unwrap();
    fs::create_dir(folder.join("in")).unwrap();
    let ran = Command::new("tar").args(["-xf", "a.tar", "-C", "in"]).current_dir(folder).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// These members as `export` packs them, by GNU tar.
fn repack(members: &Tree) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in members {
        let path = folder.path().join("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    // In the order given.
    let listed = members.keys().map(|name| format!("{name}\n")).collect::<String>();
    fs::write(folder.path().join("names"), listed).unwrap();
    let ran = Command::new("tar")
        .args(["--format=ustar", "--owner=0", "--group=0", "--numeric-owner", "--mode=0644", "--blocking-factor=1"])
        .args(["--mtime", NOON, "--no-recursion", "-cf", "a.tar", "-C", "in", "-T", "names"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    fs::read(folder.path().join("a.tar")).unwrap()
}

#[test]
fn a_bundle_has_everything_and_verifies_where_there_is_nothing() {
    let lab = synced(&["a/b.json"]);
    let other = elsewhere(&lab, "a/b.json");
    let members = unpack(&other.read("a.tar"));
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    let expected = [
        "README.txt",
        "SHA256SUMS",
        "decision.json",
        "document",
        "document.sig",
        "keys/1.configured",
        "keys/1.pem",
        "policy.json",
        "receipt.json",
    ];
    assert_eq!(names, expected);
    assert_eq!(members["document"], b"a/b.json 1\n");
    assert_eq!(members["document.sig"], lab.read("origin/a/b.json.sig"));
    assert_eq!(members["keys/1.configured"], lab.read("publisher.pub.pem"));
    assert_eq!(members["keys/1.pem"], lab.read("publisher.pub.pem"));
    let decision: Value = serde_json::from_slice(&members["decision.json"]).unwrap();
    assert_eq!(decision["decision"]["reason"], "first-version");
    crate::schema::check("decision", &decision["decision"]);
    crate::schema::check("receipt", &serde_json::from_slice(&members["receipt.json"]).unwrap());

    let verdict = other.json("bundle", 0, &["verify", "--bundle", "a.tar"]);
    assert_eq!((&verdict["resource"], &verdict["pinned"]), (&"a/b.json".into(), &false.into()));
    let told = other.run(&["verify", "--bundle", "a.tar"]).ends(0);
    assert!(told.starts_with("verified  a.tar  a/b.json  11 bytes  sha256:"), "{told}");
    assert!(told.contains("as trustworthy as who handed it over"), "{told}");
    let told = other.run(&["verify", "--bundle", "a.tar", "--key", "publisher.pub.pem"]).ends(0);
    assert!(told.contains("Only the keys that --key names were believed."), "{told}");
    // GNU tar makes the same of the same.
    assert!(repack(&members) == other.read("a.tar"));
}

#[test]
fn the_same_document_gives_the_same_bundle() {
    let lab = synced(&["a"]);
    lab.run_at(LATER, &["export", "a", "-o", "one.tar"]).ends(0);
    // Another run that finds nothing new, another time, and the other way out.
    lab.run_at("2026-11-24T13:00:00Z", &["sync"]).ends(0);
    let ran = lab.run_at("2026-11-24T13:30:00Z", &["export", "a"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out == lab.read("one.tar"));
    let told = lab.json("export", 0, &["--at", LATER, "export", "a", "-o", "two.tar"]);
    assert_eq!(told["bytes"], lab.read("two.tar").len());
    assert!(lab.read("two.tar") == lab.read("one.tar"));
    lab.json("error", 2, &["export", "a"]);
}

#[test]
fn a_document_of_many_pieces() {
    let lab = Lab::new();
    lab.offer_zeros("big", (3 << 20) + 7);
    lab.configure(&["big"], "");
    lab.run_at(NOON, &["sync"]).ends(0);
    let other = elsewhere(&lab, "big");
    other.run_at(LATER, &["verify", "--bundle", "a.tar", "--key", "publisher.pub.pem"]).ends(0);
    let mut bytes = other.read("a.tar");
    let middle = bytes.len() / 2;
    bytes[middle] = 1;
    other.replace("a.tar", bytes);
    refuses(&other, &[], "signature-mismatch");
}

#[test]
fn a_copy_that_does_not_verify_is_not_exported() {
    let lab = synced(&["a"]);
    lab.run(&["export", "b", "-o", "b.tar"]).fails(2);
    let key = lab.key("versions/");
    lab.replace(&key, "b 1\n");
    for args in [&["export", "a", "-o", "a.tar"][..], &["export", "a"]] {
        let told = lab.run_at(LATER, args).fails(1);
        assert!(told.contains("object-changed"), "{told}");
    }
    assert!(!lab.path("a.tar").exists());
    let left = fs::read_dir(lab.path(""))
        .unwrap()
        .filter(|item| item.as_ref().unwrap().file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(left.count(), 0);
    // Nor one that the present rules would not take.
    let lab = synced(&["a"]);
    lab.run(&["keygen", "other"]).ends(0);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text.replace("publisher.pub.pem", "other.pub.pem"));
    lab.run_at(LATER, &["export", "a", "-o", "a.tar"]).fails(1);
}

#[test]
fn attack_every_changed_member_is_refused() {
    let other = elsewhere(&synced(&["a"]), "a");
    let members = unpack(&other.read("a.tar"));
    for name in members.keys() {
        let mut changed = members.clone();
        let bytes = changed.get_mut(name).unwrap();
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        other.replace("a.tar", repack(&changed));
        refuses(&other, &[], "");
        // And one that is gone. Without the report of the run there is no decision, but then the others say so.
        changed.remove(name);
        other.replace("a.tar", repack(&changed));
        refuses(&other, &[], "");
    }
    for name in ["more", "keys/2.pem", "document.asc", "files/1"] {
        let mut changed = members.clone();
        changed.insert(name.to_owned(), b"1\n".to_vec());
        other.replace("a.tar", repack(&changed));
        refuses(&other, &[], "which no bundle of this document has");
    }
}

/// The members with the list of digests made anew, as somebody does who wants to be believed.
fn forged(mut members: Tree) -> Vec<u8> {
    let sums = |members: &Tree| {
        let lines = members.iter().filter(|(name, _)| *name != "SHA256SUMS");
        lines.map(|(name, bytes)| format!("{}  {name}\n", sigcache_core::Digest::of(bytes).hex())).collect::<String>()
    };
    let text = sums(&members);
    members.insert("SHA256SUMS".to_owned(), text.into_bytes());
    repack(&members)
}

fn edited(members: &Tree, name: &str, from: &str, to: &str) -> Tree {
    let mut members = members.clone();
    let text = String::from_utf8(members[name].clone()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    members.insert(name.to_owned(), text.replace(from, to).into_bytes());
    members
}

#[test]
fn attack_a_forger_who_mends_the_digests_gets_nowhere() {
    let other = elsewhere(&synced(&["a"]), "a");
    let members = unpack(&other.read("a.tar"));
    assert!(forged(members.clone()) == other.read("a.tar"), "the forger's own tools are right");
    let refused = |members: Tree, why: &str| {
        other.replace("a.tar", forged(members));
        refuses(&other, &[], why);
    };
    let mut document = members.clone();
    document.insert("document".to_owned(), b"b 1\n".to_vec());
    refused(document, "SHA256SUMS is not what the others say");
    // With a receipt to match, the signature still does not.
    let digest = |bytes: &[u8]| sigcache_core::Digest::of(bytes).to_string();
    let mut document = edited(&members, "receipt.json", &digest(b"a 1\n"), &digest(b"b 1\n"));
    document = edited(&document, "README.txt", &digest(b"a 1\n"), &digest(b"b 1\n"));
    document = edited(&document, "decision.json", &digest(b"a 1\n"), &digest(b"b 1\n"));
    document.insert("document".to_owned(), b"b 1\n".to_vec());
    refused(document, "signature-mismatch");
    refused(edited(&members, "receipt.json", "\"publisher\"", "\"somebody\""), "members contradict");
    refused(edited(&members, "policy.json", "\"threshold\": 1", "\"threshold\": 0"), "policy.json cannot be used");
    refused(edited(&members, "policy.json", "\"suffix\": \".sig\"", "\"suffix\": \".asc\""), "knows nothing of");
    let claims = "\"claims\": { \"version\": \"/v\" }, \"format\": \"detached\"";
    refused(edited(&members, "policy.json", "\"format\": \"detached\"", claims), "different settings");
    refused(edited(&members, "policy.json", "\"resource\": \"a\"", "\"resource\": \"b\""), "members contradict");
    let kept = |suffix: &str| format!("\"suffix\": \"{suffix}\",\n      \"bytes\"");
    refused(edited(&members, "receipt.json", &kept(".sig"), &kept(".asc")), "knows nothing of");
    let receipt = String::from_utf8(members["receipt.json"].clone()).unwrap();
    let mut twice: Value = serde_json::from_str(&receipt).unwrap();
    let companion = twice["companions"][0].clone();
    twice["companions"].as_array_mut().unwrap().push(companion);
    let mut members_twice = members.clone();
    members_twice.insert("receipt.json".to_owned(), twice.to_string().into_bytes());
    refused(members_twice, "one companion twice");
    refused(edited(&members, "policy.json", "\"format\": 1", "\"format\": 2"), "knows only 1");
    refused(edited(&members, "policy.json", "\"format\": 1", "\"more\": 1, \"format\": 1"), "unknown field");
    refused(edited(&members, "decision.json", "first-version", "signature-mismatch"), "decision.json");
    refused(edited(&members, "decision.json", "\"stored\"", "\"a\""), "decision.json");
    refused(edited(&members, "README.txt", "TO CHECK IT", "CHECK NOTHING"), "README.txt is not what");
}

#[test]
fn attack_a_policy_reads_no_file_of_the_machine() {
    let other = elsewhere(&synced(&["a"]), "a");
    let members = unpack(&other.read("a.tar"));
    for path in ["/etc/passwd", "../../etc/passwd", "keys/1.pem\\\"", ""] {
        let stranger =
            edited(&members, "policy.json", "\"file\": \"keys/1.configured\"", &format!("\"file\": \"{path}\""));
        other.replace("a.tar", forged(stranger));
        refuses(&other, &[], "which is not in it");
    }
    let lists =
        edited(&members, "policy.json", "\"format\": \"detached\"", "\"crl\": [\"/etc/passwd\"], \"format\": \"jws\"");
    other.replace("a.tar", forged(lists));
    refuses(&other, &[], "which is not in it");
    let twice = "\"crl\": [\"keys/1.pem\", \"keys/1.pem\"], \"format\": \"jws\"";
    other.replace("a.tar", forged(edited(&members, "policy.json", "\"format\": \"detached\"", twice)));
    refuses(&other, &[], "names \\\"keys/1.pem\\\" twice");
    let nested = "\"claims\": { \"crl\": [\"/etc/passwd\"] }, \"format\": \"jws\"";
    let lists = edited(&members, "policy.json", "\"format\": \"detached\"", nested);
    other.replace("a.tar", forged(lists));
    refuses(&other, &[], "a `crl` where none belongs");
}

#[test]
fn a_bundle_of_somebody_else_does_not_pass_where_the_key_is_named() {
    let lab = Lab::with(&["a"]);
    // Somebody with a key of his own makes a bundle that is right in itself.
    lab.run(&["keygen", "mine"]).ends(0);
    lab.run(&["sign", "--key", "mine.key.pem", "origin/a"]).ends(0);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text.replace("publisher.pub.pem", "mine.pub.pem"));
    lab.run_at(NOON, &["sync"]).ends(0);
    let other = elsewhere(&lab, "a");
    other.run(&["verify", "--bundle", "a.tar"]).ends(0);
    refuses(&other, &["--key", "publisher.pub.pem"], "none of its keys is one that --key names");
    other.replace("mine.pub.pem", lab.read("mine.pub.pem"));
    other.run(&["verify", "--bundle", "a.tar", "--key", "publisher.pub.pem", "--key", "mine.pub.pem"]).ends(0);
    other.run(&["verify", "--bundle", "a.tar", "--key", "missing.pem"]).fails(2);
    other.run(&["verify", "--bundle", "missing.tar"]).fails(2);
    other.run(&["verify", "--bundle", "a.tar", "--as", "a"]).fails(2);
    other.run(&["verify"]).fails(2);
}

#[test]
fn attack_archives_that_are_no_bundles() {
    let other = elsewhere(&synced(&["a"]), "a");
    let sound = other.read("a.tar");
    let planted = |bytes: &[u8], why: &str| {
        other.replace("a.tar", bytes);
        refuses(&other, &[], why);
    };
    planted(b"", "it ends in the middle");
    planted(&sound[..sound.len() - 512], "it ends in the middle");
    planted(&[&sound[..], &[0; 512]].concat(), "behind its end");
    planted(&[0; 1024], "it has no receipt.json");
    // GNU tar's own form, with a link, and with the members in another order.
    let folder = tempfile::tempdir().unwrap();
    unpack_to(&sound, folder.path());
    let packed = |args: &[&str]| {
        let ran = Command::new("tar").args(args).current_dir(folder.path()).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        fs::read(folder.path().join("b.tar")).unwrap()
    };
    planted(&packed(&["--format=gnu", "-cf", "b.tar", "-C", "in", "document"]), "no `sigcache export` writes");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("in/link")).unwrap();
    planted(&packed(&["--format=ustar", "-cf", "b.tar", "-C", "in", "link"]), "link is no regular file");
    planted(&packed(&["--format=ustar", "-cf", "b.tar", "-C", "in", "keys"]), "its name is \\\"keys/\\\"");
    planted(&packed(&["--format=pax", "-cf", "b.tar", "-C", "in", "document"]), "no `sigcache export` writes");
    planted(&packed(&["--format=ustar", "-P", "-cf", "b.tar", "/etc/passwd"]), "its name is \\\"/etc/passwd\\\"");
}

#[test]
fn what_ended_since_is_told_and_was_right_then() {
    let lab = Lab::new();
    lab.offer("a", br#"{"until":"2026-11-24T13:00:00Z"}"#);
    let claims =
        r#"verify = { format = "detached", suffix = ".sig", keys = ["publisher"], claims = { expires = "/until" } }"#;
    lab.configure(&["a"], claims);
    lab.run_at(NOON, &["sync"]).ends(0);
    let other = elsewhere(&lab, "a");
    let told = other.run_at("2026-11-24T14:00:00Z", &["verify", "--bundle", "a.tar"]).ends(0);
    assert!(told.contains("It was accepted at 2026-11-24T12:00:00Z; since then: one valid until"), "{told}");
    // One that was not right then is no bundle: it cannot even be stored.
    lab.run_at("2026-11-24T14:00:00Z", &["export", "a", "-o", "a.tar"]).fails(1);
}

#[test]
fn a_bundle_without_its_report_says_so() {
    let lab = synced(&["a"]);
    fs::remove_dir_all(lab.path("cache/runs")).unwrap();
    let other = elsewhere(&lab, "a");
    assert!(!unpack(&other.read("a.tar")).contains_key("decision.json"));
    other.run_at(LATER, &["verify", "--bundle", "a.tar"]).ends(0);
}

#[test]
fn what_rests_on_an_anchor() {
    let (lab, key) = (Lab::new(), SigningKey::from_slice(&[9; 32]).unwrap());
    lab.offer("keys.json", jwk_set(&[&key]).as_bytes());
    lab.offer("SHA256SUMS", format!("{}  file\n", sigcache_core::Digest::of(b"file\n").hex()).as_bytes());
    lab.replace("origin/file", "file\n");
    lab.configure(&["keys.json", "SHA256SUMS"], "");
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    let resting = format!(
        "\n[[resource]]\nname = \"a\"\nurls = [\"{0}/a\"]\n\
         verify = {{ format = \"detached\", suffix = \".sig\", anchor = \"keys.json\" }}\n\
         \n[[resource]]\nname = \"file\"\nurls = [\"{0}/file\"]\n\
         verify = {{ format = \"digests\", anchor = \"SHA256SUMS\" }}\n",
        lab.origin()
    );
    lab.replace("sigcache.toml", text + &resting);
    let signature: Signature = key.sign(b"a 1\n");
    lab.replace("origin/a", "a 1\n");
    lab.replace("origin/a.sig", signature.to_der().as_bytes());
    lab.run_at(NOON, &["sync"]).ends(0);
    for name in ["a", "keys.json", "SHA256SUMS"] {
        let other = elsewhere(&lab, name);
        other.run_at(LATER, &["verify", "--bundle", "a.tar"]).ends(0);
    }
    let other = elsewhere(&lab, "a");
    let readme = String::from_utf8(unpack(&other.read("a.tar"))["README.txt"].clone()).unwrap();
    assert!(readme.contains("The keys were named by keys.json, an anchor"), "{readme}");
    let told = lab.run_at(LATER, &["export", "file", "-o", "file.tar"]).fails(1);
    assert!(told.contains("what is signed is the anchor; export SHA256SUMS"), "{told}");
}

/// The files that the tools of each format made, with the words for them: document, `verify`, key files.
const TOOLS: &[(&str, &str, &str, &[&str])] = &[
    ("minisign", "document", r#"format = "minisign", suffix = ".minisig""#, &["minisign/key.pub"]),
    ("signify", "document", r#"format = "signify", suffix = ".sig""#, &["signify/key.pub"]),
    ("ssh", "document", r#"format = "ssh", namespace = "file""#, &["ssh/ed25519.pub"]),
    ("ssh", "document", r#"format = "ssh", namespace = "file""#, &["ssh/allowed_signers"]),
    ("nix", "nix/xz.narinfo", r#"format = "narinfo""#, &["nix/key.pub"]),
    ("note", "note/checkpoint", r#"format = "note""#, &["note/log.key"]),
];

#[test]
fn every_format() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sigcache-core/tests/data/tools");
    let read = |name: &str| fs::read(data.join(name)).unwrap();
    for (number, (tool, document, words, keys)) in TOOLS.iter().enumerate() {
        let lab = Lab::new();
        // It names itself by the hash of what it describes.
        let doc = if *tool == "nix" { "s36w4b92h7gd442j7872kqsp3qvfygfy.narinfo" } else { "doc" };
        lab.replace(&format!("origin/{doc}"), read(document));
        for (from, suffix) in [("minisign/document.minisig", ".minisig"), ("signify/document.sig", ".sig")] {
            if from.starts_with(tool) {
                lab.replace(&format!("origin/doc{suffix}"), read(from));
            }
        }
        if *tool == "ssh" {
            lab.replace("origin/doc.sig", read("ssh/ed25519.sig"));
        }
        lab.replace("key", read(keys[0]));
        lab.configure(&[doc], &format!("verify = {{ {words}, keys = [\"k\"] }}"));
        let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
        lab.replace("sigcache.toml", text + "\n[keys.k]\nfile = \"key\"\n");
        let ran = lab.run_at(NOON, &["sync"]);
        assert_eq!(ran.code, 0, "{number} {tool}: {}{}", ran.text(), ran.err);
        let other = elsewhere(&lab, doc);
        other.run_at(LATER, &["verify", "--bundle", "a.tar"]).ends(0);
        other.replace("pin", read(keys[0]));
        other.run_at(LATER, &["verify", "--bundle", "a.tar", "--key", "pin"]).ends(0);
        refuses(&other, &["--key", "publisher.pub.pem"], "none of its keys");
        let mut members = unpack(&other.read("a.tar"));
        members.get_mut("document").unwrap()[3] ^= 1;
        other.replace("a.tar", forged(members));
        refuses(&other, &[], "");
    }
}

#[test]
fn checksums_jws_and_xml() {
    let lab = Lab::new();
    lab.replace("origin/doc", "doc\n");
    lab.offer("SUMS", format!("{}  doc\n", sigcache_core::Digest::of(b"doc\n").hex()).as_bytes());
    let words = r#"verify = { format = "checksums", list = "SUMS", keys = ["publisher"], signature = { format = "detached", suffix = ".sig" } }"#;
    lab.configure(&["doc"], words);
    lab.run_at(NOON, &["sync"]).ends(0);
    elsewhere(&lab, "doc").run_at(LATER, &["verify", "--bundle", "a.tar"]).ends(0);

    let lab = Lab::new();
    lab.run(&["keygen", "mine"]).ends(0);
    lab.replace("claims", r#"{"iss":"me","iat":1764000000}"#);
    lab.run(&["sign", "--format", "jws", "--key", "mine.key.pem", "claims"]).ends(0);
    lab.replace("origin/doc", lab.read("claims.jws"));
    lab.configure(&["doc"], r#"verify = { format = "jws", keys = ["mine"] }"#);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text + "\n[keys.mine]\nfile = \"mine.pub.pem\"\n");
    lab.run_at(NOON, &["sync"]).ends(0);
    elsewhere(&lab, "doc").run_at(LATER, &["verify", "--bundle", "a.tar"]).ends(0);

    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sigcache-core/tests/vectors/xml");
    let lab = Lab::new();
    lab.replace("origin/doc", fs::read(vectors.join("good/xmlsec1-ecdsa-sha256-whole.xml")).unwrap());
    lab.replace("xml.crt", fs::read(vectors.join("keys/ec-p256.crt")).unwrap());
    lab.configure(&["doc"], r#"verify = { format = "xmldsig", keys = ["xml"] }"#);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text + "\n[keys.xml]\nfile = \"xml.crt\"\n");
    lab.run_at(NOON, &["sync"]).ends(0);
    let other = elsewhere(&lab, "doc");
    other.run_at(LATER, &["verify", "--bundle", "a.tar"]).ends(0);
    let members = unpack(&other.read("a.tar"));
    assert!(members["keys/1.configured"].starts_with(b"-----BEGIN CERTIFICATE-----"));
    assert!(members["keys/1.pem"].starts_with(b"-----BEGIN PUBLIC KEY-----"));
}

/// Writes the configuration of `doc` with one key, from a file.
fn with_key(lab: &Lab, words: &str, key: &[u8]) {
    lab.replace("key", key);
    lab.configure(&["doc"], &format!("verify = {{ {words}, keys = [\"k\"] }}"));
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text + "\n[keys.k]\nfile = \"key\"\n");
}

#[cfg(feature = "openpgp")]
#[test]
fn openpgp() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sigcache-core/tests/vectors/openpgp");
    let read = |name: &str| fs::read(vectors.join(name)).unwrap();
    for (document, words, key) in [
        ("document", r#"format = "openpgp", suffix = ".sig""#, "certificate"),
        ("document", r#"format = "openpgp", suffix = ".sig""#, "keyring"),
        ("clear", r#"format = "openpgp", inline = true"#, "certificate"),
    ] {
        let lab = Lab::new();
        lab.replace("origin/doc", read(document));
        lab.replace("origin/doc.sig", read("binary"));
        with_key(&lab, words, &read(key));
        lab.run_at(NOON, &["sync"]).ends(0);
        let other = elsewhere(&lab, "doc");
        let told = other.run_at(LATER, &["verify", "--bundle", "a.tar"]).ends(0);
        assert!(told.contains("verified"), "{told}");
        let members = unpack(&other.read("a.tar"));
        assert_eq!(members["keys/1.configured"], read(key));
        assert!(!members.contains_key("keys/1.pem"), "openssl has no use for it");
        other.replace("pin", read(key));
        other.run_at(LATER, &["verify", "--bundle", "a.tar", "--key", "pin"]).ends(0);
        refuses(&other, &["--key", "publisher.pub.pem"], "none of its keys");
    }
}

#[test]
fn so_many_of_the_keys_must_be_named_as_must_sign() {
    let lab = Lab::with(&["a"]);
    lab.run(&["keygen", "mine"]).ends(0);
    lab.run(&["sign", "--key", "mine.key.pem", "--suffix", ".mine", "origin/a"]).ends(0);
    let words =
        r#"verify = { format = "detached", suffix = [".sig", ".mine"], keys = ["publisher", "mine"], threshold = 2 }"#;
    lab.configure(&["a"], words);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text + "\n[keys.mine]\nfile = \"mine.pub.pem\"\nnot_after = 2027-01-01T00:00:00Z\n");
    lab.run_at(NOON, &["sync"]).ends(0);
    let other = elsewhere(&lab, "a");
    other.replace("mine.pub.pem", lab.read("mine.pub.pem"));
    let both = ["verify", "--bundle", "a.tar", "--key", "publisher.pub.pem", "--key", "mine.pub.pem"];
    other.run_at(LATER, &both).ends(0);
    refuses(&other, &["--key", "mine.pub.pem"], "asks for 2 different keys, and --key names 1 of them");
    let members = unpack(&other.read("a.tar"));
    let one = edited(&members, "policy.json", "\"threshold\": 2", "\"threshold\": 1");
    other.replace("a.tar", forged(one));
    // That is for who hands it over to say, and for --key to overrule.
    other.run_at(LATER, &["verify", "--bundle", "a.tar"]).ends(0);
    // A key that could not sign then.
    let late = edited(&members, "policy.json", "2027-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    other.replace("a.tar", forged(late));
    refuses(&other, &[], "key-expired");
}

/// Two keys may sign, and either is enough; `mine` may sign no more.
#[test]
fn attack_a_receipt_that_names_another_key_than_the_one_that_signed() {
    let lab = Lab::with(&["a"]);
    lab.run(&["keygen", "mine"]).ends(0);
    lab.run(&["sign", "--key", "mine.key.pem", "origin/a"]).ends(0);
    lab.configure(&["a"], r#"verify = { format = "detached", suffix = ".sig", keys = ["publisher", "mine"] }"#);
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text + "\n[keys.mine]\nfile = \"mine.pub.pem\"\nnot_after = 2026-11-24T13:00:00Z\n");
    lab.run_at(NOON, &["sync"]).ends(0);
    let members = unpack(&elsewhere(&lab, "a").read("a.tar"));
    let fingerprint = |file: &str| {
        let key = sigcache_core::trust::PublicKey::parse(&lab.read(file)).unwrap();
        key.fingerprint().to_string()
    };
    let (mine, publisher) = (fingerprint("mine.pub.pem"), fingerprint("publisher.pub.pem"));
    let lie = |members: &Tree, name: &str| edited(members, name, "\"mine\"", "\"publisher\"");
    let mut lied = lie(&lie(&members, "receipt.json"), "decision.json");
    lied = edited(
        &edited(&lied, "receipt.json", &mine, &publisher),
        "README.txt",
        "Signed by     mine",
        "Signed by     publisher",
    );
    let recipe = "-verify keys/2.pem";
    lied = edited(&lied, "README.txt", recipe, "-verify keys/1.pem");
    let other = Lab::new();
    other.replace("a.tar", forged(lied));
    refuses(&other, &[], "receipt.json names other keys than those that signed");
    refuses(&other, &["--key", "publisher.pub.pem"], "signature-mismatch");

    // The same lie in the catalog: readers cannot see it, and a bundle must not pass it on.
    let key = lab.keys("catalog/").into_iter().find(|key| key.ends_with(".json.gz")).unwrap();
    let mut snapshot = crate::schema::unpack(&lab.read(&format!("cache/{key}")));
    let receipt = &mut snapshot["entries"]["a"]["receipt"];
    receipt["evidence"]["signers"] = serde_json::json!(["publisher"]);
    receipt["keys"] = serde_json::json!([publisher]);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, snapshot.to_string().as_bytes()).unwrap();
    lab.replace(&format!("cache/{key}"), packer.finish().unwrap());
    fs::remove_dir_all(lab.path("cache/runs")).unwrap();
    for args in [&["export", "a", "-o", "b.tar"][..], &["export", "a"]] {
        let told = lab.run_at(LATER, args).fails(1);
        assert!(told.contains("receipt.json names other keys"), "{told}");
    }
    assert!(!lab.path("b.tar").exists());
}

/// A root, a certificate below it, and the root's revocation list, all of the same years.
const AUTHORITY: &str = r#"
key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
printf '[ca]\ndefault_ca = it\n[it]\ndatabase = index.txt\nrand_serial = yes\nnew_certs_dir = .\ndefault_md = sha256\n' > ca.conf
printf 'crlnumber = number\ncrl_extensions = list\n' >> ca.conf
printf 'policy = any\nunique_subject = no\n[any]\ncommonName = supplied\n' >> ca.conf
printf '[list]\nauthorityKeyIdentifier = keyid\n' >> ca.conf
printf '[root]\nbasicConstraints = critical, CA:true\nkeyUsage = keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n' >> ca.conf
printf '[leaf]\nbasicConstraints = CA:false\nkeyUsage = digitalSignature\n' >> ca.conf
: > index.txt; echo 01 > number
key root; key leaf
openssl req -new -key root.key -out root.csr -subj /CN=root
openssl req -new -key leaf.key -out leaf.csr -subj /CN=leaf
years='-startdate 200101000000Z -enddate 491231235959Z'
openssl ca -batch -notext -config ca.conf -selfsign -keyfile root.key -extensions root $years -in root.csr -out root.pem
openssl ca -batch -notext -config ca.conf -cert root.pem -keyfile root.key -extensions leaf $years -in leaf.csr -out leaf.pem
openssl ca -config ca.conf -cert root.pem -keyfile root.key -gencrl -crl_lastupdate 200101000000Z -crl_nextupdate 491231235959Z -out root.crl
openssl x509 -in leaf.pem -outform der -out leaf.der
printf '{"alg":"ES256","x5c":["%s"]}' "$(openssl base64 -A -in leaf.der)" | openssl base64 -A | tr -- '+/' '-_' | tr -d '=' > signed
printf '.' >> signed
printf '{"iss":"me"}' | openssl base64 -A | tr -- '+/' '-_' | tr -d '=' >> signed
openssl dgst -sha256 -sign leaf.key -out der.sig signed
"#;

#[test]
fn certificate_paths_and_revocation_lists_ride_along() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    if !is_there("openssl") {
        return;
    }
    let lab = Lab::new();
    let (made, told) = follow(&lab.path(""), AUTHORITY);
    assert!(made, "{told}");
    let signature = Signature::from_der(&lab.read("der.sig")).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
    lab.replace("origin/doc", [&lab.read("signed")[..], b".", signature.as_bytes()].concat());
    with_key(&lab, r#"format = "jws", chain = true, crl = ["root.crl"]"#, &lab.read("root.pem"));
    lab.run_at(NOON, &["sync"]).ends(0);
    let other = elsewhere(&lab, "doc");
    let members = unpack(&other.read("a.tar"));
    assert_eq!(members["files/1"], lab.read("root.crl"));
    assert_eq!(members["keys/1.configured"], lab.read("root.pem"));
    other.run_at(LATER, &["verify", "--bundle", "a.tar"]).ends(0);
    other.replace("root.pem", lab.read("root.pem"));
    other.run_at(LATER, &["verify", "--bundle", "a.tar", "--key", "root.pem"]).ends(0);
    // Without the list it would be verified by other rules.
    let mut without = edited(&members, "policy.json", "\"files/1\"", "");
    without.remove("files/1");
    other.replace("a.tar", forged(without));
    refuses(&other, &[], "different settings");
    let moved = edited(&members, "policy.json", "\"files/1\"", "\"keys/1.pem\"");
    other.replace("a.tar", forged(moved));
    refuses(&other, &[], "");
}

/// Whether a program that a test is about is installed; on a build server it must be.
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("version").output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{program} is not installed");
        eprintln!("SKIPPED: {program} is not installed");
    }
    found
}

/// The block of the page below a heading.
fn recipe(heading: &str) -> String {
    let page = include_str!("../../../docs/export.md");
    let (_, rest) = page.split_once(&format!("\n### {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let (_, block) = rest.split_once("```sh\n").unwrap();
    block.split_once("\n```").unwrap().0.to_owned()
}

/// Runs a block of the page where `a.tar` is; the page calls it `flags.tar`.
fn follow(folder: &Path, block: &str) -> (bool, String) {
    let ran = Command::new("sh").args(["-e", "-c", block]).current_dir(folder).output().unwrap();
    (ran.status.success(), format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)))
}

/// The page's commands pass for the bundle, and do not where the document was changed by somebody who mended the digests.
fn by_hand(lab: &Lab, name: &str, headings: &[&str]) {
    let other = elsewhere(lab, name);
    let sound = other.read("a.tar");
    let mut members = unpack(&sound);
    let document = members.get_mut("document").unwrap();
    let middle = document.len() / 2;
    document[middle] = if document[middle] == b'A' { b'B' } else { b'A' };
    for (bytes, good) in [(sound, true), (forged(members), false)] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("flags.tar"), bytes).unwrap();
        let blocks: Vec<String> = headings.iter().map(|heading| recipe(heading)).collect();
        let (passed, told) = follow(folder.path(), &blocks.join("\n"));
        assert_eq!(passed, good, "{headings:?}: {told}");
        assert!(!good || told.contains("Verified OK") || told.contains("Signature Verified Successfully"), "{told}");
    }
}

/// A key pair made by openssl, and a resource `a` whose document it signed by `sign`.
fn signed_by(generate: &str, sign: &str, words: &str) -> Lab {
    let lab = Lab::new();
    lab.replace("origin/a", "{\"flags\":[]}\n");
    let script = format!(
        "openssl {generate} -out k.key && openssl pkey -in k.key -pubout -out k.pem && openssl {sign} origin/a"
    );
    let (made, told) = follow(&lab.path(""), &script);
    assert!(made, "{told}");
    lab.configure(&["a"], &format!("verify = {{ format = \"detached\", suffix = \".sig\", keys = [\"k\"]{words} }}"));
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    lab.replace("sigcache.toml", text + "\n[keys.k]\nfile = \"k.pem\"\n");
    lab.run_at(NOON, &["sync"]).ends(0);
    lab
}

const P256: &str = "genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256";
const RSA: &str = "genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048";

#[test]
fn the_page_works_for_detached_signatures() {
    if !is_there("openssl") {
        return;
    }
    let dgst = "dgst -sha256 -sign k.key -out origin/a.sig";
    let ecdsa = signed_by(P256, dgst, "");
    by_hand(&ecdsa, "a", &["Unpack", "ECDSA and RSA"]);
    let rsa = signed_by(RSA, dgst, "");
    by_hand(&rsa, "a", &["Unpack", "ECDSA and RSA"]);
    let pss = "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sign k.key -out origin/a.sig";
    let pss = signed_by(RSA, pss, ", scheme = \"rsa-pss\"");
    by_hand(&pss, "a", &["Unpack", "RSA-PSS"]);
    let sign = "pkeyutl -sign -inkey k.key -rawin -out origin/a.sig -in";
    let ed25519 = signed_by("genpkey -quiet -algorithm ED25519", sign, "");
    by_hand(&ed25519, "a", &["Unpack", "Ed25519"]);
    // What the bundle itself says is the same.
    for (lab, command) in
        [(&ecdsa, "openssl dgst"), (&rsa, "openssl dgst"), (&pss, "openssl dgst"), (&ed25519, "openssl pkeyutl")]
    {
        let folder = TempDir::new().unwrap();
        unpack_to(&elsewhere(lab, "a").read("a.tar"), folder.path());
        let readme = fs::read_to_string(folder.path().join("in/README.txt")).unwrap();
        let line = readme.lines().find(|line| line.starts_with(command)).unwrap();
        let (passed, told) = follow(&folder.path().join("in"), line);
        assert!(passed, "{line}: {told}");
    }
}

#[test]
fn the_page_works_for_minisign_and_checksums() {
    if !is_there("openssl") {
        return;
    }
    let lab = |verify: &str| {
        let lab = Lab::new();
        lab.run(&["keygen", "--algorithm", "ed25519", "k"]).ends(0);
        lab.replace("origin/a", "AAAA\n");
        lab.replace("origin/SHA256SUMS", format!("{}  a\n", sigcache_core::Digest::of(b"AAAA\n").hex()));
        lab.run(&["sign", "--format", "minisign", "--key", "k.key.pem", "origin/a"]).ends(0);
        lab.run(&["sign", "--key", "k.key.pem", "origin/SHA256SUMS"]).ends(0);
        lab.configure(&["a"], verify);
        let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
        lab.replace("sigcache.toml", text + "\n[keys.k]\nfile = \"k.pub.pem\"\n");
        lab.run(&["sync"]).ends(0);
        lab
    };
    let minisign = lab(r#"verify = { format = "minisign", keys = ["k"] }"#);
    by_hand(&minisign, "a", &["Unpack", "minisign"]);
    let inner = r#"signature = { format = "detached", suffix = ".sig" }"#;
    let sums = lab(&format!(r#"verify = {{ format = "checksums", list = "SHA256SUMS", keys = ["k"], {inner} }}"#));
    by_hand(&sums, "a", &["Unpack", "Checksums"]);
    // What the bundles themselves say is the same.
    for (lab, last) in [(minisign, "openssl pkeyutl"), (sums, "grep -i")] {
        let folder = TempDir::new().unwrap();
        unpack_to(&elsewhere(&lab, "a").read("a.tar"), folder.path());
        let readme = fs::read_to_string(folder.path().join("in/README.txt")).unwrap();
        let (_, commands) = readme.split_once("BY HAND").unwrap();
        let lines: Vec<&str> = commands.lines().skip(2).filter(|line| !line.starts_with('(')).collect();
        assert!(lines.last().unwrap().starts_with(last), "{readme}");
        let (passed, told) = follow(&folder.path().join("in"), &lines.join("\n"));
        assert!(passed && told.contains("Signature Verified Successfully"), "{lines:?}: {told}");
    }
}

#[test]
fn the_page_works_for_jws() {
    if !is_there("openssl") {
        return;
    }
    for algorithm in ["p256", "ed25519"] {
        let lab = Lab::new();
        lab.run(&["keygen", "--algorithm", algorithm, "k"]).ends(0);
        lab.replace("claims", r#"{"iss":"me","iat":1764000000}"#);
        lab.run(&["sign", "--format", "jws", "--key", "k.key.pem", "claims"]).ends(0);
        lab.replace("origin/a", lab.read("claims.jws"));
        lab.configure(&["a"], r#"verify = { format = "jws", keys = ["k"] }"#);
        let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
        lab.replace("sigcache.toml", text + "\n[keys.k]\nfile = \"k.pub.pem\"\n");
        lab.run_at(NOON, &["sync"]).ends(0);
        let last = if algorithm == "p256" { "JWS by ES256" } else { "JWS by EdDSA" };
        by_hand(&lab, "a", &["Unpack", "JWS", last]);
    }
}
