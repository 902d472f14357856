//! Reading what was stored. The bucket is untrusted: signature and digest are checked again as the bytes pass.

#[cfg(feature = "hot")]
mod hot;

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::StreamExt as _;

use crate::{
    decision::Failure,
    entry::Entry,
    evidence::Evidence,
    judge::{self, State},
    reason::Reason,
    receipt::Receipt,
    resource::{Resource, Rules},
    store::{Download, Store, StoreError},
    time::Timestamp,
    verify::{Check, Context, VerifyError},
};

#[cfg(feature = "hot")]
pub use hot::{Document, HotSet};

/// A stored document on its way to a reader.
///
/// The last chunk is held back until digest and signature held for the whole, so a reader that stops at an error never
/// has a complete document that was not verified.
pub struct VerifiedRead {
    download: Download,
    check: Option<Check>,
    held: Option<Bytes>,
    /// What is handed out of all that is read, and how much was read.
    range: Range<u64>,
    passed: u64,
    expected: Receipt,
    rules: Arc<Rules>,
}

/// A stored document cannot be handed out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is none, it may not be served, or what is stored is not what was verified.
    #[error("{0}")]
    Refused(Failure),
    /// The store did not answer.
    #[error("the store failed")]
    Store(#[source] StoreError),
}

impl ReadError {
    /// What was expected and found, where it is not the store's fault.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Refused(failure) => Some(failure),
            Self::Store(_) => None,
        }
    }
}

/// Opens the stored copy of `resource` for reading at `now`. Refuses one that may not be served.
pub async fn read(
    store: &dyn Store,
    resource: &Resource,
    entry: &Entry,
    now: Timestamp,
) -> Result<VerifiedRead, ReadError> {
    verify_stored(store, resource, served(resource, entry, now)?, now).await
}

/// The receipt of the copy of `resource`, if it may be served at `now`.
fn served<'e>(resource: &Resource, entry: &'e Entry, now: Timestamp) -> Result<&'e Arc<Receipt>, ReadError> {
    let rules = &resource.rules;
    let Some(receipt) = entry.live() else {
        let failure = match &entry.receipt {
            None => Failure::new(Reason::ObjectMissing, "a stored copy", "none, no version passed so far"),
            // Why it is withheld is said where it can still be seen; a rule that is milder now does not bring it back.
            Some(receipt) => match judge::state(receipt, entry.checked_at, &rules.trust, &rules.policy, now) {
                State::Expired(failure) => failure,
                _ if receipt.settings != rules.verifier.settings() => {
                    let found = "one that was verified otherwise and was withheld since";
                    Failure::new(Reason::ReceiptRefused, "a copy that verifies as the configuration says today", found)
                }
                _ => Failure::new(Reason::CopyExpired, "a copy that may be served", "one that is withheld"),
            },
        };
        return Err(ReadError::Refused(failure));
    };
    let state = judge::state(receipt, entry.checked_at, &rules.trust, &rules.policy, now);
    if let State::Expired(failure) = &state
        && !state.may_be_served(&rules.policy)
    {
        return Err(ReadError::Refused(failure.clone()));
    }
    Ok(receipt)
}

/// The document that is kept in the receipt of an anchor, whatever its expiry, checked against the rules of `resource`.
pub fn kept_document(resource: &Resource, receipt: &Receipt, now: Timestamp) -> Result<Bytes, ReadError> {
    let Some(document) = &receipt.document else {
        let found = "a receipt without it, from before others relied on it";
        return Err(ReadError::Refused(Failure::new(Reason::ReceiptRefused, "the document in the receipt", found)));
    };
    let mut check = begin(resource, receipt, now)?;
    check.update(document).map_err(receipt_refused)?;
    confirm(check, receipt, &resource.rules)?;
    Ok(document.clone())
}

/// Opens the version of `receipt` whatever its expiry, checked against the rules of `resource`; for audits.
pub async fn verify_stored(
    store: &dyn Store,
    resource: &Resource,
    receipt: &Receipt,
    now: Timestamp,
) -> Result<VerifiedRead, ReadError> {
    let check = begin(resource, receipt, now)?;
    let download = store.read(&resource.name, receipt).await.map_err(|error| {
        if error.is_absence() {
            let expected = format!("version {} of {}", receipt.version, resource.name);
            return ReadError::Refused(Failure::new(Reason::ObjectMissing, expected, "no such object"));
        }
        ReadError::Store(error)
    })?;
    if download.size != receipt.evidence.size {
        return Err(changed(format!("{} bytes", receipt.evidence.size), format!("{} bytes", download.size)));
    }
    let rules = resource.rules.clone();
    let (range, expected) = (0..receipt.evidence.size, receipt.clone());
    Ok(VerifiedRead { download, check: Some(check), held: None, range, passed: 0, expected, rules })
}

