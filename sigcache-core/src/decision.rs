//! What a run did about each resource, in the form in which it is logged, stored and shown.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    evidence::KeyId,
    name::Name,
    reason::{Outcome, Reason, Step},
    receipt::Receipt,
    time::Timestamp,
};

/// Why a step did not pass: the code, what would have passed, and what was there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The stable code; it also names the step.
    pub reason: Reason,
    /// What would have passed.
    pub expected: Box<str>,
    /// What was found.
    pub found: Box<str>,
}

impl Failure {
    /// A failure of `reason.step()`.
    pub fn new(reason: Reason, expected: impl Into<Box<str>>, found: impl Into<Box<str>>) -> Self {
        Self { reason, expected: printable(expected.into()), found: printable(found.into()) }
    }

    /// The step that did not pass.
    pub fn step(&self) -> Step {
        self.reason.step()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): expected {}, found {}", self.step(), self.reason, self.expected, self.found)
    }
}

/// What a server said may stand in these texts: without control characters and not longer than a person reads, it can
/// neither play with a terminal nor fill a log.
pub(crate) fn printable(text: Box<str>) -> Box<str> {
    const LONGEST: usize = 300;
    if text.len() <= LONGEST && !text.chars().any(plays_with_terminals) {
        return text;
    }
    let is_longer = text.chars().nth(LONGEST).is_some();
    let kept = text.chars().take(if is_longer { LONGEST - 1 } else { LONGEST });
    let mut cut: String = kept.map(|c| if plays_with_terminals(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if is_longer {
        // A number that lost its end would say something else.
        cut.push('…');
    }
    cut.into()
}

/// Whether a character moves others about instead of showing itself: controls, and what ends a line or turns the
/// direction of writing. Programs that print what servers and stores say replace such characters.
pub fn plays_with_terminals(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One source that did not lead to a decision: every URL that was tried before the last word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The URL.
    pub source: Arc<str>,
    /// How many times it was asked.
    pub tries: u32,
    /// The step that did not pass.
    pub step: Step,
    /// The code.
    pub reason: Reason,
    /// What would have passed.
    pub expected: Box<str>,
    /// What was found.
    pub found: Box<str>,
    /// The HTTP status, where there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
}

impl Attempt {
    /// A failed attempt at `source`.
    pub fn new(source: Arc<str>, tries: u32, failure: Failure, http_status: Option<u16>) -> Self {
        let Failure { reason, expected, found } = failure;
        Self { source, tries, step: reason.step(), reason, expected, found, http_status }
    }
}

/// Where the time went, in microseconds, over all attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timings {
    /// Until the headers of the answer and the companions were there.
    pub fetch: u32,
    /// While the body arrived and was hashed, checked and staged.
    pub body: u32,
    /// The end of the verification and the judgement.
    pub verify: u32,
    /// Sealing the staged bytes.
    pub store: u32,
}

/// What one run did about one resource, and the first step that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// The resource.
    pub resource: Name,
    /// What was done.
    pub outcome: Outcome,
    /// The first step that did not pass, or `done`.
    pub step: Step,
    /// Why.
    pub reason: Reason,
    /// What would have passed; only where something did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Box<str>>,
    /// What was found instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Box<str>>,
    /// The URL that the last word is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Arc<str>>,
    /// The keys that signed the copy that is now in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Arc<[KeyId]>>,
    /// The digest of the copy that is now in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The size of that copy in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The HTTP status of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Where the time went.
    #[serde(default)]
    pub timings_us: Timings,
    /// The sources that failed, in the order tried. On success only those before the one that worked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

impl Decision {
    /// A decision in which every step passed.
    pub fn passed(resource: Name, outcome: Outcome, reason: Reason) -> Self {
        Self {
            resource,
            outcome,
            step: reason.step(),
            reason,
            expected: None,
            found: None,
            source: None,
            keys: None,
            digest: None,
            bytes: None,
            http_status: None,
            timings_us: Timings::default(),
            attempts: Vec::new(),
        }
    }

    /// A decision in which a step did not pass.
    pub fn failed(resource: Name, outcome: Outcome, failure: Failure) -> Self {
        let mut decision = Self::passed(resource, outcome, failure.reason);
        decision.overrule(outcome, failure);
        decision
    }

    /// Names the copy that is now in the store.
    pub fn about(mut self, receipt: &Receipt) -> Self {
        self.keys = Some(receipt.evidence.signers.clone());
        self.digest = Some(receipt.evidence.digest);
        self.bytes = Some(receipt.evidence.size);
        if self.source.is_none() {
            self.source = Some(receipt.source.clone());
        }
        self
    }

    /// What was to happen to the resource did not: it stands as it stood, with the copy of `receipt` if there is one.
    pub(crate) fn stands(&mut self, outcome: Outcome, receipt: Option<&Receipt>) {
        self.outcome = outcome;
        let copy = receipt.map(|receipt| &receipt.evidence);
        self.keys = copy.map(|evidence| evidence.signers.clone());
        self.digest = copy.map(|evidence| evidence.digest);
        self.bytes = copy.map(|evidence| evidence.size);
    }

    /// A later step took back what the earlier ones had decided.
    pub fn overrule(&mut self, outcome: Outcome, failure: Failure) {
        self.outcome = outcome;
        self.step = failure.step();
        self.reason = failure.reason;
        self.expected = Some(failure.expected);
        self.found = Some(failure.found);
    }

    /// Whether the resource is as it should be after this run.
    pub fn is_good(&self) -> bool {
        self.step == Step::Done
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {}", self.outcome.as_str(), self.resource)?;
        if self.is_good() {
            write!(f, "  {}", self.reason)?;
            if let Some(bytes) = self.bytes {
                write!(f, "  {bytes} bytes")?;
            }
            if let Some(keys) = &self.keys {
                let keys: Vec<&str> = keys.iter().map(KeyId::as_str).collect();
                write!(f, "  signed by {}", keys.join(", "))?;
            }
        } else {
            write!(f, "  {}: {}", self.step, self.reason)?;
            if let (Some(expected), Some(found)) = (&self.expected, &self.found) {
                write!(f, "  expected {expected}, found {found}")?;
            }
        }
        if let Some(source) = &self.source {
            write!(f, "  {source}")?;
        }
        Ok(())
    }
}

/// Is told how a run goes while it goes; for progress bars and the like.
pub trait Observer: Send + Sync {
    /// A resource's decision was made. The commit may still overrule it; the report has the last word.
    fn decided(&self, decision: &Decision);

    /// So many more resources were found that the run will decide about: those that an anchor vouches for.
    fn found(&self, more: usize) {
        let _ = more;
    }
}

/// The id of a run: its time and a random part, so that two runs of the same instant differ. Written `<time>-<16 hex>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId {
    time: Timestamp,
    nonce: u64,
}

