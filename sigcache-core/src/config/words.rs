//! The words of a `verify` table as they were given, to hand them on together with what was verified by them.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Number, Value as Json};
use toml::de::DeValue;

use super::{
    build::Build,
    table::{Table, Value, integer},
};
use crate::resource::VerifyWords;

/// Who signs is told apart from how.
const SIGNERS: &[&str] = &["keys", "anchor", "threshold"];

/// Words that name files; the files are handed on with them.
const FILES: &[&str] = &["crl"];

/// The words of a sound table, and the files that they name, which were read already.
pub(super) fn of(table: &Table<'_>, build: &Build<'_>) -> VerifyWords {
    let mut words = Map::new();
    let mut files: Vec<(Arc<str>, Bytes)> = Vec::new();
    for (word, _, value) in table.entries().filter(|(word, ..)| !SIGNERS.contains(word)) {
        words.insert(word.to_owned(), json(value));
        if FILES.contains(&word) {
            let names = value.get_ref().as_array().into_iter().flat_map(|items| items.iter());
            for name in names.filter_map(|name| name.get_ref().as_str()) {
                files.extend(build.file(&build.folder.join(name)).map(|bytes| (name.into(), bytes.clone())));
            }
        }
    }
    VerifyWords { words: Json::Object(words).to_string().into(), files }
}

fn json(value: &Value<'_>) -> Json {
    match value.get_ref() {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Boolean(flag) => Json::Bool(*flag),
        DeValue::Array(items) => Json::Array(items.iter().map(json).collect()),
        DeValue::Table(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key.get_ref().to_string(), json(value))).collect())
        }
        number => integer(number).map_or(Json::Null, |number| Json::Number(Number::from(number))),
    }
}
