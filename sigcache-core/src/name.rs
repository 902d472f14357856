//! The name of a resource, which is also its place in the store.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The longest name in bytes; with the store's own prefixes it stays below the 1,024 bytes that S3 allows a key.
pub const MAX_NAME_BYTES: usize = 800;

/// The name of a resource: one or more segments divided by `/`.
///
/// Only characters that every store keeps as they are: ASCII letters, digits and `. _ - + = @`. A segment does not
/// begin with a dot, so that no name can climb out of its folder or hide in it. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Empty, or with an empty segment (a slash at either end, or two in a row).
    #[error("a name needs a non-empty text between its slashes")]
    EmptySegment,
    /// Longer than [`MAX_NAME_BYTES`].
    #[error("a name has at most {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// A segment begins with a dot.
    #[error("no part of a name may begin with a dot")]
    LeadingDot,
    /// A character that not every store keeps as it is.
    #[error("{0:?} cannot be part of a name: use ASCII letters, digits and . _ - + = @ /")]
    Character(char),
}

impl Name {
    /// Checks `text` and makes it a name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong);
        }
        for segment in text.split('/') {
            if segment.is_empty() {
                return Err(NameError::EmptySegment);
            }
            if segment.starts_with('.') {
                return Err(NameError::LeadingDot);
            }
        }
        let foreign = |c: &char| !(c.is_ascii_alphanumeric() || "._-+=@/".contains(*c));
        match text.chars().find(foreign) {
            Some(c) => Err(NameError::Character(c)),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_every_store_keeps() {
        for text in ["a", "flags.json", "metadata/68747470", "a-b_c+e=f@g/h.i", &"n".repeat(MAX_NAME_BYTES)] {
            assert_eq!(Name::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_paths_that_climb_hide_or_are_rewritten() {
        let long = "n".repeat(MAX_NAME_BYTES + 1);
        let table = [
            ("", NameError::EmptySegment),
            ("/a", NameError::EmptySegment),
            ("a/", NameError::EmptySegment),
            ("a//b", NameError::EmptySegment),
            ("../a", NameError::LeadingDot),
            ("a/../b", NameError::LeadingDot),
            ("a/.hidden", NameError::LeadingDot),
            ("a#1", NameError::Character('#')),
            ("a b", NameError::Character(' ')),
            ("a\\b", NameError::Character('\\')),
            ("a%2fb", NameError::Character('%')),
            ("ü", NameError::Character('ü')),
            ("a\0", NameError::Character('\0')),
            (&long, NameError::TooLong),
        ];
        for (text, error) in table {
            assert_eq!(Name::new(text), Err(error), "{text:?}");
        }
    }
}
