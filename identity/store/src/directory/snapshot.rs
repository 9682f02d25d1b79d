use tenantry_directory::{Digest, Snapshot};

use super::advance::{advance, read_digest};
use super::state::{self, Memory};
use crate::{Store, StoreError, Tx, backend, organizations};

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Nobody has written the Backend's settings yet.
    #[error("the Backend has no settings yet")]
    NoSettings,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// The whole directory, in one consistent read.
    pub async fn snapshot(&self) -> Result<Snapshot, SnapshotError> {
        advance(self).await?;
        let mut tx = self.read().await?;
        let snapshot = read(&mut tx).await?;
        tx.rollback().await?;
        Ok(snapshot)
    }
}

async fn read(tx: &mut Tx) -> Result<Snapshot, SnapshotError> {
    let backend = backend::settings(tx).await?.ok_or(SnapshotError::NoSettings)?;
    let memory = Memory::read(tx).await?;
    let (version, digest) = position(tx).await?;
    let mut organizations = Vec::new();
    for row in organizations::list(tx).await? {
        if let Some(organization) = state::shown(&row) {
            organizations.push((row.id, organization));
        }
    }
    let sql = "SELECT kid, organization_id, public_key, verify_until, revoked_at FROM tenantry.signing_keys \
        WHERE revoked_at IS NULL AND (verify_until IS NULL OR verify_until > $1) ORDER BY kid";
    let rows = tx.all(sql, &[tx.now.into()]).await?;
    let keys = rows.iter().map(state::read_key).collect::<Result<_, _>>()?;
    let forgotten = memory.since(tx.now);
    let sql = "SELECT a.user_id, a.epoch, a.epoch_changed_at, u.is_active FROM tenantry.accounts a \
        LEFT JOIN users u ON u.id = a.user_id WHERE a.epoch > 1 AND a.epoch_changed_at > $1 ORDER BY a.user_id";
    let rows = tx.all(sql, &[forgotten.into()]).await?;
    let users = rows.iter().map(|row| state::min_epoch(row, &memory)).collect::<Result<_, _>>()?;
    let sql = "SELECT id, ended_at FROM tenantry.sessions WHERE ended_at > $1 ORDER BY id";
    let rows = tx.all(sql, &[forgotten.into()]).await?;
    let mut sessions = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Ok(id) = row.text("id")?.parse() {
            sessions.push((id, memory.until(row.at("ended_at")?)));
        }
    }
    Ok(Snapshot {
        version,
        digest,
        read_at_ms: 0,
        critical: Vec::new(),
        backend,
        organizations,
        keys,
        users,
        sessions,
    })
}

/// The last mark that was looked at. Later ones, if this read sees any of their rows already, are sent again.
async fn position(tx: &mut Tx) -> Result<(i64, Digest), StoreError> {
    let sql = "SELECT version, digest FROM tenantry.directory_changes WHERE digest IS NOT NULL \
        ORDER BY version DESC LIMIT 1";
    let genesis = Digest::genesis(tx.backend_identity());
    let Some(row) = tx.maybe(sql, &[]).await? else { return Ok((0, genesis)) };
    Ok((row.int("version")?, read_digest(&row)?.unwrap_or(genesis)))
}
