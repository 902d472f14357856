//! How the store is divided, and whether the newest snapshot of each part can be read.

use std::sync::Arc;

use sigcache_core::{
    config::Config,
    store::{Bucket, Catalog, Shard, Store as _, StoreError},
};

use super::{Break, Chain, Link, count, store};

/// A shard, its store and its newest snapshot.
pub(crate) struct Divided {
    pub(crate) shard: Shard,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) catalog: Catalog,
}

/// Checks the catalogs of `shards`, which are in the store; `asked` is what a person says it is divided into. Returns
/// what could be read, of all shards or of none.
pub(crate) async fn check(
    chain: &mut Chain,
    config: &Config,
    shards: &[Shard],
    asked: Option<Shard>,
    url: &str,
) -> Option<Vec<Divided>> {
    let broken = |expected: String, found: String, advice: &str| Break::new(expected, found, advice).with_exit_code(2);
    let first = shards.first().copied();
    let counts =
        |shards: &[Shard]| shards.iter().map(|shard| format!("catalog/{}", shard.folder())).collect::<Vec<_>>();
    if let Some(first) = first {
        let fault = if shards.iter().any(|shard| shard.count() != first.count()) {
            let advice = "run `sigcache reshard --to N`, which makes one division of both and loses nothing";
            Some(broken("a store that is divided in one way".to_owned(), counts(shards).join(", "), advice))
        } else {
            asked.filter(|asked| asked.count() != first.count()).map(|asked| {
                let advice = "name the right number with --shard, in the schedule too, or divide it by `sigcache reshard --to N`";
                let (asked, found) = (asked.count() as usize, first.count() as usize);
                broken(format!("a store in {}", count(asked, "shard")), format!("one in {}", count(found, "shard")), advice)
            })
        };
        if let Some(fault) = fault {
            chain.broken(Link::Shards, url, fault);
            chain.unchecked(Link::Catalog, url, Link::Shards.is_broken());
            return None;
        }
    }
    let every: Vec<Shard> = match asked.or(first) {
        Some(one) => Shard::all(one.count())?.collect(),
        None => vec![Shard::WHOLE],
    };
    chain.fine(Link::Shards, url, format!("{} of {} have a catalog", shards.len(), every.len()));
    let mut divided = Vec::new();
    let mut whole = true;
    for shard in every.into_iter().filter(|shard| asked.is_none_or(|asked| asked == *shard)) {
        let of = format!("catalog/{}", shard.folder());
        let bucket = match config.open_existing_store(shard) {
            Ok(bucket) => Arc::new(bucket),
            Err(error) => {
                store::absent(chain, url, &error);
                return None;
            }
        };
        match bucket.catalog().await {
            Ok(catalog) if catalog.sequence() == 0 => {
                chain.fine(Link::Catalog, of, "none yet");
                divided.push(Divided { shard, bucket, catalog });
            }
            Ok(catalog) => {
                let note = format!("snapshot {}, {}", catalog.sequence(), count(catalog.entries().len(), "resource"));
                chain.fine(Link::Catalog, of, note);
                divided.push(Divided { shard, bucket, catalog });
            }
            Err(error) => {
                whole = false;
                chain.broken(Link::Catalog, of, unreadable(&error));
            }
        }
    }
    whole.then_some(divided)
}

fn unreadable(error: &StoreError) -> Break {
    let (advice, code) = match error {
        StoreError::Corrupt { .. } => (
            "take the damaged snapshot away (keep it elsewhere), so that the one before it counts again, run `sigcache sync` \
             and `sigcache audit` here, and restart `serve`, which remembers the higher number",
            2,
        ),
        _ => ("let this user read from the store, and look at its own log", 3),
    };
    Break::new("a snapshot that can be read", error.chain(), advice).with_exit_code(code)
}
