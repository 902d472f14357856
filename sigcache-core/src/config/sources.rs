//! URLs: of a resource, of a collection, of the store.

use url::Url;

use super::{
    build::Build,
    problem::Place,
    table::{Table, quote, tick},
};
use crate::resource::Urls;

/// Where resources can come from.
const SCHEMES: &[&str] = &["https", "http", "file"];

/// The stores that this build can open.
pub(super) const STORES: &[&str] = if cfg!(feature = "disk") { &["file", "memory"] } else { &["memory"] };

impl Build<'_> {
    /// The `urls` of a resource.
    pub(super) fn urls(&mut self, table: &Table<'_>) -> Option<Vec<Url>> {
        let list = self.url_texts(table)?;
        let urls: Vec<Url> = list.iter().filter_map(|(text, place)| self.url(text, place, SCHEMES)).collect();
        (urls.len() == list.len()).then_some(urls)
    }

    /// The `urls` of a collection: patterns with `{name}` in the path or query.
    pub(super) fn patterns(&mut self, table: &Table<'_>) -> Option<Urls> {
        let list = self.url_texts(table)?;
        let mut patterns = Vec::new();
        for (text, place) in &list {
            let others = text.replace("{name}", "");
            if !text.contains("{name}") {
                let message = format!("{} is the same for every name", quote(text));
                self.problems.at_place(place.clone(), message).expected("`{name}` where the name belongs");
                continue;
            }
            if let Some(start) = others.find(['{', '}']) {
                let end = others[start..].find('}').map_or(others.len(), |end| start + end + 1);
                let message = format!("{} cannot be filled in", tick(&others[start..end]));
                self.problems.at_place(place.clone(), message).one_of(&others[start..end], ["{name}"]);
                continue;
            }
            let Some(one) = self.url(&text.replace("{name}", "name-1"), place, SCHEMES) else { continue };
            // The name must not choose the host.
            let other = self.url(&text.replace("{name}", "name-2"), place, SCHEMES)?;
            if one.origin() != other.origin() && one.scheme() != "file" {
                let message = format!("the name would decide the host in {}", quote(text));
                self.problems.at_place(place.clone(), message).expected("`{name}` in the path or the query");
                continue;
            }
            // A relative file: URL is written out, as the pattern is filled in without knowing the folder.
            patterns.push(if one.scheme() == "file" {
                one.as_str().replace("name-1", "{name}")
            } else {
                (*text).to_owned()
            });
        }
        if patterns.len() != list.len() {
            return None;
        }
        Urls::pattern(patterns).ok()
    }

    fn url_texts<'t>(&mut self, table: &Table<'t>) -> Option<Vec<(&'t str, Place)>> {
        let Some(value) = table.get("urls") else {
            let message = format!("{} has no `urls`", table.what());
            self.problems.at(table.span(), message).expected("a list of URLs, to be tried in this order");
            return None;
        };
        let list = table.list("urls", &mut self.problems)?;
        if list.is_empty() {
            self.problems.at(value.span(), "`urls` is an empty list").expected("at least one URL");
            return None;
        }
        Some(list)
    }

    /// A URL of one of these schemes, without anything secret in it.
    pub(super) fn url(&mut self, text: &str, place: &Place, schemes: &[&str]) -> Option<Url> {
        if text.contains('@') || text.contains('?') {
            // Shown only where nothing is wrong with it: a password or a token may be part of it.
            return self.check_url(text, place, schemes, "this URL");
        }
        self.check_url(text, place, schemes, &quote(text))
    }

    fn check_url(&mut self, text: &str, place: &Place, schemes: &[&str], shown: &str) -> Option<Url> {
        let problem = match self.parse_url(text) {
            Ok(url) if !schemes.contains(&url.scheme()) => {
                let message = format!("{} URLs are not supported here", tick(url.scheme()));
                let draft = self.problems.at_place(place.clone(), message);
                draft.one_of(url.scheme(), schemes.iter().copied());
                None
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => Some((
                "there is a user name or password in this URL".to_owned(),
                "a secret header: headers = { Authorization = \"env:NAME\" }",
            )),
            Ok(url) if url.scheme() == "file" && url.host_str().is_some() => Some((
                format!("{shown} names a host"),
                "file:///path, or file:path from the folder of the configuration",
            )),
            Ok(url) => return Some(url),
            Err(fault) => Some((format!("{shown} is not a URL: {fault}"), "a URL such as https://a.example/file")),
        };
        if text.contains('@') || text.contains('?') {
            self.problems.conceal(place.span.clone());
        }
        if let Some((message, expected)) = problem {
            self.problems.at_place(place.clone(), message).expected(expected);
        }
        None
    }

    /// Relative `file:` URLs begin at the folder of the configuration.
    fn parse_url(&self, text: &str) -> Result<Url, String> {
        if text.contains(|c: char| c <= ' ' || c == '\u{7f}') {
            return Err("there is a space or a control character in it".to_owned());
        }
        let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        if scheme.as_deref() == Some("file") {
            let base = Url::from_directory_path(&self.folder).map_err(|()| "its folder is unknown".to_owned())?;
            return Url::options().base_url(Some(&base)).parse(text).map_err(|error| error.to_string());
        }
        Url::parse(text).map_err(|error| error.to_string())
    }
}
