//! How the configuration sets these formats up, and what it says about mistakes.

use std::sync::Arc;

use sigcache_core::{
    config::{Config, ConfigError},
    verify::Verifier,
};

use crate::support::text;

/// Line 1 to 6. What a test adds begins at line 7.
const HEAD: &str = r#"[store]
url = "memory:"
[keys.mini]
line = "RWTtf5dZN2OvYAVr8H1cCg2SN6oJSFmMyKLTEbHFqzJZmhaxzVzg7WwM"
[keys.p256]
jwk = '{"kty":"EC","crv":"P-256","x":"M4U07A5BG4B_bv-OvcrH86pg1qQ_DhFiLoNSxS8CWGU","y":"YiBg70Fbx-R1_QhnqT6N4Us8O5CWFhelfSn6MvB6sew"}'
"#;

fn parse(more: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("allowed"), text("ssh/allowed_signers")).unwrap();
    let line = text("minisign/key.pub").lines().nth(1).unwrap().to_owned();
    let head = HEAD.replace("RWTtf5dZN2OvYAVr8H1cCg2SN6oJSFmMyKLTEbHFqzJZmhaxzVzg7WwM", &line);
    Config::parse(&format!("{head}{more}"), "c.toml", folder.path(), &|_| None)
}

/// A resource with this `verify`, and what else it has.
fn resource(verify: &str, more: &str) -> String {
    format!("[[resource]]\nname = \"a/b\"\nurls = [\"https://a.example/b\"]\nverify = {{ {verify} }}\n{more}\n")
}

fn verifier(verify: &str) -> Arc<dyn Verifier> {
    parse(&resource(verify, "")).unwrap().resources[0].rules.verifier.clone()
}

/// All that is said, without the lines that show the place.
#[track_caller]
fn said(more: &str) -> Vec<String> {
    let error = parse(more).unwrap_err().to_string();
    // One format more in builds that have it.
    let error = error.replace("`openpgp`, ", "");
    error.lines().filter(|line| !line.contains(" | ")).map(str::to_owned).collect()
}

/// What is said about a `verify`.
#[track_caller]
fn said_of(verify: &str) -> Vec<String> {
    said(&resource(verify, ""))
}

#[test]
fn keys_of_a_jwk_set_are_refused_where_they_could_never_sign() {
    let anchor = format!(
        "[[resource]]\nname = \"keys\"\nurls = [\"https://a.example/keys\"]\n{}",
        "verify = { format = \"jws\", keys = [\"p256\"] }\n"
    );
    let sums = "format = \"checksums\", list = \"SUMS\", signature = { format = \"ssh\", principal = \"a\" }";
    let table = [
        ("format = \"note\"", Some("a note calls its keys by names")),
        ("format = \"note\", checkpoint = true", Some("a note calls its keys by names")),
        ("format = \"ssh\", principal = \"a\"", Some("`principal` asks for keys of an allowed-signers file")),
        (sums, Some("`principal` asks for keys of an allowed-signers file")),
        ("format = \"ssh\"", None),
        ("format = \"minisign\"", None),
        ("format = \"signify\"", None),
        ("format = \"narinfo\"", None),
        ("format = \"detached\", suffix = \".sig\"", None),
        ("format = \"jws\"", None),
        ("format = \"saml-metadata\"", None),
        ("format = \"xmldsig\"", None),
    ];
    for (verify, refusal) in table {
        let identity = "identity = \"x\"";
        let asks = verify.contains("checkpoint") || verify.contains("saml");
        let one = resource(&format!("{verify}, anchor = \"keys\""), if asks { identity } else { "" });
        let many = format!("[[collection]]\nanchor = \"keys\"\nname = \"of/{{url_hex}}\"\nverify = {{ {verify} }}\n");
        for (more, line) in [(one, 14), (many, 12)] {
            match (parse(&format!("{anchor}{more}")), refusal) {
                (Ok(_), None) => {}
                (Ok(_), Some(_)) => panic!("accepted: {more}"),
                (Err(error), None) => panic!("{more}: {error}"),
                (Err(error), Some(refusal)) => {
                    let error = error.to_string();
                    assert!(error.starts_with(&format!("c.toml:{line}:")), "{error}");
                    assert!(error.contains(&format!("no key of an anchor can sign so: {refusal}")), "{error}");
                }
            }
        }
    }
}

