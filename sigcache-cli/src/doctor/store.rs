//! The store: whether it is there and does what runs ask of it.

use sigcache_core::{
    RunId,
    store::{Ability, Bucket, Shard, StoreError},
};

use super::{Break, Chain, Link};

/// Checks the store with a probe, and returns the shards that have a catalog, where it answers.
pub(crate) async fn check(chain: &mut Chain, bucket: &Bucket, url: &str, run: RunId) -> Option<Vec<Shard>> {
    let shards = match bucket.shards().await {
        Ok(shards) => shards,
        Err(error) => {
            absent(chain, url, &error);
            return None;
        }
    };
    chain.ok(Link::Store, url);
    for (ability, result) in bucket.try_out(run).await {
        let link = link(ability);
        match result {
            Ok(()) => chain.ok(link, url),
            Err(error) => {
                chain.broken(link, url, unable(link, &error));
                chain.unchecked_after(link, Link::STORE, url);
            }
        }
    }
    Some(shards)
}

/// A store that cannot be opened or does not answer: nothing more of it can be checked.
pub(crate) fn absent(chain: &mut Chain, url: &str, error: &(dyn std::error::Error + 'static)) {
    let found = sigcache_core::error_chain(error);
    let advice = "check `url` and `endpoint` in [store], that the bucket or folder is there, and the credentials; \
                  the first `sigcache sync` creates a folder";
    chain.broken(Link::Store, url, Break::new("a store that answers", found, advice).with_exit_code(3));
    chain.unchecked_after(Link::Store, Link::STORE, url);
}

fn link(ability: Ability) -> Link {
    match ability {
        Ability::Create => Link::StoreCreate,
        Ability::CreateOnce => Link::StoreCreateOnce,
        Ability::List => Link::StoreList,
        Ability::Read => Link::StoreRead,
        _ => Link::StoreDelete,
    }
}

fn unable(link: Link, error: &StoreError) -> Break {
    let expected = match link {
        Link::StoreCreate => "a store that creates an object",
        Link::StoreCreateOnce => "a refusal of the second create of one object",
        Link::StoreList => "a listing with the object in it",
        Link::StoreRead => "the bytes that were put there",
        _ => "a store that deletes an object",
    };
    let advice = match (link, error) {
        (_, StoreError::Unconditional { .. }) => {
            "use a store that honours If-None-Match; two runs at once would overwrite each other on this one"
        }
        (Link::StoreCreate | Link::StoreCreateOnce, _) => {
            "let this user write to it (on S3 `s3:PutObject`), and look whether it is full"
        }
        (Link::StoreList, _) => "let this user list it (on S3 `s3:ListBucket`)",
        (Link::StoreRead, _) => "let this user read from it (on S3 `s3:GetObject`)",
        _ => "let this user delete from it (on S3 `s3:DeleteObject`); the probe below probe/ may be left",
    };
    Break::new(expected, error.chain(), advice).with_exit_code(3)
}