/// The text is not a run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a run id such as 20261124T120000.000Z-0123456789abcdef")]
pub struct RunIdError(String);

impl RunId {
    /// The id of the run that began at `time`; `nonce` is random.
    pub fn new(time: Timestamp, nonce: u64) -> Self {
        Self { time, nonce }
    }

    /// When the run began.
    pub fn time(self) -> Timestamp {
        self.time
    }

    /// The same run, by a part of it that began at `time`.
    pub(crate) fn begun_at(self, time: Timestamp) -> Self {
        Self { time, ..self }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.time.compact(), self.nonce)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for RunId {
    type Err = RunIdError;
    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let parse = || {
            let (time, nonce) = text.split_once('-')?;
            let hexadecimal = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
            if nonce.len() != 16 || !nonce.bytes().all(hexadecimal) {
                return None;
            }
            Some(Self { time: Timestamp::from_compact(time)?, nonce: u64::from_str_radix(nonce, 16).ok()? })
        };
        parse().ok_or_else(|| RunIdError(text.to_owned()))
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;
    fn try_from(text: String) -> Result<Self, RunIdError> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.to_string()
    }
}

/// How many resources ended in each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs, reason = "named as the outcomes are")]
pub struct Totals {
    pub stored: u64,
    pub unchanged: u64,
    pub kept: u64,
    pub withheld: u64,
    pub refused: u64,
    pub removed: u64,
}

