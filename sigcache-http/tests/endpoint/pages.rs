//! The pages for people, and the same for programs.

use std::{sync::Arc, time::Duration};

use http::{Method, StatusCode};
use object_store::{ObjectStoreExt as _, memory::InMemory};
use serde_json::{Value, json};
use sigcache_core::{
    KeyId, Policy, Resource, Rules,
    anchor::{Anchored, Vouches},
    conformance::{How, Lab, Signer, hours},
    run::Selection,
    store::Bucket,
    trust::{Trust, TrustedKey},
    verify::{Claims, Detached, Pointer},
};
use sigcache_http::{Endpoint, Options, Setup};

use crate::support::{Answer, Site};

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn page(site: &Site, path: &str) -> Answer {
    let answer = site.get_with(path, "accept", HTML).await;
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{answer:?}");
    answer
}

/// The text of a page as it is read, without markup.
fn words(answer: &Answer) -> String {
    let html = answer.text();
    let mut text = String::new();
    let mut is_markup = false;
    for c in html.chars() {
        match c {
            '<' => is_markup = true,
            '>' => {
                is_markup = false;
                text.push(' ');
            }
            _ if !is_markup => text.push(c),
            _ => {}
        }
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let marks = [(" .", "."), (" ,", ","), (" :", ":"), ("( ", "("), (" )", ")")];
    marks.iter().fold(words, |words, (from, to)| words.replace(from, to))
}

#[track_caller]
fn says(answer: &Answer, text: &str) {
    let words = words(answer);
    assert!(words.contains(text), "{text:?} is not in: {words}");
}

#[track_caller]
fn does_not_say(answer: &Answer, text: &str) {
    let words = words(answer);
    assert!(!words.contains(text), "{text:?} is in: {words}");
}

/// The names in the table of the resources.
fn listed(answer: &Answer) -> Vec<String> {
    let html = answer.text();
    let Some((_, table)) = html.split_once("id=\"resources\"") else { panic!("no table: {html}") };
    let table = table.split_once("</section>").unwrap().0;
    let row = "data-label=\"Resource\"><a href=\"explain/";
    table.split(row).skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect()
}

/// Resources `a`, `b` and so on, published and stored.
async fn stored(names: &[&str]) -> Site {
    let site = Site::new(|lab| names.iter().map(|name| lab.resource(name)).collect());
    for name in names {
        site.lab.publish(name, format!("first version of {name}"));
    }
    site.run_beside().await;
    site
}

fn within(max_age: u64, max_stale: u64) -> Policy {
    let mut policy = Policy::default();
    (policy.max_age, policy.max_stale) = (hours(max_age), Some(hours(max_stale)));
    policy
}

/// Holds `value` against a part of docs/output.schema.json.
#[track_caller]
fn assert_schema(part: &str, value: &Value) {
    let mut schema: Value = serde_json::from_str(include_str!("../../../docs/output.schema.json")).unwrap();
    schema.as_object_mut().unwrap().remove("anyOf");
    schema.as_object_mut().unwrap().remove("oneOf");
    schema["$ref"] = json!(format!("#/$defs/{part}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{error}: {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}\n{value:#}");
}

#[tokio::test]
async fn a_sound_set_up_is_said_to_be_one() {
    let site = stored(&["flags.json", "tools/list.txt"]).await;
    site.clock.set(30);
    let answer = page(&site, "/").await;
    assert_eq!(answer.status, 200);
    says(&answer, "Everything is as it should be");
    says(&answer, "All 2 resources are fresh, and their last runs passed every step.");
    says(&answer, "Looked at 2026-11-24 12:30 UTC Last run 2026-11-24 12:00 UTC, 30 minutes ago Catalog number 1");
    says(&answer, "flags.json fresh stored (first-version) 30 minutes ago states none release 27 bytes");
    does_not_say(&answer, "Broken links");
    let none = page(&Site::new(|_| vec![]), "/").await;
    says(&none, "Everything is as it should be There are no resources.");
}

#[tokio::test]
async fn the_first_broken_link_is_named_on_top() {
    let site = stored(&["a", "b", "c", "d"]).await;
    site.lab.origin.serve(&Lab::url("b"), "not signed");
    site.lab.origin.down(&Lab::url("c"));
    site.lab.origin.down(&Lab::url("d"));
    site.clock.set(60);
    site.run_beside().await;
    let answer = page(&site, "/").await;
    says(&answer, "3 of 4 resources are not as they should be");
    says(
        &answer,
        "The first broken link is connect (connection-refused) of c: expected a connection, found nothing that listens.",
    );
    says(&answer, "Concerns connect connection-refused a connection nothing that listens c and 1 other signature");
    says(&answer, "signature-mismatch a signature by release a signature that does not match b The last runs");
    says(&answer, "b fresh kept at step signature (signature-mismatch) Expected a signature by release, found a");
    // A resource that readers lost comes before what is only not refreshed.
    assert_eq!(listed(&answer), ["b", "c", "d", "a"]);
}

/// What everything hangs on comes before what hangs on it, and each is told with what the machine knows of it.
#[tokio::test]
async fn what_is_around_the_resources_is_a_link_too() {
    let site = Site::with(
        |lab| vec![lab.resource("a")],
        |mut options| {
            options.overdue = Some(Duration::from_secs(90 * 60));
            options
        },
    );
    let nothing = page(&site, "/").await;
    says(&nothing, "The only resource is not as it should be");
    says(
        &nothing,
        "The first broken link is the schedule: a run was expected every 1 hour 30 minutes, and there was none so far.",
    );
    says(
        &nothing,
        "Of the resources it is schedule (never-run) of a: expected a run that looks at it, found none so far.",
    );
    site.lab.publish("a", "first");
    site.run_beside().await;
    site.endpoint.complain("alerts", Some("the mail server is gone".to_owned()));
    says(&page(&site, "/").await, "The resources are as they should be, but this is not: alerts");
    site.clock.set(120);
    let late = page(&site, "/").await;
    says(&late, "The resources are as they should be, but this is not: schedule, alerts");
    says(
        &late,
        "The first broken link is the schedule: a run was expected every 1 hour 30 minutes, and there was the last one 2 hours ago.",
    );
    says(&late, "No run for 2 hours after 2026-11-24 12:00 UTC");
    site.clock.set(240);
    let stale = page(&site, "/").await;
    says(
        &stale,
        "Of the resources it is schedule (no-run) of a: expected a source that confirms it every 3 hours, found the last time 4 hours ago",
    );
}

#[tokio::test]
async fn a_store_that_is_down_is_the_first_link_and_what_was_known_is_shown() {
    let site = stored(&["a"]).await;
    page(&site, "/").await;
    site.lab.faulty.rearm();
    site.lab.faulty.fail(0, How::CrashBefore);
    site.clock.set(10);
    let answer = page(&site, "/").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("sigcache-store").starts_with("unreachable since 2026-11-24T12:10"), "{answer:?}");
    says(&answer, "The resources are as they should be, but this is not: store");
    says(&answer, "The first broken link is the store: unreachable since 2026-11-24T12:10:00Z");
    says(
        &answer,
        "The store does not answer since 2026-11-24 12:10 UTC. Documents that are in memory are served from there, by the catalog that was read 10 minutes ago",
    );
    says(&answer, "The store does not answer, so newer runs may be missing.");
    says(&answer, "2026-11-24 12:00 UTC sync");
    let one = page(&site, "/explain/a").await;
    assert_eq!(one.status, 200);
    says(&one, "a is fresh");
    says(&one, "The reports cannot be read: ");

    // An endpoint that never saw the store has nothing to show but that.
    let cold = Site::new(|lab| vec![lab.resource("a")]);
    cold.lab.faulty.fail(0, How::CrashBefore);
    for path in ["/", "/explain/a"] {
        let answer = page(&cold, path).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "10"), "{path}");
        says(&answer, "The store does not answer");
        cold.get(path).await.problem(503, "store-down");
    }
}

