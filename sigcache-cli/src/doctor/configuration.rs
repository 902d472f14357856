//! The configuration itself, and the keys that it names, as far as they could not be read.

use sigcache_core::{
    Resource,
    config::{About, Config, ConfigError},
};

use super::{Break, Chain, Link, count};

/// A configuration that was read.
pub(crate) fn check(chain: &mut Chain, file: &str, config: &Config) {
    let (resources, collections) = (config.resources.len(), config.anchored.len());
    let resting = if collections > 0 { format!(", {collections} resting on anchors") } else { String::new() };
    let (resources, keys) = (count(resources, "resource"), count(config.keys.len(), "key"));
    note_secrets(chain, &config.resources);
    // What the file says and no reader of it looks at: only who serves, or tells, finds it wrong.
    let serves = crate::serve::check(&config.serve).err().map(|error| format!("{error:#}"));
    let tells = config
        .alerts
        .iter()
        .find_map(|route| route.channel.fault().map(|fault| format!("alert {}: {fault}", route.name)));
    match serves.or(tells) {
        None => chain.fine(Link::Configuration, file, format!("{resources}{resting}, {keys}")),
        Some(found) => {
            let advice = "correct it there; else `serve` does not begin, or nobody is told".to_owned();
            chain.broken(
                Link::Configuration,
                file.to_owned(),
                Break::new("settings that can be used", found, advice).with_exit_code(2),
            );
        }
    }
}

/// Words in the names of parameters that are secret more often than not.
const SECRET: &[&str] =
    &["token", "secret", "password", "passwd", "signature", "api_key", "apikey", "access_key", "auth"];

/// URLs are told everywhere. What is secret in one is none any more.
fn note_secrets(chain: &mut Chain, resources: &[Resource]) {
    for resource in resources {
        let secret = resource.urls().iter().find_map(|url| {
            let is_secret = |name: &str| SECRET.iter().any(|word| name.to_ascii_lowercase().contains(word));
            url.query_pairs().map(|(name, _)| name.into_owned()).find(|name| is_secret(name))
        });
        if let Some(parameter) = secret {
            chain.remarks.push(format!(
                "A URL of {} has the parameter {parameter:?}. URLs stand on the page, in logs, receipts, reports and bundles: \
                 what is secret belongs in `headers`.",
                resource.name
            ));
        }
    }
}

/// One that was not: each problem is of the configuration or of a key. Nothing after it can be checked.
pub(crate) fn not_loaded(chain: &mut Chain, file: &str, error: &ConfigError) {
    let (keys, others): (Vec<_>, Vec<_>) = error.problems().iter().partition(|problem| problem.about == About::Key);
    for (link, problems) in [(Link::Configuration, &others), (Link::Keys, &keys)] {
        for problem in problems {
            let place = match problem.position {
                Some((line, column)) => format!("{}:{line}:{column}", problem.file),
                None => problem.file.to_string(),
            };
            let expected = match link {
                Link::Keys => problem.expected.as_deref().unwrap_or("a public key that can be used"),
                _ => problem.expected.as_deref().unwrap_or("a configuration that can be used"),
            };
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
            let advice = match &problem.nearest {
                Some(word) => format!("correct it; did you mean `{word}`?"),
                None if link == Link::Keys => "put the publisher's public key there".to_owned(),
                None => "correct it there".to_owned(),
            };
            let found = format!("{}{cause}", problem.message);
            chain.broken(link, place, Break::new(expected, found, advice).with_exit_code(2));
        }
    }
    let first = if others.is_empty() {
        chain.rows.insert(
            0,
            super::Row { link: Link::Configuration, of: file.to_owned(), state: super::State::Ok { note: None } },
        );
        Link::Keys
    } else {
        Link::Configuration
    };
    let last = if keys.is_empty() { Link::Configuration } else { Link::Keys };
    for link in Link::ALL.iter().filter(|link| **link > last) {
        chain.unchecked(*link, "", first.is_broken());
    }
}
