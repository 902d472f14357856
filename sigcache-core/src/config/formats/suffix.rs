//! Where signature files lie: `suffix`, one ending or a list of them.

use crate::{
    config::{
        problem::Problems,
        table::{Table, quote},
    },
    name::Name,
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
        let fault = match Name::new(&format!("name{text}")) {
            _ if text.contains('/') => Some("it may not hold a slash".to_owned()),
            Err(error) => Some(error.to_string()),
            Ok(_) if taken.iter().any(|other| other == text) => Some("it stands twice".to_owned()),
            Ok(_) => None,
        };
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
