use tenantry_directory::OrganizationId;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::holds::Hold;

use super::found::note;
use crate::ownership::{self, DeletionPolicy, Owner, Ownership};
use crate::{Store, StoreError, Tx, holds, organizations, sessions, signing_keys};

/// What became of an organization whose manifest is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Which.
    pub organization_id: OrganizationId,
    /// The manifest that is gone.
    pub owner: Owner,
    /// By which policy.
    pub policy: DeletionPolicy,
    /// Whether this call did it, and not an earlier one.
    pub changed: bool,
}

/// Follows the removal of a manifest by the policy it last named. `None`: it owned nothing.
pub async fn remove(store: &Store, owner: &Owner) -> Result<Option<Removed>, StoreError> {
    let mut tx = store.write().await?;
    let Some(owned) = ownership::at(&mut tx, owner).await? else { return Ok(None) };
    let removed = remove_owned(&mut tx, owned).await?;
    tx.commit().await?;
    Ok(Some(removed))
}

/// Follows the removal of every manifest of the cluster that is not in `present`. Not to be called while any
/// manifest could not be read: it would count as gone.
pub async fn remove_absent(
    store: &Store,
    cluster: &str,
    present: &[Owner],
) -> Result<Vec<Removed>, StoreError> {
    let mut tx = store.write().await?;
    let mut removed = Vec::new();
    for owned in ownership::list(&mut tx, cluster).await? {
        if !present.iter().any(|owner| owner.is_same_place(&owned.owner)) {
            removed.push(remove_owned(&mut tx, owned).await?);
        }
    }
    tx.commit().await?;
    removed.retain(|removed| removed.changed);
    Ok(removed)
}

async fn remove_owned(tx: &mut Tx, owned: Ownership) -> Result<Removed, StoreError> {
    let Ownership { organization_id: id, owner, deletion_policy: policy, .. } = owned;
    let actor = format!("manifest:{}", owner.path());
    let changed = match policy {
        DeletionPolicy::Retain => {
            let held = holds::place(tx, id, Hold::Retained, Some("its manifest is gone")).await?;
            if held {
                note(tx, id, &actor, AuditKind::OrganizationHeld, Some(Hold::Retained.name())).await?;
            }
            held
        }
        DeletionPolicy::Delete => {
            bury(tx, id).await?;
            ownership::release(tx, id).await?;
            note(tx, id, &actor, AuditKind::OrganizationDeleted, None).await?;
            true
        }
    };
    Ok(Removed { organization_id: id, owner, policy, changed })
}

/// Revokes every credential and leaves a tombstone; whether that is new. Rows that an application may reference stay.
pub(super) async fn bury(tx: &mut Tx, id: OrganizationId) -> Result<bool, StoreError> {
    let Some(row) = organizations::lock(tx, id).await? else { return Ok(false) };
    let sql = "INSERT INTO tenantry.tombstones (organization_id, slug, deleted_at) VALUES ($1, $2, $3) \
        ON CONFLICT (organization_id) DO NOTHING";
    if tx.run(sql, &[id.into(), row.slug.into(), tx.now.into()]).await? == 0 {
        return Ok(false);
    }
    sessions::end_organization(tx, id, "organization deleted").await?;
    signing_keys::revoke_all(tx, id).await?;
    let sql = "UPDATE tenantry.invitations SET closed_at = $2, outcome = 'withdrawn' \
        WHERE organization_id = $1 AND closed_at IS NULL";
    tx.run(sql, &[id.into(), tx.now.into()]).await?;
    // By name: the Backend's own keys are organization 0's, and an application's ids may begin there.
    let sql = "UPDATE tenantry.secrets SET retired_at = $2 WHERE organization_id = $1 \
        AND name IN ('data_key', 'admin_password') AND retired_at IS NULL";
    tx.run(sql, &[id.into(), tx.now.into()]).await?;
    holds::settle(tx, id).await?;
    Ok(true)
}
