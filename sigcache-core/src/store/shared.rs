//! Entries are alike in many things, and there may be very many of them: what is equal is kept once.

use std::{collections::BTreeMap, collections::HashSet, fmt, hash::Hash, sync::Arc};

use serde::{
    Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{digest::Digest, entry::Entry, evidence::KeyId, name::Name};

#[derive(Default)]
struct Pool {
    texts: HashSet<Arc<str>>,
    signers: HashSet<Arc<[KeyId]>>,
    keys: HashSet<Arc<[Digest]>>,
}

fn share<T: ?Sized + Eq + Hash>(pool: &mut HashSet<Arc<T>>, value: &mut Arc<T>) {
    match pool.get(value) {
        Some(known) => *value = known.clone(),
        None => drop(pool.insert(value.clone())),
    }
}

impl Pool {
    fn share(&mut self, entry: &mut Entry) {
        let Some(receipt) = entry.receipt.as_mut().and_then(Arc::get_mut) else { return };
        // Read from a text whose length nobody knows, a list of one has room for four.
        receipt.companions.shrink_to_fit();
        share(&mut self.texts, &mut receipt.evidence.format);
        share(&mut self.signers, &mut receipt.evidence.signers);
        share(&mut self.keys, &mut receipt.keys);
        let suffixes = receipt.companions.iter_mut().map(|companion| &mut companion.suffix);
        let others = receipt.content_type.iter_mut().chain(&mut receipt.validators.last_modified);
        for text in suffixes.chain(others) {
            share(&mut self.texts, text);
        }
    }
}

pub(super) fn entries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Name, Entry>, D::Error> {
    struct Entries;
    impl<'de> Visitor<'de> for Entries {
        type Value = BTreeMap<Name, Entry>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of entries by their names")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let (mut pool, mut entries) = (Pool::default(), Vec::new());
            while let Some((name, mut entry)) = map.next_entry::<Name, Entry>()? {
                pool.share(&mut entry);
                entries.push((name, entry));
            }
            // All at once: added one by one in their order, they would leave every node of the map half empty.
            Ok(entries.into_iter().collect())
        }
    }
    deserializer.deserialize_map(Entries)
}
