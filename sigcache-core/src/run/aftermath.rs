//! What becomes of decisions that the commit did not carry out.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    decision::{Failure, Report},
    entry::Entry,
    name::Name,
    reason::{Outcome, Reason},
    receipt::Receipt,
    store::{Committed, StoreError},
};

/// How a resource stood before a change that may not come about.
pub(super) struct Stood {
    pub(super) outcome: Outcome,
    pub(super) receipt: Option<Arc<Receipt>>,
}

impl Stood {
    pub(super) fn of(entry: Option<&Entry>) -> Self {
        let outcome = entry.map_or(Outcome::Refused, Entry::standing_outcome);
        Self { outcome, receipt: entry.and_then(Entry::copy).cloned() }
    }
}

/// Another run had committed something newer about some of the resources.
pub(super) fn overtaken(report: &mut Report, committed: &Committed) {
    for decision in report.decisions.iter_mut().filter(|d| committed.overtaken.contains(&d.resource)) {
        let now = Stood::of(committed.catalog.get(&decision.resource));
        match decision.outcome {
            Outcome::Unchanged => decision.stands(Outcome::Unchanged, now.receipt.as_deref()),
            Outcome::Stored => {
                decision.stands(now.outcome, now.receipt.as_deref());
                let found = "another run committed a newer version first";
                let failure = Failure::new(Reason::OvertakenByOtherRun, "this version to be newest", found);
                decision.overrule(now.outcome, failure);
            }
            _ => decision.stands(now.outcome, now.receipt.as_deref()),
        }
    }
}

/// The snapshot was not confirmed: every decision that wanted to change something counts as not carried out.
pub(super) fn commit_failed(report: &mut Report, stood: &BTreeMap<Name, Stood>, error: &StoreError) {
    report.store_failure = Some(error.chain().into());
    for decision in &mut report.decisions {
        let ours = decision.is_good() || decision.reason == Reason::RollbackAllowed;
        match stood.get(&decision.resource) {
            Some(stood) => decision.stands(stood.outcome, stood.receipt.as_deref()),
            None if ours => decision.outcome = Outcome::Kept,
            None => {}
        }
        // Where an earlier step broke first, that is what is told.
        if ours {
            let failure = Failure::new(Reason::CommitFailed, "the store to take the new snapshot", error.chain());
            decision.overrule(decision.outcome, failure);
        }
    }
}