#[tokio::test]
async fn a_resource_has_a_page_of_its_own() {
    let site = Site::new(|lab| vec![lab.resource_with("a", lab.rules().with_policy(within(1, 2)))]);
    site.lab.publish("a", "first");
    site.run_beside().await;
    site.lab.origin.down(&Lab::url("a"));
    site.clock.set(60);
    site.run_beside().await;
    site.clock.set(200);
    let answer = page(&site, "/explain/a").await;
    says(
        &answer,
        "a withheld The link that is broken: connect (connection-refused) Expected a connection Found nothing that listens",
    );
    says(&answer, "a is withheld: there is a copy, but it may not be served any more");
    says(&answer, "What to do: ask the publisher whether the server runs");
    says(&answer, "Sources In the order in which they are tried: https://a.example/a");
    says(&answer, "Size 5 bytes Format detached From https://a.example/a Verified 2026-11-24 12:00 UTC");
    let fingerprint = site.lab.signer.trusted().key.fingerprint();
    says(&answer, &format!("release {fingerprint} no end"));
    says(&answer, "2026-11-24 13:00 UTC kept 2 hours 20 minutes ago, sync Step that broke connect connection-refused");
    says(
        &answer,
        "Sources that were tried and failed Source Tries Step that broke Expected Found HTTP status https://a.example/a 3 connect",
    );
    says(&answer, "2026-11-24 12:00 UTC stored 3 hours 20 minutes ago, sync Reason first-version");
    // What may not be served is not linked.
    assert!(!answer.text().contains("href=\"resources/a\""));
    assert!(answer.text().contains("href=\"resources/a/receipt\""));
    site.lab.publish("a", "second");
    site.run_beside().await;
    assert!(page(&site, "/explain/a").await.text().contains("href=\"resources/a\""));
}

