//! URLs: of a resource, of a collection, of the store.

use url::Url;

use super::{
    build::Build,
    problem::Place,
    table::{Table, quote, tick},
};

/// Where resources can come from.
const SCHEMES: &[&str] = &["https", "http", "file"];

/// The stores that this build can open.
pub(super) const STORES: &[&str] = &[
    #[cfg(feature = "disk")]
    "file",
    "memory",
    #[cfg(feature = "s3")]
    "s3",
    #[cfg(feature = "gcs")]
    "gs",
    #[cfg(feature = "azure")]
    "az",
];

impl Build<'_> {
    /// The `urls` of a resource.
    pub(super) fn urls(&mut self, table: &Table<'_>) -> Option<Vec<Url>> {
        let list = self.url_texts(table)?;
        let urls: Vec<Url> = list.iter().filter_map(|(text, place)| self.url(text, place, SCHEMES)).collect();
        (urls.len() == list.len()).then_some(urls)
    }

    /// The `urls` of a collection: patterns with `part`, such as `{name}`, in the path or query.
    pub(super) fn patterns(&mut self, table: &Table<'_>, part: &str) -> Option<Vec<String>> {
        let (list, what) = (self.url_texts(table)?, part.trim_matches(['{', '}']));
        let mut patterns = Vec::new();
        for (text, place) in &list {
            let others = text.replace(part, "");
            if !text.contains(part) {
                let message = format!("{} is the same for every {what}", quote(text));
                self.problems.at_place(place.clone(), message).expected(format!("`{part}` where the {what} belongs"));
                continue;
            }
            if let Some(start) = others.find(['{', '}']) {
                let end = others[start..].find('}').map_or(others.len(), |end| start + end + 1);
                let message = format!("{} cannot be filled in", tick(&others[start..end]));
                self.problems.at_place(place.clone(), message).one_of(&others[start..end], [part]);
                continue;
            }
            let Some(one) = self.url(&text.replace(part, "name-1"), place, SCHEMES) else { continue };
            // The name must not choose the host.
            let other = self.url(&text.replace(part, "name-2"), place, SCHEMES)?;
            if one.origin() != other.origin() && one.scheme() != "file" {
                let message = format!("the {what} would decide the host in {}", quote(text));
                self.problems.at_place(place.clone(), message).expected(format!("`{part}` in the path or the query"));
                continue;
            }
            patterns.push(self.whole_pattern(text, part));
        }
        (patterns.len() == list.len()).then_some(patterns)
    }

    /// A relative `file:` pattern is written out: it is filled in where the folder is not known.
    fn whole_pattern(&self, text: &str, part: &str) -> String {
        let Ok(url) = self.parse_url(text).map(String::from) else { return text.to_owned() };
        let folder = Url::from_directory_path(&self.folder).map(String::from).unwrap_or_default();
        let encoded = part.replace('{', "%7B").replace('}', "%7D");
        // In a path the URL has the braces percent-encoded; those in the folder's own name stay as they are.
        match url.strip_prefix(&folder) {
            Some(rest) if url.starts_with("file:") => format!("{folder}{}", rest.replace(&encoded, part)),
            _ => text.to_owned(),
        }
    }

    fn url_texts<'t>(&mut self, table: &Table<'t>) -> Option<Vec<(&'t str, Place)>> {
        let Some(value) = table.get("urls") else {
            table.lacks(&["urls"], table.span(), "a list of URLs, to be tried in this order", &mut self.problems);
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
        let (message, expected) = match self.parse_url(text) {
            Ok(url) if !schemes.contains(&url.scheme()) => {
                let what =
                    if schemes == STORES { "stores are not supported by this build" } else { "URLs are not supported" };
                let draft = self.problems.at_place(place.clone(), format!("{} {what}", tick(url.scheme())));
                draft.one_of(url.scheme(), schemes.iter().copied());
                return None;
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                let expected = "a header in its place: headers = { Authorization = \"env:NAME\" }";
                ("there is a user name or password in this URL".to_owned(), expected.to_owned())
            }
            Ok(url) if url.scheme() == "file" && url.host_str().is_some() => {
                let expected = "file:///path, or file:path from the folder of the configuration";
                (format!("{} names a host", quote(text)), expected.to_owned())
            }
            Ok(url) => return Some(url),
            Err(fault) => {
                let schemes: Vec<String> = schemes.iter().map(|scheme| format!("`{scheme}:`")).collect();
                let expected = format!("a whole URL, which begins with {}", schemes.join(" or "));
                (format!("{} is not a URL: {fault}", quote(text)), expected)
            }
        };
        self.problems.at_place(place.clone(), message).expected(expected);
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
