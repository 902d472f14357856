//! `sigcache doctor --aws --probe`

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_comes_through_or_it_is_told_how_far_it_came() {
    let Some(desk) = Desk::new().await else { return };
    let none = desk.doctor(&["--probe"]).await.ends(1);
    assert!(none.contains("not checked  probe"), "{none}");
    assert!(none.contains("no release was verified yet"), "{none}");
    desk.deploy("release 1", 0, &[]).await.ends(0);

    let text = desk.doctor(&["--probe"]).await.ends(0);
    let line = text.lines().find(|line| line.contains("  probe  ")).unwrap_or_else(|| panic!("{text}"));
    assert!(
        line.starts_with("ok ") && line.contains("it came through after") && line.contains("as far as verify"),
        "{line}"
    );
    assert!(text.ends_with("Every link holds.\n"), "{text}");
    assert_eq!(desk.world.alias().await.0, "2");

    // It does not arrive.
    desk.world.delivers.store(false, Ordering::SeqCst);
    desk.world.ask("lambda", "DELETE", "/2015-03-31/functions/sigcache-update/policy/topic", "").await;
    let told = desk.doctor(&["--probe", "--timeout", "2s", "--json"]).await.json(1, "chain");
    assert_eq!(told["first_broken"]["link"], "invoke-permission", "{told:#}");
    let last = told["links"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["link"], &last["state"]), (&json!("probe"), &json!("broken")));
    let found = last["found"].as_str().unwrap();
    assert!(
        found.starts_with("it lies in s3://uploads, and within 2 seconds the update function wrote down nothing"),
        "{found}"
    );
    assert!(found.ends_with("the link invoke-permission is broken"), "{found}");

    // Who may not upload is told so.
    desk.world.front.fails("s3:PutObject", 403, "AccessDenied");
    let text = desk.doctor(&["--probe"]).await.ends(1);
    assert!(text.contains("you lack the permission s3:PutObject on the upload bucket"), "{text}");
}
