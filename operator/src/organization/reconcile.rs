//! The story of one Organization from beginning to end: look, plan, do, look again, until nothing is left to do or something stands
//! in the way; then say so.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tenantry_crds::{Organization, OrganizationStatus};

use super::apply::{Applied, CREATED, apply};
use super::desired::Desired;
use super::observed::{Stores, observe};
use super::plan::{Plan, Step, plan};
use super::report::{self, Seen};
use crate::conditions;
use crate::stores::Store;
use crate::stores::manifests::{ABANDONED, Manifests, Note, say};
use crate::trouble::{Cure, Trouble};

/// More rounds than any history needs; a planner that never settles must not run hot.
const ROUNDS: usize = 12;

/// How a reconcile ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as the manifest says.
    Settled,
    /// The manifest is gone.
    Gone,
    /// To be tried again, with growing pauses.
    Retry,
    /// To be looked at again after so long.
    After(Duration),
    /// Somebody has to do something.
    Stalled,
}

impl Outcome {
    /// How a reconcile with these troubles ended.
    pub(crate) fn of<'a>(troubles: impl Iterator<Item = &'a Trouble>) -> Self {
        let cures: Vec<Cure> = troubles.map(|trouble| trouble.cure).collect();
        if cures.contains(&Cure::Retry) {
            return Self::Retry;
        }
        let after = cures.iter().filter_map(|cure| match cure {
            Cure::After(after) => Some(*after),
            _ => None,
        });
        match after.min() {
            Some(after) => Self::After(after),
            None if cures.is_empty() => Self::Settled,
            None => Self::Stalled,
        }
    }
}

/// What a reconcile did.
#[derive(Debug)]
pub struct Reconciled {
    /// How it ended.
    pub outcome: Outcome,
    /// The stores whose drift it put right.
    pub repaired: Vec<Store>,
    /// The stores that failed, with the reason.
    pub failed: Vec<(Store, &'static str)>,
}

/// Reconciles one Organization. `desire` reads a version of the manifest.
pub async fn reconcile(
    manifests: &dyn Manifests<Organization, OrganizationStatus>,
    stores: Stores<'_>,
    organization: Arc<Organization>,
    desire: &(dyn Fn(&Organization) -> Desired + Sync),
    now: DateTime<Utc>,
) -> Reconciled {
    let mut organization = organization;
    let mut failed: Vec<(Store, Trouble)> = Vec::new();
    let mut repaired: Vec<Store> = Vec::new();
    let mut was_settled = report::was_settled(&organization);
    let mut observed = observe(&desire(&organization), stores).await;
    let mut created = false;
    // The stores that have to be looked at again.
    let mut written: HashSet<Store> = HashSet::new();
    for round in 0..ROUNDS {
        let desired = desire(&organization);
        observed.look_again(&desired, stores, &written).await;
        written.clear();
        let mut plan = plan(&desired, &observed, now);
        let steps = std::mem::take(&mut plan.steps);
        let last = steps.is_empty() || round + 1 == ROUNDS || !failed.is_empty();
        if last {
            if !steps.is_empty() && failed.is_empty() {
                failed.push((
                    Store::Manifests,
                    Trouble::passing("Unsettled", "others keep changing what is put right"),
                ));
            }
            if desired.deleting && !desired.has_finalizer {
                return Reconciled { outcome: Outcome::Gone, repaired, failed: Vec::new() };
            }
            let seen = Seen { desired: &desired, observed: &observed, plan: &plan, failed: &failed };
            return finish(manifests, &organization, &seen, Did { created, repaired }, now).await;
        }
        for step in &steps {
            let store = step.store();
            if failed.iter().any(|(other, _)| *other == store) {
                continue;
            }
            if matches!(step, Step::AddFinalizer | Step::RemoveFinalizer) {
                if matches!(step, Step::RemoveFinalizer) && desired.abandoned {
                    manifests.note(&organization, Note::warning("Abandoned", ABANDONED)).await;
                }
                match manifests.set_finalizer(&organization, matches!(step, Step::AddFinalizer)).await {
                    Ok(_) if matches!(step, Step::RemoveFinalizer) => {
                        return Reconciled { outcome: Outcome::Gone, repaired, failed: Vec::new() };
                    }
                    Ok(next) => organization = next,
                    Err(trouble) => failed.push((store, trouble)),
                }
                continue;
            }
            match apply(step, &desired, stores).await {
                Ok(Applied { note, blocked, secret }) => {
                    match (step, secret) {
                        (Step::CreateSecret(wanted) | Step::ReplaceSecret(wanted, _), Some(secret)) => {
                            observed.stands(&desired, &wanted.name, secret);
                        }
                        _ => drop(written.insert(store)),
                    }
                    if let Some(note) = note {
                        // What follows from what was asked for is no drift.
                        was_settled = false;
                        created |= note.reason == CREATED;
                        manifests.note(&organization, note).await;
                    } else if was_settled && blocked.is_none() && !repaired.contains(&store) {
                        repaired.push(store);
                    }
                    if let Some(trouble) = blocked {
                        let plan = Plan { deletion: Some(trouble), ..plan };
                        let seen =
                            Seen { desired: &desired, observed: &observed, plan: &plan, failed: &failed };
                        return finish(manifests, &organization, &seen, Did { created, repaired }, now).await;
                    }
                }
                Err(trouble) => {
                    // It may have been carried out all the same.
                    written.insert(store);
                    failed.push((store, trouble));
                }
            }
        }
    }
    Reconciled { outcome: Outcome::Retry, repaired, failed: Vec::new() }
}

/// What was done before the last look.
struct Did {
    /// The organization was made, and that was told.
    created: bool,
    /// The stores whose drift was put right.
    repaired: Vec<Store>,
}

/// Says how it stands, where that is not said yet, and when to look again.
async fn finish(
    manifests: &dyn Manifests<Organization, OrganizationStatus>,
    organization: &Organization,
    seen: &Seen<'_>,
    Did { created, repaired }: Did,
    now: DateTime<Utc>,
) -> Reconciled {
    let mut outcome = Outcome::of(seen.troubles());
    let mut failed: Vec<(Store, &'static str)> =
        seen.failed.iter().map(|(store, trouble)| (*store, trouble.reason)).collect();
    let status = report::status(organization, seen, now);
    for store in &repaired {
        let text = format!("what stood in the {store} was not as it should be and was put right");
        manifests.note(organization, Note::warning("DriftRepaired", text)).await;
    }
    let old = organization.status.as_ref();
    let said = if created && conditions::holds(&status.conditions, conditions::READY) {
        // That it was made is told already, and once is enough.
        manifests.report(organization, &status).await
    } else {
        say(manifests, organization, old, &status, |status| &status.conditions).await
    };
    if let Err(trouble) = said {
        failed.push((Store::Manifests, trouble.reason));
        outcome = Outcome::Retry;
    }
    Reconciled { outcome, repaired, failed }
}
