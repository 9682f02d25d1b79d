use tenantry_directory::OrganizationId;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::random::Random;
use tenantry_rules::secrets::encryption_key;

use super::found::{FoundError, note};
use crate::secrets::{SecretName, create_next};
use crate::{Tx, ownership};

/// Follows a manifest's request for new keys, if it is a new one; whether it was.
pub(super) async fn rotate(
    tx: &mut Tx,
    random: &dyn Random,
    id: OrganizationId,
    actor: &str,
    asked: Option<&str>,
) -> Result<bool, FoundError> {
    let Some(asked) = asked else { return Ok(false) };
    let seen = ownership::of(tx, id).await?.and_then(|ownership| ownership.rotate_seen);
    if seen.as_deref() == Some(asked) {
        return Ok(false);
    }
    create_next(tx, Some(id), SecretName::DataKey, &encryption_key(random)?).await?;
    let sql = "INSERT INTO tenantry.rotation_requests (organization_id, requested_at) VALUES ($1, $2) \
        ON CONFLICT (organization_id) DO UPDATE SET requested_at = excluded.requested_at";
    tx.run(sql, &[id.into(), tx.now.into()]).await?;
    ownership::see_rotate(tx, id, asked).await?;
    note(tx, id, actor, AuditKind::DataKeyRotated, None).await?;
    Ok(true)
}
