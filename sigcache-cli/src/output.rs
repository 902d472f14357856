//! Printing: JSON for programs, lines for people.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write as _},
};

use serde::Serialize;
use sigcache_core::{Reason, Report, Totals, alert::Looked, plays_with_terminals};
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    args::{Common, LogForm},
    fault::{Ending, Fault},
};

/// One line on standard output.
pub(crate) fn line(text: &str) -> Result<(), Fault> {
    raw(format!("{}\n", plain(text)).as_bytes())
}

/// These bytes on standard output. A reader that has gone away (`| head`) is no error of ours; anything else that is cut
/// off, by a full disk for example, must not look like a success.
pub(crate) fn raw(bytes: &[u8]) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(error)),
        _ => Ok(()),
    }
}

/// What was decided and done stands, but not all of it was told.
pub(crate) fn unwritten(error: io::Error) -> Fault {
    Fault { code: 1, error: anyhow::Error::new(error).context("cannot write to standard output") }
}

/// The text with a replacement for each character that moves a cursor, ends a line or turns the direction of writing:
/// who can write to the store chooses what its reports and receipts say.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(plays_with_terminals) {
        return text.into();
    }
    text.chars().map(|c| if plays_with_terminals(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// One JSON document, indented for people who look at it all the same. What plays with a terminal stands in it as an
/// escape, which for a program is the same character.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string_pretty(value).map_err(|error| unwritten(error.into()))?;
    raw(format!("{}\n", escaped(&text)).as_bytes())
}

/// What plays with a terminal as the escapes of JSON, in which only strings can hold such characters. Line breaks that
/// stand as such are our own.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => text.push(c),
            c if plays_with_terminals(c) => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

/// An error: sentences on standard error, or JSON on standard output if that can still be written to.
pub(crate) fn fault(fault: &Fault, as_json: bool) {
    let told = as_json && {
        let lines = fault.lines();
        let (message, causes) = lines.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        json(&serde_json::json!({ "error": { "message": message, "causes": causes, "exit_code": fault.code } })).is_ok()
    };
    if !told {
        let _ = writeln!(io::stderr(), "sigcache: {fault}");
    }
}

/// A report: one line for each decision, then the sum.
pub(crate) fn report(common: &Common, report: &Report) -> Result<Ending, Fault> {
    synced(common, report, None)
}

#[derive(Serialize)]
struct Synced<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<&'a Looked>,
}

/// The report of a sync, and who was told about it.
pub(crate) fn synced(common: &Common, report: &Report, alerts: Option<&Looked>) -> Result<Ending, Fault> {
    if common.json {
        json(&Synced { report, alerts })?;
    } else {
        decisions(common, report)?;
    }
    let ending = match (&report.store_failure, report.is_good()) {
        (Some(_), _) => Ending::StoreFailed,
        (None, true) => Ending::Good,
        (None, false) => Ending::NotGood,
    };
    let Some(looked) = alerts else { return Ok(ending) };
    if !common.json {
        told(common, looked)?;
    }
    Ok(match (looked.store_failure.is_some(), looked.unsent.is_empty()) {
        (true, _) => Ending::StoreFailed,
        (false, false) if ending == Ending::Good => Ending::NotGood,
        _ => ending,
    })
}

/// Who was told what, and who could not be told.
fn told(common: &Common, looked: &Looked) -> Result<(), Fault> {
    for sent in looked.sent.iter().filter(|_| !common.quiet) {
        let counts = [
            (sent.new, "new"),
            (sent.changed, "changed"),
            (sent.ended, "ended"),
            (sent.reminder, "as before"),
            (sent.recovered, "good again"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        line(&format!("told {}: {} ({} open)", sent.channel, counts.join(", "), looked.open))?;
    }
    for channel in looked.waiting.iter().filter(|_| !common.quiet) {
        line(&format!("another process is telling {channel} something just now"))?;
    }
    for unsent in &looked.unsent {
        let (channel, since, found) = (&unsent.channel, unsent.since, &unsent.found);
        warning(&format!("the alert {channel} cannot be delivered since {since}: {found}; the next run tries again"));
    }
    if let Some(failure) = &looked.store_failure {
        warning(&format!("the store failed, so the alerts may not have been delivered: {failure}"));
    }
    Ok(())
}

fn decisions(common: &Common, report: &Report) -> Result<(), Fault> {
    let shown = report.decisions.iter().filter(|decision| !common.quiet || !decision.is_good());
    let mut resting: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for decision in shown {
        if decision.reason == Reason::AnchorBroken {
            // Once for all that rest on the anchor, below.
            let found = decision.found.as_deref().unwrap_or_default();
            *resting.entry((decision.outcome.as_str(), found)).or_default() += 1;
            if resting[&(decision.outcome.as_str(), found)] > 1 {
                continue;
            }
        }
        line(&decision.to_string())?;
        for attempt in &decision.attempts {
            if Some(&attempt.source) != decision.source.as_ref() {
                let (step, reason) = (attempt.step, attempt.reason);
                let (expected, found) = (&attempt.expected, &attempt.found);
                line(&format!(
                    "          before: {}  {step}: {reason}  expected {expected}, found {found}",
                    attempt.source
                ))?;
            }
        }
    }
    for ((outcome, found), count) in resting.into_iter().filter(|(_, count)| *count > 1) {
        line(&format!("{outcome:<9} {} more for the same reason: {found}", count - 1))?;
    }
    if !common.quiet {
        line(&summary(report))?;
    }
    if let Some(failure) = &report.store_failure {
        let _ = writeln!(io::stderr(), "sigcache: the store failed: {}", plain(failure));
    }
    Ok(())
}

/// Something to know beside what was asked for, on standard error.
pub(crate) fn warning(text: &str) {
    let _ = writeln!(io::stderr(), "sigcache: {}", plain(text));
}

fn summary(report: &Report) -> String {
    let Totals { stored, unchanged, kept, withheld, refused, removed, .. } = report.totals;
    let counts = [
        (stored, "stored"),
        (unchanged, "unchanged"),
        (kept, "kept"),
        (withheld, "withheld"),
        (refused, "refused"),
        (removed, "removed"),
    ];
    let parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let parts = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
    let time = match report.duration_ms {
        milliseconds @ ..1000 => format!("{milliseconds} ms"),
        milliseconds => format!("{:.1} s", milliseconds as f64 / 1000.0),
    };
    format!("{parts} in {time}, {} store requests", report.store_requests)
}

/// Sends the core's events to standard error, if somebody asked for that, and its spans to a collector of traces, if this
/// build can and the environment names one.
pub(crate) fn observe(form: Option<LogForm>) {
    let logged = || EnvFilter::try_from_env("SIGCACHE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = form.map(|form| {
        let lines = tracing_subscriber::fmt::layer().with_writer(|| Log);
        match form {
            LogForm::Text => lines.with_filter(logged()).boxed(),
            LogForm::Json => lines.json().flatten_event(true).with_filter(logged()).boxed(),
        }
    });
    let registry = tracing_subscriber::registry().with(lines);
    #[cfg(feature = "otel")]
    let registry = registry.with(crate::traces::layer());
    registry.init();
}

/// Standard error, for whole lines in which what plays with a terminal becomes an escape.
struct Log;

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(escaped(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
