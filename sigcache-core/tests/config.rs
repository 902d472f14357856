//! The configuration file: what it may say, and what is said about its mistakes.
#![cfg(feature = "config")]

use std::{path::Path, sync::Arc, time::Duration};

use sigcache_core::{
    OnExpiry, Replays, Revalidate,
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

const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";

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
    write("keys/release-2026.pem", PEM);
    write("private.pem", PRIVATE);
    write("certs/inner-ca.pem", "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n");
    write("names.txt", "# feeds\nfeeds/a.json\n\n  feeds/b.json  # the second\r\n");
    write("bad-names.txt", "good\nnot good\n");
    folder
}

fn env(name: &str) -> Option<String> {
    match name {
        "SIGCACHE_TOKEN" => Some("Bearer hunter2".to_owned()),
        "SIGCACHE_CLIENT_PEM" => {
            Some(format!("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n{PRIVATE}"))
        }
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
        Some(rest) if !rest.starts_with("path") => format!("{rest}\n"),
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
    assert_eq!(names, ["flags.json", "prices/today.json", "feeds/a.json", "feeds/b.json"]);
    let flags = &config.resources[0].rules;
    assert_eq!(flags.limits, Limits::default());
    assert_eq!(flags.policy, sigcache_core::Policy::default());
    assert_eq!(*flags.access, sigcache_core::fetch::Access::default());
    let prices = &config.resources[1].rules;
    assert_eq!(prices.policy.identity.as_deref(), Some("prices/today"));
    assert_eq!(prices.policy.set.as_deref(), Some("prices"));
    assert_eq!(prices.policy.shrink_limit, Some(0.2));
    assert_eq!((prices.trust.threshold(), prices.verifier.companions().len()), (2, 2));
    assert_eq!(config.resources[2].rules.policy.max_age, Duration::from_secs(86_400));
    assert_eq!(config.resources[3].urls()[1].as_str(), "https://mirror.example/feeds/feeds/b.json");
    assert_eq!((config.concurrency, config.per_host, config.removal_limit), (16, 4, 0.5));
    assert_eq!(config.store.publish, Publish::Copies);
    assert_eq!(config.keys.len(), 3);
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
        .replace("publish = true", "publish = false");
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
    assert_eq!(config.store.publish, Publish::Nothing);
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

/// HEAD, then `text`: the whole message.
#[track_caller]
fn refused(text: &str, message: &str) {
    let folder = folder();
    whole(&format!("{HEAD}{text}"), &folder, message);
}

#[track_caller]
fn whole(text: &str, folder: &tempfile::TempDir, message: &str) {
    let error = parse(text, folder.path()).unwrap_err();
    let shown = error.to_string().replace(&folder.path().display().to_string(), "DIR");
    assert_eq!(shown, message, "\n--- found:\n{shown}\n--- expected:\n{message}\n");
    for shown in [format!("{error:?}"), shown] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

include!("config/messages.rs");
