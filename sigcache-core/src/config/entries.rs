//! Collections of what an anchor names: entries of a JWK set, or files of a list of checksums.

use std::sync::Arc;

use super::{
    build::Build,
    formats::{FromAnchor, TellsIdentity, Verify},
    problem::Place,
    resources::{Common, Rests},
    settings::Settings,
    table::{Table, quote},
};
use crate::{
    anchor::{Anchored, Files, Vouches},
    name::Name,
};

impl Build<'_> {
    /// One resource for each entry of an anchor, or for each file of its list.
    pub(super) fn anchored(&mut self, table: &Table<'_>, defaults: &Settings) {
        let common = self.common(table, defaults, Rests::OnAnchor);
        let anchor = table.text("anchor", &mut self.problems).and_then(|(text, at)| Some((self.name(text, &at)?, at)));
        match is_of_files(table, common.as_ref().and_then(|common| self.verify_of(common))) {
            true => self.files(table, common, anchor),
            false => self.entries(table, common, anchor),
        }
    }

    pub(super) fn verify_of(&self, common: &Common) -> Option<&Verify> {
        self.verifies.get(common.settings.verify?)
    }

    /// One resource for each entry of a JWK set, which names its URL and its key.
    fn entries(&mut self, table: &Table<'_>, common: Option<Common>, anchor: Option<(Name, Place)>) {
        for (word, expected) in [
            ("urls", "the anchor to name the URL of each entry"),
            ("files", "`verify = { format = \"digests\" }` beside it, where the anchor is a list of checksums"),
        ] {
            if let Some(value) = table.get(word) {
                let message = format!("a collection of an anchor's keys has no `{word}`");
                self.problems.at(value.span(), message).expected(expected);
            }
        }
        let pattern = self.name_pattern(table, "{url_hex}", "00", "where the hexadecimal form of the URL belongs");
        if let (Some(value), Some(common)) = (table.get("identity"), &common)
            && common.identity.as_ref().is_some_and(|identity| !identity.contains("{url}"))
        {
            let message = "every entry of the anchor would have the same identity";
            self.problems.at(value.span(), message).expected("`{url}` in it, where the URL belongs");
        }
        let (Some(common), Some((anchor, place)), Some(name)) = (common, anchor, pattern) else { return };
        let verify = common.settings.verify.and_then(|index| self.verifies.get(index));
        if verify.is_some_and(|verify| !verify.may_rest_on_anchor(&place, &mut self.problems)) {
            return;
        }
        // What each says it is must be its URL, unless something else is asked for.
        let usual =
            verify.is_some_and(|verify| verify.tells_identity == TellsIdentity::Asked).then(|| Arc::from("{url}"));
        let identity = common.identity.or(usual);
        let Some(rules) = self.rules(&common.settings, None, common.set) else { return };
        self.anchored.push((Anchored::new(anchor, Vouches::Entries { name, identity, rules }), place));
    }

    /// One resource for each file of a list of checksums.
    fn files(&mut self, table: &Table<'_>, common: Option<Common>, anchor: Option<(Name, Place)>) {
        let name = self.name_pattern(table, "{file}", "file", "where the name of the file belongs");
        let urls = self.patterns(table, "{file}");
        if let Some(value) = table.get("identity") {
            let message = "a collection of files has no `identity`";
            self.problems.at(value.span(), message).expected("the list to name each file");
        }
        let only = match table.has("files") {
            true => table.list("files", &mut self.problems),
            false => Some(Vec::new()),
        };
        if let (Some(value), Some([])) = (table.get("files"), only.as_deref()) {
            self.problems.at(value.span(), "`files` is an empty list").expected("patterns such as \"*.tar.gz\"");
        }
        let (Some(common), Some((anchor, place)), Some(name)) = (common, anchor, name) else { return };
        let (Some(urls), Some(only)) = (urls, only) else { return };
        let Some(rules) = self.rules(&common.settings, None, common.set) else { return };
        let only = only.into_iter().map(|(pattern, _)| pattern.to_owned()).collect();
        let files = Files { name, urls: urls.into(), only, rules };
        self.anchored.push((Anchored::new(anchor, Vouches::Files(files)), place));
    }

    /// The `name` of a collection: a pattern with `part` in it, which makes a name for every value such as `sample`.
    fn name_pattern(&mut self, table: &Table<'_>, part: &str, sample: &str, belongs: &str) -> Option<Arc<str>> {
        if !table.has("name") {
            let expected = format!("a pattern such as \"metadata/{part}\"");
            table.lacks(&["name"], table.span(), &expected, &mut self.problems);
        }
        let (text, place) = table.text("name", &mut self.problems)?;
        if text.contains(part) && Name::new(&text.replace(part, sample)).is_ok() {
            return Some(text.into());
        }
        let message = format!("{} names no entry", quote(text));
        let expected = format!("a name with `{part}` in it, {belongs}");
        self.problems.at_place(place, message).expected(expected);
        None
    }
}

/// Whether the anchor of a collection is a list of checksums, as far as can be said where its `verify` is not sound.
fn is_of_files(table: &Table<'_>, verify: Option<&Verify>) -> bool {
    let word = || table.get("verify")?.get_ref().get("format")?.as_ref().as_str();
    verify.map_or_else(|| word() == Some("digests"), |verify| verify.from_anchor == FromAnchor::Digests)
}
