//! The words of the `ssh` format.

use std::sync::Arc;

use super::{Certificates, Format, FromAnchor, TellsIdentity, keys_span, suffix};
use crate::{
    config::{build::Build, problem::Problems, table::Table},
    trust::Trust,
    verify::Ssh,
};

/// The words of this format.
pub(super) const WORDS: &[&str] = &["suffix", "namespace", "principal"];

/// Sets up the verifier.
pub(super) fn set_up(table: &Table<'_>, build: &mut Build<'_>) -> Option<Format> {
    let suffixes = suffix::read(table, Some(".sig"), &mut build.problems);
    let mut word = |word| {
        let text = table.text(word, &mut build.problems).map(|(text, _)| text);
        (text.is_some() || !table.has(word)).then_some(text)
    };
    let (namespace, principal) = (word("namespace"), word("principal"));
    let (first, more) = suffixes?;
    let verifier = Ssh::new(&first, namespace?.unwrap_or("file"));
    let mut verifier = more.iter().fold(verifier, |verifier, suffix| verifier.with_suffix(suffix));
    let principal = principal?;
    let mut from_anchor = FromAnchor::Keys;
    if let Some(principal) = principal {
        verifier = verifier.with_principal(principal);
        from_anchor =
            FromAnchor::Nothing("`principal` asks for keys of an allowed-signers file, and a JWK says of no principal");
    }
    let fit = verifier.clone();
    Some(Format {
        alike: format!("{verifier:?}"),
        verifier: Arc::new(verifier),
        files: 1 + more.len(),
        tells_identity: TellsIdentity::No,
        certificates: Certificates::AreKeys,
        from_anchor,
        fit: Box::new(move |table, trust, problems| fits(&fit, table, trust, problems)),
    })
}

/// Enough keys may sign here by the words of their allowed-signers files.
fn fits(verifier: &Ssh, table: &Table<'_>, trust: &Trust, problems: &mut Problems) -> bool {
    let objections: Vec<String> = trust
        .keys()
        .iter()
        .filter_map(|trusted| Some(format!("{} {}", trusted.id, verifier.objection(&trusted.key)?)))
        .collect();
    let may = trust.keys().len() - objections.len();
    if may >= trust.threshold() {
        return true;
    }
    let message = format!("only {may} of the keys may sign here: {}", objections.join(", "));
    problems.at(keys_span(table), message).expected(format!("at least {}", trust.threshold()));
    false
}
