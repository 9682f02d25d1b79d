use tenantry_rules::audit::AuditKind;
use tenantry_rules::holds::{Hold, Status};

use super::found::note;
use super::references::{Reference, references};
use super::remove;
use crate::ownership::{self, Owner, Ownership};
use crate::{Store, StoreError, Tx, holds, organizations};

/// What came of [`purge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purged {
    /// The rows are gone, or were gone already.
    Done,
    /// Other rows refer to them; nothing was changed.
    Blocked(Vec<Reference>),
}

fn actor(owner: &Owner) -> String {
    format!("manifest:{}", owner.path())
}

async fn at(tx: &mut Tx, owner: &Owner) -> Result<Option<Ownership>, StoreError> {
    ownership::at(tx, owner).await
}

/// Closes what a manifest owns and keeps it; whether that is new.
pub async fn retain(store: &Store, owner: &Owner) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let Some(owned) = at(&mut tx, owner).await? else { return Ok(false) };
    let id = owned.organization_id;
    let held = holds::place(&mut tx, id, Hold::Retained, Some("its manifest is gone")).await?;
    if held {
        note(&mut tx, id, &actor(owner), AuditKind::OrganizationHeld, Some(Hold::Retained.name())).await?;
        tx.commit().await?;
    }
    Ok(held)
}

/// Revokes every credential of what a manifest owns and leaves a tombstone, which the manifest goes on owning; whether that is new.
pub async fn bury(store: &Store, owner: &Owner) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let Some(owned) = at(&mut tx, owner).await? else { return Ok(false) };
    let id = owned.organization_id;
    if organizations::by_id(&mut tx, id).await?.is_none_or(|row| row.status == Status::Deleted) {
        return Ok(false);
    }
    remove::bury(&mut tx, id).await?;
    note(&mut tx, id, &actor(owner), AuditKind::OrganizationDeleted, None).await?;
    tx.commit().await?;
    Ok(true)
}

/// Removes the rows of a tombstone that a manifest owns, unless anything refers to them: nothing is ever removed along with them
/// but what is ours. The tombstone and the audit events stay; the id is never given out again.
pub async fn purge(store: &Store, owner: &Owner) -> Result<Purged, StoreError> {
    let mut tx = store.write().await?;
    let Some(owned) = at(&mut tx, owner).await? else { return Ok(Purged::Done) };
    let id = owned.organization_id;
    if let Some(row) = organizations::lock(&mut tx, id).await? {
        if row.status != Status::Deleted {
            return Err(StoreError::corrupt(
                "organizations.status",
                "of an organization to remove is not deleted",
            ));
        }
        let found = references(&mut tx, id).await?;
        if !found.is_empty() {
            return Ok(Purged::Blocked(found));
        }
        for sql in OURS {
            tx.run(sql, &[id.into()]).await?;
        }
    }
    note(&mut tx, id, &actor(owner), AuditKind::OrganizationPurged, None).await?;
    ownership::release(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Purged::Done)
}

/// In this order: what is found by the users goes before them.
const OURS: &[&str] = &[
    "DELETE FROM tenantry.sessions WHERE organization_id = $1",
    "DELETE FROM tenantry.invitations WHERE organization_id = $1",
    "DELETE FROM tenantry.signing_keys WHERE organization_id = $1",
    "DELETE FROM tenantry.secrets WHERE organization_id = $1",
    "DELETE FROM tenantry.holds WHERE organization_id = $1",
    "DELETE FROM tenantry.registrations WHERE organization_id = $1",
    "DELETE FROM tenantry.rotation_requests WHERE organization_id = $1",
    "DELETE FROM tenantry.lockout WHERE account IN (SELECT lower(email) FROM users WHERE organization_id = $1)",
    "DELETE FROM tenantry.accounts WHERE user_id IN (SELECT id FROM users WHERE organization_id = $1)",
    "DELETE FROM users WHERE organization_id = $1",
    "DELETE FROM organizations WHERE id = $1",
];

/// Gives up what a manifest owns, as it is; whether it owned anything.
pub async fn release(store: &Store, owner: &Owner) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let Some(owned) = at(&mut tx, owner).await? else { return Ok(false) };
    let id = owned.organization_id;
    ownership::release(&mut tx, id).await?;
    note(&mut tx, id, &actor(owner), AuditKind::OrganizationGivenUp, None).await?;
    tx.commit().await?;
    Ok(true)
}
