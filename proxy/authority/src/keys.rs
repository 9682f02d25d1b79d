//! Signing keys moved on in time: the only place that makes and activates them, apart from an organization's first.

use tenantry_directory::{BackendSettings, OrganizationId};
use tenantry_rules::audit::AuditKind;
use tenantry_rules::key_life::{KeyStep, KeyTimes, next_step};
use tenantry_rules::signing;
use tenantry_store::audit::{self, NewEvent};
use tenantry_store::{StoreError, Tx, organizations, signing_keys};

use crate::policy::Policy;
use crate::problem::Problem;
use crate::state::AppState;

/// Takes every step that is due for an organization; whether there was one. A step that another process took first is
/// not taken twice.
pub(crate) async fn settle(
    policy: &Policy,
    tx: &mut Tx,
    settings: &BackendSettings,
    organization: OrganizationId,
) -> Result<bool, Problem> {
    let lives = policy.keys(settings);
    let mut changed = false;
    if !signing_keys::lock(tx, organization).await? {
        return Ok(false);
    }
    // A pass makes a key and lets it sign at most; more steps would be a fault of the state machine.
    for _ in 0..3 {
        let keys = signing_keys::list(tx, organization).await?;
        let all: Vec<KeyTimes> = keys.iter().map(|key| key.times).collect();
        let asked = signing_keys::rotation_asked(tx, organization).await?;
        let Some(step) = next_step(&all, &lives, asked, tx.now) else { break };
        let (kid, kind) = match step {
            KeyStep::CreateActive(bounds) => {
                let key = signing::generate(policy.algorithm).map_err(|_| Problem::internal())?;
                signing_keys::create(tx, organization, &key, Some(bounds)).await?;
                signing_keys::rotation_done(tx, organization, bounds.active_from).await?;
                (key.kid, AuditKind::KeyActivated)
            }
            KeyStep::CreatePending => {
                let key = signing::generate(policy.algorithm).map_err(|_| Problem::internal())?;
                signing_keys::create(tx, organization, &key, None).await?;
                (key.kid, AuditKind::KeyCreated)
            }
            KeyStep::Activate(kid, bounds) => {
                if !signing_keys::activate(tx, organization, kid, bounds).await? {
                    break;
                }
                signing_keys::rotation_done(tx, organization, bounds.active_from).await?;
                (kid, AuditKind::KeyActivated)
            }
        };
        let subject = format!("key:{kid}");
        record(tx, organization, kind, &subject).await?;
        tracing::info!(%organization, %kid, event = kind.name(), "signing key moved on");
        changed = true;
    }
    Ok(changed)
}

async fn record(
    tx: &mut Tx,
    organization: OrganizationId,
    kind: AuditKind,
    subject: &str,
) -> Result<(), StoreError> {
    let event = NewEvent {
        organization_id: Some(organization),
        actor: "authority",
        action: kind.name(),
        subject: Some(subject),
        address: None,
        detail: None,
    };
    audit::record(tx, &event).await
}

/// Looks after every organization's keys once. An organization whose keys cannot be moved on holds up no other.
pub(crate) async fn rotate_all(state: &AppState) -> Result<(), Problem> {
    let settings = state.settings()?;
    let mut tx = state.store.read().await?;
    let ids = organizations::living_ids(&mut tx).await?;
    tx.rollback().await?;
    let mut changed = false;
    for id in ids {
        match rotate(state, &settings, id).await {
            Ok(moved) => changed |= moved,
            Err(problem) => {
                tracing::warn!(organization = %id, problem = problem.code(), "keys were not looked after");
            }
        }
    }
    if changed {
        state.changed.notify_waiters();
    }
    Ok(())
}

async fn rotate(state: &AppState, settings: &BackendSettings, id: OrganizationId) -> Result<bool, Problem> {
    let mut tx = state.store.read().await?;
    let keys = signing_keys::list(&mut tx, id).await?;
    let all: Vec<KeyTimes> = keys.iter().map(|key| key.times).collect();
    let asked = signing_keys::rotation_asked(&mut tx, id).await?;
    let due = next_step(&all, &state.policy.load().keys(settings), asked, tx.now).is_some();
    tx.rollback().await?;
    if !due {
        return Ok(false);
    }
    let mut tx = state.store.write().await?;
    let changed = settle(&state.policy.load(), &mut tx, settings, id).await?;
    tx.commit().await?;
    Ok(changed)
}

#[cfg(test)]
mod tests;
