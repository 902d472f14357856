//! The keys of a store. No other file builds one.
//!
//! ```text
//! <root>/latest/<name>                         plain copy of the newest verified bytes, its companions beside it
//! <root>/versions/<name>/<time>-<id>           immutable, sealed once, exactly the verified bytes
//! <root>/catalog/<shard>/<sequence>.json.gz    immutable snapshots; the highest number is the truth
//! <root>/catalog/<shard>/<sequence>.published  the plain copies were brought up to this snapshot
//! <root>/catalog/<shard>/<sequence>.publishing-<run>  a publication that began then is at it, from what changed after this snapshot
//! <root>/catalog/<shard>/<number>.alerts       what was alerted about; the highest number is the truth
//! <root>/catalog/<shard>/<number>.alerts-settled-<time>-<digest>  nothing of it is due until then
//! <root>/runs/<yyyy>/<mm>/<dd>/<run>.json      every run's report
//! <root>/probe/<run>                           for a moment: does this store honour conditional creates?
//! ```

use object_store::path::Path;

use super::{Settled, Shard};
use crate::{decision::RunId, name::Name, receipt::Receipt, time::Timestamp};

/// The keys below one root, for one shard.
#[derive(Debug, Clone)]
pub struct Layout {
    root: Path,
    shard: Shard,
}

/// What a key in the catalog's folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnapshotKey {
    /// Snapshot of this number.
    Snapshot(u64),
    /// The mark that the plain copies were brought up to this number.
    Published(u64),
    /// The mark that this run is copying what changed after this number. One that stays behind was left by a run that
    /// did not end, and says from where on the plain copies must be made again.
    Publishing(u64, RunId),
    /// The state of alerting of this number, which has nothing to do with the numbers of snapshots.
    Alerts(u64),
    /// The note that the state of alerting of this number needs nothing for a while.
    AlertsSettled(u64, Settled),
}

impl SnapshotKey {
    /// The number, if it is a snapshot's.
    pub fn snapshot(&self) -> Option<u64> {
        match self {
            Self::Snapshot(number) => Some(*number),
            _ => None,
        }
    }

    /// The number, if it is a mark's.
    pub fn published(&self) -> Option<u64> {
        match self {
            Self::Published(number) => Some(*number),
            _ => None,
        }
    }

    /// The number, if it is that of a state of alerting.
    pub fn alerts(&self) -> Option<u64> {
        match self {
            Self::Alerts(number) => Some(*number),
            _ => None,
        }
    }

    /// Reads the last part of a key; `None` for anything that this program does not write there.
    pub fn parse(file: &str) -> Option<Self> {
        let (digits, kind) = file.split_once('.')?;
        if digits.len() != 12 || !digits.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let number = digits.parse().ok()?;
        match kind {
            "json.gz" => Some(Self::Snapshot(number)),
            "published" => Some(Self::Published(number)),
            "alerts" => Some(Self::Alerts(number)),
            kind => match kind.strip_prefix("alerts-settled-") {
                Some(settled) => Some(Self::AlertsSettled(number, settled.parse().ok()?)),
                None => Some(Self::Publishing(number, kind.strip_prefix("publishing-")?.parse().ok()?)),
            },
        }
    }
}

impl Layout {
    /// The keys below `root`, which may be empty.
    pub fn new(root: Path, shard: Shard) -> Self {
        Self { root, shard }
    }

    /// The keys of another shard below the same root.
    pub fn with_shard(mut self, shard: Shard) -> Self {
        self.shard = shard;
        self
    }

