//! The keys that a bucket lists, in which anything may stand.
#![no_main]

use libfuzzer_sys::fuzz_target;
use object_store::path::Path;
use sigcache_core::{
    RunId,
    store::{Layout, Shard, SnapshotKey},
};

fuzz_target!(|text: &str| {
    for root in ["", "cache/a"] {
        let layout = Layout::new(Path::from(root), Shard::WHOLE);
        if let Some(key) = SnapshotKey::parse(text) {
            assert_eq!(layout.catalog(key).filename(), Some(text), "one file for each number");
        }
        for key in [Path::parse(text).ok(), Some(Path::from(format!("{}/{text}", layout.versions_folder())))] {
            let Some(key) = key else { continue };
            let Some((name, version, _)) = layout.parse_version(&key) else { continue };
            assert_eq!(layout.version(&name, &version), key, "one key for each version");
        }
    }
    let _ = (text.parse::<Shard>(), text.parse::<RunId>());
});