/// A check of what `receipt` describes, against the rules of `resource`.
fn begin(resource: &Resource, receipt: &Receipt, now: Timestamp) -> Result<Check, ReadError> {
    let rules = &resource.rules;
    rules.trust.still_holds(receipt.signers()).map_err(ReadError::Refused)?;
    if !judge::may_be_read(receipt, rules.verifier.format(), &rules.trust, &rules.policy) {
        let expected = format!("a receipt for {} by {}", rules.verifier.format(), rules.trust.names());
        let signers: Vec<&str> = receipt.evidence.signers.iter().map(|id| id.as_str()).collect();
        let found = format!("a receipt for {} by {}", receipt.evidence.format, signers.join(", "));
        return Err(ReadError::Refused(Failure::new(Reason::ReceiptRefused, expected, found)));
    }
    let find =
        |suffix: &str| receipt.companions.iter().find(|kept| *kept.suffix == *suffix).map(|kept| kept.bytes.clone());
    let companions: Vec<Option<Bytes>> =
        rules.verifier.companions().iter().map(|companion| find(&companion.suffix)).collect();
    let context =
        Context::new(&resource.name, now, &rules.trust, &companions).with_identity(rules.policy.identity.as_deref());
    Check::begin(&rules.verifier, context).map_err(receipt_refused)
}

impl VerifiedRead {
    /// Hands out these bytes alone, as far as there are any. All of the document is read and checked nevertheless, since
    /// nothing less shows that a part of it is what was signed; the last of these bytes wait for that.
    pub fn within(mut self, range: Range<u64>) -> Self {
        let size = self.size();
        self.range = range.start.min(size)..range.end.min(size);
        self
    }

    /// The size of the whole document in bytes.
    pub fn size(&self) -> u64 {
        self.expected.evidence.size
    }

    /// The receipt.
    pub fn receipt(&self) -> &Receipt {
        &self.expected
    }

    /// The next bytes, or `None` at the verified end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, ReadError>> {
        loop {
            self.check.as_ref()?;
            match self.download.chunks.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    if let Some(Err(error)) = self.check.as_mut().map(|check| check.update(&chunk)) {
                        self.check = None;
                        return Some(Err(receipt_refused(error)));
                    }
                    let wanted = self.clip(chunk);
                    if !wanted.is_empty()
                        && let Some(before) = self.held.replace(wanted)
                    {
                        return Some(Ok(before));
                    }
                }
                Some(Err(error)) => {
                    self.check = None;
                    return Some(Err(ReadError::Store(error)));
                }
                None => {
                    let check = self.check.take()?;
                    return match confirm(check, &self.expected, &self.rules) {
                        Ok(()) => self.held.take().map(Ok),
                        Err(error) => Some(Err(error)),
                    };
                }
            }
        }
    }

    /// What is to be handed out of the next chunk.
    fn clip(&mut self, chunk: Bytes) -> Bytes {
        let (first, length) = (self.passed, chunk.len() as u64);
        self.passed += length;
        // Within the chunk, so these are its own small numbers.
        let at = |byte: u64| byte.saturating_sub(first).min(length) as usize;
        let (start, end) = (at(self.range.start), at(self.range.end));
        chunk.slice(start..end.max(start))
    }

    /// All of it at once, for small documents.
    pub async fn bytes(mut self) -> Result<Bytes, ReadError> {
        let mut all = bytes::BytesMut::new();
        while let Some(chunk) = self.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.freeze())
    }

    /// Reads to the end and throws the bytes away.
    pub async fn check(mut self) -> Result<(), ReadError> {
        while let Some(chunk) = self.next().await {
            chunk?;
        }
        Ok(())
    }
}

/// The end of a check of all the bytes: they are those of the receipt, and the evidence holds under the rules of today.
fn confirm(check: Check, receipt: &Receipt, rules: &Rules) -> Result<(), ReadError> {
    let expected = &receipt.evidence;
    let digest = check.whole().digest;
    if digest != expected.digest {
        return Err(changed(expected.digest.to_string(), digest.to_string()));
    }
    let found = check.finish().map_err(receipt_refused)?.evidence;
    let Rules { verifier, trust, policy, .. } = rules;
    trust.still_holds(trust.signers(&found)).map_err(ReadError::Refused)?;
    if receipt.settings != verifier.settings() {
        // Set up otherwise since, it reads other things from the same bytes; they must pass as well.
        return judge::identity(&found, policy).map_err(ReadError::Refused);
    }
    // The order of the keys in the configuration may have changed since.
    let Evidence { signers, signing_keys, .. } = expected.clone();
    if (Evidence { signers, signing_keys, ..found }) == *expected {
        return Ok(());
    }
    let (expected, found) = ("the evidence that the document gives", "other evidence in the receipt");
    Err(ReadError::Refused(Failure::new(Reason::ReceiptRefused, expected, found)))
}

fn changed(expected: String, found: String) -> ReadError {
    ReadError::Refused(Failure::new(Reason::ObjectChanged, expected, found))
}

fn receipt_refused(error: VerifyError) -> ReadError {
    let failure = error.into_failure();
    let found = format!("{} ({})", failure.found, failure.reason);
    ReadError::Refused(Failure::new(Reason::ReceiptRefused, failure.expected, found))
}
