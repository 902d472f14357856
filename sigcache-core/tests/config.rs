//! The configuration file: what it may say, and what is said about its mistakes.
// Without the disk the example cannot be loaded, and the messages name the stores that a build has.
#![cfg(all(
    feature = "alerts",
    feature = "config",
    feature = "disk",
    feature = "s3",
    feature = "gcs",
    feature = "azure"
))]
#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not see as such

use std::{path::Path, sync::Arc, time::Duration};

use sigcache_core::{
    OnExpiry, Replays, Revalidate, Role,
    anchor::Vouches,
    config::{Config, ConfigError},
    fetch::{Addresses, Limits},
    store::{Publish, Shard},
};

const EXAMPLE: &str = include_str!("../../sigcache.example.toml");

const PEM: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQQeIa/WPaM9xv9j3JHZQ3IfmRUsx
0xSEKKHNKyFkUEd/WoCNR1tq1p9C6LGiwAthU3d6hE+UWTgcQVXdOp5+5w==
-----END PUBLIC KEY-----
";

/// An RSA and an Ed25519 key.
const RSA: &str = include_str!("data/algorithms/rsa.pem");
const ED25519: &str = include_str!("data/algorithms/ed25519.pem");

const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";

/// A certificate and its key.
const CERTIFICATE: &str = include_str!("data/keys/certificate.pem");
const CERTIFICATE_KEY: &str = include_str!("data/keys/private-pkcs8.pem");

/// What the list of key forms ends with in builds that know them all.
const OR_OPENPGP: &str = "; or an OpenPGP certificate";

/// A sound beginning: line 1 to 8. What a test adds begins at line 9.
const HEAD: &str = r#"[store]
url = "memory:"
[keys.root]
file = "root.pem"
[keys.spare]
jwk = '{"kty":"EC","crv":"P-256","x":"M4U07A5BG4B_bv-OvcrH86pg1qQ_DhFiLoNSxS8CWGU","y":"YiBg70Fbx-R1_QhnqT6N4Us8O5CWFhelfSn6MvB6sew"}'
[defaults]
verify = { format = "detached", suffix = ".sig", keys = ["root"] }
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    std::fs::create_dir(folder.path().join("certs")).unwrap();
    write("root.pem", PEM);
    write("keys/hub-root.pem", include_str!("data/x509/root.pem"));
    write("keys/hub.crl.pem", include_str!("data/x509/crl.pem"));
    write("keys/release-2026.pem", RSA);
    write("rsa.pem", RSA);
    write("ed25519.pem", ED25519);
    write("private.pem", PRIVATE);
    write("certs/inner-ca.pem", CERTIFICATE);
    write("names.txt", "# feeds\nfeeds/a.json\n\n  feeds/b.json  # the second\r\n");
    write("bad-names.txt", "good\nnot good\n");
    folder
}

fn env(name: &str) -> Option<String> {
    match name {
        "SIGCACHE_TOKEN" => Some("Bearer hunter2".to_owned()),
        "SIGCACHE_CLIENT_PEM" => Some([CERTIFICATE, CERTIFICATE_KEY].concat()),
        "BROKEN" => Some("hunter2\r\nX-Other: 1".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn parse(text: &str, folder: &Path) -> Result<Config, ConfigError> {
    Config::parse(text, "c.toml", folder, &env)
}

/// The example with everything switched on that is off in it.
fn example_in_full() -> String {
    let on = |line: &str| match line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_alphabetic())) {
        Some(rest) if !rest.starts_with("path =") && !rest.contains("openpgp") => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(on).collect()
}

#[test]
fn the_example_loads_and_its_defaults_are_the_defaults() {
    let folder = folder();
    let path = folder.path().join("sigcache.toml");
    std::fs::write(&path, EXAMPLE).unwrap();
    let config = Config::load(&path, &|_| None).unwrap();
    let names: Vec<&str> = config.resources.iter().map(|resource| resource.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "flags.json",
            "prices/today.json",
            "trust-anchor.jwt",
            "tools/tool.tar.gz",
            "tools/SHA256.sig",
            "tools/tool.deb",
            "tools/tool.zip",
            "log/checkpoint",
            "nix/s36w4b92h7gd442j7872kqsp3qvfygfy.narinfo",
            "nix/c.nar",
            "issuers.json",
            "tools/SHA256SUMS",
            "federation.xml",
            "trusted-list.xml",
            "feeds/a.json",
            "feeds/b.json"
        ]
    );
    let flags = &config.resources[0].rules;
    assert_eq!(flags.limits, Limits::default());
    assert_eq!(flags.policy, sigcache_core::Policy::default());
    assert_eq!(*flags.access, sigcache_core::fetch::Access::default());
    let prices = &config.resources[1].rules;
    assert_eq!(prices.policy.identity.as_deref(), Some("prices/today"));
    assert_eq!(prices.policy.set.as_deref(), Some("prices"));
    assert_eq!(prices.policy.shrink_limit, Some(0.2));
    assert_eq!((prices.trust.threshold(), prices.verifier.companions().len()), (2, 2));
    let [.., feed, last] = config.resources.as_slice() else { panic!("no feeds") };
    assert_eq!(feed.rules.policy.max_age, Duration::from_secs(86_400));
    assert_eq!(last.urls()[1].as_str(), "https://mirror.example/feeds/feeds/b.json");
    assert_eq!((config.concurrency, config.per_host, config.removal_limit), (16, 4, 0.5));
    assert_eq!(config.store.publish, Publish::Copies);
    assert_eq!(config.keys.len(), 8);
    let release = config.keys.iter().find(|key| key.id.as_str() == "release-2026").unwrap();
    assert_eq!(release.not_after.unwrap().to_string(), "2027-02-01T00:00:00Z");
}

#[test]
fn an_empty_configuration_has_the_same_defaults_as_the_example() {
    let folder = folder();
    let text = format!("{HEAD}[[resource]]\nname = \"a\"\nurls = [\"https://a.example/a\"]\n");
    let config = parse(&text, folder.path()).unwrap();
    let rules = &config.resources[0].rules;
    assert_eq!((&rules.limits, &rules.policy), (&Limits::default(), &sigcache_core::Policy::default()));
    assert_eq!((config.concurrency, config.per_host, config.removal_limit), (16, 4, 0.5));
}

#[test]
fn everything_that_the_example_switches_off_can_be_switched_on() {
    let folder = folder();
    let text = example_in_full()
        .replace("\"withhold\"", "\"serve\"")
        .replace("\"refuse\"", "\"accept\"")
        .replace("\"when-stale\"", "\"always\"")
        .replace("allow_private = false", "allow_private = true")
        .replace("least_speed = \"1KiB/s\"", "least_speed = \"2KiB/s\"")
        .replace("publish = true", "publish = false")
        .replace("url = \"file:cache\"", "url = \"s3://bucket/root\"")
        .replace("account = \"examplestorage\"\n", "")
        // Two ways to say the same exclude each other.
        .replace("token_file = \"/run/secrets/sigcache-token\"\n", "")
        .replace("every = \"1h\"\n", "");
    let config = parse(&text, folder.path()).unwrap();
    let rules = &config.resources[0].rules;
    assert_eq!(rules.policy.on_expiry, OnExpiry::Serve);
    assert_eq!(rules.policy.replays, Replays::Accept);
    assert_eq!(rules.policy.revalidate, Revalidate::Always);
    assert_eq!(rules.policy.max_stale, Some(Duration::from_secs(7 * 86_400)));
    assert_eq!(rules.policy.shrink_limit, Some(0.5));
    assert_eq!(rules.limits.least_bytes, 20 * 1024);
    assert_eq!(rules.access.addresses, Addresses::Any);
    assert_eq!(rules.access.extra_ca.len(), 1);
    assert!(rules.access.client.is_some());
    assert_eq!(rules.access.headers.len(), 2);
    assert_eq!(rules.access.headers[0].0, "authorization");
    assert_eq!(rules.access.headers[0].1.reveal(), b"Bearer hunter2");
    assert_eq!(rules.content_type.as_deref(), Some("application/samlmetadata+xml"));
    assert_eq!(config.store.publish, Publish::Nothing);
    assert_eq!(config.store.cloud.path_style, Some(true));
    assert_eq!(config.store.cloud.extra_ca.len(), 1);
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_hundred_thousand_names_share_one_set_of_rules() {
    let folder = folder();
    let names: String = (0..100_000).map(|number| format!("feeds/{number:06}.json\n")).collect();
    std::fs::write(folder.path().join("many.txt"), names).unwrap();
    let text = format!(
        "{HEAD}[[collection]]\nlist = \"many.txt\"\nurls = [\"https://a.example/{{name}}\"]\n\
         [[resource]]\nname = \"one\"\nurls = [\"https://a.example/one\"]\n"
    );
    let config = parse(&text, folder.path()).unwrap();
    assert_eq!(config.resources.len(), 100_001);
    let first = &config.resources[0];
    assert!(config.resources.iter().all(|other| Arc::ptr_eq(&first.rules, &other.rules)));
    assert_eq!(config.resources[100_000].urls()[0].as_str(), "https://a.example/feeds/099999.json");
    assert_eq!(Arc::strong_count(&first.rules), 100_001);
}

#[test]
fn equal_settings_share_rules_and_access_however_they_are_said() {
    let folder = folder();
    let resource = |name: &str, more: &str| {
        format!("[[resource]]\nname = \"{name}\"\nurls = [\"https://a.example/{name}\"]\n{more}\n")
    };
    let verify = "verify = { keys = [\"root\"], suffix = [\".sig\"], format = \"detached\", threshold = 1 }";
    let text = [HEAD, &resource("a", ""), &resource("b", verify), &resource("c", "tries = 5")].concat();
    let config = parse(&text, folder.path()).unwrap();
    let rules: Vec<_> = config.resources.iter().map(|resource| &resource.rules).collect();
    assert!(Arc::ptr_eq(rules[0], rules[1]));
    assert!(!Arc::ptr_eq(rules[0], rules[2]) && Arc::ptr_eq(&rules[0].access, &rules[2].access));
}

#[test]
fn an_identity_pattern_becomes_the_identity_of_each_name() {
    let folder = folder();
    let text = format!(
        "{HEAD}[[collection]]\nlist = \"names.txt\"\nurls = [\"file:in/{{name}}\"]\nidentity = \"urn:{{name}}\"\n\
         verify = {{ format = \"detached\", suffix = \".sig\", keys = [\"root\"], claims = {{ identity = \"/id\" }} }}\n"
    );
    let config = parse(&text, folder.path()).unwrap();
    let identities: Vec<_> = config.resources.iter().map(|one| one.rules.policy.identity.as_deref().unwrap()).collect();
    assert_eq!(identities, ["urn:feeds/a.json", "urn:feeds/b.json"]);
    let expected = url::Url::from_file_path(folder.path().join("in/feeds/a.json")).unwrap();
    assert_eq!(config.resources[0].urls(), [expected]);
}

#[test]
fn an_identity_claim_with_nothing_to_compare_it_with_is_refused() {
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root"], claims = { identity = "/id" } }
[[collection]]
list = "names.txt"
urls = ["https://a.example/{name}"]
[collection.verify]
format = "detached"
suffix = ".sig"
keys = ["root"]
claims.identity = "/id"
"##,
        r##"c.toml:12:89: [[resource]] has no `identity`
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], claims = { identity = "/id" } }
     |                                                                                         ^^^^^
  expected what `claims.identity` must find in the document: with nothing to compare, it guards nothing
c.toml:20:19: [[collection]] has no `identity`
  20 | claims.identity = "/id"
     |                   ^^^^^
  expected what `claims.identity` must find in the document: with nothing to compare, it guards nothing"##,
    );
    // In [defaults] it is right as long as each resource has its own; the fault is where none is.
    let defaults = HEAD.replace("keys = [\"root\"] }", "keys = [\"root\"], claims = { identity = \"/id\" } }");
    refused_whole(
        &format!(
            "{defaults}{}",
            r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[[resource]]
name = "b"
urls = ["https://a.example/b"]
identity = "b"
[[resource]]
name = "c"
urls = ["https://a.example/c"]
verify = { format = "detached", suffix = ".sig", keys = ["root"] }
[[resource]]
name = "d"
urls = ["https://a.example/d"]
identty = "d"
[[collection]]
list = "names.txt"
urls = ["https://a.example/{name}"]
"##
        ),
        r##"c.toml:9:1: [[resource]] has no `identity`
  9 | [[resource]]
    | ^^^^^^^^^^^^
  expected what `claims.identity` must find in the document: with nothing to compare, it guards nothing
c.toml:23:1: unknown word `identty` in [[resource]]
  23 | identty = …
     | ^^^^^^^
  expected one of `name`, `urls`, `identity`, `set`, `verify`, `max_size`, `max_companion`, `timeout`, `connect_timeout`, `first_byte_timeout`, `idle_timeout`, `least_speed`, `speed_window`, `redirects`, `tries`, `max_age`, `max_stale`, `on_expiry`, `shrink_limit`, `replays`, `revalidate`, `content_type`, `allow_private`, `extra_ca`, `client_certificate`, `headers`
  did you mean `identity`?
c.toml:24:1: [[collection]] has no `identity`
  24 | [[collection]]
     | ^^^^^^^^^^^^^^
  expected what `claims.identity` must find in the document: with nothing to compare, it guards nothing"##,
    );
}