#[tokio::test]
async fn what_an_anchor_vouches_for_is_listed_and_a_broken_one_is_the_cause() {
    let lab_rules = |lab: &Lab| vec![lab.resource_with("anchor", lab.rules().as_anchor())];
    let site = Site::new(lab_rules);
    let rules = Arc::new(Rules::new(Arc::new(Detached::new(".sig")), Trust::nobody()));
    let vouches = Vouches::Entries { name: "of/{url_hex}".into(), identity: None, rules };
    let anchored = vec![Anchored::new(site.resources[0].name.clone(), vouches)];
    let (url, country) = ("https://x.example/x", Signer::new("x"));
    site.lab.publish("anchor", format!("{{\"keys\":[{}]}}", country.jwk(url)));
    site.lab.referee.allow(b"document");
    site.lab.referee.allow(&country.sign(b"document"));
    site.lab.origin.serve(url, "document");
    site.lab.origin.serve(&format!("{url}.sig"), country.sign(b"document"));
    let run = async || {
        let runner = site.lab.runner().with_anchored(anchored.clone());
        runner.sync(&site.resources, &Selection::All, site.clock.now(), site.lab.nonce()).await.unwrap();
    };
    run().await;
    site.endpoint.replace(Site::setup(&site.lab, site.resources.clone()).with_anchored(anchored.clone()));
    let name = format!("of/{}", sigcache_core::hex(url.as_bytes()));
    says(&page(&site, "/explain/anchor").await, &format!("What rests on it It vouches for 1 resource: {name}"));
    says(&page(&site, &format!("/explain/{name}")).await, "Vouched for by anchor");

    site.lab.publish("anchor", "no set of keys");
    site.clock.set(60);
    run().await;
    says(&page(&site, "/").await, "The first broken link is parse (malformed-document) of anchor: expected a JWK set");
}

#[tokio::test]
async fn a_cause_comes_before_what_follows_from_it() {
    let site = Site::new(|lab| {
        let mut policy = Policy::default();
        policy.set = Some("together".into());
        ["a", "b", "c"].map(|name| lab.resource_with(name, lab.rules().with_policy(policy.clone()))).to_vec()
    });
    for round in ["first", "second"] {
        for name in ["a", "b", "c"] {
            site.lab.publish(name, format!("{round} {name}"));
        }
        if round == "second" {
            site.clock.set(60);
            site.lab.origin.down(&Lab::url("c"));
        }
        site.run_beside().await;
    }
    let answer = page(&site, "/").await;
    says(&answer, "3 of 3 resources are not as they should be");
    // More are stopped by the set, and they come first by name.
    says(&answer, "The first broken link is connect (connection-refused) of c:");
    says(&answer, "commit set-incomplete");
}

