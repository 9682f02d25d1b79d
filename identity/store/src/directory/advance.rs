use tenantry_directory::{Digest, OrganizationId, UserId};

use crate::sql::Row;
use crate::{Store, StoreError, Tx, accounts, holds};

/// Marks looked at in one transaction: bounds how long others wait for it.
const BATCH: i64 = 500;

/// Looks at every new mark: a row that somebody changed by hand is taken notice of, and the mark's digest is kept,
/// before anybody hears of it. Two publishers that do so at once write the same.
pub(super) async fn advance(store: &Store) -> Result<(), StoreError> {
    loop {
        let mut tx = store.read().await?;
        let fresh = tx
            .maybe("SELECT version FROM tenantry.directory_changes WHERE digest IS NULL LIMIT 1", &[])
            .await?
            .is_some();
        tx.rollback().await?;
        if !fresh {
            return Ok(());
        }
        let mut tx = store.write().await?;
        advance_some(&mut tx).await?;
        tx.commit().await?;
    }
}

async fn advance_some(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "SELECT version, digest FROM tenantry.directory_changes WHERE digest IS NOT NULL \
        ORDER BY version DESC LIMIT 1";
    let mut digest = match tx.maybe(sql, &[]).await? {
        Some(row) => read_digest(&row)?.unwrap_or_else(|| Digest::genesis(tx.backend_identity())),
        None => Digest::genesis(tx.backend_identity()),
    };
    let sql = "SELECT version, kind, key, nonce FROM tenantry.directory_changes WHERE digest IS NULL \
        ORDER BY version LIMIT $1";
    let rows = tx.all(sql, &[BATCH.into()]).await?;
    let mut seen = std::collections::HashSet::new();
    for row in rows {
        let (version, kind, key) = (row.int("version")?, row.text("kind")?, row.text("key")?);
        digest = digest.next(version, &kind, &key, &row.text("nonce")?);
        let sql = "UPDATE tenantry.directory_changes SET digest = $2, read_at = $3 \
            WHERE version = $1 AND digest IS NULL";
        tx.run(sql, &[version.into(), digest.as_bytes().as_slice().into(), tx.now.into()]).await?;
        if seen.insert((kind.clone(), key.clone())) {
            take_notice(tx, &kind, &key).await?;
        }
    }
    Ok(())
}

async fn take_notice(tx: &mut Tx, kind: &str, key: &str) -> Result<(), StoreError> {
    match (kind, key.parse::<i64>()) {
        ("user", Ok(id)) => accounts::current(tx, UserId(id)).await.map(drop),
        ("organization", Ok(id)) => holds::observe(tx, OrganizationId(id)).await.map(drop),
        ("everything", _) => {
            accounts::observe_all(tx).await?;
            holds::observe_all(tx).await
        }
        _ => Ok(()),
    }
}

pub(super) fn read_digest(row: &Row) -> Result<Option<Digest>, StoreError> {
    row.opt_bytes("digest")?
        .map(|bytes| {
            let bytes: [u8; 32] = bytes
                .try_into()
                .map_err(|_| StoreError::corrupt("directory_changes.digest", "is not of 32 bytes"))?;
            Ok(Digest::from_bytes(bytes))
        })
        .transpose()
}