#[cfg(feature = "disk")]
#[test]
fn a_relative_store_lies_beside_the_configuration() {
    let folder = folder();
    for said in ["url = \"file:cache\"", "path = \"cache\"", "url = \"FILE:./x/../cache\""] {
        let text = EXAMPLE.replace("url = \"file:cache\"", said);
        let config = parse(&text, folder.path()).unwrap();
        config.open_store(Shard::WHOLE).unwrap();
        assert!(folder.path().join("cache").is_dir(), "{said}");
        std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
    }
}

#[test]
fn a_missing_or_foreign_file_is_named() {
    let folder = folder();
    let path = folder.path().join("none.toml");
    let error = Config::load(&path, &env).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: the configuration cannot be read", path.display()));
    assert!(std::error::Error::source(&error).is_some());
    std::fs::write(&path, b"a = 1\nb = \"\xff\"").unwrap();
    let error = Config::load(&path, &env).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: line 2 is not UTF-8", path.display()));
    std::fs::File::create(&path).unwrap().set_len(64 * 1024 * 1024 + 1).unwrap();
    let error = Config::load(&path, &env).unwrap_err();
    assert!(error.to_string().ends_with("at most 67108864 bytes"), "{error}");
    assert!(Config::load(folder.path(), &env).is_err());
}

// --- messages: what is added to HEAD (so that it begins at line 9), and all that is said about it

#[track_caller]
fn refused(text: &str, message: &str) {
    refused_whole(&format!("{HEAD}{text}"), message);
}

#[track_caller]
fn refused_whole(text: &str, message: &str) {
    let folder = folder();
    let error = parse(text, folder.path()).unwrap_err();
    let shown = error.to_string().replace(&folder.path().display().to_string(), "DIR");
    // One format more in builds that have it.
    let shown = shown.replace("`openpgp`, ", "").replace("`openpgp` or ", "").replace(OR_OPENPGP, "");
    assert!(!format!("{error:?}{shown}").contains("hunter2"), "{error:?}");
    assert_eq!(shown, message, "\n--- found:\n{shown}\n--- expected:\n{message}\n");
}

#[test]
fn mistyped_words_get_the_nearest() {
    refused(
        r##"[[resource]]
name = "a"
url = ["https://a.example/a"]
"##,
        r##"c.toml:11:1: unknown word `url` in [[resource]]
  11 | url = […]
     | ^^^
  expected one of `name`, `urls`, `identity`, `set`, `verify`, `max_size`, `max_companion`, `timeout`, `connect_timeout`, `first_byte_timeout`, `idle_timeout`, `least_speed`, `speed_window`, `redirects`, `tries`, `max_age`, `max_stale`, `on_expiry`, `shrink_limit`, `replays`, `revalidate`, `content_type`, `allow_private`, `extra_ca`, `client_certificate`, `headers`
  did you mean `urls`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
on_expiry = "witheld"
"##,
        r##"c.toml:12:13: `on_expiry` cannot be "witheld"
  12 | on_expiry = "witheld"
     |             ^^^^^^^^^
  expected one of `withhold`, `serve`
  did you mean `withhold`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detatched", suffix = ".sig", keys = ["root"] }
"##,
        r##"c.toml:12:21: `format` cannot be "detatched"
  12 | verify = { format = "detatched", suffix = ".sig", keys = ["root"] }
     |                     ^^^^^^^^^^^
  expected one of `checksums`, `detached`, `digests`, `jws`, `minisign`, `narinfo`, `note`, `saml-metadata`, `signify`, `ssh`, `xmldsig`
  did you mean `detached`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", sufix = ".sig", keys = ["roott"] }
"##,
        r##"c.toml:12:33: unknown word `sufix` in `verify`
  12 | verify = { format = "detached", sufix = …, keys = ["roott"] }
     |                                 ^^^^^
  expected one of `format`, `keys`, `anchor`, `threshold`, `suffix`, `claims`, `hash`, `scheme`
  did you mean `suffix`?
c.toml:12:57: there is no key `roott`
  12 | verify = { format = "detached", sufix = …, keys = ["roott"] }
     |                                                    ^^^^^^^
  expected one of `root`, `spare`
  did you mean `root`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[[colection]]
list = "names.txt"
"##,
        r##"c.toml:12:3: unknown word `colection` in the configuration
  12 | [[colection]]
     |   ^^^^^^^^^
  expected one of `store`, `run`, `serve`, `defaults`, `keys`, `resource`, `collection`, `alert`
  did you mean `collection`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[run]
concurency = 3
"##,
        r##"c.toml:13:1: unknown word `concurency` in [run]
  13 | concurency = …
     | ^^^^^^^^^^
  expected one of `concurrency`, `per_host`, `removal_limit`
  did you mean `concurrency`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.other]
files = "root.pem"
"##,
        r##"c.toml:13:1: unknown word `files` in [keys.other]
  13 | files = …
     | ^^^^^
  expected one of `file`, `pem`, `jwk`, `line`, `not_before`, `not_after`, `revoked`
  did you mean `file`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root"], claims = { expiry = "/e" } }
"##,
        r##"c.toml:12:78: unknown word `expiry` in `claims`
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], claims = { expiry = … } }
     |                                                                              ^^^^^^
  expected one of `identity`, `version`, `issued`, `not_before`, `expires`, `entries`
  did you mean `expires`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
