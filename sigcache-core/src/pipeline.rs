//! START HERE. One resource: fetch, verify, judge, seal.
//!
//! The bytes pass once. Each chunk goes to the check and to the staging side by side; the staging is invisible until
//! it is sealed, and it can only be sealed with a [`Verified`], which only this file makes. Nothing here decides what
//! readers see: that is the commit, once for the whole run, in [`crate::run`].

mod answer;
mod examine;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use url::Url;

use crate::{
    anchor::{self, Anchored},
    decision::{Attempt, Decision, Failure, RunId, Timings},
    digest::Digest,
    entry::{Entry, Last, Standing},
    fetch::{Body, FetchError, FetchRequest, Fetched, Fetcher, Meta, Part, Retry},
    judge::{self, State},
    policy::Revalidate,
    read::verify_stored,
    reason::{Outcome, Reason},
    receipt::{KeptCompanion, Receipt},
    resource::{Resource, Role},
    runtime::{self, Runtime},
    store::{Change, ChangeKind, Staging, Store, StoreError},
    time::{Timestamp, human_span},
    verified::Verified,
    verify::{Check, Context, Need, VerifyError},
};

pub use examine::{ExamineError, examine};

/// What one run has in hand for every resource.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pipeline {
    /// Gets the bytes.
    pub fetcher: Arc<dyn Fetcher>,
    /// Keeps them.
    pub store: Arc<dyn Store>,
    /// Waits between tries.
    pub runtime: Arc<dyn Runtime>,
    /// The run.
    pub run: RunId,
    /// The one time by which everything in this run is judged.
    pub now: Timestamp,
    /// Whether what is stored may spare a fetch.
    pub asking: Asking,
    /// When the run has no more time, on the runtime's clock, and how much it had.
    pub end: Option<Deadline>,
    /// What rests on which anchor, so that no document takes an anchor's place that nobody can rest on.
    pub anchored: Arc<[Anchored]>,
}

/// A moment on the clock of a [`Runtime`] at which a run gives up what is not through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The moment.
    pub at: Duration,
    /// How long before it the run began.
    pub span: Duration,
}

/// How sources are asked for what is stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Whether it changed.
    WhatChanged,
    /// For the whole of it, as if it were not stored: it is verified and stored anew. Mends a damaged version.
    Everything,
}

/// A source was asked and something came of it.
enum Answer {
    /// The stored version is the current one.
    Confirmed { reason: Reason, meta: Meta },
    /// A new version, verified, judged and sealed.
    New { receipt: Arc<Receipt>, meta: Meta },
}

/// A source was asked and nothing came of it.
struct Refused {
    failure: Failure,
    http_status: Option<u16>,
    retry: Retry,
}

impl Pipeline {
    /// A pipeline for one run.
    pub fn new(
        fetcher: Arc<dyn Fetcher>,
        store: Arc<dyn Store>,
        runtime: Arc<dyn Runtime>,
        run: RunId,
        now: Timestamp,
    ) -> Self {
        Self { fetcher, store, runtime, run, now, asking: Asking::WhatChanged, end: None, anchored: Arc::default() }
    }

    /// Takes one resource through all steps up to the seal, and says what the commit is to change about it.
    pub async fn process(&self, resource: &Resource, known: Option<&Entry>) -> (Decision, Change) {
        if self.is_still_fresh(resource, known) {
            let decision = Decision::passed(resource.name.clone(), Outcome::Unchanged, Reason::StillFresh);
            return self.conclude(known, decision, ChangeKind::Note);
        }
        let mut timings = Timings::default();
        let asked = self.in_time(self.ask_sources(resource, known, &mut timings)).await;
        let (mut decision, kind) = match asked {
            Ok(concluded) => concluded,
            Err(not_reached) => return self.keep(resource, known, not_reached),
        };
        decision.timings_us = timings;
        self.conclude(known, decision, kind)
    }

