//! The manifest is going. What it owns is seen to in an order that a crash anywhere leaves repeatable: credentials first, then what
//! shows them, then the rows, then the finalizer.

use super::{Plan, Step};
use crate::names::tag;
use crate::organization::desired::Desired;
use crate::organization::observed::Observed;
use crate::stores::rows::{Policy, Row};
use crate::trouble::Trouble;

pub(super) fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let mut plan = Plan::default();
    if !desired.has_finalizer {
        return plan;
    }
    if desired.abandoned {
        plan.add(Step::RemoveFinalizer);
        return plan;
    }
    if desired.paused {
        plan.deletion = Some(Trouble::standing("Paused", "tenantry.io/paused is set: remove the annotation"));
        plan.paused = Some(1);
        return plan;
    }
    let row = match &observed.rows {
        Ok(rows) => rows.mine.as_ref(),
        Err(trouble) => {
            plan.deletion = Some(blocked(desired, trouble));
            return plan;
        }
    };
    match row.map(|row| (row, desired.policy)) {
        Some((row, Policy::Retain)) if !row.retained && !row.buried => plan.add(Step::Retain),
        Some((row, Policy::Delete)) if !row.buried => plan.add(Step::Bury),
        _ => {}
    }
    secrets(desired, observed, &mut plan);
    entry(desired, observed, row, &mut plan);
    if plan.deletion.is_some() || !plan.steps.is_empty() {
        return plan;
    }
    plan.add(match (row.is_some_and(|row| row.buried), desired.policy) {
        (true, Policy::Delete) => Step::Purge,
        // Kept after all: the tombstone is nobody's any more, so that its manifest's name is free.
        (true, Policy::Retain) => Step::GiveUp,
        (false, _) => Step::RemoveFinalizer,
    });
    plan
}

fn secrets(desired: &Desired, observed: &Observed, plan: &mut Plan) {
    let names = [desired.secret_name(), desired.admin_secret_name()];
    for (name, seen) in names.into_iter().zip([&observed.secret, &observed.admin_secret]) {
        match seen {
            Ok(Some(secret)) if desired.owns(secret) => plan.add(Step::DeleteSecret(name, secret.clone())),
            Ok(_) => {}
            Err(trouble) => plan.deletion = Some(blocked(desired, trouble)),
        }
    }
}

/// What is kept keeps its entry of the vault; what is deleted has it marked first, so that nobody takes revoked keys for lost ones.
fn entry(desired: &Desired, observed: &Observed, row: Option<&Row>, plan: &mut Plan) {
    let Some(place) = &desired.vault else { return };
    let kept = desired.policy == Policy::Retain && row.is_none_or(|row| !row.buried);
    if kept {
        return;
    }
    match &observed.vault {
        Ok(Some(entry)) if place.owns(&entry.tags) && !entry.deletion_scheduled => {
            if entry.tags.get(tag::STATE).is_none_or(|state| state != tag::DELETED) {
                let tags = [(tag::STATE.to_owned(), tag::DELETED.to_owned())].into();
                plan.add(Step::TagEntry(place.clone(), tags));
            }
            plan.add(Step::DeleteEntry(place.clone()));
        }
        Ok(_) => {}
        Err(trouble) => plan.deletion = Some(blocked(desired, trouble)),
    }
}

/// What keeps a deletion from ending, with the way out.
pub(crate) fn blocked(desired: &Desired, trouble: &Trouble) -> Trouble {
    let message = format!(
        "{}; the deletion goes on once that is over. If it never will be, give the resource the annotation \
         tenantry.io/abandon: {} and what is left there stays",
        trouble.message, desired.uid
    );
    Trouble { message, ..trouble.clone() }
}
