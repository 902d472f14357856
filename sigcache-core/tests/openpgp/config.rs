//! How the configuration sets the format up, and what it says about mistakes.

use sigcache_core::config::{Config, ConfigError};

use crate::maker::{cert, public};

fn parse(verify: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let [alice, bob] = [cert("alice"), cert("bob")];
    std::fs::write(folder.path().join("alice.asc"), public(&alice)).unwrap();
    let ring = [alice, bob].map(|cert| {
        use sequoia_openpgp::serialize::SerializeInto as _;
        cert.strip_secret_key_material().to_vec().unwrap()
    });
    // One of them is under another id already.
    std::fs::write(folder.path().join("ring.gpg"), &ring[1]).unwrap();
    std::fs::write(folder.path().join("twice.gpg"), ring.concat()).unwrap();
    let twice = if verify.contains("twice") { "[keys.twice]\nfile = \"twice.gpg\"\n" } else { "" };
    let text = format!(
        "[store]\nurl = \"memory:\"\n[keys.alice]\nfile = \"alice.asc\"\n[keys.ring]\nfile = \"ring.gpg\"\n{twice}\
         [keys.mini]\nline = \"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"\n\
         [[resource]]\nname = \"a/b\"\nurls = [\"https://a.example/b\"]\nverify = {{ format = {verify} }}\n"
    );
    Config::parse(&text, "c.toml", folder.path(), &|_| None)
}

#[track_caller]
fn said(verify: &str) -> String {
    parse(verify).unwrap_err().to_string()
}

#[track_caller]
fn settings(verify: &str) -> String {
    format!("{:?}", parse(verify).unwrap().resources[0].rules.verifier)
}

#[test]
fn its_words_set_it_up() {
    let keys = "keys = [\"alice\"]";
    let all = [
        settings(&format!("\"openpgp\", {keys}")),
        settings(&format!("\"openpgp\", {keys}, suffix = \".gpg\"")),
        settings(&format!("\"openpgp\", {keys}, inline = true")),
        settings(&format!("\"openpgp\", {keys}, inline = true, deb_release = true")),
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(!all[..index].contains(one), "{one}");
    }
    assert_eq!(all[0], settings(&format!("\"openpgp\", {keys}, suffix = \".asc\"")));
    // One file holds enough signatures.
    assert!(parse("\"openpgp\", keys = [\"alice\", \"ring\"], threshold = 2").is_ok());
}

#[test]
fn a_list_of_checksums_may_be_signed_so() {
    let sums = |list: &str, signature: &str, keys: &str| {
        format!("\"checksums\", list = \"{list}\", signature = {{ format = \"openpgp\"{signature} }}, keys = [{keys}]")
    };
    let companions = |verify: &str| {
        let verifier = parse(verify).unwrap().resources[0].rules.verifier.clone();
        verifier.companions().into_iter().map(|file| file.shared.unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(companions(&sums("SUMS", ", suffix = \".sign\"", "\"alice\"")), ["SUMS", "SUMS.sign"]);
    assert_eq!(companions(&sums("../SUMS", "", "\"alice\"")), ["../SUMS", "../SUMS.asc"]);
    assert_eq!(companions(&sums("CHECKSUM", ", inline = true", "\"alice\"")), ["CHECKSUM"]);
    let two = sums("SUMS", "", "\"alice\", \"ring\"");
    assert!(parse(&format!("{two}, threshold = 2")).is_ok());
    let table = [
        (sums("S", "", "\"mini\""), "`mini` is not an OpenPGP certificate"),
        (sums("S", ", deb_release = true, inline = true", "\"alice\""), "unknown word `deb_release` in `signature`"),
        (sums("S", "", "\"alice\"").replace("openpgp", "ssh"), "`alice` is an OpenPGP certificate"),
        (sums("S", "", "").replace("keys = []", "anchor = \"a/b\""), "no key of an anchor can sign so"),
    ];
    for (verify, told) in table {
        let error = said(&verify);
        assert!(error.contains(told), "{verify}: {error}");
    }
}

#[test]
fn mistakes_are_told() {
    let table = [
        ("\"openpgp\", keys = [\"mini\"]", "is not an OpenPGP certificate"),
        ("\"openpgp\", keys = [\"alice\"], inline = true, suffix = \".asc\"", "and so no `suffix`"),
        ("\"openpgp\", keys = [\"alice\"], deb_release = true", "`inline = true` beside it"),
        ("\"openpgp\", keys = [\"alice\"], legacy = true", "`legacy`"),
        ("\"openpgp\", keys = [\"alice\", \"twice\"]", "is the same key as"),
        ("\"openpgp\", keys = [\"alice\"], threshold = 2", "between 1 and the number of keys (1)"),
        ("\"minisign\", keys = [\"alice\"]", "minisign signs with Ed25519"),
        ("\"signify\", keys = [\"alice\"]", "signify signs with Ed25519"),
    ];
    for (verify, told) in table {
        let error = said(verify);
        assert!(error.contains(told), "{verify}: {error}");
    }
    // An anchor names keys by JWKs, which never are certificates.
    for more in ["", "inline = true, ", "inline = true, deb_release = true, "] {
        let error = said(&format!("\"openpgp\", {more}anchor = \"a/b\""));
        assert!(error.contains("no key of an anchor can sign so: a JWK is a bare key"), "{error}");
        assert!(!error.contains("rests on itself"), "{error}");
    }
    // Other formats can do nothing with a certificate, and say so.
    for verify in ["\"note\"", "\"narinfo\"", "\"detached\", suffix = \".sig\"", "\"ssh\"", "\"jws\"", "\"xmldsig\""] {
        let error = said(&format!("{verify}, keys = [\"alice\"]"));
        assert!(error.contains("`alice`"), "{verify}: {error}");
    }
}