zebra = 1
"##,
        r##"c.toml:12:1: unknown word `zebra` in [[resource]]
  12 | zebra = …
     | ^^^^^
  expected one of `name`, `urls`, `identity`, `set`, `verify`, `max_size`, `max_companion`, `timeout`, `connect_timeout`, `first_byte_timeout`, `idle_timeout`, `least_speed`, `speed_window`, `redirects`, `tries`, `max_age`, `max_stale`, `on_expiry`, `shrink_limit`, `replays`, `revalidate`, `content_type`, `allow_private`, `extra_ca`, `client_certificate`, `headers`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
replays = true
"##,
        r##"c.toml:12:11: `replays` cannot be a boolean
  12 | replays = true
     |           ^^^^
  expected one of `refuse`, `accept`"##,
    );
}

#[test]
fn values_that_cannot_be() {
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
timeout = "60"
"##,
        r##"c.toml:12:11: `timeout` cannot be "60"
  12 | timeout = "60"
     |           ^^^^
  expected a duration such as "500ms", "90s", "5m", "3h" or "7d", at most "36500d", more than zero"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
timeout = 60
"##,
        r##"c.toml:12:11: `timeout` cannot be 60
  12 | timeout = 60
     |           ^^
  expected a duration such as "500ms", "90s", "5m", "3h" or "7d", at most "36500d", more than zero"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
connect_timeout = "0s"
"##,
        r##"c.toml:12:19: `connect_timeout` cannot be "0s"
  12 | connect_timeout = "0s"
     |                   ^^^^
  expected a duration such as "500ms", "90s", "5m", "3h" or "7d", at most "36500d", more than zero"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
max_size = "10 MiB"
"##,
        r##"c.toml:12:12: `max_size` cannot be "10 MiB"
  12 | max_size = "10 MiB"
     |            ^^^^^^^^
  expected a size such as "10MiB", "4KB" or "123" (bytes), more than zero"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
max_size = 0
"##,
        r##"c.toml:12:12: `max_size` cannot be 0
  12 | max_size = 0
     |            ^
  expected a size such as "10MiB", "4KB" or "123" (bytes), more than zero"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
max_size = -1
"##,
        r##"c.toml:12:12: `max_size` cannot be -1
  12 | max_size = -1
     |            ^^
  expected a size such as "10MiB", "4KB" or "123" (bytes), more than zero"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
least_speed = "1KiB"
"##,
        r##"c.toml:12:15: `least_speed` cannot be "1KiB"
  12 | least_speed = "1KiB"
     |               ^^^^^^
  expected a speed such as "1KiB/s""##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
shrink_limit = "110%"
"##,
        r##"c.toml:12:16: `shrink_limit` cannot be "110%"
  12 | shrink_limit = "110%"
     |                ^^^^^^
  expected a share from "0%" to "100%", such as "50%" or "12.5%""##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
tries = 0
"##,
        r##"c.toml:12:9: `tries` cannot be 0
  12 | tries = 0
     |         ^
  expected a whole number from 1 to 20"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
redirects = 1.5
"##,
        r##"c.toml:12:13: `redirects` cannot be a float
  12 | redirects = 1.5
     |             ^^^
  expected a whole number from 0 to 20"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
allow_private = "yes"
"##,
        r##"c.toml:12:17: `allow_private` cannot be "yes"
  12 | allow_private = "yes"
     |                 ^^^^^
  expected `true` or `false`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[run]
concurrency = 0
removal_limit = 0.5
"##,
        r##"c.toml:13:15: `concurrency` cannot be 0
  13 | concurrency = 0
     |               ^
  expected a whole number from 1 to 10000
c.toml:14:17: `removal_limit` cannot be a float
  14 | removal_limit = 0.5
     |                 ^^^
  expected a share from "0%" to "100%", such as "50%" or "12.5%""##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
identity = ""
"##,
        r##"c.toml:12:12: `identity` cannot be ""
  12 | identity = ""
     |            ^^
  expected a text that is not empty"##,
    );
}

#[test]
fn names_and_urls() {
    refused(
        r##"[[resource]]
name = "../a"
urls = ["https://a.example/a"]
"##,
        r##"c.toml:10:8: "../a" is not a name: no part of a name may begin with a dot
  10 | name = "../a"
     |        ^^^^^^
  expected a name such as "feeds/prices.json""##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = []
"##,
        r##"c.toml:11:8: `urls` is an empty list
  11 | urls = []
     |        ^^
  expected at least one URL"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = "https://a.example/a"
"##,
        r##"c.toml:11:8: `urls` cannot be "https://a.example/a"
  11 | urls = "https://a.example/a"
     |        ^^^^^^^^^^^^^^^^^^^^^
  expected a list of texts"##,
    );
    refused(
        r##"[[resource]]
"##,
        r##"c.toml:9:1: [[resource]] has no `name`
  9 | [[resource]]
    | ^^^^^^^^^^^^
  expected its place in the store
c.toml:9:1: [[resource]] has no `urls`
  9 | [[resource]]
    | ^^^^^^^^^^^^
  expected a list of URLs, to be tried in this order"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a", 3]
"##,
        r##"c.toml:11:32: an entry of `urls` cannot be 3
  11 | urls = ["https://a.example/a", 3]
     |                                ^
  expected a text that is not empty"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["a.example/a"]
"##,
        r##"c.toml:11:9: "a.example/a" is not a URL: relative URL without a base
  11 | urls = ["a.example/a"]
     |         ^^^^^^^^^^^^^
  expected a whole URL, which begins with `https:` or `http:` or `file:`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["htps://a.example/a"]
"##,
        r##"c.toml:11:9: `htps` URLs are not supported
  11 | urls = ["htps://a.example/a"]
     |         ^^^^^^^^^^^^^^^^^^^^
  expected one of `https`, `http`, `file`
  did you mean `https`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/ a"]
"##,
        r##"c.toml:11:9: "https://a.example/ a" is not a URL: there is a space or a control character in it
  11 | urls = ["https://a.example/ a"]
     |         ^^^^^^^^^^^^^^^^^^^^^^
  expected a whole URL, which begins with `https:` or `http:` or `file:`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https:///"]
"##,
        r##"c.toml:11:9: "https:///" is not a URL: empty host
  11 | urls = ["https:///"]
     |         ^^^^^^^^^^^
  expected a whole URL, which begins with `https:` or `http:` or `file:`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://me:hunter2@a.example/a"]
"##,
        r##"c.toml:11:9: there is a user name or password in this URL
  11 | urls = […]
     |         ^
  expected a header in its place: headers = { Authorization = "env:NAME" }"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://hunter2@a.example:port/a", "file://host/a"]
"##,
        r##"c.toml:11:9: "…" is not a URL: invalid port number
  11 | urls = […, "file://host/a"]
     |         ^
  expected a whole URL, which begins with `https:` or `http:` or `file:`
c.toml:11:45: "file://host/a" names a host
  11 | urls = […, "file://host/a"]
     |            ^^^^^^^^^^^^^^^
  expected file:///path, or file:path from the folder of the configuration"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[[resource]]
name = "a"
urls = ["https://a.example/a"]
"##,
        r##"c.toml:13:8: the name `a` stands twice
  13 | name = "a"
     |        ^^^
  expected another name: `a` is taken at c.toml:10:8"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[[resource]]
name = "a/b"
urls = ["https://a.example/a"]
"##,
        r##"c.toml:13:8: a and a/b cannot both be stored: the first would be a file and a folder at once
  13 | name = "a/b"
     |        ^^^^^
  expected another name: `a` is taken at c.toml:10:8"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[[resource]]
name = "a.sig"
urls = ["https://a.example/a"]
"##,
        r##"c.toml:13:8: a and a.sig cannot both be stored: the second is where the first one's companion goes
  13 | name = "a.sig"
     |        ^^^^^^^
  expected another name: `a` is taken at c.toml:10:8"##,
    );
    refused(
        r##"[resource]
name = "a"
"##,
        r##"c.toml:9:1: [resource] stands in single brackets
  9 | [resource]
    | ^^^^^^^^^^
  expected [[resource]], as there may be more of them"##,
    );
    refused(
        r##""##,
        r##"c.toml:1:1: there is nothing to fetch
  expected at least one [[resource]], or a [[collection]] with a name in its list"##,
    );
}

