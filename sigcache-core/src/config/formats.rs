//! The `verify` table: a signature format, set up, and who may sign.

mod checksums;
mod detached;
mod minisign;
mod narinfo;
mod note;
mod signify;
mod ssh;
mod suffix;

use std::{ops::Range, sync::Arc};

use super::{
    build::Build,
    problem::Problems,
    table::{Table, Value, tick},
};
use crate::{
    name::Name,
    trust::{Algorithm, Trust},
    verify::{Claims, Pointer, Verifier},
};

/// Every word that may stand in a `verify`.
pub(super) const VERIFY: &[&str] = &[
    "format",
    "suffix",
    "keys",
    "threshold",
    "claims",
    "hash",
    "scheme",
    "comment",
    "legacy",
    "embedded",
    "namespace",
    "principal",
    "list",
    "signature",
    "checkpoint",
    "narinfo",
];

/// Every word that may stand in a `claims`.
pub(super) const CLAIMS: &[&str] = &["identity", "version", "issued", "not_before", "expires", "entries"];

/// Sets up the verifier of a format from its own words.
type SetUp = for<'t> fn(&Table<'t>, &mut Build<'_>) -> Option<Format>;

/// The formats: a new one is a file in `verify/`, one in `formats/` for its words, and a line here.
const FORMATS: &[(&str, SetUp)] = &[
    ("detached", detached::set_up),
    ("minisign", minisign::set_up),
    ("signify", signify::set_up),
    ("ssh", ssh::set_up),
    ("checksums", checksums::set_up),
    ("note", note::set_up),
    ("narinfo", narinfo::set_up),
];

/// Reports what the keys cannot do in a format as it is set up; false if there was something.
type Fit = Box<dyn Fn(&Table<'_>, &Trust, &mut Problems) -> bool>;

/// Whether a document says which one it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TellsIdentity {
    /// It does not, or nobody asks it.
    No,
    /// It may: the format has a place for it.
    Perhaps,
    /// It must: the configuration points at the place.
    Asked,
}

impl TellsIdentity {
    /// What `claims` ask for.
    fn by(claims: &Claims) -> Self {
        if claims.identity.is_some() { Self::Asked } else { Self::No }
    }
}

/// A format, set up.
pub(super) struct Format {
    verifier: Arc<dyn Verifier>,
    /// The same text for verifiers that do the same, another one for any other.
    alike: String,
    /// How many signature files are looked for, each with one signature.
    files: usize,
    tells_identity: TellsIdentity,
    fit: Fit,
}

/// A `verify` table with everything checked.
pub(super) struct Verify {
    /// The verifier itself.
    pub(super) verifier: Arc<dyn Verifier>,
    /// Who may sign.
    pub(super) trust: Trust,
    /// Whether the document says what it is.
    pub(super) tells_identity: TellsIdentity,
}

impl Build<'_> {
    /// Reads a `verify` table and returns its number; equal tables have the same one.
    pub(super) fn verify(&mut self, value: &Value<'_>) -> Option<usize> {
        let table = Table::open(value, "`verify`", &[VERIFY], &mut self.problems)?;
        if !table.has("format") {
            let words: Vec<String> = FORMATS.iter().map(|(word, _)| format!("`{word}`")).collect();
            let expected = words.join(" or ");
            table.lacks(&["format"], value.span(), &expected, &mut self.problems);
        }
        let set_up = table.word("format", FORMATS, &mut self.problems);
        let format = set_up.and_then(|set_up| set_up(&table, self));
        let trust = self.trust(&table);
        let (Format { verifier, alike, files, tells_identity, fit }, trust) = (format?, trust?);
        if !fit(&table, &trust, &mut self.problems) {
            return None;
        }
        let threshold = trust.threshold();
        if threshold > files {
            let span = table.get("threshold").map_or_else(|| value.span(), |value| value.span());
            let files = if files == 1 { "1 signature file is".to_owned() } else { format!("{files} are") };
            let message = format!("a threshold of {threshold} can never be met: only {files} looked for");
            self.problems.at(span, message).expected("as many endings in `suffix`: each file holds one signature");
            return None;
        }
        let keys = trust.keys().iter().map(|key| key.id.clone()).collect();
        let next = self.verifies.len();
        let index = *self.verify_index.entry((alike, keys, threshold)).or_insert(next);
        if index == next {
            self.verifies.push(Verify { verifier, trust, tells_identity });
        }
        Some(index)
    }

    fn trust(&mut self, table: &Table<'_>) -> Option<Trust> {
        let threshold = match table.has("threshold") {
            true => table.whole("threshold", 1, 1000, &mut self.problems),
            false => Some(1),
        };
        let Some(ids) = table.get("keys") else {
            table.lacks(&["keys"], table.span(), "the ids of the keys that may sign", &mut self.problems);
            return None;
        };
        let mut keys = Vec::new();
        let mut complete = true;
        for (id, place) in table.list("keys", &mut self.problems)? {
            match self.key_index.get(id) {
                Some(Some(range)) => keys.extend_from_slice(&self.keys[range.clone()]),
                Some(None) => complete = false, // it is reported where it stands
                None => {
                    let draft = self.problems.at_place(place, format!("there is no key {}", tick(id)));
                    match self.key_index.is_empty() {
                        true => draft.expected("a table [keys.ID] for each key"),
                        false => draft.one_of(id, self.key_index.keys().map(String::as_str)),
                    };
                    complete = false;
                }
            }
        }
        let threshold = threshold.filter(|_| complete)? as usize;
        match Trust::new(keys, threshold) {
            Ok(trust) => Some(trust),
            Err(error) => {
                let value = match error {
                    crate::trust::TrustError::Threshold { .. } => table.get("threshold").unwrap_or(ids),
                    _ => ids,
                };
                self.problems.at(value.span(), error.to_string());
                None
            }
        }
    }
}

