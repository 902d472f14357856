//! What a run would make of what the sources serve now: the real pipeline, without a write.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sigcache_core::{
    Attempt, Decision, Name, Reason, Resource, RunId, Urls,
    config::Config,
    pipeline::Asking,
    run::{Selection, Writes},
};
use url::Url;

use super::{Break, Chain, Divided, Link, State, sources::Source};
use crate::{app::App, fault::Fault};

/// What the pipeline says of each source.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// Why there are none.
    without: Option<String>,
    by_source: BTreeMap<(Name, String), Decision>,
    /// Of what anchors vouch for: one decision over all of its sources.
    whole: BTreeMap<Name, Decision>,
    /// The digest of what is stored.
    stored: BTreeMap<Name, sigcache_core::Digest>,
}

impl Verdicts {
    /// None, and why.
    pub(crate) fn none(because: impl Into<String>) -> Self {
        Self { without: Some(because.into()), ..Self::default() }
    }

    /// The state of the link `verification` of a source.
    pub(super) fn of(&self, source: &Source) -> State {
        if !source.open {
            return State::NotChecked { because: "the document or a companion could not be had".to_owned() };
        }
        if let Some(because) = &self.without {
            return State::NotChecked { because: because.clone() };
        }
        let name = &source.resource.name;
        if let Some(decision) = self.by_source.get(&key(name, &source.url)) {
            return self.judged(decision);
        }
        let Some(decision) = self.whole.get(name) else {
            return State::NotChecked { because: "no run looks after it".to_owned() };
        };
        let (_, url) = key(name, &source.url);
        let attempt = decision.attempts.iter().find(|attempt| *attempt.source == *url);
        match attempt {
            Some(attempt) => State::Broken(attempted(attempt)),
            None if !decision.is_good() || decision.source.as_deref() == Some(&*url) => self.judged(decision),
            None => State::NotChecked { because: "a source before it was enough".to_owned() },
        }
    }

    fn judged(&self, decision: &Decision) -> State {
        if decision.is_good() {
            let same = decision.digest.is_some() && self.stored.get(&decision.resource) == decision.digest.as_ref();
            let note = if same { "the version that is stored" } else { "a new version, which the next run stores" };
            return State::Ok { note: Some(note.to_owned()) };
        }
        if decision.reason == Reason::SetIncomplete {
            return State::NotChecked { because: "another one of its set is broken".to_owned() };
        }
        let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
        State::Broken(Break::at(decision.reason, text(&decision.expected), &text(&decision.found)))
    }

    /// Whether all that it lacks is a companion.
    pub(super) fn lacks_companion(&self, source: &Source) -> bool {
        let decision = self.by_source.get(&key(&source.resource.name, &source.url));
        decision
            .or_else(|| self.whole.get(&source.resource.name))
            .is_some_and(|decision| matches!(decision.reason, Reason::CompanionMissing | Reason::CompanionTooLarge))
    }
}

fn attempted(attempt: &Attempt) -> Break {
    Break::at(attempt.reason, &*attempt.expected, &attempt.found)
}

/// A source as the pipeline names it.
fn key(name: &Name, url: &Url) -> (Name, String) {
    let mut url = url.clone();
    // Fails only for URLs that cannot have either.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    (name.clone(), url.to_string())
}

/// Takes what each open source serves through the pipeline: once for the first source of each resource, once for the
/// second, and so on, since a run is content with the first that is good.
pub(crate) async fn check(
    config: &Config,
    shards: &[Divided],
    sources: &[Source],
    run: RunId,
) -> Result<Verdicts, Fault> {
    let mut verdicts = Verdicts::default();
    let configured: BTreeMap<&Name, &Resource> =
        config.resources.iter().map(|resource| (&resource.name, resource)).collect();
    let mut rounds: Vec<Vec<Resource>> = Vec::new();
    let mut seen: BTreeMap<&Name, usize> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.open && configured.contains_key(&source.resource.name)) {
        let round = seen.entry(&source.resource.name).or_default();
        if rounds.len() <= *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push(alone(&source.resource, &source.url));
        *round += 1;
    }
    for one in shards {
        for (name, entry) in one.catalog.entries() {
            if let Some(receipt) = entry.copy() {
                verdicts.stored.insert(name.clone(), receipt.evidence.digest);
            }
        }
        let app = App::assemble(config.clone(), one.bucket.clone(), one.shard, run.time());
        let runner = app.runner()?.with_writes(Writes::DryRun).with_asking(Asking::Everything);
        let nonce = crate::app::nonce()?;
        for round in &rounds {
            let urls: BTreeMap<Name, Url> = round
                .iter()
                .filter_map(|resource| Some((resource.name.clone(), resource.urls().into_iter().next()?)))
                .collect();
            let selection = Selection::Only(urls.keys().cloned().collect());
            let without = runner.clone().with_anchored([]);
            let report = without.sync(round, &selection, run.time(), nonce).await?;
            for decision in report.decisions {
                if let Some(url) = urls.get(&decision.resource) {
                    verdicts.by_source.insert(key(&decision.resource, url), decision);
                }
            }
        }
        if !config.anchored.is_empty() {
            let report = runner.sync(&config.resources, &Selection::All, run.time(), nonce).await?;
            let resting = report.decisions.into_iter().filter(|decision| !configured.contains_key(&decision.resource));
            verdicts.whole.extend(resting.map(|decision| (decision.resource.clone(), decision)));
        }
    }
    Ok(verdicts)
}

/// The resource with this one source, and by itself.
fn alone(resource: &Resource, url: &Url) -> Resource {
    let mut resource = resource.clone();
    resource.urls = Urls::List(Arc::new([url.clone()]));
    if resource.rules.policy.set.is_some() {
        let mut policy = resource.rules.policy.clone();
        policy.set = None;
        resource.rules = Arc::new((*resource.rules).clone().with_policy(policy));
    }
    resource
}

/// Says what anchors do not vouch for any more, and so has no source to ask.
pub(crate) fn unvouched(chain: &mut Chain, verdicts: &Verdicts, sources: &[Source]) {
    let asked: BTreeSet<&Name> = sources.iter().map(|source| &source.resource.name).collect();
    for (name, decision) in &verdicts.whole {
        let asked = asked.contains(name);
        let ours = matches!(decision.reason, Reason::AnchorBroken | Reason::AnchorEntryUnusable | Reason::MassRemoval);
        if !asked && ours {
            chain.add(Link::Verification, name.as_str(), verdicts.judged(decision));
        }
    }
}