#[test]
fn urls_with_secrets_are_never_shown() {
    refused(
        r##"[[resource]]
name = "a"
urls = "https://me:hunter2@a.example/a"
"##,
        r##"c.toml:11:8: `urls` cannot be "…"
  11 | urls = …
     |        ^
  expected a list of texts"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https:me:hunter2@a.example/a", 3]
"##,
        r##"c.toml:11:41: an entry of `urls` cannot be 3
  11 | urls = […, 3]
     |            ^
  expected a text that is not empty"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["htps://a.example/a?token=hunter2"]
"##,
        r##"c.toml:11:9: `htps` URLs are not supported
  11 | urls = […]
     |         ^
  expected one of `https`, `http`, `file`
  did you mean `https`?"##,
    );
    refused(
        r##"[[resource]]
name = "https://a.example/a?token=hunter2"
urls = ["//me:hunter2@a.example/a"]
"##,
        r##"c.toml:10:8: "…" is not a name: a name needs a non-empty text between its slashes
  10 | name = …
     |        ^
  expected a name such as "feeds/prices.json"
c.toml:11:9: "…" is not a URL: relative URL without a base
  11 | urls = […]
     |         ^
  expected a whole URL, which begins with `https:` or `http:` or `file:`"##,
    );
    refused(
        r##"[[collection]]
list = "names.txt"
urls = ["https://a.example/a?token=hunter2"]
"##,
        r##"c.toml:11:9: "…" is the same for every name
  11 | urls = […]
     |         ^
  expected `{name}` where the name belongs"##,
    );
    refused(
        r##"[[collection]]
list = "names.txt"
urls = ["https://{name}:hunter2@a.example/a"]
"##,
        r##"c.toml:11:9: there is a user name or password in this URL
  11 | urls = […]
     |         ^
  expected a header in its place: headers = { Authorization = "env:NAME" }"##,
    );
}

#[test]
fn collections() {
    refused(
        r##"[[collection]]
list = "names.txt"
urls = ["https://a.example/names"]
"##,
        r##"c.toml:11:9: "https://a.example/names" is the same for every name
  11 | urls = ["https://a.example/names"]
     |         ^^^^^^^^^^^^^^^^^^^^^^^^^
  expected `{name}` where the name belongs"##,
    );
    refused(
        r##"[[collection]]
list = "names.txt"
urls = ["https://a.example/{nam}/{name}"]
"##,
        r##"c.toml:11:9: `{nam}` cannot be filled in
  11 | urls = ["https://a.example/{nam}/{name}"]
     |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected `{name}`
  did you mean `{name}`?"##,
    );
    refused(
        r##"[[collection]]
list = "names.txt"
urls = ["https://{name}.example/"]
"##,
        r##"c.toml:11:9: the name would decide the host in "https://{name}.example/"
  11 | urls = ["https://{name}.example/"]
     |         ^^^^^^^^^^^^^^^^^^^^^^^^^
  expected `{name}` in the path or the query"##,
    );
    refused(
        r##"[[collection]]
list = "names.txt"
urls = ["ftp://a.example/{name}"]
"##,
        r##"c.toml:11:9: `ftp` URLs are not supported
  11 | urls = ["ftp://a.example/{name}"]
     |         ^^^^^^^^^^^^^^^^^^^^^^^^
  expected one of `https`, `http`, `file`
  did you mean `http`?"##,
    );
    refused(
        r##"[[collection]]
list = "bad-names.txt"
urls = ["https://a.example/{name}"]
"##,
        r##"DIR/bad-names.txt:2:1: "not good" is not a name: ' ' cannot be part of a name: use ASCII letters, digits and . _ - + = @ /
  2 | not good
    | ^^^^^^^^
  expected a name such as "feeds/prices.json""##,
    );
    refused(
        r##"[[collection]]
list = "none.txt"
urls = ["https://a.example/{name}"]
"##,
        r##"c.toml:10:8: the list "DIR/none.txt" cannot be read: No such file or directory (os error 2)
  10 | list = "none.txt"
     |        ^^^^^^^^^^
  expected a path, from the folder of the configuration"##,
    );
    refused(
        r##"[[collection]]
urls = ["https://a.example/{name}"]
"##,
        r##"c.toml:9:1: [[collection]] has no `list`
  9 | [[collection]]
    | ^^^^^^^^^^^^^^
  expected the path of a file with one name on each line"##,
    );
    refused(
        r##"[[collection]]
list = "names.txt"
urls = ["https://a.example/{name}"]
identity = "x"
verify = { format = "detached", suffix = ".sig", keys = ["root"], claims = { identity = "/id" } }
"##,
        r##"c.toml:12:12: every name of the list would have the same identity
  12 | identity = "x"
     |            ^^^
  expected `{name}` in it, where the name belongs"##,
    );
}

#[test]
fn trust() {
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
identity = "a"
"##,
        r##"c.toml:12:12: this `identity` could never match: the document does not say what it is
  12 | identity = "a"
     |            ^^^
  expected a pointer to its identity: verify = { …, claims = { identity = "/name" } }"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root"], threshold = 2 }
"##,
        r##"c.toml:12:79: the threshold must lie between 1 and the number of keys (1), not at 2
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], threshold = 2 }
     |                                                                               ^"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root", "spare"], threshold = 2 }
"##,
        r##"c.toml:12:88: a threshold of 2 can never be met: only 1 signature file is looked for
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root", "spare"], threshold = 2 }
     |                                                                                        ^
  expected as many endings in `suffix`: each file holds one signature"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root"], threshold = 0 }
"##,
        r##"c.toml:12:79: `threshold` cannot be 0
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], threshold = 0 }
     |                                                                               ^
  expected a whole number from 1 to 1000"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root", "root"] }
"##,
        r##"c.toml:12:57: root and root are the same key; it would count twice
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root", "root"] }
     |                                                         ^^^^^^^^^^^^^^^^"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = [] }
"##,
        r##"c.toml:12:57: at least one key is needed
  12 | verify = { format = "detached", suffix = ".sig", keys = [] }
     |                                                         ^^"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { suffix = "/sig" }
"##,
        r##"c.toml:12:10: `verify` has no `format`
  12 | verify = { suffix = "/sig" }
     |          ^^^^^^^^^^^^^^^^^^^
  expected `checksums` or `detached` or `digests` or `jws` or `minisign` or `narinfo` or `note` or `saml-metadata` or `signify` or `ssh` or `xmldsig`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = [".sig", ".sig"], keys = ["root"] }
"##,
        r##"c.toml:12:51: ".sig" cannot be a `suffix`: it stands twice
  12 | verify = { format = "detached", suffix = [".sig", ".sig"], keys = ["root"] }
     |                                                   ^^^^^^
  expected an ending such as ".sig""##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root"], claims = { version = "version" } }
"##,
        r##"c.toml:12:88: `version` cannot be "version"
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], claims = { version = "version" } }
     |                                                                                        ^^^^^^^^^
  expected a JSON pointer (RFC 6901) such as "/version" or "/meta/expires""##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = "none"
"##,
        r##"c.toml:12:10: `verify` cannot be a text
  12 | verify = "none"
     |          ^^^^^^
  expected a table"##,
    );
}

#[test]
fn keys() {
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.twin]
file = "root.pem"
"##,
        r##"c.toml:12:7: `twin` is the same key as `root` at c.toml:3:7
  12 | [keys.twin]
     |       ^^^^
  expected one id for each key: it would count twice"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.lost]
file = "none.pem"
"##,
        r##"c.toml:13:8: the file "DIR/none.pem" cannot be read: No such file or directory (os error 2)
  13 | file = "none.pem"
     |        ^^^^^^^^^^
  expected a path, from the folder of the configuration"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.mine]
file = "private.pem"
"##,
        r##"c.toml:13:8: the key of [keys.mine] cannot be used: this is a private key, keep it where only the signer can read it
  13 | file = "private.pem"
     |        ^^^^^^^^^^^^^
  expected a public key: ECDSA on P-256 or P-384, Ed25519 or RSA, as PEM, DER or JWK, or as minisign, signify, OpenSSH, C2SP notes or Nix write it"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.mine]
pem = """
-----BEGIN PRIVATE KEY-----
hunter2
-----END PRIVATE KEY-----"""
file = "x"
"##,
        r##"c.toml:12:7: [keys.mine] has more than one of `file`, `pem`, `jwk` and `line`
  12 | [keys.mine]
     |       ^^^^
  expected exactly one of them"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.mine]
pem = "-----BEGIN PRIVATE KEY----- hunter2"
"##,
        r##"c.toml:13:7: the key of [keys.mine] cannot be used: this is a private key, keep it where only the signer can read it
  13 | pem = …
     |       ^
  expected a public key: ECDSA on P-256 or P-384, Ed25519 or RSA, as PEM, DER or JWK, or as minisign, signify, OpenSSH, C2SP notes or Nix write it"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.mine]
jwk = '{"kty":"EC","crv":"P-256","d":"hunter2"}'
"##,
        r##"c.toml:13:7: the key of [keys.mine] cannot be used: this is a private key, keep it where only the signer can read it
  13 | jwk = …
     |       ^
  expected a public key: ECDSA on P-256 or P-384, Ed25519 or RSA, as PEM, DER or JWK, or as minisign, signify, OpenSSH, C2SP notes or Nix write it"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.mine]