/// Reports words that another format has.
fn of_other_formats(format: &str, words: &[&str], table: &Table<'_>, problems: &mut Problems) {
    for (word, at, _) in table.entries() {
        if VERIFY.contains(&word) && !["format", "keys", "threshold"].contains(&word) && !words.contains(&word) {
            let message = format!("`{word}` means nothing in the format `{format}`");
            problems.at(at, message).one_of("", words.iter().copied());
        }
    }
}

/// What is wrong with the ending of a signature file's name.
fn ending_fault(text: &str) -> Option<String> {
    match Name::new(&format!("name{text}")) {
        _ if text.contains('/') => Some("it may not hold a slash".to_owned()),
        Err(error) => Some(error.to_string()),
        Ok(_) => None,
    }
}

/// Where the keys are named; of a table within a `verify`, that table.
fn keys_span(table: &Table<'_>) -> Range<usize> {
    table.get("keys").map_or_else(|| table.span(), Value::span)
}

/// Whether all keys are Ed25519, the only algorithm of `format`; reports those that are not.
fn are_ed25519(format: &str, table: &Table<'_>, trust: &Trust, problems: &mut Problems) -> bool {
    let others = trust.keys().iter().filter(|trusted| trusted.key.algorithm() != Some(Algorithm::Ed25519));
    let mut fits = true;
    for trusted in others {
        let algorithm = trusted.key.algorithm().map_or("of an unknown algorithm".to_owned(), |found| found.to_string());
        let message = format!("{} is {algorithm}, and {format} signs with Ed25519", tick(trusted.id.as_str()));
        problems.at(keys_span(table), message).expected("Ed25519 keys");
        fits = false;
    }
    fits
}

/// What the `identity` of a resource is compared with, where this format needs one.
pub(super) fn what_identity_is(format: &str) -> &'static str {
    match format {
        "note" => "the origin of the checkpoint: with nothing to compare, it guards nothing",
        _ => "what `claims.identity` must find in the document: with nothing to compare, it guards nothing",
    }
}

/// What a `verify` of this format needs for the document to say what it is.
pub(super) fn how_to_say_it(format: &str) -> &'static str {
    match format {
        "minisign" => "a trusted comment that names the file: verify = { …, comment = [\"file\"] }",
        "note" => "a text that says it: verify = { …, checkpoint = true }",
        "signify" | "ssh" => "a format that says it: such a signature names no document",
        _ => "a pointer to its identity: verify = { …, claims = { identity = \"/name\" } }",
    }
}

/// Where a `verify` says that the document tells what it is.
pub(super) fn identity_claim(verify: &Value<'_>) -> Option<Range<usize>> {
    let claims = verify.get_ref().as_table()?.get("claims")?;
    claims.get_ref().as_table()?.get("identity").map(Value::span)
}

fn claims(value: &Value<'_>, build: &mut Build<'_>) -> Option<Claims> {
    let table = Table::open(value, "`claims`", &[CLAIMS], &mut build.problems)?;
    let mut pointer = |word| {
        let expected = "a JSON pointer (RFC 6901) such as \"/version\" or \"/meta/expires\"";
        table.parsed(word, expected, &mut build.problems, |text| Pointer::new(text).ok())
    };
    let claims = Claims {
        identity: pointer("identity"),
        version: pointer("version"),
        issued: pointer("issued"),
        not_before: pointer("not_before"),
        expires: pointer("expires"),
        entries: pointer("entries"),
    };
    Some(claims)
}
