//! Why an object is trusted, or why there is none, in sentences.

use std::fmt::Write as _;

use crate::{
    decision::Decision,
    entry::{Entry, Standing},
    evidence::{Evidence, SigningCertificate},
    judge::{self, State},
    policy::{OnExpiry, Replays},
    reason::{Outcome, Reason, Step},
    receipt::Receipt,
    resource::Resource,
    time::{Timestamp, human_span},
    verify::DIGESTS,
};

/// Explains how `resource` stands at `now`: paragraphs for a person, from what the catalog and the last run's report
/// say.
pub fn explain(resource: &Resource, entry: Option<&Entry>, last: Option<&Decision>, now: Timestamp) -> Vec<String> {
    let receipt = entry
        .and_then(|entry| entry.receipt.as_ref())
        .filter(|_| entry.is_some_and(|entry| matches!(entry.standing, Standing::Live | Standing::Withheld)));
    let mut paragraphs = Vec::new();
    match (entry, receipt) {
        (Some(entry), Some(receipt)) => {
            paragraphs.push(standing(resource, entry, receipt, now));
            paragraphs.push(trust(resource, entry, receipt, now));
        }
        (None, _) => paragraphs.push(format!(
            "No run has looked at {} yet, so there is no copy of it and nothing is served. Run `sigcache sync {}` to \
             fetch it.",
            resource.name, resource.name
        )),
        (Some(_), None) => paragraphs.push(format!(
            "There is no good copy of {}, and nothing is served under that name: no version that a source sent has \
             passed every check so far.",
            resource.name
        )),
    }
    if let Some(last) = last {
        paragraphs.push(last_run(entry, last, receipt.is_some(), now));
        if !last.is_good() {
            let advice = last.reason.advice().replace("NAME", resource.name.as_str());
            paragraphs.push(format!("What to do: {advice}."));
        }
    }
    paragraphs
}

/// How the copy stands now.
fn standing(resource: &Resource, entry: &Entry, receipt: &Receipt, now: Timestamp) -> String {
    let (name, rules) = (&resource.name, &resource.rules);
    let checked = judge::confirmed_at(receipt, entry.checked_at, now);
    let ago = human_span(now.since(checked));
    let state = judge::state(receipt, entry.checked_at, &rules.trust, &rules.policy, now);
    let mut text = match &state {
        State::Fresh | State::Stale { .. } if is_withdrawn(resource, entry, receipt) => format!(
            "{name} is withheld: it was verified when the configuration said something else of its format, and does not verify \
             any more."
        ),
        State::Fresh | State::Stale { .. } if entry.standing == Standing::Withheld => format!(
            "{name} is withheld: a run found that it may not be served any more. By the configuration of today it may, \
             so the next sync brings it back."
        ),
        State::Fresh => format!("{name} is fresh: a source confirmed {ago} ago that this is the current version."),
        State::Stale { .. } => format!(
            "{name} is stale: no source has confirmed it for {ago}, and it should be confirmed every {}. It is still \
             served.",
            human_span(rules.policy.max_age)
        ),
        State::Expired(failure) if state.may_be_served(&rules.policy) => format!(
            "{name} has expired ({}), and it is served all the same because the configuration says on_expiry = \
             \"serve\".",
            failure.found
        ),
        State::Expired(failure) => {
            let why = match failure.reason {
                Reason::CopyExpired => expired_sentence(&failure.expected, &failure.found),
                _ if resource.rules.trust.keys().is_empty() => "its anchor vouches for it no more".to_owned(),
                _ if &*receipt.evidence.format == DIGESTS => {
                    format!("its digest is {}, and the list has another now", failure.found)
                }
                _ => format!("it is signed with {}, which is no longer trusted", failure.found),
            };
            format!("{name} is withheld: there is a copy, but it may not be served any more, because {why}.")
        }
    };
    let version = &receipt.evidence;
    let _ = write!(
        text,
        " The copy has {} bytes with the digest {}. It came from {} and was verified at {}.",
        version.size, version.digest, receipt.source, receipt.verified_at
    );
    if let Some(limit) = rules.policy.max_stale.filter(|_| !matches!(state, State::Expired(_))) {
        let _ = write!(text, " Unless it is confirmed, it expires at {}.", checked.plus(limit));
    }
    text
}

/// "a copy confirmed within 3 hours" and "one confirmed 6 hours ago", as one sentence.
fn expired_sentence(expected: &str, found: &str) -> String {
    let (expected, found) = (expected.trim_start_matches("a copy "), found.trim_start_matches("one "));
    format!("it had to be {expected} and was {found}")
}

/// Whether it was withheld because it does not verify under the settings of today.
fn is_withdrawn(resource: &Resource, entry: &Entry, receipt: &Receipt) -> bool {
    entry.standing == Standing::Withheld && receipt.settings != resource.rules.verifier.settings()
}