jwk = "{hunter2"
"##,
        r##"c.toml:13:7: the key of [keys.mine] cannot be used: the JWK is damaged
  13 | jwk = …
     |       ^
  expected a public key: ECDSA on P-256 or P-384, Ed25519 or RSA, as PEM, DER or JWK, or as minisign, signify, OpenSSH, C2SP notes or Nix write it"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.none]
"##,
        r##"c.toml:12:7: [keys.none] has no `file` or `pem` or `jwk` or `line`
  12 | [keys.none]
     |       ^^^^
  expected exactly one of them"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys]
flat = "hunter2"
"##,
        r##"c.toml:13:1: `flat` cannot be a text
  13 | flat = …
     | ^^^^
  expected a table [keys.flat] with `file`, `pem`, `jwk` or `line`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
[keys.old]
pem = "x"
not_after = 2026-01-01
"##,
        r##"c.toml:13:7: the key of [keys.old] cannot be used: its content is in no known form
  13 | pem = …
     |       ^
  expected a public key: ECDSA on P-256 or P-384, Ed25519 or RSA, as PEM, DER or JWK, or as minisign, signify, OpenSSH, C2SP notes or Nix write it"##,
    );
}

#[test]
fn json_web_signatures() {
    let of = |more: &str| {
        format!(
            "{HEAD}[[resource]]\nname = \"a\"\nurls = [\"https://a.example/a\"]\n\
             verify = {{ format = \"jws\", keys = [\"hub\"]{more} }}\n\
             [keys.hub]\nfile = \"keys/hub-root.pem\"\n"
        )
    };
    let folder = folder();
    let mut settings = Vec::new();
    for more in [
        "",
        r#", suffix = ".jws""#,
        r#", typ = "JWT""#,
        r#", claims = {}"#,
        r#", claims = { version = "/v" }"#,
        ", chain = true",
        r#", chain = true, crl = ["keys/hub.crl.pem"]"#,
        r#", chain = true, extended_key_usage = ["1.3.6.1.5.5.7.3.4"]"#,
    ] {
        let config = parse(&of(more), folder.path()).unwrap_or_else(|error| panic!("{more}: {error}"));
        settings.push(config.resources[0].rules.verifier.settings());
    }
    for (number, one) in settings.iter().enumerate() {
        assert!(!settings[..number].contains(one), "{number}");
    }
    // Where it is not said what is read, `iss` is, so an identity may be asked for or not.
    assert!(parse(&of("").replace("urls =", "identity = \"x\"\nurls ="), folder.path()).is_ok());

    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
identity = "x"
verify = { format = "jws", keys = ["root"], claims = {} }
"##,
        r##"c.toml:12:12: this `identity` could never match: the document does not say what it is
  12 | identity = "x"
     |            ^^^
  expected a pointer to its identity: verify = { …, claims = { identity = "/name" } }"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "jws", keys = ["root"], chain = true }
"##,
        r##"c.toml:12:35: no certificate path can lead to `root`: it is a bare key
  12 | verify = { format = "jws", keys = ["root"], chain = true }
     |                                   ^^^^^^^^
  expected keys that are given as certificates, as `chain = true` asks for them"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "jws", keys = ["root"], crl = ["root.pem"], hash = "sha-256" }
"##,
        r##"c.toml:12:51: `crl` concerns certificate paths, and none are asked for
  12 | verify = { format = "jws", keys = ["root"], crl = ["root.pem"], hash = … }
     |                                                   ^^^^^^^^^^^^
  expected `chain = true` beside it
c.toml:12:65: unknown word `hash` in `verify`
  12 | verify = { format = "jws", keys = ["root"], crl = ["root.pem"], hash = … }
     |                                                                 ^^^^
  expected one of `format`, `keys`, `anchor`, `threshold`, `suffix`, `claims`, `typ`, `chain`, `crl`, `extended_key_usage`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "jws", keys = ["root"], chain = true, crl = ["root.pem"] }
[[resource]]
name = "b"
urls = ["https://a.example/b"]
verify = { format = "jws", keys = ["root"], chain = true, extended_key_usage = ["mail"] }
[[resource]]
name = "c"
urls = ["https://a.example/c"]
verify = { format = "jws", keys = ["root"], suffix = "/jws" }
[[resource]]
name = "d"
urls = ["https://a.example/d"]
verify = { format = "detached", keys = ["root"], suffix = ".sig", typ = "JWT" }
"##,
        r##"c.toml:12:66: this file cannot be used: not a revocation list in PEM (X509 CRL) or DER: it is a PUBLIC KEY
  12 | verify = { format = "jws", keys = ["root"], chain = true, crl = ["root.pem"] }
     |                                                                  ^^^^^^^^^^
  expected a certificate revocation list, PEM or DER
c.toml:16:81: "mail" is not an object identifier such as 1.3.6.1.5.5.7.3.36
  16 | verify = { format = "jws", keys = ["root"], chain = true, extended_key_usage = ["mail"] }
     |                                                                                 ^^^^^^
c.toml:20:54: "/jws" cannot be a `suffix`: it may not hold a slash
  20 | verify = { format = "jws", keys = ["root"], suffix = "/jws" }
     |                                                      ^^^^^^
  expected an ending such as ".jws"
c.toml:24:67: unknown word `typ` in `verify`
  24 | verify = { format = "detached", keys = ["root"], suffix = ".sig", typ = … }
     |                                                                   ^^^
  expected one of `format`, `keys`, `anchor`, `threshold`, `suffix`, `claims`, `hash`, `scheme`"##,
    );
}

#[test]
fn how_keys_sign() {
    let of = |keys: &str, more: &str| {
        format!(
            "{HEAD}[[resource]]\nname = \"a\"\nurls = [\"https://a.example/a\"]\n\
             verify = {{ format = \"detached\", suffix = \".sig\", keys = [{keys}]{more} }}\n\
             [keys.rsa]\nfile = \"rsa.pem\"\n[keys.ed]\nfile = \"ed25519.pem\"\n"
        )
    };
    let folder = folder();
    let mut settings = Vec::new();
    for (keys, more) in [
        (r#""root""#, ""),
        (r#""root""#, r#", hash = "sha-256""#),
        (r#""root""#, r#", hash = "sha-384""#),
        (r#""rsa", "ed""#, r#", hash = "sha-512""#),
        (r#""rsa", "ed""#, r#", scheme = "rsa-pss""#),
        (r#""rsa", "root""#, r#", scheme = "rsa-pkcs1""#),
        (r#""rsa", "root""#, r#", scheme = "rsa-pss", hash = "sha-512""#),
    ] {
        let config = parse(&of(keys, more), folder.path()).unwrap_or_else(|error| panic!("{more}: {error}"));
        settings.push(config.resources[0].rules.verifier.settings());
    }
    // What was verified under other settings is verified anew.
    for (number, one) in settings.iter().enumerate() {
        assert!(!settings[..number].contains(one), "{number}");
    }
    // Two resources that differ in nothing but this have two verifiers.
    let two = of(r#""rsa""#, "").replace(
        "[keys.rsa]",
        "[[resource]]\nname = \"b\"\nurls = [\"https://a.example/b\"]\n\
        verify = { format = \"detached\", suffix = \".sig\", keys = [\"rsa\"], scheme = \"rsa-pss\" }\n[keys.rsa]",
    );
    let config = parse(&two, folder.path()).unwrap();
    let settings = |index: usize| config.resources[index].rules.verifier.settings();
    assert_ne!(settings(0), settings(1));

    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root"], hash = "sha512", scheme = "pss" }
"##,
        r##"c.toml:12:74: `hash` cannot be "sha512"
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], hash = "sha512", scheme = "pss" }
     |                                                                          ^^^^^^^^
  expected one of `sha-256`, `sha-384`, `sha-512`
  did you mean `sha-512`?
c.toml:12:93: `scheme` cannot be "pss"
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], hash = "sha512", scheme = "pss" }
     |                                                                                             ^^^^^
  expected one of `rsa-pkcs1`, `rsa-pss`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root"], hsh = "sha-512", shceme = "rsa-pss" }
"##,
        r##"c.toml:12:67: unknown word `hsh` in `verify`
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], hsh = …, shceme = … }
     |                                                                   ^^^
  expected one of `format`, `keys`, `anchor`, `threshold`, `suffix`, `claims`, `hash`, `scheme`
  did you mean `hash`?
c.toml:12:84: unknown word `shceme` in `verify`
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], hsh = …, shceme = … }
     |                                                                            ^^^^^^
  expected one of `format`, `keys`, `anchor`, `threshold`, `suffix`, `claims`, `hash`, `scheme`
  did you mean `scheme`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root"], scheme = "rsa-pss" }
"##,
        r##"c.toml:12:76: `scheme` concerns none of the keys
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], scheme = "rsa-pss" }
     |                                                                            ^^^^^^^^^
  expected an RSA key; no other has such a choice"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["ed"], hash = "sha-512" }
[keys.ed]
file = "ed25519.pem"
"##,
        r##"c.toml:12:72: `hash` concerns none of the keys
  12 | verify = { format = "detached", suffix = ".sig", keys = ["ed"], hash = "sha-512" }
     |                                                                        ^^^^^^^^^
  expected an ECDSA or RSA key; Ed25519 has no such choice"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root", "es256"], hash = "sha-512" }
