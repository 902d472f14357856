//! The pages for people, and the same for programs.

use sigcache_core::{Policy, conformance::hours};

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
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace(" .", ".")
        .replace(" ,", ",")
        .replace("( ", "(")
        .replace(" )", ")")
        .replace(" :", ":")
}

#[track_caller]
fn says(answer: &Answer, text: &str) {
    let words = words(answer);
    assert!(words.contains(text), "{text:?} is not in: {words}");
}

#[tokio::test]
async fn a_sound_set_up_is_said_to_be_one() {
    let site = Site::new(|lab| vec![lab.resource("flags.json"), lab.resource("tools/list.txt")]);
    site.lab.publish("flags.json", "one");
    site.lab.publish("tools/list.txt", "two");
    site.run_beside().await;
    site.clock.set(30);
    let answer = page(&site, "/").await;
    assert_eq!(answer.status, 200);
    says(&answer, "Everything is as it should be");
    says(&answer, "All 2 resources are fresh, and the last run passed every step.");
    says(&answer, "Last run 2026-11-24 12:00 UTC, 30 minutes ago");
    says(&answer, "flags.json fresh stored (first-version) 30 minutes ago states none release 3 bytes");
    assert!(!words(&answer).contains("Broken links"));
}

#[tokio::test]
async fn the_first_broken_link_is_named_on_top() {
    let site = Site::new(|lab| vec![lab.resource("a"), lab.resource("b"), lab.resource("c")]);
    for name in ["a", "b", "c"] {
        site.lab.publish(name, "first");
    }
    site.run_beside().await;
    site.lab.origin.serve("https://a.example/b", "not signed");
    site.clock.set(60);
    site.run_beside().await;
    let answer = page(&site, "/").await;
    println!("{}", words(&answer));
    says(&answer, "1 of 3 resources is not as it should be");
    says(&answer, "The first broken link is signature (signature-mismatch) of b: expected ");
}

#[tokio::test]
async fn a_resource_has_a_page_of_its_own() {
    let site = Site::new(|lab| {
        let mut policy = Policy::default();
        (policy.max_age, policy.max_stale) = (hours(1), Some(hours(2)));
        vec![lab.resource_with("a", lab.rules().with_policy(policy))]
    });
    site.lab.publish("a", "first");
    site.run_beside().await;
    site.clock.set(200);
    let answer = page(&site, "/explain/a").await;
    println!("{}", words(&answer));
    says(&answer, "a withheld The link that is broken: expiry (copy-expired)");
}