/// Why the copy is trusted.
fn trust(resource: &Resource, entry: &Entry, receipt: &Receipt, now: Timestamp) -> String {
    let (rules, evidence) = (&resource.rules, &receipt.evidence);
    let signers: Vec<&str> = evidence.signers.iter().map(|id| id.as_str()).collect();
    let keys = if signers.len() == 1 { "the key" } else { "the keys" };
    let state = judge::state(receipt, entry.checked_at, &rules.trust, &rules.policy, now);
    let trusted = !matches!(&state, State::Expired(failure) if failure.reason != Reason::CopyExpired)
        && !is_withdrawn(resource, entry, receipt);
    let trusted = if trusted { "It is trusted" } else { "It was accepted" };
    let (digest, nobody) = (&*evidence.format == DIGESTS, rules.trust.keys().is_empty());
    let mut text = match digest {
        true => format!("{trusted} because these very bytes have the digest {}", signers.join(" and ")),
        false => format!(
            "{trusted} because its {} signature matches these very bytes under {keys} {}",
            evidence.format,
            signers.join(" and "),
        ),
    };
    match (digest, nobody) {
        (false, false) => {
            let (threshold, names) = (rules.trust.threshold(), rules.trust.names());
            let _ = write!(text, "; the configuration asks for {threshold} of: {names}.");
        }
        _ => text.push('.'),
    }
    match &resource.anchor {
        Some(anchor) if nobody => {
            let _ = write!(text, " The anchor {anchor} vouches for it no more, or cannot be read, so nobody does.");
        }
        Some(anchor) => {
            let what = if digest { "Which digest it must have" } else { "Who may sign" };
            let _ = write!(text, " {what} stands in the anchor {anchor}, as it was verified last.");
        }
        None => {}
    }
    text.push_str(&says(resource, evidence));
    match (evidence.mark, entry.mark, rules.policy.replays) {
        (Some(mark), Some(high), _) if mark == high => {
            let _ = write!(text, " It is {mark}, the newest seen so far; anything older is refused.");
        }
        (Some(mark), high, _) => {
            let high = high.map_or("unknown".to_owned(), |high| high.to_string());
            let _ = write!(text, " It is {mark}; the highest seen so far is {high}.");
        }
        (None, _, _) if digest => {
            text.push_str(
                " Whether it is the newest version is for the anchor to say: its list counts, and no older one.",
            );
        }
        (None, _, Replays::Refuse) => {
            text.push_str(" It carries no version, so an older one is known only by its bytes:");
            text.push_str(&match entry.replaced.len() {
                0 => " so far none was replaced that could come back.".to_owned(),
                1 => " the one that it replaced is refused if it comes back.".to_owned(),
                count => format!(" the last {count} that were replaced are refused if they come back."),
            });
        }
        (None, _, Replays::Accept) => {
            text.push_str(" It carries no version and replays are accepted, so nothing guards against an older one.");
        }
    }
    match evidence.valid_until {
        Some(end) => {
            let then = match rules.policy.on_expiry {
                OnExpiry::Withhold => "then it is withheld",
                OnExpiry::Serve => "it is served even after that",
            };
            let _ = write!(text, " It says of itself that it holds until {end}; {then}.");
        }
        None => text.push_str(" It states no end of its validity."),
    }
    if let Some(permit) = &entry.permit {
        let _ = write!(text, " At {} a person allowed the next version to be older ({}).", permit.at, permit.reason);
    }
    text
}

/// What a document in hand says of itself, for who verified it by hand: sentences, one after the other.
pub fn of_evidence(resource: &Resource, evidence: &Evidence) -> String {
    let mut text = says(resource, evidence);
    if let Some(mark) = evidence.mark {
        let _ = write!(text, " It is {mark}.");
    }
    match evidence.valid_until {
        Some(end) => drop(write!(text, " It says of itself that it holds until {end}.")),
        None => text.push_str(" It states no end of its validity."),
    }
    text.trim_start().to_owned()
}

/// Who signed by which certificate, what the format means by it, what the document says it is; each sentence after a
/// space.
fn says(resource: &Resource, evidence: &Evidence) -> String {
    let (rules, mut text) = (&resource.rules, String::new());
    for certificate in &*evidence.certificates {
        let SigningCertificate { subject, serial, root, valid_until, .. } = certificate;
        let _ = write!(
            text,
            " What signed is the key in the certificate of {subject} (serial {serial}), from which a path leads to {root}; \
             the path is valid until {valid_until}."
        );
    }
    let words = rules.verifier.in_words(evidence);
    if let Some(words) = &words {
        let _ = write!(text, " {words}");
    }
    match (&evidence.identity, &rules.policy.identity) {
        // The format has said it, and compared it with the name under which it is fetched.
        (Some(identity), None) if words.is_some_and(|words| names(&words, identity)) => {}
        (Some(identity), Some(_)) => {
            let _ = write!(text, " The signed content says that it is {identity}, as configured.");
        }
        (Some(identity), None) => {
            let _ = write!(text, " The signed content says that it is {identity}; the configuration does not ask.");
        }
        (None, _) => {
            text.push_str(
                " Nothing in the signed content says which document this is: a validly signed document of another name would \
                 be taken for it. ",
            );
            text.push_str(how_to_name(&evidence.format));
        }
    }
    if let Some(comment) = &evidence.comment {
        let _ = write!(text, " The signer says beside it: {comment:?}.");
    }
    text
}

