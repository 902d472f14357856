//! What the roles are permitted, held against the calls that the functions make.

use std::collections::BTreeSet;

use serde_json::json;
use sigcache_core::{alert::Topic, aws::Action};
use sigcache_lambda::{settings, update};

use crate::world::World;

/// What a store does in its bucket; `docs/stores.md` says the same.
const STORE: [&str; 5] =
    ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"];

/// What Lambda itself does on behalf of a function: its log, its queue, its dead letters.
const PLATFORM: [&str; 3] = ["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"];

/// What an event source mapping does on behalf of the function that takes from a queue.
const QUEUE: [&str; 3] = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];

/// What a key of the customer's own needs, where there is one.
const KEY: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// Every action that the policy of a role names, in all of its conditional parts.
fn permitted(name: &str) -> BTreeSet<String> {
    let path = format!("{}/../infra/terraform/policies/{name}.json.tftpl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let is_action = |text: &&str| {
        let Some((service, name)) = text.split_once(':') else { return false };
        ["s3", "lambda", "sns", "sqs", "logs", "kms", "secretsmanager", "ssm", "cloudwatch"].contains(&service)
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '*')
    };
    text.split('"').filter(is_action).map(str::to_owned).collect()
}

fn set<'a>(parts: impl IntoIterator<Item = &'a [&'a str]>, calls: &[&[Action]]) -> BTreeSet<String> {
    let platform = parts.into_iter().flatten().map(|text| (*text).to_owned());
    platform.chain(calls.iter().copied().flatten().map(|action| action.as_str().to_owned())).collect()
}

#[test]
fn the_endpoint_function_may_do_what_it_does_and_nothing_else() {
    let needed = set([&STORE[..], &PLATFORM, &QUEUE, &KEY], &[settings::CALLS, Topic::CALLS]);
    assert_eq!(permitted("endpoint"), needed);
}

#[test]
fn the_update_function_may_do_what_it_does_and_nothing_else() {
    let needed = set([&STORE[..], &PLATFORM, &KEY, &["s3:GetObjectVersion"]], &[update::CALLS]);
    assert_eq!(permitted("update"), needed);
}

/// The lists are what is really called: each call is made in an update with a canary and a probe, and no other.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_calls_is_what_the_update_function_calls() {
    let variables = [("SIGCACHE_CANARY", "10%:1s"), ("SIGCACHE_CANARY_ALARM", "sigcache-runs-missing")];
    let Some(world) = World::with(&variables).await else { return };
    world.upload("1.zip", b"release 1", 1_795_521_600).await;
    let answer = world.answered().await.unwrap();
    assert_eq!(answer["updates"][0]["outcome"], "moved", "{answer:#}");
    world.update.invoke(&json!({"sigcache": "probe"})).await.unwrap();
    world.answered().await.unwrap();
    let seen: BTreeSet<String> = world.front.seen().into_iter().collect();
    let listed: BTreeSet<String> = update::CALLS.iter().map(|action| action.as_str().to_owned()).collect();
    let calls = |set: &BTreeSet<String>| set.iter().filter(|one| !one.starts_with("s3:")).cloned().collect::<Vec<_>>();
    assert_eq!(calls(&seen), calls(&listed));
    let of_buckets: Vec<&String> = seen.iter().filter(|one| one.starts_with("s3:")).collect();
    let permitted = permitted("update");
    assert!(of_buckets.iter().all(|one| permitted.contains(*one)), "{of_buckets:?}");
}
