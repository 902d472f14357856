//! What every fetcher must do.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use url::Url;

use crate::{
    fetch::{Access, FetchError, FetchRequest, Fetched, Fetcher, Limits},
    reason::Reason,
    receipt::Validators,
    time::Timestamp,
};

/// What the fetcher under test finds where.
#[derive(Debug, Clone)]
pub struct Places {
    /// A document of at least two bytes.
    pub document: Url,
    /// Its bytes.
    pub bytes: Bytes,
    /// Nothing is there, and the source says so.
    pub missing: Url,
}

/// Holds `fetcher` against the contract of [`Fetcher`]: whole bytes, the limit of size (at it, and one byte beyond),
/// conditional requests where the source gave something to compare, and absence told as absence.
pub async fn fetcher_contract(fetcher: &dyn Fetcher, places: &Places, access: Access, now: Timestamp) {
    let access = Arc::new(access);
    let size = places.bytes.len() as u64;
    let limits = |max_size| Limits { max_size, ..Limits::default() };

    let exact = limits(size);
    let request = FetchRequest::new(&places.document, &exact, &access, now);
    let validators = match fetcher.fetch(request).await {
        Ok(Fetched::Body(body)) => {
            let validators = body.meta.validators.clone();
            assert!(body.meta.length.is_none_or(|length| length == size), "the announced length is wrong");
            assert_eq!(body.read().await.expect("the limit is not passed"), places.bytes);
            validators
        }
        other => panic!("the document was expected, not {other:?}"),
    };

    let small = limits(size - 1);
    let error = read(fetcher, FetchRequest::new(&places.document, &small, &access, now)).await;
    assert_eq!(error.expect_err("one byte too many").failure().reason, Reason::TooLarge);

    if !validators.is_empty() {
        let mut request = FetchRequest::new(&places.document, &exact, &access, now);
        request.validators = Some(&validators);
        let answer = fetcher.fetch(request).await;
        assert!(matches!(answer, Ok(Fetched::NotModified(_))), "nothing changed, but: {answer:?}");
        let other = Validators { etag: Some("\"another\"".into()), last_modified: None };
        request.validators = Some(&other);
        assert_eq!(read(fetcher, request).await.expect("another tag"), places.bytes);
    }

    let error = read(fetcher, FetchRequest::new(&places.missing, &exact, &access, now)).await;
    assert!(error.expect_err("nothing is there").is_absence(), "absence is not told as absence");
}

/// Holds `fetcher` against the limits of time: at `silent` is a source that takes the request and says nothing, for as
/// long as it is asked. A fetcher that waits for ever never returns from here, so put a time limit around it.
pub async fn silence_contract(fetcher: &dyn Fetcher, silent: &Url, access: Access, now: Timestamp) {
    let access = Arc::new(access);
    let short = Duration::from_millis(100);
    let total = Limits { total: short, ..Limits::default() };
    let error = read(fetcher, FetchRequest::new(silent, &total, &access, now)).await;
    assert_eq!(error.expect_err("it is silent").failure().reason, Reason::DeadlineExceeded);

    let first = Limits { connect: short, first_byte: short, ..Limits::default() };
    let error = read(fetcher, FetchRequest::new(silent, &first, &access, now)).await;
    let reason = error.expect_err("it is silent").failure().reason;
    // On a busy machine connecting may take that long too.
    assert!(matches!(reason, Reason::FirstByteTimeout | Reason::ConnectTimeout), "it is given up as {reason}");
}

async fn read(fetcher: &dyn Fetcher, request: FetchRequest<'_>) -> Result<Bytes, FetchError> {
    match fetcher.fetch(request).await? {
        Fetched::Body(body) => body.read().await,
        Fetched::NotModified(_) => panic!("nobody asked whether it changed"),
    }
}
