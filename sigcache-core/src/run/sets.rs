//! Resources that belong together.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::aftermath::Stood;
use crate::{
    decision::{Decision, Failure},
    entry::Last,
    name::Name,
    reason::{Outcome, Reason},
    resource::Resource,
    store::{Catalog, Change, ChangeKind},
};

/// Resources of one set are taken together or not at all: where one of them failed, the new versions of the others are
/// left out, so that readers never mix versions that do not belong together.
pub(super) fn hold_incomplete<'a>(
    decisions: &mut [Decision],
    changes: &mut [Change],
    resources: impl IntoIterator<Item = &'a Resource>,
    catalog: &Catalog,
) {
    let sets: BTreeMap<&Name, &Arc<str>> = resources
        .into_iter()
        .filter_map(|resource| Some((&resource.name, resource.rules.policy.set.as_ref()?)))
        .collect();
    if sets.is_empty() {
        return;
    }
    let mut decided: BTreeSet<&Name> = BTreeSet::new();
    let mut broken: BTreeMap<&Arc<str>, String> = BTreeMap::new();
    for decision in decisions.iter() {
        decided.insert(&decision.resource);
        if let Some(set) = sets.get(&decision.resource).filter(|_| !decision.is_good()) {
            let why = format!("{} failed at {} ({})", decision.resource, decision.step, decision.reason);
            broken.entry(set).or_insert(why);
        }
    }
    for (name, set) in &sets {
        if !decided.contains(name) {
            broken.entry(set).or_insert_with(|| format!("{name} was not part of this run"));
        }
    }
    let broken: BTreeMap<Arc<str>, String> = broken.into_iter().map(|(set, why)| (set.clone(), why)).collect();
    let sets: BTreeMap<Name, Arc<str>> = sets.into_iter().map(|(name, set)| (name.clone(), set.clone())).collect();
    for (decision, change) in decisions.iter_mut().zip(changes) {
        let Some(set) = sets.get(&decision.resource) else { continue };
        let Some(why) = broken.get(set) else {
            // Another run may still commit a part of it first.
            change.set = Some(set.clone());
            continue;
        };
        if decision.outcome == Outcome::Stored {
            let entry = catalog.get(&decision.resource);
            let Stood { outcome, receipt } = Stood::of(entry);
            decision.stands(outcome, receipt.as_deref());
            let expected = format!("every resource of the set {set} to pass");
            decision.overrule(outcome, Failure::new(Reason::SetIncomplete, expected, why.clone()));
            change.kind = ChangeKind::Note;
            change.last = Last::new(change.last.run, outcome, Reason::SetIncomplete);
        }
    }
}
