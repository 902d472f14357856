//! `sigcache deploy`

use serde_json::json;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_moves_the_alias_and_every_step_is_printed() {
    let Some(desk) = Desk::new().await else { return };
    let text = desk.deploy("release 1", 0, &[]).await.ends(0);
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
    let steps = ["event", "verify", "update-code", "wait", "digest", "publish-version", "health", "alias", "announce"];
    let mut expected = vec![
        vec!["uploaded", "s3://uploads/sigcache-endpoint.zip.minisig"],
        vec!["uploaded", "s3://uploads/sigcache-endpoint.zip"],
    ];
    expected.extend(steps.iter().map(|step| vec!["ok", step]));
    expected.push(vec!["sigcache-endpoint:", "live"]);
    assert_eq!(words, expected, "{text}");
    assert!(text.ends_with("live stands for version 2, made of sigcache-endpoint.zip\n"), "{text}");
    assert_eq!(desk.world.alias().await.0, "2");

    // The same once more: Lambda then makes no other version, as the emulator does.
    desk.world.front.answers("lambda:PublishVersion", json!({"Version": "2"}));
    let again = desk.deploy("release 1", 0, &["--json"]).await.json(0, "deploy");
    assert_eq!((&again["good"], &again["record"]["outcome"]), (&json!(true), &json!("nothing-to-do")));
    desk.world.front.mended();
    // What is as it should be is not worth a word to who asks for quiet.
    assert_eq!(desk.deploy("release 2", 1, &["--quiet", "--name", "rel/other name.zip"]).await.ends(0), "");
    assert_eq!(desk.world.alias().await.0, "3");
    // What is older than what is in service.
    let older = desk.deploy("release 0", 0, &["--json"]).await.json(1, "deploy");
    assert_eq!(older["record"]["outcome"], "refused", "{older:#}");
    assert!(older["text"].as_str().unwrap().contains("broken link: verify (not-verified)"), "{older:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_pass_is_refused_before_anything_is_uploaded() {
    let Some(desk) = Desk::new().await else { return };
    let refused = desk.deploy("not ours", 0, &["--key", "other.key.pem"]).await;
    assert!(refused.err.contains("other.key.pem is not the key of a release key of this chain"), "{}", refused.err);
    assert_eq!(refused.code, 1);
    let error = desk.deploy("not ours", 0, &["--key", "other.key.pem", "--json"]).await.json(1, "error");
    assert!(error["error"]["message"].as_str().unwrap().contains("nothing was uploaded"), "{error:#}");
    for (name, told) in [
        ("release", "end in .zip"),
        ("probe/x.zip", "are probes"),
        (".zip", "cannot be the name"),
        ("a//b.zip", "cannot be the name"),
    ] {
        let refused = desk.deploy("release", 0, &["--name", name]).await;
        assert!(refused.code == 2 && refused.err.contains(told), "{name}: {}", refused.err);
    }
    desk.write("text.zip", "no archive");
    let refused = desk.run(&["deploy", "text.zip", "--key", "release.key.pem", "--chain", "chain.json"]).await;
    assert!(refused.code == 2 && refused.err.contains("it is not a zip archive"), "{}", refused.err);
    desk.write("text.zip", &crate::desk::bundle("cut off")[..40]);
    let refused = desk.run(&["deploy", "text.zip", "--key", "release.key.pem", "--chain", "chain.json"]).await;
    assert!(refused.code == 2 && refused.err.contains("it was cut off"), "{}", refused.err);
    for (key, told) in [("release.pub", "a key file of minisign"), ("chain.json", "not a P-256 or Ed25519 private key")]
    {
        let refused = desk.deploy("release", 0, &["--key", key]).await;
        assert!(refused.code == 2 && refused.err.contains(told), "{key}: {}", refused.err);
    }
    desk.change("release_keys", json!(["RW"]));
    let refused = desk.deploy("release", 0, &[]).await;
    assert!(refused.code == 2 && refused.err.contains("release key 1 of the chain cannot be read"), "{}", refused.err);
    desk.write("chain.json", "{\"region\": \"us-east-1\"}");
    let refused = desk.deploy("release", 0, &[]).await;
    assert!(refused.code == 2 && refused.err.contains("endpoint_function, alias, update_function"), "{}", refused.err);
    assert!(desk.world.front.seen().is_empty(), "{:?}", desk.world.front.seen());
    assert_eq!(desk.world.alias().await.0, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_aws_does_not_know_are_told_before_anything_else() {
    let Some(desk) = Desk::new().await else { return };
    desk.world.front.fails("sts:GetCallerIdentity", 403, "InvalidClientTokenId");
    let refused = desk.deploy("release", 0, &[]).await;
    assert!(refused.code == 3 && refused.err.contains("AWS knows no credentials of yours"), "{}", refused.err);
    assert!(
        refused.err.contains("InvalidClientTokenId") && refused.err.contains("AWS_ACCESS_KEY_ID"),
        "{}",
        refused.err
    );
    assert_eq!(desk.world.front.seen(), ["sts:GetCallerIdentity"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_at_which_an_update_broke_is_told() {
    let Some(desk) = Desk::new().await else { return };
    let front = &desk.world.front;
    front.answers("lambda:InvokeFunction", json!({"ready": false, "why": "no store"}));
    let text = desk.deploy("release 1", 0, &[]).await.ends(1);
    assert!(text.contains("broken    health           version-unhealthy"), "{text}");
    assert!(text.contains("stands for version 1 as before; broken link: health (version-unhealthy)"), "{text}");
    assert!(text.contains("no store"), "{text}");

    front.mended();
    front.fails("lambda:PublishVersion", 403, "AccessDeniedException");
    let told = desk.deploy("release 2", 1, &["--json"]).await.json(1, "deploy");
    assert_eq!((&told["good"], &told["record"]["outcome"]), (&json!(false), &json!("failed")));
    let text = told["text"].as_str().unwrap();
    assert!(
        text.contains("broken link: publish-version (permission-missing): expected lambda:PublishVersion"),
        "{text}"
    );
    // Even where only what is wrong is wanted.
    let quiet = desk.deploy("release 3", 2, &["--quiet"]).await.ends(1);
    assert!(quiet.starts_with("broken    publish-version"), "{quiet}");

    front.mended();
    front.fails("s3:PutObject", 403, "AccessDenied");
    let ran = desk.deploy("release 4", 3, &[]).await;
    assert!(ran.code == 3 && ran.err.contains("you lack the permission s3:PutObject"), "{}", ran.err);
    front.fails("s3:ListBucket", 403, "AccessDenied");
    let ran = desk.deploy("release 4", 3, &[]).await;
    assert!(ran.code == 3 && ran.err.contains("you lack the permission s3:ListBucket"), "{}", ran.err);
    assert_eq!(desk.world.alias().await.0, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_link_is_broken_from_outside_the_log_of_the_function_is_named() {
    let Some(desk) = Desk::new().await else { return };
    desk.world.front.fails("s3:PutObject in releases", 403, "AccessDenied");
    // That nothing was deployed before is no broken link for who is about to.
    let text = desk.deploy("release 1", 0, &["--timeout", "2s"]).await.ends(1);
    assert!(
        text.contains("the update function wrote down nothing about sigcache-endpoint.zip within 2 seconds"),
        "{text}"
    );
    assert!(text.ends_with("Every link holds. Look at the log /aws/lambda/sigcache-update.\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_takes_longer_than_somebody_waits_is_told_so() {
    let Some(desk) = Desk::new().await else { return };
    let pending = json!({"CodeSha256": "another", "State": "Active", "LastUpdateStatus": "InProgress"});
    desk.world.front.answers("lambda:UpdateFunctionCode", pending.clone());
    desk.world.front.answers("lambda:GetFunctionConfiguration", pending);
    let told = desk.deploy("release 1", 0, &["--timeout", "5s", "--json"]).await.json(1, "deploy");
    assert_eq!(told["record"]["outcome"], "under-way", "{told:#}");
    assert!(told["text"].as_str().unwrap().ends_with("it has not ended within 5 seconds"), "{told:#}");
}
