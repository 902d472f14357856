//! One table of the file: which words it may have, and values of the right kind.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::problem::{Place, Problems, nearest};

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// The words that a table may have, in groups.
pub(super) type Words = &'static [&'static [&'static str]];

/// A table, and what to call it.
#[derive(Clone, Copy)]
pub(super) struct Table<'t> {
    entries: &'t DeTable<'t>,
    at: (usize, usize),
    what: &'t str,
    words: Words,
}

impl<'t> Table<'t> {
    /// A table that may have `words` and no others; every other one is reported.
    pub(super) fn new(
        entries: &'t DeTable<'t>,
        span: Range<usize>,
        what: &'t str,
        words: Words,
        problems: &mut Problems,
    ) -> Self {
        let table = Self { words, ..Self::free(entries, span, what) };
        for (key, span, value) in table.unknown() {
            // It may be a secret under a mistyped name.
            conceal(value, problems);
            let message = format!("unknown word {} in {what}", tick(key));
            problems.at(span, message).one_of(key, words.iter().copied().flatten().copied());
        }
        table
    }

    fn free(entries: &'t DeTable<'t>, span: Range<usize>, what: &'t str) -> Self {
        Self { entries, at: (span.start, span.end), what, words: &[] }
    }

    /// `value` as a table called `what`, with `words` and no others.
    pub(super) fn open(value: &'t Value<'t>, what: &'t str, words: Words, problems: &mut Problems) -> Option<Self> {
        let table = Self::open_free(value, what, problems)?;
        Some(Self::new(table.entries, value.span(), what, words, problems))
    }

    /// `value` as a table called `what`, in which every word is the user's own.
    pub(super) fn open_free(value: &'t Value<'t>, what: &'t str, problems: &mut Problems) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(entries) => Some(Self::free(entries, value.span(), what)),
            other => {
                let found = kind(other);
                problems.at(value.span(), format!("{what} cannot be {found}")).expected("a table");
                None
            }
        }
    }

    fn unknown(&self) -> impl Iterator<Item = (&'t str, Range<usize>, &'t Value<'t>)> + use<'t> {
        let words = self.words;
        self.entries().filter(move |(key, ..)| !words.iter().any(|words| words.contains(key)))
    }

    /// Reports that none of `missing` is there, unless one was meant by an unknown word, which is reported already.
    pub(super) fn lacks(&self, missing: &[&str], at: Range<usize>, expected: &str, problems: &mut Problems) {
        if self.unknown().all(|(key, ..)| nearest(key, missing).is_none()) {
            let words: Vec<String> = missing.iter().map(|word| format!("`{word}`")).collect();
            problems.at(at, format!("{} has no {}", self.what, words.join(" or "))).expected(expected);
        }
    }

    /// What the table is called.
    pub(super) fn what(&self) -> &'t str {
        self.what
    }

    /// Where the table begins.
    pub(super) fn span(&self) -> Range<usize> {
        self.at.0..self.at.1
    }

    /// All entries: the key, where it stands, and the value.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'t str, Range<usize>, &'t Value<'t>)> + use<'t> {
        self.entries.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.entries.contains_key(word)
    }

    pub(super) fn get(&self, word: &str) -> Option<&'t Value<'t>> {
        self.entries.get(word)
    }

    /// A text that `parse` understands.
    pub(super) fn parsed<T>(
        &self,
        word: &str,
        expected: &str,
        problems: &mut Problems,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(word)?;
        let parsed = value.get_ref().as_str().and_then(parse);
        if parsed.is_none() {
            wrong(word, value, expected, problems);
        }
        parsed
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, word: &str, choices: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        let value = self.get(word)?;
        let found = value.get_ref().as_str();
        let choice = choices.iter().find(|(choice, _)| found == Some(choice));
        if choice.is_none() {
            let message = format!("`{word}` cannot be {}", show(value.get_ref()));
            problems
                .at(value.span(), message)
                .one_of(found.unwrap_or_default(), choices.iter().map(|(choice, _)| *choice));
        }
        choice.map(|(_, choice)| *choice)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, word: &str, problems: &mut Problems) -> Option<bool> {
        let value = self.get(word)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            wrong(word, value, "`true` or `false`", problems);
        }
        flag
    }

    /// A whole number within `range`.
    pub(super) fn whole(&self, word: &str, least: u32, most: u32, problems: &mut Problems) -> Option<u32> {
        let value = self.get(word)?;
        let number = integer(value.get_ref()).and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            wrong(word, value, &format!("a whole number from {least} to {most}"), problems);
        }
        number
    }

    /// A text that is not empty, and where it stands.
    pub(super) fn text(&self, word: &str, problems: &mut Problems) -> Option<(&'t str, Place)> {
        let value = self.get(word)?;
        match value.get_ref().as_str() {
            Some(text) if !text.is_empty() => Some((text, place(value))),
            _ => {
                wrong(word, value, "a text that is not empty", problems);
                None
            }
        }
    }

    /// A list of texts that are not empty, each with its place.
    pub(super) fn list(&self, word: &str, problems: &mut Problems) -> Option<Vec<(&'t str, Place)>> {
        let value = self.get(word)?;
        let Some(array) = value.get_ref().as_array() else {
            wrong(word, value, "a list of texts", problems);
            return None;
        };
        let mut list = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str().filter(|text| !text.is_empty()) {
                Some(text) => list.push((text, place(item))),
                None => {
                    let message = format!("an entry of `{word}` cannot be {}", show(item.get_ref()));
                    problems.at(item.span(), message).expected("a text that is not empty");
                }
            }
        }
        (list.len() == array.len()).then_some(list)
    }
}

