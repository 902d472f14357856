//! The table `[store]`: where to store, and how to reach it.

use url::Url;

use super::{
    build::Build,
    problem::Place,
    sources::STORES,
    table::{Table, tick},
};
use crate::store::{Bucket, CloudSettings, Encryption, Publish, Shard, StoreError};

/// Every word that may stand in `[store]`.
pub(super) const STORE: &[&str] =
    &["url", "path", "publish", "endpoint", "region", "path_style", "encryption", "kms_key", "account", "extra_ca"];

/// The stores that each word of a cloud is for.
const ONLY_FOR: &[(&str, &[&str])] = &[
    ("endpoint", &["s3", "gs", "az"]),
    ("extra_ca", &["s3", "gs", "az"]),
    ("region", &["s3"]),
    ("path_style", &["s3"]),
    ("encryption", &["s3"]),
    ("kms_key", &["s3"]),
    ("account", &["az"]),
];

/// Where to store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreSettings {
    /// The store: `file:` with the whole path, `memory:`, or a bucket with the root in it: `s3:`, `gs:`, `az:`.
    pub url: Url,
    /// Whether plain copies are kept below `latest/`.
    pub publish: Publish,
    /// How a bucket is reached.
    pub cloud: CloudSettings,
}

/// What becomes of a folder that is not there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Missing {
    Create,
    Refuse,
}

impl StoreSettings {
    #[cfg_attr(not(feature = "disk"), allow(unused_variables, reason = "only folders can be missing"))]
    pub(super) fn open(&self, shard: Shard, missing: Missing) -> Result<Bucket, StoreError> {
        let bucket = match self.url.scheme() {
            #[cfg(feature = "disk")]
            "file" => {
                let path = self.url.to_file_path().map_err(|()| self.unopened("not a path of this system"))?;
                match missing {
                    Missing::Create => crate::store::open_disk(path)?,
                    Missing::Refuse => crate::store::open_existing_disk(path)?,
                }
            }
            "memory" => Bucket::new(std::sync::Arc::new(object_store::memory::InMemory::new())),
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            "s3" | "gs" | "az" => crate::store::open_cloud(&self.url, &self.cloud, &crate::store::environment())?,
            _ => return Err(self.unopened("not supported by this build")),
        };
        Ok(bucket.with_shard(shard).with_publish(self.publish))
    }

    fn unopened(&self, why: &'static str) -> StoreError {
        StoreError::Unavailable { doing: "open", key: self.url.to_string(), source: why.into() }
    }
}

impl Build<'_> {
    pub(super) fn store(&mut self, top: &Table<'_>) -> Option<StoreSettings> {
        const EXPECTED: &str =
            "[store] with `url = \"file:cache\"`, `path = \"cache\"` or `url = \"s3://bucket/cache\"`";
        let Some(value) = top.get("store") else {
            top.lacks(&["store"], 0..0, EXPECTED, &mut self.problems);
            return None;
        };
        let table = Table::open(value, "[store]", &[STORE], &mut self.problems)?;
        let publish = match table.flag("publish", &mut self.problems) {
            Some(false) => Publish::Nothing,
            Some(true) | None => Publish::Copies,
        };
        let url = match (table.has("url"), table.has("path")) {
            (true, false) => {
                let (text, place) = table.text("url", &mut self.problems)?;
                self.store_url(text, &place)?
            }
            (false, true) => {
                let (text, place) = table.text("path", &mut self.problems)?;
                if !STORES.contains(&"file") {
                    self.problems.at_place(place, "this build has no store on disk").one_of("", STORES.iter().copied());
                    return None;
                }
                // The folder is absolute, so this cannot fail.
                Url::from_directory_path(self.folder.join(text)).ok()?
            }
            (true, true) => {
                self.problems.at(table.span(), "[store] has both `url` and `path`").expected("one of them");
                return None;
            }
            (false, false) => {
                table.lacks(&["url", "path"], table.span(), EXPECTED, &mut self.problems);
                return None;
            }
        };
        let cloud = self.cloud(&table, url.scheme());
        Some(StoreSettings { url, publish, cloud })
    }

    /// The URL of a store, with a bucket in it where there is one, and nothing that would be overlooked.
    fn store_url(&mut self, text: &str, place: &Place) -> Option<Url> {
        let url = self.url(text, place, STORES)?;
        let bucket = url.host_str().is_some_and(|bucket| !bucket.is_empty());
        let (message, expected) = match url.scheme() {
            "file" | "memory" => return Some(url),
            scheme if !bucket => (format!("{} names no bucket", tick(text)), format!("{scheme}://bucket/root")),
            scheme if url.port().is_some() || url.query().is_some() || url.fragment().is_some() => {
                let message = format!("{} has more than a bucket and a root", tick(text));
                (message, format!("{scheme}://bucket/root; another server is an `endpoint` of its own"))
            }
            _ => return Some(url),
        };
        self.problems.at_place(place.clone(), message).expected(expected);
        None
    }

    fn cloud(&mut self, table: &Table<'_>, scheme: &str) -> CloudSettings {
        let mut misplaced = false;
        for (word, schemes) in ONLY_FOR {
            if let Some(value) = table.get(word).filter(|_| !schemes.contains(&scheme)) {
                let message = format!("{} says nothing about a store at {}", tick(word), tick(&format!("{scheme}:")));
                let schemes: Vec<String> = schemes.iter().map(|scheme| tick(&format!("{scheme}:"))).collect();
                self.problems.at(value.span(), message).expected(format!("a store at {}", schemes.join(" or ")));
                misplaced = true;
            }
        }
        let mut settings = CloudSettings::default();
        if misplaced {
            return settings;
        }
        if let Some((text, place)) = table.text("endpoint", &mut self.problems) {
            settings.endpoint = self.url(text, &place, &["https", "http"]);
        }
        let paths = self.extra_ca(table).unwrap_or_default();
        settings.extra_ca = paths.iter().filter_map(|path| self.file(path).cloned()).collect();
        let problems = &mut self.problems;
        settings.region = table.text("region", problems).map(|(text, _)| text.to_owned());
        settings.account = table.text("account", problems).map(|(text, _)| text.to_owned());
        settings.path_style = table.flag("path_style", problems);
        let kinds = [("AES256", Encryption::S3), ("aws:kms", Encryption::Kms(None))];
        let choices: Vec<(&str, &Encryption)> = kinds.iter().map(|(word, kind)| (*word, kind)).collect();
        settings.encryption = table.word("encryption", &choices, problems).cloned();
        if let Some((id, place)) = table.text("kms_key", problems) {
            if let Some(Encryption::Kms(key)) = &mut settings.encryption {
                *key = Some(id.to_owned());
            } else {
                let message = "`kms_key` is for one kind of encryption";
                problems.at_place(place, message).expected("`encryption = \"aws:kms\"`");
            }
        }
        settings
    }
}