    /// Gives `work` up, wherever it stands, when the run has no more time. What it had staged nobody can see.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let Some(Deadline { at, span }) = self.end else { return Ok(work.await) };
        let left = at.saturating_sub(self.runtime.elapsed());
        let done = if left.is_zero() { None } else { runtime::within(&*self.runtime, left, work).await };
        done.ok_or_else(|| {
            let expected = format!("to be through within the {} of this run", human_span(span));
            Failure::new(Reason::NotReached, expected, "its time was up; the next run begins with this one")
        })
    }

    /// Names the copy that the decision leaves in the store, and what the commit is to change.
    fn conclude(&self, known: Option<&Entry>, mut decision: Decision, kind: ChangeKind) -> (Decision, Change) {
        if let Some(receipt) = known.and_then(Entry::copy).filter(|_| decision.digest.is_none()) {
            decision = decision.about(receipt);
        }
        let last = Last::new(self.run, decision.outcome, decision.reason);
        let change = Change::new(decision.resource.clone(), known, kind, last);
        (decision, change)
    }

    /// Asks one source after the other until one of them has a version that passes every step.
    async fn ask_sources(
        &self,
        resource: &Resource,
        known: Option<&Entry>,
        timings: &mut Timings,
    ) -> (Decision, ChangeKind) {
        let mut attempts: Vec<Attempt> = Vec::new();
        for url in resource.urls() {
            let source: Arc<str> = shown(&url);
            let mut tries = 0;
            let refused = loop {
                tries += 1;
                match self.attempt(resource, known, &url, &source, tries, timings).await {
                    Ok(answer) => {
                        let (mut decision, kind) = self.accept(resource, known, answer, &source);
                        decision.source = Some(source);
                        decision.attempts = attempts;
                        return (decision, kind);
                    }
                    Err(refused) => match self.pause(resource, tries, refused.retry) {
                        Some(span) => self.runtime.sleep(span).await,
                        None => break refused,
                    },
                }
            };
            let ours = refused.failure.reason == Reason::StageFailed;
            attempts.push(Attempt::new(source, tries, refused.failure, refused.http_status));
            if ours {
                break; // our store failed, not the source: the next source could not mend it
            }
        }
        let (mut decision, mut kind) = self.give_up(resource, known, attempts);
        if decision.outcome == Outcome::Kept && self.is_withdrawn(resource, known).await {
            let live = known.is_some_and(|entry| entry.standing == Standing::Live);
            decision.outcome = Outcome::Withheld;
            kind = if live { ChangeKind::Withhold } else { ChangeKind::Note };
        }
        (decision, kind)
    }

    /// Whether the copy that is here, verified when the configuration said something else of its format, does not verify
    /// any more: its certificate was revoked since, or more is asked of it. No reader would get it.
    async fn is_withdrawn(&self, resource: &Resource, known: Option<&Entry>) -> bool {
        let settings = resource.rules.verifier.settings();
        let Some(receipt) = known.and_then(Entry::copy).filter(|receipt| receipt.settings != settings) else {
            return false;
        };
        let checked = match verify_stored(&*self.store, resource, receipt, self.now).await {
            Ok(read) => read.check().await,
            Err(error) => Err(error),
        };
        // What the store lost or damaged is another matter, and nothing that is withdrawn.
        let ours = [Reason::ObjectMissing, Reason::ObjectChanged];
        checked.is_err_and(|error| error.failure().is_some_and(|failure| !ours.contains(&failure.reason)))
    }

    /// One request to one source, and what follows from it.
    async fn attempt(
        &self,
        resource: &Resource,
        known: Option<&Entry>,
        url: &Url,
        source: &Arc<str>,
        tries: u32,
        timings: &mut Timings,
    ) -> Result<Answer, Refused> {
        let rules = &resource.rules;
        // 1. Fetch: the headers first, then the companions, which say how the body is to be checked.
        let clock = Stopwatch::start(&*self.runtime);
        let mut request = FetchRequest::new(url, &rules.limits, &rules.access, self.now);
        request.validators = self
            .reusable(resource, known)
            .filter(|receipt| receipt.source == *source && known.is_some_and(|entry| entry.permit.is_none()))
            .map(|receipt| &receipt.validators)
            .filter(|validators| !validators.is_empty());
        let fetched = self.fetcher.fetch(request).await;
        clock.stop(&mut timings.fetch);
        let body = match fetched? {
            // An answer to a question that was not asked says nothing about the copy that is here.
            Fetched::NotModified(meta) if request.validators.is_none() => {
                return Err(unasked_not_modified(&meta).into());
            }
            Fetched::NotModified(meta) => return Ok(Answer::Confirmed { reason: Reason::NotModified, meta }),
            Fetched::Body(body) => body,
        };
        let clock = Stopwatch::start(&*self.runtime);
        let companions = self.companions(resource, url).await;
        clock.stop(&mut timings.fetch);
        let companions = companions?;
        let meta = body.meta.clone();
        let refused = |failure| Refused { failure, http_status: meta.http_status, retry: Retry::No };

        // 2. Verify, while the bytes are staged.
        let bytes: Vec<Option<Bytes>> = companions.iter().map(|kept| kept.as_ref().map(|k| k.bytes.clone())).collect();
        let context = Context::new(&resource.name, self.now, &rules.trust, &bytes)
            .with_identity(rules.policy.identity.as_deref());
        let check = Check::begin(&rules.verifier, context).map_err(|error| refused(error.into_failure()))?;
        let id = self.version_id(resource, source, tries);
        let content_type = rules.content_type.as_ref().or(meta.content_type.as_ref());
        let staging = self.store.stage(&resource.name, &id, content_type.map(|text| &**text)).await;
        let mut staging = staging.map_err(stage_failed)?;
        let clock = Stopwatch::start(&*self.runtime);
        let mut document = (rules.role == Role::Anchor).then(Vec::new);
        let streamed = stream(body, check, &mut *staging, document.as_mut()).await;
        let document = document.map(Bytes::from);
        clock.stop(&mut timings.body);

        // 3. Judge, and seal what passed. What did not pass is given up before anyone could see it.
        let clock = Stopwatch::start(&*self.runtime);
        let judged = streamed.and_then(|check| {
            let finding = check.finish().map_err(|error| refused(error.into_failure()))?;
            judge::judge(&finding.evidence, &rules.trust, &rules.policy, known, self.now).map_err(refused)?;
            if let Some(document) = &document {
                anchor::bears(&self.anchored, resource, document).map_err(refused)?;
            }
            let proofs = companions.into_iter().enumerate().filter(|(number, _)| finding.rests_on(*number));
            let proofs: Vec<KeptCompanion> = proofs.filter_map(|(_, companion)| companion).collect();
            Ok((Verified::after_judgement(finding.evidence), proofs))
        });
        clock.stop(&mut timings.verify);
        let (verified, companions) = match judged {
            Ok(passed) => passed,
            Err(refused) => {
                staging.abort().await;
                return Err(refused);
            }
        };
        let same =
            self.reusable(resource, known).map(|receipt| receipt.evidence.digest) == Some(verified.evidence().digest);
        if same {
            staging.abort().await;
            return Ok(Answer::Confirmed { reason: Reason::SameBytes, meta });
        }
        let clock = Stopwatch::start(&*self.runtime);
        let sealed = staging.seal(&verified).await;
        clock.stop(&mut timings.store);
        let sealed = sealed.map_err(stage_failed)?;
        let evidence = verified.evidence().clone();
        let receipt = Receipt {
            version: sealed.version,
            source: source.clone(),
            verified_at: self.now,
            keys: rules.trust.signers(&evidence).filter_map(|(_, key)| key).collect(),
            settings: rules.verifier.settings(),
            evidence,
            companions,
            validators: meta.validators.clone(),
            content_type: content_type.cloned(),
            document,
            anchor: resource.anchor.clone(),
        };
        Ok(Answer::New { receipt: Arc::new(receipt), meta })
    }

    /// The companions, in the order in which the verifier asked for them.
    async fn companions(&self, resource: &Resource, source: &Url) -> Result<Vec<Option<KeptCompanion>>, Refused> {
        let rules = &resource.rules;
        let mut kept = Vec::new();
        for companion in rules.verifier.companions() {
            let url = companion.beside(source);
            let mut request = FetchRequest::new(&url, &rules.limits, &rules.access, self.now);
            request.part = Part::Companion;
            let read = async {
                match self.fetcher.fetch(request).await? {
                    Fetched::Body(body) => body.read().await,
                    Fetched::NotModified(meta) => Err(unasked_not_modified(&meta)),
                }
            };
            match read.await {
                Ok(bytes) => kept.push(Some(KeptCompanion::new(&companion.suffix, bytes))),
                Err(error) if error.is_absence() && companion.need == Need::Optional => kept.push(None),
                Err(error) if error.is_absence() => {
                    let Refused { failure, http_status, retry } = error.into();
                    let failure = Failure::new(Reason::CompanionMissing, shown(&url).to_string(), failure.found);
                    return Err(Refused { failure, http_status, retry });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(kept)
    }

    /// Whether the source's own cache headers say that there is nothing to ask, and nothing else does.
    fn is_still_fresh(&self, resource: &Resource, known: Option<&Entry>) -> bool {
        let rules = &resource.rules;
        let Some((entry, receipt)) = known.and_then(|entry| Some((entry, entry.live()?))) else { return false };
        rules.policy.revalidate == Revalidate::WhenStale
            && entry.fresh_until.is_some_and(|until| self.now < until)
            && entry.permit.is_none()
            && self.reusable(resource, known).is_some()
            && judge::state(receipt, entry.checked_at, &rules.trust, &rules.policy, self.now) == State::Fresh
    }

    /// The copy, if it was verified under rules that are still those of the configuration.
    fn reusable<'a>(&self, resource: &Resource, known: Option<&'a Entry>) -> Option<&'a Arc<Receipt>> {
        let rules = &resource.rules;
        let (format, settings) = (rules.verifier.format(), rules.verifier.settings());
        let still = |r: &&Arc<Receipt>| {
            // An anchor that was none when it was stored is needed whole.
            let whole = rules.role == Role::Document || r.document.is_some();
            whole && judge::is_reusable(r, format, settings, &rules.trust, &rules.policy)
        };
        known.and_then(Entry::copy).filter(|_| self.asking == Asking::WhatChanged).filter(still)
    }

    /// How long to wait before the next try, if there is to be one: doubling, with jitter so that many resources of one
    /// broken source do not come back at the same moment.
    fn pause(&self, resource: &Resource, tries: u32, retry: Retry) -> Option<Duration> {
        let limits = &resource.rules.limits;
        if retry == Retry::No || tries >= limits.tries {
            return None;
        }
        let doubled = limits.first_pause.saturating_mul(1 << (tries - 1).min(16)).min(limits.longest_pause);
        let dice = Digest::of(format!("{} {} {tries}", self.run, resource.name).as_bytes());
        let jittered = doubled.mul_f64(0.5 + f64::from(dice.as_bytes()[0]) / 512.0);
        match retry {
            // A server that asks for a longer pause is not asked again in this run.
            Retry::After(span) if span > limits.longest_pause => None,
            Retry::After(span) => Some(span.max(jittered)),
            Retry::Yes | Retry::No => Some(jittered),
        }
    }

    /// The last part of the version key: unique to this upload, and the same when a test repeats the run.
    fn version_id(&self, resource: &Resource, source: &str, tries: u32) -> String {
        let seed = format!("{} {} {source} {tries}", self.run, resource.name);
        format!("{}-{}", self.now.compact(), &Digest::of(seed.as_bytes()).hex()[..16])
    }
}