/// Words whose values are never shown: secrets, and keys, among which a private one may have been put by mistake.
const CONCEALED: &[&str] = &["headers", "client_certificate", "pem", "jwk", "line", "token", "webhook", "command"];

/// Finds every secret of the file before anything in it is reported.
pub(super) fn conceal_secrets(entries: &DeTable<'_>, problems: &mut Problems) {
    for (key, value) in entries {
        match value.get_ref() {
            DeValue::String(text) if is_delicate(text) => conceal(value, problems),
            _ if CONCEALED.contains(&key.get_ref().as_ref()) => conceal(value, problems),
            DeValue::Table(entries) => conceal_secrets(entries, problems),
            DeValue::Array(items) => {
                for item in items.iter() {
                    match item.get_ref() {
                        DeValue::Table(entries) => conceal_secrets(entries, problems),
                        DeValue::String(text) if is_delicate(text) => conceal(item, problems),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether a text may be a URL with a password or a token in it.
fn is_delicate(text: &str) -> bool {
    text.contains(['@', '?']) && (text.contains(':') || text.contains("//"))
}

/// Never shows `value`, or anything in it.
pub(super) fn conceal(value: &Value<'_>, problems: &mut Problems) {
    match value.get_ref() {
        DeValue::Table(entries) => entries.values().for_each(|value| conceal(value, problems)),
        DeValue::Array(items) => items.iter().for_each(|value| conceal(value, problems)),
        _ => problems.conceal(value.span()),
    }
}

/// Reports a value that cannot stand for `word`.
pub(super) fn wrong(word: &str, value: &Value<'_>, expected: &str, problems: &mut Problems) {
    problems.at(value.span(), format!("`{word}` cannot be {}", show(value.get_ref()))).expected(expected);
}

/// A whole number, in any of TOML's notations.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The place of a value in the configuration.
pub(super) fn place(value: &Value<'_>) -> Place {
    Place { source: 0, span: value.span() }
}

/// A word of the user's in a message, with nothing in it that could disturb a terminal.
pub(super) fn tick(word: &str) -> String {
    format!("`{}`", word.escape_debug())
}

/// A text of the user's in a message: shortened, and left out where it may hold a secret.
pub(super) fn quote(text: &str) -> String {
    if is_delicate(text) {
        return "\"…\"".to_owned();
    }
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn show(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quote(text),
        DeValue::Integer(_) => integer(value).map_or_else(|| "such a number".to_owned(), |number| number.to_string()),
        other => kind(other).to_owned(),
    }
}

/// What a value is, for values that must not be shown.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