    /// The shard.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    fn below(&self, rest: &str) -> Path {
        if self.root.as_ref().is_empty() { Path::from(rest) } else { Path::from(format!("{}/{rest}", self.root)) }
    }

    /// The folder of all plain copies.
    pub fn latest_folder(&self) -> Path {
        self.below("latest")
    }

    /// The plain copy of a resource, or of a companion with a `suffix`.
    pub fn latest(&self, name: &Name, suffix: &str) -> Path {
        self.below(&format!("latest/{name}{suffix}"))
    }

    /// The folder of all versions.
    pub fn versions_folder(&self) -> Path {
        self.below("versions")
    }

    /// One version of a resource.
    pub fn version(&self, name: &Name, version: &str) -> Path {
        self.below(&format!("versions/{name}/{version}"))
    }

    /// The version that a receipt names.
    pub fn stored(&self, name: &Name, receipt: &Receipt) -> Path {
        self.version(name, &receipt.version)
    }

    /// Reads the key of a version: its name, the last part, and the time in it. `None` for anything else.
    pub fn parse_version(&self, key: &Path) -> Option<(Name, String, Timestamp)> {
        let rest = key.as_ref().strip_prefix(self.versions_folder().as_ref())?.strip_prefix('/')?;
        let (name, version) = rest.rsplit_once('/')?;
        let (time, id) = version.split_once('-')?;
        // Anything else was put there by somebody else, and is not ours to take away.
        if id.len() != 16 || !id.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)) {
            return None;
        }
        Some((Name::new(name).ok()?, version.to_owned(), Timestamp::from_compact(time)?))
    }

    /// The folder of the snapshots of all shards.
    pub fn catalogs_folder(&self) -> Path {
        self.below("catalog")
    }

    /// The folder of this shard's snapshots.
    pub fn catalog_folder(&self) -> Path {
        self.below(&format!("catalog/{}", self.shard.folder()))
    }

    /// A snapshot, or the mark that it was published.
    pub fn catalog(&self, key: SnapshotKey) -> Path {
        let file = match key {
            SnapshotKey::Snapshot(number) => format!("{number:012}.json.gz"),
            SnapshotKey::Published(number) => format!("{number:012}.published"),
            SnapshotKey::Publishing(number, run) => format!("{number:012}.publishing-{run}"),
            SnapshotKey::Alerts(number) => format!("{number:012}.alerts"),
            SnapshotKey::AlertsSettled(number, settled) => format!("{number:012}.alerts-settled-{settled}"),
        };
        self.below(&format!("catalog/{}/{file}", self.shard.folder()))
    }

    /// The folder of all reports.
    pub fn runs_folder(&self) -> Path {
        self.below("runs")
    }

    /// A run's report.
    pub fn report(&self, run: RunId) -> Path {
        self.below(&format!("runs/{}/{run}.json", run.time().day_folder()))
    }

    /// The folder of the objects for trying the store out.
    pub fn probes_folder(&self) -> Path {
        self.below("probe")
    }

    /// The object for trying the store out.
    pub fn probe(&self, run: RunId) -> Path {
        self.below(&format!("probe/{run}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_where_the_documentation_says() {
        let layout = Layout::new(Path::from("cache/a"), Shard::WHOLE);
        let name = Name::new("metadata/de.xml").unwrap();
        let run: RunId = "20261124T120000.000Z-0123456789abcdef".parse().unwrap();
        let table = [
            (layout.latest(&name, ".sig"), "cache/a/latest/metadata/de.xml.sig"),
            (layout.version(&name, "t-1"), "cache/a/versions/metadata/de.xml/t-1"),
            (layout.catalog(SnapshotKey::Snapshot(12)), "cache/a/catalog/0001-of-0001/000000000012.json.gz"),
            (layout.catalog(SnapshotKey::Published(12)), "cache/a/catalog/0001-of-0001/000000000012.published"),
            (
                layout.catalog(SnapshotKey::Publishing(12, run)),
                "cache/a/catalog/0001-of-0001/000000000012.publishing-20261124T120000.000Z-0123456789abcdef",
            ),
            (layout.report(run), "cache/a/runs/2026/11/24/20261124T120000.000Z-0123456789abcdef.json"),
        ];
        for (path, text) in table {
            assert_eq!(path.as_ref(), text);
        }
        assert_eq!(Layout::new(Path::default(), Shard::WHOLE).latest(&name, "").as_ref(), "latest/metadata/de.xml");
        let settled = Settled { until: run.time(), digest: 0xabc };
        let marks = [SnapshotKey::Alerts(7), SnapshotKey::AlertsSettled(7, settled)];
        let keys = [SnapshotKey::Snapshot(7), SnapshotKey::Published(7), SnapshotKey::Publishing(7, run)];
        for key in keys.into_iter().chain(marks) {
            assert_eq!(SnapshotKey::parse(layout.catalog(key).filename().unwrap()), Some(key));
        }
        for text in [
            "000000000007.publishing",
            "000000000007.publishing-1",
            "000000000007.alerts-settled-1",
            "000000000007.alerts-settled-20261124T120000.000Z-abc",
            "000000000007.alerts-settled-20261124T120000.000Z-+000000000000abc",
            "7.json.gz",
            "000000000007.json",
            "00000000000x.json.gz",
            "000000000007",
        ] {
            assert_eq!(SnapshotKey::parse(text), None, "{text}");
        }
    }
}
