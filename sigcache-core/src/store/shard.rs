//! Which part of the names a process looks after.

use std::{fmt, str::FromStr};

use crate::{digest::Digest, name::Name};

/// Shard `index` of `count`: the names whose digest falls there. Each shard has a catalog of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// The text is not a shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a shard: expected i/n with i from 1 to n and n at most 9999, such as 1/4")]
pub struct ShardError(String);

impl Shard {
    /// The one shard that has all names.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// All shards of such a division; `None` where it is not one into 1 to 9999.
    pub fn all(count: u32) -> Option<impl Iterator<Item = Self>> {
        (1..=9999).contains(&count).then(|| (1..=count).map(move |index| Self { index, count }))
    }

    /// How many shards there are.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Reads the name of a catalog's folder: the reverse of [`Shard::folder`].
    pub fn from_folder(text: &str) -> Option<Self> {
        let (index, count) = text.split_once("-of-")?;
        let shard = Self { index: index.parse().ok()?, count: count.parse().ok()? };
        (shard.folder() == text && 1 <= shard.index && shard.index <= shard.count).then_some(shard)
    }

    /// Whether this shard looks after `name`.
    pub fn holds(self, name: &Name) -> bool {
        let digest = Digest::of(name.as_str().as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest.as_bytes()[..8]);
        u64::from_be_bytes(first) % u64::from(self.count) == u64::from(self.index - 1)
    }

    /// The folder of its catalog: `0001-of-0004`.
    pub fn folder(self) -> String {
        format!("{:04}-of-{:04}", self.index, self.count)
    }
}

impl Shard {
    /// Of the shards into which this one belongs, the one that looks after `name`.
    pub fn sibling_for(self, name: &Name) -> Self {
        let mut every = (1..=self.count).map(|index| Self { index, count: self.count });
        every.find(|shard| shard.holds(name)).unwrap_or(self)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let parse = || {
            let (index, count) = text.split_once('/')?;
            let shard = Self { index: index.parse().ok()?, count: count.parse().ok()? };
            (1 <= shard.index && shard.index <= shard.count && shard.count <= 9999).then_some(shard)
        };
        parse().ok_or_else(|| ShardError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_exactly_one_shard() {
        let shards: Vec<Shard> = (1..=7).map(|index| Shard { index, count: 7 }).collect();
        for number in 0..500 {
            let name = Name::new(&format!("resource-{number}")).unwrap();
            assert!(Shard::WHOLE.holds(&name));
            assert_eq!(shards.iter().filter(|shard| shard.holds(&name)).count(), 1);
            assert!(shards.iter().all(|shard| shard.sibling_for(&name).holds(&name)));
        }
    }

    #[test]
    fn text_round_trips_and_nonsense_is_refused() {
        assert_eq!("3/12".parse::<Shard>().unwrap().to_string(), "3/12");
        assert_eq!("3/12".parse::<Shard>().unwrap().folder(), "0003-of-0012");
        for text in ["", "1", "0/1", "2/1", "1/0", "1/10000", "a/b", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
