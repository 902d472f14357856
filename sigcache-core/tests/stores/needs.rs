//! What a store asks of a server of S3, one thing after the other. What a server cannot do is listed here, and the test
//! fails as well when it can after all.

use std::env;

use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use object_store::{
    MultipartUpload as _, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, Result,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};

use crate::{contract::below_a_new_root, servers::Server};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A create of what is there is refused.
    Create,
    /// Of many creates at once one succeeds.
    OneOfMany,
    /// A listing of more than a page is whole.
    Listing,
    /// An upload in parts becomes one object.
    Parts,
    /// An upload that is given up leaves nothing.
    Abort,
    /// The server copies.
    Copy,
    /// Many are deleted at once, one of them not there.
    Delete,
}

const NEEDS: [Need; 7] =
    [Need::Create, Need::OneOfMany, Need::Listing, Need::Parts, Need::Abort, Need::Copy, Need::Delete];

/// Which server (`SIGCACHE_S3_NAME`) cannot do what. moto looks whether an object is there and then writes it, without a
/// lock between the two; since that goes well most of the time it is neither expected nor excluded, and the proxy before it
/// lets conditional writes through one by one.
const EXCEPTIONS: &[(&str, &[Need])] = &[
    ("s3rver", &[Need::Create, Need::OneOfMany, Need::Listing, Need::Abort, Need::Delete]),
    ("garage", &[Need::Create, Need::OneOfMany]),
];

fn open(server: &Server) -> AmazonS3 {
    let known = server.environment.iter().filter_map(|(name, value)| Some((name.to_lowercase().parse().ok()?, value)));
    let builder = AmazonS3Builder::new().with_bucket_name("bucket").with_endpoint(server.endpoint.as_str());
    let builder = known.fold(builder.with_allow_http(true), |builder, (key, value)| builder.with_config(key, value));
    builder.with_retry(object_store::RetryConfig { max_retries: 0, ..Default::default() }).build().unwrap()
}

/// Whether the server does it; an error says no as well.
async fn has(objects: &AmazonS3, root: &Path, need: Need) -> Result<bool> {
    let key = root.clone().join(format!("{need:?}"));
    let create = |key: Path| async move {
        objects.put_opts(&key, PutPayload::from_static(b"1"), PutMode::Create.into()).await.is_ok()
    };
    let some = |count: usize| (0..count).map(|number| key.clone().join(format!("{number:04}"))).collect::<Vec<_>>();
    let fill = async |keys: &[Path]| {
        let puts = keys.iter().map(|key| objects.put(key, PutPayload::from_static(b"1")));
        stream::iter(puts).buffer_unordered(16).try_collect::<Vec<_>>().await
    };
    match need {
        Need::Create => Ok(create(key.clone()).await && !create(key).await),
        Need::OneOfMany => {
            for round in some(20) {
                let won = future::join_all((0..16).map(|_| create(round.clone()))).await;
                if won.into_iter().filter(|won| *won).count() != 1 {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Need::Listing => {
            let keys = some(1005);
            fill(&keys).await?;
            let listed: Vec<_> = objects.list(Some(&key)).map_ok(|meta| meta.location).try_collect().await?;
            Ok(listed == keys)
        }
        Need::Parts | Need::Abort => {
            let mut upload = objects.put_multipart(&key).await?;
            upload.put_part(vec![b'x'; 5 << 20].into()).await?;
            upload.put_part(PutPayload::from_static(b"the end")).await?;
            if need == Need::Abort {
                upload.abort().await?;
                return Ok(objects
                    .head(&key)
                    .await
                    .is_err_and(|error| matches!(error, object_store::Error::NotFound { .. })));
            }
            upload.complete().await?;
            Ok(objects.head(&key).await?.size == (5 << 20) + 7)
        }
        Need::Copy => {
            let copy = key.clone().join("copy");
            objects.put(&key, PutPayload::from_static(b"one")).await?;
            objects.copy(&key, &copy).await?;
            Ok(objects.get(&copy).await?.bytes().await? == "one")
        }
        Need::Delete => {
            let mut keys = some(20);
            fill(&keys).await?;
            keys.push(key.clone().join("not there"));
            let deleted = objects.delete_stream(stream::iter(keys).map(Ok).boxed());
            deleted.try_collect::<Vec<_>>().await?;
            Ok(objects.list(Some(&key)).try_collect::<Vec<_>>().await?.is_empty())
        }
    }
}

fn each_need_is_met(server: &Server, needs: &[Need], exceptions: &[Need]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (objects, root) = (open(server), Path::from(below_a_new_root("needs")));
    let mut wrong = Vec::new();
    for need in needs {
        let found = runtime.block_on(has(&objects, &root, *need));
        let expected = !exceptions.contains(need);
        if matches!(found, Ok(true)) != expected {
            wrong.push(format!("{need:?}, of which the list says {expected}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn moto_has_what_a_store_needs() {
    let Some(server) = Server::moto() else { return };
    let needs = NEEDS.into_iter().filter(|need| *need != Need::OneOfMany).collect::<Vec<_>>();
    each_need_is_met(&server, &needs, &[]);
}

/// By the longer command; a server that ignores conditions too.
#[test]
fn another_s3_has_what_a_store_needs_but_for_what_is_listed() {
    let Some(server) = Server::whatever() else { return };
    let name = env::var("SIGCACHE_S3_NAME").unwrap_or_default();
    let listed = EXCEPTIONS.iter().find(|(server, _)| *server == name).map_or(&[][..], |(_, needs)| needs);
    each_need_is_met(&server, &NEEDS, listed);
}
