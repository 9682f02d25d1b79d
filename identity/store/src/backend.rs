//! The Backend that this database belongs to: its identity, for good, and its settings, as gates need them.

use tenantry_directory::BackendSettings;

use crate::open::OpenError;
use crate::{StoreError, Tx};

/// The settings last written; `None`: none yet.
pub async fn settings(tx: &mut Tx) -> Result<Option<BackendSettings>, StoreError> {
    let row = tx.maybe("SELECT settings FROM tenantry.backend WHERE only_row = 1", &[]).await?;
    let Some(settings) = row.map(|row| row.opt_text("settings")).transpose()?.flatten() else {
        return Ok(None);
    };
    serde_json::from_str(&settings)
        .map(Some)
        .map_err(|error| StoreError::corrupt("backend.settings", error.to_string()))
}

/// Writes the settings if they differ; whether they did.
pub async fn set_settings(tx: &mut Tx, settings: &BackendSettings) -> Result<bool, StoreError> {
    let settings = serde_json::to_string(settings)
        .map_err(|error| StoreError::corrupt("backend.settings", error.to_string()))?;
    let sql = "UPDATE tenantry.backend SET settings = $1, updated_at = $2 \
        WHERE only_row = 1 AND coalesce(settings, '') <> $1";
    Ok(tx.run(sql, &[settings.into(), tx.now.into()]).await? > 0)
}

/// Holds off everybody else who would make the Backend's own keys, until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "SELECT only_row FROM tenantry.backend WHERE only_row = 1 FOR NO KEY UPDATE";
    tx.one(sql, &[]).await.map(drop)
}

/// Takes an unclaimed database for this Backend; refuses another's. Writes nothing where everything stands.
pub(crate) async fn claim(tx: &mut Tx, cluster: &str) -> Result<(), OpenError> {
    let wanted = tx.backend_identity().to_owned();
    let found = match identity(tx).await? {
        Some(found) => found,
        None => {
            let sql = "INSERT INTO tenantry.backend (only_row, identity, updated_at) VALUES (1, $1, $2) \
                ON CONFLICT (only_row) DO NOTHING";
            tx.run(sql, &[wanted.as_str().into(), tx.now.into()]).await?;
            identity(tx).await?.unwrap_or_default()
        }
    };
    if found != wanted {
        return Err(OpenError::OtherBackend { found, wanted });
    }
    let joined = "SELECT 1 AS one FROM tenantry.clusters WHERE cluster_id = $1";
    if tx.maybe(joined, &[cluster.into()]).await?.is_none() {
        let sql = "INSERT INTO tenantry.clusters (cluster_id, joined_at) VALUES ($1, $2) \
            ON CONFLICT (cluster_id) DO NOTHING";
        tx.run(sql, &[cluster.into(), tx.now.into()]).await?;
    }
    Ok(())
}

async fn identity(tx: &mut Tx) -> Result<Option<String>, StoreError> {
    let found = tx.maybe("SELECT identity FROM tenantry.backend WHERE only_row = 1", &[]).await?;
    found.map(|row| row.text("identity")).transpose()
}