/// What to do about a document that does not say which one it is.
fn how_to_name(format: &str) -> &'static str {
    match format {
        "minisign" => {
            "Where the publisher names the file in the trusted comment, ask for that with comment = [\"file\"]; otherwise use a \
             key of its own."
        }
        "signify" => "Such a signature names no document: use a signed list of checksums, or a key of its own.",
        "ssh" => {
            "Such a signature names no document: use a signed list of checksums, or a key or namespace of its own."
        }
        "openpgp" => {
            "Such a signature names no document: of a Release file ask for deb_release, of others use a signed list of \
             checksums, or a key of its own."
        }
        "note" => {
            "Where it is a checkpoint, ask for its origin with checkpoint = true; otherwise use a key of its own."
        }
        "xmldsig" => "Of a trusted list ask for its profile; otherwise use a key of its own.",
        _ => {
            "Where the publisher writes a name into it, set identity and claims.identity; otherwise use a key of its own."
        }
    }
}

/// Whether `words` name this and do not just happen to hold its letters.
fn names(words: &str, identity: &str) -> bool {
    let ends = |beside: Option<char>| !beside.is_some_and(char::is_alphanumeric);
    words.match_indices(identity).any(|(at, _)| {
        let behind = words[at + identity.len()..].chars().next();
        ends(words[..at].chars().next_back()) && ends(behind)
    })
}

/// How the last run ended.
fn last_run(entry: Option<&Entry>, last: &Decision, has_copy: bool, now: Timestamp) -> String {
    let when = entry.map_or(String::new(), |entry| format!(", {} ago", human_span(now.since(entry.last.run.time()))));
    let source = last.source.as_deref().unwrap_or("its sources");
    if last.is_good() {
        let what = match last.reason {
            Reason::FirstVersion => format!("took its first version from {source}"),
            Reason::NewVersion => format!("took a new version from {source}"),
            Reason::NotModified => format!("asked {source}, which answered that nothing has changed"),
            Reason::SameBytes => format!("got the same bytes again from {source}"),
            Reason::StillFresh => "asked nobody: the last answer is still fresh by its own cache headers".to_owned(),
            _ => format!("ended with {} ({})", last.outcome, last.reason),
        };
        return format!("The last run{when}, {what}.");
    }
    if last.reason == Reason::RollbackAllowed {
        let found = last.found.as_deref().unwrap_or("a person's permit");
        return format!(
            "The last word{when}, was {found}. So the next version may be older than the one that is here."
        );
    }
    let mut text = format!("The last run{when}, broke at step {} ({}). ", last.step, last.reason);
    if let (Some(expected), Some(found)) = (&last.expected, &last.found) {
        let whose = if is_about_an_answer(last.reason) { format!("From {source} it") } else { "It".to_owned() };
        let _ = write!(text, "{whose} expected {expected}, and found {found}. ");
    }
    for attempt in last.attempts.iter().filter(|attempt| Some(&*attempt.source) != last.source.as_deref()) {
        let _ = write!(
            text,
            "{} had failed at step {} ({}): expected {}, found {}. ",
            attempt.source, attempt.step, attempt.reason, attempt.expected, attempt.found
        );
    }
    text.push_str(match (last.outcome, has_copy) {
        (Outcome::Stored, _) => {
            "The new version is verified and stored; only its plain copy below latest/ is not up to date."
        }
        (Outcome::Removed, _) => "It is removed; only its plain copy below latest/ could not be taken away.",
        (Outcome::Kept, _) => "So nothing was taken over, and the last good copy stands as it was.",
        (Outcome::Withheld, _) => {
            "The copy that is there is withheld; it comes back with the next version that passes."
        }
        (_, true) => "The copy that is there was not touched.",
        (_, false) => "Nothing of it was stored.",
    });
    text
}

/// Whether a source's answer, or its silence, did not pass; all else is about our own store, or the copy in it.
fn is_about_an_answer(reason: Reason) -> bool {
    let ours = matches!(reason, Reason::CopyExpired | Reason::MassRemoval | Reason::UnsupportedScheme);
    (Step::Resolve..=Step::Shrink).contains(&reason.step()) && !ours
}
