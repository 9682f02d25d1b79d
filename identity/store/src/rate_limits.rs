//! Attempts that several processes count together, by the generic cell rate algorithm: a key's allowance is whole again at a time, each
//! attempt moves that time, and what would move it too far ahead is refused. One statement decides and counts.

use std::time::Duration;

use crate::{Store, StoreError};

/// So many attempts at once, and one more each time that `every` has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Attempts at once, at least 1.
    pub burst: u32,
    /// Time in which one attempt is given back.
    pub every: Duration,
}

impl Store {
    /// Counts an attempt of `key`, which should be a digest of whatever it stands for; or how long to wait, and then nothing is counted.
    pub async fn attempt(&self, key: &str, rate: Rate) -> Result<Result<(), Duration>, StoreError> {
        let mut tx = self.write().await?;
        let now = tx.now;
        // Times are kept in whole milliseconds.
        let every = rate.every.max(Duration::from_millis(1));
        let whole = now.plus(every.saturating_mul(rate.burst.max(1)));
        // What lies beyond the allowance was counted by another, longer one.
        let sql = "INSERT INTO tenantry.rate_limits AS known (key, whole_at) VALUES ($1, $2) \
            ON CONFLICT (key) DO UPDATE SET whole_at = CASE WHEN known.whole_at > $4 THEN $4 \
            WHEN known.whole_at > $3 THEN known.whole_at + ($2 - $3) ELSE $2 END \
            WHERE known.whole_at > $4 OR known.whole_at <= $3 OR known.whole_at + ($2 - $3) <= $4";
        let values = [key.into(), now.plus(every).into(), now.into(), whole.into()];
        let counted = tx.run(sql, &values).await? > 0;
        if counted {
            tx.commit().await?;
            return Ok(Ok(()));
        }
        let found =
            tx.maybe("SELECT whole_at FROM tenantry.rate_limits WHERE key = $1", &[key.into()]).await?;
        let whole_at = found.map(|row| row.at("whole_at")).transpose()?.unwrap_or(now);
        tx.rollback().await?;
        let over = whole_at.plus(every).millis().saturating_sub(whole.millis());
        Ok(Err(Duration::from_millis(u64::try_from(over).unwrap_or(0).max(1))))
    }

    /// Forgets whose allowance is whole; how many.
    pub async fn forget_attempts(&self) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let values = [tx.now.into()];
        let forgotten = tx.run("DELETE FROM tenantry.rate_limits WHERE whole_at < $1", &values).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}
