//! The `verify` table: a signature format, set up, and who may sign.

mod detached;
mod saml_metadata;
mod suffix;
mod xmldsig;

use std::{ops::Range, sync::Arc};

use super::{
    build::Build,
    problem::Problems,
    table::{Table, Value, Words, tick},
};
use crate::{
    trust::{Trust, TrustedKey},
    verify::{Claims, Pointer, Verifier},
};

/// The words of every `verify`.
pub(super) const VERIFY: &[&str] = &["format", "keys", "threshold"];

/// Every word that may stand in a `claims`.
pub(super) const CLAIMS: &[&str] = &["identity", "version", "issued", "not_before", "expires", "entries"];

/// Sets up the verifier of a format from its own words.
type SetUp = for<'t> fn(&Table<'t>, &mut Build<'_>) -> Option<Format>;

/// The formats: a new one is a file in `verify/`, one in `formats/` for its words, and a line here.
const FORMATS: &[(&str, (Words, SetUp))] = &[
    ("detached", (&[VERIFY, detached::WORDS], detached::set_up)),
    ("saml-metadata", (&[VERIFY], saml_metadata::set_up)),
    ("xmldsig", (&[VERIFY, xmldsig::WORDS], xmldsig::set_up)),
];

/// Every word that may stand in a `verify`, of whatever format.
pub(super) const EVERY_WORD: Words = &[VERIFY, detached::WORDS, xmldsig::WORDS];

const MORE_FILES: &str = "as many endings in `suffix`: each file holds one signature";

/// Reports what the keys cannot do in a format as it is set up; false if there was something.
type Fit = Box<dyn Fn(&Table<'_>, &Trust, &mut Problems) -> bool>;

/// A format, set up.
pub(super) struct Format {
    verifier: Arc<dyn Verifier>,
    /// The same text for verifiers that do the same, another one for any other.
    alike: String,
    /// How many signature files are looked for, each with one signature.
    files: usize,
    identity: Identity,
    fit: Fit,
    /// What a key is bound to in this format, beside its own limits.
    bind: fn(TrustedKey) -> TrustedKey,
}

/// Whether what is signed says which document it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// It does not.
    Unsaid,
    /// It says so, and each resource needs an `identity` to compare with.
    Said,
    /// It says so, and a resource may have an `identity` to compare with: without one its key is all that tells it.
    Optional,
}

/// A `verify` table with everything checked.
pub(super) struct Verify {
    /// The verifier itself.
    pub(super) verifier: Arc<dyn Verifier>,
    /// Who may sign.
    pub(super) trust: Trust,
    /// Whether what is signed says which document it is.
    pub(super) identity: Identity,
}

impl Build<'_> {
    /// Reads a `verify` table and returns its number; equal tables have the same one.
    pub(super) fn verify(&mut self, value: &Value<'_>) -> Option<usize> {
        let (table, set_up) = self.format(value, "`verify`", FORMATS)?;
        let format = set_up.and_then(|set_up| set_up(&table, self));
        let trust = self.trust(&table);
        let (Format { verifier, alike, files, identity, fit, bind }, trust) = (format?, trust?);
        if !fit(&table, &trust, &mut self.problems) {
            return None;
        }
        let trust = trust.map(bind);
        let threshold = trust.threshold();
        if threshold > files {
            let span = table.get("threshold").map_or_else(|| value.span(), |value| value.span());
            let (only, expected) = match (files, table.has("suffix")) {
                (_, false) => ("the document holds one signature".to_owned(), "a threshold of 1"),
                (1, _) => ("only 1 signature file is looked for".to_owned(), MORE_FILES),
                (files, _) => (format!("only {files} are looked for"), MORE_FILES),
            };
            let message = format!("a threshold of {threshold} can never be met: {only}");
            self.problems.at(span, message).expected(expected);
            return None;
        }
        let keys = trust.keys().iter().map(|key| key.id.clone()).collect();
        let next = self.verifies.len();
        let index = *self.verify_index.entry((alike, keys, threshold)).or_insert(next);
        if index == next {
            self.verifies.push(Verify { verifier, trust, identity });
        }
        Some(index)
    }

    /// Opens a table that has a `format`, with the words of that format.
    fn format<'t>(
        &mut self,
        value: &'t Value<'t>,
        what: &'t str,
        formats: &[(&str, (Words, SetUp))],
    ) -> Option<(Table<'t>, Option<SetUp>)> {
        let free = Table::open_free(value, what, &mut self.problems)?;
        let Some((words, set_up)) = free.word("format", formats, &mut self.problems) else {
            // What else stands there may be a word of the format that was meant.
            let table = Table::open(value, what, EVERY_WORD, &mut self.problems)?;
            if !table.has("format") {
                let words: Vec<String> = formats.iter().map(|(word, _)| format!("`{word}`")).collect();
                table.lacks(&["format"], value.span(), &words.join(" or "), &mut self.problems);
            }
            return Some((table, None));
        };
        Some((Table::open(value, what, words, &mut self.problems)?, Some(set_up)))
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
                Some(Some(index)) => keys.push(self.keys[*index].clone()),
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

/// What a `verify` of this format needs for the document to say what it is.
pub(super) fn how_to_say_it(format: &str) -> &'static str {
    match format {
        "xmldsig" => "a document that says it: verify = { …, content = \"trusted-list\" }",
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