#[tokio::test]
async fn rows_are_found_by_state_by_name_and_page_by_page() {
    let names: Vec<String> = (0..250).map(|number| format!("n{number:03}")).collect();
    let site = Site::new(|lab| {
        let mut resources: Vec<Resource> = names.iter().map(|name| lab.resource(name)).collect();
        resources.push(lab.resource("z/missing"));
        resources
    });
    for name in &names {
        site.lab.publish(name, name.clone());
    }
    site.run_beside().await;
    let first = page(&site, "/").await;
    assert_eq!(listed(&first).len(), 100);
    assert_eq!(listed(&first)[..2], ["z/missing", "n000"]);
    says(&first, "All (251) Not as they should be (1) Withheld (0) Missing (1) Expired (0) Stale (0) Fresh (250)");
    says(&first, "251 resources; here are 1 to 100");
    says(&first, "Page 1 of 3 Next page");
    assert!(first.text().contains("href=\"/?page=2\""), "{}", first.text());
    let table = [
        ("/?page=3", 51, "n199"),
        ("/?page=99", 51, "n199"),
        ("/?page=0", 100, "z/missing"),
        ("/?page=no", 100, "z/missing"),
        ("/?state=missing", 1, "z/missing"),
        ("/?state=not-good", 1, "z/missing"),
        ("/?state=fresh&page=2", 100, "n100"),
        ("/?state=nonsense", 100, "z/missing"),
        ("/?state=fresh&q=N24", 10, "n240"),
        ("/?q=missing", 1, "z/missing"),
        ("/?q=%FF&q=n", 100, "z/missing"),
    ];
    for (path, count, first) in table {
        let answer = page(&site, path).await;
        let listed = listed(&answer);
        assert_eq!((listed.len(), listed[0].as_str()), (count, first), "{path}");
    }
    let none = page(&site, "/?q=%3Cb%3E%26%22").await;
    assert!(listed(&none).is_empty());
    assert!(none.text().contains("value=\"&lt;b&gt;&amp;&quot;\""), "{}", none.text());
    assert!(page(&site, "/?q=n&state=fresh").await.text().contains("href=\"/?state=fresh&amp;q=n&amp;page=2\""));
}

#[tokio::test]
async fn what_ends_is_told_the_next_first() {
    let site = Site::new(|lab| {
        let mut claims = Claims::default();
        claims.expires = Some(Pointer::new("/expires").unwrap());
        let mut key = lab.signer.trusted();
        key.not_after = Some("2027-03-01T00:00:00Z".parse().unwrap());
        let trust = Trust::new(vec![key], 1).unwrap();
        let rules = Rules::new(Arc::new(Detached::new(".sig").with_claims(claims)), trust);
        vec![lab.resource_with("a", rules.clone()), lab.resource_with("b", rules)]
    });
    site.lab.publish("a", "{\"expires\":\"2026-12-05T08:00:00Z\"}");
    site.lab.publish("b", "{\"expires\":\"2026-11-24T13:00:00Z\"}");
    site.lab.origin.shows_certificate_until("2026-12-20T00:00:00Z".parse().unwrap());
    site.run_beside().await;
    site.clock.set(120);
    let mut retired: TrustedKey = Signer::new("retired").trusted();
    retired.not_after = Some("2026-10-01T00:00:00Z".parse().unwrap());
    site.endpoint.replace(Site::setup(&site.lab, site.resources.clone()).with_keys(vec![retired]));
    let answer = page(&site, "/").await;
    says(
        &answer,
        "When What Name Concerns \
         2026-12-05 08:00 UTC in 10 days 18 hours within 30 days Document a itself \
         2026-12-20 00:00 UTC in 25 days 10 hours within 30 days TLS certificate a.example a and 1 other \
         2027-03-01 00:00 UTC in 96 days 10 hours Key release a and 1 other \
         2026-11-24 13:00 UTC 1 hour ago past Document b itself \
         2026-10-01 00:00 UTC 54 days 14 hours ago past Key retired nothing at the moment",
    );
}

