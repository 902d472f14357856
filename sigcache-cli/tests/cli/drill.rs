//! `sigcache test`: every twin of every format is caught, what nothing guards is said, and the store of the user and his
//! sources see nothing of it. That it can fail is shown by mutations of the core, which `cargo xtask mutants` makes.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Output,
    sync::Mutex,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::{EncodePublicKey as _, LineEnding},
};
use serde_json::Value;
use sigcache_core::Digest;

use crate::{
    schema,
    support::{Lab, NOON, jwk_set},
};

const FLAGS: &str = r#"{"id":"flags","v":7,"until":"2027-11-24T13:00:00Z","all":[1,2,3]}"#;

/// A `.narinfo` is named after what it is about.
const NARINFO: &str = "nix/s36w4b92h7gd442j7872kqsp3qvfygfy.narinfo";

/// The vectors of the core.
fn vector(file: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sigcache-core/tests");
    fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn signed_by(key: &SigningKey, bytes: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(bytes);
    signature.to_der().as_bytes().to_vec()
}

fn jws(lab: &Lab, payload: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let input = format!("{}.{}", encode(br#"{"alg":"ES256"}"#), encode(payload.as_bytes()));
    let signature = Signature::from_der(&lab.sign(input.as_bytes())).unwrap();
    format!("{input}.{}", encode(&signature.to_bytes()))
}

/// A resource of the configuration: its name, and what else is said of it.
struct Configured(Vec<(String, String)>);

impl Configured {
    fn add(&mut self, name: &str, words: &str) {
        self.0.push((name.to_owned(), words.to_owned()));
    }

    fn text(&self, lab: &Lab) -> String {
        let table = |(name, words): &(String, String)| {
            format!("\n[[resource]]\nname = \"{name}\"\nurls = [\"{}/{name}\"]\n{words}\n", lab.origin())
        };
        self.0.iter().map(table).collect()
    }
}

/// One resource of every format, synced.
fn every_format() -> Lab {
    let lab = Lab::new();
    let tools = |file: &str| vector(&format!("data/tools/{file}"));
    let mut all = Configured(Vec::new());
    let mut keys = vec!["publisher.pub.pem".to_owned()];
    let mut add_key = |name: &str, bytes: Vec<u8>| {
        lab.replace(&format!("keys/{name}"), bytes);
        keys.push(format!("keys/{name}"));
    };

    lab.offer("flags.json", FLAGS.as_bytes());
    all.add(
        "flags.json",
        "identity = \"flags\"\nset = \"pair\"\nshrink_limit = \"20%\"\nmax_stale = \"7d\"\n[resource.verify]\nformat = \"detached\"\n\
         suffix = \".sig\"\nkeys = [\"publisher\"]\n\
         claims = { identity = \"/id\", version = \"/v\", expires = \"/until\", entries = \"/all\" }",
    );
    lab.offer("bare.bin", &[0, 159, 146, 150, 7]);
    all.add(
        "bare.bin",
        "set = \"pair\"\nverify = { format = \"detached\", suffix = \".sig\", keys = [\"publisher\"] }",
    );

    add_key("second", key(2).verifying_key().to_public_key_pem(LineEnding::LF).unwrap().into_bytes());
    lab.replace("origin/two-keys", "by two");
    lab.replace("origin/two-keys.one", lab.sign(b"by two"));
    lab.replace("origin/two-keys.two", signed_by(&key(2), b"by two"));
    all.add(
        "two-keys",
        "verify = { format = \"detached\", suffix = [\".one\", \".two\"], keys = [\"publisher\", \"second\"], threshold = 2 }",
    );

    add_key("minisign", tools("minisign/key.pub"));
    lab.replace("origin/document", tools("document"));
    lab.replace("origin/document.minisig", tools("minisign/document.minisig"));
    all.add(
        "document",
        "verify = { format = \"minisign\", keys = [\"minisign\"], comment = [\"file\", \"timestamp\"] }",
    );

    add_key("signify", tools("signify/key.pub"));
    lab.replace("origin/signify.txt", tools("document"));
    lab.replace("origin/signify.txt.sig", tools("signify/document.sig"));
    all.add("signify.txt", "verify = { format = \"signify\", keys = [\"signify\"] }");
    lab.replace("origin/embedded", tools("signify/embedded.sig"));
    all.add("embedded", "verify = { format = \"signify\", keys = [\"signify\"], embedded = true }");

    for (name, kind) in [("ssh.txt", "ed25519"), ("ssh-rsa.txt", "rsa"), ("ssh-p384.txt", "nistp384")] {
        add_key(&format!("ssh-{kind}"), tools(&format!("ssh/{kind}.pub")));
        lab.replace(&format!("origin/{name}"), tools("document"));
        lab.replace(&format!("origin/{name}.sig"), tools(&format!("ssh/{kind}.sig")));
        all.add(name, &format!("verify = {{ format = \"ssh\", keys = [\"ssh-{kind}\"] }}"));
    }

    add_key("log", tools("note/log.key"));
    lab.replace("origin/checkpoint", tools("note/checkpoint"));
    all.add(
        "checkpoint",
        "identity = \"log.example/2026\"\nverify = { format = \"note\", keys = [\"log\"], checkpoint = true }",
    );

    add_key("nix", tools("nix/key.pub"));
    lab.replace(&format!("origin/{NARINFO}"), tools("nix/none.narinfo"));
    all.add(NARINFO, "verify = { format = \"narinfo\", keys = [\"nix\"] }");
    lab.replace("origin/nix/c.nar", tools("nix/none.nar"));
    let beside = NARINFO.rsplit('/').next().unwrap();
    all.add("nix/c.nar", &format!("verify = {{ format = \"narinfo\", keys = [\"nix\"], narinfo = \"{beside}\" }}"));

    lab.replace("origin/token.jwt", jws(&lab, r#"{"iss":"https://issuer.example","iat":1795000000,"exp":1895000000}"#));
    all.add(
        "token.jwt",
        "identity = \"https://issuer.example\"\nverify = { format = \"jws\", keys = [\"publisher\"] }",
    );
    add_key("hub-root", vector("vectors/trust-anchor/root.pem"));
    lab.replace("origin/anchor.jwt", vector("vectors/trust-anchor/anchor.jwt"));
    all.add("anchor.jwt", "verify = { format = \"jws\", keys = [\"hub-root\"], chain = true }");

    add_key("ec-p256", vector("vectors/xml/keys/ec-p256.crt"));
    let (idp, group) = ("identity = \"https://idp.example/saml\"\n", "identity = \"urn:example:federation\"\n");
    for (name, file, format, identity) in [
        ("metadata.xml", "xmlsec1-ecdsa-sha256-id.xml", "saml-metadata", idp),
        ("group.xml", "xmlsec1-entities-exclusive.xml", "saml-metadata", group),
        ("other.xml", "xmlsec1-last-exclusive-sha256.xml", "xmldsig", ""),
    ] {
        lab.replace(&format!("origin/{name}"), vector(&format!("vectors/xml/good/{file}")));
        all.add(name, &format!("{identity}verify = {{ format = \"{format}\", keys = [\"ec-p256\"] }}"));
    }

    let line = |name: &str, bytes: &[u8]| format!("{}  {name}\n", Digest::of(bytes).hex());
    lab.replace("origin/tool.bin", "a tool");
    lab.offer("SUMS", line("tool.bin", b"a tool").as_bytes());
    all.add(
        "tool.bin",
        "verify = { format = \"checksums\", list = \"SUMS\", signature = { format = \"detached\", suffix = \".sig\" }, keys = [\"publisher\"] }",
    );
    lab.replace("origin/listed.bin", "a file on the list");
    lab.offer("LIST", line("listed.bin", b"a file on the list").as_bytes());
    all.add("LIST", "verify = { format = \"detached\", suffix = \".sig\", keys = [\"publisher\"] }");

    lab.offer("keys.json", jwk_set(&[&key(3)]).as_bytes());
    all.add("keys.json", "verify = { format = \"detached\", suffix = \".sig\", keys = [\"publisher\"] }");
    lab.replace("origin/resting", "signed by a key of the anchor");
    lab.replace("origin/resting.sig", signed_by(&key(3), b"signed by a key of the anchor"));
    all.add("resting", "verify = { format = \"detached\", suffix = \".sig\", anchor = \"keys.json\" }");

    if cfg!(feature = "openpgp") {
        add_key("pgp", vector("vectors/openpgp/certificate"));
        lab.replace("origin/pgp.txt", vector("vectors/openpgp/document"));
        lab.replace("origin/pgp.txt.asc", vector("vectors/openpgp/armored"));
        all.add("pgp.txt", "verify = { format = \"openpgp\", keys = [\"pgp\"] }");
        lab.replace("origin/pgp.bin", vector("vectors/openpgp/document"));
        lab.replace("origin/pgp.bin.gpg", vector("vectors/openpgp/binary"));
        all.add("pgp.bin", "verify = { format = \"openpgp\", keys = [\"pgp\"], suffix = \".gpg\" }");
        lab.replace("origin/clear", vector("vectors/openpgp/clear"));
        all.add("clear", "verify = { format = \"openpgp\", keys = [\"pgp\"], inline = true }");
    }

    keys.sort();
    keys.dedup();
    let table = |file: &String| {
        let id = Path::new(file).file_name().unwrap().to_str().unwrap().trim_end_matches(".pub.pem").to_owned();
        format!("\n[keys.{id}]\nfile = \"{file}\"\n")
    };
    let keys: String = keys.iter().map(table).collect();
    let collection = format!(
        "\n[[collection]]\nanchor = \"LIST\"\nname = \"files/{{file}}\"\nurls = [\"{}/{{file}}\"]\n\
         verify = {{ format = \"digests\" }}\n",
        lab.origin()
    );
    let store = "[store]\nurl = \"file:cache\"\n\n[defaults]\ntries = 1\n";
    lab.replace("sigcache.toml", format!("{store}{keys}{}{collection}", all.text(&lab)));
    lab.run_at(NOON, &["sync"]).ends(0);
    lab
}

/// The rows about a resource.
#[track_caller]
fn rows<'a>(tests: &'a Value, resource: &str) -> &'a Vec<Value> {
    let find = |tested: &&Value| tested["resource"] == resource;
    let tested = tests["resources"].as_array().unwrap().iter().find(find);
    tested.unwrap_or_else(|| panic!("nothing about {resource} in {tests:#}"))["twins"].as_array().unwrap()
}

/// The results of the variants of one twin.
#[track_caller]
fn results<'a>(tests: &'a Value, resource: &str, twin: &str) -> Vec<&'a str> {
    let own = rows(tests, resource).iter().filter(|row| row["twin"] == twin);
    let results: Vec<&str> = own.map(|row| row["result"].as_str().unwrap()).collect();
    assert!(!results.is_empty(), "no {twin} of {resource}");
    results
}

#[track_caller]
fn why<'a>(tests: &'a Value, resource: &str, twin: &str) -> &'a str {
    let row = rows(tests, resource).iter().find(|row| row["twin"] == twin).unwrap();
    row["why"].as_str().unwrap_or_else(|| panic!("{row:#}"))
}

