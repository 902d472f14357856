//! A named thing to cache: where it comes from, how to verify it, within which limits and policies.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use url::Url;

use crate::{
    fetch::{Access, Limits},
    name::Name,
    policy::Policy,
    trust::Trust,
    verify::{Companion, Verifier},
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
    /// The anchor that vouches for its keys, where they do not stand in the configuration.
    pub anchor: Option<Name>,
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
    /// Whether others rest on it.
    pub role: Role,
    /// The media type of its bytes; by default that which the source gives.
    pub content_type: Option<Arc<str>>,
    /// The words of the configuration that set up the verifier, where one did.
    pub words: Option<Arc<VerifyWords>>,
}

/// What set up a verifier, so that it can be set up in the same way elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyWords {
    /// The `verify` table of the configuration as a JSON object, without who signs.
    pub words: Arc<str>,
    /// The files that it names, such as revocation lists, by the names that it has for them.
    pub files: Vec<(Arc<str>, Bytes)>,
}

/// Whether other resources rest on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// None does.
    Document,
    /// It names the keys of others, so it is kept in its own receipt, and every shard has it.
    Anchor,
}

/// The largest document of an anchor, in bytes: it is part of every snapshot.
pub const MAX_ANCHOR_BYTES: u64 = 1 << 20;

impl Rules {
    /// Rules with the default policy, limits and access.
    pub fn new(verifier: Arc<dyn Verifier>, trust: Trust) -> Self {
        let (policy, limits, access) = (Policy::default(), Limits::default(), Arc::default());
        Self { verifier, trust, policy, limits, access, role: Role::Document, content_type: None, words: None }
    }

    /// Others rest on it; it has at most [`MAX_ANCHOR_BYTES`].
    pub fn as_anchor(mut self) -> Self {
        self.role = Role::Anchor;
        self.limits.max_size = self.limits.max_size.min(MAX_ANCHOR_BYTES);
        self
    }

    /// Other keys.
    pub fn with_trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
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
        Self { name, urls: Urls::List(urls.into_iter().collect()), rules, anchor: None }
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
    // There are few different rules and suffixes, however many resources there are.
    let mut by_rules: BTreeMap<*const Rules, Vec<Companion>> = BTreeMap::new();
    for resource in &names {
        by_rules.entry(Arc::as_ptr(&resource.rules)).or_insert_with(|| resource.rules.verifier.companions());
    }
    let companions = |of: &Resource| by_rules.get(&Arc::as_ptr(&of.rules)).map_or(&[][..], Vec::as_slice);
    let suffixes: BTreeSet<&str> = by_rules.values().flatten().map(|companion| &*companion.suffix).collect();
    let find = |text: &str| {
        let at = names.binary_search_by(|other| other.name.as_str().cmp(text));
        at.ok().map(|at| names[at])
    };
    // Whose companion lies at `place`; of two, always the same one, so that the other one finds it.
    let beside = |place: &str| {
        let mut owners = suffixes.iter().filter_map(|suffix| Some((*suffix, find(place.strip_suffix(suffix)?)?)));
        owners.find(|(suffix, owner)| companions(owner).iter().any(|companion| *companion.suffix == **suffix))
    };
    let folder = "the first would be a file and a folder at once";
    for resource in &names {
        let companions = companions(resource);
        let text = resource.name.as_str();
        for (slash, _) in text.match_indices('/') {
            let place = &text[..slash];
            if let Some(file) = find(place).or_else(|| beside(place).map(|(_, owner)| owner)) {
                return conflict(file, resource, folder);
            }
        }
        for (index, companion) in companions.iter().enumerate() {
            let suffix = &*companion.suffix;
            let place = format!("{text}{suffix}");
            if let Some(other) = find(&place) {
                return conflict(resource, other, "the second is where the first one's companion goes");
            }
            let twice = companions[..index].iter().any(|other| other.suffix == companion.suffix);
            let shared = beside(&place).filter(|(other, _)| twice || *other != suffix);
            if let Some((_, other)) = shared {
                return conflict(resource, other, "their companions would go to the same place");
            }
            for (slash, _) in place.match_indices('/').filter(|(slash, _)| *slash >= text.len()) {
                if let Some(file) = find(&place[..slash]) {
                    return conflict(file, resource, folder);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::Digest,
        evidence::KeyId,
        trust::{PublicKey, TrustedKey},
        verify::{Context, Need, Verification, VerifyError},
    };

    /// A format with these companions that never gets to verify anything.
    #[derive(Debug)]
    struct Beside(&'static [&'static str]);

    impl Verifier for Beside {
        fn format(&self) -> &'static str {
            "beside"
        }
        fn settings(&self) -> Digest {
            Digest::of(b"")
        }
        fn companions(&self) -> Vec<Companion> {
            self.0.iter().map(|suffix| Companion::new(suffix, Need::Required)).collect()
        }
        fn begin(&self, context: Context<'_>) -> Result<Box<dyn Verification>, VerifyError> {
            Err(VerifyError::mismatch(context.trust))
        }
    }

    fn resource(name: &str, suffixes: &'static [&'static str]) -> Resource {
        let key = TrustedKey::new(KeyId::new("k"), PublicKey::opaque(vec![1]));
        let rules = Rules::new(Arc::new(Beside(suffixes)), Trust::new(vec![key], 1).unwrap());
        Resource::new(Name::new(name).unwrap(), [], Arc::new(rules))
    }