impl Totals {
    fn count(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Stored => &mut self.stored,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Kept => &mut self.kept,
            Outcome::Withheld => &mut self.withheld,
            Outcome::Refused => &mut self.refused,
            Outcome::Removed => &mut self.removed,
        } += 1;
    }
}

/// One pass over the resources: every decision, and what it came to. Stored below `runs/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of this format.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// What was asked for: `sync`, `allow-rollback`, `audit`.
    pub command: Arc<str>,
    /// The one time by which everything in this run was judged.
    pub started: Timestamp,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// Which part of the names this run looked after.
    pub shard: Arc<str>,
    /// The catalog snapshot that stands after this run; absent when there is none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// What the store failed at, where it did. The decisions that it concerns say so too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_failure: Option<Box<str>>,
    /// Requests to the store until this report was written, its own included. Of a process that lives for many runs: since
    /// its last report, so that the sum of all is what was asked of the store.
    pub store_requests: u64,
    /// How many resources ended in each outcome.
    pub totals: Totals,
    /// One for each resource, in the order of their names.
    pub decisions: Vec<Decision>,
}

/// The version of [`Report`]'s format that this library writes.
pub const REPORT_FORMAT: u32 = 1;

impl Report {
    /// A report of `decisions`, sorted and counted.
    pub fn new(command: &str, run: RunId, started: Timestamp, shard: &str, mut decisions: Vec<Decision>) -> Self {
        decisions.sort_by(|a, b| a.resource.cmp(&b.resource));
        let mut report = Self {
            format: REPORT_FORMAT,
            run,
            command: command.into(),
            started,
            duration_ms: 0,
            shard: shard.into(),
            sequence: None,
            store_failure: None,
            store_requests: 0,
            totals: Totals::default(),
            decisions,
        };
        report.count();
        report
    }

    /// Counts the outcomes anew after decisions were changed.
    pub fn count(&mut self) {
        self.totals = Totals::default();
        for decision in &self.decisions {
            self.totals.count(decision.outcome);
        }
    }

    /// Whether every resource is as it should be.
    pub fn is_good(&self) -> bool {
        self.decisions.iter().all(Decision::is_good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_sort_by_time_and_round_trip() {
        let time: Timestamp = "2026-11-24T12:00:00.750Z".parse().unwrap();
        let run = RunId::new(time, 0xabc);
        assert_eq!(run.to_string(), "20261124T120000.750Z-0000000000000abc");
        assert_eq!(run.to_string().parse(), Ok(run));
        for text in ["", "20261124T120000.000Z", "20261124T120000.000Z-+00000000000abcd", "x-0000000000000abc"] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_server_cannot_play_with_the_terminal_or_fill_the_log() {
        let failure = Failure::new(Reason::HttpStatus, "200", format!("\x1b[2J{}", "x".repeat(10_000)));
        assert!(!failure.found.contains('\x1b'));
        assert_eq!(failure.found.chars().count(), 300);
        let failure = Failure::new(Reason::HttpStatus, "200", "a\u{202e}b\u{2028}c\u{9b}d é");
        assert_eq!(&*failure.found, "a�b�c�d é");
    }

    #[test]
    fn the_line_for_people_names_step_expected_and_found() {
        let failure = Failure::new(Reason::TooLarge, "at most 10 bytes", "more");
        let decision = Decision::failed(Name::new("a").unwrap(), Outcome::Refused, failure);
        assert_eq!(decision.to_string(), "refused   a  size: too-large  expected at most 10 bytes, found more");
        assert!(!decision.is_good());
    }
}
