//! Where signature files lie: `suffix`, one ending or a list of them; and files that many documents share.

use super::ending_fault;
use crate::config::{
    problem::Problems,
    table::{Table, quote},
};

/// The first ending, and the others. Where there is no `suffix` it is `usual`; without one, that is a fault.
pub(super) fn read(table: &Table<'_>, usual: Option<&str>, problems: &mut Problems) -> Option<(String, Vec<String>)> {
    let suffix = match (table.get("suffix"), usual) {
        (Some(suffix), _) => suffix,
        (None, Some(usual)) => return Some((usual.to_owned(), Vec::new())),
        (None, None) => {
            table.lacks(&["suffix"], table.span(), "the ending of the signature file's name", problems);
            return None;
        }
    };
    let suffixes = match suffix.get_ref().as_array() {
        Some(_) => table.list("suffix", problems)?,
        None => vec![table.text("suffix", problems)?],
    };
    if suffixes.is_empty() {
        problems.at(suffix.span(), "`suffix` is an empty list").expected("an ending such as \".sig\"");
    }
    let mut taken: Vec<String> = Vec::new();
    for (text, place) in &suffixes {
        let twice = || taken.iter().any(|other| other == text).then(|| "it stands twice".to_owned());
        let fault = ending_fault(text).or_else(twice);
        match fault {
            Some(fault) => {
                let message = format!("{} cannot be a `suffix`: {fault}", quote(text));
                problems.at_place(place.clone(), message).expected("an ending such as \".sig\"");
            }
            None => taken.push((*text).to_owned()),
        }
    }
    let mut taken = taken.into_iter();
    let first = taken.next().filter(|_| taken.len() + 1 == suffixes.len())?;
    Some((first, taken.collect()))
}

/// Where a file that many documents share lies from the folder of each.
pub(super) fn shared(word: &str, expected: &str, table: &Table<'_>, problems: &mut Problems) -> Option<String> {
    if !table.has(word) {
        table.lacks(&[word], table.span(), expected, problems);
    }
    let (text, place) = table.text(word, problems)?;
    // In the store its name is an ending of the document's name.
    let Some(fault) = ending_fault(&format!(".{}", text.trim_start_matches("../"))) else {
        return Some(text.to_owned());
    };
    let message = format!("{} cannot be a `{word}`: {fault}", quote(text));
    problems.at_place(place, message).expected(expected);
    None
}