    /// Who stands in whose way, in both orders of the list.
    fn check(list: &[(&str, &'static [&'static str])]) -> Option<(String, String, &'static str)> {
        let mut resources: Vec<Resource> = list.iter().map(|(name, suffixes)| resource(name, suffixes)).collect();
        let answer = check_names(&resources);
        resources.reverse();
        assert_eq!(answer, check_names(&resources), "the order of the configuration does not matter: {list:?}");
        answer.err().map(|conflict| (conflict.first.to_string(), conflict.second.to_string(), conflict.why))
    }

    #[test]
    fn names_that_stand_in_each_others_way() {
        const NONE: &[&str] = &[];
        const SIG: &[&str] = &[".sig"];
        const FOLDER: &str = "the first would be a file and a folder at once";
        const COMPANION: &str = "the second is where the first one's companion goes";
        const SHARED: &str = "their companions would go to the same place";
        type Case<'a> = (&'a [(&'a str, &'static [&'static str])], Option<(&'a str, &'a str, &'static str)>);
        let table: &[Case<'_>] = &[
            (&[], None),
            (&[("a", SIG)], None),
            (&[("a", SIG), ("b", SIG), ("c/a", SIG), ("c/b", SIG)], None),
            (&[("a", NONE), ("A", NONE)], None),
            (&[("a", NONE), ("a", SIG)], Some(("a", "a", "they have the same name"))),
            (&[("a", NONE), ("a/b", NONE)], Some(("a", "a/b", FOLDER))),
            (&[("a", NONE), ("a/b/c", NONE)], Some(("a", "a/b/c", FOLDER))),
            (&[("a/b", NONE), ("a/b/c", NONE)], Some(("a/b", "a/b/c", FOLDER))),
            // "a-b" and "a.b" sort between "a" and "a/b": neighbours in the sorted list are not enough.
            (&[("a", NONE), ("a-b", NONE), ("a/b", NONE)], Some(("a", "a/b", FOLDER))),
            (&[("a", NONE), ("a+", NONE), ("a-b", NONE), ("a.b", NONE), ("a/b", NONE)], Some(("a", "a/b", FOLDER))),
            (&[("a-b", NONE), ("a/b", NONE), ("ab", NONE), ("a0/b", NONE)], None),
            (&[("a", SIG), ("a.sig", NONE)], Some(("a", "a.sig", COMPANION))),
            (&[("a", SIG), ("a-b", SIG), ("a.sig", SIG)], Some(("a", "a.sig", COMPANION))),
            (&[("a", NONE), ("a.sig", NONE)], None),
            (&[("a", SIG), ("a.sig2", NONE), ("b.sig", NONE), ("b", NONE)], None),
            (&[("c/a", SIG), ("c/a.sig", NONE)], Some(("c/a", "c/a.sig", COMPANION))),
            (&[("a", &[".sig", ".asc"]), ("a.asc", NONE)], Some(("a", "a.asc", COMPANION))),
            // A companion is a file too.
            (&[("a", SIG), ("a.sig/b", NONE)], Some(("a", "a.sig/b", FOLDER))),
            (&[("a", SIG), ("a.sig/b/c", NONE)], Some(("a", "a.sig/b/c", FOLDER))),
            (&[("a", NONE), ("a.sig/b", NONE)], None),
            (&[("a", &[".d/sig"]), ("a.d", NONE)], Some(("a.d", "a", FOLDER))),
            (&[("a", &["/sig"])], Some(("a", "a", FOLDER))),
            // Two companions in one place.
            (&[("a", &[".b.sig"]), ("a.b", SIG)], Some(("a.b", "a", SHARED))),
            (&[("a", &[".sig", ".sig"])], Some(("a", "a", SHARED))),
            (&[("a", &[""])], Some(("a", "a", COMPANION))),
        ];
        for (list, expected) in table {
            let found = check(list);
            let found = found.as_ref().map(|(first, second, why)| (first.as_str(), second.as_str(), *why));
            assert_eq!(found, *expected, "{list:?}");
        }
    }

    #[test]
    fn a_pattern_makes_a_url_for_every_name() {
        let urls = Urls::pattern(vec!["https://a.example/{name}?v=1".to_owned()]).unwrap();
        let mut one = resource("c/a.json", &[]);
        one.urls = urls;
        assert_eq!(one.urls()[0].as_str(), "https://a.example/c/a.json?v=1");
        assert_eq!(one.host().as_deref(), Some("a.example"));
        assert!(Urls::pattern(vec!["{name}".to_owned()]).is_err());
    }
}