#[tokio::test]
async fn programs_get_what_the_command_says() {
    let site = stored(&["a", "b"]).await;
    site.lab.origin.down(&Lab::url("b"));
    site.clock.set(60);
    site.run_beside().await;
    for accept in ["application/json", "*/*", "application/json, text/html;q=0.9"] {
        let status = site.get_with("/", "accept", accept).await;
        assert_eq!((status.header("content-type"), status.header("vary")), ("application/json", "accept"));
        let status = status.json();
        assert_schema("status", &status);
        assert_eq!(status["at"], "2026-11-24T13:00:00Z");
        assert_eq!(
            (&status["resources"][1]["resource"], &status["resources"][1]["last"]["step"]),
            (&json!("b"), &json!("connect"))
        );
    }
    let explained = site.get("/explain/b").await.json();
    assert_schema("explain", &explained);
    assert_eq!(explained["decision"]["expected"], "a connection");
    assert_eq!(explained["entry"]["standing"], "live");
    assert!(explained["text"][0].as_str().unwrap().starts_with("b is fresh"), "{explained}");
    let good = site.get("/explain/a").await.json();
    assert_schema("explain", &good);
    assert_eq!(good["decision"]["reason"], "not-modified");
}

#[tokio::test]
async fn an_unknown_name_is_told_in_the_form_that_was_asked_for() {
    let site = stored(&["a"]).await;
    for (path, status, code, title) in [
        ("/explain/b", 404, "unknown-resource", "There is no such resource"),
        ("/explain/a/receipt", 404, "unknown-resource", "There is no such resource"),
        ("/explain/%3Cscript%3E", 400, "bad-name", "The path is not the name of a resource"),
    ] {
        let answer = page(&site, path).await;
        assert_eq!(answer.status, status, "{path}");
        says(&answer, title);
        assert!(!answer.text().contains("<script"), "{}", answer.text());
        site.get(path).await.problem(status, code);
    }
}