#[test]
fn every_twin_of_every_format_is_caught_without_the_sources_and_nothing_is_written() {
    let lab = every_format();
    // The sources are gone; one that could be asked is one that listens, and notices.
    fs::remove_dir_all(lab.path("origin")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let text = String::from_utf8(lab.read("sigcache.toml")).unwrap();
    let flags = format!("{}/flags.json", lab.origin());
    let asked = format!("http://{}/flags.json", listener.local_addr().unwrap());
    lab.replace("sigcache.toml", text.replace(&flags, &asked));
    let before = lab.store();

    assert_eq!(lab.run_at(NOON, &["--quiet", "test"]).ends(0), "");
    let tests = lab.json("test", 0, &["--at", NOON, "test"]);
    assert_eq!(lab.store(), before);
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!((&tests["totals"]["failed"], &tests["totals"]["untested"]), (&0.into(), &0.into()));
    let formats = if cfg!(feature = "openpgp") { 25 } else { 22 };
    assert_eq!(tests["resources"].as_array().unwrap().len(), formats, "{tests:#}");

    for tested in tests["resources"].as_array().unwrap() {
        let name = tested["resource"].as_str().unwrap();
        assert_eq!(tested["at"], NOON, "{name}");
        for twin in ["dead", "not-found", "truncated", "endless", "slow", "wrong-key"] {
            assert_eq!(results(&tests, name, twin), ["caught"], "{twin} of {name}");
        }
        assert!(results(&tests, name, "flipped-bit").iter().all(|result| *result == "caught"), "{name}");
        // Where no key signed, no signature can be missing and no key be revoked.
        let signed = if name.starts_with("files/") { "does-not-apply" } else { "caught" };
        for twin in ["unsigned", "revoked-key", "expired-key", "early-key", "threshold"] {
            assert!(results(&tests, name, twin).iter().all(|result| *result == signed), "{twin} of {name}");
        }
    }
    for (name, twin, expected) in [
        ("flags.json", "swapped-identity", "caught"),
        ("flags.json", "expired", "caught"),
        ("flags.json", "max-stale", "caught"),
        ("flags.json", "rolled-back", "caught"),
        ("flags.json", "shrunk", "caught"),
        ("flags.json", "torn-set", "caught"),
        ("flags.json", "flipped-companion", "caught"),
        ("bare.bin", "swapped-identity", "not-guarded"),
        ("bare.bin", "expired", "not-guarded"),
        ("bare.bin", "max-stale", "not-guarded"),
        ("bare.bin", "rolled-back", "caught"),
        ("bare.bin", "torn-set", "caught"),
        ("bare.bin", "shrunk", "not-guarded"),
        ("document", "torn-set", "does-not-apply"),
        ("document", "swapped-identity", "caught"),
        ("document", "rolled-back", "caught"),
        ("checkpoint", "rolled-back", "caught"),
        ("checkpoint", "swapped-identity", "caught"),
        ("checkpoint", "flipped-companion", "does-not-apply"),
        (NARINFO, "swapped-identity", "caught"),
        ("nix/c.nar", "flipped-companion", "caught"),
        ("nix/c.nar", "swapped-identity", "does-not-apply"),
        ("token.jwt", "expired", "caught"),
        ("token.jwt", "swapped-identity", "caught"),
        ("anchor.jwt", "expired-certificate", "caught"),
        ("anchor.jwt", "expired", "does-not-apply"),
        ("metadata.xml", "expired", "caught"),
        ("metadata.xml", "swapped-identity", "caught"),
        ("other.xml", "swapped-identity", "not-guarded"),
        ("anchor.jwt", "swapped-identity", "not-guarded"),
        ("tool.bin", "swapped-identity", "caught"),
        ("files/listed.bin", "rolled-back", "does-not-apply"),
    ] {
        assert_eq!(results(&tests, name, twin), [expected], "{twin} of {name}: {:#?}", rows(&tests, name));
    }
    let set = "set `identity`";
    assert!(why(&tests, "bare.bin", "swapped-identity").contains(set));
    let said = why(&tests, "anchor.jwt", "swapped-identity");
    assert!(said.contains(set) && said.contains("https://hub.example"), "{said}");
    assert!(why(&tests, "bare.bin", "shrunk").contains("set `shrink_limit`"));
    assert!(why(&tests, "bare.bin", "max-stale").contains("set `max_stale`"));
    // One flip of the only signature that counts, and both where either would do.
    assert_eq!(results(&tests, "flags.json", "flipped-bit").len(), 3);
    assert_eq!(results(&tests, "two-keys", "flipped-companion").len(), 1);
    assert_eq!(results(&tests, "tool.bin", "flipped-companion").len(), 2);
}

#[test]
fn one_line_for_each_twin_and_only_what_is_wrong_if_quiet() {
    let lab = Lab::synced(&["flags", "rates"]);
    let text = lab.run(&["test", "flags"]).ends(0);
    let lines: Vec<&str> = text.lines().collect();
    let (total, lines) = lines.split_last().unwrap();
    assert!(lines.iter().all(|line| line.contains(" flags  ")), "{text}");
    let dead = "ok             flags  dead  expected kept at connect: connection-refused  found kept at connect: connection-refused";
    assert!(lines.contains(&dead), "{text}");
    let identity = "not guarded    flags  swapped-identity  the configuration asks for no identity; set `identity`";
    assert!(lines.iter().any(|line| line.starts_with(identity)), "{text}");
    assert!(total.contains("twins of 1 resources") && total.contains(" 0 FAILED;"), "{total}");
    assert_eq!(lab.run(&["--quiet", "test"]).ends(0), "");
    assert!(lab.run(&["test", "flag"]).fails(2).contains("did you mean flags?"));
}

#[test]
fn what_cannot_be_tested_is_said_and_is_no_success() {
    let lab = Lab::with(&["a"]);
    // No store at all, then one that has nothing of this resource.
    assert!(lab.run(&["test"]).fails(3).contains("the first `sigcache sync` creates it"));
    lab.run(&["sync"]).ends(0);
    lab.offer("b", b"b 1\n");
    lab.configure(&["a", "b"], "");
    let tests = lab.json("test", 1, &["test"]);
    assert_eq!((&tests["totals"]["untested"], &tests["totals"]["failed"]), (&1.into(), &0.into()));
    let quiet = lab.run(&["--quiet", "test"]).ends(1);
    assert_eq!(quiet, "NOT TESTED     b  nothing of it is stored yet: run `sigcache sync b` first\n");
    lab.run(&["test", "a"]).ends(0);

    // A copy that was damaged since is not the good one.
    let version = lab.keys("versions/a/").remove(0);
    lab.replace(&format!("cache/{version}"), b"a 2\n");
    let quiet = lab.run(&["--quiet", "test", "a"]).ends(1);
    assert!(quiet.contains("its last good copy does not verify: ") && quiet.contains("object-changed"), "{quiet}");
}

#[test]
fn a_copy_that_has_expired_is_tested_as_of_when_it_was_accepted() {
    let lab = Lab::new();
    lab.offer("flags.json", FLAGS.as_bytes());
    let claims = "verify = { format = \"detached\", suffix = \".sig\", keys = [\"publisher\"],\n\
                  claims = { version = \"/v\", expires = \"/until\" } }";
    lab.configure(&["flags.json"], claims);
    lab.run_at(NOON, &["sync"]).ends(0);
    let late = "2028-01-01T00:00:00Z";
    let tests = lab.json("test", 0, &["--at", late, "test"]);
    assert_eq!((&tests["at"], &tests["resources"][0]["at"]), (&late.into(), &NOON.into()));
    assert_eq!(results(&tests, "flags.json", "expired"), ["caught"]);
    let text = lab.run_at(late, &["test"]).ends(0);
    assert!(text.contains("flags.json  as of 2026-11-24T12:00:00Z, since it would not be accepted any more"), "{text}");
}

#[test]
fn every_shard_is_tested() {
    let names = ["a", "b", "c", "d"];
    let lab = Lab::with(&names);
    for shard in ["1/2", "2/2"] {
        lab.run(&["sync", "--shard", shard]).ends(0);
    }
    let tests = lab.json("test", 0, &["test"]);
    let mut tested: Vec<&str> =
        tests["resources"].as_array().unwrap().iter().map(|tested| tested["resource"].as_str().unwrap()).collect();
    tested.sort_unstable();
    assert_eq!(tested, names);
}

/// `SIGCACHE_MUTATED` is a binary whose checks can be broken by a word in its environment, and `SIGCACHE_MUTATIONS` has a
/// line for each word, with a resource and a twin: with that check broken, that twin must be reported.
#[test]
#[ignore = "needs a binary whose checks can be broken: `cargo xtask mutants` makes it"]
fn each_check_that_is_broken_is_noticed() {
    let binary = std::env::var_os("SIGCACHE_MUTATED").expect("the binary");
    let list = std::env::var("SIGCACHE_MUTATIONS").expect("the mutations");
    let lab = every_format();
    let run = |mutation: &str, names: &[&str]| -> (Output, Value) {
        let mut command = std::process::Command::new(&binary);
        command.current_dir(lab.path("")).args(["--at", NOON, "--json", "test"]).args(names);
        let output = command.env("SIGCACHE_MUTATION", mutation).output().unwrap();
        let tests = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{mutation}: {error}\n{}", String::from_utf8_lossy(&output.stderr)));
        schema::check("test", &tests);
        (output, tests)
    };
    let (sound, tests) = run("none", &[]);
    assert_eq!(sound.status.code(), Some(0), "the binary fails although nothing is broken in it: {tests:#}");
    // Some of them wait for a limit that is broken.
    let (todo, survived) = (Mutex::new(list.lines().collect::<Vec<_>>()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let Some(line) = todo.lock().unwrap().pop() else { break };
                    let [mutation, resource, twin] = *line.split(' ').collect::<Vec<_>>() else { panic!("{line}") };
                    let (output, tests) = run(mutation, &[resource]);
                    if output.status.code() == Some(1) && results(&tests, resource, twin).contains(&"failed") {
                        println!("caught    {mutation}: {twin} of {resource}");
                    } else {
                        survived.lock().unwrap().push(format!("{mutation}: {twin} of {resource}"));
                    }
                }
            });
        }
    });
    let survived = survived.into_inner().unwrap();
    assert!(survived.is_empty(), "survived:\n{}", survived.join("\n"));
}
