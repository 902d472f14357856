//! The links, in the order in which a document passes them from the configuration to its readers.

use crate::links::links;

links! {
    Configuration = "configuration" asks "Can the configuration be read, and does every word of it mean something?",
    Keys = "keys" asks "Is each key a public key that can be read, and may enough of them sign now for each resource?",
    Store = "store" asks "Is the store there, and does it answer?",
    StoreCreate = "store-create" asks "Does it create an object?",
    StoreCreateOnce = "store-create-once" asks "Does it refuse to create the same object a second time?",
    StoreList = "store-list" asks "Does it list the object?",
    StoreRead = "store-read" asks "Does it give back what was put there?",
    StoreDelete = "store-delete" asks "Does it delete the object?",
    Shards = "shards" asks "Is the store divided in one way, and in the way that was asked for?",
    Catalog = "catalog" asks "Can the newest snapshot of each shard be read?",
    Resolve = "resolve" asks "Does the name of the source's host lead to an address that may be called?",
    Connect = "connect" asks "Does something listen at that address?",
    Tls = "tls" asks "Is its certificate valid now, for this name, and from a known authority?",
    Answer = "answer" asks "Does the source give the document out (status 200, or a file that is there)?",
    Clock = "clock" asks "Does the server's clock agree with the one here, to five minutes?",
    Companions = "companions" asks "Are the signature files and other companions there?",
    Verification = "verification" asks "Does what the source serves now verify, and would a run take it?",
    LastRun = "last-run" asks "Did a run commit within the shortest `max_age`?",
    Copies = "copies" asks "Are the plain copies up to date, with no publication left half done?",
}

impl Link {
    /// Those of the store.
    pub(crate) const STORE: &[Self] =
        &[Self::Store, Self::StoreCreate, Self::StoreCreateOnce, Self::StoreList, Self::StoreRead, Self::StoreDelete];

    /// Why a later link is not checked where this one is broken.
    pub(crate) fn is_broken(self) -> String {
        format!("the link {} before it is broken", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_schema_have_exactly_these_links() {
        let rows: Vec<(String, String)> = include_str!("../../../docs/doctor.md")
            .lines()
            // Behind that are the links of another chain.
            .take_while(|line| *line != "## The chain on AWS")
            .filter_map(|line| {
                let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
                assert_eq!(cells.len(), 4, "link, question, meaning, what to do: {line}");
                Some((cells[0].trim_end_matches('`').to_owned(), cells[1].to_owned()))
            })
            .collect();
        let links: Vec<(String, String)> =
            Link::ALL.iter().map(|link| (link.as_str().to_owned(), link.asks().to_owned())).collect();
        assert_eq!(rows, links);
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/output.schema.json")).unwrap_or_default();
        let words: Vec<&str> = Link::ALL.iter().map(|link| link.as_str()).collect();
        assert_eq!(schema["$defs"]["link"]["enum"], serde_json::json!(words));
    }
}