#[tokio::test]
async fn pages_are_kept_to_themselves() {
    let site = stored(&["a"]).await;
    for path in ["/", "/explain/a", "/explain/none"] {
        let answer = page(&site, path).await;
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("vary"), "accept");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        for inline in ["<script", "style=", " onclick", "javascript:"] {
            assert!(!answer.text().contains(inline), "{path}: {inline}");
        }
    }
    let style = site.get("/style.css").await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert!(!style.text().contains("url("));
    let request = http::Request::head("/").header("accept", HTML).body(axum::body::Body::empty()).unwrap();
    let head = site.ask(request).await;
    assert_eq!((head.status.as_u16(), head.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(head.body.unwrap().is_empty());
    site.method(Method::PUT, "/").await.problem(405, "wrong-method");
}

#[tokio::test]
async fn links_hold_where_the_router_is_nested_and_behind_a_proxy() {
    let site = Site::with(
        |lab| vec![lab.resource("a")],
        |mut options| {
            options.base = "/stage".into();
            options
        },
    );
    let nested = axum::Router::new().nest("/t/{tenant}/cache", site.router.clone());
    for (router, path, base, home, here) in [
        (&site.router, "/explain/a?x=1", "/stage/", "/stage/", "/stage/explain/a?x=1#main"),
        (&nested, "/t/1/cache", "/stage/t/1/cache/", "/stage/t/1/cache", "/stage/t/1/cache#main"),
        (&nested, "/t/1/cache/explain/a", "/stage/t/1/cache/", "/stage/t/1/cache", "/stage/t/1/cache/explain/a#main"),
    ] {
        let other = Site { router: router.clone(), ..Site::new(|_| vec![]) };
        let html = page(&other, path).await.text();
        for part in [
            format!("<base href=\"{base}\">"),
            format!("class=\"home\" href=\"{home}\""),
            format!("class=\"skip\" href=\"{here}\""),
        ] {
            assert!(html.contains(&part), "{path}: no {part} in {html}");
        }
    }
}

/// Whoever can write to the bucket writes the reports; what stands in them must not do anything in a browser.
#[tokio::test]
async fn hostile_texts_stay_texts() {
    const HOSTILE: &str = "<script>alert(1)</script>\u{202e}\\\"><img src=x onerror=alert(1)>";
    let key = |lab: &Lab| TrustedKey::new(KeyId::new("<i>key</i>\u{2066}"), lab.signer.trusted().key);
    let site = Site::new(|lab| {
        let rules = |key| Rules::new(Arc::new(Detached::new(".sig")), Trust::new(vec![key], 1).unwrap());
        vec![lab.resource_with("a", rules(key(lab))), lab.resource("b")]
    });
    site.lab.publish("a", "first");
    site.run_beside().await;
    let copy = Arc::new(InMemory::new());
    let mut changed = 0;
    for (name, bytes) in site.lab.referee.objects("") {
        let bytes = if name.starts_with("runs/") {
            let mut report: Value = serde_json::from_slice(&bytes).unwrap();
            for place in ["expected", "found", "source"] {
                report["decisions"][1][place] = json!(HOSTILE);
            }
            report["decisions"][1]["attempts"] = json!([{"source": HOSTILE, "tries": 1, "step": "http", "reason": "http-status", "expected": HOSTILE, "found": HOSTILE}]);
            (report["command"], report["store_failure"]) = (json!("sync"), json!(HOSTILE));
            changed += 1;
            serde_json::to_vec(&report).unwrap()
        } else {
            bytes.to_vec()
        };
        copy.put(&name.into(), bytes.into()).await.unwrap();
    }
    assert_eq!(changed, 1);
    let open = Arc::new(move |shard| Ok(Bucket::new(copy.clone()).with_shard(shard)));
    let setup = Setup::new(site.resources.clone(), site.lab.origin.clone(), open);
    let mut options = Options::default();
    let now = site.clock.clone();
    options.clock = Arc::new(move || now.now());
    let endpoint = Endpoint::new(setup, options);
    let part = "a part";
    endpoint.complain(part, Some(HOSTILE.to_owned()));
    let other = Site { router: endpoint.router(), ..site };
    for path in ["/", "/explain/b", "/explain/a"] {
        let html = page(&other, path).await.text();
        for live in ["<script", "<img", "<i>", "\u{202e}", "\u{2066}"] {
            assert!(!html.contains(live), "{path}: {live} in {html}");
        }
        let shown = if path == "/explain/a" { "&lt;i&gt;key" } else { "&lt;script&gt;alert(1)&lt;/script&gt;\u{fffd}" };
        assert!(html.contains(shown), "{path}: {html}");
    }
}

/// The same over a store that no referee watches, which the test may damage.
async fn stored_unwatched(names: &[&str]) -> (Site, Arc<InMemory>) {
    let site = stored(names).await;
    let objects = Arc::new(InMemory::new());
    let (under, resources) = (objects.clone(), site.resources.clone());
    let open = Arc::new(move |shard| Ok(Bucket::new(under.clone()).with_shard(shard)));
    site.endpoint.replace(Setup::new(resources, site.lab.origin.clone(), open));
    assert_eq!(site.sync("").await.status, StatusCode::OK);
    (site, objects)
}

async fn delete_all(objects: &InMemory, below: Option<&str>) {
    use futures_util::TryStreamExt as _;
    use object_store::ObjectStore as _;
    let below = below.map(object_store::path::Path::from);
    let listed: Vec<_> = objects.list(below.as_ref()).try_collect().await.unwrap();
    for object in listed {
        objects.delete(&object.location).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_was_emptied_is_no_new_store() {
    let (site, objects) = stored_unwatched(&["a"]).await;
    site.lab.publish("a", "version 2");
    assert_eq!(site.sync("").await.status, StatusCode::OK);
    assert_eq!(site.get("/resources/a").await.text(), "version 2");
    delete_all(&objects, None).await;

    // No run takes what is old for new, and what was read before is served on.
    site.lab.publish("a", "version 1 again");
    let answer = site.sync("").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
    assert!(answer.text().contains("it is not mounted, or was emptied"), "{}", answer.text());
    assert_eq!(site.get("/resources/a").await.text(), "version 2");
    says(&page(&site, "/").await, "The first broken link is the store");
    assert_eq!(site.get("/health").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn what_a_reader_found_damaged_is_said_until_it_is_mended() {
    let (site, objects) = stored_unwatched(&["a", "b"]).await;
    delete_all(&objects, Some("versions/a")).await;
    assert_eq!(site.get("/resources/a").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    says(&page(&site, "/").await, "sync --refetch a");
    assert_eq!(site.get("/health").await.status, StatusCode::SERVICE_UNAVAILABLE);

    site.lab.publish("a", "a newer one");
    assert_eq!(site.sync("").await.status, StatusCode::OK);
    assert_eq!(site.get("/resources/a").await.text(), "a newer one");
    assert_eq!(site.get("/health").await.status, StatusCode::OK);
}

/// One that is larger than memory allows is found damaged only at its end.
#[tokio::test]
async fn damage_that_shows_in_the_middle_of_a_document_is_said_too() {
    use futures_util::TryStreamExt as _;
    use object_store::ObjectStore as _;
    let small = |mut options: Options| {
        options.hot_bytes = 0;
        options
    };
    let site = Site::with(|lab| vec![lab.resource("a")], small);
    let objects = Arc::new(InMemory::new());
    let under = objects.clone();
    let open = Arc::new(move |shard| Ok(Bucket::new(under.clone()).with_shard(shard)));
    site.endpoint.replace(Setup::new(site.resources.clone(), site.lab.origin.clone(), open));
    site.lab.publish("a", "a document");
    assert_eq!(site.sync("").await.status, StatusCode::OK);
    assert_eq!(site.get("/resources/a").await.text(), "a document");
    let versions: Vec<_> = objects.list(Some(&"versions/a".into())).try_collect().await.unwrap();
    objects.put(&versions[0].location, "a d0cument".into()).await.unwrap();

    assert!(site.get("/resources/a").await.body.is_err());
    says(&page(&site, "/").await, "sync --refetch a");
    objects.put(&versions[0].location, "a document".into()).await.unwrap();
    assert_eq!(site.get("/resources/a").await.text(), "a document");
    does_not_say(&page(&site, "/").await, "sync --refetch a");
}

#[tokio::test]
async fn keys_that_ended_are_a_broken_link() {
    let site = Site::new(|lab| {
        let mut key = lab.signer.trusted();
        key.not_after = Some("2026-11-24T13:00:00Z".parse().unwrap());
        let trust = Trust::new(vec![key], 1).unwrap();
        vec![lab.resource_with("a", Rules::new(Arc::new(Detached::new(".sig")), trust))]
    });
    site.lab.publish("a", "document a");
    site.run_beside().await;
    assert_eq!(site.get("/health").await.status, StatusCode::OK);
    site.clock.set(90);
    says(&page(&site, "/").await, "no new version of a can pass: too few of its keys may sign now (release)");
    assert_eq!(site.get("/health").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_run_that_the_store_did_not_keep_is_said_until_one_is_kept() {
    // Which request of a run is the commit is seen on another store.
    let twin = stored(&["a"]).await;
    twin.lab.publish("a", "version 2");
    twin.lab.faulty.rearm();
    twin.sync("").await;
    let seen = twin.lab.faulty.seen();
    let commit = seen.iter().position(|line| line.contains("/000000000002.json")).unwrap_or_else(|| panic!("{seen:?}"));

    let site = stored(&["a"]).await;
    site.lab.publish("a", "version 2");
    site.lab.faulty.rearm();
    site.lab.faulty.fail(commit, How::CrashBefore);
    let answer = site.sync("").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
    site.lab.faulty.rearm();
    says(&page(&site, "/").await, "the store did not keep what came of it");
    assert_eq!(site.sync("").await.status, StatusCode::OK);
    does_not_say(&page(&site, "/").await, "the store did not keep what came of it");
}