#[test]
fn an_allowed_signers_file_is_one_id_for_many_keys() {
    let with = |threshold: usize, end: u32| {
        let verify =
            format!("format = \"detached\", suffix = \".sig\", keys = [\"p256\", \"team\"], threshold = {threshold}");
        let limits = format!("not_before = 2019-01-01T00:00:00Z\nnot_after = {end}-01-01T00:00:00Z\n");
        format!("[keys.team]\nfile = \"allowed\"\n{limits}{}", resource(&verify, ""))
    };
    assert!(said(&with(6, 2029))[0].ends_with("between 1 and the number of keys (5), not at 6"));
    assert!(
        said(&with(5, 2029))[0].ends_with("a threshold of 5 can never be met: only 1 signature file is looked for")
    );
    let config = parse(&with(1, 2029)).unwrap();
    let ids: Vec<&str> = config.keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "mini",
            "p256",
            "team:alice@example.org,alice@example.com",
            "team:bob@example.org",
            "team:*@example.net,!eve@example.net",
            "team:bob@example.org#2"
        ]
    );
    assert_eq!(config.resources[0].rules.trust.keys().len(), 5);
    // The file's own limits and those of the configuration hold both.
    let limits = |config: &Config, index: usize| {
        let key = &config.keys[index];
        [key.not_before, key.not_after].map(|time| time.unwrap().to_string())
    };
    assert_eq!(limits(&config, 2), ["2020-01-01T00:00:00Z", "2029-01-01T00:00:00Z"]);
    assert_eq!(limits(&config, 3), ["2019-01-01T00:00:00Z", "2029-01-01T00:00:00Z"]);
    assert_eq!(limits(&parse(&with(1, 2031)).unwrap(), 3), ["2019-01-01T00:00:00Z", "2030-01-01T12:00:00Z"]);
}

#[test]
fn keys_in_one_line() {
    let key = "cache.example:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";
    let expected = "  expected a public key: ECDSA on P-256 or P-384, Ed25519 or RSA, as PEM, DER or JWK, or as minisign, \
                    signify, OpenSSH, C2SP notes or Nix write it";
    let expected = &format!("{expected}{}", if cfg!(feature = "openpgp") { "; or an OpenPGP certificate" } else { "" });
    assert_eq!(
        said(&format!(
            "[keys.a]\nline = \"-----BEGIN PUBLIC KEY-----\"\n[keys.b]\nline = \"ssh-dss AAAAB3NzaC1kc3M=\"\n[keys.c]\n\
             pem = \"{key}\"\n[keys.d]\nline = \"{key}\"\n[keys.e]\nline = \"other.{key}\"\n{}",
            resource("format = \"minisign\", keys = [\"mini\"]", "")
        )),
        [
            "c.toml:8:8: the key of [keys.a] cannot be used: its content is in no known form",
            expected,
            "c.toml:10:8: the key of [keys.b] cannot be used: the key's algorithm is not supported: expected ECDSA on \
             P-256 or P-384, Ed25519 or RSA, found ssh-dss",
            expected,
            "c.toml:12:7: the key of [keys.c] cannot be used: its content is in no known form",
            expected,
            "c.toml:15:7: `e` is the same key as `d` at c.toml:13:7",
            "  expected one id for each key: it would count twice",
        ]
    );
}

