//! What requests need to get in: certificates, headers, secrets from the environment.

use super::{
    build::Build,
    problem::Place,
    settings::{AccessSettings, SecretSource},
    table::{Table, Value, kind, place, tick},
};
use crate::fetch::{Access, Addresses, Secret};

/// More than any certificate file needs.
const MAX_PEM_BYTES: usize = 1024 * 1024;

/// Headers that the fetcher itself decides about; another value would break its rules.
const OWN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "proxy-authorization",
    "range",
    "te",
    "transfer-encoding",
    "upgrade",
];

impl Build<'_> {
    /// Reads what a table says about access. Secrets are looked up here, so that what is missing is known at once.
    pub(super) fn access_settings(&mut self, table: &Table<'_>) -> AccessSettings {
        AccessSettings {
            allow_private: table.flag("allow_private", &mut self.problems),
            extra_ca: self.extra_ca(table),
            client: table.get("client_certificate").and_then(|value| self.client(value)),
            headers: table.get("headers").and_then(|value| self.headers(value)),
        }
    }

    /// What the settings stand for; everything in them has been read before.
    pub(super) fn access(&self, settings: &AccessSettings) -> Access {
        let secret = |source| self.secrets.get(source).cloned();
        let headers = settings.headers.iter().flatten();
        Access {
            addresses: if settings.allow_private == Some(true) { Addresses::Any } else { Addresses::Public },
            extra_ca: settings.extra_ca.iter().flatten().filter_map(|path| self.file(path).cloned()).collect(),
            client: settings.client.as_ref().and_then(secret),
            headers: headers.filter_map(|(name, source)| Some((name.clone(), secret(source)?))).collect(),
        }
    }

    pub(super) fn extra_ca(&mut self, table: &Table<'_>) -> Option<Vec<std::path::PathBuf>> {
        let mut paths = Vec::new();
        for (name, place) in table.list("extra_ca", &mut self.problems)? {
            let pem = self.read_file(name, &place, MAX_PEM_BYTES)?;
            if !holds(&pem, "-----BEGIN CERTIFICATE-----") {
                let message = "this file holds no certificate in PEM";
                self.problems.at_place(place, message).expected("-----BEGIN CERTIFICATE-----");
            } else if holds(&pem, "PRIVATE KEY-----") {
                let message = "this file holds a private key beside the certificate";
                self.problems.at_place(place, message).expected("certificates of authorities only");
            } else if let Some(fault) = fault(|access| access.extra_ca.push(pem)) {
                let message = format!("this file holds {fault}");
                self.problems.at_place(place, message).expected("certificates of authorities, none of them damaged");
            } else {
                paths.push(self.folder.join(name));
            }
        }
        Some(paths)
    }

    fn client(&mut self, value: &Value<'_>) -> Option<SecretSource> {
        const EXPECTED: &str = "the path of a PEM file with certificate and key, or \"env:NAME\"";
        let text = match value.get_ref().as_str() {
            Some(text) if !text.is_empty() && !text.contains("-----BEGIN") => text,
            other => {
                let found = other.map_or_else(|| kind(value.get_ref()), |_| "the certificate itself, or empty");
                let message = format!("`client_certificate` cannot be {found}");
                self.problems.at(value.span(), message).expected(EXPECTED);
                return None;
            }
        };
        let (source, pem) = match text.strip_prefix("env:") {
            Some(variable) => (SecretSource::Env(variable.to_owned()), self.variable(variable, &place(value))?.into()),
            None => {
                let pem = self.read_file(text, &place(value), MAX_PEM_BYTES)?;
                (SecretSource::File(self.folder.join(text)), pem)
            }
        };
        if !holds(&pem, "-----BEGIN CERTIFICATE-----") || !holds(&pem, "PRIVATE KEY-----") {
            let message = "`client_certificate` does not hold a certificate and its private key in PEM";
            self.problems.at(value.span(), message).expected("both, one after the other, in one text");
            return None;
        }
        if self.secrets.contains_key(&source) {
            return Some(source);
        }
        let secret = Secret::new(pem.to_vec());
        if let Some(fault) = fault(|access| access.client = Some(secret.clone())) {
            let message = format!("`client_certificate` holds {fault}");
            self.problems.at(value.span(), message).expected("a certificate and its own private key, not encrypted");
            return None;
        }
        self.secrets.insert(source.clone(), secret);
        Some(source)
    }

    fn headers(&mut self, value: &Value<'_>) -> Option<Vec<(String, SecretSource)>> {
        let table = Table::open_free(value, "`headers`", &mut self.problems)?;
        let mut headers: Vec<(String, SecretSource)> = Vec::new();
        for (name, span, value) in table.entries() {
            let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
            let fault = match name.to_ascii_lowercase() {
                _ if name.is_empty() || !name.bytes().all(token) => Some("is not the name of a header"),
                lower if OWN_HEADERS.contains(&lower.as_str()) => {
                    Some("is a header that sigcache itself decides about")
                }
                lower if headers.iter().any(|(other, _)| *other == lower) => Some("stands twice"),
                _ => None,
            };
            if let Some(fault) = fault {
                let message = format!("{} {fault}", tick(name));
                self.problems.at(span, message).expected("the name of another header, such as `Authorization`");
                continue;
            }
            let Some(text) = value.get_ref().as_str() else {
                let message = format!("the value of {} cannot be {}", tick(name), kind(value.get_ref()));
                self.problems.at(value.span(), message).expected("a text, or \"env:NAME\"");
                continue;
            };
            let found = match text.strip_prefix("env:") {
                Some(variable) => {
                    let content = self.variable(variable, &place(value));
                    content.map(|content| (SecretSource::Env(variable.to_owned()), content))
                }
                None => Some((SecretSource::Literal(text.to_owned()), text.to_owned())),
            };
            let Some((source, content)) = found else { continue };
            // RFC 9110, section 5.5; a line break would begin a header of its own.
            if !content.bytes().all(|c| c == b'\t' || (b' '..=b'~').contains(&c)) || content.trim() != content {
                let message = format!("the value of {} has characters that a header cannot have", tick(name));
                let expected = "printable ASCII, without a line break or a space at either end";
                self.problems.at(value.span(), message).expected(expected);
                continue;
            }
            self.secrets.entry(source.clone()).or_insert_with(|| Secret::new(content));
            headers.push((name.to_ascii_lowercase(), source));
        }
        (headers.len() == table.entries().count()).then_some(headers)
    }

    pub(super) fn variable(&mut self, name: &str, place: &Place) -> Option<String> {
        let sound = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
        if name.is_empty() || !name.bytes().all(sound) {
            let message = "what follows `env:` is not the name of a variable";
            self.problems.at_place(place.clone(), message).expected("letters, digits and `_`, as in \"env:API_TOKEN\"");
            return None;
        }
        let content = (self.env)(name).filter(|content| !content.is_empty());
        if content.is_none() {
            let message = format!("the environment variable `{name}` is not set, or empty");
            self.problems.at_place(place.clone(), message);
        }
        content
    }
}

/// What is wrong with the certificates that `put` puts into an access, as far as this build can tell: without HTTP
/// nobody would use them.
fn fault(put: impl FnOnce(&mut Access)) -> Option<String> {
    let mut access = Access::default();
    put(&mut access);
    #[cfg(feature = "http")]
    if let Err(error) = crate::fetch::http::HttpFetcher::check(&access) {
        return Some(error.failure().found.to_string());
    }
    None
}

fn holds(bytes: &[u8], mark: &str) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark.as_bytes())
}
