//! What rests on which anchor.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{build::Build, problem::Place, table::tick};
use crate::{
    anchor::Anchored,
    name::Name,
    resource::{Resource, Role},
};

impl Build<'_> {
    /// Marks the anchors, moves what rests on them out of the plain resources, and puts it in an order in which every
    /// anchor comes first.
    pub(super) fn resolve_anchors(&mut self) -> Vec<Anchored> {
        let anchored = std::mem::take(&mut self.anchored);
        if anchored.is_empty() {
            return Vec::new();
        }
        let index: BTreeMap<Name, usize> =
            self.resources.iter().enumerate().map(|(at, resource)| (resource.name.clone(), at)).collect();
        for (one, place) in &anchored {
            self.mark_anchor(&one.anchor, index.get(&one.anchor), place);
        }
        // The resources are complete now, and so their rules.
        let mut waiting: Vec<(Anchored, Place)> = Vec::new();
        for (mut one, place) in anchored {
            if let Some(resource) = one.vouches.resource_mut() {
                let Some(at) = index.get(&resource.name) else { continue };
                *resource = self.resources[*at].clone();
            }
            waiting.push((one, place));
        }
        let without_keys: BTreeSet<&Name> = waiting.iter().filter_map(|(one, _)| resting(one)).collect();
        let pairs = std::mem::take(&mut self.resources).into_iter().zip(std::mem::take(&mut self.places));
        (self.resources, self.places) = pairs.filter(|(resource, _)| !without_keys.contains(&resource.name)).unzip();
        let mut known: BTreeSet<Name> = self.resources.iter().map(|resource| resource.name.clone()).collect();
        let mut ordered = Vec::new();
        loop {
            let before = waiting.len();
            let (ready, later): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|(one, _)| known.contains(&one.anchor));
            known.extend(ready.iter().filter_map(|(one, _)| resting(one).cloned()));
            ordered.extend(ready.into_iter().map(|(one, _)| one));
            waiting = later;
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        // What is not there at all is reported already.
        let circular: BTreeSet<&Name> = waiting.iter().filter_map(|(one, _)| resting(one)).collect();
        for (one, place) in waiting.iter().filter(|(one, _)| circular.contains(&one.anchor)) {
            let message = format!("{} rests on itself, by way of other anchors", tick(one.anchor.as_str()));
            let expected = "an anchor whose own keys stand in `keys` in the end";
            self.problems.at_place(place.clone(), message).expected(expected);
        }
        ordered
    }

    fn mark_anchor(&mut self, anchor: &Name, at: Option<&usize>, place: &Place) {
        let Some(at) = at else {
            let message = format!("there is no resource {}", tick(anchor.as_str()));
            let names: Vec<&str> = self.resources.iter().map(|resource| resource.name.as_str()).collect();
            self.problems.at_place(place.clone(), message).one_of(anchor.as_str(), names.iter().copied());
            return;
        };
        let resource: &mut Resource = &mut self.resources[*at];
        if resource.rules.role == Role::Anchor {
            return;
        }
        if resource.rules.policy.set.is_some() {
            let message = format!("the anchor {} cannot be part of a set", tick(anchor.as_str()));
            let expected = "an anchor that counts as soon as it is verified, whatever becomes of others";
            self.problems.at_place(place.clone(), message).expected(expected);
        }
        resource.rules = Arc::new((*resource.rules).clone().as_anchor());
    }
}

/// The name of the one resource that rests on the anchor.
fn resting(anchored: &Anchored) -> Option<&Name> {
    anchored.vouches.resource().map(|resource| &resource.name)
}