#[test]
fn minisign() {
    let plain = verifier("format = \"minisign\", keys = [\"mini\"]");
    let with = |more: &str| verifier(&format!("format = \"minisign\", keys = [\"mini\"], {more}"));
    assert_eq!((plain.format(), &*plain.companions()[0].suffix), ("minisign", ".minisig"));
    assert_eq!(plain.settings(), with("legacy = false, comment = []").settings());
    for other in ["legacy = true", "comment = [\"file\"]", "comment = [\"timestamp\"]", "suffix = \".sig\""] {
        assert_ne!(plain.settings(), with(other).settings(), "{other}");
    }
    assert_eq!(with("suffix = [\".a\", \".b\"]").companions().len(), 2);
    // With "file" an identity may be given, and without it none could match.
    let named = |more: &str| resource(&format!("format = \"minisign\", keys = [\"mini\"]{more}"), "identity = \"c\"");
    let config = parse(&named(", comment = [\"file\"]")).unwrap();
    assert_eq!(config.resources[0].rules.policy.identity.as_deref(), Some("c"));
    assert_eq!(
        said(&named("")),
        [
            "c.toml:11:12: this `identity` could never match: the document does not say what it is",
            "  expected a trusted comment that names the file: verify = { …, comment = [\"file\"] }"
        ]
    );
    assert_eq!(
        said_of(
            "format = \"minisign\", keys = [\"p256\"], claims = {}, comment = [\"fiel\", \"file\", \"file\"], legacy = 1"
        ),
        [
            "c.toml:10:40: `p256` is ECDSA P-256, and minisign signs with Ed25519",
            "  expected Ed25519 keys",
            "c.toml:10:50: unknown word `claims` in `verify`",
            "  expected one of `format`, `keys`, `anchor`, `threshold`, `suffix`, `legacy`, `comment`",
            "c.toml:10:74: `comment` cannot hold \"fiel\"",
            "  expected one of `file`, `timestamp`",
            "  did you mean `file`?",
            "c.toml:10:90: `file` stands twice in `comment`",
            "c.toml:10:108: `legacy` cannot be 1",
            "  expected `true` or `false`",
        ]
    );
}

#[test]
fn words_of_one_format_mean_nothing_in_another() {
    assert_eq!(
        said_of("format = \"detached\", suffix = \".sig\", keys = [\"p256\"], legacy = true"),
        [
            "c.toml:10:67: unknown word `legacy` in `verify`",
            "  expected one of `format`, `keys`, `anchor`, `threshold`, `suffix`, `claims`, `hash`, `scheme`",
        ]
    );
    for format in ["minisign", "signify", "ssh"] {
        let message = &said_of(&format!("format = \"{format}\", keys = [\"mini\"], hash = \"sha-256\""))[0];
        assert!(message.ends_with("unknown word `hash` in `verify`"), "{message}");
    }
}

#[test]
fn signify() {
    let with = |more: &str| verifier(&format!("format = \"signify\", keys = [\"mini\"]{more}"));
    assert_eq!((with("").format(), &*with("").companions()[0].suffix), ("signify", ".sig"));
    assert_eq!(with(", embedded = true").companions(), []);
    assert_eq!(with(", embedded = false").settings(), with(", suffix = \".sig\"").settings());
    assert_ne!(with(", embedded = true").settings(), with("").settings());
    assert_eq!(
        said_of("format = \"signify\", keys = [\"p256\"], embedded = true, suffix = \".sig\""),
        [
            "c.toml:10:39: `p256` is ECDSA P-256, and signify signs with Ed25519",
            "  expected Ed25519 keys",
            "c.toml:10:75: an embedded signature has no file, and so no `suffix`",
            "  expected one of `embedded`, `suffix`",
        ]
    );
    let named = resource("format = \"signify\", keys = [\"mini\"]", "identity = \"c\"");
    assert_eq!(said(&named)[1], "  expected a format that says it: such a signature names no document");
}

#[test]
fn ssh() {
    let team = "[keys.team]\nfile = \"allowed\"\n";
    let with = |more: &str| {
        let verify = format!("format = \"ssh\", keys = [\"team\", \"p256\"]{more}");
        parse(&format!("{team}{}", resource(&verify, "")))
    };
    let verifier = |more: &str| with(more).unwrap().resources[0].rules.verifier.clone();
    assert_eq!((verifier("").format(), &*verifier("").companions()[0].suffix), ("ssh", ".sig"));
    assert_eq!(verifier("").settings(), verifier(", namespace = \"file\", suffix = [\".sig\"]").settings());
    assert_ne!(verifier("").settings(), verifier(", namespace = \"git\"").settings());
    assert_ne!(verifier("").settings(), verifier(", principal = \"alice@example.org\"").settings());
    let said = |more: &str| with(more).unwrap_err().to_string();
    assert!(said(", namespace = \"\"").contains("`namespace` cannot be \"\""));
    assert!(said(", principal = 1").contains("`principal` cannot be 1"));
    let message = said(", principal = \"carol@example.org\"");
    let expected = "only 0 of the keys may sign here: team:alice@example.org,alice@example.com is not the key of \
                    carol@example.org, team:bob@example.org is not the key of carol@example.org, \
                    team:*@example.net,!eve@example.net is not the key of carol@example.org, team:bob@example.org#2 may \
                    not sign in the namespace file, p256 is not the key of carol@example.org";
    assert!(message.contains(expected), "{message}");
    let two = ", suffix = [\".a\", \".b\"], threshold = 2, principal = \"bob@example.org\"";
    assert!(said(two).contains("only 1 of the keys may sign here"), "his other key is for another namespace");
    assert!(said(&two.replace("bob", "alice")).ends_with("expected at least 2"));
    with(&two.replace("threshold = 2", "namespace = \"git\", threshold = 2")).unwrap();
}

