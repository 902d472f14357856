//! Resources one by one, and collections of them.

use std::sync::Arc;

use super::{
    build::{Build, read_bounded},
    formats::{FromAnchor, Signers, TellsIdentity, how_to_say_it, identity_claim, what_identity_is},
    problem::Place,
    settings::Settings,
    table::{Table, quote},
};
use crate::{
    anchor::{Anchored, Vouches},
    name::Name,
    resource::{Resource, Urls, check_names},
};

/// The words of a `[[resource]]`, beside the settings.
pub(super) const RESOURCE: &[&str] = &["name", "urls", "identity", "set"];

/// The words of a `[[collection]]`, beside the settings.
pub(super) const COLLECTION: &[&str] = &["list", "anchor", "name", "urls", "files", "identity", "set"];

/// The largest configuration, and the largest list of names.
pub(super) const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;

/// Where the keys come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rests {
    /// What its own `verify` says.
    OnItself,
    /// The anchor that the collection names.
    OnAnchor,
}

/// What a resource or collection says of itself, beside its name and URLs.
pub(super) struct Common {
    pub(super) settings: Settings,
    signers: Signers,
    pub(super) identity: Option<Arc<str>>,
    pub(super) set: Option<Arc<str>>,
}

impl Build<'_> {
    /// Reads a `[[resource]]`.
    pub(super) fn resource(&mut self, table: &Table<'_>, defaults: &Settings) {
        let common = self.common(table, defaults, Rests::OnItself);
        let name = match table.get("name") {
            Some(_) => table.text("name", &mut self.problems),
            None => {
                table.lacks(&["name"], table.span(), "its place in the store", &mut self.problems);
                None
            }
        };
        let name = name.and_then(|(text, place)| Some((self.name(text, &place)?, place)));
        let urls = self.urls(table);
        let Some(common) = common else { return };
        let from_anchor = self.verify_of(&common).map(|verify| verify.from_anchor);
        let rules = self.rules(&common.settings, common.identity, common.set);
        let (Some((name, place)), Some(urls), Some(rules)) = (name, urls, rules) else { return };
        let resource = Resource::new(name, urls, rules);
        if let Signers::Anchor { anchor, place, threshold } = common.signers {
            let vouches = match from_anchor {
                Some(FromAnchor::Digests) => Vouches::File { resource: resource.clone() },
                _ => Vouches::Resource { resource: resource.clone(), threshold },
            };
            self.anchored.push((Anchored::new(anchor, vouches), place));
        }
        self.resources.push(resource);
        self.places.push(place);
    }

    /// Reads a `[[collection]]`: all names share the pattern of the URLs and, unless they differ in identity, the rules.
    pub(super) fn collection(&mut self, table: &Table<'_>, defaults: &Settings) {
        match (table.has("list"), table.get("anchor")) {
            (_, None) => self.listed(table, defaults),
            (false, Some(_)) => self.anchored(table, defaults),
            (true, Some(anchor)) => {
                let message = "a collection has both `list` and `anchor`";
                self.problems.at(anchor.span(), message).expected("exactly one of them");
            }
        }
    }

    fn listed(&mut self, table: &Table<'_>, defaults: &Settings) {
        let common = self.common(table, defaults, Rests::OnItself);
        for (word, expected) in [
            ("name", "the list to name each of them"),
            ("files", "`anchor` in place of `list`, where a signed list of checksums names them"),
        ] {
            if let Some(value) = table.get(word) {
                let message = format!("a collection with a `list` has no `{word}`");
                self.problems.at(value.span(), message).expected(expected);
            }
        }
        if let Some(Common { signers: Signers::Anchor { place, .. }, .. }) = &common {
            let message = "a collection with a `list` cannot rest on an anchor";
            let expected = "`anchor` in the collection itself, or a [[resource]] for each name";
            self.problems.at_place(place.clone(), message).expected(expected);
            return;
        }
        if let (Some(value), Some(common)) = (table.get("identity"), &common)
            && common.identity.as_ref().is_some_and(|identity| !identity.contains("{name}"))
        {
            let message = "every name of the list would have the same identity";
            self.problems.at(value.span(), message).expected("`{name}` in it, where the name belongs");
        }
        let urls = self.patterns(table, "{name}").and_then(|patterns| Urls::pattern(patterns).ok());
        let names = self.names(table);
        let (Some(common), Some(urls), Some(names)) = (common, urls, names) else { return };
        for (name, place) in names {
            let identity = common.identity.as_ref().map(|pattern| pattern.replace("{name}", name.as_str()).into());
            let Some(rules) = self.rules(&common.settings, identity, common.set.clone()) else { return };
            self.resources.push(Resource { name, urls: urls.clone(), rules, anchor: None });
            self.places.push(place);
        }
    }

    pub(super) fn common(&mut self, table: &Table<'_>, defaults: &Settings, rests: Rests) -> Option<Common> {
        let own = Settings::read(table, self);
        // A faulty one of its own is reported there; the defaults are not what was meant.
        let faulty = table.has("verify") && own.verify.is_none();
        let settings = own.over(defaults);
        let text = |word, build: &mut Self| table.text(word, &mut build.problems).map(|(text, _)| Arc::from(text));
        let (identity, set) = (text("identity", self), text("set", self));
        let verify = settings.verify.filter(|_| !faulty).and_then(|index| self.verifies.get(index));
        if verify.is_none() && !table.has("verify") && !self.default_verify {
            let expected = "one here or in [defaults]: nothing is stored that cannot be verified";
            table.lacks(&["verify"], table.span(), expected, &mut self.problems);
        }
        if let (Some(value), Some(verify)) = (table.get("identity"), verify)
            && identity.is_some()
            && verify.tells_identity == TellsIdentity::No
        {
            let message = "this `identity` could never match: the document does not say what it is";
            let expected = how_to_say_it(verify.verifier.format());
            self.problems.at(value.span(), message).expected(expected);
        }
        let (unsaid, keyed) = match verify.map(|verify| &verify.signers) {
            Some(Signers::Unsaid) => (rests == Rests::OnItself, false),
            Some(_) => (false, rests == Rests::OnAnchor),
            None => (false, false),
        };
        let here = verify.map_or_else(|| table.span(), |verify| verify.place.clone());
        if unsaid {
            let of_digests = verify.is_some_and(|verify| verify.from_anchor == FromAnchor::Digests);
            let (message, expected) = match of_digests {
                true => ("`verify` has no `anchor`", "the resource that is the list with the digest"),
                false => ("`verify` has no `keys`", "the ids of the keys that may sign, or `anchor`"),
            };
            self.problems.at(here, message).expected(expected);
            return None;
        }
        if keyed {
            // What [defaults] says is right for others.
            let (span, message) = match table.has("verify") {
                true => (here, "in a collection of an anchor `verify` has neither `keys` nor `anchor`"),
                false => (table.span(), "a collection of an anchor needs a `verify` of its own"),
            };
            self.problems.at(span, message).expected("the anchor to name the key of each entry");
            return None;
        }
        let own = verify.filter(|_| rests == Rests::OnItself);
        if let Some(verify) = own.filter(|verify| verify.tells_identity == TellsIdentity::Asked)
            && !table.has("identity")
        {
            // In a `verify` that is shared, the fault is not there but here.
            let span = table.get("verify").and_then(identity_claim).unwrap_or_else(|| table.span());
            let expected = what_identity_is(verify.verifier.format());
            table.lacks(&["identity"], span, expected, &mut self.problems);
        }
        let signers = verify.map_or(Signers::Unsaid, |verify| verify.signers.clone());
        Some(Common { settings, signers, identity, set })
    }

    pub(super) fn name(&mut self, text: &str, place: &Place) -> Option<Name> {
        match Name::new(text) {
            Ok(name) => Some(name),
            Err(error) => {
                let message = format!("{} is not a name: {error}", quote(text));
                self.problems.at_place(place.clone(), message).expected("a name such as \"feeds/prices.json\"");
                None
            }
        }
    }

    /// The names in a collection's list: one on each line, `#` begins a comment.
    fn names(&mut self, table: &Table<'_>) -> Option<Vec<(Name, Place)>> {
        if !table.has("list") {
            let expected = "the path of a file with one name on each line";
            table.lacks(&["list"], table.span(), expected, &mut self.problems);
            return None;
        }
        let (list, place) = table.text("list", &mut self.problems)?;
        let path = self.folder.join(list);
        self.lists.push(path.clone());
        let text = match read_bounded(&path, MAX_FILE_BYTES) {
            Ok(Some(bytes)) => String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()),
            Ok(None) => Err(format!("it is larger than {MAX_FILE_BYTES} bytes")),
            Err(error) => Err(error.to_string()),
        };
        let text = match text {
            Ok(text) => text,
            Err(fault) => {
                let message = format!("the list {} cannot be read: {fault}", quote(&path.display().to_string()));
                let expected = "a path, from the folder of the configuration";
                self.problems.at_place(place, message).expected(expected);
                return None;
            }
        };
        let source = self.problems.add_source(&path.display().to_string(), &text);
        let mut names = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let name = line.split('#').next().unwrap_or_default();
            let at = start + name.len() - name.trim_start().len();
            start += line.len();
            let name = name.trim();
            if name.is_empty() {
                continue;
            }
            let place = Place { source, span: at..at + name.len() };
            if let Some(name) = self.name(name, &place) {
                names.push((name, place));
            }
        }
        Some(names)
    }

    /// Checks that all names fit into one store.
    pub(super) fn check_names(&mut self) {
        let Err(conflict) = check_names(&self.resources) else { return };
        let at = |name: &Name, nth: usize| {
            let alike = self.resources.iter().zip(&self.places).filter(|(resource, _)| resource.name == *name);
            alike.map(|(_, place)| place).nth(nth).cloned()
        };
        let same = conflict.first == conflict.second;
        let (Some(first), Some(second)) = (at(&conflict.first, 0), at(&conflict.second, same.into())) else { return };
        let message = match same {
            true => format!("the name `{}` stands twice", conflict.first),
            false => conflict.to_string(),
        };
        let expected = format!("another name: `{}` is taken at {}", conflict.first, self.problems.describe(&first));
        self.problems.at_place(second, message).expected(expected);
    }
}
