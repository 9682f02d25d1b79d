use std::time::Duration;

use super::state::Memory;
use crate::{Store, StoreError, lockout};

/// Marks kept for gates that were away for a moment; who was away longer gets a snapshot.
const KEPT_MARKS: i64 = 1000;
const MARKS_KEPT_FOR: Duration = Duration::from_hours(1);
/// Ended sessions kept for people who look into what happened.
const SESSIONS_KEPT_FOR: Duration = Duration::from_hours(30 * 24);
/// Keys kept after their last token expired, or after they were revoked.
const KEYS_KEPT_FOR: Duration = Duration::from_hours(30 * 24);
const LOCKOUT_KEPT_FOR: Duration = Duration::from_hours(24);

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the tables")]
pub struct Pruned {
    pub marks: u64,
    pub sessions: u64,
    pub signing_keys: u64,
    pub lockouts: u64,
}

impl Store {
    /// Forgets what nothing depends on any more. Meant for the background, hourly.
    pub async fn prune(&self) -> Result<Pruned, StoreError> {
        let mut tx = self.write().await?;
        let sql = "DELETE FROM tenantry.directory_changes WHERE digest IS NOT NULL AND read_at < $1 \
            AND version <= (SELECT version FROM tenantry.directory_head WHERE only_row = 1) - $2";
        let values = [tx.now.minus(MARKS_KEPT_FOR).into(), KEPT_MARKS.into()];
        let marks = tx.run(sql, &values).await?;
        // Ended before it is deleted: a session that vanishes while it is on counts as revoked by hand.
        let memory = Memory::read(&mut tx).await?;
        let sql = "UPDATE tenantry.sessions SET ended_at = expires_at, end_reason = 'expired' \
            WHERE ended_at IS NULL AND expires_at < $1";
        tx.run(sql, &[memory.since(tx.now).into()]).await?;
        let sql = "DELETE FROM tenantry.sessions WHERE ended_at < $1";
        let sessions = tx.run(sql, &[tx.now.minus(SESSIONS_KEPT_FOR).into()]).await?;
        let sql = "DELETE FROM tenantry.signing_keys WHERE verify_until < $1 OR revoked_at < $1";
        let signing_keys = tx.run(sql, &[tx.now.minus(KEYS_KEPT_FOR).into()]).await?;
        let lockouts = lockout::prune(&mut tx, LOCKOUT_KEPT_FOR).await?;
        tx.commit().await?;
        Ok(Pruned { marks, sessions, signing_keys, lockouts })
    }
}
