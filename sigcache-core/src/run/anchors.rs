//! What anchors vouch for: after the anchors themselves, with what this very run made of them.

use std::{collections::BTreeSet, sync::Arc};

use super::{Runner, Selection, was_left_out};
use crate::{
    anchor::{Anchored, Unusable, Vouched, broken, fitting, lapsed, vouched},
    decision::{Decision, Failure},
    entry::Entry,
    error::Error,
    name::Name,
    pipeline::Pipeline,
    resource::Resource,
    store::{Catalog, Change},
};

/// What the run has decided so far.
pub(super) struct Settled<'a> {
    pub(super) decisions: &'a mut Vec<Decision>,
    pub(super) changes: &'a mut Vec<Change>,
}

impl Settled<'_> {
    fn add(&mut self, (decision, change): (Decision, Change)) {
        self.decisions.push(decision);
        self.changes.push(change);
    }
}

impl Runner {
    /// Takes everything that an anchor vouches for through the pipeline, and returns it. An anchor that changed in this
    /// run counts as it is now, so a new key takes effect at once.
    pub(super) async fn process_anchored(
        &self,
        pipeline: &Arc<Pipeline>,
        resources: &[Resource],
        selection: &Selection,
        catalog: &Arc<Catalog>,
        mut settled: Settled<'_>,
    ) -> Result<Vec<Resource>, Error> {
        let mut found: Vec<Resource> = Vec::new();
        let mut pending: Vec<&Anchored> = self.anchored.iter().collect();
        while !pending.is_empty() {
            let mut wave = Vec::new();
            let mut later = Vec::new();
            let turn = pending.len();
            for anchored in pending {
                let mut known = resources.iter().chain(&found);
                let Some(anchor) = known.find(|resource| resource.name == anchored.anchor).cloned() else {
                    later.push(anchored);
                    continue;
                };
                let entry = after(&anchor.name, catalog, settled.changes, pipeline);
                let said =
                    entry.as_ref().and_then(Entry::copy).map(|copy| vouched(anchored, &anchor, copy, pipeline.now));
                let said = said.unwrap_or_else(|| Err(broken(&anchor.name, "no version of it passed so far")));
                let beside: Vec<Resource> = resources.iter().chain(&found).chain(&wave).cloned().collect();
                let (said, left_out) = match said {
                    Ok(Vouched { resources, unusable }) => {
                        let (resources, left_out) = fitting(&anchor.name, &beside, resources);
                        (Vouched { resources, unusable }, left_out)
                    }
                    Err(failure) => {
                        self.withhold_all(pipeline, anchored, selection, catalog, failure, &mut settled);
                        continue;
                    }
                };
                for Unusable { name, failure } in said.unusable.into_iter().chain(left_out) {
                    if self.has_turn(&name, selection) {
                        settled.add(pipeline.withhold(&name, catalog.get(&name), failure));
                    }
                }
                match lapsed(&anchor, entry.as_ref(), pipeline.now) {
                    None => wave.extend(said.resources),
                    Some(failure) => {
                        for resource in said.resources.iter().filter(|resource| self.looks_after(resource, selection)) {
                            let known = catalog.get(&resource.name);
                            settled.add(pipeline.keep(resource, known, failure.clone()));
                        }
                        found.extend(said.resources);
                    }
                }
            }
            let mut mine: Vec<&Resource> =
                wave.iter().filter(|resource| self.looks_after(resource, selection)).collect();
            if pipeline.end.is_some() {
                mine.sort_by_key(|resource| !was_left_out(catalog, &resource.name));
            }
            if let Some(observer) = &self.observer {
                observer.found(mine.len());
            }
            let (decisions, changes) = self.process_all(pipeline.clone(), mine, catalog).await?;
            settled.decisions.extend(decisions);
            settled.changes.extend(changes);
            found.extend(wave);
            if later.len() == turn {
                // What should vouch for them is not there, because its own anchor is broken.
                for anchored in later {
                    let failure = broken(&anchored.anchor, "an anchor that is itself vouched for by no other");
                    self.withhold_all(pipeline, anchored, selection, catalog, failure, &mut settled);
                }
                break;
            }
            pending = later;
        }
        Ok(found)
    }

    /// The anchor's document cannot be verified, or not be read: nobody can say who may sign what rests on it.
    fn withhold_all(
        &self,
        pipeline: &Pipeline,
        anchored: &Anchored,
        selection: &Selection,
        catalog: &Catalog,
        failure: Failure,
        settled: &mut Settled<'_>,
    ) {
        let decided: BTreeSet<Name> = settled.decisions.iter().map(|decision| decision.resource.clone()).collect();
        let rests = |entry: &Entry| entry.copy().and_then(|receipt| receipt.anchor.as_ref()) == Some(&anchored.anchor);
        let mut names: BTreeSet<Name> =
            catalog.entries().filter(|(_, entry)| rests(entry)).map(|(name, _)| name.clone()).collect();
        // What rests on the same anchor by itself is decided about by itself.
        for other in self.anchored.iter().filter_map(|other| other.vouches.resource()) {
            names.remove(&other.name);
        }
        names.extend(anchored.vouches.resource().map(|resource| resource.name.clone()));
        for name in names.difference(&decided).filter(|name| self.has_turn(name, selection)) {
            settled.add(pipeline.withhold(name, catalog.get(name), failure.clone()));
        }
    }

    fn has_turn(&self, name: &Name, selection: &Selection) -> bool {
        self.shard.holds(name)
            && match selection {
                Selection::All => true,
                Selection::Only(names) => names.contains(name),
            }
    }
}

/// What the catalog will know of an anchor once this run has committed.
fn after(name: &Name, catalog: &Catalog, changes: &[Change], pipeline: &Pipeline) -> Option<Entry> {
    let known = catalog.get(name).cloned();
    let Some(change) = changes.iter().find(|change| change.name == *name) else { return known };
    let mut entry = known.unwrap_or_else(|| Entry::new(change.last));
    entry.take(change, catalog.sequence() + 1, pipeline.now);
    Some(entry)
}