/// Takes the whole body through the check and into the staging, chunk by chunk.
async fn stream(
    mut body: Body,
    mut check: Check,
    staging: &mut dyn Staging,
    mut kept: Option<&mut Vec<u8>>,
) -> Result<Check, Refused> {
    let http_status = body.meta.http_status;
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        let refused = |error: VerifyError| Refused { failure: error.into_failure(), http_status, retry: Retry::No };
        check.update(&chunk).map_err(refused)?;
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(&chunk);
        }
        staging.write(chunk).await.map_err(stage_failed)?;
    }
    Ok(check)
}

/// A URL as it may be shown and stored: without user and password.
fn shown(url: &Url) -> Arc<str> {
    let mut url = url.clone();
    // Fails only for URLs that cannot have either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().into()
}

fn stage_failed(error: StoreError) -> Refused {
    let failure = Failure::new(Reason::StageFailed, "the store to take the bytes", error.chain());
    Refused { failure, http_status: None, retry: Retry::No }
}

fn unasked_not_modified(meta: &Meta) -> FetchError {
    let expected = "a document, as the request was not conditional";
    FetchError::new(Reason::BadResponse, expected, "the answer that nothing changed").with_status(meta.http_status)
}

impl From<FetchError> for Refused {
    fn from(error: FetchError) -> Self {
        let (http_status, retry) = (error.http_status(), error.retry());
        Self { failure: error.into_failure(), http_status, retry }
    }
}

/// Adds the time between its start and its stop to one of the timings.
struct Stopwatch<'a> {
    runtime: &'a dyn Runtime,
    start: Duration,
}

impl<'a> Stopwatch<'a> {
    fn start(runtime: &'a dyn Runtime) -> Self {
        Self { runtime, start: runtime.elapsed() }
    }

    fn stop(self, total: &mut u32) {
        let span = self.runtime.elapsed().saturating_sub(self.start);
        *total = total.saturating_add(u32::try_from(span.as_micros()).unwrap_or(u32::MAX));
    }
}