[keys.es256]
jwk = '{"kty":"EC","alg":"ES256","crv":"P-256","x":"XMnsyTw2PFFZvzKy35_auoAsEgfGqWs3MvvzvMMdkUQ","y":"y5xchQtDcxT__mH3fCy9x07tPb0H7oTrtQ5LW8qWqlo"}'
"##,
        r##"c.toml:12:57: `es256` cannot sign so: its `alg` says ECDSA with SHA-256 and nothing else
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root", "es256"], hash = "sha-512" }
     |                                                         ^^^^^^^^^^^^^^^^^
  expected `hash` and `scheme` as the key says, or neither of them"##,
    );
}

#[test]
fn secrets() {
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
headers = { Authorization = "env:TOKEN" }
"##,
        r##"c.toml:12:29: the environment variable `TOKEN` is not set, or empty
  12 | headers = { Authorization = … }
     |                             ^"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
headers = { Authorization = "env:EMPTY" }
"##,
        r##"c.toml:12:29: the environment variable `EMPTY` is not set, or empty
  12 | headers = { Authorization = … }
     |                             ^"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
headers = { Authorization = "env:BROKEN" }
"##,
        r##"c.toml:12:29: the value of `Authorization` has characters that a header cannot have
  12 | headers = { Authorization = … }
     |                             ^
  expected printable ASCII, without a line break or a space at either end"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
headers = { Authorization = "hunter2\n" }
"##,
        r##"c.toml:12:29: the value of `Authorization` has characters that a header cannot have
  12 | headers = { Authorization = … }
     |                             ^
  expected printable ASCII, without a line break or a space at either end"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
headers = { Host = "hunter2", authorization = "hunter2", Authorization = "hunter2" }
"##,
        r##"c.toml:12:13: `Host` is a header that sigcache itself decides about
  12 | headers = { Host = …, authorization = …, Authorization = … }
     |             ^^^^
  expected the name of another header, such as `Authorization`
c.toml:12:31: `authorization` stands twice
  12 | headers = { Host = …, authorization = …, Authorization = … }
     |                       ^^^^^^^^^^^^^
  expected the name of another header, such as `Authorization`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
headers = { "X Y" = "hunter2", Z = ["hunter2"], A = "env:MY-NAME" }
"##,
        r##"c.toml:12:13: `X Y` is not the name of a header
  12 | headers = { "X Y" = …, Z = […], A = … }
     |             ^^^^^
  expected the name of another header, such as `Authorization`
c.toml:12:36: the value of `Z` cannot be a list
  12 | headers = { "X Y" = …, Z = […], A = … }
     |                            ^^^
  expected a text, or "env:NAME"
c.toml:12:53: what follows `env:` is not the name of a variable
  12 | headers = { "X Y" = …, Z = […], A = … }
     |                                     ^
  expected letters, digits and `_`, as in "env:API_TOKEN""##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
header = { Authorization = "hunter2" }
"##,
        r##"c.toml:12:1: unknown word `header` in [[resource]]
  12 | header = { Authorization = … }
     | ^^^^^^
  expected one of `name`, `urls`, `identity`, `set`, `verify`, `max_size`, `max_companion`, `timeout`, `connect_timeout`, `first_byte_timeout`, `idle_timeout`, `least_speed`, `speed_window`, `redirects`, `tries`, `max_age`, `max_stale`, `on_expiry`, `shrink_limit`, `replays`, `revalidate`, `content_type`, `allow_private`, `extra_ca`, `client_certificate`, `headers`
  did you mean `headers`?"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", keys = ["root"], header.Authorization = "hunter2" }
"##,
        r##"c.toml:12:67: unknown word `header` in `verify`
  12 | verify = { format = "detached", suffix = ".sig", keys = ["root"], header.Authorization = … }
     |                                                                   ^^^^^^
  expected one of `format`, `keys`, `anchor`, `threshold`, `suffix`, `claims`, `hash`, `scheme`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
client_certificate = "-----BEGIN PRIVATE KEY----- hunter2"
"##,
        r##"c.toml:12:22: `client_certificate` cannot be the certificate itself, or empty
  12 | client_certificate = …
     |                      ^
  expected the path of a PEM file with certificate and key, or "env:NAME""##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
client_certificate = "env:SIGCACHE_TOKEN"
"##,
        r##"c.toml:12:22: `client_certificate` does not hold a certificate and its private key in PEM
  12 | client_certificate = …
     |                      ^
  expected both, one after the other, in one text"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
client_certificate = "root.pem"
"##,
        r##"c.toml:12:22: `client_certificate` does not hold a certificate and its private key in PEM
  12 | client_certificate = …
     |                      ^
  expected both, one after the other, in one text"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
extra_ca = ["root.pem", "none.pem"]
"##,
        r##"c.toml:12:13: this file holds no certificate in PEM
  12 | extra_ca = ["root.pem", "none.pem"]
     |             ^^^^^^^^^^
  expected -----BEGIN CERTIFICATE-----
c.toml:12:25: the file "DIR/none.pem" cannot be read: No such file or directory (os error 2)
  12 | extra_ca = ["root.pem", "none.pem"]
     |                         ^^^^^^^^^^
  expected a path, from the folder of the configuration"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
headers = { Authorization = "hunter2 }
"##,
        r##"c.toml:12:39: this is not TOML: unclosed inline table, expected `}`"##,
    );
}

/// What begins like PEM and is none would otherwise fail each request, in each run, as trouble with TLS.
#[cfg(feature = "http")]
#[test]
fn damaged_certificates_are_told_before_anything_is_fetched() {
    const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgopt/MEufsBR0Dzuc
3/sSqdx/guVTIYMPn23G3Cz2GFShRANCAATwfF7s5Um+V1Fn5YmJAYiuz/UIk41Q
3rwiCWC/GOwFSNbyLTGEfk+N3vaFfgiBI4FP5wJIFrwQ/cXGwvDi8/kk
-----END PRIVATE KEY-----
";
    let encrypted = include_str!("data/keys/private-encrypted.pem");
    let not_der = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
    let cut = &CERTIFICATE[..CERTIFICATE.len() / 2];
    let refused = |word: &str, value: &str, pem: &str, column: usize, message: &str| {
        let folder = folder();
        std::fs::write(folder.path().join("x.pem"), pem).unwrap();
        let line = format!("{word} = {value}");
        let text = format!("{HEAD}[[resource]]\nname = \"a\"\nurls = [\"https://a.example/a\"]\n{line}\n");
        let error = parse(&text, folder.path()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("c.toml:12:{column}: {message}\n")), "{error}");
        assert!(!error.contains("x.pem") || word == "extra_ca", "{error}");
        error
    };
    let whole = refused("extra_ca", "[\"root.pem\"]", "", 13, "this file holds no certificate in PEM");
    assert!(whole.contains("root.pem"), "{whole}");
    let table = [
        (cut.to_owned(), "broken PEM"),
        ([cut, "\n", CERTIFICATE].concat(), "broken PEM"),
        (CERTIFICATE.replace("MII", "M*I"), "broken PEM"),
        (not_der.to_owned(), "a broken certificate"),
        ([CERTIFICATE, not_der].concat(), "a broken certificate"),
    ];
    for (pem, fault) in table {
        let error = refused("extra_ca", "[\"x.pem\"]", &pem, 13, &format!("this file holds {fault}"));
        assert!(error.ends_with("\n  expected certificates of authorities, none of them damaged"), "{error}");
    }
    let table = [
        ([cut, "\n", CERTIFICATE_KEY].concat(), "broken PEM"),
        ([not_der, CERTIFICATE_KEY].concat(), "a broken certificate"),
        ([CERTIFICATE, PRIVATE].concat(), "a private key that cannot be used"),
        ([CERTIFICATE, &CERTIFICATE_KEY[..CERTIFICATE_KEY.len() / 2], "PRIVATE KEY-----"].concat(), "broken PEM"),
        ([CERTIFICATE, OTHER_KEY].concat(), "a private key that is not the certificate's"),
        ([CERTIFICATE, encrypted].concat(), "no private key, or only an encrypted one"),
    ];
    for (pem, fault) in table {
        let message = format!("`client_certificate` holds {fault}");
        let error = refused("client_certificate", "\"x.pem\"", &pem, 22, &message);
        assert!(error.ends_with("\n  expected a certificate and its own private key, not encrypted"), "{error}");
    }
}