#[test]
fn checksums() {
    let with = |more: &str| format!("format = \"checksums\", keys = [\"mini\"]{more}");
    let sums = |list: &str, signature: &str| with(&format!(", list = \"{list}\", signature = {{ {signature} }}"));
    let companions = |verify: &str| {
        let companions = verifier(verify).companions().into_iter();
        companions.map(|file| (file.suffix.to_string(), file.shared.unwrap().to_string())).collect::<Vec<_>>()
    };
    let pair = |suffix: &str, shared: &str| (suffix.to_owned(), shared.to_owned());
    assert_eq!(
        companions(&sums("SHA256SUMS", "format = \"minisign\"")),
        [pair(".SHA256SUMS", "SHA256SUMS"), pair(".SHA256SUMS.minisig", "SHA256SUMS.minisig")]
    );
    assert_eq!(
        companions(&sums("../SUMS", "format = \"ssh\", suffix = [\".a\", \".b\"]")),
        [pair(".SUMS", "../SUMS"), pair(".SUMS.a", "../SUMS.a"), pair(".SUMS.b", "../SUMS.b")]
    );
    assert_eq!(
        companions(&sums("SHA256.sig", "format = \"signify\", embedded = true")),
        [pair(".SHA256.sig", "SHA256.sig")]
    );
    let minisign = verifier(&sums("SUMS", "format = \"minisign\""));
    for other in [
        sums("OTHER", "format = \"minisign\""),
        sums("SUMS", "format = \"minisign\", legacy = true"),
        sums("SUMS", "format = \"signify\", suffix = \".minisig\""),
    ] {
        assert_ne!(minisign.settings(), verifier(&other).settings(), "{other}");
    }
    // A name may be given, and need not be.
    parse(&resource(&sums("SUMS", "format = \"ssh\""), "identity = \"c\"")).unwrap();
    let expected =
        "  expected the name of a file, such as \"SHA256SUMS\", or \"../SHA256SUMS\" for one that lies a folder higher";
    for (list, fault) in [
        ("", "c.toml:10:58: `list` cannot be \"\""),
        (
            "a b",
            "c.toml:10:58: \"a b\" cannot be a `list`: ' ' cannot be part of a name: use ASCII letters, digits and . _ - + = @ /",
        ),
        ("/SUMS", "c.toml:10:58: \"/SUMS\" cannot be a `list`: it may not hold a slash"),
        ("a/../SUMS", "c.toml:10:58: \"a/../SUMS\" cannot be a `list`: it may not hold a slash"),
        (
            "https://b.example/SUMS",
            "c.toml:10:58: \"https://b.example/SUMS\" cannot be a `list`: it may not hold a slash",
        ),
    ] {
        let said = said_of(&sums(list, "format = \"minisign\""));
        assert_eq!(said[0], fault);
        assert!(list.is_empty() || said[1] == expected, "{said:?}");
    }
    assert_eq!(
        said_of(&with("")),
        [
            "c.toml:10:10: `verify` has no `list`",
            expected,
            "c.toml:10:10: `verify` has no `signature`",
            "  expected how the list is signed, such as signature = { format = \"minisign\" }",
        ]
    );
    assert_eq!(
        said_of(&sums("S", "format = \"checksums\", list = \"T\"")),
        [
            "c.toml:10:86: `format` cannot be \"checksums\"",
            "  expected one of `detached`, `minisign`, `signify`, `ssh`",
        ]
    );
    assert_eq!(said_of(&sums("S", "format = \"detached\""))[0], "c.toml:10:75: `signature` has no `suffix`");
    assert_eq!(said_of(&sums("S", "suffix = \".sig\""))[0], "c.toml:10:75: `signature` has no `format`");
    assert_eq!(
        said_of(&with(", list = \"S\", suffix = \".sig\", signature = 1"))[0],
        "c.toml:10:63: unknown word `suffix` in `verify`"
    );
    let keys = sums("S", "format = \"minisign\"").replace("mini\"]", "p256\"]");
    assert_eq!(said_of(&keys)[0], "c.toml:10:75: `p256` is ECDSA P-256, and minisign signs with Ed25519");
    let threshold = with(", threshold = 2, list = \"S\", signature = { format = \"minisign\" }")
        .replace("mini\"]", "mini\", \"p256\"]");
    assert!(said_of(&threshold)[0].contains("p256"));
}

