use tenantry_directory::OrganizationId;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::holds::Hold;

use super::found::note;
use super::references::{self, Reference};
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
    if organizations::is_buried(&mut tx, id).await? {
        return Ok(false);
    }
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
    if !remove::bury(&mut tx, id).await? {
        return Ok(false);
    }
    note(&mut tx, id, &actor(owner), AuditKind::OrganizationDeleted, None).await?;
    tx.commit().await?;
    Ok(true)
}

/// Removes the rows of what a manifest owns and buried, unless anything refers to them: nothing of anybody else's is ever removed,
/// whatever a foreign key says of cascades. The tombstone and the audit events stay; the id is never given out again.
pub async fn purge(store: &Store, owner: &Owner) -> Result<Purged, StoreError> {
    let mut tx = store.write().await?;
    let Some(owned) = at(&mut tx, owner).await? else { return Ok(Purged::Done) };
    let id = owned.organization_id;
    if organizations::by_id(&mut tx, id).await?.is_some() {
        if !organizations::is_buried(&mut tx, id).await? {
            return Err(StoreError::corrupt(
                "organizations.status",
                "of an organization to remove is not deleted",
            ));
        }
        references::see_everything(&mut tx).await?;
        // Counting may take long, and mostly nobody need wait for it; what counts is counted under the lock.
        let mut found = references::find(&mut tx, id).await?;
        if found.is_empty() {
            lock_all(&mut tx, id).await?;
            found = references::find(&mut tx, id).await?;
        }
        if !found.is_empty() {
            return Ok(Purged::Blocked(found));
        }
    }
    for sql in OURS.iter().chain(THEIRS) {
        tx.run(sql, &[id.into()]).await?;
    }
    note(&mut tx, id, &actor(owner), AuditKind::OrganizationPurged, None).await?;
    ownership::release(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Purged::Done)
}

/// Nobody adds a foreign key's row that points at them until the transaction ends, so that none is lost to a cascade.
async fn lock_all(tx: &mut Tx, id: OrganizationId) -> Result<(), StoreError> {
    tx.all("SELECT id FROM organizations WHERE id = $1 FOR UPDATE", &[id.into()]).await?;
    tx.all("SELECT id FROM users WHERE organization_id = $1 ORDER BY id FOR UPDATE", &[id.into()])
        .await
        .map(drop)
}

/// While `users` still says whose they are. Secrets by name: the Backend's own keys are organization 0's.
const OURS: &[&str] = &[
    "DELETE FROM tenantry.lockout WHERE account IN (SELECT lower(email) FROM users WHERE organization_id = $1)",
    "DELETE FROM tenantry.accounts WHERE user_id IN (SELECT id FROM users WHERE organization_id = $1)",
    "DELETE FROM tenantry.sessions WHERE organization_id = $1 \
       OR user_id IN (SELECT id FROM users WHERE organization_id = $1)",
    "DELETE FROM tenantry.invitations WHERE organization_id = $1",
    "DELETE FROM tenantry.signing_keys WHERE organization_id = $1",
    "DELETE FROM tenantry.rotation_requests WHERE organization_id = $1",
    "DELETE FROM tenantry.secrets WHERE organization_id = $1 AND name IN ('data_key', 'admin_password')",
    "DELETE FROM tenantry.holds WHERE organization_id = $1",
    "DELETE FROM tenantry.registrations WHERE organization_id = $1",
];
const THEIRS: &[&str] =
    &["DELETE FROM users WHERE organization_id = $1", "DELETE FROM organizations WHERE id = $1"];

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
