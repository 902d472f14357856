//! The headers of an answer: validators, freshness, redirects, when to try again.
#![no_main]

use std::{sync::Arc, time::Duration};

use libfuzzer_sys::fuzz_target;
use sigcache_core::{
    Timestamp,
    fetch::{Access, FetchRequest, Limits, http::fuzzing},
};
use url::Url;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

fuzz_target!(|head: &[u8]| {
    let (limits, access) = (Limits::default(), Arc::new(Access::default()));
    let now = Timestamp::from_millis(1_795_521_600_000);
    for from in ["https://source.example/folder/file?x", "http://source.example/"] {
        let from = Url::parse(from).expect("a URL");
        let said = fuzzing::read(head, &FetchRequest::new(&from, &limits, &access, now));
        if let Ok(to) = &said.redirect {
            assert!(to.has_host() && (to.scheme() == "https" || to.scheme() == "http" && from.scheme() == "http"));
        }
        for error in said.redirect.err().into_iter().chain(said.encoding.err()) {
            let shown = error.to_string();
            assert!(!shown.chars().any(char::is_control), "{shown:?}");
        }
        let meta = said.meta;
        assert!(meta.fresh_until.is_none_or(|until| until > now && until <= now.plus(WEEK)));
        let kept = [meta.content_type, meta.validators.etag, meta.validators.last_modified];
        for text in kept.into_iter().flatten() {
            assert!(text.len() <= 1024 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
        }
        let _ = said.retry;
    }
});