#[test]
fn note() {
    let key = text("note/log.key");
    let keys = format!("[keys.log]\nline = \"{}\"\n", key.trim());
    let with = |more: &str, rest: &str| {
        format!("{keys}{}", resource(&format!("format = \"note\", keys = [\"log\"]{more}"), rest))
    };
    let verifier = |more: &str, rest: &str| parse(&with(more, rest)).unwrap().resources[0].rules.verifier.clone();
    let plain = verifier("", "");
    assert_eq!((plain.format(), plain.companions().len()), ("note", 0));
    assert_eq!(plain.settings(), verifier(", checkpoint = false", "").settings());
    assert_ne!(plain.settings(), verifier(", checkpoint = true", "identity = \"log.example/2026\"").settings());
    assert_eq!(
        said(&with(", checkpoint = true", "")),
        [
            "c.toml:9:1: [[resource]] has no `identity`",
            "  expected the origin of the checkpoint: with nothing to compare, it guards nothing",
        ]
    );
    assert_eq!(
        said(&with("", "identity = \"x\""))[1],
        "  expected a text that says it: verify = { …, checkpoint = true }"
    );
    assert_eq!(
        said_of("format = \"note\", keys = [\"mini\"]"),
        [
            "c.toml:10:36: `mini` is not the key of a note: it has no name",
            "  expected verifier keys of notes: NAME+ID+BASE64",
        ]
    );
    // All signatures are in the note, so a threshold may be as high as there are keys.
    let witness = format!("[keys.witness]\nline = \"{}\"\n", text("note/witness.key").trim());
    let two = with(", threshold = 2", "").replace("[\"log\"]", "[\"log\", \"witness\"]");
    assert_eq!(parse(&format!("{witness}{two}")).unwrap().resources[0].rules.trust.threshold(), 2);
}

#[cfg(not(feature = "openpgp"))]
#[test]
fn without_its_feature_openpgp_is_no_format() {
    let said = said_of("format = \"openpgp\", keys = [\"mini\"]");
    assert!(said[0].ends_with("`format` cannot be \"openpgp\""), "{said:?}");
}

#[test]
fn narinfo() {
    let with = |more: &str| format!("format = \"narinfo\", keys = [\"mini\"]{more}");
    let plain = verifier(&with(""));
    assert_eq!((plain.format(), plain.companions().len()), ("narinfo", 0));
    let archive = verifier(&with(", narinfo = \"../hash.narinfo\""));
    let companion = &archive.companions()[0];
    assert_eq!((&*companion.suffix, companion.shared.as_deref()), (".hash.narinfo", Some("../hash.narinfo")));
    assert_ne!(plain.settings(), archive.settings());
    parse(&resource(&with(""), "identity = \"s36w4b92h7gd442j7872kqsp3qvfygfy-c\"")).unwrap();
    assert_eq!(
        said_of("format = \"narinfo\", keys = [\"p256\"], narinfo = \"a/b\""),
        [
            "c.toml:10:59: \"a/b\" cannot be a `narinfo`: it may not hold a slash",
            "  expected where the .narinfo lies from the folder of the archive, such as \"../HASH.narinfo\"",
        ]
    );
    assert_eq!(
        said_of("format = \"narinfo\", keys = [\"p256\"]")[0],
        "c.toml:10:39: `p256` is ECDSA P-256, and Nix signs with Ed25519"
    );
}