#[test]
fn tables_that_are_missing_or_wrong() {
    refused_whole(
        r##"resource = 3
keys = 4
"##,
        r##"c.toml:1:1: the configuration has no `store`
  expected [store] with `url = "file:cache"`, `path = "cache"` or `url = "s3://bucket/cache"`
c.toml:1:12: `resource` cannot be 3
  1 | resource = 3
    |            ^
  expected tables [[resource]], not an integer
c.toml:2:8: [keys] cannot be an integer
  2 | keys = 4
    |        ^
  expected a table"##,
    );
    refused_whole(
        r##"[sore]
url = "memory:"
"##,
        r##"c.toml:1:2: unknown word `sore` in the configuration
  1 | [sore]
    |  ^^^^
  expected one of `store`, `run`, `serve`, `defaults`, `keys`, `resource`, `collection`, `alert`
  did you mean `store`?"##,
    );
    refused_whole(
        r##"[store]
url = "memory:"
path = "cache"
"##,
        r##"c.toml:1:1: [store] has both `url` and `path`
  1 | [store]
    | ^^^^^^^
  expected one of them"##,
    );
    refused_whole(
        r##"[[resource]]
name = "a"
"##,
        r##"c.toml:1:1: the configuration has no `store`
  expected [store] with `url = "file:cache"`, `path = "cache"` or `url = "s3://bucket/cache"`
c.toml:1:1: [[resource]] has no `verify`
  1 | [[resource]]
    | ^^^^^^^^^^^^
  expected one here or in [defaults]: nothing is stored that cannot be verified
c.toml:1:1: [[resource]] has no `urls`
  1 | [[resource]]
    | ^^^^^^^^^^^^
  expected a list of URLs, to be tried in this order"##,
    );
    refused_whole(
        r##"[store]
url = "swift://bucket/cache"
[[resource]]
name = "a"
urls = ["https://a.example/a"]
"##,
        r##"c.toml:2:7: `swift` stores are not supported by this build
  2 | url = "swift://bucket/cache"
    |       ^^^^^^^^^^^^^^^^^^^^^^
  expected one of `file`, `memory`, `s3`, `gs`, `az`
c.toml:3:1: [[resource]] has no `verify`
  3 | [[resource]]
    | ^^^^^^^^^^^^
  expected one here or in [defaults]: nothing is stored that cannot be verified"##,
    );
    refused_whole(
        r##"[store]
url = "cache"
publish = 1
[[resource]]
name = "a"
urls = ["https://a.example/a"]
"##,
        r##"c.toml:2:7: "cache" is not a URL: relative URL without a base
  2 | url = "cache"
    |       ^^^^^^^
  expected a whole URL, which begins with `file:` or `memory:` or `s3:` or `gs:` or `az:`
c.toml:3:11: `publish` cannot be 1
  3 | publish = 1
    |           ^
  expected `true` or `false`
c.toml:4:1: [[resource]] has no `verify`
  4 | [[resource]]
    | ^^^^^^^^^^^^
  expected one here or in [defaults]: nothing is stored that cannot be verified"##,
    );
    refused_whole(
        r##"[store]
url = "https://me:hunter2@a.example/"
[[resource]]
name = "a"
urls = ["https://a.example/a"]
"##,
        r##"c.toml:2:7: `https` stores are not supported by this build
  2 | url = …
    |       ^
  expected one of `file`, `memory`, `s3`, `gs`, `az`
c.toml:3:1: [[resource]] has no `verify`
  3 | [[resource]]
    | ^^^^^^^^^^^^
  expected one here or in [defaults]: nothing is stored that cannot be verified"##,
    );
    refused_whole(
        r##"[store]
[[resource]]
name = "a"
urls = ["https://a.example/a"]
"##,
        r##"c.toml:1:1: [store] has no `url` or `path`
  1 | [store]
    | ^^^^^^^
  expected [store] with `url = "file:cache"`, `path = "cache"` or `url = "s3://bucket/cache"`
c.toml:2:1: [[resource]] has no `verify`
  2 | [[resource]]
    | ^^^^^^^^^^^^
  expected one here or in [defaults]: nothing is stored that cannot be verified"##,
    );
    refused_whole(
        r##"[store]
url = "memory:"
[[resource]]
name = "a"
urls = ["https://a.example/a"]
"##,
        r##"c.toml:3:1: [[resource]] has no `verify`
  3 | [[resource]]
    | ^^^^^^^^^^^^
  expected one here or in [defaults]: nothing is stored that cannot be verified"##,
    );
    refused_whole(
        r##"[store]
url = "memory:"
[store]
"##,
        r##"c.toml:3:2: this is not TOML: duplicate key"##,
    );
    refused_whole(
        r##"[store]
url = memory
"##,
        r##"c.toml:2:7: this is not TOML: string values must be quoted, expected literal string"##,
    );
    refused_whole(
        r##"store = true
"##,
        r##"c.toml:1:9: [store] cannot be a boolean
  1 | store = true
    |         ^^^^
  expected a table"##,
    );
}

#[test]
fn many_problems_are_counted_and_long_lines_cut() {
    let folder = folder();
    let more: String = (0..25).map(|number| format!("word{number:02} = 1\n")).collect();
    let error = parse(&format!("{HEAD}{more}"), folder.path()).unwrap_err();
    assert_eq!(error.problems().len(), 20);
    assert!(error.to_string().ends_with("\nand 5 more"), "{error}");
    let first = &error.problems()[0];
    assert_eq!(
        (&*first.file, first.position, first.message.as_str()),
        ("c.toml", Some((9, 1)), "unknown word `word00` in [defaults]")
    );
    let long = format!("{HEAD}on_expiry = \"{}\"\n", "ä".repeat(1000));
    let error = parse(&long, folder.path()).unwrap_err();
    assert!(error.to_string().lines().all(|line| line.chars().count() < 150), "{error}");
    let far = format!("{HEAD}{}on_expiry = \"x\"\n", " ".repeat(1000));
    let error = parse(&far, folder.path()).unwrap_err();
    assert!(error.to_string().starts_with("c.toml:9:1013: `on_expiry` cannot be \"x\"\n  expected"), "{error}");
}

#[test]
fn columns_count_characters() {
    let folder = folder();
    let text = format!("{HEAD}set = \"äöü\"\n\u{9}headers = {{ \"ä\" = \"x\" }}\n");
    let error = parse(&text, folder.path()).unwrap_err();
    let positions: Vec<_> = error.problems().iter().map(|problem| problem.position).collect();
    assert_eq!(positions, [Some((9, 1)), Some((10, 14))]);
    assert!(error.to_string().contains("\n  10 |  headers = { \"ä\" = … }\n     |              ^^^\n"), "{error}");
}

/// A cheap source of numbers that is the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

