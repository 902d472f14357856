//! A named thing to cache: where it comes from, how to verify it, within which limits and policies.

use std::sync::Arc;

use url::Url;

use crate::{
    fetch::{Access, Limits},
    name::Name,
    policy::Policy,
    trust::Trust,
    verify::Verifier,
};

/// A named thing to cache.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its name, which is also its place in the store.
    pub name: Name,
    /// Where it can be had, in the order in which to try. The next one is tried when one is down, or when what it
    /// sends does not verify.
    pub urls: Urls,
    /// Everything else; resources that are alike share it.
    pub rules: Arc<Rules>,
}

/// How resources of one kind are fetched, verified and judged.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rules {
    /// The signature format.
    pub verifier: Arc<dyn Verifier>,
    /// Who may sign.
    pub trust: Trust,
    /// What it may be and become.
    pub policy: Policy,
    /// The bounds of a fetch.
    pub limits: Limits,
    /// Certificates, headers, addresses.
    pub access: Arc<Access>,
}

impl Rules {
    /// Rules with the default policy, limits and access.
    pub fn new(verifier: Arc<dyn Verifier>, trust: Trust) -> Self {
        Self { verifier, trust, policy: Policy::default(), limits: Limits::default(), access: Arc::default() }
    }

    /// Another policy.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Other limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Other certificates, headers, addresses.
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = Arc::new(access);
        self
    }
}

/// The URLs of a resource: its own, or made from a pattern that many share.
#[derive(Debug, Clone)]
pub enum Urls {
    /// These.
    List(Arc<[Url]>),
    /// Each pattern with `{name}` replaced by the name. Checked when it was made, by [`Urls::pattern`].
    Pattern(Arc<[String]>),
}

impl Urls {
    /// Patterns that yield a URL for every name.
    pub fn pattern(patterns: Vec<String>) -> Result<Self, url::ParseError> {
        for pattern in &patterns {
            pattern.replace("{name}", "name").parse::<Url>()?;
        }
        Ok(Self::Pattern(patterns.into()))
    }

    fn of(&self, name: &Name) -> Vec<Url> {
        match self {
            Self::List(urls) => urls.to_vec(),
            Self::Pattern(patterns) => {
                patterns.iter().filter_map(|pattern| pattern.replace("{name}", name.as_str()).parse().ok()).collect()
            }
        }
    }
}

impl Resource {
    /// A resource with URLs of its own.
    pub fn new(name: Name, urls: impl IntoIterator<Item = Url>, rules: Arc<Rules>) -> Self {
        Self { name, urls: Urls::List(urls.into_iter().collect()), rules }
    }

    /// Where it can be had, in the order in which to try.
    pub fn urls(&self) -> Vec<Url> {
        self.urls.of(&self.name)
    }

    /// The host that the first request goes to, so that no host is asked for too much at once.
    pub fn host(&self) -> Option<String> {
        self.urls().first().and_then(|url| url.host_str().map(str::to_owned))
    }
}

/// Two resources that cannot both be kept in one store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{first} and {second} cannot both be stored: {why}")]
#[non_exhaustive]
pub struct NameConflict {
    /// One of them.
    pub first: Name,
    /// The other.
    pub second: Name,
    /// What stands in the way.
    pub why: &'static str,
}

/// Checks that no two resources need the same place in the store, their companions included.
pub fn check_names(resources: &[Resource]) -> Result<(), NameConflict> {
    let mut names: Vec<&Resource> = resources.iter().collect();
    names.sort_by(|a, b| a.name.cmp(&b.name));
    let conflict = |first: &Resource, second: &Resource, why| {
        Err(NameConflict { first: first.name.clone(), second: second.name.clone(), why })
    };
    for pair in names.windows(2) {
        if pair[0].name == pair[1].name {
            return conflict(pair[0], pair[1], "they have the same name");
        }
    }
    let find = |text: &str| names.binary_search_by(|other| other.name.as_str().cmp(text)).ok().map(|at| names[at]);
    for resource in &names {
        let text = resource.name.as_str();
        for (slash, _) in text.match_indices('/') {
            if let Some(file) = find(&text[..slash]) {
                return conflict(file, resource, "the first would be a file and a folder at once");
            }
        }
        for companion in resource.rules.verifier.companions() {
            if let Some(other) = find(&format!("{text}{}", companion.suffix)) {
                return conflict(resource, other, "the second is where the first one's companion goes");
            }
        }
    }
    Ok(())
}
