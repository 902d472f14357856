//! The table `[store]` for buckets in a cloud.
#![cfg(all(feature = "config", feature = "disk", feature = "s3", feature = "gcs", feature = "azure"))]
#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not see as such

use std::path::Path;

use sigcache_core::{
    config::{Config, ConfigError},
    store::{CloudSettings, Encryption, Shard},
};

const CERTIFICATE: &str = include_str!("data/keys/certificate.pem");

fn parse(store: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), CERTIFICATE).unwrap();
    std::fs::write(folder.path().join("root.pem"), include_str!("data/keys/public.pem")).unwrap();
    let text = format!(
        r#"[store]
{store}
[keys.root]
file = "root.pem"
[[resource]]
name = "a"
urls = ["https://a.example/a"]
verify = {{ format = "detached", suffix = ".sig", keys = ["root"] }}
"#
    );
    Config::parse(&text, "c.toml", folder.path(), &|_| None)
}

#[track_caller]
fn cloud(store: &str) -> CloudSettings {
    let config = parse(store).unwrap();
    // Nothing is asked of a bucket until it is used.
    let bucket = config.open_store(Shard::WHOLE).unwrap();
    assert_eq!(bucket.layout().latest_folder().as_ref(), "some/root/latest");
    config.store.cloud
}

#[track_caller]
fn refused(store: &str, message: &str) {
    let shown = parse(store).unwrap_err().to_string();
    assert_eq!(shown, message, "\n--- found:\n{shown}\n--- expected:\n{message}\n");
}

#[tokio::test]
async fn a_bucket_is_a_url() {
    assert_eq!(cloud("url = \"s3://bucket/some/root\""), CloudSettings::default());
    assert_eq!(cloud("url = \"gs://bucket/some/root/\""), CloudSettings::default());
    let azure = cloud("url = \"az://container/some/root\"\naccount = \"somebody\"");
    assert_eq!(azure.account.as_deref(), Some("somebody"));
    let root = Path::new("s3");
    assert!(!root.exists(), "a bucket is no folder");
}

#[tokio::test]
async fn s3_can_be_elsewhere_and_encrypt() {
    let store = "url = \"s3://bucket/some/root\"\nendpoint = \"http://127.0.0.1:9000\"\nregion = \"eu-west-2\"\n\
                 path_style = false\nencryption = \"aws:kms\"\nkms_key = \"arn:x\"\nextra_ca = [\"ca.pem\"]";
    let settings = cloud(store);
    assert_eq!(settings.endpoint.unwrap().as_str(), "http://127.0.0.1:9000/");
    assert_eq!(settings.region.as_deref(), Some("eu-west-2"));
    assert_eq!(settings.path_style, Some(false));
    assert_eq!(settings.encryption, Some(Encryption::Kms(Some("arn:x".to_owned()))));
    assert_eq!(settings.extra_ca, [CERTIFICATE]);
    let plain = cloud("url = \"s3://bucket/some/root\"\nencryption = \"AES256\"");
    assert_eq!(plain.encryption, Some(Encryption::S3));
}

#[test]
fn a_url_without_a_bucket_or_with_more_is_refused() {
    refused(
        "url = \"s3:bucket\"",
        r##"c.toml:2:7: `s3:bucket` names no bucket
  2 | url = "s3:bucket"
    |       ^^^^^^^^^^^
  expected s3://bucket/root"##,
    );
    refused(
        "url = \"gs://bucket:9000/root\"",
        r##"c.toml:2:7: `gs://bucket:9000/root` has more than a bucket and a root
  2 | url = "gs://bucket:9000/root"
    |       ^^^^^^^^^^^^^^^^^^^^^^^
  expected gs://bucket/root; another server is an `endpoint` of its own"##,
    );
}

#[test]
fn credentials_do_not_stand_in_a_url() {
    let shown = parse("url = \"s3://AKIA:hunter2@bucket/root\"").unwrap_err().to_string();
    assert!(shown.contains("user name or password") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn words_of_another_store_are_refused() {
    refused(
        "url = \"file:cache\"\nregion = \"eu-west-2\"",
        r##"c.toml:3:10: `region` says nothing about a store at `file:`
  3 | region = "eu-west-2"
    |          ^^^^^^^^^^^
  expected a store at `s3:`"##,
    );
    refused(
        "url = \"gs://bucket/root\"\nencryption = \"AES256\"",
        r##"c.toml:3:14: `encryption` says nothing about a store at `gs:`
  3 | encryption = "AES256"
    |              ^^^^^^^^
  expected a store at `s3:`"##,
    );
    refused(
        "url = \"s3://bucket/root\"\nencryption = \"AES256\"\nkms_key = \"x\"",
        r##"c.toml:4:11: `kms_key` is for one kind of encryption
  4 | kms_key = "x"
    |           ^^^
  expected `encryption = "aws:kms"`"##,
    );
}

#[test]
fn a_media_type_is_one() {
    let text = |content_type: &str| format!("url = \"memory:\"\n[defaults]\ncontent_type = {content_type:?}");
    let config = parse(&text("application/samlmetadata+xml")).unwrap();
    assert_eq!(config.resources[0].rules.content_type.as_deref(), Some("application/samlmetadata+xml"));
    let shown = parse(&text("xml")).unwrap_err().to_string();
    assert!(shown.contains("`content_type` cannot be \"xml\"") && shown.contains("a media type such as"), "{shown}");
}