#[test]
fn no_mutation_of_the_example_panics_or_shows_a_secret() {
    let folder = folder();
    let example = example_in_full().replace("env:SIGCACHE_TOKEN", "hunter2");
    let example: Vec<char> = example.chars().collect();
    let pieces: Vec<&str> = vec![
        "\"", "'", "\"\"\"", "[", "]", "{", "}", "=", "\n", "#", ".", ",", "ä", "\0", "{name}", "file:", "-1", "1e9",
        "[[", "@", "?",
    ];
    let mut numbers = Numbers(7);
    for _ in 0..2_000 {
        let mut text = example.clone();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(text.len());
            let end = (at + numbers.below(12)).min(text.len());
            match numbers.below(3) {
                0 => drop(text.drain(at..end)),
                1 => drop(text.splice(at..at, pieces[numbers.below(pieces.len())].chars())),
                _ => {
                    let copy: Vec<char> = text[at..end].to_vec();
                    let to = numbers.below(text.len());
                    text.splice(to..to, copy);
                }
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = parse(&text, folder.path()) {
            let shown = format!("{error}\n{error:?}");
            assert!(!shown.contains("hunter2"), "{shown}\n{text}");
        }
    }
}

#[test]
fn what_rests_on_an_anchor_stands_apart_and_trusts_nobody_yet() {
    let folder = folder();
    let config = parse(EXAMPLE, folder.path()).unwrap();
    let anchor = config.resources.iter().find(|resource| resource.name.as_str() == "issuers.json").unwrap();
    assert_eq!(anchor.rules.role, Role::Anchor);
    assert_eq!(anchor.rules.limits.max_size, 1 << 20);
    assert!(config.resources.iter().all(|resource| resource.name.as_str() != "statement.json"));
    let [statement, issuers, tools] = config.anchored.as_slice() else { panic!("{:?}", config.anchored) };
    assert!(matches!(&statement.vouches, Vouches::Resource { resource, threshold: 1 }
        if resource.name.as_str() == "statement.json" && resource.rules.trust.keys().is_empty()));
    assert!(matches!(&issuers.vouches, Vouches::Entries { name, identity: None, rules }
        if &**name == "issuers/{url_hex}" && rules.trust.keys().is_empty()));
    let Vouches::Files(files) = &tools.vouches else { panic!("{tools:?}") };
    assert_eq!((&*files.name, &*files.only), ("tools/{file}", &["*.tar.gz".to_owned(), "*.zip".to_owned()][..]));
    assert_eq!(*files.urls, ["https://tools.example/{file}".to_owned()]);
}

#[test]
fn openpgp_is_named_among_the_forms_of_keys_where_the_build_has_it() {
    let folder = folder();
    let text = format!("{HEAD}[keys.other]\njwk = \"x\"\n");
    let said = parse(&text, folder.path()).unwrap_err().to_string();
    assert!(said.contains("OpenSSH, C2SP notes or Nix write it"), "{said}");
    assert_eq!(said.contains(OR_OPENPGP), cfg!(feature = "openpgp"), "{said}");
    let error = sigcache_core::trust::PublicKey::parse(b"x").unwrap_err().to_string();
    assert_eq!(error.contains("or an OpenPGP certificate"), cfg!(feature = "openpgp"), "{error}");
}

#[test]
fn anchors_come_before_what_rests_on_them() {
    let folder = folder();
    let resource = |name: &str, signers: &str| {
        format!(
            "[[resource]]\nname = \"{name}\"\nurls = [\"https://a.example/{name}\"]\n\
             verify = {{ format = \"detached\", suffix = \".sig\", {signers} }}\n"
        )
    };
    let text = [
        HEAD,
        &resource("leaf", "anchor = \"middle\""),
        &resource("middle", "anchor = \"top\""),
        &resource("top", "keys = [\"root\"]"),
    ]
    .concat();
    let config = parse(&text, folder.path()).unwrap();
    let anchors: Vec<&str> = config.anchored.iter().map(|one| one.anchor.as_str()).collect();
    assert_eq!((config.resources.len(), anchors), (1, vec!["top", "middle"]));
}

#[test]
fn anchors_that_make_no_sense_are_refused() {
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "detached", suffix = ".sig", anchor = "b" }
[[resource]]
name = "b"
urls = ["https://a.example/b"]
verify = { format = "detached", suffix = ".sig", anchor = "a" }
[[resource]]
name = "c"
urls = ["https://a.example/c"]
verify = { format = "detached", suffix = ".sig", anchor = "aa" }
[[resource]]
name = "d"
urls = ["https://a.example/d"]
verify = { format = "detached", suffix = ".sig", anchor = "d", keys = ["root"] }
[[resource]]
name = "e"
urls = ["https://a.example/e"]
verify = { format = "detached", suffix = ".sig" }
"##,
        r##"c.toml:12:59: `b` rests on itself, by way of other anchors
  12 | verify = { format = "detached", suffix = ".sig", anchor = "b" }
     |                                                           ^^^
  expected an anchor whose own keys stand in `keys` in the end
c.toml:16:59: `a` rests on itself, by way of other anchors
  16 | verify = { format = "detached", suffix = ".sig", anchor = "a" }
     |                                                           ^^^
  expected an anchor whose own keys stand in `keys` in the end
c.toml:20:59: there is no resource `aa`
  20 | verify = { format = "detached", suffix = ".sig", anchor = "aa" }
     |                                                           ^^^^
  expected one of `a`, `b`, `c`, `d`
c.toml:24:59: `verify` has both `keys` and `anchor`
  24 | verify = { format = "detached", suffix = ".sig", anchor = "d", keys = ["root"] }
     |                                                           ^^^
  expected exactly one of them
c.toml:28:10: `verify` has no `keys`
  28 | verify = { format = "detached", suffix = ".sig" }
     |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected the ids of the keys that may sign, or `anchor`"##,
    );
    refused(
        r##"[[resource]]
name = "a"
urls = ["https://a.example/a"]
set = "s"
[[collection]]
anchor = "a"
name = "of/{url}"
urls = ["https://a.example/{name}"]
[[collection]]
anchor = "a"
name = "of/{url_hex}"
[[collection]]
anchor = "a"
list = "names.txt"
[[collection]]
anchor = "a"
name = "of/{url_hex}"
verify = { format = "detached", suffix = ".sig" }
[[collection]]
list = "names.txt"
urls = ["https://a.example/{name}"]
verify = { format = "detached", suffix = ".sig", anchor = "a" }
"##,
        r##"c.toml:13:1: a collection of an anchor needs a `verify` of its own
  13 | [[collection]]
     | ^^^^^^^^^^^^^^
  expected the anchor to name the key of each entry
c.toml:15:8: "of/{url}" names no entry
  15 | name = "of/{url}"
     |        ^^^^^^^^^^
  expected a name with `{url_hex}` in it, where the hexadecimal form of the URL belongs
c.toml:16:8: a collection of an anchor's keys has no `urls`
  16 | urls = ["https://a.example/{name}"]
     |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected the anchor to name the URL of each entry
c.toml:17:1: a collection of an anchor needs a `verify` of its own
  17 | [[collection]]
     | ^^^^^^^^^^^^^^
  expected the anchor to name the key of each entry
c.toml:21:10: a collection has both `list` and `anchor`
  21 | anchor = "a"
     |          ^^^
  expected exactly one of them
c.toml:24:10: the anchor `a` cannot be part of a set
  24 | anchor = "a"
     |          ^^^
  expected an anchor that counts as soon as it is verified, whatever becomes of others
c.toml:30:59: a collection with a `list` cannot rest on an anchor
  30 | verify = { format = "detached", suffix = ".sig", anchor = "a" }
     |                                                           ^^^
  expected `anchor` in the collection itself, or a [[resource]] for each name"##,
    );
}

#[test]
fn files_of_a_list_are_said_in_the_words_of_their_format() {
    refused(
        r##"[[resource]]
name = "list"
urls = ["https://a.example/list"]
[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = { format = "digests", keys = ["root"] }
[[resource]]
name = "b"
urls = ["https://a.example/b"]
verify = { format = "digests" }
[[collection]]
anchor = "list"
name = "files/{url_hex}"
urls = ["https://a.example/{name}", "https://{file}.example/x"]
files = []
identity = "{file}"
verify = { format = "digests" }
[[collection]]
anchor = "list"
name = "files/{file}"
verify = { format = "digests" }
[[collection]]
anchor = "list"
name = "keys/{url_hex}"
files = ["*"]
verify = { format = "detached", suffix = ".sig" }
[[collection]]
list = "names.txt"
urls = ["https://a.example/{name}"]
files = ["*"]
"##,
        r##"c.toml:15:32: unknown word `keys` in `verify`
  15 | verify = { format = "digests", keys = […] }
     |                                ^^^^
  expected one of `format`, `anchor`
c.toml:19:10: `verify` has no `anchor`
  19 | verify = { format = "digests" }
     |          ^^^^^^^^^^^^^^^^^^^^^^
  expected the resource that is the list with the digest
c.toml:22:8: "files/{url_hex}" names no entry
  22 | name = "files/{url_hex}"
     |        ^^^^^^^^^^^^^^^^^
  expected a name with `{file}` in it, where the name of the file belongs
c.toml:23:9: "https://a.example/{name}" is the same for every file
  23 | urls = ["https://a.example/{name}", "https://{file}.example/x"]
     |         ^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected `{file}` where the file belongs
c.toml:23:37: the file would decide the host in "https://{file}.example/x"
  23 | urls = ["https://a.example/{name}", "https://{file}.example/x"]
     |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected `{file}` in the path or the query
c.toml:24:9: `files` is an empty list
  24 | files = []
     |         ^^
  expected patterns such as "*.tar.gz"
c.toml:25:12: a collection of files has no `identity`
  25 | identity = "{file}"
     |            ^^^^^^^^
  expected the list to name each file
c.toml:27:1: [[collection]] has no `urls`
  27 | [[collection]]
     | ^^^^^^^^^^^^^^
  expected a list of URLs, to be tried in this order
c.toml:34:9: a collection of an anchor's keys has no `files`
  34 | files = ["*"]
     |         ^^^^^
  expected `verify = { format = "digests" }` beside it, where the anchor is a list of checksums
c.toml:39:9: a collection with a `list` has no `files`
  39 | files = ["*"]
     |         ^^^^^
  expected `anchor` in place of `list`, where a signed list of checksums names them"##,
    );
    let folder = folder();
    let text = format!(
        "{HEAD}[keys.ed]\nfile = \"ed25519.pem\"\n[[resource]]\nname = \"list\"\nurls = [\"https://a.example/list\"]\n\
         verify = {{ format = \"signify\", embedded = true, keys = [\"ed\"] }}\n\
         [[resource]]\nname = \"one\"\nurls = [\"https://a.example/one\"]\n\
         verify = {{ format = \"digests\", anchor = \"list\" }}\n"
    );
    let config = parse(&text, folder.path()).unwrap();
    assert!(matches!(&config.anchored[0].vouches, Vouches::File { resource } if resource.name.as_str() == "one"));
}

#[test]
fn a_certificate_bounds_its_key_where_the_format_says_so() {
    let folder = folder();
    let resource = |name: &str, verify: &str| {
        format!("[[resource]]\nname = \"{name}\"\nurls = [\"https://a.example/{name}\"]\nverify = {{ {verify} }}\n")
    };
    let text = [
        HEAD,
        &resource("plain", "format = \"detached\", suffix = \".sig\", keys = [\"certified\"]"),
        &resource("xml", "format = \"xmldsig\", keys = [\"certified\"]"),
        "[keys.certified]\nfile = \"certs/inner-ca.pem\"\n",
    ]
    .concat();
    let config = parse(&text, folder.path()).unwrap();
    let ends: Vec<_> =
        config.resources.iter().map(|one| one.rules.trust.keys()[0].not_after.map(|end| end.to_string())).collect();
    assert_eq!(ends[0], None);
    assert!(ends[1].is_some(), "{ends:?}");
}
